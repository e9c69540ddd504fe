package lab

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/http"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// Sheet is one step to work out on paper. The row, the weights and the rate are given. What follows
// from them is left out, or filled in as the solution.
type Sheet struct {
	Title    string
	Row, At  int
	Solved   bool
	Picture  template.HTML // of the network, with only the inputs filled in
	Given    []sheetLine
	Forward  []sheetLine
	Back     []sheetLine
	Gradient []sheetLine
}

// sheetLine is a symbol with its meaning and its number. The number is "" if it is to be worked out.
type sheetLine struct {
	Symbol, What template.HTML
	Number       string
}

// mostOnSheet is the maximum number of units or weights that fit on a sheet of paper.
const mostOnSheet = 24

// Sheet returns the sheet for the chosen row and weight.
func (f *Frame) Sheet(solved bool) (*Sheet, error) {
	if normed(f.Net) {
		return nil, fmt.Errorf("%w: a norm has more numbers than fit on a sheet; build a net without it", ErrSetup)
	}
	units := 0
	for l := range f.Net.Depth() {
		units += f.Net.Layer(l).Units
	}
	if n := len(f.Net.Params()); units > mostOnSheet || n > 2*mostOnSheet {
		return nil, fmt.Errorf("%w: %d units and %d weights are too many for a sheet, which takes %d and %d; build a smaller net", ErrSetup, units, n, mostOnSheet, 2*mostOnSheet)
	}
	e, err := f.Explain()
	if err != nil {
		return nil, err
	}
	p := panelData{f}
	s := &Sheet{Title: fmt.Sprintf("One step by hand, row %d of %s", p.RowNumber(), p.File()), Row: p.RowNumber(), At: f.At, Solved: solved}
	inputs := *f
	inputs.View.Phase, inputs.View.Unit = 1, Unit{}
	s.Picture = template.HTML(svg(inputs.Picture(netWidth, netHigh)))
	symbol := func(body string) template.HTML { return template.HTML("<math>" + body + "</math>") }
	given := func(body, what string, x float64) {
		s.Given = append(s.Given, sheetLine{symbol(body), template.HTML(template.HTMLEscapeString(what)), short(x)})
	}
	asked := func(to *[]sheetLine, body, what string, x float64) {
		line := sheetLine{Symbol: symbol(body), What: template.HTML(what)}
		if solved {
			line.Number = short(x)
		}
		*to = append(*to, line)
	}
	for i, name := range f.Fit.Encoding.InputNames() {
		given(fmt.Sprintf("<msub>%s<mn>%d</mn></msub>", mi("x"), i), "input "+name, e.Input[i])
	}
	for i, name := range f.outputNames() {
		given(mi("y"), "target "+name, e.Outputs[i].Target)
	}
	given(mi("η"), "rate", e.Update.Rate)
	for k, w := range f.Net.Params() {
		l, in, unit := f.Net.Locate(k)
		a := lesson.Address{Layer: l, In: in, Unit: unit}
		given(parameter(a), "weight "+a.String(), w)
	}
	last := f.Net.Depth() - 1
	for l, layer := range e.Layers {
		for j := range layer.Z {
			what := "the sum of the inputs, each times its weight"
			if f.Net.Bias(l) != nil {
				what += ", and the bias"
			}
			asked(&s.Forward, sub("z", l, j), what, layer.Z[j])
			asked(&s.Forward, sub("a", l, j), "f(z), where f is "+template.HTMLEscapeString(layer.Activation)+map[bool]string{true: "; this is ŷ"}[l == last], layer.A[j])
		}
	}
	asked(&s.Forward, mi("L"), "the loss, "+template.HTMLEscapeString(f.Fit.Config().Loss.String()), e.Loss)
	for l := last; l >= 0; l-- {
		for j, d := range e.Layers[l].Delta {
			what := "f′(z) times the sum of the δ of the next layer, each times its weight"
			if l == last {
				what = "∂L/∂z of the output"
			}
			asked(&s.Back, sub("δ", l, j), what, d)
		}
	}
	asked(&s.Gradient, partial(mi("L"), parameter(e.Weight)), "what the weight multiplies, times δ of the unit it leads to", e.Gradient)
	asked(&s.Gradient, parameter(e.Weight), "the weight after the step: w − η · ∂L/∂w, from this row alone", e.Update.After)
	return s, nil
}

// sheet answers with a sheet as a page to print.
func (s *Server) sheet(w http.ResponseWriter, r *http.Request, e *entry) {
	sheet, err := e.Frame().Sheet(r.URL.Query().Get("solved") != "")
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, ErrSetup) {
			status = http.StatusUnprocessableEntity
		}
		http.Error(w, words(err), status)
		return
	}
	var b bytes.Buffer
	if err := panels.ExecuteTemplate(&b, "sheet", sheet); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}
