// Package train runs gradient descent.
//
//   - Config: what to do, as one plain struct.
//   - Trainer: one run. Steps is the loop, an iterator over updates; Run is the loop without
//     a body. Leaving the loop with break leaves a state that Steps continues.
//   - Stop: when to end; small values that combine with Any and All.
//   - History: the losses of a run, never more than about 8,500 points.
//
// Everything a run draws at random depends on (seed, epoch) alone, and every sum has a
// fixed order: the same data, configuration and seed give the same weights.
package train
