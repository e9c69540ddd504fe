package main

import (
	"os/exec"
	"syscall"
)

// peak returns the peak memory in bytes of a process that has ended.
func peak(cmd *exec.Cmd) float64 {
	return float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) * 1024
}
