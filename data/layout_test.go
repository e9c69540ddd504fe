package data

import (
	"strings"
	"testing"
)

// The parts follow each other without a gap, and InputNames names them in that order.
func TestLayout(t *testing.T) {
	e, err := NewEncoding(Multiclass, []Input{
		{Name: "n", Kind: KindNumber, Scale: 1, Low: 0, High: 9, RankAt: []float64{0, 9}, RankOf: []float64{0, 1}, Pieces: []float64{0, 5, 9}, Waves: 2, Missing: true},
		{Name: "plain", Kind: KindNumber, Scale: 1},
		{Name: "d", Kind: KindDate, Scale: 1, Clock: true, Missing: true},
		{Name: "b", Kind: KindBoolean},
		{Name: "c", Kind: KindCategory, Levels: []string{"x", "y"}, Rare: true, RareOf: []string{"z"}, Means: make([]float64, 6), Missing: true},
	}, []Target{{Name: "t", Kind: KindCategory, Classes: []string{"p", "q"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Layout{
		{Value: Places{0, 1}, Rank: Places{1, 2}, Pieces: Places{2, 4}, Waves: Places{4, 8}, Cycles: Places{8, 8}, Missing: Places{8, 9}},
		{Value: Places{0, 1}, Missing: Places{1, 1}},
		{Value: Places{0, 1}, Cycles: Places{1, 7}, Missing: Places{7, 8}},
		{Value: Places{0, 1}},
		{Levels: Places{0, 3}, Means: Places{3, 5}, Missing: Places{5, 6}},
	}
	names, width := e.InputNames(), 0
	for i := range e.Inputs {
		in, w := &e.Inputs[i], want[i]
		l := in.Layout()
		from, to := e.Span(i)
		if to-from != l.Width() || from != width {
			t.Errorf("%s: the span is [%d, %d), the layout has %d places", in.Name, from, to, l.Width())
		}
		width = to
		for part, p := range map[string][2]Places{" (rank)": {l.Rank, w.Rank}, " to ": {l.Pieces, w.Pieces}, " (cos 1)": {l.Waves, w.Waves},
			"month cos": {l.Cycles, w.Cycles}, "=": {l.Levels, w.Levels}, "mean of": {l.Means, w.Means}, "(missing)": {l.Missing, w.Missing}} {
			got, want := p[0], p[1]
			if got.Width() != want.Width() || want.Width() > 0 && got != want {
				t.Errorf("%s: the part with the name %q has the places %v, want %v", in.Name, part, got, want)
			} else if got.Width() > 0 && !strings.Contains(names[from+got.From], part) {
				t.Errorf("%s: the place %d has the name %q, want one with %q", in.Name, got.From, names[from+got.From], part)
			}
		}
	}
	if width != e.Width() {
		t.Errorf("the layouts have %d places, the encoding %d", width, e.Width())
	}
}
