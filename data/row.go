package data

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/plural"
)

// Float is the precision of a matrix.
type Float interface{ float32 | float64 }

// A Value is what one cell holds: a number, a text, a boolean, a time, or nothing. The zero
// Value is missing.
//
//	column    takes
//	number    a number; a text that is one
//	boolean   a boolean; the numbers 0 and 1; a text such as yes, false, T or 0
//	date      a time; a text that is a date
//	category  a text; a number, for the level that is that number; a boolean, for the level true
//	          or false, where there is one of them
//
// Anything else is refused. A missing value is missing in every column, and so is a text that is
// empty, NA, or another of the words for missing. If one of these is a number, such as -999, that number is missing too. A text
// or number that is not a level of its category is an unseen level: see EncodeRow.
type Value struct {
	kind valueKind
	x    float64
	s    string
}

type valueKind uint8

const (
	valueMissing valueKind = iota
	valueNumber
	valueText
	valueBool // x is 1 for true
	valueTime // x is in seconds since 1970
)

// Number returns the value x. NaN is missing.
func Number(x float64) Value {
	if math.IsNaN(x) {
		return Value{}
	}
	return Value{kind: valueNumber, x: x}
}

// Text returns a value as it would be in a file, so Text("4.5") is also a number and
// Text("NA") is missing.
func Text(s string) Value { return Value{kind: valueText, s: s} }

// Bool returns a boolean value.
func Bool(b bool) Value {
	v := Value{kind: valueBool}
	if b {
		v.x = 1
	}
	return v
}

// Time returns a date with its time of day, to the second.
func Time(t time.Time) Value { return Value{kind: valueTime, x: float64(t.Unix())} }

// Missing returns a missing value.
func Missing() Value { return Value{} }

func (v Value) missing(sp *Spelling) bool {
	return v.kind == valueMissing || v.kind == valueText && sp.missing(strings.TrimSpace(v.s)) || v.kind == valueNumber && sp.lacks(v.x)
}

func (v Value) number(sp *Spelling) (float64, content) {
	switch v.kind {
	case valueMissing:
		return 0, missing
	case valueText:
		return sp.parse(strings.TrimSpace(v.s))
	case valueBool, valueTime:
		return 0, word
	}
	switch {
	case math.IsInf(v.x, 0):
		return 0, oddity
	case sp.lacks(v.x):
		return 0, missing
	}
	return v.x, number
}

// truth and date return number if the value is a boolean or a date, and word if it is something else.
func (v Value) truth(sp *Spelling) (bool, content) {
	switch {
	case v.missing(sp):
		return false, missing
	case v.kind == valueNumber || v.kind == valueBool:
		if v.x == 0 || v.x == 1 {
			return v.x == 1, number
		}
	case v.kind == valueText:
		if b, _, ok := parseTruth(strings.TrimSpace(v.s)); ok {
			return b, number
		}
	}
	return false, word
}

func (v Value) date(sp *Spelling, dotted bool) (t time.Time, clock bool, c content) {
	switch {
	case v.missing(sp):
		return t, false, missing
	case v.kind == valueTime:
		return time.Unix(int64(v.x), 0).UTC(), true, number
	case v.kind == valueText:
		s := strings.TrimSpace(v.s)
		if sp != nil && sp.Layout != "" {
			if t, clock, ok := parseLayout(sp.Layout, s); ok {
				return t, clock, number
			}
			if t, isDotted, clock, ok := parseDate(s); ok && !isDotted && takesISO(sp.Layout) {
				return t, clock, number
			}
		} else if t, isDotted, clock, ok := parseDate(s); ok && (dotted || !isDotted) {
			return t, clock, number
		}
	}
	return t, false, word
}

// An outcome is the result of encoding a value.
type outcome uint8

const (
	encoded outcome = iota
	imputed         // it was missing
	unseen          // its level was not in the training rows
	notNumber
	notFinite // infinite, or so in the matrix's precision
	notTruth
	notDate
	notLevel
)

