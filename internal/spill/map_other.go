//go:build !(linux || darwin || freebsd)

package spill

import (
	"errors"
	"os"
)

const supported = false

func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }
func unmap([]byte) error                    { return nil }
func release([]byte)                        {}
func reserve(*os.File, int) error           { return errors.ErrUnsupported }

// Room returns 0: the space left on a folder's disk is not known on this system.
func Room(string) uint64 { return 0 }
