// Package bench measures how fast this machine trains with the public trainer. It reports the speed also
// as a share of the machine's peak of fused multiply-adds, measured in the same run.
package bench