// EncodeRow writes the encoded inputs of one row to dst, which holds Width numbers. The values
// are in the order of Columns. It does not allocate and may be called from many goroutines.
// Missing values and levels that were not in the training rows are encoded as described at
// Input; Unseen counts the latter.
func EncodeRow[T Float](e *Encoding, row []Value, dst []T) error {
	if err := e.takes(len(row), len(dst)); err != nil {
		return err
	}
	for i := range e.Inputs {
		in, v := &e.Inputs[i], &row[i]
		to := dst[in.offset : in.offset+in.layout.Width()]
		var o outcome
		if in.Kind == KindNumber && v.kind == valueNumber && float.Finite(v.x) && !in.lacking { // the usual case
			o = encodeNumber(in, v.x, number, to)
		} else {
			o = encodeCell(in, *v, to)
		}
		if o >= notNumber {
			return valueError(in, *v, o)
		}
	}
	return nil
}

// EncodeNumbers is EncodeRow for rows of numbers, as Number makes values of them: NaN is missing. The rows follow each other in
// cells, and their encoded inputs in dst, Width numbers each. An error comes with the index of the first row that has one.
func EncodeNumbers[T Float](e *Encoding, cells []float64, dst []T) (row int, err error) {
	columns := len(e.Inputs)
	if columns == 0 || len(cells)%columns != 0 {
		return 0, e.takes(len(cells), len(dst))
	}
	rows := len(cells) / columns
	if len(dst) < rows*e.width {
		panic("data: dst is shorter than Width for each row")
	}
	for from := 0; from < rows; from += pieceRows {
		n := min(pieceRows, rows-from)
		if row, err := encodeNumberRows(e, cells[from*columns:][:n*columns], dst[from*e.width:][:n*e.width]); err != nil {
			return from + row, err
		}
	}
	return 0, nil
}

// encodeNumberRows is EncodeNumbers for at most pieceRows rows. It goes by columns, which keeps the numbers of one input at hand.
func encodeNumberRows[T Float](e *Encoding, cells []float64, dst []T) (row int, err error) {
	var column [pieceRows]float64
	columns, width := len(e.Inputs), e.width
	end := len(cells) / columns // rows from here on are skipped: an earlier one cannot be encoded
	for i := range e.Inputs {
		in := &e.Inputs[i]
		plain := in.Kind == KindNumber && !in.lacking // a finite number needs no further look
		others := !plain                              // there are other cells
		if !others {
			for n := range end {
				x := cells[n*columns+i]
				if !float.Finite(x) {
					x, others = in.Median, true
				}
				column[n] = x
			}
			if n := writeNumbers(in, column[:end], dst, width); n < end {
				row, err = n, valueError(in, Number(cells[n*columns+i]), notFinite)
				end = n
			}
			if in.Missing {
				for n := range end {
					dst[n*width+in.offset+in.layout.Missing.From] = 0
				}
			}
		}
		for n := 0; others && n < end; n++ {
			x := cells[n*columns+i]
			if plain && float.Finite(x) {
				continue
			}
			if o := encodeCell(in, Number(x), dst[n*width+in.offset:][:in.layout.Width()]); o >= notNumber {
				row, err = n, valueError(in, Number(x), o)
				end = n
			}
		}
	}
	return row, err
}

// takes refuses a row that does not have one value for each of the encoding's columns. It panics if the row's inputs do not fit
// in room numbers.
func (e *Encoding) takes(values, room int) error {
	if e.width == 0 {
		return fail(ErrEncoding, "the encoding was neither fitted nor decoded")
	}
	if values != len(e.Inputs) {
		return fail(ErrColumn, "the row has %s, the encoding takes %d: give one for each of its columns", plural.Of(values, "value"), len(e.Inputs))
	}
	if room < e.width {
		panic("data: dst is shorter than Width")
	}
	return nil
}

// Unseen returns the number of levels in a row that were not in the training rows.
func (e *Encoding) Unseen(row []Value) int {
	n := 0
	for i := range e.Inputs {
		if !e.Knows(i, row[i]) {
			n++
		}
	}
	return n
}

