package nn

import (
	"slices"
	"testing"
)

func TestFloat64sSkipsTheGapsBetweenRows(t *testing.T) {
	m := Matrix[float32]{Rows: 2, Cols: 2, Stride: 3, Data: []float32{1, 2, 0, 0.5, 4}}
	out := make([]float64, 5)
	m.Float64s(out)
	if want := []float64{1, 2, 0.5, 4, 0}; !slices.Equal(out, want) {
		t.Errorf("got %v, want %v", out, want)
	}
}
