package lab

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// Raced is the result of a race: lanes that start from the run's first weights.
type Raced struct {
	Kind   string
	Common string // what all lanes have in common
	Lanes  []lesson.Lane
	Tracks []lesson.Track[float64]
}

// Kinds of races.
const (
	raceMethods    = "methods"
	raceOptimizers = "optimizers"
	raceRates      = "rates"
)

// A race on the page is short. A lane has at most mostRaceEpochs epochs. A large network on many rows gets
// fewer, so that a lane takes at most about mostRaceWork multiply-adds.
const (
	mostRaceEpochs = 500
	mostRaceWork   = 2e10
)

// lanes returns the runs of a race. Each is the setup with one change, and has its name from that change.
// common describes the settings that all runs share.
func (f *Frame) lanes(kind string) (lanes []lesson.Lane, common string, err error) {
	c := f.Fit.Config()
	c.KeepBest, c.Threads = false, 1
	c.LabelSmoothing = 0                                                  // the lanes' rows are already smoothed
	work := 3 * float64(len(f.Net.Params())) * float64(f.Training.X.Rows) // multiply-adds of an epoch
	c.Epochs = min(c.Epochs, mostRaceEpochs, max(1, int(mostRaceWork/work)))
	c.Warmup = min(c.Warmup, c.Epochs-1)
	add := func(change func(*train.Config)) {
		lane := c
		change(&lane)
		lanes = append(lanes, lesson.Lane{Name: laneName(lane), Config: lane})
	}
	switch kind {
	case raceOptimizers:
		names := []string{"sgd", "momentum", "nesterov", "adam"}
		if own := c.OptimizerName(); !slices.Contains(names, own) {
			names = append([]string{own}, names...)
		}
		for _, name := range names {
			add(func(lane *train.Config) {
				if name == c.OptimizerName() {
					return
				}
				lane.Optimizer, _ = optim.ParseOptimizer(name, optim.Hyper{}) // the name is valid
				lane.Solver, lane.LearningRate = nil, raceRate(c.OptimizerName(), c.LearningRate, name)
			})
		}
	case raceRates:
		if c.Solver != nil {
			return nil, "", fmt.Errorf("%w: %s finds its own rate; race optimizers, or build another one", ErrSetup, c.Solver)
		}
		for _, factor := range []float64{0.1, 1, 3, 10} {
			add(func(c *train.Config) { c.LearningRate *= factor })
		}
	default:
		if c.Solver != nil {
			return nil, "", fmt.Errorf("%w: %s uses all rows and knows only the method batch; race optimizers, or build another one", ErrSetup, c.Solver)
		}
		size := c.BatchSize
		if c.Method != train.MiniBatch {
			size = max(2, min(16, f.Training.X.Rows/4))
		}
		for _, m := range []train.Method{train.Batch, train.Stochastic, train.MiniBatch, train.PerSample} {
			switch {
			case m == train.Stochastic && f.tied(): // batch normalization has no stochastic run
			case m == train.PerSample && c.Method != m:
			default:
				add(func(lane *train.Config) {
					lane.Method, lane.BatchSize = m, size
					if c.Method == train.PerSample && m != c.Method { // per-sample applies the tolerance to each row in turn
						lane.Stop = train.Any{train.Tolerance{R: c.Tolerance}}
					}
				})
			}
		}
	}
	common = fmt.Sprintf("schedule %s, at most %s", c.Schedule, plural.Of(c.Epochs, "epoch"))
	if c.Method == train.PerSample {
		common += " (for per-sample: updates of a row, each of which is an epoch)"
	}
	return lanes, common, nil
}

// tied reports whether batch normalization ties the rows of a batch together.
func (f *Frame) tied() bool { return f.Net.HasNorm(nn.BatchNorm) }

// laneName names a run by its method and batch size, its optimizer with the hyper-parameters that
// are not the defaults, and its rate.
func laneName(c train.Config) string {
	name := string(c.Method)
	if c.Method == train.MiniBatch {
		name += fmt.Sprintf(" of %d", c.BatchSize)
	}
	if c.Solver != nil {
		return name + ", " + c.Solver.String()
	}
	name += ", " + c.Optimizer.String()
	usual, err := optim.ParseOptimizer(c.Optimizer.String(), optim.Hyper{})
	for _, f := range fields {
		if v := ruleUses(c.Optimizer, f); err == nil && v != ruleUses(usual, f) {
			if f.Name != c.Optimizer.String() { // the optimizer momentum has the name of its hyper-parameter
				name += " " + f.Name
			}
			name += " " + v
		}
	}
	return name + ", rate " + short(c.LearningRate)
}

// raceRate returns a rate for another optimizer. Momentum gets a tenth, because its steps add up to ten
// times the gradient. Adam gets at most 0.05, because its steps are as large as the rate. The rate of an
// optimizer that rescales the gradient in another way gives no hint about a rate for the others.
func raceRate(from string, rate float64, to string) float64 {
	plain := rate // of sgd
	switch from {
	case "sgd":
	case "momentum", "nesterov":
		plain = rate * 10
	case "adam", "adamw":
		plain = rate * 20
	default:
		return optim.DefaultLearningRate(to)
	}
	switch to {
	case "momentum", "nesterov":
		return plain / 10
	case "adam":
		return math.Min(0.05, plain/20)
	}
	return plain
}

// race runs the lanes in turn, so that their seconds can be compared.
func race(kind string) func(context.Context, *Frame) (any, error) {
	return func(ctx context.Context, f *Frame) (any, error) {
		r := &Raced{Kind: kind}
		var err error
		if r.Lanes, r.Common, err = f.lanes(kind); err != nil {
			return nil, err
		}
		r.Tracks, err = lesson.Race(ctx, f.Start, f.data(), r.Lanes, nil)
		if f.Fit.Config().Reduction == nn.Sum { // a race gives the mean per row, and the page shows the sum
			for _, t := range r.Tracks {
				for i := range t.Points {
					t.Points[i].Loss *= float64(f.Training.X.Rows)
				}
			}
		}
		return r, err
	}
}

func (f *Frame) data() train.Data[float64] {
	return train.Data[float64]{Train: train.Set[float64]{X: f.Training.X, Y: f.Training.Y, W: f.Training.W}}
}

// Chart draws the loss of every lane against one measure of work.
func (r *Raced) Chart(axis string, width, height int) plot.Chart {
	ch := plot.Chart{YLabel: "loss", LogY: true, Width: width, Height: height}
	x := func(p lesson.Point) float64 { return float64(p.Epoch) }
	switch axis {
	case "updates":
		ch.XLabel, ch.LogX, x = "updates", true, func(p lesson.Point) float64 { return float64(p.Updates) }
	case "gradients":
		ch.XLabel, ch.LogX, x = "gradient evaluations", true, func(p lesson.Point) float64 { return float64(p.Rows) }
	case "seconds":
		ch.XLabel, ch.LogX, x = "seconds", true, func(p lesson.Point) float64 { return p.Seconds }
	default:
		ch.XLabel = "epochs"
	}
	for _, t := range r.Tracks {
		s := plot.Series{Name: t.Name}
		for _, p := range t.Points {
			s.X, s.Y = append(s.X, x(p)), append(s.Y, p.Loss)
		}
		ch.Series = append(ch.Series, s)
	}
	return ch
}

// Last returns a lane's last point. If the lane's first loss is not finite, it returns a point with the loss NaN.
func (r *Raced) Last(i int) lesson.Point {
	if n := len(r.Tracks[i].Points); n > 0 {
		return r.Tracks[i].Points[n-1]
	}
	return lesson.Point{Loss: math.NaN()}
}
