package model

import (
	"math"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
)

// Calibration is the effect of a temperature on the probabilities of the rows it was chosen on. They
// are the validation rows of a single network.
type Calibration struct {
	Temperature float64 `json:"temperature"`  // the best on the rows, at least 1; the model uses it only if Kept
	Rows        int     `json:"rows"`         // the rows it was chosen on
	Before      float64 `json:"loss_before"`  // the log loss of these rows, as trained
	After       float64 `json:"loss_after"`   // with the temperature
	ErrorBefore float64 `json:"error_before"` // the expected calibration error of these rows, as trained
	ErrorAfter  float64 `json:"error_after"`
	Kept        bool    `json:"kept"` // chosen on one half of the rows, it lowered the log loss of the other
}

// MarshalJSON writes null for a number that is not finite.
func (c Calibration) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(c) }

// UnmarshalJSON reads null as NaN.
func (c *Calibration) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, c) }

// fewToCalibrate is the least number of rows on which a temperature is chosen.
const fewToCalibrate = 40

// bestTemperature returns the temperature T that minimizes the weighted mean log loss of
//
//	q_k = p_k^(1/T) / sum over j of p_j^(1/T)
//
// This is the effect of dividing the logits of p by T (Guo, Pleiss, Sun and Weinberger 2017). p has a
// probability for each of width classes, row by row, and y has the class of each row. If w is nil, all
// rows have the same weight. The loss is convex in 1/T. Bisection searches for 1/T between 1/20 and 20.
func bestTemperature(p []float64, width int, y, w []float64) float64 {
	low, high := kernel.Log(0.05), kernel.Log(20.0)
	for range 60 {
		middle := (low + high) / 2
		if _, slope := temperedLoss(p, width, y, w, kernel.Exp(middle)); slope < 0 {
			low = middle // a larger 1/T has a lower loss
		} else {
			high = middle
		}
	}
	return kernel.Exp(-(low + high) / 2)
}

// leastProbability replaces a probability of 0 in logarithms.
const leastProbability = 1e-45

// temperedLoss returns the mean log loss at beta = 1/T, and its slope in beta: the mean
// of E_q[log p] - log p_y.
func temperedLoss(p []float64, width int, y, w []float64, beta float64) (loss, slope float64) {
	z, total := make([]float64, width), 0.0
	for i := range len(p) / width {
		weight := 1.0
		if w != nil {
			weight = w[i]
		}
		most := math.Inf(-1)
		for k := range z {
			z[k] = kernel.Log(max(p[i*width+k], leastProbability))
			most = max(most, z[k])
		}
		sum, mean := 0.0, 0.0
		for _, v := range z {
			e := kernel.Exp(beta * (v - most))
			sum += e
			mean += float64(e * v)
		}
		own := z[int(y[i])]
		loss += float64(weight * (kernel.Log(sum) - float64(beta*(own-most))))
		slope += float64(weight * (mean/sum - own))
		total += weight
	}
	return loss / total, slope / total
}

// temper returns the probabilities at a temperature.
func temper(p []float64, width int, temperature float64) []float64 {
	out := make([]float64, len(p))
	for from := 0; from < len(p); from += width {
		row := out[from : from+width]
		most, sum := math.Inf(-1), 0.0
		for k := range row {
			row[k] = kernel.Log(max(p[from+k], leastProbability)) / temperature
			most = max(most, row[k])
		}
		for k := range row {
			row[k] = kernel.Exp(row[k] - most)
			sum += row[k]
		}
		for k := range row {
			row[k] /= sum
		}
	}
	return out
}

// Calibrate chooses a temperature for the model on predictions for rows that did not train it. says are the
// model's predictions for these rows. If several networks form a model, each row's prediction comes from the
// networks that did not learn the row. says has Outputs numbers per row, y the class of each row, and w its
// weight; nil means equal weights.
//
// The model keeps the temperature if temperatures chosen on each half of the rows (every other row) lower the
// log loss of the other half, taken over both halves. Calibrate works for two and more classes. For other
// models, for hinge loss and for too few rows (below 40), it returns nil and changes nothing. Call it before
// other goroutines use the model.
func (m *Model) Calibrate(says, y, w []float64) *Calibration {
	width := m.Outputs()
	if !m.tempers() || len(y) < fewToCalibrate {
		return nil
	}
	c := &Calibration{Temperature: softening(says, width, y, w), Rows: len(y)}
	tempered := temper(says, width, c.Temperature)
	c.Before, _ = temperedLoss(says, width, y, w, 1)
	c.After, _ = temperedLoss(tempered, width, y, w, 1)
	c.ErrorBefore, c.ErrorAfter = calibrationError(says, width, y, w), calibrationError(tempered, width, y, w)
	before, after := 0.0, 0.0
	for half := range 2 {
		fit, test := halfOf(says, width, y, w, half), halfOf(says, width, y, w, 1-half)
		loss, _ := temperedLoss(test.p, width, test.y, test.w, 1)
		before += loss
		loss, _ = temperedLoss(test.p, width, test.y, test.w, 1/softening(fit.p, width, fit.y, fit.w))
		after += loss
	}
	if c.Kept = after < before && c.After < c.Before; c.Kept {
		m.setTemperature(c.Temperature)
	}
	m.Training.Calibration = c
	return c
}

