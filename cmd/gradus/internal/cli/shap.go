package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
)

// shapCmd is "gradus shap MODEL DATA".
type shapCmd struct {
	Model          string `arg:"" help:"A model file."`
	Data           paths  `arg:"" sep:"none" help:"A table with the model's columns. Its rows are explained."`
	readFlags      `embed:""`
	memberFlag     `embed:""`
	Row            []int  `placeholder:"N" help:"The row to explain, from 0; several separated by commas. Default: up to --rows of the table."`
	Rows           int    `default:"200" placeholder:"N" help:"How many rows to explain without --row, spread evenly over the table."`
	Background     string `placeholder:"FILE" help:"A table, ideally the training table, whose rows stand for cells that are not known. Default: the table that is explained."`
	BackgroundRows int    `default:"100" placeholder:"N" help:"How many rows of the background to use at most, drawn by the seed."`
	Method         string `default:"auto" enum:"auto,exact,permutation" help:"exact goes over all sets of columns; permutation samples orders of the columns, each forward and backward; auto is exact up to 10 columns."`
	Pairs          int    `default:"2" placeholder:"N" help:"How many pairs of orders, one forward and one backward, to sample for each background row. More pairs make the values more precise."`
	LogOdds        bool   `help:"Explain ln(p/(1-p)) instead of a probability p."`
	Class          string `placeholder:"CLASS" help:"Which class, label or target to show and draw. Default: what is predicted most often, the second of two classes, or the first target."`
	Seed           uint64 `default:"1" help:"Decides which background rows and which orders are drawn."`
	Threads        *int   `placeholder:"N" help:"How many cores to use; the result has the same bits. Default: all."`
	Out            string `short:"o" placeholder:"FILE" help:"A picture, .svg or .png: a waterfall of one row, a swarm of several. Or all values as .csv."`
	JSON           bool   `name:"json" help:"One JSON object on standard output, with all outputs."`
}

func (c *shapCmd) Run(e *env) error {
	switch {
	case c.Rows < 1:
		return usagef("--rows %d: give a whole number of at least 1", c.Rows)
	case c.BackgroundRows < 1:
		return usagef("--background-rows %d: give a whole number of at least 1", c.BackgroundRows)
	case c.Pairs < 1:
		return usagef("--pairs %d: give a whole number of at least 1", c.Pairs)
	case c.Threads != nil && *c.Threads < 1:
		return usagef("--threads %d: give a whole number of at least 1", *c.Threads)
	}
	format, err := c.format()
	if err != nil {
		return err
	}
	m, err := model.Load(c.Model)
	if err == nil {
		m, err = c.named(e, c.Model, m)
	}
	if err != nil {
		return err
	}
	t, err := c.read(e, c.Data...)
	if err != nil {
		return err
	}
	o := model.ShapleyOptions{Rows: c.Row, BackgroundRows: c.BackgroundRows, Pairs: c.Pairs, LogOdds: c.LogOdds, Seed: c.Seed}
	if c.Method != "auto" {
		o.Method = c.Method
	}
	if c.Threads != nil {
		o.Threads = *c.Threads
	}
	if c.Background != "" {
		if o.Background, err = c.read(e, c.Background); err != nil {
			return err
		}
	}
	if c.Row == nil {
		for i := range min(c.Rows, t.Rows()) {
			o.Rows = append(o.Rows, i*t.Rows()/min(c.Rows, t.Rows()))
		}
	}
	e.watch()
	s, err := m.Shapley(e.ctx, t, o)
	if err != nil {
		if e.ctx.Err() != nil && errors.Is(err, e.ctx.Err()) {
			fmt.Fprintf(e.remarks(), "gradus: interrupted; nothing was kept\n")
			return status(statusInterrupted)
		}
		return asUsage(err)
	}
	e.sayAll(s.Notes)
	output, err := c.output(m, s)
	if err != nil {
		return err
	}
	switch format {
	case "":
	case "csv":
		err = atomicfile.Write(c.Out, func(w io.Writer) error { return writeShapley(w, s) })
	default:
		fig := plot.Figure(lab.SwarmFigure(m, s, output))
		if len(s.Rows) == 1 {
			fig = lab.WaterfallFigure(m, s, 0, output)
		}
		err = e.writeFigure(c.Out, format, fig)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return e.writeJSON(s)
	}
	return c.tell(e, m, t, s, output)
}

