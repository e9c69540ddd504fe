package model

import (
	"maps"
	"slices"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Rows of categories are kept packed. A matrix has 4 bytes for each level of a column, some thirty times
// the size of the table's file; packed rows have 1 byte for each column.

// packedShare is how many times larger than packed rows a matrix must be at least for its rows to be packed.
const packedShare = 4

// packedLeast is the size in bytes of the smallest matrix that is packed; tests make it small.
var packedLeast = 1 << 20

// rowSize returns the bytes of an encoded row of inputs, and whether it is packed. Only rows of the training table are
// packed, and only if their encoding is complete without looking at all of them. Means of levels are changed afterwards.
// For separate tables and for the encoding of an earlier model, the cells that are new to the encoding are counted.
func (f *Fit) rowSize(rows int) (bytes float64, packed bool) {
	e, size := f.Encoding, f.numberSize()
	bytes = size * float64(e.Width())
	if f.Options.blocked() || f.spilled || f.adopted || e.HasMeans() || e.Width() > train.MostPacked || bytes*float64(rows) < float64(packedLeast) {
		return bytes, false
	}
	small := 4.0 // the offset of the row
	for i := range e.Inputs {
		if from, to := e.Span(i); e.Inputs[i].Kind == data.KindCategory {
			small++
		} else {
			small += (3 + size) * float64(to-from)
		}
	}
	if packedShare*small > bytes {
		return bytes, false
	}
	return small, true
}

// encodePacked is encode for packed rows of the training table.
func encodePacked[T nn.Float](f *Fit, rows []int) (train.Set[T], data.Counts, error) {
	e := f.wide
	s := train.Set[T]{Y: nn.NewMatrix[T](len(rows), e.Outputs())}
	b, err := e.Bind(f.tables.Train)
	if err != nil {
		return s, nil, err
	}
	var lock sync.Mutex
	parts := map[int]data.Counts{} // by the first row
	s.Packed, err = train.Pack(len(rows), e.Width(), func(from, to int, x nn.Matrix[T]) (err error) {
		defer spill.Guard(&err)()
		counts, err := data.Inputs(b, rows[from:to], x.Data[:x.Rows*x.Cols])
		lock.Lock()
		defer lock.Unlock()
		parts[from] = counts
		return err
	})
	if err != nil {
		return s, nil, err
	}
	var counts data.Counts
	for _, from := range slices.Sorted(maps.Keys(parts)) {
		counts = addCounts(counts, parts[from])
	}
	return s, counts, data.Targets(b, rows, s.Y.Data)
}
