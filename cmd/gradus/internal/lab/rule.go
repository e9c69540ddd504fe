package lab

import (
	"html/template"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// The update by the rule's equations. Each equation is written as package optim states it, and then again
// with the numbers of the next update. All of the numbers come from the engine: the state of the rule
// before and after, the gradient it gets, the weight before and after.

// speak writes a letter of an equation, either as itself or as its number. A letter with ' is the new
// value.
type speak func(letter string) string

// equation writes an equation of a rule, and its letters with v.
type equation func(v speak) string

// equations returns a rule's equations in the order in which the rule applies them. shrink is w, or what
// decay leaves of it.
func equations(r optim.Optimizer, shrink equation) []equation {
	step := func(change equation) equation { // w' = w - η·change
		return func(v speak) string {
			return v("w'") + v("=") + shrink(v) + mo("−") + v("η") + mo("·") + change(v)
		}
	}
	adam := func(square string) equation {
		return func(v speak) string {
			return v("w'") + v("=") + shrink(v) + mo("−") + "<mfrac>" + v("η") + remaining(v, "β1") + "</mfrac>" + mo("·") + "<mfrac>" + v("m'") + corrected(v, square) + "</mfrac>"
		}
	}
	switch r := r.(type) {
	case optim.SGD:
		return []equation{step(func(v speak) string { return v("g") })}
	case optim.Momentum:
		velocity := func(v speak) string {
			return v("v'") + v("=") + v("μ") + mo("·") + v("v") + mo("+") + v("g")
		}
		if r.Nesterov {
			return []equation{velocity, step(func(v speak) string {
				return mo("(") + v("g") + mo("+") + v("μ") + mo("·") + v("v'") + mo(")")
			})}
		}
		return []equation{velocity, step(func(v speak) string { return v("v'") })}
	case optim.AdaGrad:
		return []equation{
			func(v speak) string {
				return v("s'") + v("=") + v("s") + mo("+") + squared(v("g"))
			},
			step(scaled),
		}
	case optim.AdaDelta:
		return []equation{mean("s", "β2", "g", true), step(adaDelta), func(v speak) string {
			return v("d'") + v("=") + weighed(v, "β2", v("d"), squared(mrow(mo("("), adaDelta(v), mo(")"))))
		}}
	case optim.RMSProp:
		if r.Momentum == 0 {
			return []equation{mean("s", "β2", "g", true), step(scaled)}
		}
		return []equation{mean("s", "β2", "g", true), func(v speak) string {
			return v("m'") + v("=") + v("μ") + mo("·") + v("m") + mo("+") + scaled(v)
		}, step(func(v speak) string { return v("m'") })}
	case optim.Adam, optim.AdamW:
		return []equation{mean("m", "β1", "g", false), mean("s", "β2", "g", true), adam("s'")}
	case optim.AMSGrad:
		return []equation{mean("m", "β1", "g", false), mean("s", "β2", "g", true), func(v speak) string {
			return v("t'") + v("=") + mi("max") + mo("(") + v("t") + mo(",") + v("s'") + mo(")")
		}, adam("t'")}
	case optim.NAdam:
		return []equation{mean("m", "β1", "g", false), mean("s", "β2", "g", true), step(nAdam)}
	case optim.Lion:
		return []equation{step(func(v speak) string {
			return mi("sign") + mo("(") + weighed(v, "β1", v("m"), v("g")) + mo(")")
		}), mean("m", "β2", "g", false)}
	}
	return nil
}

// The pieces that several rules share.

func msqrt(s string) string      { return "<msqrt>" + s + "</msqrt>" }
func mrow(s ...string) string    { return "<mrow>" + strings.Join(s, "") + "</mrow>" }
func squared(base string) string { return "<msup>" + base + "<mn>2</mn></msup>" }

// weighed writes β·last + (1-β)·now.
func weighed(v speak, beta, last, now string) string {
	return v(beta) + mo("·") + last + mo("+") + mo("(") + "<mn>1</mn>" + mo("−") + v(beta) + mo(")") + mo("·") + now
}

// mean returns the equation of' = β·of + (1-β)·what, or the same with the square of what.
func mean(of, beta, what string, square bool) equation {
	return func(v speak) string {
		now := v(what)
		if square {
			now = squared(now)
		}
		return v(of+"'") + v("=") + weighed(v, beta, v(of), now)
	}
}

// remaining writes 1 - βⁿ.
func remaining(v speak, beta string) string {
	return mrow("<mn>1</mn>", mo("−"), "<msup>", v(beta), v("n"), "</msup>")
}

// corrected writes √square/√(1-β2ⁿ) + ε.
func corrected(v speak, square string) string {
	return mrow("<mfrac>", msqrt(v(square)), msqrt(remaining(v, "β2")), "</mfrac>", mo("+"), v("ε"))
}

// scaled writes g/(√s' + ε).
func scaled(v speak) string { return frac(v("g"), msqrt(v("s'"))+mo("+")+v("ε")) }

// adaDelta writes √(d + ε)/√(s' + ε)·g.
func adaDelta(v speak) string {
	return "<mfrac>" + msqrt(v("d")+mo("+")+v("ε")) + msqrt(v("s'")+mo("+")+v("ε")) + "</mfrac>" + mo("·") + v("g")
}

// nAdam writes the direction of Nadam: the mean of the gradient and the momentum, both scaled.
func nAdam(v speak) string {
	down := corrected(v, "s'")
	ahead := "<mfrac>" + mrow("<mn>1</mn>", mo("−"), v("μ")) + mrow("<mn>1</mn>", mo("−"), v("Πμ")) + "</mfrac>"
	along := "<mfrac>" + v("μ'") + mrow("<mn>1</mn>", mo("−"), v("Πμ"), mo("·"), v("μ'")) + "</mfrac>"
	return mo("(") + ahead + mo("·") + frac(v("g"), down) + mo("+") + along + mo("·") + frac(v("m'"), down) + mo(")")
}

// slots returns the letters of a rule's state, in the rule's order.
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

// constants returns a rule's numbers at update n.
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
		if letter == "w'" { // it is the only symbol on the left
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
	for _, e := range equations(c.Optimizer, shrink) {
		out = append(out, block("the rule", e(letters)), block("in numbers", e(numbers)))
	}
	return out
}

// shaped says how the gradient is changed before the rule gets it. It returns nil if it is not changed.
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
