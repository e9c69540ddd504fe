package main

import (
	"os/exec"
	"syscall"
)

// peak is the most bytes that a process which has ended had in memory.
func peak(cmd *exec.Cmd) float64 {
	return float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) * 1024
}
