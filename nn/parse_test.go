package nn

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Each Parse function reads the String of its result as the same value.
func TestRoundTrips(t *testing.T) {
	activation := func(s string) (fmt.Stringer, error) { return ParseActivation(s) }
	loss := func(s string) (fmt.Stringer, error) { return ParseLoss(s) }
	init := func(s string) (fmt.Stringer, error) { return ParseInit(s) }
	reduction := func(s string) (fmt.Stringer, error) { return ParseReduction(s) }
	defaults := map[string]string{"leaky-relu": "leaky-relu:0.01", "elu": "elu:1", "huber": "huber:1", "quantile": "quantile:0.5", "tweedie": "tweedie:1.5",
		"focal": "focal:2", "binary-focal": "binary-focal:2", "normal": "normal:1"}
	for _, c := range []struct {
		what  string
		parse func(string) (fmt.Stringer, error)
		names []string
	}{
		{"activation", activation, append(Activations(), "leaky-relu:0.3", "leaky-relu:0", "leaky-relu:1e-07", "elu:0.1", "elu:0", "elu:1.23456789e+07")},
		{"loss", loss, append(Losses(), "huber:0.1", "huber:1e+20", "huber:0.30000000000000004", "quantile:0.9", "tweedie:1.01", "focal:0", "binary-focal:0.5")},
		{"init", init, append(Inits(), "normal:0.02", "normal:1e-05")},
		{"reduction", reduction, []string{"mean", "sum"}},
	} {
		for _, name := range c.names {
			first, err := c.parse(name)
			if err != nil {
				t.Errorf("%s %s: %v", c.what, name, err)
				continue
			}
			want := name
			if d, has := defaults[name]; has {
				want = d
			}
			again, err := c.parse(first.String())
			if err != nil || first.String() != want || again.String() != want {
				t.Errorf("%s %s is read as %s, and that as %v, %v; want %s", c.what, name, first, again, err, want)
			}
		}
	}
	// The names without a parameter give the package's own variables.
	for _, f := range []Activation{Identity, Sigmoid, Tanh, ReLU, SELU, GELU, SiLU, Mish, Softplus, Exp, Softmax} {
		if got, err := ParseActivation(f.String()); err != nil || got != f {
			t.Errorf("%s is read as %v, %v, want the package's own value and no error", f, got, err)
		}
	}
	for _, l := range []Loss{HalfSquared, Squared, Absolute, Huber(1), Huber(0.25), BinaryCrossEntropy, CrossEntropy, Poisson,
		Quantile(0.9), LogCosh, Tweedie(1.5), Gamma, Focal(2), BinaryFocal(0), Hinge} {
		if got, err := ParseLoss(l.String()); err != nil || got != l {
			t.Errorf("%s is read as %v, %v, want the package's own value and no error", l, got, err)
		}
	}
	for _, i := range []Init{autoInit, He, Glorot, LeCun, Uniform, Zeros, Normal(1), Normal(0.02)} {
		if got, err := ParseInit(i.String()); err != nil || got != i {
			t.Errorf("%s is read as %v, %v, want the package's own value and no error", i, got, err)
		}
	}
	// A given parameter has an effect.
	if f, _ := ParseActivation("leaky-relu:0.25"); f.F(-4) != -1 || f.D(-4, -1) != 0.25 {
		t.Errorf("leaky-relu:0.25(-4) = %v, want -1", f.F(-4))
	}
	if l, _ := ParseLoss("huber:0.5"); l.L(0, 2) != 0.875 || l.D(0, 2) != 0.5 {
		t.Errorf("huber:0.5 of 2 = %v, want 0.875", l.L(0, 2))
	}
}

