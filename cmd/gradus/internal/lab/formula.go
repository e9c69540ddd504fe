package lab

import (
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/nn"
)

// The page shows numbers with six digits, or with as many digits as distinguish them from all other
// numbers. 17 digits always read back as the same float64; gradus explain prints its sums with those.

// digits formats the numbers of one frame.
type digits bool

func (d digits) format(x float64) string { return minus(d.plain(x)) }

// plain is like format, but with a hyphen as the minus sign.
func (d digits) plain(x float64) string {
	if x == 0 {
		return "0" // also for -0
	}
	if d {
		return strconv.FormatFloat(x, 'g', 17, 64)
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}

// minus replaces the hyphen of a number by the sign − for readers. In a field, a command line and a file a number keeps the hyphen.
func minus(number string) string { return strings.ReplaceAll(number, "-", "−") }

// signed is minus for a sentence: it changes only the hyphens of numbers.
func signed(text string) string { return anySign.ReplaceAllString(text, "$1−$2") }

var anySign = regexp.MustCompile(`(^|[\s(=]|\de)-(\d)`)

// full writes a gradient as gradus explain prints it.
func full(x float64) string { return strconv.FormatFloat(x, 'g', 17, 64) }

// mathml writes formulas. Its methods return pieces of a formula.
type mathml struct{ digits digits }

// mi writes a variable, mn a number and mo an operator.
func mi(s string) string { return "<mi>" + html.EscapeString(s) + "</mi>" }
func mo(s string) string { return "<mo>" + html.EscapeString(s) + "</mo>" }
func (m mathml) mn(x float64) string {
	s := m.digits.plain(x)
	exactly := `<mn data-value="` + full(x) + `">`
	mantissa, power, found := strings.Cut(strings.TrimPrefix(s, "-"), "e")
	out := exactly + mantissa + "</mn>"
	if found {
		n, _ := strconv.Atoi(power)
		out = "<mrow>" + exactly + mantissa + "</mn>" + mo("×") + "<msup><mn>10</mn><mn>" + minus(strconv.Itoa(n)) + "</mn></msup></mrow>"
	}
	if strings.HasPrefix(s, "-") {
		return `<mrow><mo form="prefix">−</mo>` + out + "</mrow>"
	}
	return out
}

// sub writes a symbol of layer l with indices. The layer is a superscript in brackets.
func sub(symbol string, l int, index ...int) string {
	text := make([]string, len(index))
	for i, n := range index {
		text[i] = strconv.Itoa(n)
	}
	return fmt.Sprintf("<msubsup>%s<mtext>%s</mtext><mtext>(%d)</mtext></msubsup>", mi(symbol), strings.Join(text, ","), l)
}

func frac(top, bottom string) string {
	return "<mfrac><mrow>" + top + "</mrow><mrow>" + bottom + "</mrow></mfrac>"
}

func partial(of, by string) string { return frac(mo("∂")+of, mo("∂")+by) }

// parameter writes the symbol of a weight or bias.
func parameter(a lesson.Address) string {
	switch a.In {
	case nn.OfBias:
		return sub("b", a.Layer, a.Unit)
	case nn.OfGamma:
		return sub("γ", a.Layer, a.Unit)
	case nn.OfBeta:
		return sub("β", a.Layer, a.Unit)
	}
	return sub("w", a.Layer, a.In, a.Unit)
}

// factor writes the symbol of a factor of the chain rule.
func factor(f lesson.Factor) string {
	switch f.Kind {
	case lesson.LossByOutput:
		return partial(mi("L"), sub("a", f.Layer, f.Unit))
	case lesson.LossByZ:
		return partial(mi("L"), sub("z", f.Layer, f.Unit))
	case lesson.Slope:
		return "<mrow><msup>" + mi("f") + mo("′") + "</msup>" + mo("(") + sub("z", f.Layer, f.Unit) + mo(")") + "</mrow>"
	case lesson.WeightOf:
		return sub("w", f.Layer, f.In, f.Unit)
	case lesson.InputOf:
		return fmt.Sprintf("<msub>%s<mn>%d</mn></msub>", mi("x"), f.Unit)
	case lesson.ActivationOf:
		return sub("a", f.Layer, f.Unit)
	case lesson.HatOf:
		return sub("ŝ", f.Layer, f.Unit)
	case lesson.ThroughNorm:
		return partial(sub("z", f.Layer, f.Unit), sub("s", f.Layer, f.In))
	}
	return "<mn>1</mn>"
}

// block writes one formula in display style.
func block(label, body string) template.HTML {
	return template.HTML(`<math display="block" class="formula" aria-label="` + html.EscapeString(label) + `">` + body + `</math>`)
}

// chain writes a formula that may be broken before each of its pieces.
func chain(label string, pieces ...string) template.HTML {
	return template.HTML(`<div class="chain" role="math" aria-label="` + html.EscapeString(label) + `"><math>` + strings.Join(pieces, "</math> <math>") + `</math></div>`)
}

// equals and plus begin a piece of a chain.
const (
	equals = `<mo form="infix">=</mo>`
	plus   = `<mo form="infix">+</mo>`
)

// pair writes a symbol with its number below it.
func (m mathml) pair(symbol string, value float64, brackets bool) string {
	number := m.mn(value)
	if brackets {
		number = m.bracket(value)
	}
	return `<span class="pair2"><math><mrow>` + tall + symbol + `</mrow></math><math class="value"><mrow>` + strut + number + `</mrow></math></span>`
}

// strut makes all numbers of a row equally high, so that they are on one line. tall does the same for
// the symbols.
const (
	strut = `<mspace width="0" height="0.9em" depth="0.35em"></mspace>`
	tall  = `<mspace width="0" height="1.25em" depth="1.05em"></mspace>`
)

// op writes an operator between pairs, both on the line of the symbols and on the line of the numbers.
func op(above, below string) string {
	return `<span class="pair2"><math><mrow>` + tall + mo(above) + `</mrow></math><math class="value"><mrow>` + strut + mo(below) + `</mrow></math></span>`
}

// pairs writes a row of pairs that is read aloud as the label.
func pairs(label string, parts ...string) template.HTML {
	return template.HTML(`<div class="pairs" role="math" aria-label="` + html.EscapeString(label) + `">` + strings.Join(parts, "") + `</div>`)
}

// path writes a path of the chain rule: the factors' symbols with their numbers below them, and the
// product.
func (m mathml) path(p lesson.Path) template.HTML {
	var parts, spoken []string
	for i, f := range p.Factors {
		if i > 0 {
			parts = append(parts, worded(op("·", "·"), ""))
		}
		parts = append(parts, tied(worded(m.pair(factor(f), f.Value, i > 0), meaning(f, i)), f))
		spoken = append(spoken, f.Symbol+" = "+m.digits.format(f.Value))
	}
	own := ""
	if len(p.Factors) > 3 {
		own = " own" // a line of its own
	}
	parts = append(parts, `<span class="product pair2`+own+`"><math class="value"><mrow>`+strut+mo("=")+m.mn(p.Product)+`</mrow></math><small class="says"></small></span>`)
	return pairs(strings.Join(spoken, " times ")+", product "+m.digits.format(p.Product), parts...)
}

// worded puts a line of words under a pair.
func worded(pair, words string) string {
	return strings.TrimSuffix(pair, "</span>") + `<small class="says">` + words + `</small></span>`
}

// meaning says in words what the i-th factor of a path is, counted from the loss.
func meaning(f lesson.Factor, i int) string {
	switch f.Kind {
	case lesson.LossByOutput, lesson.LossByZ:
		return "how wrong"
	case lesson.Slope:
		if i == 1 {
			return "how steep the output is here"
		}
		return "how steep this unit is here"
	case lesson.WeightOf:
		return "how much is passed on"
	case lesson.InputOf:
		return "what comes in"
	case lesson.ActivationOf:
		return "the output of the unit before"
	case lesson.HatOf:
		return "the normalized sum"
	case lesson.ThroughNorm:
		return "what the norm lets through"
	}
	return ""
}

// tied ties a factor to its weight or unit in the picture.
func tied(pair string, f lesson.Factor) string {
	id := ""
	switch f.Kind {
	case lesson.WeightOf:
		id = "edge-" + lesson.Address{Layer: f.Layer, In: f.In, Unit: f.Unit}.String()
	case lesson.InputOf:
		id = "unit-" + Unit{0, f.Unit}.String()
	case lesson.LossByOutput, lesson.LossByZ, lesson.Slope, lesson.ActivationOf:
		id = "unit-" + Unit{f.Layer + 1, f.Unit}.String()
	default:
		return pair
	}
	return strings.Replace(pair, `<span class="pair2"`, `<span class="pair2" data-ties="`+strings.ReplaceAll(id, ".", "-")+`"`, 1)
}

// head writes the gradient's symbol and the sum that it equals.
func (m mathml) head(e *lesson.Explanation) template.HTML {
	left := partial(mi("L"), parameter(e.Weight)) + mo("=")
	if len(e.Paths) == 1 {
		var b strings.Builder
		for i, f := range e.Paths[0].Factors {
			if i > 0 {
				b.WriteString(mo("·"))
			}
			b.WriteString(factor(f))
		}
		return block("the chain rule", left+b.String())
	}
	sum := "z" // the sum that the weight is in
	if e.Layers[e.Weight.Layer].Norm != nil && e.Weight.In != nn.OfGamma && e.Weight.In != nn.OfBeta {
		sum = "s"
	}
	if e.Batch > 0 {
		return block("the chain rule, over all rows of the batch", left+fmt.Sprintf(
			"<munder>%s<mtext>%d\u00a0rows</mtext></munder>%s", mo("∑"), e.Batch, partial(mi("L"), mi(sum))+mo("·")+partial(mi(sum), parameter(e.Weight))))
	}
	return block("the chain rule, over all paths", left+fmt.Sprintf(
		"<munder>%s<mtext>%d\u00a0paths</mtext></munder>%s", mo("∑"), e.PathCount,
		partial(mi("L"), mi("a"))+mo("·")+"<mrow><msup>"+mi("f")+mo("′")+"</msup>"+mo("(")+mi("z")+mo(")")+"</mrow>"+mo("⋯")+partial(mi(sum), parameter(e.Weight))))
}

// recursion writes one level of backpropagation with its numbers.
func (m mathml) recursion(e *lesson.Explanation) []template.HTML {
	r := e.Recursion
	l, j := r.Unit.Layer, r.Unit.Unit
	delta := sub("δ", l, j)
	atZ, last := delta, r.Delta
	if e.Layers[l].Norm != nil {
		atZ = partial(mi("L"), sub("z", l, j))
	}
	var out []template.HTML
	if r.Start != nil {
		var letters, numbers []string
		for _, f := range r.Start {
			letters, numbers = append(letters, factor(f)), append(numbers, m.bracket(f.Value))
		}
		if len(r.Start) > 1 {
			out = append(out, block("delta of the unit", atZ+mo("=")+strings.Join(letters, mo("·"))))
		}
		out = append(out, block("delta in numbers", atZ+mo("=")+strings.Join(numbers, mo("·"))+mo("=")+m.mn(r.Delta)))
	} else {
		out = append(out, block("delta of the unit", atZ+mo("=")+factor(r.Slope)+mo("·")+
			"<munder>"+mo("∑")+mi("k")+"</munder>"+
			fmt.Sprintf("<msubsup>%s<mrow><mn>%d</mn>%s%s</mrow><mtext>(%d)</mtext></msubsup>", mi("w"), j, mo(","), mi("k"), l+1)+mo("·")+
			fmt.Sprintf("<msubsup>%s%s<mtext>(%d)</mtext></msubsup>", mi("δ"), mi("k"), l+1)))
		var rows strings.Builder
		for _, t := range r.Terms {
			m.term(&rows, mi("k")+mo("=")+"<mn>"+strconv.Itoa(t.Unit.Unit)+"</mn>", t.Weight, t.Delta, t.Product)
		}
		m.rest(&rows, r.Count-len(r.Terms), r.Rest)
		out = append(out, block("the terms of the sum", "<mtable>"+rows.String()+"</mtable>"),
			block("delta in numbers", atZ+mo("=")+m.mn(r.Slope.Value)+mo("·")+m.bracket(r.Sum)+mo("=")+m.mn(r.Delta)))
	}
	if s := r.Norm; s != nil {
		mean := func(body string) string { return mi("mean") + mo("(") + body + mo(")") }
		hat := sub("ŝ", l, j)
		last = s.Delta
		out = append(out,
			block("g", mi("g")+mo("=")+sub("γ", l, j)+mo("·")+atZ+mo("=")+m.mn(s.Gamma)+mo("·")+m.bracket(r.Delta)+mo("=")+m.mn(s.G)),
			pairs(fmt.Sprintf("delta back through the norm: %s times (%s minus %s minus %s times %s) is %s", m.digits.format(s.Rstd), m.digits.format(s.G), m.digits.format(s.MeanG), m.digits.format(s.Hat), m.digits.format(s.MeanGHat), m.digits.format(s.Delta)),
				m.pair(delta, s.Delta, false), op("=", "="), m.pair(frac("<mn>1</mn>", "<msqrt>"+mi("v")+mo("+")+mi("ε")+"</msqrt>"), s.Rstd, false), op("·", "·"), op("(", "("),
				m.pair(mi("g"), s.G, false), op("−", "−"), m.pair(mean(mi("g")), s.MeanG, true), op("−", "−"), m.pair(hat, s.Hat, true), op("·", "·"), m.pair(mean(mi("g")+mo("·")+mi("ŝ")), s.MeanGHat, true), op(")", ")")))
	}
	if r.Rows != nil { // the sample is one of them
		return out
	}
	if r.Norm == nil {
		delta = atZ
	}
	return append(out, block("the gradient", partial(mi("L"), parameter(e.Weight))+mo("=")+delta+mo("·")+factor(r.Input)+mo("=")+m.mn(last)+mo("·")+m.bracket(r.Input.Value)))
}

// rows writes the sum over a batch. numbers are the row numbers in the table.
func (m mathml) rows(e *lesson.Explanation, numbers []int) template.HTML {
	r := e.Recursion.Rows
	var rows strings.Builder
	for _, t := range r.Terms {
		name := fmt.Sprintf("<mtext>row\u00a0%d</mtext>", numbers[t.Row])
		if t.Row == e.Row {
			name = fmt.Sprintf("<mtext>this\u00a0row,\u00a0%d</mtext>", numbers[t.Row])
		}
		m.term(&rows, name, t.Delta, t.Input, t.Product)
	}
	m.rest(&rows, r.Count-len(r.Terms), r.Rest)
	return block("the rows of the sum", "<mtable>"+rows.String()+"</mtable>")
}

// term writes a line of a sum of products, and rest the terms that the lines leave out.
func (m mathml) term(b *strings.Builder, name string, x, y, product float64) {
	fmt.Fprintf(b, "<mtr><mtd>%s</mtd><mtd>%s</mtd><mtd>%s</mtd><mtd>%s</mtd><mtd>%s</mtd><mtd>%s</mtd></mtr>",
		name, m.mn(x), mo("·"), m.bracket(y), mo("="), m.mn(product))
}

func (m mathml) rest(b *strings.Builder, more int, rest float64) {
	if more > 0 {
		fmt.Fprintf(b, "<mtr><mtd><mtext>%d\u00a0more</mtext></mtd><mtd></mtd><mtd></mtd><mtd></mtd><mtd>%s</mtd><mtd>%s</mtd></mtr>", more, mo("="), m.mn(rest))
	}
}

// update writes w <- w - rate * gradient with its numbers.
func (m mathml) update(a lesson.Address, before, rate, gradient, after float64) template.HTML {
	w := parameter(a)
	return pairs(fmt.Sprintf("%s minus %s times %s is %s", m.digits.format(before), m.digits.format(rate), m.digits.format(gradient), m.digits.format(after)),
		m.pair(w, after, false), op("←", "="), m.pair(w, before, false), op("−", "−"),
		m.pair(mi("η"), rate, false), op("·", "·"), m.pair(partial(mi("L"), w), gradient, true))
}

// bracket puts a negative number in parentheses.
func (m mathml) bracket(x float64) string {
	if x < 0 {
		return `<mrow><mo stretchy="false">(</mo>` + m.mn(x) + `<mo stretchy="false">)</mo></mrow>`
	}
	return m.mn(x)
}
