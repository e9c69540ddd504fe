package lab

import (
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// A category is drawn with dots and the levels' names, because there is nothing between levels. A number is drawn with lines.
func TestPartialFigureOfLevels(t *testing.T) {
	for kind, dots := range map[data.Kind]bool{data.KindCategory: true, data.KindBoolean: true, data.KindNumber: false, data.KindDate: false} {
		p := &model.Partial{Column: "c", Kind: kind, Outputs: []string{"a", "b"}, Cells: []string{"no", "yes"}, At: []float64{0, 1}, Mean: [][]float64{{1, 2}, {2, 1}},
			Lines: [][][]float64{{{1, 1}}, {{2, 2}}}}
		for _, output := range []int{-1, 0} {
			fig := PartialFigure(&model.Model{Encoding: &data.Encoding{Task: data.Multiclass, Targets: []data.Target{{Name: "y", Classes: []string{"a", "b"}}}}}, p, output)
			for _, s := range fig.Series {
				if s.Dots != dots {
					t.Errorf("a %s, output %d: series %q has dots %v, want %v", kind, output, s.Name, s.Dots, dots)
				}
			}
			if named := len(fig.XTicks) == 2 && fig.XTicks[1].Label == "yes"; named != (kind != data.KindNumber) {
				t.Errorf("a %s: the labels are %v", kind, fig.XTicks)
			}
			if dots && output < 0 && fig.Series[0].X[0] == fig.Series[1].X[0] {
				t.Errorf("a %s: the dots of two outputs overlap", kind)
			}
		}
	}
}
