package plot

import (
	"bytes"
	"strings"
	"testing"
)

// A unit's sign is drawn, and the legend explains it if the picture has one.
func TestSigns(t *testing.T) {
	n := Net{Layers: []Layer{
		{Weights: [][]float64{{1, 2, 3}, {4, 5, 6}}, A: []float64{0, 1, 2}},
		{Weights: [][]float64{{1}, {2}, {3}}, A: []float64{1}},
	}}
	drawn := func(signs ...Sign) string {
		n.Layers[0].Signs = signs
		var b bytes.Buffer
		if err := Write(&b, "svg", n); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	none, dead, saturated := drawn(), drawn(NoSign, Dead), drawn(NoSign, Saturated)
	for _, c := range []struct {
		what, svg string
		dead, sat bool
	}{{"none", none, false, false}, {"dead", dead, true, false}, {"saturated", saturated, false, true}, {"both", drawn(Dead, NoSign, Saturated), true, true}} {
		if got := strings.Contains(c.svg, "dead unit"); got != c.dead {
			t.Errorf("%s: a dead unit is explained: %v, want the opposite", c.what, got)
		}
		if got := strings.Contains(c.svg, "saturated unit"); got != c.sat {
			t.Errorf("%s: a saturated unit is explained: %v, want the opposite", c.what, got)
		}
	}
	n.Bare = true
	paths := func(s string) int { return strings.Count(s, "<path") }
	plain := paths(drawn())
	if bar, cross := paths(drawn(Saturated)), paths(drawn(Dead)); bar <= plain || cross != bar+1 {
		t.Errorf("%d paths, %d with a bar and %d with a cross, want more with a bar and one more than that with a cross", plain, bar, cross)
	}
}
