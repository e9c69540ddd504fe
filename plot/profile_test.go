package plot

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Bars of 1, 100 and 10000 grow by equal steps on a logarithmic scale that begins a decade below. A number
// without a logarithm has no bar, but is shown.
func TestProfileOnALogarithmicScale(t *testing.T) {
	b := Profile{Labels: []string{"a", "b", "c", "d"}, Log: true, Measures: []Measure{{"size", []float64{1, 100, 10000, 0}}}}
	svg := string(render(t, "svg", b))
	if !strings.Contains(svg, "<title>size</title>") {
		t.Error("a picture without a title is not named after what it measures")
	}
	var long []float64
	for _, m := range regexp.MustCompile(`<path d="M([\d.]+),[\d.]+L([\d.]+),[^"]*" fill="#0072B2"`).FindAllStringSubmatch(svg, -1) {
		x0, _ := strconv.ParseFloat(m[1], 64)
		x1, _ := strconv.ParseFloat(m[2], 64)
		long = append(long, x1-x0)
	}
	if len(long) != 3 {
		t.Fatalf("%d bars for three positive values, want 3: %v", len(long), long)
	}
	for i, want := range []float64{1. / 5, 3. / 5, 1} {
		if math.Abs(long[i]/long[2]-want) > 0.01 {
			t.Errorf("bar %d is %.3f of the longest, want %.3f", i, long[i]/long[2], want)
		}
	}
	if !regexp.MustCompile(`>0</text>`).MatchString(svg) {
		t.Error("the value without a bar has no number")
	}
}
