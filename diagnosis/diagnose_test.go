package diagnosis

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// notebookRows are the notebook's four samples.
func notebookRows() train.Set[float64] {
	return train.Set[float64]{
		X: nn.FromRows([][]float64{{.2, .4, .6}, {.3, .3, .1}, {.5, .4, .7}, {.8, .4, .1}}),
		Y: nn.FromRows([][]float64{{.8}, {.2}, {.4}, {.6}}),
	}
}

func notebookNet(t testing.TB, hidden int, seed uint64) *nn.Network[float64] {
	t.Helper()
	n, err := nn.New[float64](3, nn.Seed(seed), nn.Dense{Units: hidden, Activation: nn.Sigmoid, NoBias: true, Init: nn.Uniform},
		nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true, Init: nn.Uniform})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mustRun trains to the end, watched or not, and returns the result and the findings.
func mustRun[T nn.Float](t *testing.T, watched bool, n *nn.Network[T], c train.Config, d train.Data[T]) (r train.Result, found []Finding) {
	t.Helper()
	tr, err := train.New(n, c, d)
	if err != nil {
		t.Fatal(err)
	}
	diagnose := func() []Finding { return nil }
	if watched {
		diagnose = Watch(tr, Names{}).Diagnose
	}
	if r, err = tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r, diagnose()
}

func codesOf(found []Finding) (list []string) {
	for _, f := range found {
		list = append(list, f.Code)
	}
	return list
}

// The diagnosis of the notebook's batch run at rate 50 has both causes, with row 3's numbers.
func TestNotebookBatchRunIsDiagnosed(t *testing.T) {
	c := train.Config{Loss: nn.HalfSquared, Reduction: nn.Sum, Optimizer: optim.SGD{}, LearningRate: 50, Method: train.Batch, Epochs: 40000, Stop: train.Tolerance{R: 0.001}}
	n := notebookNet(t, 4, 10)
	_, found := mustRun(t, true, n, c, train.Data[float64]{Train: notebookRows()})
	if got := codesOf(found); !slices.Equal(got, []string{DeadRows, Oscillation}) {
		t.Fatalf("found %q, want dead rows and then oscillation", got)
	}
	f := found[0]
	if f.Layer == nil || *f.Layer != 0 || !strings.Contains(f.Evidence, "on row 3 ") || !strings.Contains(f.Evidence, "target 0.6") || f.Remedies[0].Option != "LearningRate" {
		t.Errorf(`got %+v, want f.Layer != nil and *f.Layer = 0 and "on row 3 " in f.Evidence and "target 0.6" in f.Evidence and f.Remedies[0].Option = "LearningRate"`, f)
	}
	c.LearningRate = 5
	if r, found := mustRun(t, true, notebookNet(t, 4, 10), c, train.Data[float64]{Train: notebookRows()}); !r.Converged || len(found) > 0 {
		t.Errorf("at rate 5: converged %v, found %q, want a run that converges and no findings", r.Converged, codesOf(found))
	}
}

// A run on a single sample at rate 2,000 converges, or ends with a unit that is saturated or dead.
func TestNotebookOneSampleIsDiagnosed(t *testing.T) {
	one := train.Set[float64]{X: notebookRows().X.Slice(0, 1), Y: notebookRows().Y.Slice(0, 1)}
	failed := 0
	for seed := range uint64(30) {
		r, found := mustRun(t, true, notebookNet(t, 1, seed), train.Config{
			Loss: nn.HalfSquared, Reduction: nn.Sum, Optimizer: optim.SGD{}, LearningRate: 2000, Method: train.Batch, Epochs: 2000, Stop: train.Tolerance{R: 0.001},
		}, train.Data[float64]{Train: one})
		got := codesOf(found)
		if r.Converged {
			if len(got) > 0 {
				t.Errorf("seed %d converged, found %q, want nothing", seed, got)
			}
			continue
		}
		failed++
		if !slices.Contains(got, SaturatedUnits) && !slices.Contains(got, DeadUnits) {
			t.Errorf("seed %d: found %q, want saturated or dead units", seed, got)
		}
	}
	if failed < 10 {
		t.Errorf("only %d of 30 runs failed, want at least 10", failed)
	}
}

// noise returns a random number in [-1, 1) that is always the same for i and j.
func noise(i, j int) float64 { return rng.Float64(7, rng.Sample, uint64(i), uint64(j))*2 - 1 }

// table returns rows with 5 inputs for a regression, or with classes for a classification.
func table(rows, classes int) train.Set[float32] {
	s := train.Set[float32]{X: nn.NewMatrix[float32](rows, 5), Y: nn.NewMatrix[float32](rows, max(1, classes))}
	for i := range rows {
		x := s.X.Row(i)
		for j := range x {
			x[j] = float32(1.7 * noise(i, j))
		}
		v := float64(x[0]*x[1]) + float64(x[2]) + 0.3*noise(i, 9)
		if classes == 0 {
			s.Y.Row(i)[0] = float32(v)
		} else {
			s.Y.Row(i)[max(0, min(classes-1, int(math.Floor(v+float64(classes)/2))))] = 1
		}
	}
	return s
}

// For each fault alone, the first finding has the fault's code. The healthy run without a fault has no findings.
func TestFaults(t *testing.T) {
	type fault struct {
		want, evidence string
		run            func(*scenario)
	}
	for _, c := range []fault{
		{"", "", func(*scenario) {}},
		{"", "", func(s *scenario) { s.classes = 4 }},
		{"", "", func(s *scenario) {
			s.config.Optimizer, s.config.LearningRate, s.config.Method = optim.SGD{}, 0.05, train.Batch
			s.config.Epochs = 2000
		}},
		{TargetOutOfRange, "between 0 and 1", func(s *scenario) { s.out = nn.Sigmoid }},
		{TargetOutOfRange, "such as 3.2", func(s *scenario) {
			s.out = nn.Sigmoid
			for i := range s.data.Train.Y.Data {
				s.data.Train.Y.Data[i] = 0.5
			}
			s.data.Train.Y.Data[7] = 3.2
		}},
		{TargetOutlier, `row 7 (counted from 0) has 1e+08, and the middle half`, func(s *scenario) { s.data.Train.Y.Data[7] = 1e8 }},
		{TargetOutlier, "2 training targets are far", func(s *scenario) {
			s.data.Train.Y.Data[7], s.data.Train.Y.Data[8] = -1e7, 1e7
			s.config.LearningRate = 1e-5 // at this rate the outputs stay constant
		}},
		{TargetOutlier, "has 2e+09", func(s *scenario) { // in the target's own units
			s.names.Center, s.names.Scale = []float64{0}, []float64{20}
			s.data.Train.Y.Data[7] = 1e8
		}},
		{"", "", func(s *scenario) { // a robust loss does not react to an outlier
			s.config.Loss = nn.Absolute
			s.data.Train.Y.Data[7] = 1000
		}},
		{WorseThanGuessing, "on the 100 validation rows", func(s *scenario) {
			s.data.Validation, s.config.KeepBest = table(100, 0), true
			for i := range s.data.Validation.Y.Data {
				s.data.Validation.Y.Data[i] *= -1
			}
		}},
		{LeakingColumn, `"known"`, func(s *scenario) {
			s.names.Inputs = []string{"a", "b", "c", "known", "d"}
			for i := range s.data.Train.Rows() {
				s.data.Train.X.Row(i)[3] = -2*s.data.Train.Y.At(i, 0) + 1
			}
		}},
		{LeakingColumn, "alone, input 4 tells", func(s *scenario) {
			s.classes = 3
			s.prepare = func(s *scenario) {
				for i := range s.data.Train.Rows() {
					s.data.Train.X.Row(i)[4] = float32(classOf(s.data.Train.Y.Row(i))) + float32(0.4*noise(i, 11))
				}
			}
		}},
		{UnscaledInputs, "input 1", func(s *scenario) {
			s.hidden, s.config.Optimizer, s.config.LearningRate = []nn.Dense{{Units: 16, Activation: nn.Tanh}}, optim.SGD{}, 0.01
			for i := range s.data.Train.Rows() {
				s.data.Train.X.Row(i)[1] = 1000*s.data.Train.X.At(i, 1) + 5000
			}
		}},
		{UnscaledTargets, "root mean square", func(s *scenario) {
			s.config.Optimizer, s.config.LearningRate = optim.SGD{}, 0.05
			for i := range s.data.Train.Y.Data {
				s.data.Train.Y.Data[i] = 1e5 + 1e5*s.data.Train.Y.Data[i]
			}
		}},
		{IdenticalUnits, "all 16 units", func(s *scenario) {
			s.hidden, s.outInit = []nn.Dense{{Units: 16, Activation: nn.Tanh, Init: nn.Zeros}}, nn.Zeros
		}},
		{ExplodingGradients, "grows from", func(s *scenario) {
			s.config.Optimizer, s.config.LearningRate = optim.SGD{}, 0.01
			s.hidden = slices.Repeat([]nn.Dense{{Units: 32, Activation: nn.ReLU, Init: nn.Normal(1)}}, 8)
		}},
		{ShrunkWeights, "root mean square", func(s *scenario) {
			w := optim.NewAdamW()
			w.WeightDecay = 100
			s.config.Optimizer, s.config.LearningRate = w, 0.005
		}},
		{RateTooLarge, "learning", func(s *scenario) { s.config.Optimizer, s.config.LearningRate, s.diverges = optim.SGD{}, 100, true }},
		{RateTooLarge, "times their size", func(s *scenario) { s.config.LearningRate = 20 }},
		{DeadUnits, "no slope", func(s *scenario) {
			s.start = func(n *nn.Network[float32]) {
				for i := range n.Bias(0) {
					n.Bias(0)[i] = -1000
				}
			}
		}},
		{SaturatedUnits, "hundredth", func(s *scenario) {
			s.config.Optimizer, s.config.LearningRate = optim.SGD{}, 0.001
			s.hidden = []nn.Dense{{Units: 16, Activation: nn.Tanh, Init: nn.Normal(1000)}}
		}},
		{VanishingGradients, "shrinks from", func(s *scenario) {
			s.config.Optimizer, s.config.LearningRate = optim.SGD{}, 0.1
			s.hidden = slices.Repeat([]nn.Dense{{Units: 16, Activation: nn.Sigmoid}}, 10)
		}},
		{RateTooSmall, "all 1900 together", func(s *scenario) { s.config.LearningRate = 1e-6 }},
		{Unfinished, "still falls", func(s *scenario) { s.config.Optimizer, s.config.LearningRate, s.config.Epochs = optim.SGD{}, 0.01, 3 }},
		{Overfitting, "rose from", func(s *scenario) {
			s.config.Epochs = 600
			s.hidden = []nn.Dense{{Units: 128, Activation: nn.ReLU}, {Units: 128, Activation: nn.ReLU}}
			small := table(400, 0)
			for i := range small.Y.Data {
				small.Y.Data[i] += float32(4 * noise(i, 13))
			}
			s.data = train.Data[float32]{Train: train.Set[float32]{X: small.X.Slice(0, 60), Y: small.Y.Slice(0, 60)}, Validation: train.Set[float32]{X: small.X.Slice(60, 400), Y: small.Y.Slice(60, 400)}}
		}},
		{ClassNeverPredicted, "class 1 is in 12 of 300 rows", func(s *scenario) {
			s.out, s.hidden = nn.Sigmoid, nil
			for i := range s.data.Train.Y.Data {
				s.data.Train.Y.Data[i] = 0
				if i%25 == 3 {
					s.data.Train.Y.Data[i] = 1
				}
			}
		}},
		{Plateau, "no further", product(100)},
		{Plateau, "in epoch 1 to", product(2)},
	} {
		name := c.want + " " + c.evidence
		t.Run(name, func(t *testing.T) {
			s := &scenario{config: train.Config{LearningRate: 0.01, Epochs: 100, BatchSize: 16, Seed: 1}, out: nn.Identity, data: train.Data[float32]{Train: table(300, 0)}}
			s.hidden = []nn.Dense{{Units: 16, Activation: nn.ReLU}}
			c.run(s)
			found := s.diagnose(t)
			if c.want == "" {
				if len(found) > 0 {
					t.Fatalf("a healthy run: found %+v, want nothing", found)
				}
				return
			}
			if len(found) == 0 || found[0].Code != c.want {
				t.Fatalf("found %+v, want the fault first", found)
			}
			if c.want == RateTooSmall && found[0].Remedies[0] != (train.Remedy{Option: "LearningRate", Value: "0.001"}) { // at this rate all updates together are as large as the weights
				t.Errorf("got %+v, want the remedy LearningRate = 0.001", found[0])
			}
			if c.evidence != "learning" && !strings.Contains(found[0].Evidence, c.evidence) {
				t.Errorf("the evidence lacks %q: %s", c.evidence, found[0].Evidence)
			}
			if len(found[0].Remedies) == 0 || strings.Contains(found[0].Evidence, "%!") {
				t.Errorf(`got %+v, want len(found[0].Remedies) != 0 and no "%%!" in found[0].Evidence`, found[0])
			}
		})
	}
}

// product is a run of a linear net on a target that is a product of inputs.
func product(epochs int) func(s *scenario) {
	return func(s *scenario) {
		s.hidden, s.data.Train, s.config.Epochs = nil, table(3000, 0), epochs
		if epochs < 10 {
			s.outInit = nn.Normal(0.05) // so that the loss has nowhere to fall
		}
		for i := range s.data.Train.Y.Data {
			x := s.data.Train.X.Row(i)
			s.data.Train.Y.Data[i] = x[0] * x[1]
		}
	}
}

// scenario is a run to diagnose.
type scenario struct {
	config   train.Config
	hidden   []nn.Dense
	out      nn.Activation
	outInit  nn.Init
	classes  int
	data     train.Data[float32]
	names    Names
	prepare  func(*scenario)
	start    func(*nn.Network[float32])
	diverges bool

	unwatched bool      // no watcher
	weights   []float32 // at the end
}

func (s *scenario) diagnose(t *testing.T) []Finding {
	t.Helper()
	if s.classes > 0 {
		s.out, s.data.Train = nn.Softmax, table(300, s.classes)
	}
	if s.prepare != nil {
		s.prepare(s)
	}
	n, err := nn.New[float32](5, nn.Seed(3), append(s.hidden, nn.Dense{Units: s.data.Train.Y.Cols, Activation: s.out, Init: s.outInit})...)
	if err != nil {
		t.Fatal(err)
	}
	if s.start != nil {
		s.start(n)
	}
	if s.out == nn.Sigmoid && s.config.Loss == nil && slices.ContainsFunc(s.data.Train.Y.Data, func(v float32) bool { return v != 0 && v != 1 }) {
		s.config.Loss = nn.Squared
	}
	tr, err := train.New(n, s.config, s.data)
	if err != nil {
		t.Fatal(err)
	}
	diagnose := func() []Finding { return nil }
	if !s.unwatched {
		diagnose = Watch(tr, s.names).Diagnose
	}
	_, err = tr.Run(context.Background())
	found := diagnose()
	s.weights = slices.Clone(n.Values())
	var diverged *train.DivergedError
	switch {
	case errors.As(err, &diverged):
		last := found[len(found)-1]
		if last.Code != NotFinite || diverged.Layer < 0 || !slices.Equal(diverged.Remedies, found[0].Remedies) {
			t.Errorf("diverged with %+v, found %+v, want the same remedies, and NotFinite at the end", diverged, found)
		}
	case err != nil:
		t.Fatal(err)
	}
	if s.diverges && diverged == nil {
		t.Error("the run did not diverge")
	}
	return found
}

// A run can be diagnosed before the end of its first epoch, without a history.
func TestDiagnoseWithinTheFirstEpoch(t *testing.T) {
	rows := table(100, 0)
	for i := range rows.Y.Data {
		rows.Y.Data[i] = float32(noise(i, 9)) // nothing to learn: no better than a guess
	}
	for _, rate := range []float64{1e-9, 1e-3, 1} {
		n, err := nn.New[float32](rows.X.Cols, nn.Seed(3), nn.Dense{Units: 4, Activation: nn.Tanh}, nn.Dense{Units: 1})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := train.New(n, train.Config{Epochs: 9, Method: train.Stochastic, Optimizer: optim.SGD{}, LearningRate: rate}, train.Data[float32]{Train: rows})
		if err != nil {
			t.Fatal(err)
		}
		w := Watch(tr, Names{})
		for _, err := range tr.Steps(context.Background()) {
			w.Diagnose()
			if err != nil {
				break // diverged
			}
			if tr.Result().Steps == 50 {
				break
			}
		}
	}
}

// Watching changes no bit of a weight, whichever way the epochs are made.
func TestWatchingChangesNoBit(t *testing.T) {
	weights := func(on bool, c train.Config, d train.Data[float32], layers ...nn.Dense) []float32 {
		n, err := nn.New[float32](d.Train.X.Cols, nn.Seed(3), layers...)
		if err != nil {
			t.Fatal(err)
		}
		mustRun(t, on, n, c, d)
		return n.Params()
	}
	wide := []nn.Dense{{Units: 16, Activation: nn.ReLU}, {Units: 1}}
	tiny := []nn.Dense{{Units: 4, Activation: nn.Tanh}, {Units: 1}}
	for _, c := range []struct {
		config train.Config
		data   train.Data[float32]
		layers []nn.Dense
	}{
		{train.Config{Epochs: 300, LearningRate: 0.003}, train.Data[float32]{Train: table(300, 0)}, wide},
		{train.Config{Epochs: 300, LearningRate: 0.003, KeepBest: true}, train.Data[float32]{Train: table(300, 0), Validation: table(50, 0)}, wide},
		{train.Config{Epochs: 60, Method: train.Stochastic, Optimizer: optim.SGD{}}, train.Data[float32]{Train: table(300, 0)}, wide},
		{train.Config{Epochs: 200, Method: train.PerSample}, train.Data[float32]{Train: table(20, 0)}, wide},
		{train.Config{Epochs: 50000, Method: train.Batch, Optimizer: optim.SGD{}, LearningRate: 0.1}, train.Data[float32]{Train: table(8, 0)}, tiny},
	} {
		if !slices.Equal(weights(true, c.config, c.data, c.layers...), weights(false, c.config, c.data, c.layers...)) {
			t.Errorf("%+v: watching changed a weight", c.config)
		}
	}
}

