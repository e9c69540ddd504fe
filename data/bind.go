package data

import (
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/spill"
)

// A Binding is a table in which the columns of an encoding have been found.
type Binding struct {
	e       *Encoding
	t       *Table
	inputs  []int
	coders  []coder // of the inputs
	targets []int   // nil if the table lacks one of them
	lenient bool    // see BadAsMissing
}

// BadAsMissing makes Inputs treat a cell whose type differs from the column's type in
// training as missing, and count it. Without it such a cell is an error.
func (b *Binding) BadAsMissing() { b.lenient = true }

// Bind finds the encoding's columns in a table by their names, in any order; other
// columns are ignored. All inputs must be present. The targets may be absent, as long as Targets is not called.
func (e *Encoding) Bind(t *Table) (b *Binding, err error) {
	defer spill.Guard(&err)()
	if e.width == 0 {
		return nil, fail(ErrEncoding, "the encoding was neither fitted nor decoded")
	}
	b = &Binding{e: e, t: t, inputs: make([]int, len(e.Inputs))}
	var lacking []string
	for i := range e.Inputs {
		col := t.Index(e.Inputs[i].Name)
		switch {
		case col < 0:
			lacking = append(lacking, e.Inputs[i].Name)
		case t.cols[col].unread != nil:
			return nil, t.unreadError(ErrColumn, col, "which the model needs")
		}
		b.inputs[i] = col
	}
	switch len(lacking) {
	case 0:
	case 1:
		return nil, unknownColumn(t, ErrColumn, "which the model needs", lacking[0], e.names()...)
	default:
		return nil, fail(ErrColumn, "%s: %d columns that the model needs are missing: %s: the table has %s",
			t.name, len(lacking), list(lacking), list(t.columns))
	}
	for i := range e.Targets {
		col := t.Index(e.Targets[i].Name)
		if col < 0 || t.cols[col].unread != nil {
			b.targets = nil
			break
		}
		b.targets = append(b.targets, col)
	}
	if _, ok := b.pixelScale(); !ok {
		b.coders = make([]coder, len(e.Inputs))
		parallel(len(e.Inputs), func(i int) { b.coders[i] = newCoder(&e.Inputs[i], &t.cols[b.inputs[i]]) })
	}
	return b, nil
}

// As binds the same table with another encoding, with BadAsMissing if it was called on b.
func (b *Binding) As(e *Encoding) (*Binding, error) {
	o, err := e.Bind(b.t)
	if err == nil {
		o.lenient = b.lenient
	}
	return o, err
}

// Only binds the same table with a single input of the encoding, given by its index. Inputs then writes only the columns of
// that input.
func (b *Binding) Only(input int) *Binding {
	in := b.e.Inputs[input]
	in.offset = 0
	o := &Binding{e: &Encoding{Inputs: []Input{in}, width: in.layout.Width()}, t: b.t, inputs: b.inputs[input : input+1], lenient: b.lenient}
	if b.coders != nil {
		k := b.coders[input]
		k.in = &o.e.Inputs[0]
		o.coders = []coder{k}
	}
	return o
}

// Spilled returns the disk space that stores the table's cells. It is nil if they are in memory.
func (b *Binding) Spilled() *Spill { return b.t.disk }

// names returns the names of all columns of the encoding.
func (e *Encoding) names() []string {
	names := e.Columns()
	for i := range e.Targets {
		names = append(names, e.Targets[i].Name)
	}
	return names
}

// CheckTargets returns an error that names a target missing from the table, or nil.
func (b *Binding) CheckTargets() error {
	for i := range b.e.Targets {
		name := b.e.Targets[i].Name
		switch col := b.t.Index(name); {
		case col < 0:
			return unknownColumn(b.t, ErrTarget, "which is the target", name, b.e.names()...)
		case b.t.cols[col].unread != nil:
			return b.t.unreadError(ErrTarget, col, "which is the target")
		}
	}
	return nil
}

// Labeled lists the rows in which no target is missing.
func (b *Binding) Labeled() []int {
	if b.targets == nil {
		return nil
	}
	looks := make([]inspection, len(b.targets))
	for i, col := range b.targets {
		looks[i].c = b.t.cols[col].spelled(b.e.Targets[i].Spelling)
	}
	return rowsWith(looks, nil)
}

