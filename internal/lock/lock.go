package lock

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrHeld is wrapped if another process, or another lock of this process, holds the file.
var ErrHeld = errors.New("in use")

// File is a file that is locked until it is closed. The file is never removed. It contains the
// number of the last process that locked it.
type File struct{ file *os.File }

// Take creates the file if necessary and locks it, without waiting.
func Take(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		text, _ := io.ReadAll(io.LimitReader(f, 20))
		f.Close()
		if errors.Is(err, ErrHeld) && len(text) > 0 {
			return nil, fmt.Errorf("%w by process %s", ErrHeld, strings.TrimSpace(string(text)))
		}
		return nil, err
	}
	if err := f.Truncate(0); err == nil { // only for people to read
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &File{f}, nil
}

// Folder locks a folder with the file "lock" in it. what names what is in the folder, such as
// "run", for the error.
func Folder(dir, what string) (*File, error) {
	f, err := Take(filepath.Join(dir, "lock"))
	var path *fs.PathError
	switch {
	case errors.Is(err, ErrHeld):
		return nil, fmt.Errorf("the %s in %s is %w: wait for it, or end it first", what, dir, err)
	case errors.As(err, &path):
		return nil, fmt.Errorf("the folder %s cannot be written to: %w", dir, path.Err)
	case err != nil:
		return nil, fmt.Errorf("the folder %s cannot be locked: %w", dir, err)
	}
	return f, nil
}

// Close releases the lock.
func (f *File) Close() error { return f.file.Close() }
