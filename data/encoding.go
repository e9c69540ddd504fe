package data

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/plural"
)

// An Encoding says how a row becomes the inputs of a network, and how its targets become
// the numbers that the network learns. It is learned by Fit and can be written as JSON.
// It does not change, so many goroutines can use one.
type Encoding struct {
	Task    Task     `json:"task"`
	Inputs  []Input  `json:"inputs"`
	Targets []Target `json:"targets"`

	width  int    // 0 until prepared
	leaves []Leaf // of the trees it was fitted with
}

// An Input is the encoding of one column.
//
//	number    (x - Center) / Scale, clipped where Clip is set; then its rank where RankAt
//	          is set; then its place among the knots Pieces; then cos and sin of each of its
//	          Waves; then 1 if the cell is missing
//	boolean   1 for true, -1 for false, 0 where it is missing
//	category  a 1 at the place of its level: one place for each of Levels, one for the rare levels; then
//	          the level's means of the encoded targets where Means is set; then one for missing
//	date      days since 1970-01-01 like a number; then cos and sin of the position in the
//	          year's months, in the week, and in the day where Clock is set; then missing
//
// A missing number or date gets the input of the median. Beyond the range from Low to High, the clipped
// value and the rank continue in a straight line for one width of the range, and then stay constant.
type Input struct {
	Name    string    `json:"name"`
	Kind    Kind      `json:"kind"`
	Median  float64   `json:"median"`
	Center  float64   `json:"center"`
	Scale   float64   `json:"scale"` // 0: the column is all 0
	Clip    bool      `json:"clip,omitempty"`
	Low     float64   `json:"low,omitempty"`     // the least value in the training rows
	High    float64   `json:"high,omitempty"`    // the greatest; if both are equal, the range is unknown
	RankAt  []float64 `json:"rank_at,omitempty"` // increasing values
	RankOf  []float64 `json:"rank_of,omitempty"` // the share of the training rows below each of RankAt
	Pieces  []float64 `json:"pieces,omitempty"`  // increasing knots, see ScalePieces
	Waves   int       `json:"waves,omitempty"`   // their number, see ScaleWaves
	Missing bool      `json:"missing,omitempty"` // missing cells have their own place
	Levels  []string  `json:"levels,omitempty"`
	Rare    bool      `json:"rare,omitempty"`        // levels that are not in Levels have their own place
	RareOf  []string  `json:"rare_levels,omitempty"` // levels known to be rare; others are unseen
	Means   []float64 `json:"means,omitempty"`       // of the targets, for Levels and then RareOf; see OutOfFold
	Clock   bool      `json:"clock,omitempty"`       // of dates: the time of day matters
	Dotted  bool      `json:"day_first,omitempty"`   // of dates: 31.12.1999 is read

	Spelling *Spelling `json:"spelling,omitempty"` // of its cells; nil: the usual one

	lacking bool // some numbers are missing: see MissingNumbers
	offset  int  // the place of its first input
	layout  Layout
	levels  map[string]int  // the index in Levels and then RareOf, of each of a level's Notations
	numbers map[float64]int // the place of each level that is a number: the first of equal ones, and none that a float64 cannot tell from its neighbors
	ranks   rankIndex
}

// The names of the levels for rare and missing cells. No cell can have them.
const (
	rareLevel    = "(rare)"
	missingLevel = "(missing)"
)

// NewEncoding returns an encoding that was not learned from a table.
func NewEncoding(task Task, inputs []Input, targets []Target) (*Encoding, error) {
	e := &Encoding{Task: task, Inputs: slices.Clone(inputs), Targets: slices.Clone(targets)}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	e.prepare()
	return e, nil
}

// Width returns the number of encoded inputs, the columns of the matrix that Inputs writes.
func (e *Encoding) Width() int { return e.width }

// Outputs is the number of encoded targets, the columns of the matrix that Targets writes:
// one for each target, or one for each class of a multiclass target.
func (e *Encoding) Outputs() int {
	if e.Task == Multiclass {
		return len(e.Targets[0].Classes)
	}
	return len(e.Targets)
}

