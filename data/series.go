package data

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/plural"
)

// A Series holds the values of one column before they are part of a table. Infer looks at the cells
// of a text to find their kind, but these values have types: a time is a date and a boolean is a
// boolean, whatever else it could mean. The zero value is an empty Series, ready for use.
//
//	s := data.NewSeries("height")
//	s.Float(1.75)
//	s.Null()
//	t, err := data.TableOf("people", s)
type Series struct {
	name    string
	col     column
	texts   bool // some values are text
	dates   bool // some values are times
	truths  bool // some values are booleans
	numbers bool // some values are numbers
	written bool // some texts could be numbers
	fixed   Kind // set by Fix
	unread  Note // set by Unread
	most    int  // the number of values it will have, or 0
	scratch []byte
}

// NewSeries starts a column with the given name.
func NewSeries(name string) *Series { return &Series{name: name} }

// Name returns the column's name.
func (s *Series) Name() string { return s.name }

// Len returns the number of values.
func (s *Series) Len() int { return s.col.rows() }

// Fix sets the kind of the column, whatever its values look like: for example
// KindCategory for numbers that are only labels of categories.
func (s *Series) Fix(k Kind) { s.fixed = k }

// Unread says that the values of the column cannot be cells of a table. what names them, in the plural, and advice says how to
// turn them into cells: Unread("lists", "flatten the column to use it"). In the table all values are missing, however many were
// appended. Infer leaves the column out and says so. It is an error to use it in any other way: as a target, a weight, a group,
// a column that is kept, or a column that a model needs.
func (s *Series) Unread(what, advice string) {
	if s.unread == nil {
		s.unread = Notef("holds %s, which are not read: %s", what, advice)
		s.col = column{}
	}
}

// Blob appends bytes that may or may not be text. If they are not UTF-8, they are Unread.
func (s *Series) Blob(b []byte) {
	switch {
	case s.unread != nil:
	case isText(b):
		s.Bytes(b)
	default:
		s.Unread("bytes that are not text", "write them as numbers or as texts to use them")
	}
}

// IsUnread reports whether Unread was called. Then no more values need to be appended.
func (s *Series) IsUnread() bool { return s.unread != nil }

// Null appends a missing value.
func (s *Series) Null() {
	if s.col.form == formLevels {
		s.col.codes.add(s.col.disk, s.col.dict.add(nil))
		return
	}
	s.col.addWord("", missing)
}

// Float appends a number. NaN is missing.
func (s *Series) Float(x float64) {
	s.numbers = true
	switch c := &s.col; {
	case math.IsNaN(x):
		s.Null()
	case c.form == formLevels || c.clock || math.IsInf(x, 0):
		s.cell(appendNumber(s.scratch[:0], x))
	case c.wide == nil && shapeOfFloat(x) == 0:
		c.small = append(c.small, int32(x))
		c.shape = append(c.shape, 0)
	default:
		c.widen()
		c.wide = append(c.wide, x)
		c.shape = append(c.shape, shapeOfFloat(x))
	}
}

// shapeOfFloat is the shape of a finite number. It does not depend on the numbers before it, so that a table is the
// same in whatever parts it came.
func shapeOfFloat(x float64) uint8 {
	if n := int64(x); float64(n) == x && n >= -math.MaxInt32 && n <= math.MaxInt32 && (n != 0 || !math.Signbit(x)) {
		return 0
	}
	return shapePlain
}

// Float32 appends a single-precision number as its shortest decimal: 0.1 instead of
// 0.10000000149011612. Programs write such a number into a text in the same way.
func (s *Series) Float32(x float32) {
	y := float64(x)
	if m := math.Abs(y); m >= 1e-4 && m < 1e7 {
		scale := 1.0
		for decimals := range 11 {
			whole := math.RoundToEven(m * scale)
			if float32(whole/scale) == float32(m) {
				if s.numbers = true; s.col.form == formNumbers && !s.col.clock {
					s.col.addDecimal(uint64(whole), decimals, y < 0)
				} else {
					s.Float(math.Copysign(whole/scale, y))
				}
				return
			}
			scale *= 10
		}
	}
	if y != math.Trunc(y) || math.Abs(y) >= 1<<24 {
		y, _ = strconv.ParseFloat(strconv.FormatFloat(y, 'g', -1, 32), 64)
	}
	s.Float(y)
}

