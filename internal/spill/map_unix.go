//go:build linux || darwin || freebsd

package spill

import (
	"os"

	"golang.org/x/sys/unix"
)

const supported = true

func mapFile(f *os.File, size int) ([]byte, error) {
	r, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return r, os.NewSyscallError("mmap", err)
}

func unmap(r []byte) error { return unix.Munmap(r) }

// release removes a region from the process's memory. What was written to it is kept.
func release(r []byte) { unix.Madvise(r, unix.MADV_DONTNEED) }

// Room returns how many bytes a folder's disk has left. It is 0 if the folder is in memory or does
// not exist.
func Room(dir string) uint64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || inMemory(&st) {
		return 0
	}
	return uint64(st.Bavail) * uint64(st.Bsize)
}

// fill writes zeros, so that the disk has space for every byte.
func fill(f *os.File, size int) error {
	zeros := make([]byte, 1<<20)
	for size > 0 {
		n, err := f.Write(zeros[:min(size, len(zeros))])
		if err != nil {
			return err
		}
		size -= n
	}
	return nil
}
