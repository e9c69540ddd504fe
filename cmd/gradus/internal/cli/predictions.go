package cli

import (
	"cmp"
	"encoding/json"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/parquet"
	"github.com/gradus-ml/gradus/model"
)

// tableFormats are the formats of an output table by the file's ending. A file with another ending is CSV, unless it is one of foreignEndings.
var tableFormats = map[string]string{".tsv": "tsv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}

// foreignEndings are those of tables and archives that gradus does not write.
var foreignEndings = []string{".xlsx", ".xls", ".ods", ".json", ".arrow", ".feather", ".npy", ".npz", ".db", ".sqlite", ".gz", ".zst", ".zip", ".bz2", ".xz"}

// outFormat returns the format in which a table is written to a file: "csv", "tsv", "parquet" or "jsonl", if the command writes it.
func outFormat(path string, writes ...string) (string, error) {
	ending := strings.ToLower(filepath.Ext(path))
	format := cmp.Or(tableFormats[ending], "csv")
	if slices.Contains(foreignEndings, ending) || !slices.Contains(writes, format) {
		return "", usagef("--out %s: this command does not write tables with the ending %s, only %s; change the ending", path, ending, strings.Join(writes, ", "))
	}
	return format, nil
}

// keptColumn returns a column of a table: as numbers if all its cells are numbers or missing, otherwise as texts.
func keptColumn(name string, t *data.Table, col int) parquet.Column {
	rows := t.Rows()
	c := parquet.Column{Name: name, Numbers: make([]float64, rows), Missing: make([]bool, rows)}
	for r := range rows {
		x, ok := t.Number(r, col)
		c.Missing[r] = t.Missing(r, col)
		if c.Numbers[r] = x; !ok && !c.Missing[r] {
			c.Numbers = nil
			break
		}
	}
	if c.Numbers == nil {
		c.Texts = make([]string, rows)
		for r := range rows {
			if c.Missing[r] = t.Missing(r, col); !c.Missing[r] {
				c.Texts[r] = t.Cell(r, col)
			}
		}
	}
	return c
}

// predicted returns the columns of predictions, with the names of predictionColumns.
func predicted(m *model.Model, rows int, of func(r int) model.Prediction) []parquet.Column {
	names := predictionColumns(m)
	columns := make([]parquet.Column, len(names))
	for i, name := range names {
		columns[i].Name = name
	}
	for r := range rows {
		p := of(r)
		at := 0
		text := func(s string) { columns[at].Texts = append(columns[at].Texts, s); at++ }
		switch {
		case p.Class != "" || p.Probabilities != nil && p.Labels == nil:
			text(p.Class)
		case p.Labels != nil:
			for _, l := range p.Labels {
				text(l)
			}
		}
		for _, values := range [][]float64{p.Values, p.Probabilities} {
			for _, x := range values {
				columns[at].Numbers = append(columns[at].Numbers, x)
				at++
			}
		}
	}
	return columns
}

// typed returns the columns of --interval and --sets. Their cells are numbers, or texts if texts is true.
func (x *extraColumns) typed(rows int, texts bool) []parquet.Column {
	columns := make([]parquet.Column, len(x.columns))
	for i, name := range x.columns {
		columns[i].Name = name
	}
	for r := range rows {
		for i, cell := range x.row(r) {
			if c := &columns[i]; texts {
				c.Texts = append(c.Texts, cell)
			} else {
				limit, _ := strconv.ParseFloat(cell, 64)
				c.Numbers = append(c.Numbers, limit)
			}
		}
	}
	return columns
}

// writeLines writes columns as JSON lines. What is not finite is null.
func writeLines(w io.Writer, columns []parquet.Column) error {
	names := make([][]byte, len(columns))
	for i := range columns {
		names[i], _ = json.Marshal(columns[i].Name)
	}
	var line []byte
	for r := range columns[0].Len() {
		line = append(line[:0], '{')
		for i := range columns {
			c := &columns[i]
			if i > 0 {
				line = append(line, ", "...)
			}
			line = append(append(line, names[i]...), ": "...)
			var v any
			switch {
			case c.Missing != nil && c.Missing[r]:
			case c.Numbers == nil:
				v = c.Texts[r]
			case !math.IsInf(c.Numbers[r], 0) && !math.IsNaN(c.Numbers[r]):
				v = c.Numbers[r]
			}
			text, err := json.Marshal(v)
			if err != nil {
				return err
			}
			line = append(line, text...)
		}
		if _, err := w.Write(append(line, "}\n"...)); err != nil {
			return err
		}
	}
	return nil
}
