package train

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// inParts gives validation rows parts of that many rows, one after another in turn.
func inParts[T nn.Float](s Set[T], parts int) Set[T] {
	for i := range s.Rows() {
		s.Parts = append(s.Parts, i%parts)
	}
	return s
}

// The outputs are those that a plain reading of the definition gives, from the outputs after every epoch.
func TestCrossFitted(t *testing.T) {
	for name, parts := range map[string]int{"each row by itself": 29, "parts of several rows": 5, "two parts": 2} {
		for _, weighted := range []bool{false, true} {
			d := Data[float64]{problem[float64](37), inParts(problem[float64](29), parts)}
			for i, y := range d.Validation.Y.Data { // so that later epochs are not always better
				d.Validation.Y.Data[i] = y + float64(0.3*math.Sin(float64(7*i)))
			}
			if weighted {
				for i := range 29 {
					d.Validation.W = append(d.Validation.W, float64(i%4))
				}
			}
			n := network[float64](t, nn.Identity)
			tr, err := New(n, Config{Epochs: 40, BatchSize: 8, LearningRate: 0.05, Optimizer: optim.NewAdam(), KeepBest: true, EMA: 0.5}, d)
			if err != nil {
				t.Fatal(err)
			}
			if got := tr.CrossFitted(); got != nil {
				t.Fatalf("%s: before the first epoch the outputs are %v, want nil", name, got)
			}
			want, best, chosen := make([]float64, 29*2), make([]float64, parts), map[int]bool{}
			for part := range best {
				best[part] = math.Inf(1)
			}
			for s, err := range tr.Steps(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				if !s.EpochEnd {
					continue
				}
				net := tr.average
				out := net.Predict(d.Validation.X)
				for part := range parts {
					loss, weight := 0.0, 0.0
					for i := range 29 {
						w := 1.0
						if weighted {
							w = d.Validation.W[i]
						}
						if d.Validation.Parts[i] != part {
							weight += w
							for j := range 2 {
								loss += w * math.Pow(out.At(i, j)-d.Validation.Y.At(i, j), 2)
							}
						}
					}
					if loss /= weight; loss < best[part]*(1-1e-12) {
						best[part] = loss
						chosen[s.Epoch] = true
						for i := range 29 {
							if d.Validation.Parts[i] == part {
								copy(want[i*2:], out.Row(i))
							}
						}
					}
				}
			}
			if got := tr.CrossFitted(); !slices.Equal(got, want) {
				t.Errorf("%s, weights %v: the outputs are %v, want %v", name, weighted, got, want)
			}
			loss, weight := 0.0, 0.0
			for i := range 29 {
				w := 1.0
				if weighted {
					w = d.Validation.W[i]
				}
				weight += w
				for j := range 2 {
					loss += w * math.Pow(want[i*2+j]-d.Validation.Y.At(i, j), 2)
				}
			}
			if r := tr.Result(); math.Abs(r.CrossFittedScore-loss/weight) > 1e-12*loss || r.CrossFittedScore < r.BestScore*(1-1e-12) {
				t.Errorf("%s, weights %v: the score of the outputs is %v and that of the best epoch %v; want %v, at least the latter", name, weighted, r.CrossFittedScore, r.BestScore, loss/weight)
			}
			if len(chosen) < 3 {
				t.Errorf("%s, weights %v: only %d epochs were better than those before, so the test holds little", name, weighted, len(chosen))
			}
		}
	}
}

