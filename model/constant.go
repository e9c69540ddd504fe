package model

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
)

// A target of regression may be the same in all rows. There is nothing to learn about it, since every loss of numbers is least
// where the output is the target. A network outputs such a target by its last bias. Classes that never change are refused by
// the schema.

// sayConstant names the targets that are the same in every training row, and makes a new network
// output them from the start. If all targets are constant, the run ends after one epoch, unless
// more were requested.
func sayConstant[T nn.Float](f *Fit, net *nn.Network[T], y nn.Matrix[T], fresh bool) error {
	if f.Encoding.Task != data.Regression || y.Rows == 1 {
		return nil
	}
	all, exact := true, true
	last := net.Depth() - 1
	out := net.Layer(last)
	var lacking []string
	for j, t := range f.wide.Targets {
		constant := true
		for i := range y.Rows {
			constant = constant && y.At(i, j) == y.At(0, j)
		}
		if !constant {
			all = false
			continue
		}
		if f.Options.Interval == 0 || !isBound(j) {
			f.note("The target %q is %g in every training row: there is nothing to learn.", t.Name, float64(float64(y.At(0, j))*t.Scale)+t.Center)
		}
		if !fresh {
			continue
		}
		want := float64(y.At(0, j))
		bias, found := inverse(out.Activation, want)
		if out.NoBias && out.Activation.F(0) == want {
			bias, found = 0, true
		} else if out.NoBias {
			found = false
		}
		if !found {
			if name := fmt.Sprintf("%q", t.Name); !slices.Contains(lacking, name) {
				lacking = append(lacking, name)
			}
			continue
		}
		exact = exact && bias == 0 && out.Activation == nn.Identity
		w := net.Weights(last)
		for i := range w.Rows {
			w.Row(i)[j] = 0
		}
		if !out.NoBias {
			net.Bias(last)[j] = T(bias)
		}
	}
	if len(lacking) > 0 {
		why := "no biases"
		if !out.NoBias {
			why = fmt.Sprintf("an output (%s) that cannot say it by a bias", out.Activation)
		}
		f.note("The network has %s, so it is trained all the same to say %s.", why, strings.Join(lacking, ", "))
	}
	if c := &f.recipe.config; fresh && all && len(lacking) == 0 && f.ownEpochs && c.Warmup == 0 {
		c.Epochs, f.Options.Epochs = 1, 1
		if !exact && f.ownRate { // decay would move the bias, and dividing by the gradient would amplify rounding
			c.LearningRate = constantRate
			f.Options.LearningRate = &c.LearningRate
		}
	}
	return nil
}

// constantRate is the learning rate of a run that has nothing to learn.
const constantRate = 1e-9

// inverse finds a bias at which an output is y.
func inverse(f nn.Activation, y float64) (bias float64, found bool) {
	switch f {
	case nn.Identity:
		return y, true
	case nn.Softmax:
		return 0, false
	}
	low, high := -1.0, 1.0
	for f.F(low) > y && low > -1e6 {
		low *= 2
	}
	for f.F(high) < y && high < 1e6 {
		high *= 2
	}
	for range 200 {
		if middle := low + (high-low)/2; f.F(middle) < y {
			low = middle
		} else {
			high = middle
		}
	}
	off := math.Abs(f.F(high) - y)
	return high, off <= 1e-6*max(1, math.Abs(y))
}
