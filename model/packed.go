package model

import (
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Rows of categories are kept packed: a matrix has 4 bytes for each level of a column, some thirty times
// what the table's file takes, and packed rows have 2 for each column.

const (
	packedShare = 4       // a matrix is at least so many times as large as the packed rows, or stays
	packedPart  = 1 << 20 // numbers that are encoded at once
)

// packedLeast is how many bytes a matrix has that is packed at least; tests make it small.
var packedLeast = 16 << 20

// rowSize is how many bytes an encoded row of inputs takes, and whether it is packed. Packed are rows of the training
// table whose encoding is complete without looking at all of them: the means of levels are changed afterwards, and of a
// table of its own the cells are counted that are new to the encoding.
func (f *Fit) rowSize(rows int) (bytes float64, packed bool) {
	e, size := f.Encoding, f.numberSize()
	bytes = size * float64(e.Width())
	if f.Options.blocked() || f.spilled || f.adopted || e.HasMeans() || e.Width() > train.MostPacked || bytes*float64(rows) < float64(packedLeast) {
		return bytes, false
	}
	small := 16.0 // where the row begins
	for i := range e.Inputs {
		if from, to := e.Span(i); e.Inputs[i].Kind == data.KindCategory {
			small += 2
		} else {
			small += (2 + size) * float64(to-from)
		}
	}
	if packedShare*small > bytes {
		return bytes, false
	}
	return small, true
}

// encodePacked is encode for rows of the training table that are packed.
func encodePacked[T nn.Float](f *Fit, rows []int) (train.Set[T], data.Counts, error) {
	e, t := f.Encoding, f.tables.Train
	s := train.Set[T]{Packed: train.NewPacked[T](len(rows), e.Width()), Y: nn.NewMatrix[T](len(rows), e.Outputs())}
	b, err := e.Bind(t)
	if err != nil {
		return s, nil, err
	}
	var counts data.Counts
	room := nn.NewMatrix[T](min(len(rows), max(1, packedPart/e.Width())), e.Width())
	for from := 0; from < len(rows); from += room.Rows {
		x := room.Slice(0, min(room.Rows, len(rows)-from))
		c, err := data.Inputs(b, rows[from:from+x.Rows], x.Data[:x.Rows*x.Cols])
		if err != nil {
			return s, nil, err
		}
		counts = addCounts(counts, c)
		s.Packed.Append(x)
	}
	return s, counts, data.Targets(b, rows, s.Y.Data)
}