// With Config.Score, the cross-fitted score is that function's result for the cross-fitted outputs. Without parts, it is the best score.
func TestCrossFittedScore(t *testing.T) {
	d := Data[float64]{problem[float64](37), inParts(problem[float64](29), 29)}
	cfg := Config{Epochs: 10, BatchSize: 8, KeepBest: true, Score: func(outputs []float64) float64 {
		sum := 0.0
		for i, v := range outputs {
			sum += math.Abs(v - d.Validation.Y.Data[i])
		}
		return sum
	}}
	run := func(d Data[float64]) (*Trainer[float64], Result) {
		tr, err := New(network[float64](t, nn.Identity), cfg, d)
		if err != nil {
			t.Fatal(err)
		}
		r, err := tr.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return tr, r
	}
	tr, r := run(d)
	if want := cfg.Score(tr.CrossFitted()); r.CrossFittedScore != want {
		t.Errorf("the score is %v, want %v, that of the outputs", r.CrossFittedScore, want)
	}
	d.Validation.Parts = nil
	if _, r = run(d); r.CrossFittedScore != r.BestScore || r.BestEpoch == 0 {
		t.Errorf("without parts the score is %v, want the best one, %v", r.CrossFittedScore, r.BestScore)
	}
}

// The loss of the kept network on the rows that chose its epoch is lower than on new rows. That of the cross-fitted outputs is not.
func TestCrossFittedIsHonest(t *testing.T) {
	const few, many, runs = 20, 400, 300
	noisy := func(run, rows, of int) Set[float32] {
		random := rand.New(rand.NewPCG(uint64(run), uint64(of)))
		s := Set[float32]{X: nn.NewMatrix[float32](rows, 3), Y: nn.NewMatrix[float32](rows, 1)}
		for i := range s.X.Data {
			s.X.Data[i] = random.Float32() - 0.5
		}
		for i := range rows {
			s.Y.Data[i] = s.X.Row(i)[0] + float32(random.NormFloat64()/2)
		}
		return s
	}
	var own, crossed, fresh float64
	for run := range runs {
		d := Data[float32]{noisy(run, 24, 0), inParts(noisy(run, few, 1), few)}
		n, err := nn.New[float32](3, nn.Seed(uint64(run)), nn.Dense{Units: 16, Activation: nn.Tanh}, nn.Dense{Units: 1})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := New(n, Config{Epochs: 150, BatchSize: 8, LearningRate: 0.02, KeepBest: true, Seed: uint64(run)}, d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		off := func(out, y []float32) (sum float64) {
			for i, v := range out {
				sum += math.Pow(float64(v-y[i]), 2) / float64(len(out))
			}
			return sum
		}
		var out []float32
		for _, v := range tr.CrossFitted() {
			out = append(out, float32(v))
		}
		own += off(n.Predict(d.Validation.X).Data, d.Validation.Y.Data) / runs
		crossed += off(out, d.Validation.Y.Data) / runs
		test := noisy(run, many, 2)
		fresh += off(n.Predict(test.X).Data, test.Y.Data) / runs
	}
	t.Logf("mean squared error: rows that chose the epoch %.3f, cross-fitted %.3f, new rows %.3f", own, crossed, fresh)
	if !(own < 0.95*fresh) || !(math.Abs(crossed-fresh) < math.Abs(own-fresh)/2) {
		t.Errorf("mean squared error: rows that chose the epoch %.3f, cross-fitted %.3f, new rows %.3f; want the second near the third", own, crossed, fresh)
	}
}

// Parts that no row can be judged with are refused.
func TestPartsAreChecked(t *testing.T) {
	for want, change := range map[string]func(s *Set[float64]){
		"there are 9 validation rows and 3 parts":                         func(s *Set[float64]) { s.Parts = []int{0, 1, 0} },
		"validation row 8 is in part 9":                                   func(s *Set[float64]) { s.Parts[8] = 9 },
		"validation row 2 is in part -1":                                  func(s *Set[float64]) { s.Parts[2] = -1 },
		"the validation rows with a weight above 0 are all in one part":   func(s *Set[float64]) { s.Parts = make([]int, 9) },
		"validation rows with a weight above 0 are all in one part, so t": func(s *Set[float64]) { s.W = []float64{2, 0, 0, 1, 0, 0, 0, 0, 0} },
	} {
		d := Data[float64]{problem[float64](20), inParts(problem[float64](9), 3)}
		change(&d.Validation)
		if _, err := New(network[float64](t, nn.Identity), Config{}, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got the error %v, want one with %q", err, want)
		}
	}
}
