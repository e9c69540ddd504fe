package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
	h, err := readHistory(filepath.Join(c.RunDir, "history.csv"))
	if err != nil {
		return err
	}
	r := lab.Report{Title: "Run " + filepath.Base(filepath.Clean(c.RunDir)), History: h}
	path := filepath.Join(c.RunDir, "result.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("a run's folder has a result.json when the run has ended, and this cannot be read: %w", err)
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

// loadOf loads the model that a run's result names, from where the run was started.
func loadOf(path *string) (*model.Model, error) {
	if path == nil || *path == "" {
		return nil, fmt.Errorf("the run left none")
	}
	return model.Load(*path)
}
