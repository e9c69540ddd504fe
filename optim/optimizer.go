package optim

import (
	"fmt"
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
	switch r := r.(type) {
	case SGD, Momentum, AdaGrad, AdaDelta, RMSProp, Adam, AMSGrad, NAdam, AdamW, Lion:
		return true
	case interface{ Separable() bool }:
		return r.Separable()
	}
	return false
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

// DefaultLearningRate returns a learning rate that usually works for an optimizer of that name. It is
// 0.01, as in Keras, for the optimizers that follow the raw gradient, and PyTorch's default for those
// that rescale it (Keras: 0.001 for all of these). For Lion it is the paper's.
func DefaultLearningRate(rule string) float64 {
	switch rule {
	case "adam", "amsgrad", "adamw":
		return 0.001
	case "nadam":
		return 0.002
	case "adadelta":
		return 1
	case "lion":
		return 0.0001
	}
	return 0.01
}

// Hyper has the hyper-parameters that ParseOptimizer can set. nil keeps the optimizer's default.
type Hyper struct {
	Momentum, Beta1, Beta2, Epsilon, WeightDecay *float64
}

// Optimizers lists the names ParseOptimizer knows, in order of increasing difficulty.
func Optimizers() []string {
	return []string{"sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "amsgrad", "nadam", "adamw", "lion"}
}

// ParseOptimizer returns the optimizer of that name with the given hyper-parameters. A
// hyper-parameter that the optimizer does not have is an error. Custom optimizers are recognized by
// their String and take none.
func ParseOptimizer(name string, h Hyper, custom ...Optimizer) (Optimizer, error) {
	var rule Optimizer
	takes := map[string]*float64{}
	set := func(flag string, given, field *float64) {
		takes[flag] = field
		if given != nil {
			*field = *given
		}
	}
	switch name {
	case "sgd":
		rule = SGD{}
	case "momentum", "nesterov":
		m := Momentum{Momentum: 0.9, Nesterov: name == "nesterov"}
		set("momentum", h.Momentum, &m.Momentum)
		rule = m
	case "adagrad":
		a := NewAdaGrad()
		set("epsilon", h.Epsilon, &a.Epsilon)
		rule = a
	case "adadelta":
		a := NewAdaDelta()
		set("beta2", h.Beta2, &a.Beta2)
		set("epsilon", h.Epsilon, &a.Epsilon)
		rule = a
	case "rmsprop":
		r := NewRMSProp()
		set("beta2", h.Beta2, &r.Beta2)
		set("momentum", h.Momentum, &r.Momentum)
		set("epsilon", h.Epsilon, &r.Epsilon)
		rule = r
	case "adam":
		a := NewAdam()
		setAdam(&a, h, set)
		rule = a
	case "amsgrad":
		a := NewAMSGrad()
		setAdam(&a.Adam, h, set)
		rule = a
	case "nadam":
		a := NewNAdam()
		setAdam(&a.Adam, h, set)
		rule = a
	case "lion":
		l := NewLion()
		set("beta1", h.Beta1, &l.Beta1)
		set("beta2", h.Beta2, &l.Beta2)
		rule = l
	case "adamw":
		a := NewAdamW()
		setAdam(&a.Adam, h, set)
		set("weight-decay", h.WeightDecay, &a.WeightDecay)
		rule = a
	default:
		for _, c := range custom {
			if c.String() == name {
				rule = c
			}
		}
		if rule == nil {
			return nil, fmt.Errorf("optimizer %q is not known; choose one of %s", name, strings.Join(Optimizers(), ", "))
		}
	}
	for _, f := range []struct {
		flag  string
		given *float64
	}{{"momentum", h.Momentum}, {"beta1", h.Beta1}, {"beta2", h.Beta2}, {"epsilon", h.Epsilon}, {"weight-decay", h.WeightDecay}} {
		if f.given != nil && takes[f.flag] == nil {
			return nil, fmt.Errorf("the optimizer %s has no %s", name, f.flag)
		}
	}
	return rule, rule.Validate()
}

func setAdam(a *Adam, h Hyper, set func(flag string, given, field *float64)) {
	set("beta1", h.Beta1, &a.Beta1)
	set("beta2", h.Beta2, &a.Beta2)
	set("epsilon", h.Epsilon, &a.Epsilon)
}

// firstOf returns the first error that is not nil.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
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
