package train

import (
	"math"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// tiny is the path of a run whose network and batch are so small that the bookkeeping of a step
// costs more than its arithmetic. kernel.Tiny makes whole epochs at a time. Every bit is the
// same as with step.
type tiny[T nn.Float] struct {
	net    *kernel.Tiny[T]
	most   int       // epochs in one call; 1 if each must be looked at
	losses []float64 // losses of these epochs
}

// tinyMost is the most epochs that one call of the kernel makes: about 10 us, during which it
// cannot be preempted.
const tinyMost = 64

var useTiny = true // off in tests

// newTiny returns nil if the run does not qualify.
func newTiny[T nn.Float](net *nn.Network[T], c *Config, d Set[T]) *tiny[T] {
	_, sgd := c.Optimizer.(optim.SGD)
	whole := c.Method == Batch || c.Method == MiniBatch && c.NoShuffle && c.BatchSize == d.Rows()
	if !useTiny || !sgd || c.Halvings > 0 || !whole || c.shapes() || c.GradientNorm || c.Solver != nil || d.W != nil || c.shards(d.Rows()) != 1 || net.Depth() != 2 {
		return nil
	}
	first, last := net.Layer(0), net.Layer(1)
	if first.Norm != nn.NoNorm || last.Norm != nn.NoNorm || first.Dropout > 0 || last.Dropout > 0 {
		return nil
	}
	f, ok := first.Activation.(inKernel)
	g, also := last.Activation.(inKernel)
	if !ok || !also {
		return nil
	}
	s := kernel.TinyShape{
		Inputs: net.Inputs(), Hidden: first.Units, Outputs: last.Units, Rows: d.Rows(),
		HiddenF: f.Kernel(), OutputF: g.Kernel(), HiddenBias: !first.NoBias, OutputBias: !last.NoBias,
	}
	half, factor := 1.0, T(1)
	switch c.Loss {
	case nn.HalfSquared:
		half = 0.5
	case nn.Squared:
		factor = 2
	default:
		return nil
	}
	if !s.Fits() {
		return nil
	}
	t := &tiny[T]{losses: make([]float64, tinyMost), most: 1}
	t.net = kernel.NewTiny(s, nn.Convert[T](d.X).Data, nn.Convert[T](d.Y).Data)
	t.net.Half, t.net.Scale = half, c.Reduction.Scale(d.Rows(), nil)
	t.net.Factor = factor * T(t.net.Scale)
	if _, constant := c.Schedule.(optim.Constant); constant && c.Warmup == 0 && t.watches(c.Stop) {
		t.most = tinyMost
	}
	return t
}

// inKernel is an activation of package nn whose formulas are in package kernel. kernel.Tiny says whether it knows them.
type inKernel interface{ Kernel() kernel.Activation }

// watches reports whether the kernel can check the criterion itself, and sets it up to do so.
// MaxTime may wait for the end of a call.
func (t *tiny[T]) watches(c Stop) bool {
	switch c := c.(type) {
	case nil, MaxTime:
		return true
	case Tolerance:
		t.net.Tolerance = max(t.net.Tolerance, c.R)
		return c.R >= 0
	case TargetLoss:
		t.net.Target = max(t.net.Target, c.L)
		return c.L == c.L
	case Any:
		for _, c := range c {
			if !t.watches(c) {
				return false
			}
		}
		return true
	}
	return false
}

// tinyEpochs makes up to most epochs at once and returns the last one's step. It makes none and
// returns false if the run does not qualify, or if a weight or loss stops being finite on the way.
// In that case step finds out where.
func (t *Trainer[T]) tinyEpochs(most int) (s Step, made bool, err error) {
	k, params := t.tiny, t.net.Params()
	if k == nil || t.position != 0 || !kernel.AllFinite(params) {
		return Step{}, false, nil
	}
	if t.data.Validation.Rows() > 0 {
		most = 1
	}
	losses := k.losses[:max(0, min(most, k.most, t.cfg.Epochs-t.epoch))]
	if len(losses) == 0 {
		return Step{}, false, nil
	}
	copy(t.good, params)
	rows := t.data.Train.Rows()
	rate := t.rate(optim.Position{Step: t.result.Steps, StepsPerEpoch: 1, Epochs: t.cfg.Epochs})
	k.net.Rate = T(-rate)
	k.net.SetParams(params)
	n := k.net.Run(losses)
	losses = losses[:n]
	k.net.Params(params)
	if !kernel.AllFinite(params) || !kernel.AllFinite(losses) {
		copy(params, t.good)
		t.tiny = nil
		return Step{}, false, nil
	}

	t.recordTiny(losses[:n-1], rate)
	t.result.Steps += n
	t.result.Rows += n * rows
	t.epoch += n - 1
	s = Step{
		N: t.result.Steps, Updates: n, Epoch: t.epoch + 1, Rows: rows, Loss: losses[n-1], LearningRate: rate, weight: float64(rows),
		Validation: math.NaN(), Score: math.NaN(),
	}
	t.lossSum = float64(s.Loss * float64(rows))
	if err = t.endPass(&s); err != nil && n > 1 { // good must be what the last epoch began with
		k.net.SetParams(t.good)
		k.net.Run(losses[:n-1])
		k.net.Params(t.good)
	}
	return s, true, err
}

// recordTiny records those of the next epochs that the history keeps, with the time at which
// the last of them ended.
func (t *Trainer[T]) recordTiny(losses []float64, rate float64) {
	end := t.epoch + len(losses)
	seconds := -1.0
	for e := nextKept(t.epoch + 1); e <= end; e = nextKept(e + 1) {
		if seconds < 0 {
			seconds = t.Elapsed().Seconds()
		}
		rows := float64(t.data.Train.Rows())
		t.result.History = append(t.result.History, Point{
			Epoch: e, Steps: t.result.Steps + e - t.epoch, Loss: float64(losses[e-t.epoch-1]*rows) / rows,
			Validation: math.NaN(), LearningRate: rate, Seconds: seconds,
		})
	}
}
