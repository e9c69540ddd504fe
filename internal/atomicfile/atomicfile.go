package atomicfile

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes a file through the given function. The bytes go to a temporary file in the same
// folder. It gets the name path only when all of them are on the disk, so a reader sees the old
// file or the new one. After an error the old file is unchanged, and no temporary file is left.
//
// The file's mode is what os.Create would give. A symbolic link is followed. If path exists and
// is not a regular file (a device, a pipe), it is written directly.
//
// The error names the path and wraps its cause.
func Write(path string, write func(io.Writer) error) error {
	if err := writeFile(path, write); err != nil {
		return explain(path, err)
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	mode := fs.FileMode(0)
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return errFolder
	case err == nil && !info.Mode().IsRegular():
		return writeDirectly(path, write)
	case err == nil:
		mode = info.Mode().Perm()
		if err := checkWritable(path); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	temp, err := createTemp(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = fill(temp, mode, write)
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		os.Remove(temp.Name())
		return err
	}
	SyncFolder(filepath.Dir(path))
	return nil
}

var errFolder = errors.New("it is a folder: name a file in it")

// checkWritable refuses a file that os.Create could not open. A rename would replace it anyway.
func checkWritable(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// RemoveTemp removes the temporary files that a killed process has left in a folder. Nothing
// else may be writing there.
func RemoveTemp(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, ".gradus-*.tmp"))
	for _, path := range left {
		os.Remove(path)
	}
}

// createTemp is os.CreateTemp with the mode of os.Create.
func createTemp(dir string) (*os.File, error) {
	for {
		var random [8]byte
		rand.Read(random[:])
		name := filepath.Join(dir, ".gradus-"+hex.EncodeToString(random[:])+".tmp")
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// fill writes, syncs and closes a file. A mode other than 0 is set.
func fill(f *os.File, mode fs.FileMode, write func(io.Writer) error) (err error) {
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if mode != 0 {
		if err := f.Chmod(mode); err != nil {
			return err
		}
	}
	return f.Sync()
}

func writeDirectly(path string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// SyncFolder makes renamed or created files in a folder survive a loss of power, if the system
// can do that.
func SyncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}

// explain returns the message of an error, without the name of the temporary file.
func explain(path string, err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	cause := err
	switch {
	case errors.As(err, &pathErr):
		cause = pathErr.Err
	case errors.As(err, &linkErr):
		cause = linkErr.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Stat(filepath.Dir(path)); errors.Is(statErr, fs.ErrNotExist) {
			return fmt.Errorf("cannot write %s: the folder %s does not exist (%w): make it first", path, filepath.Dir(path), cause)
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("cannot write %s: %w: choose a place you may write to", path, cause)
	}
	return fmt.Errorf("cannot write %s: %w", path, cause)
}