// format returns the format that --out asks for: svg, png, csv, or "" without --out.
func (c *shapCmd) format() (string, error) {
	if c.Out == "" {
		return "", nil
	}
	format, k := "csv", kindTable
	if !strings.EqualFold(filepath.Ext(c.Out), ".csv") {
		var err error
		if format, err = plot.FormatOf(c.Out); err != nil {
			return "", usagef("--out %s: give a name that ends in .svg or .png for a picture, or in .csv for the values", c.Out)
		}
		k = kind(format)
	}
	return format, checkOut(c.Out, k, append(c.Data, c.Model)...)
}

// output returns the index of the output that --class names, or of the one that is shown by default.
func (c *shapCmd) output(m *model.Model, s *model.Shapley) (int, error) {
	if c.Class != "" {
		if at := slices.Index(s.Outputs, c.Class); at >= 0 {
			return at, nil
		}
		return 0, usagef("--class %s: the model has no such output; choose from %s", c.Class, list(s.Outputs, 12))
	}
	if m.Task() != data.Multiclass {
		return 0, nil
	}
	often := make([]int, len(s.Outputs))
	for _, r := range s.Rows {
		best := 0
		for k, p := range r.Prediction {
			if p > r.Prediction[best] {
				best = k
			}
		}
		often[best]++
	}
	return slices.Index(often, slices.Max(often)), nil
}

// tell prints the values of one row, or the mean absolute values of several rows.
func (c *shapCmd) tell(e *env, m *model.Model, t *data.Table, s *model.Shapley, output int) error {
	how := s.Method
	if s.Pairs > 0 {
		how = fmt.Sprintf("%s of orders for each, seed %d", plural.Of(s.Pairs, "pair"), c.Seed)
	}
	what := lab.Explained(m, s, output)
	g, sizes := grid{rows: [][]string{nil}, align: "lll"}, []float64{}
	size := s.Importance[output]
	most := slices.Max(size)
	order := make([]int, len(size))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case size[a] > size[b]:
			return -1
		case size[a] < size[b]:
			return 1
		}
		return 0
	})
	if len(s.Rows) > 1 {
		e.printf("%s: the mean absolute Shapley value of each column over %s of %s (%s, %s)\n\n",
			what, plural.Of(len(s.Rows), "row"), t.Name(), plural.Of(s.BackgroundRows, "background row"), how)
		for _, i := range order {
			g.add(cut(s.Columns[i], 40), short(size[i]))
			sizes = append(sizes, size[i])
		}
		g.align = "ll"
		e.writeBars(g, sizes, most)
		return nil
	}
	r := s.Rows[0]
	e.printf("Row %d of %s: %s is %s, the mean prediction is %s. What each cell adds (%s, %s):\n\n",
		r.Row, t.Name(), what, short(r.Prediction[output]), short(s.Base[output]), plural.Of(s.BackgroundRows, "background row"), how)
	for _, i := range order {
		sure := ""
		if r.Errors != nil {
			sure = " ± " + short(r.Errors[output][i])
		}
		v := r.Values[output][i]
		sign := "+"
		if v < 0 {
			sign = "-"
		}
		g.add(cut(s.Columns[i], 30), cut(r.Cells[i], 16), sign+short(math.Abs(v))+sure)
		sizes = append(sizes, size[i])
	}
	e.writeBars(g, sizes, most)
	return nil
}

// writeShapley writes a line for each row and output, with all digits.
func writeShapley(w io.Writer, s *model.Shapley) error {
	f := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	csv := csv.NewWriter(w)
	if err := csv.Write(append([]string{"row", "output", "base", "prediction"}, s.Columns...)); err != nil {
		return err
	}
	for _, r := range s.Rows {
		for k, name := range s.Outputs {
			record := []string{strconv.Itoa(r.Row), name, f(s.Base[k]), f(r.Prediction[k])}
			for _, v := range r.Values[k] {
				record = append(record, f(v))
			}
			if err := csv.Write(record); err != nil {
				return err
			}
		}
	}
	csv.Flush()
	return csv.Error()
}
