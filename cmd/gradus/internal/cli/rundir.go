package cli

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/internal/lock"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// runDir is a folder that keeps a run: config.json, two checkpoints, history.csv and, when
// the run has ended, result.json and curves.svg. It is locked while a process uses it. Of several ranks, rank 0 has it
// locked, and the others keep the members of an ensemble there that they train.
type runDir struct {
	path string
	lock *lock.File // nil: rank 0 has the folder locked, or it is that of a member
	checkpoints
	events events

	opening sync.Mutex
	members map[int]*runDir // of an ensemble: a folder for each member
}

// runConfig is config.json: the flags of the run, as --config reads them.
type runConfig struct {
	Data keptPaths `json:"data"`
	Out  string    `json:"out"`
	readFlags
	From   string `json:"from,omitempty"`
	Memory string `json:"memory,omitempty"`
	Cache  string `json:"cache,omitempty"`
	model.Options
	Validation      any    `json:"validation,omitempty"` // a fraction or a file
	Test            any    `json:"test,omitempty"`
	CheckpointEvery string `json:"checkpoint_every,omitempty"`

	// What resume needs besides the flags.
	Folder      string            `json:"folder,omitempty"`      // the folder in which the call was made
	Fingerprint map[string]string `json:"fingerprint,omitempty"` // of the tables
	EventFiles  bool              `json:"event_files,omitempty"` // --tensorboard, which only makes sense with --run
	Notes       []string          `json:"notes,omitempty"`       // on flags; this file holds the flags as they were understood
}

// startFile is the run's own copy of the weights that --from named.
const startFile = "from.safetensors"

// notFlags are the keys of config.json that --config ignores.
var notFlags = []string{"folder", "fingerprint", "event-files", "notes"}

// newRunDir makes the folder and writes its config.json before the first step.
func newRunDir(path string, c *trainCmd, f *model.Fit) (*runDir, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, fmt.Errorf("--run: the folder %s cannot be made: %w", path, errors.Unwrap(err))
	}
	atomicfile.SyncFolder(filepath.Dir(filepath.Clean(path)))
	if err := holdsNone(path); err != nil {
		return nil, err
	}
	d, err := openRunDir(path)
	if err != nil {
		return nil, fmt.Errorf("--run: %w", err)
	}
	if err := holdsNone(path); err != nil { // another process may have been faster
		d.close()
		return nil, err
	}
	config := runConfig{
		Data: keptPaths(c.Data), Out: c.Out, readFlags: c.readFlags, From: c.From, Memory: c.Memory, Cache: c.Cache, Options: f.Again(),
		CheckpointEvery: c.CheckpointEvery.String(), EventFiles: c.TensorBoard, Fingerprint: f.Fingerprints(),
		Notes: option.Notes(f.Notes),
	}
	config.Members = f.Members()  // even 1, because the default may differ
	config.Folder, _ = os.Getwd() // if it is not known, names stay as they were given
	if file := c.text("validation"); file != "" {
		config.Validation = data.WithoutPassword(file)
	}
	if file := c.text("test"); file != "" {
		config.Test = data.WithoutPassword(file)
	}
	if c.From != "" {
		raw, err := os.ReadFile(c.From)
		if err == nil {
			err = d.write(startFile, func(w io.Writer) error {
				_, err := w.Write(raw)
				return err
			})
		}
		if err != nil {
			d.close()
			return nil, fmt.Errorf("--run: the weights of --from could not be kept: %w", err)
		}
	}
	if err := d.write("config.json", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(config)
	}); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// holdsNone refuses a folder that holds a run.
func holdsNone(path string) error {
	_, err := os.Stat(filepath.Join(path, "config.json"))
	switch {
	case err == nil:
		return fmt.Errorf("--run: %s holds a run already; continue it with gradus resume %s, name another folder, or remove it", path, shellWord(path))
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--run: %w", err)
	}
	return nil
}

// openRunDir locks an existing folder.
func openRunDir(path string) (*runDir, error) {
	held, err := lock.Folder(path, "run")
	if err != nil {
		return nil, err
	}
	d := &runDir{path: path, lock: held}
	atomicfile.RemoveTemp(path)
	return d, nil
}

// member returns the folder of a member's checkpoints and history.
func (d *runDir) member(k int) (*runDir, error) {
	d.opening.Lock()
	defer d.opening.Unlock()
	if own := d.members[k]; own != nil {
		return own, nil
	}
	own := &runDir{path: memberPath(d.path, k)}
	if err := os.MkdirAll(own.path, 0o777); err != nil {
		return nil, fmt.Errorf("--run: the folder %s cannot be made: %w", own.path, errors.Unwrap(err))
	}
	atomicfile.RemoveTemp(own.path)
	if d.members == nil {
		d.members = map[int]*runDir{}
	}
	d.members[k] = own
	return own, nil
}

