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
// The built-in activations are the variables and functions below. Any other type that implements
// the interface works as well: it is called for one number at a time in float64. If the type has a
// method Validate() error, New calls it to check the parameter.
type Activation interface {
	// String returns the name under which the activation is stored and chosen. A parameter is
	// part of the name: "leaky-relu:0.01".
	String() string
	// F returns f(z).
	F(z float64) float64
	// D returns f'(z). a is f(z); many derivatives are cheaper to compute from it.
	D(z, a float64) float64
	// Piece numbers the smooth pieces of f. Two points with the same number have no kink
	// between them, so a numeric derivative may be taken across; a smooth f returns 0.
	Piece(z float64) int
}

// builtin is a line of the table of activations: what is known about an activation besides its formula.
type builtin struct {
	name      string
	f         kernel.Activation // its formulas; unset for softmax
	takes     bool              // it has a parameter
	standard  float64           // the parameter's default
	kinked    bool              // at 0
	init      Init              // the initialization used with it by default
	low, high float64           // the bounds of its values; infinite also where the bound depends on the parameter
	slope     float64           // the largest |f'|, up to a factor of 1.8; 1 for exp, which has no largest
	loss      Loss              // the default loss for it as an output; nil: Squared

	// start returns the z at which the output is the positive number y. Biases of outputs that are
	// amounts are started there. nil: such an output starts wherever its weights put it.
	start func(y float64) float64
}

var unbounded = math.Inf(1)

// activations is the one table of the built-in activations, in the order of the documentation.
var activations = []builtin{
	{name: "relu", f: kernel.ReLU, kinked: true, init: He, low: 0, high: unbounded, slope: 1},
	{name: "sigmoid", f: kernel.LogisticUnit, init: Glorot, low: 0, high: 1, slope: 0.25, loss: BinaryCrossEntropy},
	{name: "tanh", f: kernel.TanhUnit, init: Glorot, low: -1, high: 1, slope: 1},
	{name: "identity", f: kernel.Identity, init: Glorot, low: -unbounded, high: unbounded, slope: 1},
	{name: "leaky-relu", f: kernel.LeakyReLU, takes: true, standard: 0.01, kinked: true, init: He, low: -unbounded, high: unbounded, slope: 1},
	{name: "elu", f: kernel.ELU, takes: true, standard: 1, kinked: true, init: He, low: -unbounded, high: unbounded, slope: 1},
	{name: "selu", f: kernel.SELU, kinked: true, init: LeCun, low: -unbounded, high: unbounded, slope: 1},
	{name: "gelu", f: kernel.GELU, init: He, low: -unbounded, high: unbounded, slope: 1},
	{name: "silu", f: kernel.SiLU, init: He, low: -unbounded, high: unbounded, slope: 1},
	{name: "mish", f: kernel.Mish, init: He, low: -unbounded, high: unbounded, slope: 1},
	{name: "softplus", f: kernel.SoftplusUnit, init: He, low: 0, high: unbounded, slope: 1,
		start: func(y float64) float64 { return y + kernel.Log(-kernel.Expm1(-y)) }},
	{name: "exp", f: kernel.ExpUnit, init: Glorot, low: 0, high: unbounded, slope: 1, loss: Poisson, start: kernel.Log[float64]},
	{name: "softmax", init: Glorot, low: 0, high: 1, slope: 1, loss: CrossEntropy},
}

// line returns the table's line for an activation.
func line(f Activation) builtin {
	name, _, _ := strings.Cut(f.String(), ":")
	return known(name)
}

// known returns the table's line of that name. For a custom activation it returns values that
// are always safe.
func known(name string) builtin {
	for _, b := range activations {
		if b.name == name {
			return b
		}
	}
	return builtin{name: name, init: Glorot, low: -unbounded, high: unbounded, slope: 1}
}

// OutputRange returns the bounds of an activation's values. A bound is infinite if there is none.
func OutputRange(f Activation) (low, high float64) {
	b := line(f)
	return b.low, b.high
}

// LargestSlope returns the largest |f'| of an activation, up to a factor of 1.8. It is 0.25 for sigmoid and 1 for
// all others, including exp, which has no largest slope.
func LargestSlope(f Activation) float64 { return line(f).slope }

