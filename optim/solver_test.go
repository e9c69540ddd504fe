package optim

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/optimize"
)

// valley is Rosenbrock's function in many dimensions, Σ 100(w_{i+1}-w_i²)² + (1-w_i)².
func valley(w, g []float64) float64 {
	clear(g)
	sum := 0.0
	for i := range len(w) - 1 {
		a, b := w[i+1]-w[i]*w[i], 1-w[i]
		sum += 100*a*a + b*b
		g[i] -= 400*a*w[i] + 2*b
		g[i+1] += 200 * a
	}
	return sum
}

// Both solvers reach the minimum that gonum's solvers reach, with about as many evaluations.
func TestSolversAgainstGonum(t *testing.T) {
	for _, c := range []struct {
		name  string
		f     func(w, g []float64) float64
		start []float64
	}{
		{"parabola", parabola, make([]float64, 4)},
		{"rosenbrock", rosenbrock, []float64{-1.2, 1}},
		{"rosenbrock in 20 dimensions", valley, []float64{-1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1}},
	} {
		for _, name := range Solvers() {
			var method optimize.Method = &optimize.LBFGS{Store: 10}
			if name == "cg" {
				method = &optimize.CG{}
			}
			scratch := make([]float64, len(c.start))
			want, err := optimize.Minimize(optimize.Problem{
				Func: func(x []float64) float64 { return c.f(x, scratch) },
				Grad: func(g, x []float64) { c.f(x, g) },
			}, append([]float64(nil), c.start...), &optimize.Settings{GradientThreshold: flat}, method)
			if err != nil {
				t.Fatalf("%s by gonum's %s: %v", c.name, name, err)
			}
			w, evaluations, loss := minimize(t, name, c.f, c.start)
			for i := range w {
				if !(math.Abs(w[i]-want.X[i]) <= 1e-6) {
					t.Errorf("%s by %s: w[%d] = %v, want %v as in gonum", c.name, name, i, w[i], want.X[i])
				}
			}
			t.Logf("%s by %s: %d evaluations reach %.3g; gonum's %d reach %.3g", c.name, name, evaluations, loss, want.GradEvaluations, want.F)
			if evaluations > 2*want.GradEvaluations+20 {
				t.Errorf("%s by %s: %d evaluations, and gonum takes %d", c.name, name, evaluations, want.GradEvaluations)
			}
		}
	}
}

// minimize iterates until the weights no longer change, and checks what each iteration reports.
func minimize(t *testing.T, name string, f func(w, g []float64) float64, start []float64) (w []float64, evaluations int, loss float64) {
	t.Helper()
	s, err := ParseSolver(name)
	if err != nil {
		t.Fatal(err)
	}
	w = append(w, start...)
	slots, numbers := make([][]float64, s.Slots()), make([]float64, s.Numbers())
	for i := range slots {
		slots[i] = make([]float64, len(w))
	}
	calls := 0
	last := math.Inf(1)
	g := make([]float64, len(w))
	for range 2000 {
		before := f(w, g)
		m := Iterate(s, func(g []float64) float64 { calls++; return f(w, g) }, 1, w, slots, numbers)
		evaluations += m.Evaluations
		if m.Loss != before || m.Loss > last || calls != evaluations {
			t.Fatalf("%s: the reported loss is %v, want %v and at most %v; there were %d evaluations, and %d were reported", name, m.Loss, before, last, calls, evaluations)
		}
		last = m.Loss
		if m.Step == 0 {
			return w, evaluations, before
		}
	}
	t.Errorf("%s did not end after 2000 iterations, at %v", name, w)
	return w, evaluations, last
}

// A solver copes with a loss that is infinite or NaN in part of its domain.
func TestSolversAtAWall(t *testing.T) {
	for _, name := range Solvers() {
		for _, wall := range []float64{math.Inf(1), math.NaN()} {
			f := func(w, g []float64) float64 { // log barrier at 0, minimum at 1
				x := w[0]
				if x <= 0 {
					g[0] = wall
					return wall
				}
				g[0] = 1 - 1/x
				return x - math.Log(x)
			}
			w, _, _ := minimize(t, name, f, []float64{40})
			if math.Abs(w[0]-1) > 1e-5 {
				t.Errorf("%s with a wall of %v ends at %v, want 1", name, wall, w[0])
			}
		}
	}
}
