package nn

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// readOracle reads the expected values. testdata/oracle.py computed them from the definitions with mpmath, and
// compared them with torch's autograd.
func readOracle(t *testing.T, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// near allows a difference of rel times the wanted value, and a little near 0.
func near(got, want, rel, abs float64) bool {
	return got == want || math.Abs(got-want) <= rel*math.Abs(want)+abs
}

func TestActivationsAgainstOracle(t *testing.T) {
	var file struct {
		Activations []struct {
			Name                 string
			Z, Value, Derivative []float64
		}
	}
	readOracle(t, &file)
	if len(file.Activations) < 13 {
		t.Fatalf("the oracle has %d activations, want at least 13", len(file.Activations))
	}
	for _, c := range file.Activations {
		f, err := ParseActivation(c.Name)
		if err != nil {
			t.Fatal(err)
		}
		rel := 5e-15
		if f == GELU {
			rel = 2e-13 // e^(-z²/2) multiplies the rounding error of z by z²
		}
		for i, z := range c.Z {
			if got := f.F(z); !near(got, c.Value[i], rel, 1e-300) {
				t.Errorf("%s(%v) = %v, want %v", c.Name, z, got, c.Value[i])
			}
			if got := f.D(z, f.F(z)); !near(got, c.Derivative[i], 5e-15, 2.3e-16) {
				t.Errorf("%s'(%v) = %v, want %v", c.Name, z, got, c.Derivative[i])
			}
		}
		// The vectors in float32 follow the same formulas.
		z, a, g := NewMatrix[float32](1, len(c.Z)), NewMatrix[float32](1, len(c.Z)), make([]float32, len(c.Z))
		for i, v := range c.Z {
			z.Data[i] = float32(v)
			g[i] = 1
		}
		activate(f, z, a)
		timesDerivative(f, z.Data, a.Data, g)
		for i := range c.Z {
			if math.Abs(c.Value[i]) > math.MaxFloat32 {
				continue
			}
			want := f.F(float64(z.Data[i]))
			if got := float64(a.Data[i]); !near(got, want, 1e-5, 1e-36) && !math.IsInf(float64(float32(want)), 0) {
				t.Errorf("float32 %s(%v) = %v, want %v", c.Name, z.Data[i], got, want)
			}
			want = f.D(float64(z.Data[i]), want)
			if got := float64(g[i]); !near(got, want, 1e-5, 1.3e-7) && !math.IsInf(float64(float32(want)), 0) {
				t.Errorf("float32 %s'(%v) = %v, want %v", c.Name, z.Data[i], got, want)
			}
		}
	}
}

func TestLossesAgainstOracle(t *testing.T) {
	var file struct {
		Losses []struct {
			Loss, Output, Batch string
			Z, Y                [][]float64
			PerSample           []float64 `json:"per_sample"`
			Sum, Mean           float64
			DzSum               [][]float64 `json:"dz_sum"`
			DzMean              [][]float64 `json:"dz_mean"`
		}
	}
	readOracle(t, &file)
	if len(file.Losses) < 56 {
		t.Fatalf("the oracle has %d losses, want at least 56", len(file.Losses))
	}
	for _, c := range file.Losses {
		loss, err := ParseLoss(c.Loss)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ParseActivation(c.Output)
		if err != nil {
			t.Fatal(err)
		}
		rel := 1e-14
		if _, ok := loss.(tweedie); ok {
			rel = 1e-13 // e^((1-p)·l) multiplies the rounding error of its exponent, which is some hundred
		}
		// A layer with the identity matrix as weights passes z on.
		units := len(c.Z[0])
		n, err := New[float64](units, Seed(1), Dense{Units: units, Activation: out, NoBias: true, Init: Zeros})
		if err != nil {
			t.Fatal(err)
		}
		for i := range units {
			n.Weights(0).Row(i)[i] = 1
		}
		z, y := FromRows(c.Z), FromRows(c.Y)
		tape, grad := n.NewTape(z.Rows), make([]float64, len(n.Params()))
		for _, r := range []struct {
			Reduction
			want float64
			dz   [][]float64
		}{{Sum, c.Sum, c.DzSum}, {Mean, c.Mean, c.DzMean}} {
			n.Forward(tape, z)
			got := n.Backprop(tape, loss, y, r.Scale(z.Rows, nil), grad) * r.Scale(z.Rows, nil)
			if !near(got, r.want, rel, 0) {
				t.Errorf("%s on %s, %s, %s: loss = %v, want %v", c.Loss, c.Output, c.Batch, r, got, r.want)
			}
			for i := range r.dz {
				for j, want := range r.dz[i] {
					if d := tape.Delta(0).At(i, j); !near(d, want, 1e-13, 1e-15) {
						t.Errorf("%s on %s, %s, %s: dL/dz[%d][%d] = %v, want %v", c.Loss, c.Output, c.Batch, r, i, j, d, want)
					}
				}
			}
		}
		for i, want := range c.PerSample {
			if got := n.rowLoss(tape, loss, y, i); !near(got, want, rel, 2.3e-16) {
				t.Errorf("%s on %s, %s: loss of row %d = %v, want %v", c.Loss, c.Output, c.Batch, i, got, want)
			}
		}
	}
}

// Losses and gradients of weighted rows agree with torch's, for class weights of a cross-entropy and for a weighted mean.
func TestWeightsAgainstTorch(t *testing.T) {
	var file struct {
		Networks []struct {
			Name        string
			Sizes       []int
			Activations []string
			Loss        string
			Weights     [][][]float64
			Biases      [][]float64
			X, Y        [][]float64
		}
		Weighted []struct {
			Network     string
			RowWeights  []float64     `json:"row_weights"`
			LossValue   float64       `json:"loss_value"`
			GradWeights [][][]float64 `json:"grad_weights"`
			GradBiases  [][]float64   `json:"grad_biases"`
		}
	}
	readOracle(t, &file)
	if len(file.Weighted) < 2 {
		t.Fatalf("the oracle has %d networks with weights, want at least 2", len(file.Weighted))
	}
	for _, w := range file.Weighted {
		found := false
		for _, c := range file.Networks {
			if c.Name != w.Network {
				continue
			}
			found = true
			var layers []Dense
			for l, name := range c.Activations {
				f, err := ParseActivation(name)
				if err != nil {
					t.Fatal(err)
				}
				layers = append(layers, Dense{Units: c.Sizes[l+1], Activation: f})
			}
			n := mustNew[float64](t, c.Sizes[0], 1, layers...)
			for l := range layers {
				copy(n.Weights(l).Data, FromRows(c.Weights[l]).Data)
				copy(n.Bias(l), c.Biases[l])
			}
			loss, err := ParseLoss(c.Loss)
			if err != nil {
				t.Fatal(err)
			}
			x, y := FromRows(c.X), FromRows(c.Y)
			tape, grad := n.NewTape(x.Rows), make([]float64, len(n.Params()))
			tape.UseWeights(w.RowWeights)
			scale := Mean.Scale(x.Rows, w.RowWeights)
			n.Forward(tape, x)
			if got := n.Backprop(tape, loss, y, scale, grad) * scale; !near(got, w.LossValue, 1e-13, 0) {
				t.Errorf("%s: loss = %v, want %v", c.Name, got, w.LossValue)
			}
			if got := n.Loss(tape, loss, y) * scale; !near(got, w.LossValue, 1e-13, 0) {
				t.Errorf("%s: Loss = %v, want %v", c.Name, got, w.LossValue)
			}
			for l := range layers {
				got, want := append(n.weightsIn(grad, l).Data, n.biasIn(grad, l)...), append(FromRows(w.GradWeights[l]).Data, w.GradBiases[l]...)
				for i := range want {
					if !near(got[i], want[i], 1e-12, 1e-15) {
						t.Errorf("%s: gradient %d of layer %d = %v, want %v", c.Name, i, l, got[i], want[i])
					}
				}
			}
			check := CheckGradient(n, loss, x, y, CheckOptions{Weights: w.RowWeights})
			if !check.OK() || check.Checked < check.Parameters/2 {
				t.Errorf("%s: of %d gradients %d were compared; the worst error is %.2g", c.Name, check.Parameters, check.Checked, check.Worst.Error)
			}
		}
		if !found {
			t.Errorf("there is no network %q", w.Network)
		}
	}
}

func TestNetworksAgainstOracle(t *testing.T) {
	var file struct {
		Networks []struct {
			Name            string
			Sizes           []int
			Activations     []string
			Loss, Reduction string
			Bias            bool
			Weights         [][][]float64
			Biases          [][]float64
			X, Y, Outputs   [][]float64
			LossValue       float64       `json:"loss_value"`
			GradWeights     [][][]float64 `json:"grad_weights"`
			GradBiases      [][]float64   `json:"grad_biases"`
		}
	}
	readOracle(t, &file)
	if len(file.Networks) < 4 {
		t.Fatalf("the oracle has %d networks, want at least 4", len(file.Networks))
	}
	for _, c := range file.Networks {
		t.Run(c.Name, func(t *testing.T) {
			var layers []Dense
			for l, name := range c.Activations {
				f, err := ParseActivation(name)
				if err != nil {
					t.Fatal(err)
				}
				layers = append(layers, Dense{Units: c.Sizes[l+1], Activation: f, NoBias: !c.Bias})
			}
			n, err := New[float64](c.Sizes[0], Seed(1), layers...)
			if err != nil {
				t.Fatal(err)
			}
			for l := range layers {
				copy(n.Weights(l).Data, FromRows(c.Weights[l]).Data)
				if c.Bias {
					copy(n.Bias(l), c.Biases[l])
				}
			}
			loss, err := ParseLoss(c.Loss)
			if err != nil {
				t.Fatal(err)
			}
			r, err := ParseReduction(c.Reduction)
			if err != nil {
				t.Fatal(err)
			}
			x, y := FromRows(c.X), FromRows(c.Y)
			tape, grad := n.NewTape(x.Rows), make([]float64, len(n.Params()))
			out := n.Forward(tape, x)
			for i := range c.Outputs {
				for j, want := range c.Outputs[i] {
					if got := out.At(i, j); !near(got, want, 1e-13, 1e-15) {
						t.Errorf("output[%d][%d] = %v, want %v", i, j, got, want)
					}
				}
			}
			if got := n.Backprop(tape, loss, y, r.Scale(x.Rows, nil), grad) * r.Scale(x.Rows, nil); !near(got, c.LossValue, 1e-13, 0) {
				t.Errorf("loss = %v, want %v", got, c.LossValue)
			}
			for l := range layers {
				for i, row := range c.GradWeights[l] {
					for j, want := range row {
						if got := n.weightsIn(grad, l).At(i, j); !near(got, want, 1e-12, 1e-15) {
							t.Errorf("dL/dW of layer %d [%d][%d] = %v, want %v", l, i, j, got, want)
						}
					}
				}
				for j, got := range n.biasIn(grad, l) {
					if want := c.GradBiases[l][j]; !near(got, want, 1e-12, 1e-15) {
						t.Errorf("dL/db of layer %d [%d] = %v, want %v", l, j, got, want)
					}
				}
			}
		})
	}
}
