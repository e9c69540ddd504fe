package lab

import (
	"html/template"
	"reflect"
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
// value. ŵ is w, or what decay leaves of it.
type speak func(letter string) string

// equation writes an equation of a rule, and its letters with v.
type equation func(v speak) string

// update is what the page knows of an optimizer: the letters of its state, in its own order, and its equations, in
// the order in which it applies them.
type update struct {
	slots     []string
	equations []equation
}

// updates is the one table of the optimizers' equations, by name. "rmsprop, momentum" is rmsprop with a momentum.
var updates = map[string]update{
	"sgd":      {nil, []equation{step(letter("g"))}},
	"momentum": {[]string{"v"}, []equation{velocity, step(letter("v'"))}},
	"nesterov": {[]string{"v"}, []equation{velocity, step(func(v speak) string {
		return mo("(") + v("g") + mo("+") + v("μ") + mo("·") + v("v'") + mo(")")
	})}},
	"adagrad": {[]string{"s"}, []equation{func(v speak) string {
		return v("s'") + v("=") + v("s") + mo("+") + squared(v("g"))
	}, step(scaled)}},
	"adadelta": {[]string{"s", "d"}, []equation{mean("s", "β2", "g", true), step(adaDelta), func(v speak) string {
		return v("d'") + v("=") + weighed(v, "β2", v("d"), squared(mrow(mo("("), adaDelta(v), mo(")"))))
	}}},
	"rmsprop": {[]string{"s"}, []equation{mean("s", "β2", "g", true), step(scaled)}},
	"rmsprop, momentum": {[]string{"s", "m"}, []equation{mean("s", "β2", "g", true), func(v speak) string {
		return v("m'") + v("=") + v("μ") + mo("·") + v("m") + mo("+") + scaled(v)
	}, step(letter("m'"))}},
	"adam":  {[]string{"m", "s"}, []equation{mean("m", "β1", "g", false), mean("s", "β2", "g", true), adam("s'")}},
	"adamw": {[]string{"m", "s"}, []equation{mean("m", "β1", "g", false), mean("s", "β2", "g", true), adam("s'")}},
	"amsgrad": {[]string{"m", "s", "t"}, []equation{mean("m", "β1", "g", false), mean("s", "β2", "g", true), func(v speak) string {
		return v("t'") + v("=") + mi("max") + mo("(") + v("t") + mo(",") + v("s'") + mo(")")
	}, adam("t'")}},
	"nadam": {[]string{"m", "s"}, []equation{mean("m", "β1", "g", false), mean("s", "β2", "g", true), step(nAdam)}},
	"lion": {[]string{"m"}, []equation{step(func(v speak) string {
		return mi("sign") + mo("(") + weighed(v, "β1", v("m"), v("g")) + mo(")")
	}), mean("m", "β2", "g", false)}},
}

// updateOf returns the table's line for an optimizer.
func updateOf(r optim.Optimizer) update {
	name := r.String()
	if r, ok := r.(optim.RMSProp); ok && r.Momentum > 0 {
		name += ", momentum"
	}
	return updates[name]
}

// The pieces that several rules share.

func msqrt(s string) string      { return "<msqrt>" + s + "</msqrt>" }
func mrow(s ...string) string    { return "<mrow>" + strings.Join(s, "") + "</mrow>" }
func squared(base string) string { return "<msup>" + base + "<mn>2</mn></msup>" }

// letter returns the equation that is one letter.
func letter(name string) equation { return func(v speak) string { return v(name) } }

// step returns w' = w - η·change.
func step(change equation) equation {
	return func(v speak) string {
		return v("w'") + v("=") + v("ŵ") + mo("−") + v("η") + mo("·") + change(v)
	}
}

// velocity writes v' = μ·v + g.
func velocity(v speak) string {
	return v("v'") + v("=") + v("μ") + mo("·") + v("v") + mo("+") + v("g")
}

// adam returns Adam's step, with that root of a mean square.
func adam(square string) equation {
	return func(v speak) string {
		return v("w'") + v("=") + v("ŵ") + mo("−") + "<mfrac>" + v("η") + remaining(v, "β1") + "</mfrac>" + mo("·") + "<mfrac>" + v("m'") + corrected(v, square) + "</mfrac>"
	}
}

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

// hypers are the letters of hyper-parameters, by the field of an optimizer that has them.
var hypers = map[string]string{"Momentum": "μ", "Beta1": "β1", "Beta2": "β2", "Epsilon": "ε", "WeightDecay": "λ"}

// constants returns an optimizer's numbers at update n.
func constants(r optim.Optimizer, n int) map[string]float64 {
	out := map[string]float64{}
	v := reflect.Indirect(reflect.ValueOf(r))
	for field, letter := range hypers {
		if f := v.FieldByName(field); f.IsValid() {
			out[letter] = f.Float()
		}
	}
	if r, ok := r.(optim.NAdam); ok {
		out["μ"], out["μ'"], out["Πμ"] = r.Momenta(n)
	}
	return out
}

// rule writes the next update of a parameter by the rule's equations, in letters and in numbers.
func (m mathml) rule(c train.Config, a lesson.Address, p *train.Preview) []template.HTML {
	values, of := constants(c.Optimizer, p.N), updateOf(c.Optimizer)
	if _, own := values["λ"]; !own {
		values["λ"] = c.WeightDecay
	}
	values["w"], values["w'"], values["g"], values["η"] = p.Before, p.After, p.Shaped, p.Rate
	for i, letter := range of.slots {
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
	var out []template.HTML
	for _, e := range of.equations {
		out = append(out, block("the rule", e(decayed(letters, values["λ"]))), block("in numbers", e(decayed(numbers, values["λ"]))))
	}
	return out
}

// decayed returns v with the letter ŵ: w, or with a decay w·(1 - η·λ).
func decayed(v speak, decay float64) speak {
	return func(letter string) string {
		switch {
		case letter != "ŵ":
			return v(letter)
		case decay == 0:
			return v("w")
		}
		return v("w") + mo("·") + mo("(") + "<mn>1</mn>" + mo("−") + v("η") + mo("·") + v("λ") + mo(")")
	}
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
