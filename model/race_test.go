//go:build race

package model_test

// raceEnabled: the race detector makes a sync.Pool forget, so allocations cannot be counted.
const raceEnabled = true
