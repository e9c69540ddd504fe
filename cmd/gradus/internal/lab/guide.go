package lab

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// Stop is one step of the lesson: a run, what to look at, a question whose answer the visitor guesses
// first, and a text with the numbers of the run.
type Stop struct {
	Title   string
	Example string
	Weight  lesson.Address
	Phase   int
	text    string // name of its template

	Ask     string
	Choices []string
	Right   int    // the index of the right choice
	Because string // in one sentence
}

// stops is how many steps the lesson has.
const stops = 10

// guesses are the visitor's guesses, one for each step. A guess is the number of a choice, from 1; 0 is none.
type guesses [stops]int

// Guide lists the stops.
func Guide() []Stop { return slices.Clone(guide) }

var guide = []Stop{
	{"The loss", "notebook-one", lesson.Address{Layer: 1}, 0, "guide-loss",
		"At the start the net predicts ŷ = 0.58, and y = 0.8 is right. The loss L is half the squared difference. If ŷ were only half as far from y, what would L be?",
		[]string{"Half of what it is.", "A quarter of what it is.", "The same."}, 1, "Half the difference, squared, is a quarter."},
	{"Forward", "notebook-one", lesson.Address{Layer: 0}, 3, "guide-forward",
		"A unit adds up its weighted inputs to z, and its output is a = f(z), where f is the sigmoid. What happens to a when z keeps growing?",
		[]string{"It grows as z does.", "It grows, but never beyond 1.", "It falls."}, 1, "The sigmoid bends every z, however large, into the range from 0 to 1."},
	{"The chain rule", "notebook-one", lesson.Address{Layer: 1}, 0, "guide-chain",
		"The yellow weight is changed a little. How many links does the chain from it to the loss L have?",
		[]string{"One: the weight changes L.", "Two: the weight changes z, and z changes L.", "Three: the weight changes z, z changes a, and a changes L."}, 2, "Each link is one factor of the derivative."},
	{"The output layer", "notebook-one", lesson.Address{Layer: 1}, 4, "guide-output",
		"ŷ is too small here, and what the yellow weight multiplies, the hidden unit's a, is positive. Which way must the weight go to make L smaller?",
		[]string{"Up.", "Down.", "It makes no difference."}, 0, "A larger weight makes z larger, and so ŷ: the derivative of L by it is negative."},
	{"The hidden layer", "notebook", lesson.Address{Layer: 0, In: 2, Unit: 3}, 0, "guide-hidden",
		"A weight into the output had three factors. How many does the yellow one have, which is a layer further back?",
		[]string{"Three as well.", "Four.", "Five."}, 2, "Two more: the next weight, and the slope of the hidden unit."},
	{"The update", "notebook-one", lesson.Address{Layer: 1}, 0, "guide-update",
		"The yellow weight is 0.529, its derivative is −0.0331 and the rate is η = 80. Where does the update take it?",
		[]string{"Down, to −2.12.", "Up, to 3.18.", "Up, to 0.562."}, 1, "0.529 − 80 · (−0.0331) = 3.18: against the gradient, by the rate times its size."},
	{"Batch", "notebook", lesson.Address{Layer: 1}, 0, "guide-batch",
		"An epoch looks at every row once. Batch descent makes one update an epoch, from all four rows together, at a rate of 3. What does the loss do?",
		[]string{"It falls from every epoch to the next.", "It falls, but goes up now and then.", "It rises."}, 0, "The gradient of all rows points downhill on exactly the loss that is drawn, and a rate of 3 does not go too far along it."},
	{"Stochastic", "notebook-stochastic", lesson.Address{Layer: 1}, 0, "guide-stochastic",
		"Stochastic descent makes an update after every single row. What does the loss over all rows do now?",
		[]string{"It falls from every epoch to the next.", "It falls, but goes up now and then.", "It rises."}, 1, "A row's own gradient need not point downhill for the others."},
	{"Mini-batch", "notebook-mini-batch", lesson.Address{Layer: 1}, 0, "guide-mini-batch",
		"Four rows, and an update for every two of them. How many updates does an epoch have?",
		[]string{"One.", "Two.", "Four."}, 1, "An epoch sees every row once: four rows are two pairs."},
	{"Tolerance", "notebook", lesson.Address{Layer: 1}, 0, "guide-tolerance",
		"Every output should come within a thousandth of its target. How many epochs does batch descent need here?",
		[]string{"About 30.", "About 300.", "Between 2,000 and 3,000."}, 2, "The nearer the outputs are, the smaller the gradient is: the last digits take the longest."},
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

// Answer takes the visitor's guess at the present step, counted from 0.
func (s *Session) Answer(guess int) error {
	n := max(1, s.Frame().View.Lesson)
	if guess < 0 || guess >= len(guide[n-1].Choices) {
		return fmt.Errorf("%w: step %d has the answers 0 to %d", ErrSetup, n, len(guide[n-1].Choices)-1)
	}
	s.Look(func(v *View) { v.Guesses[n-1] = guess + 1 })
	return nil
}

// Stops returns the guide's steps.
func (p panelData) Stops() []Stop { return guide }

// StopNumber returns the present step, or 1 before the first was chosen.
func (p panelData) StopNumber() int { return max(1, p.View.Lesson) }

// Asked returns the present step if its run is loaded, so that its question is shown, and otherwise nil.
func (p panelData) Asked() *Stop {
	if stop := &guide[p.StopNumber()-1]; p.Setup.Example == stop.Example {
		return stop
	}
	return nil
}

// Answered returns the index of the visitor's choice at the present step, or -1 before there is one.
func (p panelData) Answered() int { return p.View.Guesses[p.StopNumber()-1] - 1 }

// Done reports whether the visitor has answered step n.
func (p panelData) Done(n int) bool { return p.View.Guesses[n-1] > 0 }

// StopText returns the present step's text.
func (p panelData) StopText() template.HTML {
	stop := guide[p.StopNumber()-1]
	if p.Setup.Example != stop.Example {
		if p.View.Lesson > 0 {
			return template.HTML(execute("guide-aside", p.Frame))
		}
		return template.HTML(execute("guide-opening", p.Frame))
	}
	if p.Answered() < 0 {
		return ""
	}
	if p.Explained() == nil {
		return template.HTML("<p>" + html.EscapeString(p.Unexplained()) + "</p>")
	}
	return template.HTML(execute(stop.text, p.Frame))
}

// Squared writes half the squared error of one output in numbers.
func (p panelData) Squared() template.HTML {
	e, err := p.Explain()
	if err != nil {
		return ""
	}
	m, o := p.M(), e.Outputs[0]
	half := "<mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mrow>" + mo("(") + "%s" + mo("−") + "%s" + mo(")") + "</mrow><mn>2</mn></msup>"
	return chain("the loss", mi("L"), equals+fmt.Sprintf(half, mi("y"), mi("ŷ")), equals+fmt.Sprintf(half, m.mn(o.Target), m.mn(o.Output)), equals+m.mn(e.Loss))
}

// Weighted writes z of a unit as a sum, then the unit's activation.
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
	layer := e.Layers[l]
	sum := []string{sub("z", l, unit)}
	for i := range min(w.Rows, 6) {
		before := plus
		if i == 0 {
			before = equals
		}
		sum = append(sum, before+m.bracket(w.At(i, unit))+mo("·")+m.mn(in[i]))
	}
	return chain("z", append(sum, equals+m.mn(layer.Z[unit]))...) +
		chain("a", sub("a", l, unit), equals+mi("f")+mo("(")+sub("z", l, unit)+mo(")"), equals+"<mfrac><mn>1</mn><mrow><mn>1</mn>"+mo("+")+"<msup>"+mi("e")+"<mrow>"+mo("−")+sub("z", l, unit)+"</mrow></msup></mrow></mfrac>", equals+m.mn(layer.A[unit]))
}

// Within returns the outputs on all training rows, with each output's distance from its target as a fraction
// of the tolerance.
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
