package nn

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// goldenWeights has the first weights of layer 0 and the first weight of layer 1, for 5 inputs, layers of 2 and 3
// units, and the seed 42. They are part of every run's bits: never change them.
var goldenWeights = []struct {
	init   Init
	f64    []float64
	f32    []float32
	second float64
}{
	{He, []float64{0.9305193040969761, -0.9209024870191088, 0.5852374829723407}, []float32{0.9305193, -0.9209025, 0.5852375}, 1.2139716977503225},
	{Glorot, []float64{0.7864323489645778, -0.7783046550942724, 0.4946159487606815}, []float32{0.7864323, -0.77830464, 0.49461594}, 0.767783115974505},
	{LeCun, []float64{0.657976509951959, -0.6511763933827684, 0.41382539281428876}, []float32{0.6579765, -0.6511764, 0.4138254}, 0.8584076196477989},
	{Uniform, []float64{0.8494440217465387, -0.8406651090049573, 0.5342462848691609}, []float32{0.84944403, -0.8406651, 0.53424627}, 0.7008868864847357},
	{Normal(1), []float64{1.4375704220130636, -1.4073120052465018, 0.7294054007466698}, []float32{1.4375705, -1.407312, 0.7294054}, 1.0383371614618953},
	{Normal(0.5), []float64{0.7187852110065318, -0.7036560026232509, 0.3647027003733349}, []float32{0.7187852, -0.703656, 0.3647027}, 0.5191685807309476},
	{Zeros, []float64{0, 0, 0}, []float32{0, 0, 0}, 0},
}

func TestGoldenWeights(t *testing.T) {
	for _, c := range goldenWeights {
		layers := []Dense{{Units: 2, Init: c.init}, {Units: 3, Init: c.init}}
		n64, n32 := mustNew[float64](t, 5, 42, layers...), mustNew[float32](t, 5, 42, layers...)
		if got := n64.Params()[:len(c.f64)]; !slices.Equal(got, c.f64) {
			t.Errorf("%s: %v, want %v", c.init, got, c.f64)
		}
		if got := n32.Params()[:len(c.f32)]; !slices.Equal(got, c.f32) {
			t.Errorf("%s: float32 %v, want %v", c.init, got, c.f32)
		}
		if got := n64.Weights(1).Data[0]; got != c.second {
			t.Errorf("%s: layer 1 begins with %v, want %v", c.init, got, c.second)
		}
		for i, w := range n64.Params() {
			if n32.Params()[i] != float32(w) {
				t.Errorf("%s: parameter %d is %v in float64 and %v in float32", c.init, i, w, n32.Params()[i])
			}
		}
	}
}

func TestSeeds(t *testing.T) {
	weights := func(init Init, seed uint64, layers ...Dense) []float64 {
		for i := range layers {
			layers[i].Init = init
		}
		return mustNew[float64](t, 5, seed, layers...).Params()
	}
	for _, init := range []Init{He, Glorot, LeCun, Uniform, Normal(2)} {
		first := weights(init, 1, Dense{Units: 40, NoBias: true}, Dense{Units: 40, NoBias: true})
		if again := weights(init, 1, Dense{Units: 40, NoBias: true}, Dense{Units: 40, NoBias: true}); !slices.Equal(first, again) {
			t.Errorf("%s: the same seed gives different weights", init)
		}
		// A layer's weights do not depend on the layers after it, nor on whether it has a bias.
		if alone := weights(init, 1, Dense{Units: 40}); !slices.Equal(first[:200], alone[:200]) {
			t.Errorf("%s: the weights of the first layer depend on the layers after it", init)
		}
		for _, seed := range []uint64{0, 2, 1 << 32, 1<<32 | 1, math.MaxUint64} {
			other := weights(init, seed, Dense{Units: 40, NoBias: true}, Dense{Units: 40, NoBias: true})
			if n := equalPlaces(first, other); n > 0 {
				t.Errorf("%s: seeds 1 and %d have %d weights in common, want none", init, seed, n)
			}
		}
		if n := equalPlaces(first[:200], first[200:400]); n > 0 {
			t.Errorf("%s: layers 0 and 1 have %d weights in common, want none", init, n)
		}
	}
}

func equalPlaces(a, b []float64) int {
	n := 0
	for i := range a {
		n += step(a[i] == b[i])
	}
	return n
}

