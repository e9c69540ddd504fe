package data

import (
	"bytes"
	"math"
	"sort"
	"strconv"
	"sync"
	"time"
	"unsafe"
)

// A column is the values of one column of a table. It has one of three forms.
//
// Numbers: cells that are numbers or stand for nothing. A number is kept as a whole number
// and a count of decimals (12.50 is 1250 with 2) as long as every whole number of the column
// has 32 bits, else as a float64. Both give the cell's text again; a number that is written
// otherwise (1e5, +3, 007, more than 15 digits) has its text beside it.
//
// Levels: any other cells, each the number of its text in a dictionary.
//
// Pixels: numbers of an IDX file.
type column struct {
	form form

	small []int32   // numbers
	wide  []float64 // in place of small
	spare []float64 // memory for wide
	shape []uint8   // of each cell: its decimals, or one of those below, or shapeWord plus an index of words
	words []string  // cells that are no finite number: missing ones, and such as inf
	holds []content // what each of words is
	odd   oddTexts  // of numbers

	codes []uint32 // levels
	dict  dict
	means []meaning // what each level says as a number

	pixels *grid
	at     int // in a row of pixels
	label  bool

	clock bool // the numbers are times in seconds since 1970, and shape is shapeDay or shapeTime
	fixed Kind // what the source says that the column is; "": nothing

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
	shapeMinus = 32 // plus decimals: -0.00, among small
	shapePlain = 62 // a number of no text, among wide
	shapeOdd   = 63 // a number whose text stands in odd, among wide
	shapeWord  = 64
	shapeDay   = 0 // of a time: it is midnight
	shapeTime  = 1 // or not
	mostWords  = 256 - shapeWord
	mostWhole  = 1e15 // a float64 holds any decimal of 15 digits so that its text can be found again
)

// scaleOf is what the whole number of a cell of that shape is divided by. A float64 holds each.
var scaleOf = func() (of [shapeWord]float64) {
	x := 1.0
	for d := range 16 {
		of[d], of[shapeMinus+d] = x, -x
		x *= 10
	}
	return of
}()

// A meaning is what a level says as a number.
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

func (o *oddTexts) at(row int) string {
	i := sort.Search(len(o.rows), func(i int) bool { return o.rows[i] >= uint32(row) })
	start := 0
	if i > 0 {
		start = o.ends[i-1]
	}
	return unsafe.String(&o.text[start], o.ends[i]-start)
}

// rows is the number of cells.
func (c *column) rows() int {
	switch c.form {
	case formNumbers:
		return len(c.shape)
	case formLevels:
		return len(c.codes)
	}
	return c.pixels.rows
}

// number is a cell as a number, and what it is where it is none.
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
		m := c.means[c.codes[row]]
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

// numbers are the numbers of some rows, nil for all, behind one another in dst, and how many
// cells are missing. Where a cell is neither, bad is its row, else -1.
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

// missing reports whether a cell stands for nothing.
func (c *column) missing(row int) bool {
	switch c.form {
	case formNumbers:
		s := c.shape[row]
		return s >= shapeWord && c.holds[s-shapeWord] == missing
	case formLevels:
		return c.means[c.codes[row]].c == missing
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

// appendText appends the text of a cell of numbers.
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

// text is a cell as it stands in the file, without the blanks around it. Of levels it shares
// the column's memory.
func (c *column) text(row int) string {
	switch {
	case c.form == formLevels:
		return c.dict.at(c.codes[row])
	case c.form == formPixels:
		return formatNumber(c.pixels.at(row, c.at))
	case c.shape[row] >= shapeWord:
		return c.words[c.shape[row]-shapeWord]
	}
	return string(c.appendText(nil, row))
}

// value is a cell as EncodeRow takes it.
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

// A levelView is a column as levels: each cell's code, and the texts of the codes.
type levelView struct {
	codes []uint32
	dict  *dict
	means []meaning
}

// levels views the column as levels, whatever its form is.
func (c *column) levels() levelView {
	if c.form == formLevels {
		return levelView{c.codes, &c.dict, c.means}
	}
	c.once.Do(func() {
		n := c.rows()
		v := levelView{make([]uint32, n), new(dict), nil}
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
			v.codes[row] = code
		}
		v.dict.slots = nil
		c.asText = v
	})
	return c.asText
}

// A dateCell is a cell as a date.
type dateCell struct {
	t     time.Time
	clock bool
	c     content
}

// dates is a function from a row to its cell as a date; dotted tells whether 31.12.1999 is one.
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
	return func(row int) dateCell { return levels[c.codes[row]] }
}

// levelValue is a level as EncodeRow takes it.
func (c *column) levelValue(code uint32) Value {
	if c.means[code].c == missing {
		return Missing()
	}
	return Text(c.dict.at(code))
}

