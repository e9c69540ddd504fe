package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/plot"
)

// explainCmd is "gradus explain MODEL DATA --row N".
type explainCmd struct {
	Model     string `arg:"" help:"A model file."`
	Data      paths  `arg:"" sep:"none" help:"A table with the model's columns and its target."`
	readFlags `embed:""`

	memberFlag `embed:""`

	Row    int      `required:"" help:"The sample: a row of the table, from 0."`
	Weight string   `placeholder:"L.I.J" help:"The weight from input I to unit J of layer L; L.b.J is a bias, and L.gamma.J and L.beta.J belong to a norm. Default: the weight of the first layer with the largest gradient."`
	LR     *float64 `name:"lr" placeholder:"X" help:"The learning rate of the update. Default: the model's."`
	Out    string   `short:"o" placeholder:"FILE" help:"Also draw the network with this sample's numbers: .svg or .png."`
	JSON   bool     `name:"json" help:"One JSON object on standard output."`
}

func (c *explainCmd) Run(e *env) error {
	o := lesson.ExplainOptions{}
	if c.Weight != "" {
		a, err := lesson.ParseAddress(c.Weight)
		if err != nil {
			return usage{fmt.Errorf("--weight: %w", err)}
		}
		o.Weight = &a
	}
	format := ""
	if c.Out != "" {
		var err error
		if format, err = plot.FormatOf(c.Out); err != nil {
			return usage{err}
		}
		if err := checkOut(c.Out, kind(format), append(c.Data, c.Model)...); err != nil {
			return err
		}
	}
	m, err := model.Load(c.Model)
	if err != nil {
		return err
	}
	m, member, err := c.of(c.Model, m)
	if err != nil {
		return err
	}
	t, err := c.read(e, c.Data...)
	if err != nil {
		return err
	}
	p, err := c.explain(e, m, t, o)
	if err != nil {
		return err
	}
	p.member = member
	if c.Out != "" {
		if err := e.writeFigure(c.Out, format, p.figure()); err != nil {
			return err
		}
	}
	if c.JSON {
		return p.writeJSON()
	}
	p.print()
	if c.Out != "" {
		e.printf("\nPicture  %s\n", c.Out)
	}
	return nil
}

// explain performs the step on the row that the call names.
func (c *explainCmd) explain(e *env, m *model.Model, t *data.Table, o lesson.ExplainOptions) (*explainer, error) {
	p := &explainer{e: e, m: m, table: t, row: c.Row, names: m.Encoding.InputNames()}
	x, y, err := m.Row(t, c.Row)
	if err != nil {
		return nil, err
	}
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, err
	}
	counts, err := data.Inputs(b, []int{c.Row}, make([]float64, len(x)))
	if err != nil {
		return nil, err
	}
	e.sayAll(model.CellNotes(counts))
	o.Loss = m.Loss
	if p.solver, o.Rule, o.Rate, err = updateOf(m.Options); err != nil {
		return nil, err
	}
	if c.LR != nil {
		o.Rate = *c.LR
	}
	net := m.Network64()
	if nn.StateCount(net.Layers()...) > 0 {
		o.Batch = &lesson.Batch{}
		if o.Batch.X, o.Batch.Y, p.rows, o.Batch.Row, err = m.Batch(t, c.Row); err != nil {
			return nil, err
		}
	}
	p.x, err = lesson.Explain(net, o, x, y)
	return p, err
}

// updateOf returns the optimizer and the rate of a model's updates. A solver needs a batch to solve. For a model that
// a solver trained, updateOf returns plain gradient descent and the solver's name.
func updateOf(o model.Options) (solver string, rule optim.Optimizer, rate float64, err error) {
	if slices.Contains(optim.Solvers(), o.Optimizer) {
		return o.Optimizer, optim.SGD{}, optim.DefaultLearningRate("sgd"), nil
	}
	hyper := optim.Hyper{Momentum: o.Momentum, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon}
	if o.Optimizer == "adamw" { // for the others the trainer applies the decay
		hyper.WeightDecay = o.WeightDecay
	}
	rule, err = optim.ParseOptimizer(o.Optimizer, hyper)
	return "", rule, *o.LearningRate, err
}

// An explainer describes one step on a row in text, as JSON or as a picture.
type explainer struct {
	e      *env
	m      *model.Model
	table  *data.Table
	row    int
	x      *lesson.Explanation
	names  []string // of the inputs
	rows   []int    // of the batch
	member string   // which network of an ensemble this is, in words; "": there is one network
	solver string   // the solver that trained the model; "": an optimizer. The update shown is not a solver's step.
}

// figure draws the network with the sample's numbers and the weight that is explained.
func (p *explainer) figure() plot.Net {
	fig := networkFigure(p.m)
	fig.Title = fmt.Sprintf("Row %d of %s", p.row, p.table.Name())
	fig.InputValues = p.x.Input
	for l := range fig.Layers {
		fig.Layers[l].Z, fig.Layers[l].A, fig.Layers[l].Delta = p.x.Layers[l].Z, p.x.Layers[l].A, p.x.Layers[l].Delta
	}
	w := p.x.Weight
	in := w.In
	if in < 0 {
		in = plot.Bias
	}
	fig.Highlight = &plot.Edge{Layer: w.Layer, In: in, Out: w.Unit}
	return fig
}

func (p *explainer) writeJSON() error {
	return p.e.writeJSON(struct {
		*lesson.Explanation
		Solver string `json:"solver,omitempty"`
		Rows   []int  `json:"rows,omitempty"`
		Member string `json:"member,omitempty"`
	}{p.x, p.solver, p.rows, p.member})
}

func (p *explainer) print() {
	p.e.printf("One step on row %d of %s, in float64. Units are named [layer.unit], inputs [in], weights [layer.in.unit], from 0.\n\n", p.row, p.table.Name())
	if p.member != "" {
		p.e.printf("This is %s.\n\n", p.member)
	}
	p.forward()
	p.chain()
	p.update()
}

const mostUnits = 12 // how many units of a layer are printed at most

func num(x float64) string { return strconv.FormatFloat(x, 'g', 10, 64) }

func (p *explainer) forward() {
	e, x := p.e, p.x
	if x.Batch > 0 {
		e.printf("Batch normalization takes its means and variances over %d rows of the table, %d to %d; the loss is summed over them.\n\n", x.Batch, p.rows[0], p.rows[len(p.rows)-1])
	}
	e.printf("Forward: z = x·W + b, a = f(z); then delta = dL/dz, from the last layer back\n\n")
	e.printf("  %-8s %16s   %s\n", "", "value", "input")
	for i, v := range x.Input {
		if i == mostUnits {
			e.printf("  ... %d more inputs\n", len(x.Input)-i)
			break
		}
		e.printf("  %-8s %16s   %s\n", fmt.Sprintf("x[%d]", i), num(v), p.names[i])
	}
	for l, layer := range x.Layers {
		e.printf("\n  %-8s %16s %16s %16s %16s\n", fmt.Sprintf("layer %d", l), "z", "a = "+cut(layer.Activation, 12), "f'(z)", "delta")
		for j := range layer.Z {
			if j == mostUnits && l < len(x.Layers)-1 {
				e.printf("  ... %d more units\n", len(layer.Z)-j)
				break
			}
			slope := "(a matrix)"
			if layer.Derivative != nil {
				slope = num(layer.Derivative[j])
			}
			e.printf("  %-8s %16s %16s %16s %16s\n", fmt.Sprintf("[%d.%d]", l, j), num(layer.Z[j]), num(layer.A[j]), slope, num(layer.Delta[j]))
		}
	}
	for l, layer := range x.Layers {
		p.norm(l, layer.Norm)
	}
	e.printf("\nLoss: %s\n\n", p.m.Loss)
	outputs := p.m.Encoding.OutputNames()
	for k, o := range x.Outputs {
		e.printf("  output %d, %s: target %s, yhat %s, loss %s, dL/dyhat %s\n", k, outputs[k], num(o.Target), num(o.Output), num(o.Loss), num(o.Derivative))
	}
	e.printf("  L = %s\n", num(x.Loss))
}

