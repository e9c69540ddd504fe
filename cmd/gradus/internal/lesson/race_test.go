package lesson

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

func racers() (names []string, configs []train.Config) {
	base := train.Config{Loss: nn.HalfSquared, Reduction: nn.Sum, Optimizer: optim.SGD{}, LearningRate: 5, Seed: 3, Epochs: 601} // train.Keeps does not keep epoch 601
	for _, m := range train.Methods() {
		c := base
		c.Method, c.BatchSize = train.Method(m), 3
		names, configs = append(names, m), append(configs, c)
	}
	mean := base
	mean.Method, mean.Reduction, mean.LearningRate = train.Batch, nn.Mean, 20
	return append(names, "mean"), append(configs, mean)
}

func testRace[T nn.Float](t *testing.T) {
	net, err := nn.New[T](3, nn.Seed(10), nn.Dense{Units: 4, Activation: nn.Sigmoid, NoBias: true}, nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true})
	if err != nil {
		t.Fatal(err)
	}
	before := net.Clone()
	rows := NotebookRows()
	data := train.Data[T]{Train: train.Set[T]{X: nn.Convert[T](rows.X), Y: nn.Convert[T](rows.Y)}}
	names, configs := racers()
	var lanes []Lane
	for i := range names {
		lanes = append(lanes, Lane{names[i], configs[i]})
	}
	watched := make([]int, len(lanes))
	tracks, err := Race(context.Background(), net, data, lanes, func(lane int, p Point) { watched[lane]++ })
	if err != nil || len(tracks) != len(lanes) {
		t.Fatalf("%d tracks, %v", len(tracks), err)
	}
	for i := range net.Params() {
		if net.Params()[i] != before.Params()[i] {
			t.Fatal("the race changed the network")
		}
	}
	for i, track := range tracks {
		if track.Name != lanes[i].Name || watched[i] != len(track.Points) {
			t.Errorf("lane %d is %q; watched %d of %d", i, track.Name, watched[i], len(track.Points))
		}
		start, last := track.Points[0], track.Points[len(track.Points)-1]
		if start.Epoch != 0 || start.Updates != 0 || start.Rows != 0 || start.Seconds != 0 || start.Loss != tracks[0].Points[0].Loss {
			t.Errorf("%s starts at %+v", track.Name, start)
		}
		// The same run alone has the same bits and the same end.
		alone := before.Clone()
		tr, err := train.New(alone, lanes[i].Config, data)
		if err != nil {
			t.Fatal(err)
		}
		r, err := tr.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for k, w := range alone.Params() {
			if track.Network.Params()[k] != w {
				t.Fatalf("%s: the weights of the race differ from those of the run alone", track.Name)
			}
		}
		perRow := r.Loss
		if lanes[i].Config.Reduction == nn.Sum {
			perRow /= 4
		}
		if last.Epoch != r.Epochs || last.Updates != r.Steps || last.Rows != r.Rows || math.Abs(last.Loss-perRow) > 1e-15 {
			t.Errorf("%s ends at %+v; alone %d epochs, %d updates, %d rows, loss %v", track.Name, last, r.Epochs, r.Steps, r.Rows, perRow)
		}
		if track.Reason != r.Reason || track.Converged != r.Converged {
			t.Errorf("%s: got %s, %v, want the reason and the convergence of the run alone", track.Name, track.Reason, track.Converged)
		}
		for k, p := range track.Points[1:] {
			q := track.Points[k]
			if p.Epoch <= q.Epoch || p.Updates <= q.Updates || p.Rows <= q.Rows || p.Seconds < q.Seconds || p.Seconds > r.Seconds*100+1 {
				t.Errorf("%s: after %+v comes %+v", track.Name, q, p)
			}
			if p.Epoch != last.Epoch && !train.Keeps(p.Epoch) {
				t.Errorf("%s: epoch %d is kept", track.Name, p.Epoch)
			}
		}
	}
	// The first epoch of each lane takes this many updates and rows.
	for i, want := range []struct{ updates, rows int }{{1, 4}, {4, 4}, {2, 4}, {1, 1}, {1, 4}} {
		if p := tracks[i].Points[1]; p.Updates != want.updates || p.Rows != want.rows {
			t.Errorf("%s: first epoch %+v, want %+v", tracks[i].Name, p, want)
		}
	}
	// Batch descent by the sum at rate 5 and by the mean at rate 20 is the same run, so the losses are equal.
	for k, p := range tracks[0].Points {
		if q := tracks[4].Points[k]; math.Abs(p.Loss-q.Loss) > 1e-6*p.Loss {
			t.Fatalf("epoch %d: sum %v, mean %v", p.Epoch, p.Loss, q.Loss)
		}
	}
}