// Lacks reports whether a value is missing in a column. column is the place in Columns.
func (e *Encoding) Lacks(column int, v Value) bool { return v.missing(e.Inputs[column].Spelling) }

// Knows reports whether a value is a level that was in the training rows. column is the place in
// Columns. It is true for missing values, and in columns that are not categories.
func (e *Encoding) Knows(column int, v Value) bool {
	in := &e.Inputs[column]
	if in.Kind != KindCategory {
		return true
	}
	place, c := in.place(v)
	return place >= 0 || c != word
}

// Tally counts the missing values and the unseen levels of a row. It adds 1 to missing or unseen
// for each such column. Both are as long as Columns. Unseen levels were not in the training rows.
func (e *Encoding) Tally(row []Value, missing, unseen []int64) {
	for i := range e.Inputs {
		switch in, v := &e.Inputs[i], &row[i]; {
		case v.kind == valueNumber && in.Kind == KindNumber && !in.lacking: // the usual case
		case v.missing(in.Spelling):
			missing[i]++
		case in.Kind == KindCategory:
			if place, _ := in.place(*v); place < 0 {
				unseen[i]++
			}
		}
	}
}

// String returns the value as a cell would show it, or "" if it is missing.
func (v Value) String() string {
	switch v.kind {
	case valueNumber:
		return formatNumber(v.x)
	case valueBool:
		return strconv.FormatBool(v.x == 1)
	case valueTime:
		return time.Unix(int64(v.x), 0).UTC().Format(layoutSecond)
	}
	return v.s
}

func valueError(in *Input, v Value, o outcome) error {
	kind := ErrType
	if o == notFinite {
		kind = ErrNumber
	}
	return &RowError{Column: in.Name, Value: v.String(), Reason: Notef("%s", o.explain(in, v.String())), Err: kind, bare: v.kind != valueText}
}

// explain says why a value cannot be encoded. text is its cell.
func (o outcome) explain(in *Input, text string) string {
	switch o {
	case notNumber:
		return "is not a number, as this column had in training" + in.numberHint(strings.TrimSpace(text))
	case notTruth:
		return "is not a boolean, as this column had in training: expected true/false, yes/no, t/f, y/n or 1/0"
	case notDate:
		expected := "1999-12-31, 1999-12-31 23:59:59 or the like"
		if in.Spelling != nil && in.Spelling.Layout != "" {
			expected = strings.Join(in.Dates(), " or ") + ", dates as " + quote(in.Spelling.Layout) + " has them"
		} else if sp, doubt := findLayout([]string{strings.TrimSpace(text)}, nil); sp != nil && sp.Layout != "" {
			expected += "; this one is written " + dateAs(sp.Layout, strings.TrimSpace(text))
		} else if doubt != nil {
			expected += "; this one may be " + dateAs(doubt.one, doubt.text) + " or " + dateAs(doubt.other, doubt.text)
		}
		return "is not a date, as this column had in training: expected " + expected
	case notLevel:
		return "is not a level of this column, which is a category: give it as text, as it would be in the table"
	}
	return "is not a finite decimal number, or too large for the precision"
}

// numberHint says how to write a number that is written in another way than those of the training rows. It returns "" if the
// text is not a number in any notation.
func (in *Input) numberHint(text string) string {
	if !in.Spelling.plain() {
		if sp, _ := findSpelling([]string{text}, nil, ""); sp == nil {
			return ""
		}
		return ": there they are written like " + quote(in.Spelling.example())
	}
	sp, found := findSpelling([]string{text}, nil, "")
	switch found {
	case numbersSo:
		if x, what := sp.parse(text); what == number {
			return ": write it as " + formatNumber(x) + ", with a point before the decimals and nothing else"
		}
	case unclear:
		return fmt.Sprintf(": write it as %s or as %s, with a point before the decimals and nothing else", readAs(text, ","), readAs(text, "."))
	}
	return ""
}

