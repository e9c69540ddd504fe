package model

import (
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
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
type held struct {
	fit                  *Fit
	validation, test     map[uint64]int
	inValidation, inTest int
	skipped              bool // there are too many rows
	alike                bool // all training rows have the same inputs
}

// mostHeld is the largest number of held-out rows whose hashes are kept when memory is scarce.
const mostHeld = 1 << 20

// lookAtHeld counts the held-out rows that are also training rows, and notes it. It compares what the cells say, because rows
// that differ may be encoded alike: two rare levels have one place.
func (f *Fit) lookAtHeld() error {
	h := &held{fit: f, validation: map[uint64]int{}, test: map[uint64]int{}}
	h.skipped = f.spilled && f.Rows.Validation+f.Rows.Test > mostHeld
	if !h.skipped && f.Rows.Validation+f.Rows.Test > 0 {
		if err := h.count(f.validationTable(), f.parts.validation, h.validation); err != nil {
			return err
		}
		if err := h.count(f.testTable(), f.parts.test, h.test); err != nil {
			return err
		}
		if err := h.see(f.tables.Train, f.parts.train); err != nil {
			return err
		}
	}
	h.tell()
	return nil
}

// readTest reads the cells of test rows that are not encoded yet, so that an unreadable cell is reported before training.
func readTest[T nn.Float](f *Fit) error {
	var counts data.Counts
	for part := range slices.Chunk(f.parts.test, 512) {
		_, c, err := encode[T](f.wide, f.testTable(), part)
		if err != nil {
			return err
		}
		counts = addCounts(counts, c)
	}
	f.noteCells("test", f.tables.Test, counts)
	return nil
}

// hashes calls do with the hashes of rows, part by part.
func (h *held) hashes(t *data.Table, rows []int, do func(inputs, all []uint64)) error {
	b, err := h.fit.Encoding.Bind(t)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(rows, 1<<16) {
		do(data.RowHashes(b, part))
	}
	return nil
}

// count adds the hashes of rows to those in a map.
func (h *held) count(t *data.Table, rows []int, in map[uint64]int) error {
	return h.hashes(t, rows, func(_, all []uint64) {
		for _, s := range all {
			in[s]++
		}
	})
}

// see looks for held-out rows among training rows.
func (h *held) see(t *data.Table, rows []int) error {
	first := uint64(0)
	h.alike = true
	return h.hashes(t, rows, func(inputs, all []uint64) {
		if first == 0 {
			first = inputs[0]
		}
		for i, s := range all {
			h.alike = h.alike && inputs[i] == first
			if n, ok := h.validation[s]; ok {
				h.inValidation += n
				delete(h.validation, s)
			}
			if n, ok := h.test[s]; ok {
				h.inTest += n
				delete(h.test, s)
			}
		}
	})
}

// tell notes how many held-out rows are also training rows.
func (h *held) tell() {
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
		case p.double > 0 && !h.alike:
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
