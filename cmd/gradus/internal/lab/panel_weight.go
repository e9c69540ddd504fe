package lab

import (
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// The panel Weight: a weight's chain rule and its next update.

// From says where the chosen weight comes from and goes to.
func (p panelData) From() string {
	w := p.View.Weight
	switch {
	case w.In == nn.OfGamma:
		return fmt.Sprintf("Gamma, the scale of the norm, of unit %d in layer %d", w.Unit, w.Layer)
	case w.In == nn.OfBeta:
		return fmt.Sprintf("Beta, the shift of the norm, of unit %d in layer %d", w.Unit, w.Layer)
	case w.In < 0:
		return fmt.Sprintf("The bias of unit %d in layer %d", w.Unit, w.Layer)
	case w.Layer == 0:
		return fmt.Sprintf("From input %d, %s, to unit %d of layer 0", w.In, p.Fit.Encoding.InputNames()[w.In], w.Unit)
	}
	return fmt.Sprintf("From unit %d of layer %d to unit %d of layer %d", w.In, w.Layer-1, w.Unit, w.Layer)
}

// WeightMath writes the symbol of the chosen weight with its value.
func (p panelData) WeightMath(value float64) template.HTML {
	return template.HTML("<math>" + parameter(p.View.Weight) + mo("=") + p.M().mn(value) + "</math>")
}

// Head, Path, Steps and Update write formulas.
func (p panelData) Head(e *lesson.Explanation) template.HTML { return p.M().head(e) }

func (p panelData) Path(path lesson.Path) template.HTML { return p.M().path(path) }

func (p panelData) Steps(e *lesson.Explanation) []template.HTML {
	out := p.M().recursion(e)
	if e.Recursion.Rows != nil {
		out = append(out, p.M().rows(e, p.besideRows()))
	}
	return out
}

// besideRows returns Beside as rows of the table.
func (p panelData) besideRows() []int {
	var out []int
	for _, row := range p.Beside() {
		out = append(out, p.Training.Rows[row])
	}
	return out
}

// Together says which rows batch normalization is shown over.
func (p panelData) Together() string {
	rows := p.Beside()
	switch n := len(p.Next); {
	case n > 1 && slices.Equal(rows, p.Next):
		return fmt.Sprintf("the %d rows of the next update", n)
	case n > 1 && len(rows) == n+1 && slices.Equal(rows[:n], p.Next):
		return fmt.Sprintf("the %d rows of the next update and the chosen one", n)
	}
	return fmt.Sprintf("%d training rows", len(rows))
}

func (p panelData) Update(before, rate, gradient, after float64) template.HTML {
	return p.M().update(p.View.Weight, before, rate, gradient, after)
}

// Explained returns the chain rule of the chosen weight, or nil if there is none to write down.
// Unexplained then says why.
func (p panelData) Explained() *lesson.Explanation {
	e, err := p.Explain()
	if err != nil {
		return nil
	}
	return e
}

func (p panelData) Unexplained() string {
	_, err := p.Explain()
	return err.Error()
}

// WeightValue returns the chosen weight's value.
func (p panelData) WeightValue() float64 {
	w := p.View.Weight
	i, err := p.Net.Index(w.Layer, w.In, w.Unit)
	if err != nil {
		return math.NaN()
	}
	return p.Net.Params()[i]
}

// Solver reports whether the optimizer is a solver, which has no rule to write down. Dropped reports
// whether an update leaves out units.
func (p panelData) Solver() bool { return p.Fit.Config().Solver != nil }

func (p panelData) Dropped() bool {
	o := &p.Setup.Options
	return o.Dropout > 0 || o.InputDropout > 0
}

// Shaped and Rule write the next update's equations, and Kept what is done to the weight afterwards.
func (p panelData) Shaped(next *train.Preview) []template.HTML {
	return p.M().shaped(p.Fit.Config(), p.View.Weight, next)
}

func (p panelData) Rule(next *train.Preview) []template.HTML {
	return p.M().rule(p.Fit.Config(), p.View.Weight, next)
}

func (p panelData) Kept() string {
	if c := p.Fit.Config().MaxNorm; c > 0 && p.View.Weight.In >= 0 {
		return "Then the weights into the unit are kept within the length " + short(c) + ", all by the same factor."
	}
	return ""
}

// MovedTo says how the last update changed the chosen weight.
func (p panelData) MovedTo() *lesson.Update {
	w := p.View.Weight
	i, err := p.Net.Index(w.Layer, w.In, w.Unit)
	if p.Moved == nil || err != nil {
		return nil
	}
	return &lesson.Update{Rule: p.Config()["rule"], Rate: p.Last.LearningRate, Before: p.Moved[i], After: p.Net.Params()[i]}
}