// add appends a cell of text, trimmed. Words says what words mean.
func (c *column) add(cell []byte, words *wordSet) {
	if c.form == formLevels {
		c.codes = append(c.codes, c.dict.add(cell))
		return
	}
	row := len(c.shape)
	if m, decimals, negative, n := scanDecimal(cell); n == len(cell) && n > 0 {
		c.addDecimal(m, decimals, negative)
		return
	}
	x, what := words.parse(cell)
	switch what {
	case number:
		c.widen()
		c.wide = append(c.wide, x)
		c.shape = append(c.shape, shapeOdd)
		c.odd.add(row, cell)
	case word:
		c.toLevels()
		c.codes = append(c.codes, c.dict.add(cell))
	default:
		if !c.addWord(string(cell), what) {
			c.toLevels()
			c.codes = append(c.codes, c.dict.add(cell))
		}
	}
}

// addDecimal appends the number m / 10^decimals, with m below mostWhole.
func (c *column) addDecimal(m uint64, decimals int, negative bool) {
	if c.wide == nil {
		if m <= math.MaxInt32 {
			v := int32(m)
			if negative {
				if v = -v; v == 0 {
					decimals += shapeMinus
				}
			}
			c.small = append(c.small, v)
			c.shape = append(c.shape, uint8(decimals))
			return
		}
		c.widen()
	}
	x := float64(m) / scaleOf[decimals]
	if negative {
		x = -x
	}
	c.wide = append(c.wide, x)
	c.shape = append(c.shape, uint8(decimals))
}

// addWord appends a cell that is no finite number. It reports false where there are too many
// different ones to be kept.
func (c *column) addWord(s string, what content) bool {
	i := 0
	for i < len(c.words) && c.words[i] != s {
		i++
	}
	if i == len(c.words) {
		if i == mostWords {
			return false
		}
		c.words = append(c.words, s)
		c.holds = append(c.holds, what)
	}
	c.shape = append(c.shape, uint8(shapeWord+i))
	if c.wide == nil {
		c.small = append(c.small, 0)
	} else {
		c.wide = append(c.wide, 0)
	}
	return true
}

// widen keeps the numbers as float64 from now on.
func (c *column) widen() {
	if c.wide != nil {
		return
	}
	if c.wide = c.spare[:0]; cap(c.wide) < len(c.small)+1 {
		c.wide = make([]float64, 0, cap(c.small)+1)
	}
	c.wide = c.wide[:len(c.small)]
	for row, m := range c.small {
		c.wide[row] = 0
		if s := c.shape[row]; s < shapeWord {
			c.wide[row] = float64(m) / scaleOf[s]
			c.shape[row] = s & (shapeMinus - 1)
		}
	}
	c.small = c.small[:0]
}

// toLevels keeps texts from now on.
func (c *column) toLevels() {
	if c.form == formLevels {
		return
	}
	if cap(c.codes) < len(c.shape)+1 {
		c.codes = make([]uint32, 0, cap(c.shape)+1)
	}
	c.dict.reset()
	var b []byte
	for row := range c.shape {
		b = c.appendText(b[:0], row)
		c.codes = append(c.codes, c.dict.add(b))
	}
	c.form, c.clock = formLevels, false
	c.small, c.wide, c.shape, c.words, c.holds, c.odd = nil, nil, nil, nil, nil, oddTexts{}
}

// join appends the cells of a part, which may be used anew afterwards.
func (c *column) join(part *column) {
	if c.form == formNumbers && (part.form == formLevels || c.clock != part.clock) {
		c.toLevels()
	}
	if c.form == formLevels {
		c.joinLevels(part)
		return
	}
	before := len(c.shape)
	c.shape = append(c.shape, part.shape...)
	if len(part.words) > 0 { // where they have other places here
		var at [mostWords]uint8
		same := true
		for i, s := range part.words {
			for int(at[i]) < len(c.words) && c.words[at[i]] != s {
				at[i]++
			}
			if int(at[i]) == len(c.words) {
				if len(c.words) == mostWords {
					c.shape = c.shape[:before]
					c.toLevels()
					c.joinLevels(part)
					return
				}
				c.words, c.holds = append(c.words, s), append(c.holds, part.holds[i])
			}
			same = same && at[i] == uint8(i)
		}
		if !same {
			for i, s := range c.shape[before:] {
				if s >= shapeWord {
					c.shape[before+i] = shapeWord + at[s-shapeWord]
				}
			}
		}
	}
	if part.wide != nil {
		c.widenBefore(before)
	}
	switch {
	case part.wide != nil:
		c.wide = append(c.wide, part.wide...)
	case c.wide == nil:
		c.small = append(c.small, part.small...)
	default:
		for i, m := range part.small {
			x := 0.0
			if s := part.shape[i]; s < shapeWord {
				x = float64(m) / scaleOf[s]
				c.shape[before+i] = s & (shapeMinus - 1)
			}
			c.wide = append(c.wide, x)
		}
	}
	start := 0
	for i, row := range part.odd.rows {
		c.odd.add(before+int(row), part.odd.text[start:part.odd.ends[i]])
		start = part.odd.ends[i]
	}
}

