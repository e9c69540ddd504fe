package data

// A Layout says where the parts of a column's encoded inputs are, counted from the column's first input: see Span. The
// parts follow each other in the order of the fields. A part that the column does not have is empty.
type Layout struct {
	Value   Places // of a number, a date or a boolean
	Rank    Places
	Pieces  Places
	Waves   Places // cos and sin of each
	Cycles  Places // cos and sin of each, of a date
	Levels  Places // of a category; the last one is that of rare levels, if they have one
	Means   Places // of a level's targets
	Missing Places // 1 if the cell is missing
}

// Places is a range of places, [From, To).
type Places struct{ From, To int }

// Width returns the number of places.
func (p Places) Width() int { return p.To - p.From }

// Width returns the number of all inputs of the column.
func (l Layout) Width() int { return l.Missing.To }

// Layout returns the places of the column's encoded inputs.
func (in *Input) Layout() Layout {
	end := 0
	next := func(width int) Places {
		end += width
		return Places{end - width, end}
	}
	if in.Kind == KindCategory {
		l := Layout{Levels: next(len(in.Levels) + one(in.Rare))}
		if in.Means != nil {
			l.Means = next(len(in.Means) / (len(in.Levels) + len(in.RareOf)))
		}
		l.Missing = next(one(in.Missing))
		return l
	}
	l := Layout{Value: next(1)}
	l.Rank = next(one(in.RankAt != nil))
	l.Pieces = next(max(0, len(in.Pieces)-1))
	l.Waves = next(2 * in.Waves)
	if in.Kind == KindDate {
		l.Cycles = next(2 * in.cycles())
	}
	l.Missing = next(one(in.Missing))
	return l
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
