package model

import (
	"slices"

	"github.com/gradus-ml/gradus/data"
)

// These functions find the cells that a model has to guess, and refuse them in a strict prediction.

// options returns the options that were given, or the default.
func (m *Model) options(with []PredictOptions) (o PredictOptions, err error) {
	if o, err = atMostOne(with); err != nil {
		return o, err
	}
	if o.Strict && o.BadAsMissing {
		return o, refuse("Strict", nil, "a strict prediction takes no cell of another type for a missing one: leave out one of Strict and BadAsMissing")
	}
	return o, nil
}

// rowOptions returns the options for rows of values.
func (m *Model) rowOptions(with []PredictOptions) (o PredictOptions, err error) {
	if o, err = m.options(with); err == nil && o.BadAsMissing {
		err = refuse("BadAsMissing", nil, "it is for tables: give such a value of a row as a missing one")
	}
	return o, err
}

// knows reports whether a network of the model was trained with the category in a value.
func (m *Model) knows(column int, v data.Value) bool {
	if m.ensemble == nil {
		return m.Encoding.Knows(column, v)
	}
	return slices.ContainsFunc(m.ensemble.members, func(m *Model) bool { return m.Encoding.Knows(column, v) })
}

// knowsRow refuses a row with a category that was not in the training rows.
func (m *Model) knowsRow(row int, values []data.Value) error {
	for i, v := range values {
		if !m.knows(i, v) {
			return &RowError{Row: row, Column: m.Encoding.Inputs[i].Name, Value: v.String(), Reason: data.Notef("%s", m.unseen(i)), Err: data.ErrUnseen}
		}
	}
	return nil
}

// knowsTable refuses a table with a category that was not in the training rows. counts says
// whether there may be one.
func (m *Model) knowsTable(t *data.Table, counts data.Counts) error {
	first, column := t.Rows(), 0
	for _, c := range counts {
		if c.Unseen == 0 {
			continue
		}
		i, col := slices.Index(m.Columns(), c.Column), t.Index(c.Column)
		for row := range first {
			if !m.knows(i, data.Text(t.Cell(row, col))) {
				first, column = row, i
				break
			}
		}
	}
	if first == t.Rows() {
		return nil
	}
	return t.Refuse(data.ErrUnseen, first, t.Index(m.Columns()[column]), "%s", m.unseen(column))
}

// unseen returns the reason to refuse a category.
func (m *Model) unseen(column int) string {
	return "is a category that was not in the training rows: they had " + quoteList(slices.Concat(m.Encoding.Inputs[column].Levels, m.Encoding.Inputs[column].RareOf))
}

// Tally counts the missing values and the unseen categories of a row. It adds 1 to missing or
// unseen for each such column. Both are as long as Columns. Unseen categories were not in the training rows.
func (m *Model) Tally(row []data.Value, missing, unseen []int64) {
	if m.ensemble == nil {
		m.Encoding.Tally(row, missing, unseen)
		return
	}
	for i, v := range row {
		switch {
		case m.Encoding.Lacks(i, v):
			missing[i]++
		case !m.knows(i, v):
			unseen[i]++
		}
	}
}

// gaps returns the columns of a row whose values are not encoded as they are: missing ones, and those
// with a category that was not in the training rows.
func (m *Model) gaps(values []data.Value) (imputed, unseen []string) {
	for i, v := range values {
		switch {
		case m.Encoding.Lacks(i, v):
			imputed = append(imputed, m.Encoding.Inputs[i].Name)
		case !m.knows(i, v):
			unseen = append(unseen, m.Encoding.Inputs[i].Name)
		}
	}
	return imputed, unseen
}
