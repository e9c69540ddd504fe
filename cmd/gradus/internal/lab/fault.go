package lab

import (
	"context"
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// wrongSigmoid is the sigmoid with an error in its derivative: f'(z) = a, where a·(1 - a) is
// right. It exists only in the lab.
type wrongSigmoid struct{}

func (wrongSigmoid) String() string         { return "sigmoid-wrong" }
func (wrongSigmoid) F(z float64) float64    { return nn.Sigmoid.F(z) }
func (wrongSigmoid) D(_, a float64) float64 { return a }
func (wrongSigmoid) Piece(z float64) int    { return nn.Sigmoid.Piece(z) }

// custom holds the additional activations that a setup of the lab may name.
var custom = model.Custom{Activations: []nn.Activation{wrongSigmoid{}}}

// Fault is a run that goes wrong. The visitor first predicts how.
type Fault struct {
	Name, Label string
	What        string // what is wrong
	Choices     []string
	Right       int // the index of the choice that happens
	Example     string
	change      func(*model.Options)
	updates     int // number of updates after which the fault shows
	reveal      func(start, end *nn.Network[float64], f *Frame, r train.Result) string
}

// Faults lists the faults.
func Faults() []*Fault { return slices.Clone(faults) }

func faultOf(name string) *Fault {
	for _, f := range faults {
		if f.Name == name {
			return f
		}
	}
	return nil
}

var faults = []*Fault{{
	Name: "derivative", Label: "A wrong derivative", Example: "notebook", updates: 400,
	What: "The hidden units' sigmoid has an error in its derivative: f′(z) = a, where a·(1 − a) is right.",
	Choices: []string{
		"The loss rises from the first update on.",
		"The loss still falls, and its curve shows nothing wrong.",
		"The run ends at once, with an error.",
	},
	Right:  1,
	change: func(o *model.Options) { o.Activation, o.Tolerance, o.Epochs = wrongSigmoid{}.String(), nil, 400 },
	reveal: func(start, end *nn.Network[float64], f *Frame, r train.Result) string {
		c := f.Fit.Config()
		check := nn.CheckGradient(start.Clone(), c.Loss, f.Training.X, f.Training.Y, nn.CheckOptions{Reduction: c.Reduction})
		return fmt.Sprintf("After %d updates the loss has gone from %s to %s: the wrong gradient still points downhill. But it differs from a numeric derivative by %.2g, and at most %.0g is allowed. Only this check finds the error.",
			r.Steps, short(lossOf(start, f)), short(r.Loss), check.Worst.Error, nn.CheckThreshold)
	},
}, {
	Name: "zeros", Label: "All weights start at 0", Example: "notebook-stochastic", updates: 2000,
	What: "Every weight of the 3-4-1 net starts at 0 instead of at random; then stochastic descent.",
	Choices: []string{
		"It learns, only more slowly.",
		"The four hidden units stay equal: it learns like a net with one.",
		"The gradient is 0 everywhere and no weight ever moves.",
	},
	Right:  1,
	change: func(o *model.Options) { o.Init, o.Tolerance, o.Epochs = "zeros", nil, 500 },
	reveal: func(_, end *nn.Network[float64], f *Frame, r train.Result) string {
		w := end.Weights(0)
		equal := true
		for i := range w.Rows {
			for j := range w.Cols {
				equal = equal && w.At(i, j) == w.At(i, 0)
			}
		}
		text := "differ"
		if equal {
			text = "are equal, to the last bit"
		}
		return fmt.Sprintf("After %d updates the weights into the four hidden units %s: each sees the same values and gets the same gradient. The loss stands at %s.", r.Steps, text, short(r.Loss))
	},
}, {
	Name: "rate", Label: "A rate too large", Example: "notebook-one", updates: 50,
	What: "One row, target 0.8, and a learning rate of 2000 instead of 80.",
	Choices: []string{
		"It converges in fewer updates.",
		"It keeps jumping around the target.",
		"The output sticks near 1, and the gradient is gone.",
	},
	Right:  2,
	change: func(o *model.Options) { o.LearningRate, o.Tolerance, o.Epochs = new(2000.0), nil, 50 },
	reveal: func(_, end *nn.Network[float64], f *Frame, r train.Result) string {
		h := examine(end, f.Fit.Config().Loss, f.Fit.Config().Reduction, f.Training)
		return fmt.Sprintf("After %d updates the output is %s, for a target of %s, and the gradient of the last layer is %s: the output has saturated, f′(z) = a·(1 − a) is nearly 0, and nothing moves any more.",
			r.Steps, short(end.Predict(f.Training.X).At(0, 0)), short(f.Training.Y.At(0, 0)), short(h.Layers[1].Gradient))
	},
}}

func lossOf(net *nn.Network[float64], f *Frame) float64 {
	c := f.Fit.Config()
	tape := net.NewTape(f.Training.X.Rows)
	return trainingLoss(net, tape, c.Loss, c.Reduction, f.Training)
}

// TryFault loads a run that goes wrong and asks what will happen.
func (s *Session) TryFault(name string) error {
	fault := faultOf(name)
	if fault == nil {
		return fmt.Errorf("%w: there is no fault %q", ErrSetup, name)
	}
	e := ExampleOf(fault.Example)
	t, err := e.Table()
	if err != nil {
		return err
	}
	setup := e.Setup
	fault.change(&setup.Options)
	if err := s.Load(setup, t); err != nil {
		return err
	}
	s.Look(func(v *View) { v.Fault, v.Guess = name, "" })
	return nil
}

// Guess takes the visitor's prediction, runs the fault and keeps the outcome.
func (s *Session) Guess(ctx context.Context, guess string) error {
	f := s.Frame()
	fault := faultOf(f.View.Fault)
	if fault == nil {
		return nil
	}
	if err := s.Goto(ctx, fault.updates); err != nil {
		return err
	}
	end := s.Frame()
	text := fault.reveal(end.Start, end.Net, end, end.Fit.Result())
	s.Look(func(v *View) { v.Guess = guess })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revealed = text
	s.touch()
	return nil
}
