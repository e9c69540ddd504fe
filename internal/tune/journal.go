package tune

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Journal is a file with a line of JSON for what is searched, and one for each trial as soon as
// it has ended. A line that was cut off, by a loss of power say, counts for nothing.
type Journal struct{ file *os.File }

// ErrOther is wrapped when a journal is that of another search.
var ErrOther = errors.New("this is another search")

// OpenJournal opens or makes the file of a search, which head describes, and returns the trials
// that it holds.
func OpenJournal(path string, head any) (*Journal, []Trial, error) {
	want, err := json.Marshal(head)
	if err != nil {
		return nil, nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	var known []Trial
	whole := 0 // bytes
	lines := bufio.NewReader(bytes.NewReader(raw))
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break // an empty rest, or one that was cut off
		}
		whole += len(line)
		if n == 1 {
			if !bytes.Equal(bytes.TrimSpace(line), want) {
				return nil, nil, fmt.Errorf("%s: %w, with other data, flags or version: name another folder", path, ErrOther)
			}
			continue
		}
		var t Trial
		if err := json.Unmarshal(line, &t); err != nil {
			return nil, nil, fmt.Errorf("%s, line %d: this is no trial: %w", path, n, err)
		}
		known = append(known, t)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, nil, err
	}
	j := &Journal{file}
	err = file.Truncate(int64(whole))
	if err == nil {
		_, err = file.Seek(int64(whole), io.SeekStart)
	}
	if err == nil && whole == 0 {
		err = j.write(want)
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return j, known, nil
}

// Add writes a trial and waits until it is on the disk.
func (j *Journal) Add(t Trial) error {
	line, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return j.write(line)
}

func (j *Journal) write(line []byte) error {
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return err
	}
	return j.file.Sync()
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }
