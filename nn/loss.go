package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Loss is what one output yhat costs against its target y. The loss of a sample is the
// sum over its outputs; a Reduction says how samples add up.
//
// A loss does not include the output's activation: it may follow any that Compatible accepts.
// The pairs whose delta simplifies (softmax with cross-entropy, sigmoid with binary
// cross-entropy, exp or softplus with Poisson) are recognized and computed directly from z.
// This also keeps them finite for logits of any size (with exp, as long as the output itself is finite).
//
// The built-in losses are the variables and functions below. Any other type that implements the
// interface works as well, one number at a time in float64. Several goroutines may call it at once. A type may have four more methods:
// Validate() error checks its parameter, CheckTarget(y float64) error checks a target, Facts()
// LossFacts returns what else is known about the loss, and Of(output int) Loss returns the loss of
// one output if outputs have different losses (see LossOf).
type Loss interface {
	// String returns the name under which the loss is stored and chosen. A parameter is part of
	// the name: "huber:1".
	String() string
	// L returns the loss of one output.
	L(y, yhat float64) float64
	// D returns dL/dyhat.
	D(y, yhat float64) float64
	// Piece numbers the smooth pieces, as Activation.Piece does; a smooth loss returns 0.
	Piece(y, yhat float64) int
}

// LossFacts is what is known about a loss besides its formula. The zero value says nothing.
type LossFacts struct {
	Outputs []Activation // the only activations it may follow, the usual one first; nil: any
	Needs   string       // what such an output is: "a sigmoid output, a probability for each"
	Instead string       // what to use if the output is different, with LOSS for the loss's name; "": nothing to say

	FromZ   bool // after Outputs its gradient is computed from z, without the activation's slope
	Robust  bool // it grows no faster than the distance, so an outlier does not dominate
	Shares  bool // its targets are class shares, so they can be smoothed: each output by itself, or all together for softmax
	Amounts bool // its targets are amounts: whole numbers are not classes

	Metric string // the name in package metrics of what it measures, in the unit of the targets; "": rmse, or log_loss
}

// Facts returns what is known about a loss besides its formula.
func Facts(loss Loss) LossFacts {
	if l, ok := loss.(interface{ Facts() LossFacts }); ok {
		return l.Facts()
	}
	return LossFacts{}
}

// LossOf returns the loss of one output of a network, counted from 0. It is the loss itself, unless that
// has a method Of(output int) Loss, as the one of WithBounds does.
func LossOf(loss Loss, output int) Loss {
	if l, ok := loss.(byOutput); ok {
		return l.Of(output)
	}
	return loss
}

// byOutput is a loss whose outputs have different losses.
type byOutput interface{ Of(output int) Loss }

// The facts about the outputs of three kinds of losses.
var (
	softmaxFacts = LossFacts{
		Outputs: []Activation{Softmax}, Needs: "a softmax output, whose probabilities sum to 1",
		Instead: "use softmax, or the loss binary-LOSS with sigmoid", FromZ: true,
	}
	sigmoidFacts = LossFacts{
		Outputs: []Activation{Sigmoid}, Needs: "a sigmoid output, a probability for each", Instead: "use sigmoid, or another loss", FromZ: true,
	}
)

// amountFacts returns the facts about a loss of amounts, which a deviance measures.
func amountFacts(deviance string) LossFacts {
	return LossFacts{
		Outputs: []Activation{Exp, Softplus}, Needs: "an output that is always positive, exp or softplus", FromZ: true, Amounts: true, Metric: deviance,
	}
}

// xlogy is x·log y, and 0 for x = 0 whatever y is.
func xlogy(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return float64(x * kernel.Log(y)) // the conversion forbids a fused multiply-add
}

func step(b bool) int {
	if b {
		return 1
	}
	return 0
}

// within reports a parameter that does not lie between two numbers.
func within(x, low, high float64, rule string) error {
	if !(x > low && x < high) {
		return errors.New(rule)
	}
	return nil
}