// norm prints what a layer's norm did, if it has one.
func (p *explainer) norm(l int, m *lesson.Norm) {
	if m == nil {
		return
	}
	over := fmt.Sprintf("the %d units", m.N)
	if m.Kind == nn.BatchNorm.String() {
		over = fmt.Sprintf("the %d rows", m.N)
	}
	p.e.printf("\n  %s norm of layer %d, over %s: s = x·W + b, hat = (s - mean)·rstd, z = gamma·hat + beta; delta is dL/ds\n\n", m.Kind, l, over)
	g := grid{rows: [][]string{{"", "s", "mean", "rstd", "hat", "gamma", "beta"}}, indent: 2, cut: 5}
	for j := range m.S[:min(mostUnits, len(m.S))] {
		g.add(fmt.Sprintf("[%d.%d]", l, j), num(m.S[j]), num(m.Mean[j]), num(m.Rstd[j]), num(m.Hat[j]), num(m.Gamma[j]), num(m.Beta[j]))
	}
	p.e.writeGrid(g)
	if more := len(m.S) - mostUnits; more > 0 {
		p.e.printf("  ... %d more units\n", more)
	}
}

// chain prints the chain rule of the chosen weight.
func (p *explainer) chain() {
	e, x := p.e, p.x
	name := fmt.Sprintf("w[%s]", x.Weight)
	switch x.Weight.In {
	case nn.OfGamma:
		name = fmt.Sprintf("gamma[%d.%d]", x.Weight.Layer, x.Weight.Unit)
	case nn.OfBeta:
		name = fmt.Sprintf("beta[%d.%d]", x.Weight.Layer, x.Weight.Unit)
	case nn.OfBias:
		name = fmt.Sprintf("b[%d.%d]", x.Weight.Layer, x.Weight.Unit)
	}
	e.printf("\nThe weight %s = %s%s\n\n", name, num(x.Value), p.where())
	if x.Recursion != nil {
		p.recursion(name)
	} else {
		p.paths(name)
	}
	e.printf("\n  by backpropagation    dL/dw = %s\n", strconv.FormatFloat(x.Gradient, 'g', 17, 64))
	e.printf("  central difference    dL/dw = %s   (error %.1e)\n", strconv.FormatFloat(x.Numeric, 'g', 17, 64), x.Error)
	if x.Kink {
		e.printf("  The difference's step crosses a kink, where there is no derivative to compare with.\n")
	}
}

// where says what the weight connects.
func (p *explainer) where() string {
	w := p.x.Weight
	switch {
	case w.In == nn.OfGamma:
		return fmt.Sprintf(", the scale of the norm of unit [%d.%d]", w.Layer, w.Unit)
	case w.In == nn.OfBeta:
		return fmt.Sprintf(", the shift of the norm of unit [%d.%d]", w.Layer, w.Unit)
	case w.In < 0:
		return fmt.Sprintf(", the bias of unit [%d.%d]", w.Layer, w.Unit)
	case w.Layer == 0:
		return fmt.Sprintf(", from the input %s to unit [0.%d]", p.names[w.In], w.Unit)
	}
	return fmt.Sprintf(", from unit [%d.%d] to unit [%d.%d]", w.Layer-1, w.In, w.Layer, w.Unit)
}

func (p *explainer) paths(name string) {
	e, x := p.e, p.x
	if len(x.Paths) == 1 {
		e.printf("  The chain rule, along the one path from it to the loss:\n\n")
	} else {
		e.printf("  The chain rule, along each of the %d paths from it to the loss:\n\n", len(x.Paths))
	}
	if len(x.Paths) > 0 {
		g := factors(x.Paths[0].Factors)
		g.add("product", num(x.Paths[0].Product))
		e.writeGrid(g)
		e.printf("\n")
	}
	for i, path := range x.Paths {
		if len(x.Paths) == 1 {
			break
		}
		units := make([]string, len(path.Units))
		for j, u := range path.Units {
			units[j] = fmt.Sprintf("[%d.%d]", u.Layer, u.Unit)
		}
		symbols, values := make([]string, len(path.Factors)), make([]string, len(path.Factors))
		for j, f := range path.Factors {
			symbols[j], values[j] = f.Symbol, num(f.Value)
		}
		e.printf("    path %d: %s\n", i+1, strings.Join(units, " -> "))
		e.printf("      %s\n      = %s\n      = %s\n", strings.Join(symbols, " · "), strings.Join(values, " · "), num(path.Product))
	}
	e.printf("  %-22sdL/dw = %s\n", "sum of the paths", strconv.FormatFloat(x.Sum, 'g', 17, 64))
}

