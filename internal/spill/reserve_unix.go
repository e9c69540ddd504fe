//go:build darwin || freebsd

package spill

import "os"

// reserve has the disk promise room for a file.
func reserve(f *os.File, size int) error { return fill(f, size) }
