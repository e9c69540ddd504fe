// Package team spreads short pieces of work over cores.
//
// Waking a sleeping goroutine costs more than many a training step. So the workers of a Team
// stay awake and wait for the next piece for a little while before they go to sleep. The caller
// works too, and pieces are handed out one by one. So a core that is busy with something else
// holds up at most one piece.
package team
