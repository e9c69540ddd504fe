package data

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gradus-ml/gradus/internal/spill"
)

// A Spelling is the way the cells of a column are written, if it is not the usual way. nil is
// the usual way: numbers have a decimal point, and an empty cell, NA, N/A, NaN, null and ? are missing.
type Spelling struct {
	Missing  []string `json:"missing"`            // words that mean missing, besides an empty cell
	Decimal  string   `json:"decimal,omitempty"`  // "," if it is not a point
	Group    string   `json:"group,omitempty"`    // thousands separator
	Before   string   `json:"before,omitempty"`   // text before the number, as in $5
	After    string   `json:"after,omitempty"`    // text after the number, as in 5 kg
	Exponent string   `json:"exponent,omitempty"` // "D" as in 1.2D+04
	Signs    bool     `json:"signs,omitempty"`    // (5) and U+2212 are negative
	Layout   string   `json:"layout,omitempty"`   // of dates, in strftime notation
}

// usualMissing are the words that are missing unless an option says otherwise.
var usualMissing = []string{"?", "NA", "N/A", "NaN", "null"}

// likelyMissing are words that mean missing if everything else in a column is a number or a date.
var likelyMissing = []string{
	"none", "nil", "#n/a", "#na", "#null!", "#div/0!", "#num!", "#value!", "#ref!", "#name?", "#n/a n/a", "<na>", "nat", "-", "--", "---", "–", "—", ".", "..",
	`\n`, "n.d.", "n.a.", "n.a", "nd", "n/d", "unknown", "unk", "missing", "undefined", "not available", "(null)", "(none)", "<null>", "<none>", "-nan", "1.#qnan", "1.#ind", "-1.#ind", "*", "#",
}

// isLikelyMissing reports whether a word usually means missing among numbers, even if
// SchemaOptions.Missing makes it a value elsewhere.
func isLikelyMissing(s string) bool {
	return isMissing(s) || slices.ContainsFunc(likelyMissing, func(w string) bool { return strings.EqualFold(w, s) })
}

// missing reports whether a trimmed cell is missing. A word that is a number, such as -999, stands for that number in any
// notation: -999.0 is missing too.
func (sp *Spelling) missing(s string) bool {
	if sp == nil || s == "" {
		return isMissing(s)
	}
	for _, w := range sp.Missing {
		if strings.EqualFold(w, s) {
			return true
		}
	}
	if !startsNumber(s) || !slices.ContainsFunc(sp.Missing, startsNumber) {
		return false
	}
	x, what := sp.value(s)
	return what == number && sp.lacks(x)
}

// lacks reports whether a number is missing because it is one of the words for missing.
func (sp *Spelling) lacks(x float64) bool {
	if sp == nil {
		return false
	}
	for _, w := range sp.Missing {
		if y, what := sp.value(w); what == number && y == x {
			return true
		}
	}
	return false
}

// missingNumbers returns the numbers that are missing.
func (sp *Spelling) missingNumbers() []float64 {
	var numbers []float64
	if sp != nil {
		for _, w := range sp.Missing {
			if x, what := sp.value(w); what == number && !slices.Contains(numbers, x) {
				numbers = append(numbers, x)
			}
		}
	}
	return numbers
}

// value reads a number as it is written, whether or not it is missing.
func (sp *Spelling) value(s string) (float64, content) {
	switch {
	case !startsNumber(s):
		return 0, word
	case sp.plain():
		return parseTrimmed(s)
	}
	return sp.parseNumber(s)
}

// startsNumber reports whether a text could be a number, by its first byte.
func startsNumber(s string) bool {
	return s != "" && (s[0] >= '0' && s[0] <= '9' || s[0] == '-' || s[0] == '.' || s[0] == '+' || s[0] == '(')
}

// MissingNumbers returns the numbers that are missing in the column, such as -999, although they are numbers.
func (in *Input) MissingNumbers() []float64 { return in.Spelling.missingNumbers() }

// parse reads a trimmed cell as a number.
func (sp *Spelling) parse(s string) (float64, content) {
	if sp == nil {
		return parseTrimmed(s)
	}
	if sp.missing(s) {
		return 0, missing
	}
	if sp.plain() {
		if isMissing(s) { // missing in other spellings
			return 0, word
		}
		return parseTrimmed(s)
	}
	return sp.parseNumber(s)
}

// plain reports whether numbers are written in the usual way.
func (sp *Spelling) plain() bool {
	return sp == nil || (sp.Decimal == "" || sp.Decimal == ".") && sp.Group == "" && sp.Before == "" && sp.After == "" && sp.Exponent == "" && !sp.Signs
}

// looksNumeric reports whether a text is a number in the usual way.
func looksNumeric(s string) bool {
	_, what := parseTrimmed(s)
	return what == number
}