// example writes 1234.5 in the spelling.
func (sp *Spelling) example() string {
	return sp.Before + "1" + sp.Group + "234" + cmp.Or(sp.Decimal, ".") + "5" + sp.After
}

// encodeCell encodes one value; dst is as wide as the input.
func encodeCell[T Float](in *Input, v Value, dst []T) outcome {
	switch in.Kind {
	case KindNumber:
		x, c := v.number(in.Spelling)
		switch c {
		case word:
			return notNumber
		case oddity:
			return notFinite
		}
		return encodeNumber(in, x, c, dst)
	case KindBoolean:
		return encodeTruth(truthOf(v, in.Spelling), dst)
	case KindDate:
		t, _, c := v.date(in.Spelling, in.Dotted)
		return encodeDate(in, t, c, dst)
	}
	place, c := in.place(v)
	if c == missing {
		place = missingPlace
	}
	if c == oddity {
		if v.kind == valueNumber {
			return notFinite
		}
		return notLevel
	}
	return encodePlace(in, int32(place), dst)
}

// encodeNumber writes the scaled number, its rank, pieces and waves, and whether it
// is missing, as far as the input has these.
func encodeNumber[T Float](in *Input, x float64, c content, dst []T) outcome {
	o := encoded
	if c == missing {
		x, o = in.Median, imputed
	}
	if in.Missing {
		dst[in.layout.Missing.From] = 0
		if c == missing {
			dst[in.layout.Missing.From] = 1
		}
	}
	dst[0] = T(in.scaled(x))
	if !float.Finite(float64(dst[0])) {
		return notFinite
	}
	if in.RankAt != nil {
		dst[in.layout.Rank.From] = T(in.rank(x))
	}
	if in.Pieces != nil {
		writePieces(in.Pieces, x, dst[in.layout.Pieces.From:])
	}
	if in.Waves > 0 {
		writeWaves(in, x, dst[in.layout.Waves.From:])
	}
	return o
}

// encodeCycle writes cos and sin of a position in a cycle, given in turns.
func encodeCycle[T Float](dst []T, turn float64) {
	dst[0] = T(kernel.CosPi(2 * turn))
	dst[1] = T(kernel.SinPi(2 * turn))
}

// place returns the index of a value's level, or -1 if there is none. The content is then missing, word for a level that was
// not in the training rows, or oddity for a value that is refused.
func (in *Input) place(v Value) (int, content) {
	switch v.kind {
	case valueText:
		s := strings.TrimSpace(v.s)
		if in.Spelling.missing(s) {
			return -1, missing
		}
		if i, ok := in.levels[s]; ok {
			return i, word
		}
	case valueNumber:
		if in.lacking && in.Spelling.lacks(v.x) {
			return -1, missing
		}
		var buf [32]byte
		if i, ok := in.levels[string(appendNumber(buf[:0], v.x))]; ok {
			return i, word
		}
		if x := math.Abs(v.x); x >= 1e15 && x < 1<<63 && x == math.Trunc(x) { // with all its digits
			if i, ok := in.levels[string(strconv.AppendInt(buf[:0], int64(v.x), 10))]; ok {
				return i, word
			}
		}
		if i, ok := in.numbers[v.x]; ok { // in another notation: 1.0, 007
			return i, word
		}
		if math.IsInf(v.x, 0) {
			return -1, oddity
		}
	case valueBool:
		if i := in.truth(v.x == 1); i >= 0 {
			return i, word
		}
		if in.truth(v.x != 1) < 0 {
			return -1, oddity
		}
	case valueTime:
		return -1, oddity
	case valueMissing:
		return -1, missing
	}
	return -1, word
}

// truth returns the index of the level true or false, as written by JSON, Python or SQL, or -1.
func (in *Input) truth(b bool) int {
	words := [...]string{"false", "False", "FALSE"}
	if b {
		words = [...]string{"true", "True", "TRUE"}
	}
	for _, w := range words {
		if i, ok := in.levels[w]; ok {
			return i
		}
	}
	return -1
}
