package lab

import (
	"context"
	"math"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
)

// Verified compares the gradient of every parameter with a numeric derivative. For the chosen
// weight it also holds how the numeric derivative's error depends on its step.
type Verified struct {
	nn.Check
	Rows   int // number of rows that the loss is summed over
	Groups []VerifiedGroup
	At     lesson.Address // the parameter with the largest error
	Weight lesson.Address // the weight whose error over the step is shown
	Steps  []StepError
}

// VerifiedGroup is one tensor of parameters.
type VerifiedGroup struct {
	At lesson.Address // its parameter with the largest error
	nn.CheckGroup
}

// StepError is the relative error of the numeric derivative (L(w+h) - L(w-h)) / 2h.
type StepError struct{ H, Error float64 }

const (
	mostVerifiedRows = 50 // maximum number of rows, as in gradus check
	mostVerified     = 2000
	mostVerifiedWork = 2e10 // maximum number of multiply-adds; in a large network fewer parameters are checked
)

// verify compares all gradients with numeric derivatives, on the first rows.
func verify(ctx context.Context, f *Frame) (any, error) {
	net, c := f.Net, f.Fit.Config()
	part := first(f.Training, mostVerifiedRows)
	rows := part.X.Rows
	v := &Verified{Rows: rows, Weight: f.View.Weight}
	each := 2 * float64(rows) * float64(len(net.Params())) // two forward passes
	v.Check = nn.CheckGradient(net, c.Loss, part.X, part.Y, nn.CheckOptions{
		Max: min(mostVerified, max(20, int(mostVerifiedWork/each))), Seed: f.Setup.Options.Seed, Reduction: c.Reduction, Penalty: c.Penalty, Weights: part.W,
		GoOn: func() bool { return ctx.Err() == nil },
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	v.At = address(net, v.Worst.Index)
	for _, g := range v.Check.Groups {
		v.Groups = append(v.Groups, VerifiedGroup{address(net, g.Worst.Index), g})
	}
	v.Steps = stepErrors(ctx, net.WithoutDropout(), c.Loss, c.Reduction, part, v.Weight)
	return v, nil
}

func address(net *nn.Network[float64], index int) lesson.Address {
	l, in, unit := net.Locate(index)
	return lesson.Address{Layer: l, In: in, Unit: unit}
}

// stepErrors returns the errors of the central difference with steps from 1e-1 down to 1e-13.
func stepErrors(ctx context.Context, net *nn.Network[float64], loss nn.Loss, r nn.Reduction, part model.Part, w lesson.Address) []StepError {
	index, err := net.Index(w.Layer, w.In, w.Unit)
	if err != nil {
		return nil
	}
	tape, grad := net.NewTape(part.X.Rows), make([]float64, len(net.Params()))
	trainingLoss(net, tape, loss, r, part)
	net.Backprop(tape, loss, part.Y, r.Scale(part.X.Rows, part.W), grad)
	g, p := grad[index], net.Params()
	at := func(v float64) float64 {
		was := p[index]
		p[index] = v
		l := trainingLoss(net, tape, loss, r, part)
		p[index] = was
		return l
	}
	var out []StepError
	for e := -1.0; e >= -13 && ctx.Err() == nil; e -= 0.5 {
		h := math.Pow(10, e)
		up, down := p[index]+h, p[index]-h
		n := (at(up) - at(down)) / (up - down)
		if size := math.Abs(g) + math.Abs(n); size > 0 {
			out = append(out, StepError{h, math.Abs(g-n) / size})
		}
	}
	return out
}

// Curve shows the error over the step. As h gets smaller, the error falls with h² and then rises as 1/h,
// because the difference of two nearly equal losses has few digits left.
func (v *Verified) Curve(width, height int) plot.Chart {
	s := plot.Series{Name: "relative error of the central difference"}
	for _, e := range v.Steps {
		s.X, s.Y = append(s.X, e.H), append(s.Y, e.Error)
	}
	return plot.Chart{XLabel: "step h", YLabel: "error", LogX: true, LogY: true, Series: []plot.Series{s}, Width: width, Height: height,
		Mark: &plot.Mark{X: 6.0554544523933429e-06, Label: "∛ε, the check's step"}}
}