// A Count counts the cells of a column that were not encoded as they are.
type Count struct {
	Column  string `json:"column"`
	Imputed int    `json:"imputed,omitempty"` // they were missing
	Unseen  int    `json:"unseen,omitempty"`  // their level was not in the training rows
	Example string `json:"example,omitempty"` // the first unseen level
	Beyond  int    `json:"beyond,omitempty"`  // they were outside the range of the training rows, from Low to High; see Inputs
	Low     string `json:"low,omitempty"`     // as a number, or a date
	High    string `json:"high,omitempty"`
	Bad     int    `json:"bad,omitempty"`      // they were of another type, see BadAsMissing
	BadCell string `json:"bad_cell,omitempty"` // the first of them, with its line
}

// Counts has a Count for each column with something to report, in the encoding's order.
type Counts []Count

// Imputed returns the number of missing cells in all columns.
func (c Counts) Imputed() int {
	n := 0
	for i := range c {
		n += c[i].Imputed
	}
	return n
}

// Bad returns the number of cells of another type in all columns.
func (c Counts) Bad() int {
	n := 0
	for i := range c {
		n += c[i].Bad
	}
	return n
}

// Unseen returns the number of cells in all columns whose levels were not in the training rows.
func (c Counts) Unseen() int {
	n := 0
	for i := range c {
		n += c[i].Unseen
	}
	return n
}

// Inputs writes the encoded inputs of the given rows to dst, row after row; nil means all rows. dst holds
// Width numbers per row. A cell whose type differs from training is an error that names its line and
// column. Cells beyond the range of the training rows are counted only if they are more than one in a
// hundred of the rows, because a few are expected.
func Inputs[T Float](b *Binding, rows []int, dst []T) (told Counts, err error) {
	defer spill.Guard(&err)()
	if rows == nil {
		rows = b.t.all()
	}
	if len(dst) < len(rows)*b.e.width {
		panic("data: Inputs: dst is shorter than rows times Width")
	}
	counts := make(Counts, len(b.e.Inputs))
	if err := encodeRows(b, rows, dst, counts); err != nil {
		return nil, err
	}
	return b.told(counts, len(rows)), nil
}

// CountInputs returns what Inputs returns for the given rows, and encodes them part by part, so that they are never all
// in memory.
func CountInputs[T Float](b *Binding, rows []int) (told Counts, err error) {
	defer spill.Guard(&err)()
	const part = 16 * pieceRows
	counts := make(Counts, len(b.e.Inputs))
	dst := make([]T, min(part, len(rows))*b.e.width)
	for from := 0; from < len(rows); from += part {
		if err := encodeRows(b, rows[from:min(from+part, len(rows))], dst, counts); err != nil {
			return nil, err
		}
	}
	return b.told(counts, len(rows)), nil
}

// encodeRows writes the encoded inputs of rows to dst, and adds to the counts of the inputs.
func encodeRows[T Float](b *Binding, rows []int, dst []T, counts Counts) error {
	e, t := b.e, b.t
	if scale, ok := b.pixelScale(); ok {
		encodePixels(b, scale, rows, dst)
		return nil
	}
	pieces := make([]piece, (len(rows)+pieceRows-1)/pieceRows)
	parallel(len(pieces), func(i int) {
		from := i * pieceRows
		to := min(from+pieceRows, len(rows))
		encodePiece(b, rows[from:to], dst[from*e.width:to*e.width], &pieces[i])
	})
	for i := range pieces {
		p := &pieces[i]
		if p.failed != encoded {
			kind := ErrType
			if p.failed == notFinite {
				kind = ErrNumber
			}
			return t.Refuse(kind, p.row, b.inputs[p.input], "%s", p.failed.explain(&b.e.Inputs[p.input], t.Cell(p.row, b.inputs[p.input])))
		}
		for j, c := range p.counts {
			counts[j].Imputed += c.imputed
			if counts[j].Unseen == 0 && c.unseen > 0 {
				counts[j].Example = strings.Clone(t.Cell(c.first, b.inputs[j]))
			}
			counts[j].Unseen += c.unseen
			counts[j].Beyond += c.beyond
			if counts[j].Bad == 0 && c.bad > 0 {
				counts[j].BadCell = t.cellAt(c.firstBad, b.inputs[j])
			}
			counts[j].Bad += c.bad
		}
	}
	return nil
}

// told returns the counts that have something to report.
func (b *Binding) told(counts Counts, rows int) Counts {
	told := counts[:0]
	for i, c := range counts {
		in := &b.e.Inputs[i]
		if c.Beyond*100 <= rows {
			c.Beyond = 0
		}
		if c.Imputed > 0 || c.Unseen > 0 || c.Beyond > 0 || c.Bad > 0 {
			c.Column = in.Name
			if c.Beyond > 0 {
				c.Low, c.High = in.rangeText()
			}
			told = append(told, c)
		}
	}
	return told
}

