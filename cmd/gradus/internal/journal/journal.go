package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/internal/lock"
)

// Journal is a file with a line of JSON that describes the work, followed by a line for each piece of
// it, a T, as soon as the piece has ended. A line that was cut off, for example by a loss of power, is
// ignored. While the journal is open, no other process can use the folder.
type Journal[T any] struct {
	file *os.File
	lock *lock.File
	head []byte // the first line, written together with the first piece so that work that fails at once claims no folder
}

// ErrOther is wrapped when a journal belongs to other work.
var ErrOther = errors.New("a different one")

// Open opens the journal of that name in a folder and returns the pieces that it holds. It creates the
// folder and the journal if necessary. what says in errors what the journal is for, such as "search".
// head describes the work. It is a struct whose JSON keys say in errors what differs.
func Open[T any](dir, name, what string, head any) (*Journal[T], []T, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, nil, fmt.Errorf("the folder %s cannot be made: %w", dir, errors.Unwrap(err))
	}
	held, err := lock.Folder(dir, what)
	if err != nil {
		return nil, nil, err
	}
	j := &Journal[T]{lock: held}
	known, err := j.open(filepath.Join(dir, name), fmt.Sprintf("the %s in %s", what, dir), head)
	if err != nil {
		j.Close()
		return nil, nil, err
	}
	atomicfile.SyncFolder(dir)
	return j, known, nil
}

func (j *Journal[T]) open(path, this string, head any) (known []T, err error) {
	want, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole := 0 // number of bytes in whole lines
	lines := bufio.NewReader(bytes.NewReader(raw))
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break // the rest is empty, or was cut off
		}
		whole += len(line)
		if n == 1 {
			if line = bytes.TrimSpace(line); !bytes.Equal(line, want) {
				return nil, fmt.Errorf("%s is %w (%s differs): repeat the call that began it, or name another folder", this, ErrOther, Difference(line, want))
			}
			continue
		}
		var piece T
		if err := json.Unmarshal(line, &piece); err != nil {
			return nil, fmt.Errorf("%s, line %d: this is damaged: %w; remove the file to begin anew", path, n, err)
		}
		known = append(known, piece)
	}
	if j.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666); err != nil {
		return nil, err
	}
	if err = j.file.Truncate(int64(whole)); err == nil {
		_, err = j.file.Seek(int64(whole), io.SeekStart)
	}
	if whole == 0 {
		j.head = append(want, '\n')
	}
	return known, err
}

// Difference names the keys whose values differ between two JSON objects.
func Difference(a, b []byte) string {
	var one, other map[string]json.RawMessage
	if json.Unmarshal(a, &one) != nil || json.Unmarshal(b, &other) != nil {
		return "its first line"
	}
	differs := map[string]bool{}
	for _, m := range []map[string]json.RawMessage{one, other} {
		for key := range m {
			if !bytes.Equal(one[key], other[key]) {
				differs[key] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(differs)), ", ")
}

// Add writes a piece and waits until it is on disk.
func (j *Journal[T]) Add(piece T) error {
	line, err := json.Marshal(piece)
	if err != nil {
		return err
	}
	if _, err = j.file.Write(append(append(j.head, line...), '\n')); err == nil {
		err = j.file.Sync()
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("cannot write %s: %w; what it holds already is kept", path.Path, path.Err)
	}
	j.head = nil
	return err
}

// Close closes the file and releases the folder.
func (j *Journal[T]) Close() error {
	var err error
	if j.file != nil {
		err = j.file.Close()
	}
	return errors.Join(err, j.lock.Close())
}
