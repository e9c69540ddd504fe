package spill

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve reserves disk space for a file.
func reserve(f *os.File, size int) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, int64(size))
	for errors.Is(err, unix.EINTR) {
		err = unix.Fallocate(int(f.Fd()), 0, 0, int64(size))
	}
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return fill(f, size)
	}
	return os.NewSyscallError("fallocate", err)
}

func inMemory(st *unix.Statfs_t) bool {
	return int64(st.Type) == unix.TMPFS_MAGIC || int64(st.Type) == unix.RAMFS_MAGIC
}
