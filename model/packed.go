package model

import (
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Rows of categories are kept packed. A matrix has 4 bytes for each level of a column, some thirty times
// the size of the table's file; packed rows have 2 bytes for each column.

const (
	packedShare = 4       // rows are packed only if the matrix is at least this many times larger
	packedPart  = 1 << 20 // numbers encoded at once
)

// packedLeast is the size in bytes of the smallest matrix that is packed; tests make it small.
var packedLeast = 16 << 20

// rowSize returns the bytes of an encoded row of inputs, and whether it is packed. Only rows of the training table are
// packed, and only if their encoding is complete without looking at all of them. Means of levels are changed afterwards.
// For separate tables and for the encoding of an earlier model, the cells that are new to the encoding are counted.
func (f *Fit) rowSize(rows int) (bytes float64, packed bool) {
	e, size := f.Encoding, f.numberSize()
	bytes = size * float64(e.Width())
	if f.Options.blocked() || f.spilled || f.adopted || e.HasMeans() || e.Width() > train.MostPacked || bytes*float64(rows) < float64(packedLeast) {
		return bytes, false
	}
	small := 16.0 // the offset of the row
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

// encodePacked is encode for packed rows of the training table.
func encodePacked[T nn.Float](f *Fit, rows []int) (train.Set[T], data.Counts, error) {
	e, t := f.wide, f.tables.Train
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
