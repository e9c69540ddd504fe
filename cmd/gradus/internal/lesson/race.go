package lesson

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// ErrRace is wrapped by Race's own errors.
var ErrRace = errors.New("race")

// Lane is one way of training in a race.
type Lane struct {
	Name   string
	Config train.Config
}

// Track is the course of one lane.
type Track[T nn.Float] struct {
	Name      string  `json:"name"`
	Points    []Point `json:"points"`      // the start, the epochs that train.Keeps accepts, and the last
	Reason    string  `json:"stop_reason"` // as in train.Result; "diverged" ends a lane, not the race
	Converged bool    `json:"converged"`   // a stop criterion was met: train.Result.Converged

	Network *nn.Network[T] `json:"-"` // in its state at the end of the lane
}

// Point is the state of a lane after an epoch. Epochs of different methods cost the same in
// Rows, but not in Updates. An epoch of per-sample is a single update.
type Point struct {
	Epoch   int     `json:"epoch"`   // 0 is the start
	Updates int     `json:"updates"` // made so far
	Rows    int     `json:"rows"`    // gradient evaluations so far, one for each row of each update
	Seconds float64 `json:"seconds"` // of training so far, including stop criteria but not measuring Loss
	Loss    float64 `json:"loss"`    // over all training rows: the mean per row, whatever the lane's reduction
}

// MarshalJSON writes null for a number that is not finite.
func (p Point) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(p) }

// UnmarshalJSON reads null as NaN.
func (p *Point) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, p) }

// Race trains one copy of net in each lane and returns the lanes' tracks, in the order of the
// lanes. Every lane starts from net's weights, and lanes with the same seed shuffle alike. The lanes
// run one after another, so that their seconds can be compared. All must have the same loss, so that
// their curves can be compared. KeepBest is ignored, because a race shows the course. net is not
// changed.
//
// watch, if not nil, is called with each point as it is measured. That time does not count. When
// ctx ends, Race returns the tracks so far with an error that wraps train.ErrInterrupted.
func Race[T nn.Float](ctx context.Context, net *nn.Network[T], data train.Data[T], lanes []Lane, watch func(lane int, p Point)) ([]Track[T], error) {
	trainers := make([]*train.Trainer[T], len(lanes))
	for i, l := range lanes {
		l.Config.KeepBest = false
		t, err := train.New(net.Clone(), l.Config, data)
		if err != nil {
			return nil, fmt.Errorf("lane %q: %w", l.Name, err)
		}
		if a, b := trainers[0], t; a != nil && a.Config().Loss.String() != b.Config().Loss.String() {
			return nil, fmt.Errorf("%w: lane %q has the loss %s and lane %q %s; give all lanes one loss, or they cannot be compared",
				ErrRace, lanes[0].Name, a.Config().Loss, l.Name, b.Config().Loss)
		}
		trainers[i] = t
	}
	var tracks []Track[T]
	for i, t := range trainers {
		track, err := run(ctx, t, data.Train.Rows(), func(p Point) {
			if watch != nil {
				watch(i, p)
			}
		})
		track.Name = lanes[i].Name
		tracks = append(tracks, track)
		if err != nil {
			return tracks, fmt.Errorf("lane %q: %w", track.Name, err)
		}
	}
	return tracks, nil
}

// run trains one lane to its end.
func run[T nn.Float](ctx context.Context, t *train.Trainer[T], rows int, watch func(Point)) (Track[T], error) {
	track := Track[T]{Network: t.Network()}
	perRow := 1.0 // the factor that makes the reduced loss a mean
	if t.Config().Reduction == nn.Sum {
		perRow = 1 / float64(rows)
	}
	measure := func(p Point) {
		p.Loss = t.FullLoss() * perRow
		if float.Finite(p.Loss) { // otherwise the trainer is about to find that the lane has diverged
			track.Points = append(track.Points, p)
			watch(p)
		}
	}
	measure(Point{})
	var p Point                 // the last whole epoch
	var measuring time.Duration // the time spent on measuring points so far
	updates, seen := 0, 0
	var failed error
	for s, err := range t.Steps(ctx) {
		var diverged *train.DivergedError
		if errors.As(err, &diverged) {
			break
		}
		if failed = err; err != nil {
			break
		}
		updates, seen = s.N, seen+s.Rows
		if !s.EpochEnd {
			continue
		}
		now := t.Elapsed() // the loop's clock goes on while the body measures
		p = Point{Epoch: s.Epoch, Updates: updates, Rows: seen, Seconds: (now - measuring).Seconds()}
		if train.Keeps(s.Epoch) {
			measure(p)
		}
		measuring += t.Elapsed() - now
	}
	r := t.Result()
	track.Reason, track.Converged = r.Reason, r.Converged
	// The last epoch is always included, if the weights are still its own.
	if r.Reason != train.ReasonDiverged && updates == p.Updates && !train.Keeps(p.Epoch) {
		measure(p)
	}
	return track, failed
}
