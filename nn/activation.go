package nn

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Activation is a function f applied to every pre-activation z of a layer, a = f(z).
//
// The built-in ones are the variables and functions below. Any other type that implements
// the interface works as well: it is called for one number at a time in float64. One with a method
// Validate() error is asked by New whether its parameter makes sense.
type Activation interface {
	// String is the name under which the activation is stored and chosen, with its
	// parameter if it has one: "leaky-relu:0.01".
	String() string
	// F returns f(z).
	F(z float64) float64
	// D returns f'(z); a is f(z), from which many derivatives are cheaper.
	D(z, a float64) float64
	// Piece numbers the smooth pieces of f. Two points with the same number have no kink
	// between them, so a numeric derivative may be taken across; a smooth f returns 0.
	Piece(z float64) int
}

// elementwise is a built-in activation; package kernel has its formulas, in both
// precisions.
type elementwise struct {
	name   string
	f      kernel.Activation
	param  float64
	smooth bool
}

func (e *elementwise) String() string         { return e.name }
func (e *elementwise) F(z float64) float64    { return kernel.F(e.f, z, e.param) }
func (e *elementwise) D(z, a float64) float64 { return kernel.D(e.f, z, a, e.param) }
func (e *elementwise) Piece(z float64) int {
	if e.smooth || z < 0 {
		return 0
	}
	return 1
}

// Validate reports a parameter that makes no sense.
func (e *elementwise) Validate() error {
	switch {
	case math.IsNaN(e.param) || math.IsInf(e.param, 0):
		return fmt.Errorf("%v is not a finite number", e.param)
	case e.f == kernel.ELU && e.param < 0:
		return errors.New("alpha is negative; give a number >= 0")
	}
	return nil
}

