package main

import (
	"os"
	"syscall"
)

// peakMemory returns the peak memory in bytes of a process that has ended.
func peakMemory(s *os.ProcessState) int64 {
	if usage, ok := s.SysUsage().(*syscall.Rusage); ok {
		return int64(usage.Maxrss) << 10 // Linux counts KiB
	}
	return 0
}
