// Package team spreads short pieces of work over cores.
//
// Waking a sleeping goroutine costs more than many a training step, so the workers of a
// Team wait for the next piece awake for a little while before they go to sleep. The
// caller works too, and pieces are handed out one by one, so a core that something else
// keeps busy holds up at most one piece.
package team