// Int appends a whole number.
func (s *Series) Int(x int64) {
	if x < 0 {
		s.decimal(uint64(-x), 0, true)
	} else {
		s.decimal(uint64(x), 0, false)
	}
}

// Uint appends a whole number.
func (s *Series) Uint(x uint64) { s.decimal(x, 0, false) }

// Decimal appends the number unscaled / 10^scale.
func (s *Series) Decimal(unscaled int64, scale int) {
	if unscaled < 0 {
		s.decimal(uint64(-unscaled), scale, true)
	} else {
		s.decimal(uint64(unscaled), scale, false)
	}
}

// BigDecimal appends the number unscaled / 10^scale. unscaled is an integer in two's complement, most significant byte first.
func (s *Series) BigDecimal(unscaled []byte, scale int) {
	negative := len(unscaled) > 0 && unscaled[0] >= 0x80
	if len(unscaled) <= 8 { // the usual case, without a big.Int
		x := int64(0)
		if negative {
			x = -1
		}
		for _, b := range unscaled {
			x = x<<8 | int64(b)
		}
		s.Decimal(x, scale)
		return
	}
	x := new(big.Int).SetBytes(unscaled)
	if negative {
		x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(unscaled))))
	}
	if x.IsInt64() {
		s.Decimal(x.Int64(), scale)
	} else {
		s.Number(fmt.Sprintf("%se%d", x, -scale))
	}
}

func (s *Series) decimal(m uint64, scale int, negative bool) {
	s.numbers = true
	for scale > 0 && m%10 == 0 { // 12.50 is 12.5
		m, scale = m/10, scale-1
	}
	if m < mostWhole && scale >= 0 && scale <= 15 && s.col.form == formNumbers && !s.col.clock {
		s.col.addDecimal(m, scale, negative)
		return
	}
	b := s.scratch[:0]
	if negative {
		b = append(b, '-')
	}
	if scale >= 0 && scale < 20 {
		b = appendDecimal(b, m, scale)
	} else {
		b = strconv.AppendUint(b, m, 10)
		b = append(b, 'e')
		b = strconv.AppendInt(b, -int64(scale), 10)
	}
	s.cell(b)
}

// Bool appends a boolean.
func (s *Series) Bool(x bool) {
	s.truths = true
	s.toLevels()
	word := "false"
	if x {
		word = "true"
	}
	s.col.codes.add(s.col.disk, s.col.dict.addText(word))
}

// Time appends a date, or a date with its time of day, to the second in UTC.
func (s *Series) Time(t time.Time) {
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		s.Text(t.UTC().Format(layoutSecond))
		return
	}
	s.Seconds(t.Unix())
}

// The first and the last second that a date can have, in seconds since 1970.
const (
	firstSecond = -62167219200 // the year 0
	lastSecond  = 253402300799 // the year 9999
)

// Seconds appends the date that is the given number of seconds after 1970 in UTC.
func (s *Series) Seconds(seconds int64) {
	c := &s.col
	s.dates = true
	if seconds < firstSecond || seconds > lastSecond {
		s.cell(strconv.AppendInt(s.scratch[:0], seconds, 10))
		return
	}
	if c.form == formNumbers && !c.clock && !c.anyNumber() {
		c.widen()
		c.clock = true
	}
	if !c.clock {
		s.cell(appendTime(s.scratch[:0], seconds, shapeOf(seconds)))
		return
	}
	c.wide = append(c.wide, float64(seconds))
	c.shape = append(c.shape, shapeOf(seconds))
}

// Ticks appends the date that is the given number of parts of a second after 1970 in UTC, perSecond of them to a second. It is the
// second in which they lie.
func (s *Series) Ticks(ticks, perSecond int64) {
	seconds := ticks / perSecond
	if ticks%perSecond < 0 {
		seconds--
	}
	s.Seconds(seconds)
}