// Columns returns the names of the columns that the encoding reads, in the order in
// which EncodeRow takes their values.
func (e *Encoding) Columns() []string {
	names := make([]string, len(e.Inputs))
	for i := range e.Inputs {
		names[i] = e.Inputs[i].Name
	}
	return names
}

// Span returns the range of a column's encoded inputs, [from, to). column is its
// place in Columns.
func (e *Encoding) Span(column int) (from, to int) {
	in := &e.Inputs[column]
	return in.offset, in.offset + in.layout.Width()
}

// InputNames names each encoded input, as in "age", "age (missing)" and "sex=male".
func (e *Encoding) InputNames() []string {
	names := make([]string, 0, e.width)
	for i := range e.Inputs {
		in := &e.Inputs[i]
		if in.Kind != KindCategory {
			names = append(names, in.Name)
		}
		if in.RankAt != nil {
			names = append(names, in.Name+" (rank)")
		}
		for k := 1; k < len(in.Pieces); k++ {
			names = append(names, fmt.Sprintf("%s (%.6g to %.6g)", in.Name, in.Pieces[k-1], in.Pieces[k]))
		}
		for k := range in.Waves {
			names = append(names, fmt.Sprintf("%s (cos %d)", in.Name, k+1), fmt.Sprintf("%s (sin %d)", in.Name, k+1))
		}
		if in.Kind == KindDate {
			for _, part := range []string{"month", "weekday", "hour"}[:in.cycles()] {
				names = append(names, in.Name+" "+part+" cos", in.Name+" "+part+" sin")
			}
		}
		for _, level := range in.Levels {
			names = append(names, in.Name+"="+level)
		}
		switch {
		case in.Kind == KindCategory:
			if in.Rare {
				names = append(names, in.Name+"="+rareLevel)
			}
			if k := in.layout.Means.Width(); k == 1 {
				names = append(names, in.Name+" (mean of "+e.Targets[0].Name+")")
			} else if k > 1 {
				for _, name := range e.OutputNames() {
					names = append(names, in.Name+" (mean of "+name+")")
				}
			}
			if in.Missing {
				names = append(names, in.Name+"="+missingLevel)
			}
		case in.Missing:
			names = append(names, in.Name+" "+missingLevel)
		}
	}
	return names
}

// InputColumns names the column that each encoded input comes from.
func (e *Encoding) InputColumns() []string {
	names := make([]string, 0, e.width)
	for i := range e.Inputs {
		for range e.Inputs[i].layout.Width() {
			names = append(names, e.Inputs[i].Name)
		}
	}
	return names
}

// Crowded lists the columns in which some categories share a place although they are not rare.
func (e *Encoding) Crowded() []string {
	var said []string
	for i := range e.Inputs {
		in := &e.Inputs[i]
		if len(in.Levels) == mostLevels && len(in.RareOf) > 0 {
			text := fmt.Sprintf("%s has %d categories: the %d most frequent have an input each, and the other %d, such as %s, share one",
				in.Name, len(in.Levels)+len(in.RareOf), mostLevels, len(in.RareOf), quote(in.RareOf[0]))
			if in.Means != nil {
				text += "; another input has, for every category, the mean of the target in its rows, shrunk toward the mean of all rows"
			}
			said = append(said, text+".")
		}
	}
	return said
}

// OutputNames names each encoded target: the classes of a multiclass target, else the
// targets.
func (e *Encoding) OutputNames() []string {
	if e.Task == Multiclass {
		return slices.Clone(e.Targets[0].Classes)
	}
	names := make([]string, len(e.Targets))
	for i := range e.Targets {
		names[i] = e.Targets[i].Name
	}
	return names
}

// Classes returns the classes of the first target, sorted. It is nil in regression.
func (e *Encoding) Classes() []string { return slices.Clone(e.Targets[0].Classes) }

