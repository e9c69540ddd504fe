// Package train runs gradient descent.
//
//   - Config: what to do, as one plain struct.
//   - Trainer: one run. Steps is the loop, an iterator over updates; Run is the loop without
//     a body. Leaving the loop with break leaves a state that Steps continues.
//   - Stop: when to end. The criteria are small values that combine with Any and All.
//   - Observer: watches a run. Package diagnosis has one that says why a run failed.
//   - History: the losses of a run, never more than about 8,500 points.
//
// Everything a run draws at random depends only on the seed and the epoch or update, and every
// sum has a fixed order: the same data, configuration and seed give the same weights.
//
// # Ownership and goroutines
//
// A Trainer belongs to one goroutine. It changes the network it was given. Nothing else may use that
// network during an update; the body of the loop may. The Trainer keeps the matrices and weights of
// its Data without a copy. It never writes to them, and nothing else may until the run has ended. It
// keeps nothing of a Stream's chunks. Result, History and Retreats return copies.
//
// The functions of a Config and a Stream, the criteria and the schedule are called from the loop's
// goroutine. Other goroutines, up to Threads of them, exist only while the loop runs. They end when the
// loop is left, also by break.
package train
