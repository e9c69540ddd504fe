// Package lab serves the page on which a run can be seen, touched and checked step by step.
//
// A [Session] is one run: a [Setup] on a table. It moves forward by samples, batches and epochs,
// and back to any earlier update. The browser computes nothing about the model. Every number
// and every picture on the page comes from the engine that trains, as pieces of HTML and SVG.
// [Server] sends them as events, and the page's script puts them in their places.
//
// What is trained:
//
//	setup       what is trained, also as a link
//	form        its fields, each a flag of gradus train
//	command     the same as a command line and a Go program
//	examples    the tables to begin with
//	session     one run, and its visitor's view of it
//	steps       moving it by samples, batches and epochs
//	timeline    going back: checkpoints of the run at growing distances
//	running     moving by itself, watched or not
//	breakpoint  what stops that
//	background  work in the background
//	limits      what a session may hold and compute
//
// What is seen:
//
//	view        what the visitor has chosen to look at
//	frame       what there is to see, taken while the run stands still
//	panels      the parts of the page, one function each
//	pass        a row's pass through the network
//	formula     the chain rule in MathML
//	nextrows    the rows of the next update
//	rule        the next update by the rule's equations
//	learned     a small picture of what each hidden unit has learned
//	unit        a unit's numbers, with those of its neighbors
//	verify      every gradient compared with a numeric derivative
//	race        several runs from the same start, as lanes of a race
//	surface     the loss over a plane, with the lanes' trajectories
//	fit         predictions compared with targets
//	health      what flows through the layers
//	reasons     Shapley values and partial dependence, for reports and the command line
//	fault       three runs that go wrong, to predict first
//	guide       the lesson, step by step
//	report      a run as one self-contained page; report_rows has its pictures of predictions
//	panel_*     what the templates of single panels ask for
//
// Who sees it:
//
//	server      the page and its addresses
//	guard       who may talk to it
//	visitors    which session belongs to which visitor
//	place       the address of what is shown
//	events      frames, sent as they come
//	streams     how many pages of a visitor get frames
//	actions     what buttons and fields ask for
//	upload      a visitor's own table
//	sheet       one step to work out on paper, and its solution
//	download    tables, numbers, pictures, reports and models
package lab
