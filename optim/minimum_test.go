package optim

import (
	"math"
	"testing"
)

// parabola is Σ (i+1)·(w_i - i)²/2, with its minimum 0 at w_i = i.
func parabola(w, g []float64) float64 {
	sum := 0.0
	for i := range w {
		d := w[i] - float64(i)
		g[i] = float64(i+1) * d
		sum += g[i] * d / 2
	}
	return sum
}

// rosenbrock is (1-x)² + 100(y-x²)², with its minimum 0 at (1, 1), at the end of a bent valley.
func rosenbrock(w, g []float64) float64 {
	x, y := w[0], w[1]
	g[0] = -2*(1-x) - 400*x*(y-x*x)
	g[1] = 200 * (y - x*x)
	return (1-x)*(1-x) + 100*(y-x*x)*(y-x*x)
}

// Every optimizer reaches both minima with its rate in the table. The rate falls linearly to 0.
func TestRulesReachMinima(t *testing.T) {
	const steps = 20000
	table := map[string]struct{ parabola, rosenbrock float64 }{ // rates
		"sgd":      {0.1, 0.002},
		"momentum": {0.05, 0.0005},
		"nesterov": {0.05, 0.0005},
		"adagrad":  {1, 0.5},
		"adadelta": {10, 1},
		"rmsprop":  {0.02, 0.01},
		"adam":     {0.05, 0.02},
		"amsgrad":  {0.05, 0.02},
		"nadam":    {0.05, 0.02},
		"adamw":    {0.05, 0.02},
		"lion":     {0.01, 0.002},
	}
	for _, name := range Optimizers() {
		rates, ok := table[name]
		if !ok {
			t.Errorf("the table has no %s", name)
			continue
		}
		for _, f := range []struct {
			name  string
			f     func(w, g []float64) float64
			start []float64
			rate  float64
		}{
			{"parabola", parabola, make([]float64, 4), rates.parabola},
			{"rosenbrock", rosenbrock, []float64{-1.2, 1}, rates.rosenbrock},
		} {
			h := Hyper{}
			if name == "adamw" {
				h.WeightDecay = new(float64) // decay moves the minimum
			}
			r, err := ParseOptimizer(name, h)
			if err != nil {
				t.Fatal(err)
			}
			w, g, slots := append([]float64(nil), f.start...), make([]float64, len(f.start)), make([][]float64, r.Slots())
			for i := range slots {
				slots[i] = make([]float64, len(w))
			}
			for n := range steps {
				f.f(w, g)
				rate := Polynomial{Power: 1}.Rate(f.rate, Position{Step: n, StepsPerEpoch: steps, Epochs: 1})
				Update(r, Step{LearningRate: rate, N: n + 1}, w, g, slots)
			}
			if left := f.f(w, g); !(left < 1e-6) || math.IsNaN(left) {
				t.Errorf("%s at rate %v on the %s ends %v above the minimum, want less than 1e-6; it is at %v", name, f.rate, f.name, left, w)
			}
		}
	}
}
