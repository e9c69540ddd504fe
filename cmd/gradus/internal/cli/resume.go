package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/mpi"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// resumeCmd is "gradus resume RUN_DIR".
type resumeCmd struct {
	Dir     string `arg:"" name:"run-dir" help:"The folder of a run that was trained with --run."`
	Out     string `short:"o" placeholder:"FILE" help:"The model. Default: where the run would have put it."`
	Threads *int   `placeholder:"N" help:"How many cores to use at most; the result has the same bits. Default: as in the run."`
	JSON    bool   `name:"json" help:"One JSON object on standard output, and nothing else there."`
	Quiet   bool   `help:"No progress."`
}

// resumed is a run that is continued, or begun if it has no checkpoint yet.
type resumed struct {
	path       string
	dir        *runDir // nil on all ranks but rank 0
	config     runConfig
	checkpoint *train.Checkpoint // nil: none was written
	file       *os.File          // the checkpoint's file
	ownStart   bool              // the folder has the weights that the run started from
}

func (given *resumeCmd) Run(e *env) error {
	if err := e.join(); err != nil {
		return err
	}
	c := *given // parsing again would empty it
	path := filepath.Join(c.Dir, "config.json")
	raw, err := os.ReadFile(path)
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("%s: a run's folder has a config.json, and this cannot be read: %w; name a folder that was given to gradus train --run", path, pathErr.Err)
	}
	r := resumed{path: c.Dir}
	if err := json.Unmarshal(raw, &r.config); err != nil {
		return fmt.Errorf("%s: this is not a run's configuration: %w", path, err)
	}
	close, err := r.open(e, c.Dir)
	defer close()
	if err := e.agree(nil, err); err != nil {
		return err
	}
	if err := r.share(e); err != nil {
		return err
	}

	var more []string
	if c.Threads != nil {
		more = append(more, "--threads", strconv.Itoa(*c.Threads))
	}
	t, err := r.config.command(e, c.Dir, more...)
	if err != nil {
		return err
	}
	r.ownStart = t.From == filepath.Join(c.Dir, startFile)
	if c.Out != "" {
		t.Out = c.Out
	}
	t.TensorBoard = r.config.EventFiles
	t.RunDir, t.JSON, t.Quiet, t.resumed = c.Dir, c.JSON, c.Quiet, &r
	return t.Run(e)
}

// open locks the folder and opens the newest checkpoint. With several ranks, only rank 0 does so.
func (r *resumed) open(e *env, dir string) (close func(), err error) {
	close = func() {}
	if e.follows() {
		return close, nil
	}
	if r.dir, err = openRunDir(dir); err != nil {
		return close, err
	}
	close = r.dir.close
	var damaged error
	if r.checkpoint, r.file, damaged, err = r.dir.newest(); err != nil {
		return close, err
	}
	if r.file != nil {
		close = func() {
			r.file.Close()
			r.dir.close()
		}
	}
	if damaged != nil {
		fmt.Fprintf(e.remarks(), "gradus: %s; continuing from the one before it, of update %d\n", oneLine(damaged), r.checkpoint.Steps)
	}
	return close, nil
}

// share gives the checkpoint of rank 0 to the others, so that they do not read a file that rank 0 may write.
func (r *resumed) share(e *env) error {
	if e.ranks == nil {
		return nil
	}
	var mine []byte
	if r.file != nil {
		raw, err := os.ReadFile(r.file.Name())
		if err != nil {
			return err
		}
		mine = raw
	}
	all, err := mpi.Share(e.ranks, mine)
	if err != nil || !e.follows() || len(all[0]) == 0 {
		return err
	}
	r.checkpoint, err = train.ReadCheckpoint(bytes.NewReader(all[0]))
	return err
}

// command returns the call of train that made the run in a folder.
func (c *runConfig) command(e *env, dir string, more ...string) (*trainCmd, error) {
	path := filepath.Join(dir, "config.json")
	if c.Members == 0 { // a run of one network, begun when that was the default
		more = append(more, "--members", "1")
	}
	call, err := e.parser.Parse(joinNegative(append([]string{"train", "--config", path}, more...)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := call.Selected().Target.Addr().Interface().(*trainCmd)
	t.Data = paths(t.ConfigData)
	for i := range t.Data {
		t.Data[i] = c.found(t.Data[i])
	}
	t.Out, t.From, t.Cache = c.found(t.Out), c.found(t.From), c.found(t.Cache)
	for _, part := range []string{"validation", "test"} {
		if file := t.text(part); file != "" {
			t.give(part, c.found(file))
		}
	}
	if own := filepath.Join(dir, startFile); t.From != "" {
		if _, err := os.Stat(own); err == nil {
			t.From = own
		}
	}
	return t, nil
}

// found returns a file's name as it is valid in the current folder, if the run was begun in another folder.
func (c *runConfig) found(name string) string {
	here, err := os.Getwd()
	if err != nil || c.Folder == "" || c.Folder == here || name == "" || name == data.Stdin || data.IsDatabase(name) || name == "none" || filepath.IsAbs(name) {
		return name
	}
	if _, err := strconv.ParseFloat(name, 64); err == nil { // a fraction of the rows
		return name
	}
	if _, err := os.Stat(c.Folder); err != nil { // the run was moved
		return name
	}
	return filepath.Join(c.Folder, name)
}

// same returns an error if the tables are not what they were when the run began.
func (c *runConfig) same(f *model.Fit, dir string) error {
	tables := f.Fingerprints()
	for _, what := range []string{"train", "validation", "test"} {
		if then, now := c.Fingerprint[what], tables[what]; then != now {
			return fmt.Errorf("the %s rows are not what they were when the run in %s began (their SHA-256 is %.12s, it was %.12s)",
				map[string]string{"train": "table's", "validation": "validation", "test": "test"}[what], dir, now, then)
		}
	}
	return nil
}

// restore checks that the tables are unchanged, and continues from the checkpoint. It takes
// the run's notes from config.json: a batch size that was clamped at the start is small enough now and causes no note.
func (r *resumed) restore(f *model.Fit) error {
	if err := r.config.same(f, r.path); err != nil {
		return fmt.Errorf("%w: put the old data back, or start a new run", err)
	}
	if r.config.Notes != nil {
		f.Notes = plain(r.config.Notes)
	}
	if r.checkpoint == nil {
		return nil
	}
	if err := f.Restore(r.checkpoint); err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	return nil
}