// parseNumber reads a number in this spelling.
func (sp *Spelling) parseNumber(s string) (float64, content) {
	negative, core := false, s
	if n := len(core); sp.Signs && n > 2 && core[0] == '(' && core[n-1] == ')' { // accounting notation
		negative, core = true, strings.TrimSpace(core[1:n-1])
	}
	sign := func() {
		for _, minus := range []string{"-", "\u2212"} {
			if rest, ok := strings.CutPrefix(core, minus); ok && !negative {
				negative, core = true, strings.TrimSpace(rest)
				return
			}
		}
		core = strings.TrimPrefix(core, "+")
	}
	sign()
	if sp.Before != "" {
		if rest, ok := strings.CutPrefix(core, sp.Before); ok {
			core = strings.TrimSpace(rest)
			sign()
		}
	}
	if sp.After != "" {
		core = strings.TrimSpace(strings.TrimSuffix(core, sp.After))
	}
	if core == "" || core[0] == '-' || core[0] == '+' {
		return 0, word
	}
	decimal := sp.Decimal
	if decimal == "" {
		decimal = "."
	}
	mantissa, exponent := core, ""
	if at := strings.IndexAny(core, "eE"+sp.Exponent+strings.ToLower(sp.Exponent)); at > 0 {
		mantissa, exponent = core[:at], "e"+core[at+1:]
	}
	whole, fraction, pointed := strings.Cut(mantissa, decimal)
	if sp.Group != "" && strings.Contains(whole, sp.Group) {
		groups := strings.Split(whole, sp.Group)
		for i, g := range groups {
			if i > 0 && len(g) != 3 || i == 0 && (len(g) == 0 || len(g) > 3 || g[0] == '0') { // 0,591 has no thousands
				return 0, word
			}
		}
		whole = strings.Join(groups, "")
	}
	if !allDigits(whole) || !allDigits(fraction) || whole == "" && fraction == "" {
		return 0, word
	}
	text := whole
	if pointed {
		text += "." + fraction
	}
	x, err := strconv.ParseFloat(text+exponent, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, oddity
	case err != nil:
		return 0, word
	case negative:
		x = -x
	}
	return x, number
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// currencies may come before or after an amount, besides the characters that Unicode classifies
// as currency symbols.
var currencies = []string{"USD", "EUR", "GBP", "CHF", "JPY", "US$", "R$", "kr", "Fr.", "zł"}

func isCurrency(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size == len(s) && unicode.Is(unicode.Sc, r) || slices.Contains(currencies, s)
}

// isUnit reports whether s may be the unit of a number: %, kg, m/s, °C.
func isUnit(s string) bool {
	n := 0
	for _, r := range s {
		if n++; n > 8 || !unicode.IsLetter(r) && !strings.ContainsRune("%‰°/²³µ", r) {
			return false
		}
	}
	return n > 0
}

// groups are the thousands separators that are tried.
var groups = []string{"", ",", " ", "'", "\u00a0", "\u202f", "\u2019", "."}

// A verdict is the result of findSpelling.
type verdict uint8

const (
	noNumbers verdict = iota // not all are numbers
	numbersSo                // all are numbers in the spelling
	unclear                  // a comma may be a decimal sign or a thousands separator
)

// findSpelling looks for a spelling in which all levels are numbers or missing. It extends
// base with more words for missing and with another way to write numbers. decimal is "." or
// "," if it is known.
func findSpelling(levels []string, base *Spelling, decimal string) (*Spelling, verdict) {
	sp := base.copy()
	odd := "" // the first that is not a usual number
	for _, s := range levels {
		if _, what := sp.parse(s); what == word && !isLikelyMissing(s) {
			odd = s
			break
		}
	}
	if odd != "" && !sp.around(odd) {
		return nil, noNumbers
	}
	var texts []string // texts that must be numbers in the spelling
	usual := 0         // how many of them are usual numbers
	for _, s := range levels {
		switch _, what := parseTrimmed(s); {
		case sp.missing(s):
		case what != number && isLikelyMissing(s):
			sp.Missing = append(sp.Missing, s)
		default:
			texts = append(texts, s)
			if what == number {
				usual++
			}
		}
	}
	if len(texts) == 0 || (sp.Before != "" || sp.After != "") && 2*usual > len(texts) {
		return nil, noNumbers // a unit in few cells is more likely a mistake
	}
	if odd == "" && decimal != "," {
		return sp, numbersSo
	}
	sp.Signs = slices.ContainsFunc(texts, func(s string) bool { return s[0] == '(' || strings.Contains(s, "\u2212") })
	var found []*Spelling
	for _, d := range []string{".", ","} {
		if decimal != "" && d != decimal {
			continue
		}
		for _, g := range groups {
			if g == d {
				continue
			}
			try := sp.copy()
			try.Group = g
			if try.Decimal = d; d == "." {
				try.Decimal = ""
			}
			if try.fits(texts) {
				found = append(found, try)
				break
			}
		}
	}
	switch {
	case len(found) == 0 && odd == "":
		return sp, numbersSo
	case len(found) == 0:
		return nil, noNumbers
	case len(found) == 1 || found[0].agrees(found[1], texts):
		return found[0], numbersSo
	}
	return found[0], unclear
}

// copy returns a spelling that can be changed.
func (sp *Spelling) copy() *Spelling {
	if sp == nil {
		return &Spelling{Missing: slices.Clone(usualMissing)}
	}
	c := *sp
	c.Missing = slices.Clone(sp.Missing)
	return &c
}

// around finds the text before and after the number in s. It reports whether both are
// currencies or units.
func (sp *Spelling) around(s string) bool {
	if n := len(s); n > 2 && s[0] == '(' && s[n-1] == ')' {
		s = s[1 : n-1]
	}
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	first, last := strings.IndexFunc(s, digit), strings.LastIndexFunc(s, digit)
	if first < 0 {
		return false
	}
	before := strings.Trim(s[:first], " \u00a0-+\u2212.,")
	after := strings.Trim(s[last+1:], " \u00a0.,")
	if upper := strings.ToUpper(s); strings.Contains(upper, "D+") || strings.Contains(upper, "D-") {
		sp.Exponent = "D"
	}
	sp.Before, sp.After = before, after
	return (before == "" || isCurrency(before)) && (after == "" || isCurrency(after) || isUnit(after))
}

// fits reports whether all texts are numbers in the spelling. A number with a unit that starts
// with a zero does not fit, because it is more likely a code.
func (sp *Spelling) fits(texts []string) bool {
	for _, s := range texts {
		if _, what := sp.parseNumber(s); what != number {
			return false
		}
		if sp.After != "" && len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
			return false
		}
	}
	return true
}