func TestRace(t *testing.T) {
	t.Run("float64", testRace[float64])
	t.Run("float32", testRace[float32])
}

func oneRow(t *testing.T) (*nn.Network[float64], train.Data[float64]) {
	t.Helper()
	n := network(t, 1, 1, nn.Dense{Units: 1})
	return n, train.Data[float64]{Train: train.Set[float64]{X: nn.FromRows([][]float64{{3}}), Y: nn.FromRows([][]float64{{1}})}}
}

func TestRaceDivergesInItsLane(t *testing.T) {
	n, data := oneRow(t)
	c := train.Config{Optimizer: optim.SGD{}, Method: train.Batch, LearningRate: 1e30, Epochs: 1000}
	calm := c
	calm.LearningRate, calm.Stop = 0.01, train.TargetLoss{L: 1e-6}
	tracks, err := Race(context.Background(), n, data, []Lane{{"wild", c}, {"calm", calm}}, nil)
	if err != nil || len(tracks) != 2 {
		t.Fatalf("%d tracks, %v", len(tracks), err)
	}
	if w := tracks[0]; w.Reason != train.ReasonDiverged || w.Converged {
		t.Errorf("wild: %+v", w)
	}
	for _, p := range tracks[0].Points {
		if !float.Finite(p.Loss) {
			t.Errorf("got the point %+v, want a finite loss", p)
		}
	}
	if c := tracks[1]; c.Reason != "target-loss" || !c.Converged || c.Points[len(c.Points)-1].Loss > 1e-6 {
		t.Errorf("calm: %+v", c)
	}
}

// slow is a loss that takes long to compute.
type slow struct{ nn.Loss }

func (s slow) L(y, yhat float64) float64 {
	time.Sleep(time.Millisecond)
	return s.Loss.L(y, yhat)
}

// In every update the loop computes the loss of its batch, and the race computes it again over
// all four rows. Only the first may count.
func TestRaceTimesTrainingAlone(t *testing.T) {
	n := network(t, 3, 1, nn.Dense{Units: 1})
	c := train.Config{Loss: slow{nn.HalfSquared}, Optimizer: optim.SGD{}, LearningRate: 0.1, Method: train.PerSample, Epochs: 5, Tolerance: 1e-9}
	from := time.Now()
	tracks, err := Race(context.Background(), n, train.Data[float64]{Train: NotebookRows()}, []Lane{{"slow", c}}, nil)
	whole := time.Since(from).Seconds()
	if err != nil {
		t.Fatal(err)
	}
	points := tracks[0].Points
	if last := points[len(points)-1]; last.Updates != 20 || last.Seconds < 0.020 || last.Seconds > whole/2 {
		t.Errorf("the last point is %+v, of %v s in all", last, whole)
	}
}

func TestRaceRefusesAndStops(t *testing.T) {
	n, data := oneRow(t)
	c := train.Config{Optimizer: optim.SGD{}, Method: train.Batch, LearningRate: 0.01}
	other := c
	other.Loss = nn.Absolute
	if _, err := Race(context.Background(), n, data, []Lane{{"a", c}, {"b", other}}, nil); !errors.Is(err, ErrRace) {
		t.Errorf("two losses: got %v, want ErrRace", err)
	}
	bad := c
	bad.LearningRate = -1
	if _, err := Race(context.Background(), n, data, []Lane{{"a", c}, {"b", bad}}, nil); !errors.Is(err, train.ErrConfig) {
		t.Errorf("a negative rate: got %v, want train.ErrConfig", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tracks, err := Race(ctx, n, data, []Lane{{"a", c}, {"b", c}}, func(lane int, p Point) {
		if p.Epoch == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(tracks) != 1 || tracks[0].Reason != train.ReasonInterrupted || len(tracks[0].Points) != 6 {
		t.Errorf("canceled: got %v, %+v, want context.Canceled and one track of 6 points", err, tracks)
	}
}
