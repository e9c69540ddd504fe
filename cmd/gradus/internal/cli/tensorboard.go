package cli

import (
	"fmt"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/tfevents"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// events writes a run's history to an event file of TensorBoard as it grows, with the epochs
// as steps.
type events struct {
	on       bool
	file     *tfevents.Writer // nil before the first point
	points   int              // how many points of the history are written
	retreats int              // how many retreats have been seen
	again    bool             // the next point may be of an epoch that has been written already
}

// begin starts after what a continued run has already written.
func (e *events) begin(f *model.Fit, on bool) {
	*e = events{on: on, points: len(f.History()), retreats: len(f.Retreats()), again: true}
}

// log writes the points of the history that are new.
func (e *events) log(dir string, f *model.Fit) (err error) {
	if !e.on {
		return nil
	}
	h, back := f.History(), f.Retreats()
	for _, r := range back[e.retreats:] {
		e.points, e.again = min(e.points, before(h, r.To)), true
	}
	e.retreats = len(back)
	if len(h) == e.points {
		return nil
	}
	if e.file == nil {
		if e.file, err = tfevents.Create(dir); err != nil {
			e.on = false
			return fmt.Errorf("--tensorboard: %w", err)
		}
	}
	if e.again {
		e.file.Restart(h[e.points].Epoch)
		e.again = false
	}
	for _, p := range h[e.points:] {
		e.file.Write(p.Epoch,
			tfevents.Scalar{Tag: "loss/training", Value: p.Loss},
			tfevents.Scalar{Tag: "loss/validation", Value: p.Validation},
			tfevents.Scalar{Tag: "learning_rate", Value: p.LearningRate})
	}
	e.points = len(h)
	return nil
}

// flush writes the buffered events to their file.
func (e *events) flush() error {
	if !e.on || e.file == nil {
		return nil
	}
	if err := e.file.Flush(); err != nil {
		e.on = false
		return fmt.Errorf("--tensorboard: %w", err)
	}
	return nil
}

// before counts the points before an epoch.
func before(h train.History, epoch int) int {
	n := 0
	for n < len(h) && h[n].Epoch < epoch {
		n++
	}
	return n
}
