package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/parquet"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/model"
)

// predictCmd is "gradus predict MODEL DATA".
type predictCmd struct {
	Model     string `arg:"" help:"A model file."`
	Data      paths  `arg:"" sep:"none" help:"A table with the model's columns, in any order."`
	readFlags `embed:""`
	diskFlags `embed:""`
	Keep      names       `placeholder:"COL" help:"Columns of the table to write before the predictions, separated by commas."`
	Interval  probability `placeholder:"X" help:"For regression: add an interval that holds the target with this probability, such as 0.9, as COL_lower and COL_upper."`
	Sets      probability `placeholder:"X" help:"For classes: add a set that holds the row's class with this probability, such as 0.9, as COL_set."`
	BadCells  string      `default:"refuse" enum:"refuse,missing" help:"What to do with a cell that is not of the type that its column had in training: refuse the table, or treat the cell as missing and count it."`
	Strict    bool        `help:"Refuse a table with a category that was not in the training rows, instead of predicting and counting such cells."`
	Out       string      `short:"o" placeholder:"FILE" help:"Where to write. The ending .tsv, .parquet or .jsonl chooses TSV, Parquet or JSON lines; otherwise it is CSV. Default: standard output."`
}

func (c *predictCmd) Run(e *env) error {
	if c.Strict && c.BadCells == "missing" {
		return usagef("--strict and --bad-cells missing contradict each other: leave one of them out")
	}
	format := "csv"
	if c.Out != "" && c.Out != "-" {
		var err error
		if format, err = outFormat(c.Out, "csv", "tsv", "jsonl", "parquet"); err != nil {
			return err
		}
		k := kindTable
		if format == "parquet" {
			k = kindParquet
		}
		if err := checkOut(c.Out, k, append(c.Data, c.Model)...); err != nil {
			return err
		}
	}
	m, err := model.Load(c.Model)
	if err != nil {
		return err
	}
	disk, closeDisk, err := c.diskFlags.open(c.Out)
	if err != nil {
		return err
	}
	defer closeDisk()
	c.disk = disk
	t, err := c.read(e, c.Data...)
	if err != nil {
		return err
	}
	more, err := c.more(m)
	if err != nil {
		return asUsage(err)
	}
	names, columns, err := c.kept(e, m, t, more.columns)
	if err != nil {
		return err
	}
	out, counts, err := m.Predict(t, model.PredictOptions{BadAsMissing: c.BadCells == "missing", Strict: c.Strict})
	if errors.Is(err, data.ErrType) || errors.Is(err, data.ErrNumber) {
		return fmt.Errorf("%w; --bad-cells missing treats such cells as missing", err)
	}
	if err != nil {
		return err
	}
	e.sayAll(model.CellNotes(counts))
	if more.predictions = out; more.of != m { // bounds, which are predictions of their own
		if more.predictions, _, err = more.of.Predict(t, model.PredictOptions{BadAsMissing: c.BadCells == "missing"}); err != nil {
			return err
		}
	}
	width := m.Outputs()
	write := func(w io.Writer) error {
		if format == "jsonl" || format == "parquet" {
			var all []parquet.Column
			for i, col := range columns {
				all = append(all, keptColumn(names[i], t, col))
			}
			all = append(all, predicted(m, t.Rows(), func(r int) model.Prediction { return m.Describe(out[r*width:][:width]) })...)
			all = append(all, more.typed(t.Rows(), c.Sets > 0)...)
			if format == "jsonl" {
				return writeLines(w, all)
			}
			return parquet.Write(w, all)
		}
		lead := make([]string, len(columns))
		return writeTable(w, format, m, names, more.columns, t.Rows(), func(r int) ([]string, model.Prediction, []string) {
			for i, col := range columns {
				lead[i] = t.Cell(r, col)
			}
			return lead, m.Describe(out[r*width:][:width]), more.row(r)
		})
	}
	if c.Out == "" || c.Out == "-" {
		return write(e.Out)
	}
	return atomicfile.Write(c.Out, write)
}

// extraColumns are the columns after the predictions: their names, and a function that returns their cells for a prediction.
type extraColumns struct {
	columns     []string
	cells       func(predictions []float64) []string
	of          *model.Model // whose predictions the cells are made from: the model or that of its bounds
	predictions []float64    // these predictions, for all rows
}