// cycles returns the number of cyclic pairs of a date.
func (in *Input) cycles() int {
	if in.Clock {
		return 3
	}
	return 2
}

// prepare computes the fields that follow from others: places and maps.
func (e *Encoding) prepare() {
	e.width = 0
	for i := range e.Inputs {
		in := &e.Inputs[i]
		in.offset = e.width
		in.lacking = len(in.MissingNumbers()) > 0
		switch {
		case in.Kind == KindCategory:
			in.index()
		case in.RankAt != nil:
			in.ranks = newRankIndex(in.RankAt)
		}
		in.layout = in.Layout()
		e.width += in.layout.Width()
	}
	for i := range e.Targets {
		e.Targets[i].prepare()
	}
}

// index makes the maps from a level to its place.
func (in *Input) index() {
	in.levels = make(map[string]int, len(in.Levels)+len(in.RareOf))
	in.numbers = nil
	for place, level := range slices.Concat(in.Levels, in.RareOf) {
		in.levels[level] = place
		x, c := parseCell(level)
		if _, taken := in.numbers[x]; c != number || taken || math.Abs(x) >= 1<<53 && otherNotation(level) != "" {
			continue
		}
		if in.numbers == nil {
			in.numbers = make(map[float64]int)
		}
		in.numbers[x] = place
	}
	for place, level := range slices.Concat(in.Levels, in.RareOf) {
		other := otherNotation(level)
		if _, taken := in.levels[other]; other != "" && !taken && !in.Spelling.missing(other) {
			in.levels[other] = place
		}
	}
}

// Notations returns the texts that mean a level: the level itself and, for a whole number such as 1, its other notation 1.0,
// unless that is another level. Programs write 1.0 for 1 in a column with a missing cell.
func (in *Input) Notations(level string) []string {
	other := otherNotation(level)
	if place, ok := in.levels[other]; ok && place == in.levels[level] {
		return []string{level, other}
	}
	return []string{level}
}

// otherNotation returns 1.0 for 1, 1 for 1.0, and "" for a text that is not a whole number.
func otherNotation(s string) string {
	whole, pointed := strings.CutSuffix(s, ".0")
	switch digits := strings.TrimPrefix(whole, "-"); {
	case digits == "" || !allDigits(digits):
		return ""
	case pointed:
		return whole
	}
	return s + ".0"
}

// UnmarshalJSON decodes an encoding and validates it.
func (e *Encoding) UnmarshalJSON(b []byte) error {
	type plain Encoding // without this method
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	decoded := Encoding(p)
	if err := decoded.Validate(); err != nil {
		return err
	}
	decoded.prepare()
	*e = decoded
	return nil
}

// Validate reports the first contradiction in an encoding.
func (e *Encoding) Validate() error {
	if len(e.Inputs) == 0 || len(e.Targets) == 0 {
		return fail(ErrEncoding, "the encoding has %s and %s: it takes at least one of each",
			plural.Of(len(e.Inputs), "input"), plural.Of(len(e.Targets), "target"))
	}
	names := make(map[string]bool, len(e.Inputs)+len(e.Targets))
	for i := range e.Inputs {
		in := &e.Inputs[i]
		if in.Name == "" || names[in.Name] {
			return fail(ErrEncoding, "the encoding's input %d has the name %s, which is empty or taken", i, quote(in.Name))
		}
		names[in.Name] = true
		if problem := cmp.Or(in.problem(), in.meansProblem(e.Outputs())); problem != "" {
			return fail(ErrEncoding, "the encoding of column %s %s", quote(in.Name), problem)
		}
	}
	for i := range e.Targets {
		y := &e.Targets[i]
		if y.Name == "" || names[y.Name] {
			return fail(ErrEncoding, "the encoding's target %d has the name %s, which is empty or taken", i, quote(y.Name))
		}
		names[y.Name] = true
		if problem := y.problem(e.Task, len(e.Targets)); problem != "" {
			return fail(ErrEncoding, "the encoding of target %s %s", quote(y.Name), problem)
		}
	}
	return nil
}

