package lab

import (
	"html/template"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// The update as the rule has it: its equations, as package optim states them, and each once more
// with the numbers of the next update. All of these are the engine's: what the rule remembers
// before and after, the gradient it gets, the weight before and after.

// speak writes a letter of an equation: as itself, or as its number. A letter with ' is the new
// value.
type speak func(letter string) string

// equations are a rule's, in the order in which it follows them. shrink is w, or what decay
// leaves of it.
func equations(r optim.Optimizer, shrink func(speak) string) []func(speak) string {
	mean := func(of, beta, what string, square bool) func(speak) string { // of' = beta·of + (1-beta)·what
		return func(v speak) string {
			last := v(what)
			if square {
				last = "<msup>" + last + "<mn>2</mn></msup>"
			}
			return v(of+"'") + v("=") + v(beta) + mo("·") + v(of) + mo("+") + mo("(") + "<mn>1</mn>" + mo("−") + v(beta) + mo(")") + mo("·") + last
		}
	}
	root := func(s string) string { return "<msqrt>" + s + "</msqrt>" }
	row := func(s ...string) string { return "<mrow>" + strings.Join(s, "") + "</mrow>" }
	rest := func(v speak, beta string) string { // 1 - betaⁿ
		return row("<mn>1</mn>", mo("−"), "<msup>", v(beta), v("n"), "</msup>")
	}
	step := func(change func(v speak) string) func(speak) string { // w' = w - η·change
		return func(v speak) string {
			return v("w'") + v("=") + shrink(v) + mo("−") + v("η") + mo("·") + change(v)
		}
	}
	corrected := func(v speak, square string) string { // √square/√(1-β2ⁿ) + ε
		return row("<mfrac>", root(v(square)), root(rest(v, "β2")), "</mfrac>", mo("+"), v("ε"))
	}
	adam := func(square string) func(speak) string {
		return func(v speak) string {
			return v("w'") + v("=") + shrink(v) + mo("−") + "<mfrac>" + v("η") + rest(v, "β1") + "</mfrac>" + mo("·") + "<mfrac>" + v("m'") + corrected(v, square) + "</mfrac>"
		}
	}
	switch r := r.(type) {
	case optim.SGD:
		return []func(speak) string{step(func(v speak) string { return v("g") })}
	case optim.Momentum:
		velocity := func(v speak) string {
			return v("v'") + v("=") + v("μ") + mo("·") + v("v") + mo("+") + v("g")
		}
		if r.Nesterov {
			return []func(speak) string{velocity, step(func(v speak) string {
				return mo("(") + v("g") + mo("+") + v("μ") + mo("·") + v("v'") + mo(")")
			})}
		}
		return []func(speak) string{velocity, step(func(v speak) string { return v("v'") })}
	case optim.AdaGrad:
		return []func(speak) string{
			func(v speak) string {
				return v("s'") + v("=") + v("s") + mo("+") + "<msup>" + v("g") + "<mn>2</mn></msup>"
			},
			step(func(v speak) string { return frac(v("g"), root(v("s'"))+mo("+")+v("ε")) }),
		}
	case optim.AdaDelta:
		u := func(v speak) string {
			return "<mfrac>" + root(v("d")+mo("+")+v("ε")) + root(v("s'")+mo("+")+v("ε")) + "</mfrac>" + mo("·") + v("g")
		}
		return []func(speak) string{mean("s", "β2", "g", true), step(u), func(v speak) string {
			return v("d'") + v("=") + v("β2") + mo("·") + v("d") + mo("+") + mo("(") + "<mn>1</mn>" + mo("−") + v("β2") + mo(")") + mo("·") +
				"<msup>" + row(mo("("), u(v), mo(")")) + "<mn>2</mn></msup>"
		}}
	case optim.RMSProp:
		scaled := func(v speak) string { return frac(v("g"), root(v("s'"))+mo("+")+v("ε")) }
		if r.Momentum == 0 {
			return []func(speak) string{mean("s", "β2", "g", true), step(scaled)}
		}
		return []func(speak) string{mean("s", "β2", "g", true), func(v speak) string {
			return v("m'") + v("=") + v("μ") + mo("·") + v("m") + mo("+") + scaled(v)
		}, step(func(v speak) string { return v("m'") })}
	case optim.Adam, optim.AdamW:
		return []func(speak) string{mean("m", "β1", "g", false), mean("s", "β2", "g", true), adam("s'")}
	case optim.AMSGrad:
		return []func(speak) string{mean("m", "β1", "g", false), mean("s", "β2", "g", true), func(v speak) string {
			return v("t'") + v("=") + mi("max") + mo("(") + v("t") + mo(",") + v("s'") + mo(")")
		}, adam("t'")}
	case optim.NAdam:
		return []func(speak) string{mean("m", "β1", "g", false), mean("s", "β2", "g", true), func(v speak) string {
			down := corrected(v, "s'")
			ahead := "<mfrac>" + row("<mn>1</mn>", mo("−"), v("μ")) + row("<mn>1</mn>", mo("−"), v("Πμ")) + "</mfrac>"
			along := "<mfrac>" + v("μ'") + row("<mn>1</mn>", mo("−"), v("Πμ"), mo("·"), v("μ'")) + "</mfrac>"
			return v("w'") + v("=") + shrink(v) + mo("−") + v("η") + mo("·") + mo("(") + ahead + mo("·") + frac(v("g"), down) + mo("+") + along + mo("·") + frac(v("m'"), down) + mo(")")
		}}
	case optim.Lion:
		return []func(speak) string{step(func(v speak) string {
			return mi("sign") + mo("(") + v("β1") + mo("·") + v("m") + mo("+") + mo("(") + "<mn>1</mn>" + mo("−") + v("β1") + mo(")") + mo("·") + v("g") + mo(")")
		}), mean("m", "β2", "g", false)}
	}
	return nil
}

// slots are the letters of what a rule remembers, in its order.
func slots(r optim.Optimizer) []string {
	switch r := r.(type) {
	case optim.Momentum:
		return []string{"v"}
	case optim.AdaGrad:
		return []string{"s"}
	case optim.AdaDelta:
		return []string{"s", "d"}
	case optim.RMSProp:
		return []string{"s", "m"}[:r.Slots()]
	case optim.Adam, optim.AdamW, optim.NAdam:
		return []string{"m", "s"}
	case optim.AMSGrad:
		return []string{"m", "s", "t"}
	case optim.Lion:
		return []string{"m"}
	}
	return nil
}

// constants are a rule's numbers at update n.
func constants(r optim.Optimizer, n int) map[string]float64 {
	adam := func(a optim.Adam) map[string]float64 {
		return map[string]float64{"β1": a.Beta1, "β2": a.Beta2, "ε": a.Epsilon}
	}
	switch r := r.(type) {
	case optim.Momentum:
		return map[string]float64{"μ": r.Momentum}
	case optim.AdaGrad:
		return map[string]float64{"ε": r.Epsilon}
	case optim.AdaDelta:
		return map[string]float64{"β2": r.Beta2, "ε": r.Epsilon}
	case optim.RMSProp:
		return map[string]float64{"β2": r.Beta2, "μ": r.Momentum, "ε": r.Epsilon}
	case optim.Adam:
		return adam(r)
	case optim.AdamW:
		return adam(r.Adam)
	case optim.AMSGrad:
		return adam(r.Adam)
	case optim.NAdam:
		out := adam(r.Adam)
		out["μ"], out["μ'"], out["Πμ"] = r.Momenta(n)
		return out
	case optim.Lion:
		return map[string]float64{"β1": r.Beta1, "β2": r.Beta2}
	}
	return map[string]float64{}
}

// rule writes the next update of a parameter by the rule's equations, in letters and in numbers.
func (m mathml) rule(c train.Config, a lesson.Address, p *train.Preview) []template.HTML {
	decay := c.WeightDecay
	if w, ok := c.Optimizer.(optim.AdamW); ok {
		decay = w.WeightDecay
	}
	values := constants(c.Optimizer, p.N)
	values["w"], values["w'"], values["g"], values["η"], values["λ"] = p.Before, p.After, p.Shaped, p.Rate, decay
	for i, letter := range slots(c.Optimizer) {
		values[letter], values[letter+"'"] = p.State[i], p.StateAfter[i]
	}
	letters := func(letter string) string {
		name, isNew := strings.CutSuffix(letter, "'")
		switch {
		case letter == "=":
			return mo("←")
		case name == "w":
			return parameter(a)
		case letter == "Πμ":
			return "<mrow>" + mo("∏") + mi("μ") + "</mrow>"
		case name == "μ" && isNew:
			return "<msub>" + mi("μ") + "<mrow>" + mi("n") + mo("+") + "<mn>1</mn></mrow></msub>"
		case strings.HasPrefix(name, "β"):
			return "<msub>" + mi("β") + "<mn>" + strings.TrimPrefix(name, "β") + "</mn></msub>"
		}
		return mi(name)
	}
	numbers := func(letter string) string {
		switch letter {
		case "=":
			return mo("=")
		case "n":
			return "<mn>" + strconv.Itoa(p.N) + "</mn>"
		}
		if letter == "w'" { // stands alone at the left
			return m.mn(values[letter])
		}
		return m.bracket(values[letter])
	}
	shrink := func(v speak) string {
		if decay == 0 {
			return v("w")
		}
		return v("w") + mo("·") + mo("(") + "<mn>1</mn>" + mo("−") + v("η") + mo("·") + v("λ") + mo(")")
	}
	var out []template.HTML
	for _, equation := range equations(c.Optimizer, shrink) {
		out = append(out, block("the rule", equation(letters)), block("in numbers", equation(numbers)))
	}
	return out
}

// shaped says what becomes of the gradient before the rule gets it; nil where nothing does.
func (m mathml) shaped(c train.Config, a lesson.Address, p *train.Preview) []template.HTML {
	letters := mi("g") + mo("=") + partial(mi("L"), parameter(a))
	numbers := mi("g") + mo("=") + m.mn(p.Gradient)
	any := false
	if l2 := c.Penalty.L2; l2 > 0 && a.In >= 0 {
		letters += mo("+") + "<msub>" + mi("λ") + "<mn>2</mn></msub>" + mo("·") + parameter(a)
		numbers += mo("+") + m.mn(l2) + mo("·") + m.bracket(p.Before)
		any = true
	}
	if l1 := c.Penalty.L1; l1 > 0 && a.In >= 0 {
		letters += mo("+") + "<msub>" + mi("λ") + "<mn>1</mn></msub>" + mo("·") + mi("sign") + mo("(") + parameter(a) + mo(")")
		numbers += mo("+") + m.mn(l1) + mo("·") + mi("sign") + mo("(") + m.mn(p.Before) + mo(")")
		any = true
	}
	if c.ClipValue > 0 || c.ClipNorm > 0 {
		letters += "<mtext>, clipped</mtext>"
		numbers += "<mtext>, clipped</mtext>"
		any = true
	}
	if !any {
		return nil
	}
	return []template.HTML{block("the gradient that the rule gets", letters), block("in numbers", numbers+mo("→")+m.mn(p.Shaped))}
}
