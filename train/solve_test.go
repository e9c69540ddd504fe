package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// From the same weights, both solvers find the minimum that scipy finds, and report a minimum.
func TestSolversAgainstScipy(t *testing.T) {
	file := readShapes(t)
	d := Data[float64]{Train: Set[float64]{X: nn.FromRows(file.X), Y: nn.FromRows(file.Y)}}
	for _, name := range optim.Solvers() {
		s, err := optim.ParseSolver(name)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]float64{"lbfgs": file.Minimum.LBFGS, "cg": file.Minimum.CG}[name]
		p := nn.Penalty{L2: file.Minimum.L2}
		n := file.start(t, nn.Identity)
		r := mustRun(t, n, Config{Solver: s, Loss: nn.Squared, Epochs: 3000, Penalty: p}, d)
		if got := r.Loss + n.Penalty(p); !(math.Abs(got-want) <= 1e-11) {
			t.Errorf("%s reaches %v in %d iterations, want %v as in scipy", name, got, r.Epochs, want)
		}
		if r.Reason != ReasonMinimum || !r.Converged || r.Epochs > 500 {
			t.Errorf("%s ended by %q after %d iterations (converged: %v), want a minimum within 500", name, r.Reason, r.Epochs, r.Converged)
		}
	}
}

// Leaving the loop and entering it again changes nothing. Each iteration lowers the loss, also in
// float32 and in shards. The number of threads changes no bit.
func TestSolverSteps(t *testing.T) {
	for _, name := range optim.Solvers() {
		s, err := optim.ParseSolver(name)
		if err != nil {
			t.Fatal(err)
		}
		c := Config{Solver: s, Epochs: 40, Shards: 3, EMA: 0.5}
		n, d := wide[float32](t)
		c.Threads = 1
		want := n.Clone()
		whole := mustRun(t, want, c, d)
		c.Threads = 2
		tr, err := New(n, c, d)
		if err != nil {
			t.Fatal(err)
		}
		last := math.Inf(1)
		for tr.Result().Reason == "" {
			for step, err := range tr.Steps(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				if !(step.Loss < last) {
					t.Fatalf("%s: iteration %d begins with the loss %v, want less than the %v before", name, step.N, step.Loss, last)
				}
				last = step.Loss
				break
			}
		}
		if r := tr.Result(); r.Steps != whole.Steps || r.Rows != whole.Rows || r.Rows < r.Steps*333 {
			t.Errorf("%s: in parts: %d iterations and %d rows, want %d and %d as in one piece", name, r.Steps, r.Rows, whole.Steps, whole.Rows)
		}
		if !slices.Equal(n.Params(), want.Params()) {
			t.Errorf("%s: the weights differ", name)
		}
	}
}

func TestSolverRefuses(t *testing.T) {
	d := Data[float64]{Train: problem[float64](20)}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Method: MiniBatch}, "lbfgs looks at all rows in every evaluation of the loss: it goes with the method batch, not mini-batch"},
		{Config{Schedule: optim.Cosine{}}, "lbfgs finds its own rate, and a schedule (cosine) would have none to change; leave it out"},
		{Config{Warmup: 2}, "lbfgs finds its own rate, and a warm-up would have none to raise; leave it out"},
		{Config{Penalty: nn.Penalty{L1: 1}}, "l1 has a kink"},
		{Config{ClipNorm: 1}, "lbfgs follows the loss alone, and clip-norm changes"},
		{Config{MaxNorm: 1}, "and max-norm changes"},
	} {
		c.cfg.Solver = optim.NewLBFGS()
		if _, err := New(network[float64](t, nn.Identity), c.cfg, d); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestSolverAllocatesNothing(t *testing.T) {
	for _, name := range optim.Solvers() {
		s, err := optim.ParseSolver(name)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := New(network[float32](t, nn.Identity), Config{Solver: s, Epochs: 1 << 20}, Data[float32]{Train: problem[float32](37)})
		if err != nil {
			t.Fatal(err)
		}
		tr.result.History = slices.Grow(tr.result.History, 1000)
		if _, err := tr.course.step(tr); err != nil {
			t.Fatal(err)
		}
		if a := testing.AllocsPerRun(20, func() {
			if _, err := tr.course.step(tr); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s: %v allocations in an iteration, want none", name, a)
		}
	}
}