// BenchmarkWatch measures the cost of watching: the looks, the measured updates and the diagnosis, each timed
// separately, as a share of their run.
func BenchmarkWatch(b *testing.B) {
	relu := nn.Dense{Units: 64, Activation: nn.ReLU}
	for _, c := range []struct {
		name   string
		config train.Config
		data   train.Data[float32]
		layers []nn.Dense
	}{
		{"400 rows", train.Config{Epochs: 300, BatchSize: 16}, train.Data[float32]{Train: table(400, 0)}, []nn.Dense{relu, relu, {Units: 1}}},
		{"10000 rows", train.Config{Epochs: 40, BatchSize: 128}, train.Data[float32]{Train: table(10000, 0)}, []nn.Dense{relu, relu, {Units: 1}}},
		{"classes", train.Config{Epochs: 100, BatchSize: 64}, train.Data[float32]{Train: table(3000, 5)}, []nn.Dense{relu, relu, {Units: 5, Activation: nn.Softmax}}},
		{"notebook", train.Config{Epochs: 40000, Method: train.Batch, Optimizer: optim.SGD{}, LearningRate: 0.1}, train.Data[float32]{Train: table(4, 0)}, []nn.Dense{{Units: 4, Activation: nn.Sigmoid}, {Units: 1, Activation: nn.Sigmoid}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.config.Threads = 1
			if c.data.Train.Y.Cols == 1 {
				c.config.Loss = nn.Squared
			}
			share, during := 0.0, 0.0
			for b.Loop() {
				n, err := nn.New[float32](5, nn.Seed(3), c.layers...)
				if err != nil {
					b.Fatal(err)
				}
				t, err := train.New(n, c.config, c.data)
				if err != nil {
					b.Fatal(err)
				}
				w := Watch(t, Names{})
				r, err := t.Run(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				looks, moves, before := float64(len(w.looks)), float64(len(w.moves)), slices.Clone(n.Values())
				during = 100 * (looks*seconds(func() { w.look(lookRows) }) + moves*seconds(func() { w.moved(before) })) / r.Seconds
				share = during + 100*seconds(func() { w.Diagnose() })/r.Seconds
			}
			b.ReportMetric(during, "%-during")
			b.ReportMetric(share, "%-in-all")
		})
	}
}

// seconds returns the shortest time of 20 calls of f.
func seconds(f func()) float64 {
	least := math.Inf(1)
	for range 20 {
		start := time.Now()
		f()
		least = min(least, time.Since(start).Seconds())
	}
	return least
}

// With every option that a run may have, a healthy run has no findings, watching changes no bit, and a
// dead layer is found.
func TestDiagnosisWithNormsSolversAndTheRest(t *testing.T) {
	for name, change := range map[string]func(*scenario){
		"batch norm": func(s *scenario) { s.hidden[0].Norm = nn.BatchNorm },
		"layer norm": func(s *scenario) { s.hidden[0].Norm = nn.LayerNorm },
		"dropout":    func(s *scenario) { s.hidden[0].Dropout = 0.1; s.config.LearningRate = 0.003 },
		"average":    func(s *scenario) { s.config.EMA = 0.99 },
		"smoothing":  func(s *scenario) { s.classes = 3; s.config.LabelSmoothing = 0.05 },
		"solver":     func(s *scenario) { s.config = train.Config{Solver: optim.NewLBFGS(), Epochs: 60} },
		"max-norm":   func(s *scenario) { s.config.MaxNorm = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			s := &scenario{config: train.Config{LearningRate: 0.01, Epochs: 100, BatchSize: 16, Seed: 1}, out: nn.Identity, data: train.Data[float32]{Train: table(300, 0)}}
			s.hidden = []nn.Dense{{Units: 16, Activation: nn.ReLU}}
			change(s)
			if found := s.diagnose(t); len(found) > 0 {
				t.Errorf("a healthy run: found %+v, want nothing", found)
			}
			on := s.weights
			s.unwatched = true
			s.diagnose(t)
			if !slices.Equal(on, s.weights) {
				t.Error("watching changed a weight")
			}
			s.unwatched = false
			s.start = func(n *nn.Network[float32]) {
				if s.hidden[0].Norm != nn.NoNorm {
					return
				}
				for i := range n.Bias(0) {
					n.Bias(0)[i] = -1000
				}
			}
			if found := s.diagnose(t); s.hidden[0].Norm == nn.NoNorm && (len(found) == 0 || found[0].Code != DeadUnits) {
				t.Errorf("got %+v, want dead units", found)
			}
		})
	}
}

