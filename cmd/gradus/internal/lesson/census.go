package lesson

import (
	"context"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/train"
)

// Shares counts how the notebook's one-sample network (3-1-1, target 0.8) ends from many random
// starts. Each is trained for at most the notebook's 2,000 epochs.
type Shares struct {
	Rate         float64 `json:"rate"`
	Starts       int     `json:"starts"`
	Converged    int     `json:"converged"`     // within the tolerance of 0.001
	StuckAtHalf  int     `json:"stuck_at_half"` // ended within 0.01 of 0.5: the hidden unit is dead, and sigmoid(0) = 0.5
	Saturated    int     `json:"saturated"`     // ended within 0.01 of 0 or 1
	Other        int     `json:"other"`         // ended elsewhere: jumping around the target, or still moving toward it
	MedianEpochs int     `json:"median_epochs"` // of those that converged; 0 if none did
	MaxEpochs    int     `json:"max_epochs"`    // of those that converged; 0 if none did
}

// Census trains the one-sample network at the given rate from many starts and counts how they end. The
// weights are uniform in [-1, 1). When ctx ends, Census returns the counts so far and an error that wraps
// train.ErrInterrupted.
//
// A run ends when an update changes no bit of any weight, because no later update would change
// anything.
func Census(ctx context.Context, rate float64, starts int, seed uint64) (Shares, error) {
	s := Shares{Rate: rate}
	r := recipe{hidden: 1, rows: 1, method: train.Batch, rate: rate, epochs: 2000}
	var epochs []int
	for i := range starts {
		n, err := r.network(rng.Uint64(seed, rng.Sample, uint64(i), 0))
		if err != nil {
			return s, err
		}
		t, err := r.trainer(n, seed)
		if err != nil {
			return s, err
		}
		w := n.Params()
		before := slices.Clone(w)
		for _, err := range t.Steps(ctx) {
			if err != nil {
				return s, err
			}
			if slices.Equal(w, before) {
				break
			}
			copy(before, w)
		}
		s.Starts++
		out := n.Predict(r.data().X).At(0, 0)
		switch result := t.Result(); {
		case result.Converged:
			s.Converged++
			epochs = append(epochs, result.Epochs)
		case math.Abs(out-0.5) < near:
			s.StuckAtHalf++
		case out < near || out > 1-near:
			s.Saturated++
		default:
			s.Other++
		}
	}
	if n := len(epochs); n > 0 {
		slices.Sort(epochs)
		s.MedianEpochs, s.MaxEpochs = epochs[n/2], epochs[n-1]
	}
	return s, nil
}