// losses is the one table of the built-in losses, in the order of the documentation. A loss that takes
// a parameter has its default there.
var losses = []struct {
	name     string
	standard float64
	make     func(parameter float64) Loss // nil: it is the loss itself
	loss     Loss
}{
	{name: "half-squared", loss: HalfSquared},
	{name: "squared", loss: Squared},
	{name: "absolute", loss: Absolute},
	{name: "huber", make: Huber, standard: 1},
	{name: "binary-cross-entropy", loss: BinaryCrossEntropy},
	{name: "cross-entropy", loss: CrossEntropy},
	{name: "poisson", loss: Poisson},
	{name: "quantile", make: Quantile, standard: 0.5},
	{name: "log-cosh", loss: LogCosh},
	{name: "tweedie", make: Tweedie, standard: 1.5},
	{name: "gamma", loss: Gamma},
	{name: "focal", make: Focal, standard: 2},
	{name: "binary-focal", make: BinaryFocal, standard: 2},
	{name: "hinge", loss: Hinge},
}

// Losses lists the names ParseLoss knows, in the order of the documentation.
func Losses() []string {
	names := make([]string, len(losses))
	for i, l := range losses {
		names[i] = l.name
	}
	return names
}

// ParseLoss returns the loss of that name, "name" or "name:parameter". The parameter of
// huber is its delta (default 1), of quantile its q (0.5), of tweedie its power (1.5), of
// focal and binary-focal their gamma (2). Custom losses are recognized by their String.
func ParseLoss(name string, custom ...Loss) (Loss, error) {
	for _, c := range custom {
		if c.String() == name {
			return c, nil
		}
	}
	standard := map[string]float64{}
	for _, l := range losses {
		if l.make != nil {
			standard[l.name] = l.standard
		}
	}
	base, p, err := parameter("loss", name, standard)
	if err != nil {
		return nil, err
	}
	for _, l := range losses {
		switch {
		case l.name != base:
		case l.make == nil:
			return l.loss, nil
		default:
			loss := l.make(p)
			if err := validate(loss); err != nil {
				return nil, fmt.Errorf("loss %q: %w", name, err)
			}
			return loss, nil
		}
	}
	return nil, fmt.Errorf("loss %q is not known; choose one of %s", name, strings.Join(Losses(), ", "))
}

// Compatible returns an error with the reason if a loss makes no sense: because of its own
// parameter (if it has a method Validate() error, as the built-in losses do), or after an output
// layer with that activation and width (see Facts).
func Compatible(loss Loss, out Activation, units int) error {
	if err := validate(loss); err != nil {
		return fmt.Errorf("the loss %s: %w", loss, err)
	}
	if out == Softmax && units == 1 {
		return errors.New("softmax over one output is always 1; use a sigmoid output, or one output per class")
	}
	if _, ok := loss.(byOutput); ok && out == Softmax {
		return fmt.Errorf("%s takes each output by itself, and softmax makes them sum to 1; use another output activation", loss)
	}
	f := Facts(loss)
	if f.Outputs == nil || slices.Contains(f.Outputs, out) {
		return nil
	}
	instead := strings.ReplaceAll(f.Instead, "LOSS", loss.String())
	if instead != "" {
		instead = ": " + instead
	}
	return fmt.Errorf("%s needs %s; the output is %s%s", loss, f.Needs, out, instead)
}

// CheckTarget returns an error with the reason if the loss cannot have the target: it is not finite, or
// the loss's own method CheckTarget refuses it.
func CheckTarget(loss Loss, y float64) error {
	if math.IsNaN(y) || math.IsInf(y, 0) {
		return fmt.Errorf("the target %v is not a finite number", y)
	}
	if l, ok := loss.(interface{ CheckTarget(y float64) error }); ok {
		return l.CheckTarget(y)
	}
	return nil
}

// weightedLoss is batchLoss with a weight w_i for each row: L = Σ w_i·L_i and
// delta_i = scale·w_i·dL_i/dz. The rows are added in order. Without weights it is batchLoss.
func weightedLoss[T Float](loss Loss, out Activation, y, z, a, delta Matrix[T], scale float64, w []float64) float64 {
	if w == nil {
		return batchLoss(loss, out, y, z, a, delta, T(scale))
	}
	sum, d := 0.0, delta
	for i, wi := range w {
		if delta.Rows > 0 {
			d = delta.Slice(i, i+1)
		}
		if wi == 0 {
			if d.Rows > 0 {
				clear(d.Row(0))
			}
			continue
		}
		sum += float64(wi * batchLoss(loss, out, y.Slice(i, i+1), z.Slice(i, i+1), a.Slice(i, i+1), d, T(scale*wi)))
	}
	return sum
}

