package data

import (
	"math"
	"sort"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"github.com/gradus-ml/gradus/internal/spill"
)

// A column is the values of one column of a table. It has one of three forms.
//
// Numbers: cells that are numbers or missing. A number is kept as an integer and a number of
// decimals (12.50 is 1250 with 2 decimals) as long as every integer of the column fits in 32
// bits, otherwise as a float64. Both reproduce the cell's text. For a number written in
// another way (1e5, +3, 007, more than 15 digits) the text is kept as well.
//
// Levels: all other cells. Each is the number of its text in a dictionary.
//
// Pixels: numbers of an IDX file.
type column struct {
	form form

	small []int32   // numbers
	wide  []float64 // used instead of small
	spare []float64 // memory for wide
	shape []uint8   // of each cell: its number of decimals, or one of the shapes below, or shapeWord plus an index into words
	words []string  // cells that are not finite numbers: missing ones, and others such as inf
	holds []content // what each of words is
	odd   oddTexts  // of numbers

	codes codes // levels
	dict  dict
	means []meaning // what each level is as a number

	pixels *grid
	at     int // index within a row of pixels
	label  bool

	disk *Spill // where small, wide, shape, odd and codes are stored; nil: in memory

	clock bool // the numbers are times in seconds since 1970, and shape is shapeDay or shapeTime
	fixed Kind // what the source says the column is; "": nothing

	unread Note // why its values were not read, so that all are missing; nil: they were

	typed bool // its numbers came as numbers, not as text, so no Spelling changes them
	mixed bool // some of a typed column's numbers came as text

	once   sync.Once
	asText levelView
}

type form uint8

const (
	formNumbers form = iota
	formLevels
	formPixels
)

const (
	shapeMinus = 32              // plus the number of decimals: a negative zero in small, such as -0.00
	shapePlain = 62              // a number in wide that did not come as text
	shapeOdd   = 63              // a number in wide whose text is in odd
	shapeWord  = 64              // plus an index into words
	shapeDay   = 0               // of a time: midnight
	shapeTime  = 1               // of a time: not midnight
	mostWords  = 256 - shapeWord // different words of a column
	mostWhole  = 1e15            // a float64 holds any decimal of 15 digits precisely enough to restore its text
)

// scaleOf is the divisor for the integer of a cell, by the cell's shape. A float64 holds each exactly.
var scaleOf = func() (of [shapeWord]float64) {
	x := 1.0
	for d := range 16 {
		of[d], of[shapeMinus+d] = x, -x
		x *= 10
	}
	return of
}()

// A meaning is the numeric reading of a level.
type meaning struct {
	x float64
	c content
}

// oddTexts are the texts of some cells, in the order of their rows.
type oddTexts struct {
	rows []uint32
	ends []int
	text []byte
}

func (o *oddTexts) add(row int, s []byte) {
	o.text = append(o.text, s...)
	o.rows = append(o.rows, uint32(row))
	o.ends = append(o.ends, len(o.text))
}

// reserve makes room for more texts on a disk.
func (o *oddTexts) reserve(disk *Spill, texts, bytes int) {
	n, size := len(o.rows)+texts, len(o.text)+bytes
	o.rows, o.ends = withRoom(disk, o.rows, n, 2*n), withRoom(disk, o.ends, n, 2*n)
	o.text = withRoom(disk, o.text, size, 2*size)
}

func (o *oddTexts) free(disk *Spill) {
	spill.Free(disk, o.rows)
	spill.Free(disk, o.ends)
	spill.Free(disk, o.text)
}

func (o *oddTexts) at(row int) string {
	i := sort.Search(len(o.rows), func(i int) bool { return o.rows[i] >= uint32(row) })
	start := 0
	if i > 0 {
		start = o.ends[i-1]
	}
	return unsafe.String(&o.text[start], o.ends[i]-start)
}

// rows returns the number of cells.
func (c *column) rows() int {
	switch c.form {
	case formNumbers:
		return len(c.shape)
	case formLevels:
		return c.codes.len()
	}
	return c.pixels.rows
}

// number returns a cell as a number. If it is not a number, the content says what it is.
func (c *column) number(row int) (float64, content) {
	switch c.form {
	case formNumbers:
		s := c.shape[row]
		switch {
		case s >= shapeWord:
			return 0, c.holds[s-shapeWord]
		case c.clock:
			return 0, word
		case c.wide == nil:
			return float64(c.small[row]) / scaleOf[s&(shapeWord-1)], number
		}
		return c.wide[row], number
	case formLevels:
		m := c.means[c.codes.at(row)]
		return m.x, m.c
	}
	x := c.pixels.at(row, c.at)
	switch {
	case math.IsNaN(x):
		return 0, missing
	case math.IsInf(x, 0):
		return 0, oddity
	}
	return x, number
}

// numbers stores the numbers of the given rows, nil for all, one after another in dst, and
// counts the missing cells. bad is the row of a cell that is neither a number nor missing, or -1.
func (c *column) numbers(rows []int, dst []float64) (values []float64, without int, bad int) {
	n := len(rows)
	if rows == nil {
		n = c.rows()
	}
	for i := range n {
		row := i
		if rows != nil {
			row = rows[i]
		}
		x, what := c.number(row)
		switch {
		case what == number:
			dst = append(dst, x)
		case what == missing:
			without++
		default:
			return dst, without, row
		}
	}
	return dst, without, -1
}

