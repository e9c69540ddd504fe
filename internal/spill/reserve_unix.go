//go:build darwin || freebsd

package spill

import (
	"os"

	"golang.org/x/sys/unix"
)

// reserve reserves disk space for a file.
func reserve(f *os.File, size int) error { return fill(f, size) }

func inMemory(*unix.Statfs_t) bool { return false }