func (in *Input) problem() string {
	category := in.Kind == KindCategory
	switch in.Kind {
	case KindNumber, KindBoolean, KindDate, KindCategory:
	default:
		return "has the unknown kind " + quote(string(in.Kind))
	}
	switch {
	case !float.Finite(in.Median) || !float.Finite(in.Center) || !float.Finite(in.Scale) || in.Scale < 0:
		return "has a median, center or scale that is not a finite number, or a negative scale"
	case !category && (len(in.Levels) > 0 || in.Rare):
		return "has levels, but is not a category"
	case !in.Rare && len(in.RareOf) > 0:
		return "names rare levels, but has no place for them"
	case category && len(in.Levels) == 0 && !in.Rare && !in.Missing:
		return "is a category without levels"
	case in.Kind == KindBoolean && in.Missing:
		return "has a place for missing booleans, but these are encoded as 0"
	case in.Kind != KindDate && (in.Clock || in.Dotted):
		return "has a clock, but is not a date"
	case in.Kind != KindNumber && len(in.RankAt) > 0:
		return "has ranks, but is not a number"
	case in.Kind != KindNumber && len(in.Pieces) > 0:
		return "has pieces, but is not a number"
	}
	if problem := cmp.Or(in.rangeProblem(), in.ranksProblem(), in.piecesProblem(), in.wavesProblem()); problem != "" {
		return problem
	}
	return levelsProblem(slices.Concat(in.Levels, in.RareOf), in.Spelling)
}

// ranksProblem returns what is wrong with the ranks, or "".
func (in *Input) ranksProblem() string {
	if len(in.RankAt) != len(in.RankOf) || len(in.RankAt) == 1 {
		return "has ranks that do not belong together"
	}
	for i, x := range in.RankAt {
		share := in.RankOf[i]
		if !float.Finite(x) || !(share >= 0 && share <= 1) || i > 0 && (x <= in.RankAt[i-1] || share < in.RankOf[i-1]) {
			return "has ranks that are not finite, or do not rise"
		}
	}
	return ""
}

// levelsProblem reports levels that no cell can have, or that are repeated.
func levelsProblem(levels []string, sp *Spelling) string {
	seen := make(map[string]bool, len(levels))
	for _, level := range levels {
		switch {
		case level != strings.TrimSpace(level) || sp.missing(level):
			return fmt.Sprintf("has the level %s, which no cell can have", quote(level))
		case seen[level]:
			return fmt.Sprintf("has the level %s twice", quote(level))
		}
		seen[level] = true
	}
	return ""
}

func (y *Target) problem(task Task, targets int) string {
	n := len(y.Classes)
	switch task {
	case Regression:
		switch {
		case y.Kind != KindNumber || n > 0:
			return "is not a number, but the task is regression"
		case !float.Finite(y.Center) || !float.Finite(y.Scale) || y.Scale <= 0:
			return "has a center or scale that is not finite, or a scale that is not positive"
		}
		return ""
	case Binary, Multiclass:
		if targets != 1 {
			return fmt.Sprintf("is one of %d, but the task %s takes one", targets, task)
		}
	case Multilabel:
	default:
		return "has the unknown task " + quote(string(task))
	}
	switch {
	case n < 2 || n > 2 && task != Multiclass:
		return fmt.Sprintf("has %d classes, which do not fit the task %s", n, task)
	case y.Kind != KindNumber && y.Kind != KindBoolean && y.Kind != KindCategory:
		return "has the unknown kind " + quote(string(y.Kind))
	case !float.Finite(y.Center) || !float.Finite(y.Scale):
		return "has a center or scale that is not finite"
	}
	folded := make([]string, n)
	for i, class := range y.Classes {
		x, c := parseCell(class)
		if y.Kind == KindNumber {
			if c != number {
				return fmt.Sprintf("has the class %s, which is not a number", quote(class))
			}
			class = formatNumber(x)
		}
		folded[i] = y.fold(class)
	}
	return levelsProblem(folded, y.Spelling)
}
