package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
)

// Shrinkage moves a model's predictions toward a guess that ignores the inputs. With the guess g and the share s,
// the network's output z, before the output activation, becomes
//
//	s·z + (1-s)·link(g)
//
// link is the log of each class's share, the log-odds for two classes, or the mean in the trained unit. s
// is 1 for the model as trained and 0 for the guess.
type Shrinkage struct {
	Share  float64   `json:"share"`
	Toward []float64 `json:"toward"`       // each class's share of the rows, or the mean of each target
	Rows   int       `json:"rows"`         // rows on which the share was chosen
	Before float64   `json:"loss_before"`  // loss of these rows as trained: log loss, or the mean square in the trained unit
	After  float64   `json:"loss_after"`   // loss with the share
	Guess  float64   `json:"loss_guess"`   // loss of the guess
	What   string    `json:"of,omitempty"` // out-of-fold or validation
}

// MarshalJSON writes null for a number that is not finite.
func (s Shrinkage) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(s) }

// UnmarshalJSON reads null as NaN.
func (s *Shrinkage) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, s) }

// fewToShrink is the least number of rows on which a share is chosen. It is lower than for a temperature, because
// wide tables with few rows are the ones where a model is worse than a guess.
const fewToShrink = 10

// shareSteps is the resolution of the share: twentieths.
const shareSteps = 20

// shrinks reports whether the outputs of one network can be moved toward a guess by its last layer. It needs a
// bias, no norm, and a loss whose best guess is the class shares or the mean.
func (m *Model) shrinks() bool {
	_, layers, _ := m.engine.shape()
	out := layers[len(layers)-1]
	if out.Norm != nn.NoNorm || out.NoBias || m.Options.ClassWeight != nil {
		return false
	}
	switch m.Task() {
	case data.Binary:
		return out.Activation == nn.Sigmoid && m.Loss == nn.BinaryCrossEntropy
	case data.Multiclass:
		return out.Activation == nn.Softmax && m.Loss == nn.CrossEntropy
	case data.Regression:
		return out.Activation == nn.Identity && (m.Loss == nn.Squared || m.Loss == nn.HalfSquared)
	}
	return false
}

// shrink moves the model toward the guess if the model predicts rows that did not train it worse than the guess
// does. It reports whether it did so.
func (m *Model) shrink(j *Judged) bool {
	if len(j.Rows) < fewToShrink || !m.shrinks() {
		return false
	}
	s := &Shrinkage{Share: 1, Toward: m.learnGuess(j.Truth, j.W), Rows: len(j.Rows), What: j.What}
	if m.Task() != data.Regression {
		for k := range s.Toward {
			s.Toward[k] = max(s.Toward[k], leastShare)
		}
	}
	s.Before = m.shrunkLoss(s, j)
	s.Share = 0
	s.Guess = m.shrunkLoss(s, j)
	if !(s.Before > s.Guess) {
		return false
	}
	best := 0.0
	s.After = s.Guess
	for i := 1; i < shareSteps; i++ {
		s.Share = float64(i) / shareSteps
		if loss := m.shrunkLoss(s, j); loss < s.After {
			best, s.After = s.Share, loss
		}
	}
	s.Share = best
	m.setShrinkage(s)
	return true
}

// shrunkLoss returns the mean loss of rows with a share.
func (m *Model) shrunkLoss(s *Shrinkage, j *Judged) float64 {
	width := m.Outputs()
	row := make([]float64, width)
	sum, total := 0.0, 0.0
	for i := range len(j.Says) / width {
		copy(row, j.Says[i*width:])
		s.move(m.Task(), row)
		weight := 1.0
		if j.W != nil {
			weight = j.W[i]
		}
		total += weight
		if m.Task() != data.Regression {
			sum -= float64(weight * kernel.Log(max(row[int(j.Truth[i])], leastProbability)))
			continue
		}
		for k := range width {
			off := (row[k] - j.Truth[i*width+k]) / m.Encoding.Targets[k].Scale
			sum += float64(weight * float64(off*off))
		}
	}
	return sum / total
}

// move moves the prediction of a row, with a number for each of Toward.
func (s *Shrinkage) move(task data.Task, row []float64) {
	if task == data.Regression {
		for k, g := range s.Toward {
			row[k] = float64(s.Share*row[k]) + float64((1-s.Share)*g)
		}
		return
	}
	most := math.Inf(-1)
	for k, g := range s.Toward {
		row[k] = float64(s.Share*kernel.Log(max(row[k], leastProbability))) + float64((1-s.Share)*kernel.Log(g))
		most = max(most, row[k])
	}
	sum := 0.0
	for k := range row {
		row[k] = kernel.Exp(row[k] - most)
		sum += row[k]
	}
	for k := range row {
		row[k] /= sum
	}
}

// links returns the network's outputs, before the activation, that give the guess.
func (s *Shrinkage) links(e *data.Encoding) []float64 {
	switch e.Task {
	case data.Binary:
		return []float64{kernel.Log(s.Toward[1]) - kernel.Log(s.Toward[0])}
	case data.Multiclass:
		all := make([]float64, len(s.Toward))
		for k, g := range s.Toward {
			all[k] = kernel.Log(g)
		}
		return all
	}
	all := make([]float64, len(s.Toward))
	for k, g := range s.Toward {
		all[k] = (g - e.Targets[k].Center) / e.Targets[k].Scale
	}
	return all
}

// setShrinkage moves the model, or each of its members, toward the guess.
func (m *Model) setShrinkage(s *Shrinkage) {
	m.Shrinkage = s
	if m.ensemble == nil {
		m.adjust()
		return
	}
	members := slices.Clone(m.ensemble.members) // the run shares these members
	for k, one := range members {
		own := *one
		own.setShrinkage(s)
		members[k] = &own
	}
	m.ensemble, m.engine = newEnsemble(members).ensemble, members[0].engine
}

// validate refuses a shrinkage in a file that the model cannot have.
func (s *Shrinkage) validate(m *Model) error {
	if !(s.Share >= 0 && s.Share <= 1) || len(s.Toward) != m.Outputs() || !m.shrinks() {
		return fmt.Errorf("its shrinkage has the share %v toward %d numbers, which is not between 0 and 1, or does not suit its %d outputs", s.Share, len(s.Toward), m.Outputs())
	}
	for _, g := range s.Toward {
		if !float.Finite(g) || m.Task() != data.Regression && !(g > 0 && g <= 1) {
			return fmt.Errorf("its shrinkage is toward %v, which is not a finite number, or not a share of a class", g)
		}
	}
	return nil
}

// shrunk returns an engine with the outputs share · z + (1 - share) · links, where z are the outputs of
// this one.
func (e *engineOf[T]) shrunk(share float64, links []float64) engine {
	net := e.net.Clone()
	last := net.Depth() - 1
	weights, bias := net.Weights(last).Data, net.Bias(last)
	for i := range weights {
		weights[i] *= T(share)
	}
	for i := range bias {
		bias[i] = T(float64(share*float64(bias[i])) + float64((1-share)*links[i]))
	}
	return newEngine(net)
}
