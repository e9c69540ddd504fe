package data

import "strings"

// Amount returns a cell of an input column as a number. input is the column's place in Columns. A
// number is itself, a date is the days since 1970-01-01, and a boolean is 0 or 1. ok is false where the
// cell is missing or holds something else, and for categories.
func (b *Binding) Amount(row, input int) (x float64, ok bool) {
	in, c := &b.e.Inputs[input], &b.t.cols[b.inputs[input]]
	v := c.value(row)
	if v.missing(in.Spelling) {
		return 0, false
	}
	switch in.Kind {
	case KindNumber:
		x, what := v.number(in.Spelling)
		if c.typed {
			x, what = in.Spelling.parseTyped(strings.TrimSpace(v.s), c.mixed)
		}
		return x, what == number
	case KindBoolean:
		is, c := v.truth(in.Spelling)
		if is {
			x = 1
		}
		return x, c == number
	case KindDate:
		t, _, c := v.date(in.Spelling, in.Dotted)
		return epochDays(t), c == number
	}
	return 0, false
}

// Gap reports whether the cell of an input column is missing. input is the column's place in Columns.
func (b *Binding) Gap(row, input int) bool {
	return b.t.cols[b.inputs[input]].value(row).missing(b.e.Inputs[input].Spelling)
}
