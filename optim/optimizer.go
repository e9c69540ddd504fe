package optim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Float is the precision of the parameters.
type Float interface{ float32 | float64 }

// Step is what an update knows about its position in the run.
type Step struct {
	LearningRate float64 // the schedule's current learning rate
	N            int     // the number of this update, from 1
}

// Optimizer changes the parameters w using the gradient g. A custom optimizer implements both
// precisions, usually as two calls of one generic function.
type Optimizer interface {
	// String returns the name under which the optimizer is stored and chosen.
	String() string
	// Slots returns how many vectors as long as the parameters the optimizer keeps. They start at 0.
	Slots() int
	Update32(s Step, w, g []float32, slots [][]float32)
	Update64(s Step, w, g []float64, slots [][]float64)
	// Validate reports the first hyper-parameter that makes no sense, by name.
	Validate() error
}

// Update calls the method of r for the precision of w.
func Update[T Float](r Optimizer, s Step, w, g []T, slots [][]T) {
	switch w := any(w).(type) {
	case []float32:
		r.Update32(s, w, any(g).([]float32), any(slots).([][]float32))
	case []float64:
		r.Update64(s, w, any(g).([]float64), any(slots).([][]float64))
	}
}

// Separable reports whether an optimizer treats every parameter separately, so that a step may be made
// part by part, in any order. All optimizers of this package do. A custom optimizer says so with a
// method Separable() bool.
func Separable(r Optimizer) bool {
	for _, o := range optimizers {
		if reflect.TypeOf(o.make(keep)) == reflect.TypeOf(r) {
			return true
		}
	}
	s, says := r.(interface{ Separable() bool })
	return says && s.Separable()
}

// Descent reports whether the current step of an optimizer is no more than
//
//	v = mu·v + g      w = w - rate·v
//
// with v its only slot, or w = w - rate·g without a slot. The kernels have a faster path for that.
func Descent(r Optimizer, s Step) (rate, mu float64, ok bool) {
	switch r := r.(type) {
	case SGD:
		return s.LearningRate, 0, true
	case Momentum:
		return s.LearningRate, r.Momentum, !r.Nesterov
	}
	return 0, 0, false
}

// A setter is told each hyper-parameter of an optimizer by name and may change its field.
type setter func(name string, field *float64)

// keep is the setter that keeps the defaults.
func keep(string, *float64) {}

// optimizers is the one table of the optimizers, in order of increasing difficulty. rate is the default learning rate.
// make returns the optimizer with the hyper-parameters that set gives it.
var optimizers = []struct {
	name string
	rate float64
	make func(set setter) Optimizer
}{
	{"sgd", 0.01, func(setter) Optimizer { return SGD{} }},
	{"momentum", 0.01, func(set setter) Optimizer { return newMomentum(false, set) }},
	{"nesterov", 0.01, func(set setter) Optimizer { return newMomentum(true, set) }},
	{"adagrad", 0.01, func(set setter) Optimizer {
		a := NewAdaGrad()
		set("epsilon", &a.Epsilon)
		return a
	}},
	{"adadelta", 1, func(set setter) Optimizer {
		a := NewAdaDelta()
		set("beta2", &a.Beta2)
		set("epsilon", &a.Epsilon)
		return a
	}},
	{"rmsprop", 0.01, func(set setter) Optimizer {
		r := NewRMSProp()
		set("beta2", &r.Beta2)
		set("momentum", &r.Momentum)
		set("epsilon", &r.Epsilon)
		return r
	}},
	{"adam", 0.001, func(set setter) Optimizer { return newAdam(set) }},
	{"amsgrad", 0.001, func(set setter) Optimizer { return AMSGrad{newAdam(set)} }},
	{"nadam", 0.002, func(set setter) Optimizer { return NAdam{newAdam(set)} }},
	{"adamw", 0.001, func(set setter) Optimizer {
		a := NewAdamW()
		a.Adam = newAdam(set)
		set("weight-decay", &a.WeightDecay)
		return a
	}},
	{"lion", 0.0001, func(set setter) Optimizer {
		l := NewLion()
		set("beta1", &l.Beta1)
		set("beta2", &l.Beta2)
		return l
	}},
}

func newMomentum(nesterov bool, set setter) Momentum {
	m := Momentum{Momentum: 0.9, Nesterov: nesterov}
	set("momentum", &m.Momentum)
	return m
}

func newAdam(set setter) Adam {
	a := NewAdam()
	set("beta1", &a.Beta1)
	set("beta2", &a.Beta2)
	set("epsilon", &a.Epsilon)
	return a
}

// DefaultLearningRate returns a learning rate that usually works for an optimizer of that name. It is
// 0.01, as in Keras, for the optimizers that follow the raw gradient, and PyTorch's default for those
// that rescale it (Keras: 0.001 for all of these). For Lion it is the paper's. For a custom optimizer it is 0.01.
func DefaultLearningRate(rule string) float64 {
	for _, o := range optimizers {
		if o.name == rule {
			return o.rate
		}
	}
	return 0.01
}

// Hyper has the hyper-parameters that ParseOptimizer can set. nil keeps the optimizer's default.
type Hyper struct {
	Momentum, Beta1, Beta2, Epsilon, WeightDecay *float64
}

// Optimizers lists the names ParseOptimizer knows, in order of increasing difficulty.
func Optimizers() []string {
	names := make([]string, len(optimizers))
	for i, o := range optimizers {
		names[i] = o.name
	}
	return names
}

// ParseOptimizer returns the optimizer of that name with the given hyper-parameters. A
// hyper-parameter that the optimizer does not have is an error. Custom optimizers are recognized by
// their String and take none.
func ParseOptimizer(name string, h Hyper, custom ...Optimizer) (Optimizer, error) {
	given := []struct {
		name  string
		value *float64
	}{{"momentum", h.Momentum}, {"beta1", h.Beta1}, {"beta2", h.Beta2}, {"epsilon", h.Epsilon}, {"weight-decay", h.WeightDecay}}
	taken := map[string]bool{}
	rule := named(name, custom, func(hyper string, field *float64) {
		taken[hyper] = true
		for _, g := range given {
			if g.name == hyper && g.value != nil {
				*field = *g.value
			}
		}
	})
	if rule == nil {
		return nil, fmt.Errorf("optimizer %q is not known; choose one of %s", name, strings.Join(Optimizers(), ", "))
	}
	for _, g := range given {
		if g.value != nil && !taken[g.name] {
			return nil, fmt.Errorf("the optimizer %s has no %s", name, g.name)
		}
	}
	return rule, rule.Validate()
}

// named returns the optimizer of that name: one of the table, with what set gives it, or a custom one. It returns nil
// if there is none.
func named(name string, custom []Optimizer, set setter) Optimizer {
	for _, o := range optimizers {
		if o.name == name {
			return o.make(set)
		}
	}
	for _, c := range slices.Backward(custom) {
		if c.String() == name {
			return c
		}
	}
	return nil
}

// fraction reports a hyper-parameter outside [0, 1).
func fraction(name string, x float64) error {
	if !(x >= 0 && x < 1) {
		return fmt.Errorf("%s is %v; it must be at least 0 and less than 1", name, x)
	}
	return nil
}
