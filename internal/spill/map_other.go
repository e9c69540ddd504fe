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

// Room is how many bytes a folder's disk has left, which is not known here.
func Room(string) uint64 { return 0 }
