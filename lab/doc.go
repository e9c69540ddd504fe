// Package lab serves the page on which a run can be seen, touched and checked step by step.
//
// A [Session] is one run: a [Setup] on a table, moved forwards by samples, batches and epochs
// and backwards to any update before. The browser computes nothing of the model. Every number
// and every picture on the page comes from the engine that trains, as pieces of HTML and SVG
// which the page's script puts in their places; [Server] sends them as events.
//
//	setup     what is trained, as a form, a command line, a Go program and a link
//	examples  the tables to begin with
//	session   one run and its timeline
//	timeline  going back: memories of the run at growing distances
//	look      what a frame shows, taken while the run stands still
//	formula   the chain rule in MathML
//	panels    the parts of the page, one function each
//	race      lanes from one start, and the surface with their paths
//	fault     three runs that go wrong, to predict first
//	lesson    the guided way through the notebook
//	report    a run as one self-contained page
//	server    sessions over HTTP
//	guard     who may talk to the server
package lab