// agrees reports whether two spellings read the same numbers from the texts.
func (sp *Spelling) agrees(other *Spelling, texts []string) bool {
	for _, s := range texts {
		x, _ := sp.parseNumber(s)
		if y, _ := other.parseNumber(s); x != y {
			return false
		}
	}
	return true
}

// parseTyped reads a cell of a column whose numbers came as numbers. Such a number is itself, whatever the
// spelling, and its other cells are text. In a mixed column it is not known how a number came, so a number that the spelling
// reads differently is text.
func (sp *Spelling) parseTyped(s string, mixed bool) (float64, content) {
	x, what := parseTrimmed(s)
	switch {
	case what != number:
		return sp.parse(s)
	case sp.lacks(x):
		return 0, missing
	}
	if mixed {
		if y, as := sp.parse(s); as == number && y != x {
			return 0, word
		}
	}
	return x, number
}

// spelled returns the column in the given spelling.
func (c *column) spelled(sp *Spelling) *column {
	if sp == nil || c.form == formPixels || c.clock {
		return c
	}
	if c.form == formNumbers && (sp.plain() || c.typed && !c.mixed) && sp.Layout == "" {
		holds, same := make([]content, len(c.words)), true
		for i, s := range c.words {
			_, holds[i] = sp.parse(s)
			same = same && holds[i] != word && holds[i] != number
		}
		if same {
			out := &column{small: c.small, wide: c.wide, shape: c.shape, words: c.words, holds: holds, odd: c.odd, disk: c.disk, fixed: c.fixed, typed: c.typed, mixed: c.mixed}
			if out.without(sp.missingNumbers()) {
				return out
			}
		}
	}
	v := c.levels()
	out := &column{form: formLevels, codes: v.codes, dict: *v.dict, means: make([]meaning, v.dict.len()), disk: c.disk, fixed: c.fixed, typed: c.typed, mixed: c.mixed}
	for i := range out.means {
		s := v.dict.at(uint32(i))
		x, what := sp.parse(s)
		if c.typed {
			x, what = sp.parseTyped(s, c.mixed)
		}
		out.means[i] = meaning{x, what}
	}
	return out
}

// without makes cells with one of the numbers missing, in a copy of the shapes. It returns false if there are too many
// words to keep.
func (c *column) without(numbers []float64) bool {
	if len(numbers) == 0 {
		return true
	}
	if len(c.words)+len(numbers) > mostWords {
		return false
	}
	first := shapeWord + len(c.words)
	shape := spill.Must[uint8](c.disk, len(c.shape))
	copy(shape, c.shape)
	found := false
	for row := range shape {
		if x, what := c.number(row); what == number {
			if i := slices.Index(numbers, x); i >= 0 {
				shape[row], found = uint8(first+i), true
			}
		}
	}
	if !found {
		spill.Free(c.disk, shape)
		return true
	}
	c.shape, c.words = shape, slices.Clone(c.words)
	for _, x := range numbers {
		c.words, c.holds = append(c.words, formatNumber(x)), append(c.holds, missing)
	}
	return true
}
