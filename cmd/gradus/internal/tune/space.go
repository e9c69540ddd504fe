package tune

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/rng"
)

// Dimension holds the possible values of a flag: one of several values, or a number in a range.
type Dimension struct {
	Flag     string
	Choices  []string
	Low      float64 // without choices: the range, both ends included
	High     float64
	Log      bool // uniform in the logarithm
	Integers bool
}

// ParseDimension reads "hidden=64|64,64|128,128", "dropout=0..0.5", "lr=1e-4..1e-1:log" or
// "batch-size=16..512:log:int".
func ParseDimension(s string) (Dimension, error) {
	flag, spec, ok := strings.Cut(s, "=")
	flag = strings.TrimPrefix(strings.TrimSpace(flag), "--")
	d := Dimension{Flag: flag}
	if !ok || flag == "" || spec == "" {
		return d, fmt.Errorf("%q: give FLAG=A|B|C or FLAG=LOW..HIGH, such as lr=1e-4..1e-1:log", s)
	}
	low, high, isRange := strings.Cut(spec, "..")
	if !isRange {
		d.Choices = strings.Split(spec, "|")
		return d, nil
	}
	parts := strings.Split(high, ":")
	for _, p := range parts[1:] {
		switch p {
		case "log":
			d.Log = true
		case "int":
			d.Integers = true
		default:
			return d, fmt.Errorf("%q: a range may end in :log, :int or both, not in :%s", s, p)
		}
	}
	for _, end := range []struct {
		text string
		to   *float64
	}{{low, &d.Low}, {parts[0], &d.High}} {
		x, err := strconv.ParseFloat(end.text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return d, fmt.Errorf("%q: %q is not a finite number", s, end.text)
		}
		*end.to = x
	}
	switch {
	case d.Low > d.High:
		return d, fmt.Errorf("%q: the range begins above its end", s)
	case d.Log && d.Low <= 0:
		return d, fmt.Errorf("%q: a range by logarithm begins above 0, not at %v", s, d.Low)
	}
	return d, nil
}

// Ends returns every choice, or the ends of the range.
func (d Dimension) Ends() []string {
	if d.Choices != nil {
		return d.Choices
	}
	return []string{strconv.FormatFloat(d.Low, 'g', -1, 64), strconv.FormatFloat(d.High, 'g', -1, 64)}
}

// Space holds the dimensions that are searched.
type Space []Dimension

// Draw returns the value of every dimension in a trial. It depends only on (seed, trial) and on each
// dimension's place.
func (s Space) Draw(seed uint64, trial int) []string {
	out := make([]string, len(s))
	for i, d := range s {
		out[i] = d.at(rng.Float64(seed, rng.Search, uint64(trial), uint64(i)))
	}
	return out
}

// at returns the value at u in [0, 1). Numbers have three significant digits, so that they can
// be read and typed.
func (d Dimension) at(u float64) string {
	if d.Choices != nil {
		return d.Choices[int(u*float64(len(d.Choices)))]
	}
	low, high := d.Low, d.High
	if d.Integers {
		high++ // the last integer is as likely as the others
	}
	x := math.FMA(u, high-low, low)
	if d.Log {
		from := kernel.Log(low)
		x = kernel.Exp(math.FMA(u, kernel.Log(high)-from, from))
	}
	if d.Integers {
		return strconv.FormatFloat(min(math.Floor(x), d.High), 'f', -1, 64)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return strconv.FormatFloat(max(d.Low, min(rounded, d.High)), 'g', -1, 64)
}