// row returns the cells of a row.
func (x *extraColumns) row(r int) []string {
	n := x.of.Outputs()
	return x.cells(x.predictions[r*n:][:n])
}

// more returns the columns of --interval and --sets.
func (c *predictCmd) more(m *model.Model) (extraColumns, error) {
	none := extraColumns{of: m, cells: func([]float64) []string { return nil }}
	switch {
	case c.Interval != 0:
		level := float64(c.Interval)
		by := m.Bounds(level)
		if _, err := by.Intervals(nil, level); err != nil {
			return none, err
		}
		var columns []string
		for _, name := range m.Targets() {
			columns = append(columns, name+"_lower", name+"_upper")
		}
		if c.Sets != 0 {
			return none, usagef("--interval is for regression and --sets for classes; give one of them")
		}
		return extraColumns{columns: columns, of: by, cells: func(predictions []float64) (cells []string) {
			in, _ := by.Intervals(predictions, level) // the check above would have returned an error
			for _, i := range in {
				cells = append(cells, allDigits(i.Lower), allDigits(i.Upper))
			}
			return cells
		}}, nil
	case c.Sets != 0:
		if _, err := m.Sets(nil, float64(c.Sets)); err != nil {
			return none, err
		}
		return extraColumns{columns: []string{m.Targets()[0] + "_set"}, of: m, cells: func(predictions []float64) []string {
			sets, _ := m.Sets(predictions, float64(c.Sets))
			return []string{data.JoinNames(sets[0])}
		}}, nil
	}
	return none, nil
}

// allDigits writes a number so that it reads back as the same float64.
func allDigits(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// kept finds the columns of --keep, and the names they are written under. If a prediction has a column
// of the same name, the kept one gets the ending _given.
func (c *predictCmd) kept(e *env, m *model.Model, t *data.Table, more []string) (names []string, columns []int, err error) {
	taken := append(predictionColumns(m), more...)
	for _, name := range c.Keep {
		col, err := t.Column(name, "which --keep names")
		if err != nil {
			return nil, nil, err
		}
		written := name
		for slices.Contains(taken, written) {
			written += "_given"
		}
		if written != name {
			e.say("--keep %s: a column of the result has that name already; the table's column is written as %s", name, written)
		}
		taken = append(taken, written)
		names, columns = append(names, written), append(columns, col)
	}
	return names, columns, nil
}

// predictionColumns names a column for each target, and a column p_CLASS for each class.
func predictionColumns(m *model.Model) []string {
	names := m.Targets()
	switch m.Task() {
	case data.Binary, data.Multiclass:
		for _, c := range m.Classes() {
			names = append(names, "p_"+c)
		}
	case data.Multilabel:
		for _, t := range m.Targets() {
			names = append(names, "p_"+t)
		}
	}
	return names
}

// writeTable writes predictions between the caller's columns: lead before them and more after them. m determines the
// columns of the predictions, and row returns the cells of a row. Numbers are written with all their digits. The format is csv or tsv.
func writeTable(w io.Writer, format string, m *model.Model, lead, more []string, rows int, row func(r int) (lead []string, p model.Prediction, more []string)) error {
	csv := csv.NewWriter(w)
	if format == "tsv" {
		csv.Comma = '\t'
	}
	header := slices.Concat(lead, predictionColumns(m), more)
	if err := csv.Write(header); err != nil {
		return err
	}
	record := make([]string, 0, len(header))
	for r := range rows {
		first, p, last := row(r)
		record = append(record[:0], first...)
		switch {
		case p.Class != "" || p.Probabilities != nil && p.Labels == nil:
			record = append(record, p.Class)
		case p.Labels != nil:
			record = append(record, p.Labels...)
		}
		for _, v := range p.Values {
			record = append(record, allDigits(v))
		}
		for _, v := range p.Probabilities {
			record = append(record, allDigits(v))
		}
		record = append(record, last...)
		if err := csv.Write(record); err != nil {
			return err
		}
	}
	csv.Flush()
	return csv.Error()
}
