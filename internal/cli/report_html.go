package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/lab"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// reportCmd is "gradus report RUN_DIR -o FILE.html".
type reportCmd struct {
	RunDir string `arg:"" name:"run-dir" help:"A run's folder, as gradus train --run made it."`
	Out    string `short:"o" required:"" placeholder:"FILE" help:"The page: .html."`
}

func (c *reportCmd) Run(e *env) error {
	if ext := strings.ToLower(filepath.Ext(c.Out)); ext != ".html" && ext != ".htm" {
		return usagef("--out %s: a report is a page; give a name that ends in .html", c.Out)
	}
	if err := checkOut(c.Out, kindReport); err != nil {
		return err
	}
	if err := ended(c.RunDir); err != nil {
		return err
	}
	h, err := readHistory(filepath.Join(c.RunDir, "history.csv"))
	if err != nil {
		return err
	}
	r := lab.Report{Title: "Run " + filepath.Base(filepath.Clean(c.RunDir)), History: h}
	path := filepath.Join(c.RunDir, "result.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: this cannot be read: %w", path, errors.Unwrap(err))
	}
	var result struct {
		Model *string         `json:"model"`
		Notes []string        `json:"notes"`
		Sum   string          `json:"weights_sha256"`
		Found []train.Finding `json:"diagnosis"`
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r.Notes, r.Found = result.Notes, result.Found
	switch m, err := loadOf(result.Model); {
	case err != nil:
		r.Notes = append(r.Notes, fmt.Sprintf("The model is not in this report: %s.", oneLine(err)))
	case m.WeightsSHA256() != result.Sum:
		r.Notes = append(r.Notes, fmt.Sprintf("The model is not in this report: %s holds other weights than the run left.", *result.Model))
	default:
		r.Model = m
	}
	if err := atomicfile.Write(c.Out, func(w io.Writer) error { return lab.WriteReport(w, r) }); err != nil {
		return err
	}
	e.printf("%s\n", c.Out)
	return nil
}

// ended says what to do where a folder holds no run, or one that has not ended.
func ended(dir string) error {
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return !errors.Is(err, fs.ErrNotExist)
	}
	switch {
	case there("result.json"):
		return nil
	case there("config.json"):
		return fmt.Errorf("%s: the run has not ended, so there is nothing to report yet; gradus resume %s continues it", dir, shellWord(dir))
	}
	return fmt.Errorf("%s holds no run; name a folder that was given to gradus train --run", dir)
}

// loadOf loads the model that a run's result names, from where the run was started.
func loadOf(path *string) (*model.Model, error) {
	if path == nil || *path == "" {
		return nil, fmt.Errorf("the run left none")
	}
	return model.Load(*path)
}