func memberPath(dir string, k int) string { return filepath.Join(dir, fmt.Sprintf("member-%d", k)) }

// saveMember writes a member's current state. A nil runDir keeps nothing.
func (d *runDir) saveMember(k int, f *model.Fit) error {
	if d == nil {
		return nil
	}
	own, err := d.member(k)
	if err != nil {
		return err
	}
	return own.save(f)
}

// endMember writes a member's final state. If that cannot be written, training goes on: the previous
// checkpoint is still there, and the end of the run reports the error.
func (d *runDir) endMember(k int, f *model.Fit) {
	if err := d.saveMember(k, f); err != nil && d.lost == nil {
		d.lost = err
	}
}

// restoreMember continues a member from its newest checkpoint, if it has one.
func (d *runDir) restoreMember(e *env, k int, f *model.Fit) error {
	own, err := d.member(k)
	if err != nil {
		return err
	}
	c, file, damaged, err := own.newest()
	if err != nil || c == nil {
		return err
	}
	defer file.Close()
	if damaged != nil {
		e.warn("%s; continuing from the one before it, of update %d", oneLine(damaged), c.Steps)
	}
	if err := f.Restore(c); err != nil {
		return fmt.Errorf("%s: %w", own.path, err)
	}
	return nil
}

func (d *runDir) close() {
	d.stop()
	if d.events.file != nil {
		d.events.file.Close()
	}
	if d.lock != nil {
		d.lock.Close()
	}
}

func (d *runDir) file(name string) string { return filepath.Join(d.path, name) }

func (d *runDir) write(name string, fill func(io.Writer) error) error {
	return atomicfile.Write(d.file(name), fill)
}

// finish writes the results of the run: result.json, as --json prints it, and the curves.
func (d *runDir) finish(m *model.Model, result trainJSON) error {
	if d == nil {
		return nil
	}
	if err := d.write("result.json", func(w io.Writer) error { return json.NewEncoder(w).Encode(result) }); err != nil {
		return err
	}
	return d.write("curves.svg", func(w io.Writer) error {
		return plot.Write(w, "svg", modelCurves(m))
	})
}

// readBestEpoch reads from result.json the epoch whose weights the run kept. 0 means the last epoch, or
// a run that has not ended.
func readBestEpoch(path string) (int, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s: this cannot be read: %w", path, errors.Unwrap(err))
	}
	var result struct {
		BestEpoch int `json:"best_epoch"`
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return result.BestEpoch, nil
}

var historyColumns = []string{"epoch", "steps", "loss", "validation", "rate", "seconds"}

func writeHistory(w io.Writer, h train.History) error {
	out := csv.NewWriter(w)
	if err := out.Write(historyColumns); err != nil {
		return err
	}
	f := func(x float64) string {
		if x != x {
			return ""
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	for _, p := range h {
		if err := out.Write([]string{strconv.Itoa(p.Epoch), strconv.Itoa(p.Steps), f(p.Loss), f(p.Validation), f(p.LearningRate), f(p.Seconds)}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// memberHistories reads the histories of an ensemble's members. It returns nil if the folder has none.
func memberHistories(dir string) (all []train.History, err error) {
	for k := 0; ; k++ {
		path := filepath.Join(memberPath(dir, k), "history.csv")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return all, nil
		}
		h, err := readHistory(path)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
}

// readHistory reads a history.csv back.
func readHistory(path string) (train.History, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: a run's folder has a history.csv, and this cannot be read: %w", path, errors.Unwrap(err))
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 || len(rows[0]) != len(historyColumns) || rows[0][0] != "epoch" {
		return nil, fmt.Errorf("%s: the first line should be %q", path, historyColumns)
	}
	var h train.History
	for i, r := range rows[1:] {
		var v [6]float64
		for j, cell := range r {
			if cell == "" {
				v[j] = nan
				continue
			}
			if v[j], err = strconv.ParseFloat(cell, 64); err != nil {
				return nil, fmt.Errorf("%s:%d: %s is %q, not a number", path, i+2, historyColumns[j], cell)
			}
		}
		h = append(h, train.Point{Epoch: int(v[0]), Steps: int(v[1]), Loss: v[2], Validation: v[3], LearningRate: v[4], Seconds: v[5]})
	}
	return h, nil
}