// missing reports whether a cell is missing.
func (c *column) missing(row int) bool {
	switch c.form {
	case formNumbers:
		s := c.shape[row]
		return s >= shapeWord && c.holds[s-shapeWord] == missing
	case formLevels:
		return c.means[c.codes.at(row)].c == missing
	}
	return math.IsNaN(c.pixels.at(row, c.at))
}

// empty reports whether all cells are missing.
func (c *column) empty() bool {
	for row := range c.rows() {
		if !c.missing(row) {
			return false
		}
	}
	return true
}

// appendText appends the text of a cell in numeric form.
func (c *column) appendText(b []byte, row int) []byte {
	s := c.shape[row]
	switch {
	case s >= shapeWord:
		return append(b, c.words[s-shapeWord]...)
	case c.clock:
		return appendTime(b, int64(c.wide[row]), s)
	case s == shapePlain:
		return appendNumber(b, c.wide[row])
	case s == shapeOdd:
		return append(b, c.odd.at(row)...)
	case c.wide == nil:
		m := int64(c.small[row])
		if m < 0 || s >= shapeMinus {
			b, m, s = append(b, '-'), -m, s&(shapeMinus-1)
		}
		return appendDecimal(b, uint64(m), int(s))
	}
	x := c.wide[row]
	if math.Signbit(x) {
		b, x = append(b, '-'), -x
	}
	return appendDecimal(b, uint64(math.RoundToEven(x*scaleOf[s])), int(s))
}

// appendDecimal writes m / 10^decimals.
func appendDecimal(b []byte, m uint64, decimals int) []byte {
	if decimals == 0 {
		return strconv.AppendUint(b, m, 10)
	}
	var digits [32]byte
	d := strconv.AppendUint(digits[:0], m, 10)
	if whole := len(d) - decimals; whole > 0 {
		b = append(b, d[:whole]...)
		b = append(b, '.')
		return append(b, d[whole:]...)
	}
	b = append(b, '0', '.')
	for range decimals - len(d) {
		b = append(b, '0')
	}
	return append(b, d...)
}

// text returns a cell as it is in the file, without surrounding blanks. The text of a level
// shares the column's memory.
func (c *column) text(row int) string {
	switch {
	case c.form == formLevels:
		return c.dict.at(c.codes.at(row))
	case c.form == formPixels:
		return formatNumber(c.pixels.at(row, c.at))
	case c.shape[row] >= shapeWord:
		return c.words[c.shape[row]-shapeWord]
	}
	return string(c.appendText(nil, row))
}

// value returns a cell in the form that EncodeRow takes.
func (c *column) value(row int) Value {
	x, what := c.number(row)
	switch {
	case what == missing:
		return Missing()
	case c.clock:
		return Value{kind: valueTime, x: c.wide[row]}
	case c.form == formPixels:
		return Value{kind: valueNumber, x: x}
	}
	return Text(c.text(row))
}

// A levelView is a column seen as levels: each cell's code, and the texts of the codes.
type levelView struct {
	codes codes
	dict  *dict
	means []meaning
}

// levels returns the column as levels, whatever its form.
func (c *column) levels() levelView {
	if c.form == formLevels {
		return levelView{c.codes, &c.dict, c.means}
	}
	c.once.Do(func() {
		n := c.rows()
		v := levelView{dict: new(dict)}
		v.codes.reserve(c.disk, n, n)
		var b []byte
		for row := range n {
			if c.form == formNumbers {
				b = c.appendText(b[:0], row)
			} else {
				b = append(b[:0], c.text(row)...)
			}
			code := v.dict.add(b)
			if int(code) == len(v.means) {
				x, what := c.number(row)
				v.means = append(v.means, meaning{x, what})
			}
			v.codes.add(c.disk, code)
		}
		v.dict.slots = nil
		c.asText = v
	})
	return c.asText
}

// A dateCell is a cell read as a date.
type dateCell struct {
	t     time.Time
	clock bool
	c     content
}

// dates returns a function from a row to its cell read as a date. dotted allows dates such as
// 31.12.1999.
func (c *column) dates(sp *Spelling, dotted bool) func(row int) dateCell {
	as := func(v Value) dateCell {
		t, clock, what := v.date(sp, dotted)
		return dateCell{t, clock, what}
	}
	if c.clock {
		return func(row int) dateCell {
			cell := as(c.value(row))
			cell.clock = cell.c == number && c.shape[row] == shapeTime
			return cell
		}
	}
	if c.form != formLevels {
		return func(row int) dateCell { return as(c.value(row)) }
	}
	levels := make([]dateCell, c.dict.len())
	for i := range levels {
		levels[i] = as(c.levelValue(uint32(i)))
	}
	return func(row int) dateCell { return levels[c.codes.at(row)] }
}

// levelValue returns a level in the form that EncodeRow takes.
func (c *column) levelValue(code uint32) Value {
	if c.means[code].c == missing {
		return Missing()
	}
	return Text(c.dict.at(code))
}