// softening returns the best temperature of at least 1. If all rows are predicted right, lower
// temperatures improve the loss without end, and the first row that is predicted wrong would pay for it.
func softening(p []float64, width int, y, w []float64) float64 {
	return max(1, bestTemperature(p, width, y, w))
}

// tempers reports whether the model's probabilities are computed from logits that can be divided.
// Those of an ensemble are means of probabilities.
func (m *Model) tempers() bool {
	if m.ensemble != nil {
		return false
	}
	_, layers, _ := m.engine.shape()
	out := layers[len(layers)-1]
	if out.Norm != nn.NoNorm || m.Loss == nn.Hinge {
		return false
	}
	switch m.Task() {
	case data.Binary:
		return out.Activation == nn.Sigmoid
	case data.Multiclass:
		return out.Activation == nn.Softmax
	}
	return false
}

// setTemperature divides the logits of the model by a temperature.
func (m *Model) setTemperature(temperature float64) {
	m.Temperature = temperature
	m.adjust()
}

// adjust makes the network that predicts from the network that was trained.
func (m *Model) adjust() {
	if m.trained == nil {
		m.trained = m.engine
	}
	m.engine = m.trained
	if m.Temperature != 1 {
		m.engine = m.engine.tempered(1 / m.Temperature)
	}
	if s := m.Shrinkage; s != nil {
		m.engine = m.engine.shrunk(s.Share, s.links(m.Encoding))
	}
}

// AsTrained returns the model without its temperature and its shrinkage.
func (m *Model) AsTrained() *Model {
	if m.trained == nil {
		return m
	}
	out := *m
	out.Temperature, out.Shrinkage, out.engine, out.trained = 1, nil, m.trained, nil
	return &out
}

// judgedRows are the probabilities, targets and weights of some rows.
type judgedRows struct{ p, y, w []float64 }

// halfOf returns every other row, starting with the first or the second.
func halfOf(p []float64, width int, y, w []float64, half int) (r judgedRows) {
	for i := half; i < len(y); i += 2 {
		r.p, r.y = append(r.p, p[i*width:][:width]...), append(r.y, y[i])
		if w != nil {
			r.w = append(r.w, w[i])
		}
	}
	return r
}

// calibrationError is metrics.CalibrationError for two classes, and for more classes that
// of the guessed class.
func calibrationError(p []float64, width int, y, w []float64) float64 {
	if width == 2 {
		return metrics.CalibrationError(y, second(p), w)
	}
	right, says := make([]float64, len(y)), make([]float64, len(y))
	for i := range y {
		best := 0
		for k, v := range p[i*width:][:width] {
			if v > p[i*width+best] {
				best = k
			}
		}
		if says[i] = p[i*width+best]; best == int(y[i]) {
			right[i] = 1
		}
	}
	return metrics.CalibrationError(right, says, w)
}

// tempered returns the engine with the last layer's weights and biases, and therefore its logits,
// times beta.
func (e *engineOf[T]) tempered(beta float64) engine {
	net := e.net.Clone()
	last := net.Depth() - 1
	for _, values := range [][]T{net.Weights(last).Data, net.Bias(last)} {
		for i := range values {
			values[i] *= T(beta)
		}
	}
	return newEngine(net)
}

// hold sets what a model learns from rows that did not train it: with Options.Shrink a shrinkage, with
// Options.Calibrate a temperature, and the data for its intervals or sets.
func (f *Fit) hold(m *Model) error {
	j, err := f.heldBack(m)
	if j == nil || err != nil {
		return err
	}
	shrunk := f.Options.Shrink && m.shrink(j)
	if shrunk {
		j.free()
		if j, err = f.heldBack(m); err != nil {
			return err
		}
	}
	if f.Options.Calibrate && f.bag == nil && !shrunk { // each member of an ensemble has its own temperature
		if c := m.Calibrate(j.Says, j.Truth, j.W); c != nil && c.Kept {
			if j, err = f.heldBack(m); err != nil {
				return err
			}
		}
	}
	m.Conformal = newConformal(j.Table.Spilled(), m, j.Says, j.Truth)
	j.free()
	return f.holdBounds(m)
}
