package lab

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// Stop is one step of the guided way through the notebook: a run, what to look at, and a text
// whose numbers are those of the run.
type Stop struct {
	Title   string
	Example string
	Weight  lesson.Address
	Phase   int
	text    string // name of its template
}

// Guide lists the stops, in the notebook's order.
func Guide() []Stop { return slices.Clone(guide) }

var guide = []Stop{
	{"The loss", "notebook-one", lesson.Address{Layer: 1}, 0, "guide-loss"},
	{"Forward", "notebook-one", lesson.Address{Layer: 0}, 3, "guide-forward"},
	{"The chain rule", "notebook-one", lesson.Address{Layer: 1}, 0, "guide-chain"},
	{"The output layer", "notebook-one", lesson.Address{Layer: 1}, 4, "guide-output"},
	{"The hidden layer", "notebook", lesson.Address{Layer: 0, In: 2, Unit: 3}, 0, "guide-hidden"},
	{"The update", "notebook-one", lesson.Address{Layer: 1}, 0, "guide-update"},
	{"Batch", "notebook", lesson.Address{Layer: 1}, 0, "guide-batch"},
	{"Stochastic", "notebook-stochastic", lesson.Address{Layer: 1}, 0, "guide-stochastic"},
	{"Mini-batch", "notebook-mini-batch", lesson.Address{Layer: 1}, 0, "guide-mini-batch"},
	{"Tolerance", "notebook", lesson.Address{Layer: 1}, 0, "guide-tolerance"},
}

// Visit goes to a stop of the guide, from 1.
func (s *Session) Visit(n int) error {
	if n < 1 || n > len(guide) {
		return fmt.Errorf("%w: the lesson has the steps 1 to %d", ErrSetup, len(guide))
	}
	stop := guide[n-1]
	if f := s.Frame(); f.Setup.Link() != ExampleOf(stop.Example).Setup.Link() || f.At > 0 && n < 7 {
		if err := s.LoadExample(stop.Example); err != nil {
			return err
		}
	}
	s.Look(func(v *View) { v.Tab, v.Lesson, v.Row, v.Weight, v.Phase = "lesson", n, 0, stop.Weight, stop.Phase })
	return nil
}

// Stops are the guide's steps with the present one marked.
func (p panelData) Stops() []Stop { return guide }

// StopNumber is the present step, 1 before the first was chosen.
func (p panelData) StopNumber() int { return max(1, p.View.Lesson) }

// StopText is the present step's text.
func (p panelData) StopText() template.HTML {
	stop := guide[p.StopNumber()-1]
	if p.Setup.Example != stop.Example {
		return template.HTML(fmt.Sprintf(`<p>Ten short steps through the notebook, from the loss to the tolerance, each on a live net. It replaces the run at the left.</p>
<p><button class="main" data-do="lesson" data-step="%d" id="lesson-open">Start step %[1]d</button></p>`, p.StopNumber()))
	}
	if p.Explained() == nil {
		return template.HTML("<p>" + html.EscapeString(p.Unexplained()) + "</p>")
	}
	return template.HTML(execute(stop.text, p.Frame))
}

// Squared is the notebook's loss of one output in numbers.
func (p panelData) Squared() template.HTML {
	e, err := p.Explain()
	if err != nil {
		return ""
	}
	m, o := p.M(), e.Outputs[0]
	return block("the loss", mi("L")+mo("=")+"<mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mrow>"+mo("(")+mi("y")+mo("−")+mi("ŷ")+mo(")")+"</mrow><mn>2</mn></msup>"+
		mo("=")+"<mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mrow>"+mo("(")+m.mn(o.Target)+mo("−")+m.mn(o.Output)+mo(")")+"</mrow><mn>2</mn></msup>"+
		mo("=")+m.mn(e.Loss))
}

// Weighted is z of a unit as the sum it is, then its activation.
func (p panelData) Weighted(l, unit int) template.HTML {
	e, err := p.Explain()
	if err != nil || l >= p.Net.Depth() || unit >= p.Net.Layer(l).Units {
		return ""
	}
	m, w := p.M(), p.Net.Weights(l)
	in := e.Input
	if l > 0 {
		in = e.Layers[l-1].A
	}
	var sum []string
	for i := range min(w.Rows, 6) {
		sum = append(sum, m.bracket(w.At(i, unit))+mo("·")+m.mn(in[i]))
	}
	layer := e.Layers[l]
	return block("z", sub("z", l, unit)+mo("=")+strings.Join(sum, mo("+"))+mo("=")+m.mn(layer.Z[unit])) +
		block("a", sub("a", l, unit)+mo("=")+mi("f")+mo("(")+sub("z", l, unit)+mo(")")+mo("=")+"<mfrac><mn>1</mn><mrow><mn>1</mn>"+mo("+")+"<msup>"+mi("e")+"<mrow>"+mo("−")+sub("z", l, unit)+"</mrow></msup></mrow></mfrac>"+mo("=")+m.mn(layer.A[unit]))
}

// Within are the outputs on all training rows, with how far each is from its target in parts of
// what the tolerance allows.
func (p panelData) Within() []withinRow {
	out := p.Net.Predict(p.Training.X)
	r := 0.001
	if t := p.Setup.Options.Tolerance; t != nil {
		r = *t
	}
	var rows []withinRow
	for i := range min(12, out.Rows) {
		a, y := out.At(i, 0), p.Training.Y.At(i, 0)
		off, allowed := math.Abs(y-a), 1e-8+r*math.Abs(a)
		rows = append(rows, withinRow{p.Training.Rows[i], y, a, off, allowed, off <= allowed})
	}
	return rows
}

type withinRow struct {
	Row            int
	Target, Output float64
	Off, Allowed   float64
	Inside         bool
}
