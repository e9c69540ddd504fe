package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// The temperature is the one that scipy finds (testdata/temperature.py).
func TestTemperatureAgainstScipy(t *testing.T) {
	raw, err := os.ReadFile("testdata/temperature.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle struct {
		Cases []struct {
			Probabilities [][]float64
			Classes       []float64
			Weights       []float64
			Temperature   float64
			Before, After float64
		}
	}
	if err := json.Unmarshal(raw, &oracle); err != nil {
		t.Fatal(err)
	}
	if len(oracle.Cases) < 4 {
		t.Fatalf("got %d cases, want at least 4", len(oracle.Cases))
	}
	for i, c := range oracle.Cases {
		var p []float64
		for _, row := range c.Probabilities {
			p = append(p, row...)
		}
		width := len(c.Probabilities[0])
		got := bestTemperature(p, width, c.Classes, c.Weights)
		before, _ := temperedLoss(p, width, c.Classes, c.Weights, 1)
		after, slope := temperedLoss(p, width, c.Classes, c.Weights, 1/got)
		if !(math.Abs(got-c.Temperature) < 1e-5*c.Temperature) || !(math.Abs(before-c.Before) < 1e-12) || !(math.Abs(after-c.After) < 1e-10) || !(math.Abs(slope) < 1e-9) {
			t.Errorf("case %d: temperature %v, log loss %v to %v (slope %g); scipy has %v, %v to %v", i, got, before, after, slope, c.Temperature, c.Before, c.After)
		}
	}
}

// sure returns a model that is far too confident, and its table.
func sure(t *testing.T, name string, o Options) (*Model, *Fit, *data.Table) {
	t.Helper()
	table := readExample(t, name)
	share := 0.3
	patience := 0
	o.Validation, o.Patience, o.Epochs, o.Hidden = &share, &patience, 60, []int{40}
	m, f, err := Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	return m, f, table
}

// A temperature is saved and loaded, and divides the logits in every way of predicting. The weights in the file do not
// change. Without --calibrate there is no temperature.
func TestCalibratedModel(t *testing.T) {
	for _, c := range []struct{ table, precision string }{{"breast_cancer", "float32"}, {"digits", "float64"}} {
		t.Run(c.table, func(t *testing.T) {
			plain, _, table := sure(t, c.table, Options{Precision: c.precision})
			m, f, _ := sure(t, c.table, Options{Precision: c.precision, Calibrate: true})
			k := m.Training.Calibration
			if k == nil || !k.Kept || m.Temperature != k.Temperature || !(k.After < k.Before) || k.Rows != f.Rows.Validation {
				t.Fatalf("the calibration is %+v, want one that is kept and lowers the loss", k)
			}
			if plain.Temperature != 1 || plain.Training.Calibration != nil {
				t.Error("the model has a temperature, but nobody asked for a calibration")
			}
			if m.WeightsSHA256() != plain.WeightsSHA256() {
				t.Error("calibration changed the weights")
			}
			if loss, _ := m.Training.Metrics.Validation.Get("loss"); math.Abs(loss-k.After) > 1e-5 {
				t.Errorf("the loss of the validation rows is %v, want the %v of the calibration", loss, k.After)
			}
			raw, _, err := m.AsTrained().Predict(table)
			if err != nil {
				t.Fatal(err)
			}
			before, _, err := plain.Predict(table)
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := m.Write(&file); err != nil {
				t.Fatal(err)
			}
			back, err := Read(bytes.NewReader(file.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			predictions, _, err := m.Predict(table)
			if err != nil {
				t.Fatal(err)
			}
			again, _, err := back.Predict(table)
			if err != nil {
				t.Fatal(err)
			}
			want := temper(raw, m.Outputs(), m.Temperature)
			for i := range predictions {
				inside := raw[i] > 1e-3 && raw[i] < 1-1e-3 // beyond, float32 has too few digits of 1 - p
				if raw[i] != before[i] || predictions[i] != again[i] || inside && !(math.Abs(predictions[i]-want[i]) < 1e-4) {
					t.Fatalf("prediction %d: %v as trained (%v without calibrating), %v calibrated, want %v, %v read back", i, raw[i], before[i], predictions[i], want[i], again[i])
				}
			}
			if back.WeightsSHA256() != m.WeightsSHA256() || back.Temperature != m.Temperature {
				t.Error("the loaded model has other weights or another temperature")
			}
			row := map[string]any{}
			for _, name := range m.Columns() {
				row[name] = table.Cell(3, table.Index(name))
			}
			p, err := back.PredictRow(row)
			if err != nil || p.Probabilities[1] != predictions[3*m.Outputs()+1] {
				t.Errorf("one row: got %v, %v, want the prediction of the table", p, err)
			}
		})
	}
}

// A file with an impossible temperature is refused.
func TestOddTemperature(t *testing.T) {
	m, _, _ := sure(t, "breast_cancer", Options{Calibrate: true})
	m.Temperature = -1
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrFile) {
		t.Errorf("the temperature -1: got %v, want ErrFile", err)
	}
}
