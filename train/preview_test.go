package train

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// The next update uses the rows that Next returns.
func TestNextNamesTheRowsOfTheNextUpdate(t *testing.T) {
	x, y := nn.NewMatrix[float64](7, 2), nn.NewMatrix[float64](7, 1)
	for i := range x.Data {
		x.Data[i] = float64(i%5) / 5
	}
	for i := range y.Data {
		y.Data[i] = float64(i) / 7
	}
	for _, method := range []Method{Batch, Stochastic, MiniBatch, PerSample} {
		for _, noShuffle := range []bool{false, true} {
			net, err := nn.New[float64](2, nn.Seed(3), nn.Dense{Units: 3, Activation: nn.Tanh}, nn.Dense{Units: 1})
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{Method: method, BatchSize: 3, Epochs: 3, NoShuffle: noShuffle, Seed: 5}
			tr, err := New(net, cfg, Data[float64]{Train: Set[float64]{X: x, Y: y}})
			if err != nil {
				t.Fatal(err)
			}
			next := tr.Next()
			seen := map[int]int{}
			for s, err := range tr.Steps(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				if len(next) != s.Rows {
					t.Fatalf("%s: update %d used %d rows, and Next returned %v", method, s.N, s.Rows, next)
				}
				if (method == Stochastic || method == PerSample) && next[0] != s.Row {
					t.Fatalf("%s: update %d used row %d, and Next returned %v", method, s.N, s.Row, next)
				}
				for _, r := range next {
					seen[r]++
				}
				if method == MiniBatch && !noShuffle { // t.gather has the rows that were gathered
					for i, r := range next {
						if !slices.Equal(tr.gather.batch.X.Row(i), x.Row(r)) || tr.gather.batch.Y.At(i, 0) != y.At(r, 0) {
							t.Fatalf("update %d gathered rows other than %v, which Next returned", s.N, next)
						}
					}
				}
				next = tr.Next()
			}
			if next != nil {
				t.Errorf("%s: after the end Next returns %v, want nil", method, next)
			}
			for r := range 7 {
				if seen[r] != 3 && method != PerSample || seen[r] == 0 {
					t.Errorf("%s: row %d was used %d times in 3 epochs", method, r, seen[r])
				}
			}
		}
	}
}

// With batch normalization, no last batch has one row, and Next returns none.
func TestNextKnowsTheLonelyRow(t *testing.T) {
	net := previewed[float64](t, nn.BatchNorm, 0)
	tr, err := New(net, Config{BatchSize: 12, Epochs: 2}, Data[float64]{Train: problem[float64](37)})
	if err != nil {
		t.Fatal(err)
	}
	next := tr.Next()
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if len(next) != s.Rows {
			t.Errorf("update %d used %d rows, and Next returned %d", s.N, s.Rows, len(next))
		}
		next = tr.Next()
	}
}

