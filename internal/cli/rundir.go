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

	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// runDir is a folder that keeps a run: config.json, history.csv and curves.svg.
type runDir struct{ path string }

// runConfig is config.json: the flags of the run, as --config takes them.
type runConfig struct {
	Data      string `json:"data"`
	Out       string `json:"out"`
	Delimiter string `json:"delimiter,omitempty"`
	Header    string `json:"header,omitempty"`
	From      string `json:"from,omitempty"`
	model.Options
	Validation any `json:"validation,omitempty"` // a fraction or a file
	Test       any `json:"test,omitempty"`
}

// newRunDir makes the folder and writes its config.json before the first step.
func newRunDir(path string, c *trainCmd, f *model.Fit) (*runDir, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, fmt.Errorf("--run: the folder %s cannot be made: %w", path, errors.Unwrap(err))
	}
	if _, err := os.Stat(filepath.Join(path, "config.json")); err == nil {
		return nil, fmt.Errorf("--run: %s holds a run already; name another folder, or remove it", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--run: %w", err)
	}
	config := runConfig{Data: c.Data, Out: c.Out, Delimiter: c.Delimiter, Header: c.Header, From: c.From, Options: f.Options}
	if c.Validation != "" {
		config.Validation = c.Validation
	}
	if c.Test != "" {
		config.Test = c.Test
	}
	d := &runDir{path}
	return d, d.write("config.json", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(config)
	})
}

func (d *runDir) write(name string, fill func(io.Writer) error) error {
	return atomicfile.Write(filepath.Join(d.path, name), fill)
}

// finish writes what the run came to: result.json, as --json prints it, and the rest.
func (d *runDir) finish(m *model.Model, result trainJSON) error {
	if err := d.write("result.json", func(w io.Writer) error { return json.NewEncoder(w).Encode(result) }); err != nil {
		return err
	}
	if err := d.write("history.csv", func(w io.Writer) error { return writeHistory(w, m.Training.History) }); err != nil {
		return err
	}
	return d.write("curves.svg", func(w io.Writer) error {
		return plot.Write(w, "svg", curves("Learning curves", m.Training.History, m.Training.BestEpoch))
	})
}

// readBestEpoch reads from result.json whose weights the run kept; 0 are the last ones.
func readBestEpoch(path string) (int, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("%s: a run's folder has a result.json when the run has ended, and this cannot be read: %w", path, errors.Unwrap(err))
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
		if err := out.Write([]string{strconv.Itoa(p.Epoch), strconv.Itoa(p.Steps), f(p.Loss), f(p.Validation), f(p.Rate), f(p.Seconds)}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
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
		h = append(h, train.Point{Epoch: int(v[0]), Steps: int(v[1]), Loss: v[2], Validation: v[3], Rate: v[4], Seconds: v[5]})
	}
	return h, nil
}
