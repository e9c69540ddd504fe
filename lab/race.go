package lab

import (
	"context"
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/lesson"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// Raced is how lanes from the run's first weights fared.
type Raced struct {
	Kind   string
	Lanes  []lesson.Lane
	Tracks []lesson.Track[float64]
}

// Kinds of races.
const (
	raceMethods    = "methods"
	raceOptimisers = "optimisers"
	raceRates      = "rates"
)

// A race on the page is short: so many epochs of a lane at most, and of a large net on many rows
// fewer, by their multiply-adds.
const (
	mostRaceEpochs = 500
	mostRaceWork   = 2e10
)

// lanes are the runs of a race: the setup with one thing changed.
func (f *Frame) lanes(kind string) []lesson.Lane {
	c := f.Fit.Config()
	c.KeepBest, c.Threads = false, 1
	work := 3 * float64(len(f.Net.Params())) * float64(f.Training.X.Rows) // of an epoch
	c.Epochs = min(c.Epochs, mostRaceEpochs, max(1, int(mostRaceWork/work)))
	if c.Method == train.PerSample { // another scale of epochs
		c.Method, c.Stop = train.Batch, train.Tolerance{R: c.Tolerance}
	}
	if c.Method == train.Batch || c.Method == train.Stochastic {
		c.BatchSize = max(2, min(16, f.Training.X.Rows/4)) // of the mini-batch lane
	}
	var out []lesson.Lane
	add := func(name string, change func(*train.Config)) {
		lane := c
		change(&lane)
		out = append(out, lesson.Lane{Name: name, Config: lane})
	}
	switch kind {
	case raceOptimisers:
		for _, name := range []string{"sgd", "momentum", "nesterov", "adam"} {
			rule, err := optim.ParseRule(name, optim.Hyper{})
			if err != nil {
				continue
			}
			add(name, func(c *train.Config) {
				if c.Rule.String() != name {
					c.Rule, c.Rate = rule, raceRate(c.Rule.String(), c.Rate, name)
				}
			})
			out[len(out)-1].Name = fmt.Sprintf("%s, rate %s", name, short(out[len(out)-1].Config.Rate))
		}
	case raceRates:
		for _, factor := range []float64{0.1, 1, 3, 10} {
			add("rate "+short(c.Rate*factor), func(c *train.Config) { c.Rate *= factor })
		}
	default:
		for _, m := range []train.Method{train.Batch, train.Stochastic, train.MiniBatch} {
			add(string(m), func(c *train.Config) { c.Method = m })
		}
		out[2].Name = fmt.Sprintf("mini-batch of %d", c.BatchSize)
	}
	return out
}

// raceRate is a rate for another optimiser: of momentum a tenth, since its steps add up to ten
// times the gradient; of adam, whose steps have the rate's own size, 0.05 at most.
func raceRate(from string, rate float64, to string) float64 {
	plain := rate // of sgd
	switch from {
	case "momentum", "nesterov":
		plain = rate * 10
	case "adam", "adamw":
		plain = rate * 20
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
		r := &Raced{Kind: kind, Lanes: f.lanes(kind)}
		var err error
		r.Tracks, err = lesson.Race(ctx, f.Start, f.data(), r.Lanes, nil)
		return r, err
	}
}

func (f *Frame) data() train.Data[float64] {
	return train.Data[float64]{Train: train.Set[float64]{X: f.Training.X, Y: f.Training.Y, W: f.Training.W}}
}

// Chart is the loss of every lane against one measure of work.
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

// Last is a lane's last point.
func (r *Raced) Last(i int) lesson.Point { return r.Tracks[i].Points[len(r.Tracks[i].Points)-1] }
