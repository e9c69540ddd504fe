package train

import (
	"math"
	"slices"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// This file has what an update does to the gradient and to the weights besides applying the
// optimizer. Config has the order and the formulas.

// shapes reports whether the run does any of this.
func (c *Config) shapes() bool {
	return c.Penalty != nn.Penalty{} || c.ClipValue > 0 || c.ClipNorm > 0 || c.WeightDecay > 0 || c.MaxNorm > 0 || c.EMA > 0 || c.LayerRates != nil
}

// rate returns the learning rate of an update.
func (t *Trainer[T]) rate(at optim.Position) float64 {
	at.Rows, at.Scores = t.rows, t.scores
	return optim.RateAt(t.cfg.Schedule, t.cfg.Warmup, t.baseRate(), at)
}

// clip keeps the whole gradient within its bounds. Its length is that of all parameters'
// gradients together.
func (t *Trainer[T]) clip() {
	g := t.grad
	if t.cfg.ClipValue > 0 {
		kernel.Clamp(g, T(t.cfg.ClipValue))
	}
	if t.cfg.ClipNorm > 0 {
		if norm := math.Sqrt(kernel.SumSquares(g)); norm > t.cfg.ClipNorm {
			kernel.Scale(g, T(t.cfg.ClipNorm/norm))
		}
	}
}

// decay shrinks parameters that have that learning rate.
func (t *Trainer[T]) decay(w []T, rate float64) {
	if t.cfg.WeightDecay > 0 {
		kernel.Scale(w, T(1-float64(rate*t.cfg.WeightDecay)))
	}
}

// freeze sets the gradient of frozen layers to 0.
func (t *Trainer[T]) freeze(grad []T) {
	if t.cfg.LayerRates == nil {
		return
	}
	for i := range t.parts {
		if t.cfg.layerRate(t.net.PartLayer(i)) == 0 {
			from, to := t.net.Part(i)
			clear(grad[from:to])
		}
	}
}

// apply lets the optimizer change a part of the parameters, with the rate of its layer.
func (t *Trainer[T]) apply(part int, grad []T) {
	now := t.now
	if t.cfg.LayerRates != nil {
		now.LearningRate *= t.cfg.layerRate(t.net.PartLayer(part))
	}
	if now.LearningRate == 0 && t.now.LearningRate != 0 { // the layer is frozen
		return
	}
	views := t.parts[part]
	t.decay(views[0], now.LearningRate)
	optim.Update(t.cfg.Optimizer, now, views[0], grad, views[1:])
}

// applyGrad is apply with the gradient in t.grad.
func (t *Trainer[T]) applyGrad(part int) {
	from, to := t.net.Part(part)
	t.apply(part, t.grad[from:to])
}

// constrain limits the weights that lead to each unit to MaxNorm. Their squares are summed in
// float64, in the order of the inputs.
func (t *Trainer[T]) constrain() {
	if t.cfg.MaxNorm == 0 {
		return
	}
	for l := range t.net.Depth() {
		if t.cfg.layerRate(l) == 0 {
			continue
		}
		w := t.net.Weights(l)
		norms := t.norms[:w.Cols]
		clear(norms)
		for i := range w.Rows {
			for j, v := range w.Row(i) {
				norms[j] = math.FMA(float64(v), float64(v), norms[j])
			}
		}
		over := false
		for j, square := range norms {
			norms[j] = 1
			if norm := math.Sqrt(square); norm > t.cfg.MaxNorm {
				norms[j], over = t.cfg.MaxNorm/norm, true
			}
		}
		for i := 0; over && i < w.Rows; i++ {
			for j, v := range w.Row(i) {
				w.Row(i)[j] = T(float64(v) * norms[j])
			}
		}
	}
}

// takeAverage adds the network's values after update n to their running average.
func (t *Trainer[T]) takeAverage(n int) {
	if t.average != nil {
		kernel.Approach(t.average.Values(), t.net.Values(), T((1-t.cfg.EMA)/(1-kernel.Powi(t.cfg.EMA, n))))
	}
}

// Smoothed returns the targets that training with label smoothing s uses instead of y:
// y·(1-s) + s/classes. classes is the number of columns of y for losses after softmax, otherwise 2.
func Smoothed[T nn.Float](y nn.Matrix[T], s float64, loss nn.Loss) nn.Matrix[T] {
	if s == 0 {
		return y
	}
	out := nn.NewMatrix[T](y.Rows, y.Cols)
	smooth(out, y, s, loss)
	return out
}

// smooth sets out to the smoothed targets.
func smooth[T nn.Float](out, y nn.Matrix[T], s float64, loss nn.Loss) {
	if s == 0 {
		return
	}
	classes := 2 // for each output
	if slices.Contains(nn.Facts(loss).Outputs, nn.Softmax) {
		classes = y.Cols
	}
	for i := range y.Rows {
		for j, v := range y.Row(i) {
			out.Row(i)[j] = T(float64(float64(v)*(1-s)) + s/float64(classes))
		}
	}
}
