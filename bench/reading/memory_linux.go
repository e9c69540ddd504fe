package main

import (
	"os"
	"syscall"
)

// peakMemory is the most memory that an ended process held, in bytes.
func peakMemory(s *os.ProcessState) int64 {
	if usage, ok := s.SysUsage().(*syscall.Rusage); ok {
		return int64(usage.Maxrss) << 10 // Linux counts KiB
	}
	return 0
}