// DefaultLoss returns the loss used with an output activation when none is asked for: cross-entropy for
// softmax, binary cross-entropy for sigmoid, poisson for exp, and squared for all others.
func DefaultLoss(out Activation) Loss {
	if loss := line(out).loss; loss != nil {
		return loss
	}
	return Squared
}

// elementwise is a built-in activation. Package kernel has its formulas in both precisions.
type elementwise struct {
	builtin
	param float64
}

// fixed has the built-in activations that take no parameter. They can be compared with ==.
var fixed = func() map[string]Activation {
	all := map[string]Activation{"softmax": softmax{}}
	for _, b := range activations {
		if !b.takes && all[b.name] == nil {
			all[b.name] = &elementwise{b, 0}
		}
	}
	return all
}()

func (e *elementwise) String() string {
	if e.takes {
		return e.name + ":" + number(e.param)
	}
	return e.name
}

// Kernel returns which of the formulas in package kernel are the activation's.
func (e *elementwise) Kernel() kernel.Activation { return e.f }

func (e *elementwise) F(z float64) float64    { return kernel.F(e.f, z, e.param) }
func (e *elementwise) D(z, a float64) float64 { return kernel.D(e.f, z, a, e.param) }
func (e *elementwise) Piece(z float64) int {
	if !e.kinked || z < 0 {
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

// validate calls the Validate method of a part of a network, if it has one.
func validate(part any) error {
	if v, ok := part.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// Identity is f(z) = z, f'(z) = 1.
var Identity Activation = fixed["identity"]

// Sigmoid is f(z) = 1 / (1 + e^-z), f'(z) = a·(1 - a).
var Sigmoid Activation = fixed["sigmoid"]

// Tanh is f(z) = tanh z, f'(z) = (1 - a)·(1 + a).
var Tanh Activation = fixed["tanh"]

// ReLU is f(z) = max(z, 0), f'(z) = 1 for z > 0, else 0 (also 0 at z = 0, as in PyTorch).
// ReLU(NaN) = NaN.
var ReLU Activation = fixed["relu"]

// LeakyReLU is f(z) = z for z > 0, else slope·z. PyTorch's default slope is 0.01, Keras's 0.3.
func LeakyReLU(slope float64) Activation {
	return &elementwise{known("leaky-relu"), slope}
}

// ELU is f(z) = z for z > 0, else alpha·(e^z - 1) (Clevert et al. 2015). Its second
// derivative jumps at 0, so the gradient check treats 0 as a kink.
func ELU(alpha float64) Activation {
	return &elementwise{known("elu"), alpha}
}

// SELU is λ·ELU with the two constants that keep mean 0 and variance 1 from layer to
// layer (Klambauer et al. 2017). It goes with the lecun initialization.
var SELU Activation = fixed["selu"]

// GELU is f(z) = z·Φ(z), Φ the normal distribution function: the erf form, not the tanh
// approximation (Hendrycks and Gimpel 2016).
var GELU Activation = fixed["gelu"]

// SiLU, or swish, is f(z) = z·sigmoid(z) (Elfwing et al. 2017, Ramachandran et al. 2017).
var SiLU Activation = fixed["silu"]

// Mish is f(z) = z·tanh(softplus(z)) (Misra 2019).
var Mish Activation = fixed["mish"]

// Softplus is f(z) = log(1 + e^z), f'(z) = sigmoid(z).
var Softplus Activation = fixed["softplus"]

// Exp is f(z) = f'(z) = e^z: the output of a Poisson regression.
var Exp Activation = fixed["exp"]

// Softmax is a_j = e^z_j / Σ_k e^z_k over a row of outputs. Only the last layer may use it. Its
// derivative is a matrix, da_j/dz_k = a_j·([j=k] - a_k), so the network computes it by rows. F
// and D describe a row of one.
var Softmax Activation = fixed["softmax"]

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
	names := make([]string, len(activations))
	for i, b := range activations {
		names[i] = b.name
	}
	return names
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
	standard := map[string]float64{}
	for _, b := range activations {
		if b.takes {
			standard[b.name] = b.standard
		}
	}
	base, p, err := parameter("activation", name, standard)
	if err != nil {
		return nil, err
	}
	if f := fixed[base]; f != nil {
		return f, nil
	}
	for _, b := range activations {
		if b.name != base {
			continue
		}
		f := &elementwise{b, p}
		if err := f.Validate(); err != nil {
			return nil, fmt.Errorf("activation %q: %w", name, err)
		}
		return f, nil
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
