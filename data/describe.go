package data

import (
	"cmp"
	"slices"
	"strconv"
)

// A Description is what is known about one column of a table.
type Description struct {
	Name     string   `json:"name"`
	Role     string   `json:"role"` // input, target or dropped
	Kind     Kind     `json:"kind,omitempty"`
	Why      Note     `json:"why,omitempty"`    // why it was dropped, or a remark
	Unread   bool     `json:"unread,omitempty"` // its values cannot be cells of a table: see Series.Unread
	Cells    int      `json:"cells"`
	Missing  int      `json:"missing"`
	Distinct int      `json:"distinct"`           // different cells, without the missing ones
	Min      string   `json:"min,omitempty"`      // of numbers and dates
	Median   string   `json:"median,omitempty"`   // of numbers
	Max      string   `json:"max,omitempty"`      // of numbers and dates
	Levels   []Level  `json:"levels,omitempty"`   // the most frequent ones, of other kinds
	Examples []string `json:"examples,omitempty"` // cells as they are in the file
}

// A Level is a value of a category and the number of cells with it.
type Level struct {
	Name  string `json:"name"`
	Cells int    `json:"cells"`
}

// Describe describes every column of the schema's table, in the table's order. A
// description has no more than most levels or examples. Describe uses the rows that Infer used.
func (s *Schema) Describe(most int) []Description {
	t := s.table
	out := make([]Description, len(t.columns))
	spelling := make([]*Spelling, len(out))
	first := make([]bool, len(out))
	for i, name := range t.columns {
		out[i] = Description{Name: name, Role: "dropped", Cells: s.size()}
		spelling[i] = s.spelling
	}
	for _, c := range s.Columns {
		d := &out[c.Index]
		d.Role, d.Kind, d.Why = "input", c.Kind, c.Note
		spelling[c.Index], first[c.Index] = c.Spelling, c.dayFirst
	}
	for _, y := range s.Targets {
		i := t.Index(y.Name)
		out[i].Role, out[i].Kind, out[i].Why = "target", y.Kind, y.Note
		spelling[i] = y.Spelling
	}
	for _, drop := range s.Dropped {
		out[t.Index(drop.Name)].Why = drop.Reason
	}
	parallel(len(out), func(i int) {
		if out[i].Unread = t.cols[i].unread != nil; !out[i].Unread {
			out[i].describe(t, t.cols[i].spelled(spelling[i]), s.looked, spelling[i], first[i], most)
		}
	})
	return out
}

func (d *Description) describe(t *Table, c *column, rows []int, sp *Spelling, dayFirst bool, most int) {
	view := c.levels()
	counts := make([]int, view.dict.len())
	for row := range t.rowsOf(rows) {
		code := view.codes.at(row)
		if c.missing(row) {
			d.Missing++
			continue
		}
		if counts[code]++; counts[code] == 1 {
			d.Distinct++
			if len(d.Examples) < most {
				d.Examples = append(d.Examples, view.dict.at(code))
			}
		}
	}
	switch d.Kind {
	case KindNumber:
		values, _, bad := c.numbers(rows, nil)
		if len(values) > 0 && bad < 0 {
			sortNumbers(values, nil)
			d.Min, d.Median, d.Max = formatNumber(values[0]), formatNumber(rounded(quantile(values, 0.5))), formatNumber(values[len(values)-1])
		}
		return
	case KindDate:
		date := c.dates(sp, dayFirst)
		var dates []dateCell
		for row := range t.rowsOf(rows) {
			if cell := date(row); cell.c == number {
				dates = append(dates, cell)
			}
		}
		if len(dates) > 0 {
			slices.SortFunc(dates, func(a, b dateCell) int { return a.t.Compare(b.t) })
			d.Min, d.Max = dates[0].text(), dates[len(dates)-1].text()
		}
		return
	}
	d.Examples = nil
	for code, n := range counts {
		if n > 0 {
			d.Levels = append(d.Levels, Level{view.dict.at(uint32(code)), n})
		}
	}
	slices.SortStableFunc(d.Levels, func(a, b Level) int { return cmp.Or(cmp.Compare(b.Cells, a.Cells), cmp.Compare(a.Name, b.Name)) })
	d.Levels = d.Levels[:min(most, len(d.Levels))]
}

// rounded rounds x to 15 digits, so that the mean of two short decimals is a short decimal.
func rounded(x float64) float64 {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 15, 64), 64)
	return x
}

func (d dateCell) text() string {
	if d.clock {
		return d.t.Format(layoutSecond)
	}
	return d.t.Format(layoutDate)
}