// Clock appends a time of day, in seconds since midnight, as text.
func (s *Series) Clock(seconds int64) {
	s.Text(fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60))
}

func shapeOf(seconds int64) uint8 {
	if seconds%86400 == 0 {
		return shapeDay
	}
	return shapeTime
}

// Text appends a cell as it would be in a file: "4.5" is also a number, "NA" is missing, and
// blanks around it are ignored.
func (s *Series) Text(cell string) { s.Bytes([]byte(cell)) }

// Bytes appends a cell as Text does. It keeps no reference to it.
func (s *Series) Bytes(cell []byte) {
	s.texts = true
	cell = trim(cell)
	if !s.written {
		_, what := parseBytes(cell)
		s.written = what == number
	}
	s.cell(cell)
}

// Number appends a number that is given by its decimal digits, as in JSON. All of them are kept.
func (s *Series) Number(digits string) {
	s.numbers = true
	s.cell([]byte(digits))
}

func (s *Series) cell(cell []byte) {
	if s.col.clock {
		s.toLevels()
	}
	s.col.add(cell)
	s.scratch = cell[:0:0]
}

// Level appends a category. It is a text and stays one even if it looks like a number.
func (s *Series) Level(name []byte) {
	s.texts = true
	s.toLevels()
	s.col.codes.add(s.col.disk, s.col.dict.add(trim(name)))
}

// Levels appends categories. codes are indexes into names, or negative for a missing value.
func (s *Series) Levels(codes []int32, names [][]byte) error {
	s.texts = true
	s.toLevels()
	c := &s.col
	there := make([]int64, len(names)) // its number in the dictionary, plus 1
	for _, code := range codes {
		switch {
		case code < 0:
			c.codes.add(c.disk, c.dict.add(nil))
		case int(code) >= len(names):
			return fail(ErrDamaged, "the category %d is not one of the %d that there are", code, len(names))
		default:
			if there[code] == 0 {
				there[code] = int64(c.dict.add(trim(names[code]))) + 1
			}
			c.codes.add(c.disk, uint32(there[code]-1))
		}
	}
	return nil
}

func (s *Series) toLevels() { s.col.toLevels() }

// Grow sets the total number of values the Series will have, so that it grows only once.
func (s *Series) Grow(n int) { s.most = n }

// Floats appends numbers; NaN is missing.
func (s *Series) Floats(values ...float64) {
	c := &s.col
	for len(values) > 0 && c.wide == nil {
		s.Float(values[0])
		values = values[1:]
	}
	if len(values) == 0 {
		return
	}
	s.numbers = true
	if more := s.most - len(c.wide); more > len(values) {
		c.wide, c.shape = roomFor(c.wide, more), roomFor(c.shape, more)
	}
	c.wide, c.shape = slices.Grow(c.wide, len(values)), slices.Grow(c.shape, len(values))
	if c.form == formNumbers && !c.clock { // up to the first NaN or infinity
		at, n := len(c.shape), 0
		shapes := c.shape[at : at+len(values)]
		for i, x := range values {
			if !float.Finite(x) {
				break
			}
			shapes[i] = shapeOfFloat(x)
			n++
		}
		c.wide, c.shape = append(c.wide, values[:n]...), c.shape[:at+n]
		values = values[n:]
	}
	for _, x := range values {
		if !float.Finite(x) || c.form != formNumbers || c.clock { // NaN and infinities too
			s.Float(x)
			continue
		}
		c.wide = append(c.wide, x)
		c.shape = append(c.shape, shapeOfFloat(x))
	}
}

// roomFor gives a slice room for n more elements. slices.Grow would zero them first.
func roomFor[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return append(make([]T, 0, len(s)+n), s...)
}

// kind returns the kind that follows from the values' types, or "" for texts and for mixed types.
func (s *Series) kind() Kind {
	of := []Kind{}
	for _, k := range []struct {
		some bool
		kind Kind
	}{{s.numbers, KindNumber}, {s.dates && s.col.clock, KindDate}, {s.truths, KindBoolean}, {s.texts || s.dates && !s.col.clock, ""}} {
		if k.some {
			of = append(of, k.kind)
		}
	}
	switch {
	case s.fixed != "":
		return s.fixed
	case len(of) == 1:
		return of[0]
	}
	return ""
}