// batchLoss returns the loss of a batch, summed over its rows, from the outputs' z and a. If
// delta has rows, it is set to scale·dL/dz. Losses with a kernel are summed in 16 lanes, all
// others row by row.
func batchLoss[T Float](loss Loss, out Activation, y, z, a, delta Matrix[T], scale T) float64 {
	_, simple := out.(*elementwise)
	rows := 1 // at a time
	if y.contiguous() && z.contiguous() && a.contiguous() && delta.contiguous() {
		rows = max(1, y.Rows)
	}
	var sum kernel.LossSum
	other := 0.0
	for from := 0; from < y.Rows; from += rows {
		to := from + rows
		y, z, a, d := y.Slice(from, to), z.Slice(from, to), a.Slice(from, to), delta
		if d.Rows > 0 {
			d = d.Slice(from, to)
		}
		at := from * y.Cols
		switch {
		case loss == CrossEntropy && out == Softmax:
			kernel.CrossEntropy(&sum, y.flat(), z.flat(), a.flat(), d.flat(), y.Cols, scale)
		case loss == BinaryCrossEntropy && out == Sigmoid:
			kernel.BinaryCrossEntropy(&sum, at, y.flat(), z.flat(), a.flat(), d.flat(), scale)
		case loss == HalfSquared && simple:
			kernel.Squares(&sum, at, y.flat(), a.flat(), d.flat(), scale)
			timesSlope(out, z, a, d)
		case loss == Squared && simple:
			kernel.Squares(&sum, at, y.flat(), a.flat(), d.flat(), 2*scale)
			timesSlope(out, z, a, d)
		default:
			for i := range y.Rows {
				var delta []T
				if d.Rows > 0 {
					delta = d.Row(i)
				}
				other += sampleLoss(loss, out, y.Row(i), z.Row(i), a.Row(i), delta)
				kernel.Scale(delta, scale)
			}
		}
	}
	if loss == HalfSquared && simple {
		return sum.Total() / 2
	}
	return sum.Total() + other
}

// sampleLoss is batchLoss for one row, a loss without a kernel, and a scale of 1.
func sampleLoss[T Float](loss Loss, out Activation, y, z, a, delta []T) float64 {
	switch loss := loss.(type) {
	case poisson:
		if out == Exp {
			return expPoisson(y, z, a, delta)
		}
		if out == Softplus {
			return softplusPoisson(y, z, a, delta)
		}
	case tweedie:
		if out == Exp || out == Softplus {
			return amounts(loss.p, out, y, z, a, delta)
		}
	case gamma:
		if out == Exp || out == Softplus {
			return amounts(2, out, y, z, a, delta)
		}
	case focal:
		if out == Softmax {
			return softmaxFocal(loss.gamma, y, z, a, delta)
		}
	case binaryFocal:
		if out == Sigmoid {
			return sigmoidFocal(loss.gamma, y, z, delta)
		}
	case byOutput:
		return outputLosses(loss, out, y, z, a, delta)
	}
	sum := 0.0
	for j := range y {
		sum += loss.L(float64(y[j]), float64(a[j]))
	}
	if delta != nil {
		for j := range y {
			delta[j] = T(loss.D(float64(y[j]), float64(a[j])))
		}
		timesDerivative(out, z, a, delta)
	}
	return sum
}

// outputLosses sums the losses of outputs that have different ones, in the order of the outputs.
func outputLosses[T Float](loss byOutput, out Activation, y, z, a, delta []T) float64 {
	sum := 0.0
	for j := range y {
		own := delta
		if delta != nil {
			own = delta[j : j+1]
		}
		sum += sampleLoss(loss.Of(j), out, y[j:j+1], z[j:j+1], a[j:j+1], own)
	}
	return sum
}
