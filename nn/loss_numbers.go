package nn

import (
	"errors"
	"math"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// HalfSquared is L = ½(y - yhat)², dL/dyhat = -(y - yhat).
var HalfSquared Loss = halfSquared{}

type halfSquared struct{}

func (halfSquared) String() string            { return "half-squared" }
func (halfSquared) L(y, yhat float64) float64 { return (y - yhat) * (y - yhat) / 2 }
func (halfSquared) D(y, yhat float64) float64 { return yhat - y }
func (halfSquared) Piece(_, _ float64) int    { return 0 }

// Squared is L = (y - yhat)², dL/dyhat = -2(y - yhat). Keras and PyTorch call its mean over
// rows and outputs MSE. Here outputs are summed and only rows are averaged.
var Squared Loss = squared{}

type squared struct{}

func (squared) String() string            { return "squared" }
func (squared) L(y, yhat float64) float64 { return (y - yhat) * (y - yhat) }
func (squared) D(y, yhat float64) float64 { return 2 * (yhat - y) }
func (squared) Piece(_, _ float64) int    { return 0 }
func (squared) Facts() LossFacts          { return LossFacts{Amounts: true} }

// Absolute is L = |y - yhat|, dL/dyhat = sign(yhat - y), 0 at 0.
var Absolute Loss = absolute{}

type absolute struct{}

func (absolute) String() string            { return "absolute" }
func (absolute) L(y, yhat float64) float64 { return math.Abs(y - yhat) }
func (absolute) D(y, yhat float64) float64 {
	switch {
	case yhat > y:
		return 1
	case yhat < y:
		return -1
	}
	return yhat - y // 0, or NaN
}
func (absolute) Piece(y, yhat float64) int { return step(yhat >= y) }
func (absolute) Facts() LossFacts          { return LossFacts{Robust: true, Amounts: true, Metric: "mae"} }

// Huber is L = ½r² where |r| <= delta, else delta·(|r| - delta/2), with r = yhat - y
// (Huber 1964).
func Huber(delta float64) Loss { return huber{delta} }

type huber struct{ delta float64 }

func (h huber) String() string { return "huber:" + number(h.delta) }
func (h huber) Validate() error {
	if !(h.delta > 0) {
		return errors.New("delta must be greater than 0")
	}
	return nil
}
func (h huber) L(y, yhat float64) float64 {
	r := math.Abs(yhat - y)
	if r <= h.delta {
		return r * r / 2
	}
	return h.delta * (r - h.delta/2)
}
func (h huber) D(y, yhat float64) float64 { return max(-h.delta, min(yhat-y, h.delta)) }
func (h huber) Piece(y, yhat float64) int {
	return step(yhat-y > -h.delta) + step(yhat-y > h.delta)
}
func (huber) Facts() LossFacts { return LossFacts{Robust: true, Amounts: true, Metric: "mae"} }

// Quantile is L = q·(y - yhat) where y >= yhat, else (1-q)·(yhat - y), with 0 < q < 1: the
// pinball loss, least at the q-quantile of y (Koenker and Bassett 1978). dL/dyhat is 0 at
// yhat = y. Quantile(0.5) is half of Absolute.
func Quantile(q float64) Loss { return quantile{q} }

type quantile struct{ q float64 }

func (l quantile) String() string { return "quantile:" + number(l.q) }
func (l quantile) Validate() error {
	return within(l.q, 0, 1, "the quantile must lie between 0 and 1")
}
func (l quantile) L(y, yhat float64) float64 {
	if y >= yhat {
		return float64(l.q * (y - yhat))
	}
	return float64((1 - l.q) * (yhat - y))
}
func (l quantile) D(y, yhat float64) float64 {
	switch {
	case yhat > y:
		return 1 - l.q
	case yhat < y:
		return -l.q
	}
	return yhat - y // 0, or NaN
}
func (l quantile) Piece(y, yhat float64) int { return step(yhat >= y) }
func (l quantile) Facts() LossFacts {
	return LossFacts{Robust: true, Amounts: true, Metric: "pinball:" + number(l.q)}
}

// LogCosh is L = log cosh r, dL/dyhat = tanh r, with r = yhat - y: about r²/2 near 0 and
// |r| - log 2 far away, and smooth everywhere.
var LogCosh Loss = logCosh{}

type logCosh struct{}

func (logCosh) String() string { return "log-cosh" }
func (logCosh) L(y, yhat float64) float64 {
	r := math.Abs(yhat - y)
	if r < 1 { // cosh² = 1/(1 - tanh²), which keeps the digits of a small loss
		t := kernel.Tanh(r)
		return -kernel.Log1p(-float64(t*t)) / 2
	}
	return r - math.Ln2 + kernel.Log1p(kernel.Exp(-2*r))
}
func (logCosh) D(y, yhat float64) float64 { return kernel.Tanh(yhat - y) }
func (logCosh) Piece(_, _ float64) int    { return 0 }
func (logCosh) Facts() LossFacts          { return LossFacts{Robust: true, Amounts: true, Metric: "mae"} }