// A loss whose minimum is not 0 is judged by how far it is above the minimum. For amounts of about 20, the
// best net's gamma loss is not far below a guess's, and that is not a failure.
func TestDiagnosisOfLossesOfAmounts(t *testing.T) {
	for _, loss := range []nn.Loss{nn.Gamma, nn.Tweedie(1.5), nn.Poisson} {
		s := &scenario{config: train.Config{Loss: loss, LearningRate: 0.01, Epochs: 100, BatchSize: 16, Seed: 1}, out: nn.Exp, data: train.Data[float32]{Train: table(300, 0)}}
		amounts := func(of func(i int) float64) {
			for i := range s.data.Train.Y.Data {
				s.data.Train.Y.Data[i] = float32(math.Floor(20 * math.Exp(of(i)/4)))
			}
		}
		s.hidden = []nn.Dense{{Units: 16, Activation: nn.ReLU}}
		s.start = func(n *nn.Network[float32]) { n.StartAt([]float64{20}) }
		v := slices.Clone(s.data.Train.Y.Data)
		amounts(func(i int) float64 { return float64(v[i]) })
		if found := s.diagnose(t); len(found) > 0 {
			t.Errorf("%s, a healthy run: found %+v, want nothing", loss, found)
		}
		s.hidden, s.data.Train = nil, table(3000, 0)
		amounts(func(i int) float64 { return float64(s.data.Train.X.At(i, 0) * s.data.Train.X.At(i, 1)) })
		found := s.diagnose(t)
		if len(found) == 0 || found[0].Code != Plateau || !strings.Contains(found[0].Evidence, "predicting every target exactly") {
			t.Errorf("%s, targets that the inputs do not explain: found %+v, want a plateau", loss, found)
		}
	}
}

