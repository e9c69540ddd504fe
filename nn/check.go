package nn

import (
	"math"
	"sort"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/rng"
)

// CheckThreshold is the relative error below which the gradient of a smooth network counts as right.
const CheckThreshold = 1e-7

const cbrtEpsilon = 6.0554544523933429e-06 // the cube root of 2^-52

// CheckOptions says how much to check.
type CheckOptions struct {
	Max       int       // check at most this many parameters, drawn by Seed; 0 checks all
	Seed      uint64    // chooses the sample
	Reduction Reduction // the one used in training
	Penalty   Penalty   // the one used in training; L is then the loss plus the penalty
	Weights   []float64 // of the rows; nil means all are 1. A mean divides by their sum.

	// GoOn, if not nil, is called before each parameter. If it returns false, the check ends
	// with what it has compared so far.
	GoOn func() bool
}

// Check is the result of comparing gradients with central differences.
type Check struct {
	Parameters int          `json:"parameters"` // how many the network has
	Checked    int          `json:"checked"`    // how many were compared; the others were not drawn or sit at a kink
	Kinks      int          `json:"kinks"`      // how many were skipped because a kink lies within the step
	Worst      Comparison   `json:"worst"`      // the largest error among those compared
	Groups     []CheckGroup `json:"groups"`     // the same for each tensor
}

// MarshalJSON writes null for a number that is not finite.
func (c Check) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(c) }

// UnmarshalJSON reads null as NaN.
func (c *Check) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, c) }

// OK reports whether every compared gradient is within CheckThreshold. A NaN is not.
func (c Check) OK() bool { return c.Worst.Error <= CheckThreshold }

// CheckGroup is a Check of one tensor of parameters: a layer's weights, bias, gamma or beta.
type CheckGroup struct {
	Tensor  string     `json:"tensor"` // as in Tensors
	Checked int        `json:"checked"`
	Kinks   int        `json:"kinks"`
	Worst   Comparison `json:"worst"`
}

// MarshalJSON writes null for a number that is not finite.
func (c CheckGroup) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(c) }

// UnmarshalJSON reads null as NaN.
func (c *CheckGroup) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, c) }

// Comparison is one parameter's gradient next to its numeric derivative.
type Comparison struct {
	Index    int     `json:"index"`    // in Params
	Gradient float64 `json:"gradient"` // by Backprop
	Numeric  float64 `json:"numeric"`  // by a central difference
	Error    float64 `json:"error"`    // |a - n| / max(|a| + |n|, 0.01·max|gradient|)
}

// MarshalJSON writes null for a number that is not finite.
func (c Comparison) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(c) }

// UnmarshalJSON reads null as NaN.
func (c *Comparison) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, c) }

// CheckGradient compares the gradient of every parameter, or of a sample of them, with the
// central difference (L(w+h) - L(w-h)) / 2h, h = ∛ε·max(1, |w|), in float64. Where the two are farther apart than
// CheckThreshold, the difference is extrapolated from smaller steps to h = 0 and compared again. It changes each of
// the network's parameters and puts it back. Nothing else may use the network meanwhile. The
// loss is that of training. Batch normalization uses the statistics of these rows and needs at
// least 2 of them. Dropout uses the masks of the seed's first step.
//
// A parameter whose step carries a unit or an output across a kink (ReLU at 0, the absolute
// loss at its target) has no derivative to compare with. It is counted and skipped.
func CheckGradient(n *Network[float64], loss Loss, x, y Matrix[float64], o CheckOptions) Check {
	c := newChecker(n, loss, x, y, o)
	result := Check{Parameters: len(n.params)}
	group := -1
	for _, i := range sampleIndices(len(n.params), o.Max, o.Seed) {
		if o.GoOn != nil && !o.GoOn() {
			break
		}
		l, in, _ := n.Locate(i)
		if name := tensorName(l, in); group < 0 || result.Groups[group].Tensor != name {
			result.Groups = append(result.Groups, CheckGroup{Tensor: name})
			group++
		}
		g := &result.Groups[group]
		cmp, kink := c.compare(i)
		if kink {
			g.Kinks++
			result.Kinks++
			continue
		}
		g.Checked++
		result.Checked++
		g.Worst = worse(g.Worst, cmp)
		result.Worst = worse(result.Worst, cmp)
	}
	return result
}

// CompareOne is CheckGradient for one parameter, without dropout: its gradient, its numeric
// derivative, and whether a kink lies within the step. The network is not changed.
func CompareOne(n *Network[float64], loss Loss, x, y Matrix[float64], r Reduction, index int) (c Comparison, kink bool) {
	return newChecker(n.WithoutDropout(), loss, x, y, CheckOptions{Reduction: r}).compare(index)
}

func worse(a, b Comparison) Comparison {
	if b.Error > a.Error || b.Error != b.Error {
		return b
	}
	return a
}

// sampleIndices returns 0 .. n-1, or a sample of size most drawn without replacement, in order.
func sampleIndices(n, most int, seed uint64) []int {
	all := make([]int, n)
	if most <= 0 || n <= most {
		for i := range all {
			all[i] = i
		}
		return all
	}
	rng.Perm(all, seed, rng.Sample, 0)
	all = all[:most]
	sort.Ints(all)
	return all
}

// checker holds what comparing one parameter needs.
type checker struct {
	n        *Network[float64]
	loss     Loss
	x, y     Matrix[float64]
	noise    Noise // of the masks
	scale    float64
	penalty  Penalty
	grad     []float64
	floor    float64 // 0.01·max|gradient|
	tape     *Tape[float64]
	lossUp   []float64 // each row's loss at w+h
	piecesUp []int     // each unit's and output's smooth piece at w+h
}

