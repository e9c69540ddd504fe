package nn

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/rng"
)

// Init says how the weights of a layer start. Biases start at 0. in is the number of inputs and
// out the number of units. U(l) is uniform in [-l, l).
//
//	he       U(√(6/in))        for ReLU and its relatives (He et al. 2015)
//	glorot   U(√(6/(in+out)))  for sigmoid and tanh (Glorot and Bengio 2010)
//	lecun    U(√(3/in))        for SELU (LeCun et al. 1998)
//	uniform  U(1)
//	normal:S N(0, S²), S = 1 by default
//	zeros    0: all units of a layer then learn the same
//
// The zero value is auto: he, glorot or lecun by the layer's activation.
type Init struct {
	name string
	std  float64
}

// The initializations without a parameter; Init has their formulas.
var (
	autoInit = Init{}
	He       = Init{name: "he"}
	Glorot   = Init{name: "glorot"}
	LeCun    = Init{name: "lecun"}
	Uniform  = Init{name: "uniform"}
	Zeros    = Init{name: "zeros"}
)

// Normal draws from a normal distribution with mean 0 and the given standard deviation.
func Normal(std float64) Init { return Init{name: "normal", std: std} }

// Validate reports a standard deviation that makes no sense.
func (i Init) Validate() error {
	if i.name == "normal" && !(i.std > 0 && !math.IsInf(i.std, 0)) {
		return errors.New("the standard deviation must be greater than 0")
	}
	return nil
}

func (i Init) String() string {
	switch i.name {
	case "":
		return "auto"
	case "normal":
		return "normal:" + number(i.std)
	}
	return i.name
}

// Inits lists the names ParseInit knows.
func Inits() []string { return []string{"auto", "he", "glorot", "lecun", "uniform", "normal", "zeros"} }

// ParseInit returns the initialization of that name.
func ParseInit(name string) (Init, error) {
	base, std, err := parameter("init", name, map[string]float64{"normal": 1})
	if err != nil {
		return Init{}, err
	}
	switch base {
	case "auto":
		return autoInit, nil
	case "normal":
		normal := Normal(std)
		if err := normal.Validate(); err != nil {
			return Init{}, fmt.Errorf("init %q: %w", name, err)
		}
		return normal, nil
	}
	for _, i := range []Init{He, Glorot, LeCun, Uniform, Zeros} {
		if i.name == base {
			return i, nil
		}
	}
	return Init{}, fmt.Errorf("init %q is not known; choose one of %s", name, strings.Join(Inits(), ", "))
}

// resolve replaces auto with the default for the activation.
func (i Init) resolve(f Activation) Init {
	if i.name != "" {
		return i
	}
	return line(f).init
}

// fillWeights sets w, the in by out weights of one layer. Weight number b, counted row by row,
// uses the random draw (Init, layer, b).
func fillWeights[T Float](i Init, w []T, in, out int, seed uint64, layer int) {
	limit := 1.0
	switch i.name {
	case "zeros":
		clear(w)
		return
	case "normal":
		for k := range w {
			bits := rng.Uint64(seed, rng.Init, uint64(layer), uint64(k)) >> 12
			w[k] = T(i.std * kernel.NormalQuantile((float64(bits)+0.5)*0x1p-52)) // the quantile's argument is never 0 or 1
		}
		return
	case "he":
		limit = kernel.Sqrt(6 / float64(in))
	case "glorot":
		limit = kernel.Sqrt(6 / float64(in+out))
	case "lecun":
		limit = kernel.Sqrt(3 / float64(in))
	}
	for k := range w {
		w[k] = T(limit * (2*rng.Float64(seed, rng.Init, uint64(layer), uint64(k)) - 1))
	}
}

// StartAt sets the biases of an exp or softplus output layer so that each output starts near
// the given positive number y: f⁻¹(y), log y or log(e^y - 1). Otherwise such outputs start near
// 1, and a network whose targets are around 150 takes long to get there. It does nothing for
// other output activations, for outputs without a bias, and where y is not positive.
func (n *Network[T]) StartAt(y []float64) {
	last := len(n.layers) - 1
	start := line(n.layers[last].Activation).start
	for j, bias := 0, n.Bias(last); start != nil && j < len(bias); j++ {
		if y[j] > 0 {
			bias[j] = T(start(y[j]))
		}
	}
}