func previewed[T nn.Float](t *testing.T, norm nn.Norm, dropout float64) *nn.Network[T] {
	t.Helper()
	shape := network[T](t, nn.Identity)
	net, err := nn.New[T](shape.Inputs(), nn.Seed(3),
		nn.Dense{Units: 5, Activation: nn.Tanh, Norm: norm, NoBias: norm == nn.BatchNorm}, nn.Dense{Units: shape.Outputs(), Dropout: dropout})
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// Preview predicts what the next update does to a parameter, to the last bit. Looking ahead changes
// nothing.
func TestPreviewIsWhatComes(t *testing.T) {
	testPreview[float32](t)
	testPreview[float64](t)
}

func testPreview[T nn.Float](t *testing.T) {
	var configs []Config
	for _, name := range optim.Optimizers() {
		rule, err := optim.ParseOptimizer(name, optim.Hyper{})
		if err != nil {
			t.Fatal(err)
		}
		configs = append(configs, Config{Optimizer: rule, BatchSize: 8})
	}
	for _, name := range optim.Solvers() {
		solver, err := optim.ParseSolver(name)
		if err != nil {
			t.Fatal(err)
		}
		configs = append(configs, Config{Solver: solver, Penalty: nn.Penalty{L2: 0.01}})
	}
	for _, m := range Methods() {
		configs = append(configs, Config{Optimizer: optim.SGD{}, Method: Method(m), BatchSize: 5})
	}
	configs = append(configs,
		Config{Optimizer: optim.Momentum{Momentum: 0.9}, Penalty: nn.Penalty{L1: 0.01, L2: 0.1}, ClipValue: 0.1, WeightDecay: 0.01, MaxNorm: 0.5, EMA: 0.9},
		Config{Optimizer: optim.NewAdam(), ClipNorm: 0.1, Warmup: 1, Schedule: optim.Cosine{}, Shards: 3},
		Config{Optimizer: optim.RMSProp{Beta2: 0.9, Momentum: 0.5, Epsilon: 1e-8}, NoShuffle: true, BatchSize: 12},
	)
	for i, c := range configs {
		norms := []nn.Norm{nn.NoNorm, nn.LayerNorm, nn.BatchNorm}
		for _, norm := range norms[:len(norms)-i%2] {
			if norm == nn.BatchNorm && (c.Shards > 1 || c.Solver != nil || c.Method == Stochastic || c.Method == PerSample) {
				continue
			}
			drop := 0.3
			if c.Solver != nil {
				drop = 0
			}
			c.Epochs, c.Seed = 4, 9
			var plain [][]T // the parameters after each update of a run without looking ahead
			tr, err := New(previewed[T](t, norm, drop), c, Data[T]{Train: problem[T](37)})
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range tr.Steps(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				plain = append(plain, slices.Clone(tr.net.Values()))
			}
			net := previewed[T](t, norm, drop)
			tr, err = New(net, c, Data[T]{Train: problem[T](37)})
			if err != nil {
				t.Fatal(err)
			}
			look := func() (out []Preview) {
				for index := 0; index < len(net.Params()); index += 3 {
					p, ok := tr.Preview(index)
					if ok {
						out = append(out, p)
					}
				}
				return out
			}
			coming, made := look(), 0
			ahead, rate := tr.Ahead(), tr.NextRate()
			for s, err := range tr.Steps(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				if c.Solver == nil && s.LearningRate != rate {
					t.Fatalf("update %d has the rate %v, and NextRate returned %v", s.N, s.LearningRate, rate)
				}
				if !tr.finished && !slices.Equal(ahead, net.Params()) {
					t.Fatalf("%s: update %d ends with parameters other than those that Ahead returned", tr.cfg.OptimizerName(), s.N)
				}
				for k, p := range coming {
					same := func(what string, a float64, b T) {
						if a != float64(b) && !(math.IsNaN(a) && b != b) {
							t.Fatalf("%s, norm %s: update %d: %s of parameter %d is %v, and Preview returned %v", tr.cfg.OptimizerName(), norm, s.N, what, 3*k, b, a)
						}
					}
					if tr.finished { // it ended with its average or its best weights
						break
					}
					same("the value", p.After, net.Params()[3*k])
					if p.N != s.N || p.Loss != s.Loss || p.Rate != s.LearningRate {
						t.Fatalf("%s: update %d has the loss %v and the rate %v, and Preview returned update %d, %v and %v", tr.cfg.OptimizerName(), s.N, s.Loss, s.LearningRate, p.N, p.Loss, p.Rate)
					}
					for j, v := range p.StateAfter {
						same("a slot", v, tr.slots[j][3*k])
					}
				}
				if !slices.Equal(net.Values(), plain[made]) {
					t.Fatalf("%s, norm %s: looking ahead changed update %d", tr.cfg.OptimizerName(), norm, s.N)
				}
				made++
				coming, ahead, rate = look(), tr.Ahead(), tr.NextRate()
			}
			if made != len(plain) {
				t.Errorf("%s: %d updates, want %d as without looking ahead", tr.cfg.OptimizerName(), made, len(plain))
			}
			if _, ok := tr.Preview(0); ok {
				t.Errorf("%s: Preview succeeds after the end", tr.cfg.OptimizerName())
			}
		}
	}
}

// Shaped is the gradient that the optimizer gets, and Gradient is that of the loss alone.
func TestPreviewShowsTheGradient(t *testing.T) {
	net := previewed[float64](t, nn.NoNorm, 0)
	const rate, l2 = 0.1, 0.5
	tr, err := New(net, Config{Optimizer: optim.SGD{}, LearningRate: rate, BatchSize: 8, Penalty: nn.Penalty{L2: l2}}, Data[float64]{Train: problem[float64](37)})
	if err != nil {
		t.Fatal(err)
	}
	for range tr.Steps(context.Background()) {
		break
	}
	for i, w := range net.Params() {
		p, _ := tr.Preview(i)
		want := p.Gradient
		if _, in, _ := net.Locate(i); in >= 0 {
			want += l2 * w
		}
		if math.Abs(p.Shaped-want) > 1e-15 || math.Abs(p.After-(w-rate*p.Shaped)) > 1e-15 {
			t.Errorf("parameter %d: the gradient %v becomes %v, want %v; the value %v becomes %v", i, p.Gradient, p.Shaped, want, w, p.After)
		}
	}
}