// TableOf makes a table of columns of equal length. The name is used for the file in messages. The
// columns must not be used afterwards.
func TableOf(name string, columns ...*Series) (*Table, error) {
	t := &Table{name: name, format: []string{"in memory"}}
	names := make([]string, len(columns))
	for i, s := range columns {
		names[i] = s.name
	}
	if len(columns) == 0 {
		return nil, fail(ErrEmpty, "%s: the table has no columns: it takes at least one", name)
	}
	if err := t.setColumns(t.number(names, 0), 0); err != nil {
		return nil, err
	}
	first := slices.IndexFunc(columns, func(s *Series) bool { return s.unread == nil })
	if first < 0 {
		return nil, fail(ErrFormat, "%s: no column can be read: column %s %s", name, quote(names[0]), columns[0].unread)
	}
	t.rows = columns[first].Len()
	for i, s := range columns {
		if s.unread != nil {
			t.cols[i].unread = s.unread
			t.cols[i].addMissing(t.rows)
			continue
		}
		if n := s.Len(); n != t.rows {
			return nil, fail(ErrRagged, "%s: column %s has %s, column %s has %d: make them agree",
				name, quote(names[first]), plural.Of(t.rows, "row"), quote(names[i]), n)
		}
		t.cols[i] = column{
			form: s.col.form, small: s.col.small, wide: s.col.wide, shape: s.col.shape, words: s.col.words, holds: s.col.holds,
			odd: s.col.odd, codes: s.col.codes, dict: s.col.dict, clock: s.col.clock, fixed: s.kind(),
			typed: s.numbers, mixed: s.numbers && s.written,
		}
	}
	if t.rows == 0 {
		return nil, fail(ErrEmpty, "%s: the table has columns and no rows: it takes at least one row", name)
	}
	t.finish()
	for i := range t.cols {
		if c := &t.cols[i]; c.form == formLevels {
			for code := range c.means {
				if s := c.dict.at(uint32(code)); c.means[code].c != missing && !isText([]byte(s)) {
					row := 0
					for c.codes.at(row) != uint32(code) {
						row++
					}
					return nil, t.Refuse(ErrText, row, i, "is not UTF-8 text")
				}
			}
		}
	}
	return t, nil
}

// FromColumns makes a table of slices: []float64, []float32, whole numbers, []bool, []string,
// []time.Time, or pointers to these, where nil is missing. Names and values alternate:
//
//	t, err := data.FromColumns("people", "height", heights, "name", names)
func FromColumns(name string, pairs ...any) (*Table, error) {
	if len(pairs)%2 != 0 {
		return nil, fail(ErrOption, "%s: the columns come as pairs of a name and a slice, and there are %d arguments", name, len(pairs))
	}
	var columns []*Series
	for i := 0; i < len(pairs); i += 2 {
		column, ok := pairs[i].(string)
		if !ok {
			return nil, fail(ErrOption, "%s: argument %d is a %T: it takes the name of a column", name, i, pairs[i])
		}
		s := NewSeries(column)
		if err := s.slice(name, pairs[i+1]); err != nil {
			return nil, err
		}
		columns = append(columns, s)
	}
	return TableOf(name, columns...)
}

// Formatted sets the words that Format returns, and returns the table.
func (t *Table) Formatted(words ...string) *Table {
	t.format = words
	return t
}

// appendTime writes a time in the form of a text cell.
func appendTime(b []byte, seconds int64, shape uint8) []byte {
	layout := layoutSecond
	if shape == shapeDay {
		layout = layoutDate
	}
	return time.Unix(seconds, 0).UTC().AppendFormat(b, layout)
}

// Errorf returns an error whose text is only that sentence. errors.Is finds kind in it. %w is
// the cause. It is for readers of formats.
func Errorf(kind error, format string, args ...any) error {
	for _, a := range args {
		if cause, ok := a.(error); ok {
			return &failure{note: Notef("%v", fmt.Errorf(format, args...)), kind: kind, cause: cause}
		}
	}
	return fail(kind, format, args...)
}