// widenBefore is widen for the first n cells, when shape is longer already.
func (c *column) widenBefore(n int) {
	shape := c.shape
	c.shape = c.shape[:n]
	c.widen()
	c.shape = shape
}

func (c *column) joinLevels(part *column) {
	if part.form == formNumbers {
		var b []byte
		for row := range part.shape {
			b = part.appendText(b[:0], row)
			c.codes = append(c.codes, c.dict.add(b))
		}
		return
	}
	there := make([]uint32, part.dict.len())
	for i := range there {
		there[i] = c.dict.addText(part.dict.at(uint32(i)))
	}
	for _, code := range part.codes {
		c.codes = append(c.codes, there[code])
	}
}

// reserve makes room for rows cells in all; where there is too little, for the guess.
func (c *column) reserve(rows, guess int) {
	switch {
	case c.form == formLevels:
		c.codes = withRoom(c.codes, rows, guess)
		return
	case c.wide != nil:
		c.wide = withRoom(c.wide, rows, guess)
	default:
		c.small = withRoom(c.small, rows, guess)
	}
	c.shape = withRoom(c.shape, rows, guess)
}

func withRoom[E any](s []E, rows, guess int) []E {
	if cap(s) >= rows {
		return s
	}
	return append(make([]E, 0, guess), s...)
}

// size is how many bytes the cells take, and how many the texts that some of them have.
func (c *column) size() (cells, texts int) {
	return 4*len(c.small) + 8*len(c.wide) + len(c.shape) + 4*len(c.codes), len(c.odd.text) + 12*len(c.odd.rows) + len(c.dict.text) + 8*len(c.dict.ends) + 4*len(c.dict.slots)
}

// reset empties a part for the next one.
func (c *column) reset() {
	*c = column{small: c.small[:0], spare: c.wide, shape: c.shape[:0], codes: c.codes[:0], dict: c.dict}
	c.dict.reset()
}

// finish ends a column of text: all its cells are there.
func (c *column) finish(words *wordSet) {
	if c.form == formNumbers && c.fixed == "" && !c.anyNumber() && len(c.words) > 0 {
		for _, what := range c.holds {
			if what == oddity {
				c.toLevels() // words that only look like numbers: inf, 0x1f
				break
			}
		}
	}
	if c.form != formLevels {
		if c.wide != nil {
			c.small = nil
		}
		return
	}
	c.dict.slots = nil
	c.means = make([]meaning, c.dict.len())
	for i := range c.means {
		s := c.dict.at(uint32(i))
		x, what := words.parse(unsafe.Slice(unsafe.StringData(s), len(s)))
		c.means[i] = meaning{x, what}
	}
}

func (c *column) anyNumber() bool {
	for _, s := range c.shape {
		if s < shapeWord {
			return true
		}
	}
	return false
}

// scanDecimal reads a decimal as it is usually written, -12.50, of at most 15 digits: the whole
// number of its digits, its decimals, its sign, and how many bytes it takes, 0 where there is
// none. b need not end with it.
func scanDecimal(b []byte) (m uint64, decimals int, negative bool, n int) {
	i := 0
	if i < len(b) && b[i] == '-' {
		negative, i = true, 1
	}
	start := i
	for i < len(b) {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		m = 10*m + uint64(d)
		i++
	}
	whole := i - start
	if whole == 0 || whole > 1 && b[start] == '0' {
		return 0, 0, false, 0
	}
	if i < len(b) && b[i] == '.' {
		point := i
		i++
		for i < len(b) {
			d := b[i] - '0'
			if d > 9 {
				break
			}
			m = 10*m + uint64(d)
			i++
		}
		decimals = i - point - 1
		if decimals == 0 {
			return 0, 0, false, 0
		}
	}
	if whole+decimals > 16 || m >= mostWhole {
		return 0, 0, false, 0
	}
	return m, decimals, negative, i
}

// A wordSet says which cells stand for nothing.
type wordSet struct {
}

// parse reads a trimmed cell.
func (w *wordSet) parse(cell []byte) (float64, content) {
	return parseTrimmed(unsafe.String(unsafe.SliceData(cell), len(cell)))
}

// trim is bytes.TrimSpace, faster for what has no blanks.
func trim(cell []byte) []byte {
	if n := len(cell); n == 0 || plainByte(cell[0]) && plainByte(cell[n-1]) {
		return cell
	}
	return bytes.TrimSpace(cell)
}

func plainByte(b byte) bool { return b > ' ' && b < 0x80 }
