package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/model"
)

// predictCmd is "gradus predict MODEL DATA".
type predictCmd struct {
	Model     string `arg:"" help:"A model file."`
	Data      string `arg:"" help:"A table with the model's columns, in any order."`
	readFlags `embed:""`
	Out       string `short:"o" placeholder:"FILE" help:"Where to write; default: standard output."`
}

func (c *predictCmd) Run(e *env) error {
	if err := notAnInput(c.Out, c.Model, c.Data); err != nil {
		return err
	}
	m, err := model.Load(c.Model)
	if err != nil {
		return err
	}
	t, err := c.read(e, c.Data)
	if err != nil {
		return err
	}
	out, counts, err := m.Predict(t)
	if err != nil {
		return err
	}
	for _, n := range counts {
		if n.Unseen > 0 {
			fmt.Fprintf(e.Err, "gradus: column %q: a category that training had not in %s, such as %q\n", n.Column, counted(n.Unseen, "cell"), n.Example)
		}
		if n.Imputed > 0 {
			fmt.Fprintf(e.Err, "gradus: column %q: %s, encoded as training had them\n", n.Column, counted(n.Imputed, "missing cell"))
		}
	}
	write := func(w io.Writer) error { return writePredictions(w, m, out, t.Rows()) }
	if c.Out == "" || c.Out == "-" {
		return write(e.Out)
	}
	return atomicfile.Write(c.Out, write)
}

// writePredictions writes a column for each target, and p_CLASS for each class.
func writePredictions(w io.Writer, m *model.Model, out []float64, rows int) error {
	width := m.Outputs()
	return writeTable(w, m, nil, rows, func(r int) ([]string, model.Prediction) {
		return nil, m.Describe(out[r*width:][:width])
	})
}

// writeTable writes predictions behind columns of the caller's own, lead. m says what the
// columns are, row what stands in them.
func writeTable(w io.Writer, m *model.Model, lead []string, rows int, row func(r int) ([]string, model.Prediction)) error {
	bits := 64
	if m.Precision() == "float32" {
		bits = 32
	}
	f := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, bits) }
	csv := csv.NewWriter(w)
	header := append(lead[:len(lead):len(lead)], m.Targets()...)
	switch m.Task() {
	case data.Binary, data.Multiclass:
		for _, c := range m.Classes() {
			header = append(header, "p_"+c)
		}
	case data.Multilabel:
		for _, t := range m.Targets() {
			header = append(header, "p_"+t)
		}
	}
	if err := csv.Write(header); err != nil {
		return err
	}
	record := make([]string, 0, len(header))
	for r := range rows {
		first, p := row(r)
		record = append(record[:0], first...)
		switch {
		case p.Class != "" || p.Probabilities != nil && p.Labels == nil:
			record = append(record, p.Class)
		case p.Labels != nil:
			record = append(record, p.Labels...)
		}
		for _, v := range p.Values {
			record = append(record, f(v))
		}
		for _, v := range p.Probabilities {
			record = append(record, f(v))
		}
		if err := csv.Write(record); err != nil {
			return err
		}
	}
	csv.Flush()
	return csv.Error()
}
