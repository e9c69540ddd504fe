package model

import (
	"fmt"
	"math"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
)

// The loss of more rows than the network takes at once is the weighted mean of the losses of single
// rows.
func TestLossOfManyRows(t *testing.T) {
	var cells [][]string
	for i := range 1300 {
		x := float64(i*37%101) / 10
		cells = append(cells, []string{fmt.Sprint(x), fmt.Sprint(1 + i%7), fmt.Sprint(x*x + float64(i%5))})
	}
	table, err := data.NewTable("many", []string{"x", "w", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := mustTrain(t, table, Options{Targets: []string{"y"}, Ignore: []string{"w"}, Hidden: []int{5}, Epochs: 2, Precision: "float64"})
	for _, weight := range []string{"", "w"} {
		report, err := m.Evaluate(table, EvaluateOptions{SampleWeight: weight})
		if err != nil || report.Rows != len(cells) {
			t.Fatalf("got %v %v, want no error and report.Rows = len(cells)", report, err)
		}
		tape, sum, all := m.Network64().NewTape(1), 0.0, 0.0
		for i := range cells {
			x, y, err := m.Row(table, i)
			if err != nil {
				t.Fatal(err)
			}
			w := 1.0
			if weight != "" {
				w = float64(1 + i%7)
			}
			m.Network64().Forward(tape, nn.FromRows([][]float64{x}))
			sum += w * m.Network64().Loss(tape, m.Loss, nn.FromRows([][]float64{y}))
			all += w
		}
		got, ok := report.Get("loss")
		if want := sum / all; !ok || math.Abs(got-want) > 1e-12*want {
			t.Errorf("weights %q: the loss is %v, want the mean %v of single rows", weight, got, want)
		}
	}
}
