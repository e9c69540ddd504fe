//go:build !linux

package main

import "os"

// peakMemory is 0, not known: systems count in different units.
func peakMemory(*os.ProcessState) int64 { return 0 }