// 60,000 weights have the right moments within four standard errors, and stay within their limits.
func TestInitMoments(t *testing.T) {
	const in, out = 300, 200
	const count = in * out
	for _, c := range []struct {
		init     Init
		limit    float64 // infinite for a normal distribution
		variance float64
	}{
		{He, math.Sqrt(6. / in), 2. / in},
		{Glorot, math.Sqrt(6. / (in + out)), 2. / (in + out)},
		{LeCun, math.Sqrt(3. / in), 1. / in},
		{Uniform, 1, 1. / 3},
		{Normal(1), math.Inf(1), 1},
		{Normal(0.02), math.Inf(1), 0.0004},
		{Zeros, 0, 0},
	} {
		n := mustNew[float64](t, in, 7, Dense{Units: out, Init: c.init})
		var mean, square, fourth, least, most, within float64
		for _, w := range n.Weights(0).Data {
			mean += w / count
			square += w * w / count
			fourth += w * w * w * w / count
			least, most = min(least, w), max(most, w)
			within += float64(step(w*w < c.variance)) / count
		}
		if math.Abs(mean) > 4*math.Sqrt(c.variance/count) {
			t.Errorf("%s: the mean is %v, want about 0", c.init, mean)
		}
		kurtosis, share := 9./5, 1/math.Sqrt(3) // of a uniform distribution
		if math.IsInf(c.limit, 1) {
			kurtosis, share = 3, math.Erf(1/math.Sqrt2)
		}
		if math.Abs(square-c.variance) > 4*c.variance*math.Sqrt((kurtosis-1)/count) {
			t.Errorf("%s: the variance is %v, want %v", c.init, square, c.variance)
		}
		if c.init == Zeros {
			if least != 0 || most != 0 {
				t.Errorf("zeros: the weights range from %v to %v, want all 0", least, most)
			}
			continue
		}
		if k := fourth / (square * square); math.Abs(k-kurtosis) > 0.1 {
			t.Errorf("%s: the kurtosis is %v, want %v", c.init, k, kurtosis)
		}
		if math.Abs(within-share) > 4*math.Sqrt(share*(1-share)/count) {
			t.Errorf("%s: %v of the weights are within a standard deviation, want %v", c.init, within, share)
		}
		if math.IsInf(c.limit, 1) {
			if s := math.Sqrt(c.variance); most < 3.5*s || least > -3.5*s || max(most, -least) > 6*s {
				t.Errorf("%s: the weights range from %v to %v, want extremes of 3.5 to 6 standard deviations", c.init, least, most)
			}
		} else if least < -c.limit || most >= c.limit || least > -0.999*c.limit || most < 0.999*c.limit {
			t.Errorf("%s: the weights range from %v to %v, want nearly all of [-%v, %v)", c.init, least, most, c.limit, c.limit)
		}
		for j, b := range n.Bias(0) {
			if b != 0 {
				t.Errorf("%s: bias %d starts at %v, want 0", c.init, j, b)
			}
		}
	}
}

func TestAutoInit(t *testing.T) {
	want := map[string]Init{
		"relu": He, "leaky-relu:0.01": He, "elu:1": He, "gelu": He, "silu": He, "mish": He, "softplus": He,
		"selu": LeCun, "sigmoid": Glorot, "tanh": Glorot, "identity": Glorot, "exp": Glorot, "softmax": Glorot,
	}
	all := append(allActivations(t), LeakyReLU(0.3), softsign{})
	for _, f := range all {
		init, known := want[f.String()]
		switch {
		case f.String() == "leaky-relu:0.3":
			init = He
		case f.String() == "softsign":
			init = Glorot // a custom activation
		case !known:
			t.Errorf("the test has no expected init for %s", f)
		}
		auto := mustNew[float64](t, 5, 1, Dense{Units: 3, Activation: f})
		named := mustNew[float64](t, 5, 1, Dense{Units: 3, Activation: f, Init: init})
		if got := auto.Layer(0).Init; got != init || !slices.Equal(auto.Params(), named.Params()) {
			t.Errorf("%s: auto is %s, want %s", f, got, init)
		}
	}
	if none := mustNew[float64](t, 5, 1, Dense{Units: 3}); none.Layer(0).Activation != Identity || none.Layer(0).Init != Glorot {
		t.Errorf("a layer without an activation is %v, want identity with the init glorot", fmt.Sprint(none.Layer(0)))
	}
}

// StartAt makes each output start at a given number where the inputs of the last layer are 0.
func TestStartAt(t *testing.T) {
	for _, out := range []Activation{Exp, Softplus} {
		n := mustNew[float64](t, 2, 1, Dense{Units: 3, Activation: Tanh}, Dense{Units: 4, Activation: out})
		want := []float64{150, 1e-3, 0.5, 40}
		n.StartAt(want)
		y := n.Predict(NewMatrix[float64](1, 2)) // tanh(0) is 0
		for j, w := range want {
			if got := y.At(0, j); math.Abs(got-w) > 1e-12*w {
				t.Errorf("%s starts at %v, want %v", out, got, w)
			}
		}
	}
	n := mustNew[float64](t, 2, 1, Dense{Units: 2})
	n.StartAt([]float64{5, 6})
	if b := n.Bias(0); b[0] != 0 || b[1] != 0 {
		t.Errorf("an identity output starts with the biases %v, want zeros", b)
	}
	n = mustNew[float64](t, 2, 1, Dense{Units: 2, Activation: Exp, NoBias: true})
	n.StartAt([]float64{5, 6}) // there is no bias to set
}