// pixelScale reports whether all inputs are bytes of images that are divided by one scale.
func (b *Binding) pixelScale() (scale float64, ok bool) {
	scale = b.e.Inputs[0].Scale
	for i := range b.e.Inputs {
		in := &b.e.Inputs[i]
		if !b.t.isPixel(b.inputs[i]) || in.Kind != KindNumber || in.Missing || in.Clip || in.Center != 0 || in.Scale != scale || in.Scale > 0 && in.Scale < 1 {
			return 0, false
		}
	}
	return scale, true
}

// encodePixels does the same as encodeCell, many times faster.
func encodePixels[T Float](b *Binding, scale float64, rows []int, dst []T) {
	var scaled [256]T
	if scale != 0 {
		for x := range scaled {
			scaled[x] = T(float64(x) / scale)
		}
	}
	g, width := b.t.cols[b.inputs[0]].pixels, len(b.inputs)
	parallel((len(rows)+pieceRows-1)/pieceRows, func(i int) {
		for n := i * pieceRows; n < min((i+1)*pieceRows, len(rows)); n++ {
			image, out := g.bytes[rows[n]*g.width:(rows[n]+1)*g.width], dst[n*width:(n+1)*width]
			for j, col := range b.inputs {
				out[j] = scaled[image[col]]
			}
		}
	})
}

// Targets writes the encoded targets of the given rows to dst, row after row; nil means
// all rows. dst holds Outputs numbers per row: (y - Center) / Scale in regression; 0 or
// 1 for the class of a binary target and for each label; for a multiclass target, a 1 at
// the place of its class. A missing cell is an error: see Labeled.
func Targets[T Float](b *Binding, rows []int, dst []T) error {
	e, t := b.e, b.t
	if err := b.CheckTargets(); err != nil {
		return err
	}
	if rows == nil {
		rows = t.all()
	}
	width := e.Outputs()
	if len(dst) < len(rows)*width {
		panic("data: Targets: dst is shorter than rows times Outputs")
	}
	for i := range e.Targets {
		y, col := &e.Targets[i], b.targets[i]
		c := t.cols[col].spelled(y.Spelling)
		if e.Task == Regression {
			for n, row := range rows {
				x, what := c.number(row)
				if what != number {
					return notNumberError(t, row, col)
				}
				v := T((x - y.Center) / y.Scale)
				if !float.Finite(float64(v)) {
					return oddNumberError(t, row, col)
				}
				dst[n*width+i] = v
			}
			continue
		}
		classOf := y.classOf(c)
		for n, row := range rows {
			class := classOf(row)
			if class < 0 {
				return classError(t, row, col, y)
			}
			if e.Task == Multiclass {
				clear(dst[n*width : (n+1)*width])
				dst[n*width+class] = 1
			} else {
				dst[n*width+i] = T(class)
			}
		}
	}
	return nil
}

// KnownClasses returns the rows whose classes were all in the training rows. rows must come
// from Labeled. first shows the first cell with another class, for messages. In regression
// all rows are returned.
func (b *Binding) KnownClasses(rows []int) (known []int, first string) {
	if b.e.Task == Regression {
		return rows, ""
	}
	known = rows
	for i := range b.e.Targets {
		y, col := &b.e.Targets[i], b.targets[i]
		classOf := y.classOf(b.t.cols[col].spelled(y.Spelling))
		other := func(row int) bool { return classOf(row) < 0 }
		at := slices.IndexFunc(known, other)
		if at < 0 {
			continue
		}
		if first == "" {
			first = b.t.cellAt(known[at], col)
		}
		known = slices.DeleteFunc(slices.Clone(known), other)
	}
	return known, first
}

func notNumberError(t *Table, row, col int) error {
	if t.Missing(row, col) {
		return t.refuseMissing(row, col, "the cell is missing: it takes a number")
	}
	return t.Refuse(ErrType, row, col, "is not a number: correct it")
}

func classError(t *Table, row, col int, y *Target) error {
	if t.Missing(row, col) {
		return t.refuseMissing(row, col, "the cell is missing: it takes one of the classes %s", list(y.Classes))
	}
	return t.Refuse(ErrClass, row, col, "is a class that was not in the training rows: they had %s", list(y.Classes))
}
