// Package bench measures how fast this machine trains, through the public trainer, as a
// share of what it can do at all: its peak of fused multiply-adds, measured in the same run.
package bench
