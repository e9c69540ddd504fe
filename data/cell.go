package data

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// A content is what a single cell holds, judged by itself.
type content uint8

const (
	missing content = iota
	number          // a finite decimal number
	oddity          // a number that cannot be trained on: inf, 1e400, 0x1p3, 1_000
	word            // anything else
)

// isMissing reports whether a trimmed cell stands for a missing value.
func isMissing(s string) bool {
	switch len(s) {
	case 0:
		return true
	case 1:
		return s[0] == '?'
	case 2:
		return strings.EqualFold(s, "na")
	case 3:
		return strings.EqualFold(s, "n/a") || strings.EqualFold(s, "nan")
	case 4:
		return strings.EqualFold(s, "null")
	}
	return false
}

// MissingWords lists, in lower case, the words that mean missing in the encoding's categories
// and booleans, regardless of case. The first is the empty cell.
func (e *Encoding) MissingWords() []string {
	words := []string{""}
	for i := range e.Inputs {
		if in := &e.Inputs[i]; in.Spelling != nil && (in.Kind == KindCategory || in.Kind == KindBoolean) {
			for _, w := range in.Spelling.Missing {
				words = append(words, strings.ToLower(w))
				if x, what := in.Spelling.value(w); what == number && w == formatNumber(x) && x == math.Trunc(x) {
					words = append(words, w+".0") // as programs write whole numbers among others
				}
			}
			return words
		}
	}
	for _, w := range usualMissing {
		words = append(words, strings.ToLower(w))
	}
	return words
}

// parseCell reads a cell as a number. If it is not a number, the content says what it is.
func parseCell(s string) (float64, content) { return parseTrimmed(strings.TrimSpace(s)) }

// parseTrimmed is parseCell for a cell without blanks around it.
func parseTrimmed(s string) (float64, content) {
	if isMissing(s) {
		return 0, missing
	}
	digits, whole := len(s) <= 15, int64(0) // 15 digits, which a float64 holds exactly
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			whole = 10*whole + int64(c-'0')
		case c == '.', c == '-', c == '+', c == 'e', c == 'E':
			digits = false
		default:
			if isOddNumber(s) {
				return 0, oddity
			}
			return 0, word
		}
	}
	if digits {
		return float64(whole), number
	}
	x, err := strconv.ParseFloat(s, 64)
	switch {
	case err == nil:
		return x, number
	case errors.Is(err, strconv.ErrRange):
		return 0, oddity
	}
	return 0, word
}

// isOddNumber reports whether s is a number whose notation or size is refused.
func isOddNumber(s string) bool {
	if c := s[len(s)-1]; c != 'f' && c != 'F' && c != 'y' && c != 'Y' && !strings.ContainsAny(s, "xX_") {
		return false // not inf, infinity, hexadecimal or with underscores
	}
	_, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		_, err = strconv.ParseInt(s, 0, 64)
	}
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// appendNumber writes x as a person would: whole numbers without an exponent.
func appendNumber(b []byte, x float64) []byte {
	if x == 0 {
		return append(b, '0') // also for -0
	}
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.AppendInt(b, int64(x), 10)
	}
	return strconv.AppendFloat(b, x, 'g', -1, 64)
}

func formatNumber(x float64) string { return string(appendNumber(nil, x)) }

// truthPairs are the words for booleans, false before true.
var truthPairs = [...][2]string{{"false", "true"}, {"no", "yes"}, {"f", "t"}, {"n", "y"}, {"0", "1"}, {"0.0", "1.0"}}

// TruthWords lists the words for booleans, false before true. Case does not matter.
func TruthWords() [][2]string { return truthPairs[:] }

// parseTruth reads a trimmed cell as a boolean; pair is its index in truthPairs.
func parseTruth(s string) (value bool, pair int, ok bool) {
	if len(s) > len("false") {
		return false, 0, false
	}
	for pair, words := range truthPairs {
		switch {
		case strings.EqualFold(s, words[0]):
			return false, pair, true
		case strings.EqualFold(s, words[1]):
			return true, pair, true
		}
	}
	return false, 0, false
}

// The layouts of dates. Zones are as in RFC 3339; a time without one is in UTC. The last
// layout is used only in columns where a day above 12 shows that the day comes first.
const (
	layoutDate      = "2006-01-02"
	layoutMinute    = "2006-01-02 15:04"
	layoutSecond    = "2006-01-02 15:04:05"
	layoutISOMinute = "2006-01-02T15:04"
	layoutISOSecond = "2006-01-02T15:04:05"
	layoutSlash     = "2006/01/02"
	layoutDotted    = "02.01.2006"
)

// parseDate reads a trimmed cell as a date or a date with a time of day. dotted reports
// whether the cell is written day.month.year, and clock whether it has a time of day.
func parseDate(s string) (t time.Time, dotted, clock, ok bool) {
	if len(s) < len(layoutDate) || s[0] < '0' || '9' < s[0] {
		return t, false, false, false
	}
	layout := ""
	switch {
	case len(s) == len(layoutDate):
		switch {
		case s[4] == '-':
			layout = layoutDate
		case s[4] == '/':
			layout = layoutSlash
		case s[2] == '.':
			layout, dotted = layoutDotted, true
		}
	case s[4] != '-':
	case len(s) == len(layoutMinute) && s[10] == ' ':
		layout = layoutMinute
	case len(s) == len(layoutMinute):
		layout = layoutISOMinute
	case s[10] == ' ':
		layout = layoutSecond
	case strings.ContainsAny(s[10:], "Z+-"):
		layout = time.RFC3339
	default:
		layout = layoutISOSecond
	}
	if layout == "" {
		return t, false, false, false
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return t, false, false, false
	}
	return t.UTC(), dotted, len(s) > len(layoutDate), true
}

// epochDays returns the time in days since 1970-01-01 UTC.
func epochDays(t time.Time) float64 { return float64(t.Unix()) / 86400 }
