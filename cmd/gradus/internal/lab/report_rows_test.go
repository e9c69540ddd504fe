package lab

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// The ROC curve starts and ends in the right corners. The numbers in the curves' names equal the metrics,
// which are computed in another way.
func TestRowFigures(t *testing.T) {
	var cells [][]string
	for i := range 200 {
		x := float64(i*37%200) / 200
		class := "no"
		if x+0.3*math.Sin(float64(i*i)) > 0.5 {
			class = "yes"
		}
		cells = append(cells, []string{cellText(x), cellText(2*x + 1), class})
	}
	table, err := data.NewTable("t", []string{"x", "y", "class"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	test := 0.4
	m, f, err := model.Train(t.Context(), table, model.Options{Targets: []string{"class"}, Ignore: []string{"y"}, Test: &test, Epochs: 20, Metrics: []string{"auc", "average_precision", "calibration_error"}})
	if err != nil {
		t.Fatal(err)
	}
	j, err := f.Judge(m)
	if err != nil || j.What != "test" || len(j.Rows) != f.Rows.Test {
		t.Fatalf(`got %v %v, want no error and j.What = "test" and len(j.Rows) = f.Rows.Test`, j, err)
	}
	tests := testsOf(m, j)
	roc, pr, calibration := rocFigure(tests), precisionFigure(tests), calibrationFigure(m, j, tests)
	for name, curve := range map[string]string{"auc": roc.Series[0].Name, "average_precision": pr.Series[0].Name, "calibration_error": calibration.Series[0].Name} {
		v, _ := m.Training.Metrics.Test.Get(name)
		words := strings.Fields(strings.Trim(curve, ")"))
		if shown, err := strconv.ParseFloat(words[len(words)-1], 64); err != nil || math.Abs(shown-v) > 0.00051 {
			t.Errorf("%s is %v, the curve says %s", name, v, curve)
		}
	}
	if s := roc.Series[0]; s.X[0] != 0 || s.Y[0] != 0 || s.X[len(s.X)-1] != 1 || s.Y[len(s.Y)-1] != 1 {
		t.Errorf("the ROC curve goes from (%v, %v) to (%v, %v), want (0, 0) to (1, 1)", s.X[0], s.Y[0], s.X[len(s.X)-1], s.Y[len(s.Y)-1])
	}
	m, f, err = model.Train(t.Context(), table, model.Options{Targets: []string{"y"}, Ignore: []string{"class"}, Test: &test, Epochs: 5})
	if err != nil {
		t.Fatal(err)
	}
	if j, err = f.Judge(m); err != nil {
		t.Fatal(err)
	}
	predicted, residual := predictedFigure("y", j, 0, 1).Series[0], residualFigure("y", j, 0, 1).Series[0]
	for i, row := range j.Rows {
		truth, _ := table.Number(row, 1)
		if math.Abs(predicted.X[i]-truth) > 1e-9 || predicted.Y[i] != j.Says[i] || math.Abs(residual.Y[i]+residual.X[i]-truth) > 1e-9 {
			t.Fatalf("row %d: true %v, drawn at (%v, %v) and (%v, %v)", row, truth, predicted.X[i], predicted.Y[i], residual.X[i], residual.Y[i])
		}
	}
}

func cellText(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