// An output whose gradient is computed from z also learns where its activation is flat. It is neither dead
// nor saturated.
func TestOutputsComputedFromZAreNotDead(t *testing.T) {
	for _, c := range []struct {
		loss nn.Loss
		out  nn.Activation
	}{{nn.BinaryCrossEntropy, nn.Sigmoid}, {nn.BinaryFocal(2), nn.Sigmoid}, {nn.Poisson, nn.Exp}, {nn.Tweedie(1.5), nn.Exp}, {nn.Gamma, nn.Exp}} {
		s := &scenario{config: train.Config{Loss: c.loss, LearningRate: 1e-9, Epochs: 20, BatchSize: 16}, out: c.out, data: train.Data[float32]{Train: table(300, 0)}}
		for i, v := range s.data.Train.Y.Data {
			s.data.Train.Y.Data[i] = 1
			if v < 0 && c.loss != nn.Gamma {
				s.data.Train.Y.Data[i] = 0
			}
		}
		s.start = func(n *nn.Network[float32]) { n.Bias(0)[0] = -20 }
		for _, f := range s.diagnose(t) {
			if f.Code == DeadUnits || f.Code == SaturatedUnits {
				t.Errorf("%s after %s: found %+v, want neither dead nor saturated units", c.loss, c.out, f)
			}
		}
	}
	s := &scenario{config: train.Config{Loss: nn.Squared, LearningRate: 1e-9, Epochs: 20, BatchSize: 16}, out: nn.Sigmoid, data: train.Data[float32]{Train: table(300, 0)}}
	for i, v := range s.data.Train.Y.Data {
		s.data.Train.Y.Data[i] = max(0, min(1, v))
	}
	s.start = func(n *nn.Network[float32]) { n.Bias(0)[0] = -20 }
	if found := s.diagnose(t); !slices.Contains(codesOf(found), DeadUnits) {
		t.Errorf("a squared loss after a flat sigmoid: found %+v, want dead units", found)
	}
}