// validate asks a part of a network for what is wrong with it, where it has a method Validate.
func validate(part any) error {
	if v, ok := part.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// Identity is f(z) = z, f'(z) = 1.
var Identity Activation = &elementwise{name: "identity", f: kernel.Identity, smooth: true}

// Sigmoid is f(z) = 1 / (1 + e^-z), f'(z) = a·(1 - a).
var Sigmoid Activation = &elementwise{name: "sigmoid", f: kernel.LogisticUnit, smooth: true}

// Tanh is f(z) = tanh z, f'(z) = (1 - a)·(1 + a).
var Tanh Activation = &elementwise{name: "tanh", f: kernel.TanhUnit, smooth: true}

// ReLU is f(z) = max(z, 0), f'(z) = 1 for z > 0, else 0 (at 0 too, as PyTorch has it).
// ReLU(NaN) = NaN.
var ReLU Activation = &elementwise{name: "relu", f: kernel.ReLU}

// LeakyReLU is f(z) = z for z > 0, else slope·z. PyTorch's default slope is 0.01, Keras's 0.3.
func LeakyReLU(slope float64) Activation {
	return &elementwise{name: "leaky-relu:" + number(slope), f: kernel.LeakyReLU, param: slope}
}

// ELU is f(z) = z for z > 0, else alpha·(e^z - 1) (Clevert et al. 2015). Its second
// derivative jumps at 0, so the gradient check treats 0 as a kink.
func ELU(alpha float64) Activation {
	return &elementwise{name: "elu:" + number(alpha), f: kernel.ELU, param: alpha}
}

// SELU is λ·ELU with the two constants that keep mean 0 and variance 1 from layer to
// layer (Klambauer et al. 2017). It goes with the lecun initialization.
var SELU Activation = &elementwise{name: "selu", f: kernel.SELU}

// GELU is f(z) = z·Φ(z), Φ the normal distribution function: the erf form, not the tanh
// approximation (Hendrycks and Gimpel 2016).
var GELU Activation = &elementwise{name: "gelu", f: kernel.GELU, smooth: true}

// SiLU, or swish, is f(z) = z·sigmoid(z) (Elfwing et al. 2017, Ramachandran et al. 2017).
var SiLU Activation = &elementwise{name: "silu", f: kernel.SiLU, smooth: true}

// Mish is f(z) = z·tanh(softplus(z)) (Misra 2019).
var Mish Activation = &elementwise{name: "mish", f: kernel.Mish, smooth: true}

// Softplus is f(z) = log(1 + e^z), f'(z) = sigmoid(z).
var Softplus Activation = &elementwise{name: "softplus", f: kernel.SoftplusUnit, smooth: true}

// Exp is f(z) = f'(z) = e^z: the output of a Poisson regression.
var Exp Activation = &elementwise{name: "exp", f: kernel.ExpUnit, smooth: true}

// Softmax is a_j = e^z_j / Σ_k e^z_k over a row of outputs. It belongs to the last layer
// alone. Its derivative is a matrix, da_j/dz_k = a_j·([j=k] - a_k), so the network
// computes it by rows; F and D describe a row of one.
var Softmax Activation = softmax{}

type softmax struct{}

func (softmax) String() string         { return "softmax" }
func (softmax) F(float64) float64      { return 1 }
func (softmax) D(_, _ float64) float64 { return 0 }
func (softmax) Piece(float64) int      { return 0 }

// activate sets a = f(z) for a matrix of pre-activations.
func activate[T Float](f Activation, z, a Matrix[T]) {
	if z.contiguous() && a.contiguous() {
		switch f := f.(type) {
		case softmax:
			kernel.Softmax(a.flat(), z.flat(), z.Cols)
			return
		case *elementwise:
			kernel.Apply(f.f, a.flat(), z.flat(), T(f.param))
			return
		}
	}
	for i := range z.Rows {
		activateRow(f, z.Row(i), a.Row(i))
	}
}

// activateRow sets a = f(z) for one row.
func activateRow[T Float](f Activation, z, a []T) {
	switch f := f.(type) {
	case softmax:
		kernel.Softmax(a, z, len(z))
	case *elementwise:
		kernel.Apply(f.f, a, z, T(f.param))
	default:
		for j, v := range z {
			a[j] = T(f.F(float64(v)))
		}
	}
}

// timesSlope turns g = dL/da into dL/dz = g·f'(z) in place, for a matrix.
func timesSlope[T Float](f Activation, z, a, g Matrix[T]) {
	if e, ok := f.(*elementwise); ok && z.contiguous() && a.contiguous() && g.contiguous() {
		kernel.TimesSlope(e.f, g.flat(), z.flat(), a.flat(), T(e.param))
		return
	}
	for i := range g.Rows {
		timesDerivative(f, z.Row(i), a.Row(i), g.Row(i))
	}
}

// timesDerivative is timesSlope for one row.
func timesDerivative[T Float](f Activation, z, a, g []T) {
	switch f := f.(type) {
	case softmax:
		var dot T
		for j, v := range g {
			dot = kernel.FMA(v, a[j], dot)
		}
		for j := range g {
			g[j] = a[j] * (g[j] - dot)
		}
	case *elementwise:
		kernel.TimesSlope(f.f, g, z, a, T(f.param))
	default:
		for j, v := range z {
			g[j] *= T(f.D(float64(v), float64(a[j])))
		}
	}
}

// Activations lists the names ParseActivation knows, in the order of the documentation.
func Activations() []string {
	return []string{"relu", "sigmoid", "tanh", "identity", "leaky-relu", "elu", "selu", "gelu",
		"silu", "mish", "softplus", "exp", "softmax"}
}

// ParseActivation returns the activation of that name, "name" or "name:parameter". The
// parameter of leaky-relu is its slope (default 0.01), of elu its alpha (default 1).
// Custom activations are recognized by their String.
func ParseActivation(name string, custom ...Activation) (Activation, error) {
	for _, c := range custom {
		if c.String() == name {
			return c, nil
		}
	}
	base, p, err := parameter("activation", name, map[string]float64{"leaky-relu": 0.01, "elu": 1})
	if err != nil {
		return nil, err
	}
	switch base {
	case "leaky-relu":
		return LeakyReLU(p), nil
	case "elu":
		f := ELU(p)
		if err := validate(f); err != nil {
			return nil, fmt.Errorf("activation %q: %w", name, err)
		}
		return f, nil
	}
	for _, a := range []Activation{ReLU, Sigmoid, Tanh, Identity, SELU, GELU, SiLU, Mish, Softplus, Exp, Softmax} {
		if a.String() == base {
			return a, nil
		}
	}
	return nil, fmt.Errorf("activation %q is not known; choose one of %s", name, strings.Join(Activations(), ", "))
}

// parameter splits "name:value" for the names that take a value; the map gives their defaults.
func parameter(what, s string, defaults map[string]float64) (name string, value float64, err error) {
	name, text, given := strings.Cut(s, ":")
	value, takes := defaults[name]
	if !given {
		return name, value, nil
	}
	if !takes {
		return "", 0, fmt.Errorf("%s %q: %s takes no parameter, or is not known", what, s, name)
	}
	value, err = strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return "", 0, fmt.Errorf("%s %q: %q is not a finite number", what, s, text)
	}
	return name, value, nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