func TestParseErrors(t *testing.T) {
	activations := "choose one of " + strings.Join(Activations(), ", ")
	losses := "choose one of " + strings.Join(Losses(), ", ")
	const inits = "choose one of auto, he, glorot, lecun, uniform, normal, zeros"
	activation := func(s string) error { _, err := ParseActivation(s); return err }
	loss := func(s string) error { _, err := ParseLoss(s); return err }
	init := func(s string) error { _, err := ParseInit(s); return err }
	reduction := func(s string) error { _, err := ParseReduction(s); return err }
	for _, c := range []struct {
		parse      func(string) error
		name, want string
	}{
		{activation, "", `activation "" is not known; ` + activations},
		{activation, "ReLU", `activation "ReLU" is not known; ` + activations},
		{activation, "swish", `activation "swish" is not known; ` + activations},
		{activation, "relu:1", `activation "relu:1": relu takes no parameter, or is not known`},
		{activation, "swish:1", `activation "swish:1": swish takes no parameter, or is not known`},
		{activation, "elu:", `activation "elu:": "" is not a finite number`},
		{activation, "elu:x", `activation "elu:x": "x" is not a finite number`},
		{activation, "elu:-1", `activation "elu:-1": alpha is negative; give a number >= 0`},
		{activation, "leaky-relu:NaN", `activation "leaky-relu:NaN": "NaN" is not a finite number`},
		{activation, "leaky-relu:inf", `activation "leaky-relu:inf": "inf" is not a finite number`},
		{activation, "leaky-relu:1e400", `activation "leaky-relu:1e400": "1e400" is not a finite number`},
		{activation, "leaky-relu:1:2", `activation "leaky-relu:1:2": "1:2" is not a finite number`},
		{loss, "mse", `loss "mse" is not known; ` + losses},
		{loss, "squared:2", `loss "squared:2": squared takes no parameter, or is not known`},
		{loss, "huber:0", `loss "huber:0": delta must be greater than 0`},
		{loss, "huber:-1", `loss "huber:-1": delta must be greater than 0`},
		{loss, "huber:NaN", `loss "huber:NaN": "NaN" is not a finite number`},
		{loss, "quantile:1", `loss "quantile:1": the quantile must lie between 0 and 1`},
		{loss, "quantile:0", `loss "quantile:0": the quantile must lie between 0 and 1`},
		{loss, "tweedie:1", `loss "tweedie:1": the power must lie between 1, which is poisson, and 2, which is gamma`},
		{loss, "tweedie:2", `loss "tweedie:2": the power must lie between 1, which is poisson, and 2, which is gamma`},
		{loss, "focal:-1", `loss "focal:-1": gamma is negative; give a number >= 0`},
		{loss, "binary-focal:-1", `loss "binary-focal:-1": gamma is negative; give a number >= 0`},
		{loss, "gamma:2", `loss "gamma:2": gamma takes no parameter, or is not known`},
		{init, "xavier", `init "xavier" is not known; ` + inits},
		{init, "he:2", `init "he:2": he takes no parameter, or is not known`},
		{init, "normal:0", `init "normal:0": the standard deviation must be greater than 0`},
		{init, "normal:-1", `init "normal:-1": the standard deviation must be greater than 0`},
		{init, "normal:inf", `init "normal:inf": "inf" is not a finite number`},
		{reduction, "average", `reduction "average" is not known; choose mean or sum`},
		{reduction, "", `reduction "" is not known; choose mean or sum`},
	} {
		if err := c.parse(c.name); err == nil || err.Error() != c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.name, err, c.want)
		}
	}
}

func TestParseCustom(t *testing.T) {
	f, err := ParseActivation("softsign", Tanh, softsign{[]string{"mine"}})
	if got, ok := f.(softsign); err != nil || !ok || !slices.Equal(got.notes, []string{"mine"}) {
		t.Errorf("the custom activation is read as %v, %v, want the given one and no error", f, err)
	}
	l, err := ParseLoss("bowl", bowl{[]string{"mine"}})
	if got, ok := l.(bowl); err != nil || !ok || !slices.Equal(got.notes, []string{"mine"}) {
		t.Errorf("the custom loss is read as %v, %v, want the given one and no error", l, err)
	}
	if _, err := ParseActivation("softsign"); err == nil {
		t.Error("ParseActivation knows a custom activation that was not given")
	}
	if f, err := ParseActivation("tanh", softsign{}); err != nil || f != Tanh {
		t.Errorf("with a custom activation given, tanh is read as %v, %v, want Tanh", f, err)
	}
}
