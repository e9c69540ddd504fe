package model

import (
	"fmt"
	"hash/maphash"
	"unsafe"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// These checks look at the held-out rows before training starts.

// leaveUnknown leaves out rows of separate tables whose class was not in the training table,
// and notes it.
func (f *Fit) leaveUnknown() error {
	for _, p := range []struct {
		what  string
		table *data.Table
		rows  *[]int
	}{{"validation", f.tables.Validation, &f.parts.validation}, {"test", f.tables.Test, &f.parts.test}} {
		if p.table == nil {
			continue
		}
		b, err := f.Encoding.Bind(p.table)
		if err != nil {
			return err
		}
		var left Left
		if *p.rows = left.known(b, *p.rows); len(*p.rows) == 0 {
			return fmt.Errorf("%s: no row has a class of the training table, so there is nothing to use as %s rows: the first is %s", p.table.Name(), p.what, left.Example)
		}
		f.noteLeft(p.what, left)
	}
	f.countRows()
	return nil
}

func (f *Fit) noteLeft(what string, left Left) {
	for _, n := range left.Notes() {
		f.noteOf(what, ": %s.", n)
	}
}

// noteOf notes something about a separate table or a part, after the name of its option.
func (f *Fit) noteOf(what, format string, args ...any) {
	option := map[string]string{"validation": "Validation", "test": "Test"}[what]
	f.Notes = append(f.Notes, data.Note{{Option: option}, {Words: fmt.Sprintf(format, args...)}})
}

// noteCells notes which cells of a separate table were not encoded as they are.
func (f *Fit) noteCells(what string, own *data.Table, counts data.Counts) {
	if own == nil {
		return
	}
	for _, n := range CellNotes(counts) {
		f.noteOf(what, ": %s.", n)
	}
}

// held holds hashes of the held-out rows, to find out which of them are also training rows.
type held[T nn.Float] struct {
	fit                  *Fit
	sum                  rowSum[T]
	validation, test     map[uint64]int
	inValidation, inTest int
	skipped              bool // there are too many rows
}

// mostHeld is the largest number of held-out rows whose hashes are kept when memory is scarce.
const mostHeld = 1 << 20

// lookAtHeld computes the hashes of the held-out rows. It also reads the cells of test rows that are not encoded yet, so
// that an unreadable cell is reported before training.
func lookAtHeld[T nn.Float](f *Fit, valid, test train.Set[T]) (*held[T], error) {
	h := &held[T]{fit: f, sum: rowSum[T]{seed: maphash.MakeSeed()}, validation: map[uint64]int{}, test: map[uint64]int{}}
	h.skipped = f.spilled && f.Rows.Validation+f.Rows.Test > mostHeld
	if !h.skipped {
		h.count(valid, h.validation)
		h.count(test, h.test)
	}
	if len(f.parts.test) == 0 || test.Rows() > 0 {
		return h, nil
	}
	t := f.tables.Test
	if t == nil {
		t = f.tables.Train
	}
	const part = 512
	var counts data.Counts
	for from := 0; from < len(f.parts.test); from += part {
		s, c, err := encode[T](f.wide, t, f.parts.test[from:min(from+part, len(f.parts.test))])
		if err != nil {
			return nil, err
		}
		counts = addCounts(counts, c)
		if !h.skipped {
			h.count(s, h.test)
		}
	}
	f.noteCells("test", f.tables.Test, counts)
	return h, nil
}

// count adds the hashes of rows to those in a map.
func (h *held[T]) count(rows train.Set[T], in map[uint64]int) {
	room := nn.NewMatrix[T](1, rows.Cols())
	for i := range rows.Rows() {
		in[h.sum.of(rows.Inputs(i, i+1, room).Row(0), rows.Y.Row(i))]++
	}
}

// see looks for held-out rows among training rows.
func (h *held[T]) see(rows train.Set[T]) {
	if len(h.validation)+len(h.test) == 0 {
		return
	}
	room := nn.NewMatrix[T](1, rows.Cols())
	for i := range rows.Rows() {
		s := h.sum.of(rows.Inputs(i, i+1, room).Row(0), rows.Y.Row(i))
		if n, ok := h.validation[s]; ok {
			h.inValidation += n
			delete(h.validation, s)
		}
		if n, ok := h.test[s]; ok {
			h.inTest += n
			delete(h.test, s)
		}
	}
}

// tell notes how many held-out rows are also training rows.
func (h *held[T]) tell() {
	f := h.fit
	if h.skipped {
		f.note("It was not checked whether held-out rows repeat training rows: for more than %d rows this takes too much memory.", mostHeld)
	}
	for _, p := range []struct {
		what         string
		own          *data.Table
		rows, double int
	}{{"validation", f.tables.Validation, f.Rows.Validation, h.inValidation}, {"test", f.tables.Test, f.Rows.Test, h.inTest}} {
		switch {
		case f.isTraining(p.own):
			f.noteOf(p.what, ": %s is the table that is trained on: its score says nothing about new rows.", p.own.Name())
		case p.double > 0:
			repeat := "repeat"
			if p.double == 1 {
				repeat = "repeats"
			}
			f.note("Of the %d %s rows %d %s a training row, inputs and target: unless new rows do so as often, their score is too good.", p.rows, p.what, p.double, repeat)
		}
	}
}

// isTraining reports whether a table is the one trained on.
func (f *Fit) isTraining(t *data.Table) bool {
	return t != nil && t.Rows() == f.tables.Train.Rows() && t.Fingerprint() == f.tables.Train.Fingerprint()
}

// rowSum computes a hash of an encoded row.
type rowSum[T nn.Float] struct{ seed maphash.Seed }

func (r rowSum[T]) of(x, y []T) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	for _, v := range [][]T{x, y} {
		if len(v) > 0 {
			h.Write(unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0]))))
		}
	}
	return h.Sum64()
}
