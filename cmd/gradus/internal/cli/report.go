package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// reportCmd is "gradus report RUN_DIR -o FILE.html".
type reportCmd struct {
	RunDir string `arg:"" name:"run-dir" help:"A run's folder, as gradus train --run made it."`
	Out    string `short:"o" required:"" placeholder:"FILE" help:"The page: .html."`
}

func (given *reportCmd) Run(e *env) error {
	c := *given // parsing again would empty it
	if ext := strings.ToLower(filepath.Ext(c.Out)); ext != ".html" && ext != ".htm" {
		return usagef("--out %s: a report is a page; give a name that ends in .html", c.Out)
	}
	if err := checkOut(c.Out, kindReport); err != nil {
		return err
	}
	if err := ended(c.RunDir); err != nil {
		return err
	}
	var h train.History
	members, err := memberHistories(c.RunDir)
	if err != nil {
		return err
	}
	if members != nil {
		h = members[0]
	} else if h, err = readHistory(filepath.Join(c.RunDir, "history.csv")); err != nil {
		return err
	}
	path := filepath.Join(c.RunDir, "result.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: this cannot be read: %w", path, errors.Unwrap(err))
	}
	var result trainJSON
	if err := json.Unmarshal(raw, &result); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var r lab.Report
	var lacking []string
	switch m, err := loadOf(result.Model); {
	case err != nil:
		lacking = append(lacking, fmt.Sprintf("The model is not in this report: %s.", oneLine(err)))
	case m.WeightsSHA256() != result.WeightsSHA256:
		lacking = append(lacking, fmt.Sprintf("The model is not in this report: the weights in %s are not those of the run.", *result.Model))
	default:
		if r, err = c.ofRows(e, m); err != nil {
			lacking = append(lacking, fmt.Sprintf("The predictions for the rows are not in this report: %s.", oneLine(err)))
			r = lab.Report{}
		}
		r.Model = m
	}
	if r.Columns == nil { // without the table, use the columns that the run wrote
		r.Columns = result.reportColumns()
	}
	r.Title, r.History, r.Found = "Run "+filepath.Base(filepath.Clean(c.RunDir)), h, result.Diagnosis
	notes := append(result.Notes, lacking...)
	for _, note := range r.Notes {
		if !slices.Contains(notes, note) { // it is about what was computed now
			notes = append(notes, note)
		}
	}
	r.Notes = notes
	if n := len(result.Members); n > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("The model is the mean of %s. The learning curves and the picture of the network are those of member 0; gradus plot shows the others.", plural.Of(n, "network")))
	}
	if result.StopReason == train.ReasonInterrupted {
		r.Notes = append(r.Notes, fmt.Sprintf("The run was interrupted: gradus resume %s continues it.", shellWord(c.RunDir)))
	}
	if err := atomicfile.Write(c.Out, func(w io.Writer) error { return lab.WriteReport(w, r) }); err != nil {
		return err
	}
	e.printf("%s\n", c.Out)
	return nil
}

// The limits on the cost of importance in a report.
const (
	reportRows    = 2000 // maximum number of rows among which columns are shuffled
	reportRepeats = 3
	reportCurves  = 6   // how many of the most important columns have their partial dependence drawn
	reportColumns = 200 // maximum number of a model's columns; with more, importance is left to gradus importance
)

// ofRows prepares the run again from the same tables, and computes what the report says about the model's predictions on them.
func (c *reportCmd) ofRows(e *env, m *model.Model) (r lab.Report, err error) {
	raw, err := os.ReadFile(filepath.Join(c.RunDir, "config.json"))
	if err != nil {
		return r, err
	}
	var config runConfig
	if err := json.Unmarshal(raw, &config); err != nil {
		return r, err
	}
	t, err := config.command(e, c.RunDir)
	if err != nil {
		return r, err
	}
	f, err := (&training{trainCmd: t, env: e}).read()
	if err != nil {
		return r, err
	}
	if err := config.same(f, c.RunDir); err != nil {
		return r, err
	}
	if r, err = lab.NewReport(f, m); err != nil || len(m.Columns()) < 2 || len(m.Columns()) > reportColumns {
		return r, err
	}
	j, err := f.Judge(m)
	if err != nil {
		return r, err
	}
	rows := j.Rows
	if len(rows) > reportRows {
		rows = make([]int, reportRows)
		for i := range rows {
			rows[i] = j.Rows[i*len(j.Rows)/reportRows]
		}
	}
	e.watch()
	found, err := m.Importance(e.ctx, j.Table, model.ImportanceOptions{EvaluateOptions: model.EvaluateOptions{Rows: rows}, Repeats: reportRepeats, Seed: 1})
	if err != nil {
		return r, err
	}
	r.Figures = append(r.Figures, lab.ReportFigure{Title: fmt.Sprintf("Importance, %s", plural.Of(len(rows), j.What+" row")), Figure: lab.ImportanceFigure(found)})
	for _, col := range found.Columns[:min(reportCurves, len(found.Columns))] {
		p, err := m.Partial(e.ctx, j.Table, col.Name, model.PartialOptions{Rows: rows, Lines: 30})
		if err != nil {
			return r, err
		}
		r.Depends = append(r.Depends, lab.ReportFigure{Title: fmt.Sprintf("Dependence on %s, %s", col.Name, plural.Of(len(rows), j.What+" row")), Figure: lab.PartialFigure(m, p, -1)})
	}
	return r, nil
}

// reportColumns returns the columns as the run wrote them.
func (r *trainJSON) reportColumns() []lab.ReportColumn {
	var out []lab.ReportColumn
	for _, name := range r.Target {
		out = append(out, lab.ReportColumn{Name: name, As: "target"})
	}
	for _, c := range r.Columns {
		out = append(out, lab.ReportColumn{Name: c.Name, As: string(c.Kind), Missing: c.Missing, Note: c.Note})
	}
	for _, d := range r.Dropped {
		out = append(out, lab.ReportColumn{Name: d.Name, As: "left out", Note: d.Reason})
	}
	return out
}

// ended returns an error if a folder holds no run, or a run that has not ended. The error says what to do.
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

// loadOf loads the model that a run's result names. The path is relative to the folder where the run was started.
func loadOf(path *string) (*model.Model, error) {
	if path == nil || *path == "" {
		return nil, fmt.Errorf("the run left none")
	}
	return model.Load(*path)
}