func newChecker(n *Network[float64], loss Loss, x, y Matrix[float64], o CheckOptions) *checker {
	c := &checker{n: n, loss: loss, x: x, y: y, noise: Noise{Seed: o.Seed}, scale: o.Reduction.Scale(x.Rows, o.Weights), penalty: o.Penalty, tape: n.NewTape(x.Rows)}
	c.tape.UseWeights(o.Weights)
	c.grad = make([]float64, len(n.params))
	c.forward()
	n.Backprop(c.tape, loss, y, c.scale, c.grad)
	n.AddPenalty(o.Penalty, 0, c.grad)
	for _, g := range c.grad {
		c.floor = max(c.floor, 0.01*math.Abs(g))
	}
	c.lossUp = make([]float64, x.Rows)
	return c
}

func (c *checker) forward() { c.n.ForwardTraining(c.tape, c.x, c.noise) }

func (c *checker) compare(i int) (Comparison, bool) {
	_, in, _ := c.n.Locate(i)
	return c.compareAt(i, &c.n.params[i], c.grad[i], in >= 0)
}

// compareAt compares the gradient a of the number at place, a parameter or an input, with the
// numeric derivative. It changes that number and puts it back. penalized says whether the penalty
// applies to it.
func (c *checker) compareAt(i int, place *float64, a float64, penalized bool) (Comparison, bool) {
	w := *place
	defer func() { *place = w }()
	step := cbrtEpsilon * max(1, math.Abs(w))
	num, kink := c.difference(place, w, step, penalized)
	e := c.relativeError(a, num)
	if !(e <= CheckThreshold) && !kink {
		num = c.extrapolate(place, w, step, num, penalized)
		e = c.relativeError(a, num)
	}
	return Comparison{Index: i, Gradient: a, Numeric: num, Error: e}, kink
}

// relativeError is |a - num| / max(|a| + |num|, floor), and 0 if both are 0.
func (c *checker) relativeError(a, num float64) float64 {
	if a == 0 && num == 0 {
		return 0
	}
	return math.Abs(a-num) / max(math.Abs(a)+math.Abs(num), c.floor)
}

// difference returns (L(w+step) - L(w-step)) / 2 step for the number at place, and whether a kink lies
// within the step. It leaves w - step at place.
func (c *checker) difference(place *float64, w, step float64, penalized bool) (num float64, kink bool) {
	up, down := w+step, w-step

	*place = up
	c.forward()
	for r := range c.lossUp {
		c.lossUp[r] = c.n.rowLoss(c.tape, c.loss, c.y, r)
	}
	c.piecesUp = c.pieces(c.piecesUp[:0])

	*place = down
	c.forward()
	diff, lost := 0.0, 0.0 // the sum of the rows' differences and of its rounding errors (Neumaier)
	for r, above := range c.lossUp {
		d := above - c.n.rowLoss(c.tape, c.loss, c.y, r)
		s := diff + d
		if math.Abs(diff) >= math.Abs(d) {
			lost += (diff - s) + d
		} else {
			lost += (d - s) + diff
		}
		diff = s
	}
	kink = !c.samePieces()
	num = c.scale * (diff + lost) / (up - down)
	if penalized { // the change in this weight's penalty; that of the others cancels
		num += (c.penalty.L2*(up*up-down*down)/2 + c.penalty.L1*(math.Abs(up)-math.Abs(down))) / (up - down)
		kink = kink || c.penalty.L1 != 0 && up > 0 && down < 0
	}
	return num, kink
}

// extrapolate returns the derivative to which the differences with step, step/2, step/4 and step/8
// tend (Ridders 1982). first is the difference with step. A difference is off by a multiple of step²,
// which is large where the loss curves strongly, as below a layer normalization of nearly equal values.
// Each entry of Neville's table removes a further power of step². The entry that differs least from those it was made of is
// returned, so the gradient that is checked has no influence.
func (c *checker) extrapolate(place *float64, w, step, first float64, penalized bool) float64 {
	best, least := first, math.Inf(1)
	row := []float64{first}
	for range 3 {
		step /= 2
		num, _ := c.difference(place, w, step, penalized)
		next := []float64{num}
		power := 1.0
		for k, above := range row {
			power *= 4
			better := (power*next[k] - above) / (power - 1)
			if off := max(math.Abs(better-next[k]), math.Abs(better-above)); off < least {
				best, least = better, off
			}
			next = append(next, better)
		}
		row = next
	}
	return best
}

// pieces appends the smooth piece that each unit and each output is on.
func (c *checker) pieces(dst []int) []int {
	for l := range c.n.layers {
		f := c.n.layers[l].Activation
		for r := range c.x.Rows {
			for _, z := range c.tape.z[l].Row(r) {
				dst = append(dst, f.Piece(z))
			}
		}
	}
	last := len(c.n.layers) - 1
	for r := range c.x.Rows {
		for j, a := range c.tape.a[last].Row(r) {
			dst = append(dst, LossOf(c.loss, j).Piece(c.y.Row(r)[j], a))
		}
	}
	return dst
}

func (c *checker) samePieces() bool {
	n := len(c.piecesUp)
	all := c.pieces(c.piecesUp)
	c.piecesUp = all[:n]
	for i, p := range all[:n] {
		if all[n+i] != p {
			return false
		}
	}
	return true
}