// factors returns a grid with a factor of the chain rule in each row.
func factors(all []lesson.Factor) grid {
	g := grid{rows: [][]string{nil}, align: "lrt", indent: 4}
	for _, f := range all {
		g.add(f.Symbol, num(f.Value), f.Meaning)
	}
	return g
}

func (p *explainer) recursion(name string) {
	e, x, r := p.e, p.x, p.x.Recursion
	delta := fmt.Sprintf("delta[%d.%d]", r.Unit.Layer, r.Unit.Unit)
	if x.Batch > 0 {
		e.printf("  Batch normalization ties the rows of the batch together. Backpropagation, layer by layer, of this row:\n\n")
	} else {
		e.printf("  There are %d paths from it to the loss, too many to list. Backpropagation sums them layer by layer:\n\n", x.PathCount)
	}
	atZ := delta
	if m := p.x.Layers[r.Unit.Layer].Norm; m != nil {
		atZ = fmt.Sprintf("dL/dz[%d.%d]", r.Unit.Layer, r.Unit.Unit)
	}
	if r.Start != nil {
		e.writeGrid(factors(r.Start))
		e.printf("    together %s = %s\n", atZ, num(r.Delta))
	} else {
		e.printf("    %s = f'(z) · Σ_k w[k]·delta[k], the %d largest of %d contributions first\n\n", atZ, len(r.Terms), r.Count)
		g := grid{rows: [][]string{{"k", fmt.Sprintf("w[%d.%d.k]", r.Unit.Layer+1, r.Unit.Unit), fmt.Sprintf("delta[%d.k]", r.Unit.Layer+1), "product"}}, indent: 4}
		for _, t := range r.Terms {
			g.add(strconv.Itoa(t.Unit.Unit), num(t.Weight), num(t.Delta), num(t.Product))
		}
		if more := r.Count - len(r.Terms); more > 0 {
			g.add(fmt.Sprintf("the other %d", more), "", "", num(r.Rest))
		}
		e.writeGrid(g)
		e.printf("    sum %s, times %s = %s gives %s = %s\n", num(r.Sum), r.Slope.Symbol, num(r.Slope.Value), atZ, num(r.Delta))
	}
	if s := r.Norm; s != nil {
		e.printf("    through the %s norm, with g = gamma·dL/dz = %s · %s = %s and the means over its %d:\n", s.Kind, num(s.Gamma), num(r.Delta), num(s.G), s.N)
		e.printf("    %s = dL/ds = rstd·(g - mean g - hat·mean(g·hat))\n      = %s · (%s - %s - %s · %s)\n      = %s\n", delta,
			num(s.Rstd), num(s.G), num(s.MeanG), num(s.Hat), num(s.MeanGHat), num(s.Delta))
	}
	e.printf("    times %s = %s (%s)\n\n", r.Input.Symbol, num(r.Input.Value), r.Input.Meaning)
	if rows := r.Rows; rows != nil {
		if r.Norm == nil {
			delta = atZ
		}
		e.printf("  dL/dw = Σ over the rows of %s · %s, the %d largest of %d first\n\n", delta, r.Input.Kind, len(rows.Terms), rows.Count)
		for _, t := range rows.Terms {
			e.printf("    row %-8d %18s · %18s = %18s\n", p.rows[t.Row], num(t.Delta), num(t.Input), num(t.Product))
		}
		if more := rows.Count - len(rows.Terms); more > 0 {
			e.printf("    the other %d together %*s\n", more, 38, num(rows.Rest))
		}
		e.printf("\n  %-22sdL/dw = %s\n", "sum of the rows", strconv.FormatFloat(x.Sum, 'g', 17, 64))
		return
	}
	e.printf("  %-22sdL/dw = %s\n", "the recursion", strconv.FormatFloat(x.Sum, 'g', 17, 64))
}

func (p *explainer) update() {
	e, u := p.e, p.x.Update
	e.printf("\nUpdate: w <- w - rate·g = %s - %s · %s = %s\n", num(u.Before), num(u.Rate), num(p.x.Gradient), num(u.After))
	if u := p.x.RuleUpdate; u != nil {
		e.printf("        the first update of %s, with empty state, would give %s\n", u.Rule, num(u.After))
	}
	if p.solver != "" {
		e.printf("        the model was trained by %s, which makes no such update: it uses all rows, and finds its own direction and rate\n", p.solver)
	}
}
