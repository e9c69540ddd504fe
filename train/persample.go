package train

import (
	"math"

	"github.com/gradus-ml/gradus/nn"
)

// Sample is the outcome of one sample with the method per-sample.
type Sample struct {
	Row       int  `json:"row"`
	Epochs    int  `json:"epochs"`
	Converged bool `json:"converged"`
}

// perSample is the course of the method PerSample: updates on one sample until its outputs are within
// Tolerance or it has had Epochs updates, then on the next sample. Every update is an epoch. The order of
// the samples is drawn once, as for a first epoch. Trainer.position counts the updates on the current
// sample, and Result.Samples has the samples that are done.
type perSample[T nn.Float] struct{}

func (perSample[T]) step(t *Trainer[T]) (Step, error) {
	if t.result.Steps == 0 {
		t.drawOrder()
	}
	if t.position == 0 {
		t.back.goodLoss = math.Inf(1) // the losses of two samples cannot be compared
		t.keepGood()
	}
	_, from, to := t.course.coming(t)
	row := t.rowAt(from)
	b, err := t.batch(from, to)
	if err != nil {
		return Step{}, err
	}
	s, err := t.update(b, t.place())
	s.Epoch, s.Row = t.epoch+1, row
	if err != nil {
		return s, err
	}
	t.lossSum, t.epochLoss = s.Loss, s.Loss
	t.position++
	converged := t.rowsWithin(t.net, row, row+1, t.cfg.Tolerance)
	if converged || t.position == t.cfg.Epochs {
		t.result.Samples = append(t.result.Samples, Sample{Row: row, Epochs: t.position, Converged: converged})
		t.position = 0
	}
	err = t.closeEpoch(&s)
	if err != nil || t.finished || len(t.result.Samples) < t.rows {
		return s, err
	}
	for _, r := range t.result.Samples {
		if !r.Converged {
			return s, t.finish(ReasonEpochs, s)
		}
	}
	return s, t.finish(Tolerance{}.Reason(), s)
}

func (perSample[T]) coming(t *Trainer[T]) (epoch, from, to int) {
	at := len(t.result.Samples)
	return 0, at, at + 1
}

func (perSample[T]) until(_ *Trainer[T], more int) int { return more }

func (perSample[T]) reaches(t *Trainer[T], position, samples int) bool {
	return position < t.cfg.Epochs && samples <= t.rows
}
