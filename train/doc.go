// Package train runs gradient descent.
//
//   - Config: what to do, as one plain struct.
//   - Trainer: one run. Steps is the loop, an iterator over updates; Run is the loop without
//     a body. Leaving the loop with break leaves a state that Steps continues.
//   - Stop: when to end; small values that combine with Any and All.
//   - Observer: who looks on while a run trains; package diagnosis has one, which says why a run failed.
//   - History: the losses of a run, never more than about 8,500 points.
//
// Everything a run draws at random depends on (seed, epoch) alone, and every sum has a
// fixed order: the same data, configuration and seed give the same weights.
//
// # Ownership and goroutines
//
// A Trainer belongs to one goroutine. It changes the network that it was given, which nothing else may
// use while an update is made; the body of the loop may. It keeps the matrices and weights of its Data
// without a copy: it never writes to them, and nothing else may until the run has ended. Of a Stream's
// chunks it keeps nothing. What Result, History and Retreats return are copies.
//
// The functions of a Config and a Stream, its criteria and its schedule are called from the goroutine of
// the loop. Other goroutines, up to Threads of them, exist only while the loop runs: they end when it is
// left, by break too.
package train
