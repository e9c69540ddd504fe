package kernel

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// oracle reads testdata/oracle.json: mpmath's values, rounded correctly to float64.
func oracle(t *testing.T, name string) (x, y []float64) {
	t.Helper()
	raw, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Functions map[string]struct{ X, Y []string }
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	parse := func(s []string) []float64 {
		out := make([]float64, len(s))
		for i, v := range s {
			out[i], err = strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	f, ok := file.Functions[name]
	if !ok || len(f.X) < 20 || len(f.X) != len(f.Y) {
		t.Fatalf("oracle.json has no usable table for %s", name)
	}
	return parse(f.X), parse(f.Y)
}

func ulps(got, want float64) float64 {
	if got == want || got != got && want != want {
		return 0
	}
	_, e := math.Frexp(want)
	return math.Abs(got-want) / math.Ldexp(1, max(e-53, -1074))
}

func TestElementaryFloat64(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(float64) float64
		ulps float64
	}{
		{"exp", Exp[float64], 1},
		{"expm1", Expm1[float64], 1.5},
		{"log", Log[float64], 1},
		{"log1p", Log1p[float64], 1.5},
		{"tanh", Tanh[float64], 2.5},
		{"sigmoid", Sigmoid[float64], 2.5},
		{"softplus", Softplus[float64], 2},
		{"erf", Erf[float64], 2.5},
		{"erfc", Erfc[float64], 4},
		{"cospi", CosPi, 2},
		{"sinpi", SinPi, 2},
		{"normal_quantile", NormalQuantile, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, y := oracle(t, c.name)
			worst, at := 0.0, 0
			for i := range x {
				u := ulps(c.f(x[i]), y[i])
				if math.Abs(y[i]) < 0x1p-1022 { // gradual underflow: absolute, not relative
					u = math.Abs(c.f(x[i])-y[i]) / 0x1p-1074 / 8
				}
				if !(u <= worst) {
					worst, at = u, i
				}
			}
			if !(worst <= c.ulps) {
				t.Errorf("%s(%v) = %v, want %v: %.1f ulp, allowed %.1f", c.name, x[at], c.f(x[at]), y[at], worst, c.ulps)
			}
			t.Logf("worst %.2f ulp at %v", worst, x[at])
		})
	}
}

// The float64 functions, which are tested above, are the oracle for float32.
func TestElementaryFloat32(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      func(float32) float32
		exact  func(float64) float64
		lo, hi float64
		ulps   float64
	}{
		{"exp", Exp[float32], Exp[float64], -104, 88.7, 1.1},
		{"expm1", Expm1[float32], Expm1[float64], -20, 88, 1.5},
		{"log", Log[float32], Log[float64], 1e-40, 1e30, 1},
		{"log1p", Log1p[float32], Log1p[float64], -0.999, 100, 1.5},
		{"tanh", Tanh[float32], Tanh[float64], -11, 11, 3},
		{"sigmoid", Sigmoid[float32], Sigmoid[float64], -80, 90, 2.5},
		{"softplus", Softplus[float32], Softplus[float64], -80, 90, 2},
		{"erf", Erf[float32], Erf[float64], -5, 5, 3},
		{"erfc", Erfc[float32], Erfc[float64], -4, 9, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			worst, at := 0.0, float32(0)
			check := func(x float32) {
				want := c.exact(float64(x))
				_, e := math.Frexp(want)
				u := math.Abs(float64(c.f(x))-want) / math.Ldexp(1, max(e-24, -149))
				if float64(float32(want)) == float64(c.f(x)) {
					u = 0
				}
				if !(u <= worst) {
					worst, at = u, x
				}
			}
			const n = 200000
			for i := range n {
				check(float32(c.lo + (c.hi-c.lo)*float64(i)/n))
			}
			for x := 1.0; x > 1e-30; x *= 0.93 {
				for _, v := range []float64{x, -x} {
					if v > c.lo {
						check(float32(v))
					}
				}
			}
			if !(worst <= c.ulps) {
				t.Errorf("%s(%v) = %v, want %v: %.1f ulp, allowed %.1f", c.name, at, c.f(at), c.exact(float64(at)), worst, c.ulps)
			}
			t.Logf("worst %.2f ulp at %v", worst, at)
		})
	}
}

func TestElementarySpecialValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name    string
		f64     func(float64) float64
		f32     func(float32) float32
		x, want float64
	}{
		{"Exp", Exp[float64], Exp[float32], inf, inf},
		{"Exp", Exp[float64], Exp[float32], -inf, 0},
		{"Exp", Exp[float64], Exp[float32], 1000, inf},
		{"Exp", Exp[float64], Exp[float32], nan, nan},
		{"Exp", Exp[float64], Exp[float32], 0, 1},
		{"Expm1", Expm1[float64], Expm1[float32], -inf, -1},
		{"Expm1", Expm1[float64], Expm1[float32], inf, inf},
		{"Expm1", Expm1[float64], Expm1[float32], nan, nan},
		{"Log", Log[float64], Log[float32], 0, -inf},
		{"Log", Log[float64], Log[float32], -1, nan},
		{"Log", Log[float64], Log[float32], inf, inf},
		{"Log", Log[float64], Log[float32], nan, nan},
		{"Log", Log[float64], Log[float32], 1, 0},
		{"Log1p", Log1p[float64], Log1p[float32], inf, inf},
		{"Log1p", Log1p[float64], Log1p[float32], nan, nan},
		{"Tanh", Tanh[float64], Tanh[float32], inf, 1},
		{"Tanh", Tanh[float64], Tanh[float32], -inf, -1},
		{"Tanh", Tanh[float64], Tanh[float32], nan, nan},
		{"Sigmoid", Sigmoid[float64], Sigmoid[float32], inf, 1},
		{"Sigmoid", Sigmoid[float64], Sigmoid[float32], -inf, 0},
		{"Sigmoid", Sigmoid[float64], Sigmoid[float32], nan, nan},
		{"Softplus", Softplus[float64], Softplus[float32], 800, 800},
		{"Softplus", Softplus[float64], Softplus[float32], -800, 0},
		{"Softplus", Softplus[float64], Softplus[float32], nan, nan},
		{"Erf", Erf[float64], Erf[float32], inf, 1},
		{"Erf", Erf[float64], Erf[float32], -inf, -1},
		{"Erf", Erf[float64], Erf[float32], nan, nan},
	} {
		if c.name == "Softplus" && c.x == -800 {
			c.want = Exp(-800.0) // 0 as well, written with the function's identity
		}
		for _, got := range []float64{c.f64(c.x), float64(c.f32(float32(c.x)))} {
			if got != c.want && !(got != got && c.want != c.want) {
				t.Errorf("%s(%v) = %v, want %v", c.name, c.x, got, c.want)
			}
		}
	}
}

func TestPowi(t *testing.T) {
	for n := range 50 {
		want := math.Pow(0.9, float64(n))
		if got := Powi(0.9, n); math.Abs(got-want) > 1e-15*float64(n+1) {
			t.Errorf("Powi(0.9, %d) = %v, want %v", n, got, want)
		}
	}
}
