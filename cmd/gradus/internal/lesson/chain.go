package lesson

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/nn"
)

// Kind says what a factor of the chain rule is.
type Kind string

const (
	LossByOutput Kind = "dL/da" // of an output
	LossByZ      Kind = "dL/dz" // of an output
	Slope        Kind = "f'(z)"
	WeightOf     Kind = "w"     // the weight on the way back from a unit to a unit in the layer before
	InputOf      Kind = "x"     // dz/dw, the value that the weight multiplies: an input of the network
	ActivationOf Kind = "a"     // the same, if it is an activation of the layer before
	HatOf        Kind = "hat"   // the same, for gamma of a norm: the normalized sum
	One          Kind = "1"     // the same, for a bias or a norm's beta
	ThroughNorm  Kind = "dz/ds" // on the way back through a layer norm, from z of a unit to s of a unit of the same layer
)

// Factor is one factor of the chain rule. Symbol writes units as [layer.unit], weights as
// [layer.in.unit] and inputs as [in].
type Factor struct {
	Kind    Kind    `json:"kind"`
	Layer   int     `json:"layer"` // -1 for an input of the network
	In      int     `json:"in"`    // of a weight, and of ThroughNorm the unit of s; otherwise -1
	Unit    int     `json:"unit"`
	Symbol  string  `json:"symbol"`
	Meaning string  `json:"meaning"`
	Value   float64 `json:"value"`
}

// Unit is a unit of a layer.
type Unit struct {
	Layer int `json:"layer"`
	Unit  int `json:"unit"`
}

// Path is one path from a weight to the loss.
type Path struct {
	Units   []Unit   `json:"units"`   // from the weight's own unit to an output; a layer with a layer norm has two: those of s and z
	Factors []Factor `json:"factors"` // from the loss back to the weight, as the chain rule is written
	Product float64  `json:"product"` // of the factors, in order
}

// Recursion is one level of backpropagation, at the unit j that the weight leads to:
//
//	delta_j = f'(z_j) · Σ_k w_jk·delta_k       dL/dw = delta_j · x
//
// Sum is exactly the sum of the Terms in order and then Rest. At a norm delta_j is dL/dz, and Norm goes on
// from there to dL/ds. If the network has batch normalization, Rows sums dL/ds times x over the
// batch; the other fields are those of the sample.
type Recursion struct {
	Unit  Unit      `json:"unit"`
	Slope Factor    `json:"slope,omitzero"`  // f'(z_j)
	Start []Factor  `json:"start,omitempty"` // at an output, the factors of Delta, instead of Slope and Terms
	Terms []Term    `json:"terms"`           // the ten largest by size, the largest first
	Rest  float64   `json:"rest"`            // the sum of all other contributions
	Count int       `json:"count"`           // the total number of contributions
	Sum   float64   `json:"sum"`
	Delta float64   `json:"delta"` // Slope · Sum
	Norm  *NormStep `json:"norm,omitempty"`
	Input Factor    `json:"input"` // the last factor, x
	Rows  *RowSum   `json:"rows,omitempty"`
}

// last is the delta that the sample's input is multiplied with.
func (r *Recursion) last() float64 {
	if r.Norm != nil {
		return r.Norm.Delta
	}
	return r.Delta
}

// Term is the contribution of one unit k of the next layer, w_jk · delta_k.
type Term struct {
	Unit    Unit    `json:"unit"` // k
	Weight  float64 `json:"weight"`
	Delta   float64 `json:"delta"`
	Product float64 `json:"product"`
}

// mostTerms is how many contributions a Recursion lists.
const mostTerms = 10

// largestTerms returns the mostTerms terms with the largest contributions, the largest first, and the sum of
// the other contributions, added from the smallest on.
func largestTerms[T any](terms []T, product func(T) float64) (kept []T, rest float64) {
	slices.SortStableFunc(terms, func(a, b T) int {
		return cmp.Compare(math.Abs(product(b)), math.Abs(product(a)))
	})
	n := min(len(terms), mostTerms)
	for _, t := range slices.Backward(terms[n:]) {
		rest += product(t)
	}
	return terms[:n:n], rest
}

// chain sets the paths, or the recursion, and their sum.
func (e *Explanation) chain(p passed, o ExplainOptions) {
	c := chainer{e, p.n, o.Loss, p}
	e.PathCount = c.count()
	if e.Batch > 0 || e.PathCount > o.MaxPaths {
		e.Recursion = c.recursion()
		e.Sum = e.Recursion.last() * e.Recursion.Input.Value
		if e.Batch > 0 {
			e.Recursion.Rows = c.rows()
			e.Sum = e.Recursion.Rows.Sum
		}
		return
	}
	c.extend([]Unit{{e.Weight.Layer, e.Weight.Unit}})
	for _, p := range e.Paths {
		e.Sum += p.Product
	}
}

// chainer holds what is needed to name and compute factors.
type chainer struct {
	e    *Explanation
	n    *nn.Network[float64]
	loss nn.Loss
	p    passed
}

// normed reports whether the path from the weight to z of a layer leads through a layer norm.
func (c chainer) normed(l int) bool {
	own := c.e.Weight.Layer == l && (c.e.Weight.In == nn.OfGamma || c.e.Weight.In == nn.OfBeta) // comes after the norm
	return c.n.Layer(l).Norm == nn.LayerNorm && !own
}

// count returns the number of paths, at most math.MaxInt. With batch normalization it returns 0, because the
// paths then lead through every row of the batch.
func (c chainer) count() int {
	if c.e.Batch > 0 {
		return 0
	}
	paths := 1
	times := func(width int) {
		if paths > math.MaxInt/width {
			paths = math.MaxInt
		} else {
			paths *= width
		}
	}
	for l := c.e.Weight.Layer; l < c.n.Depth(); l++ {
		if l > c.e.Weight.Layer {
			times(c.n.Layer(l).Units)
		}
		if c.normed(l) {
			times(c.n.Layer(l).Units)
		}
	}
	return paths
}

// extend adds every path that begins with these units.
func (c chainer) extend(units []Unit) {
	at := units[len(units)-1]
	if c.normed(at.Layer) && (len(units) == 1 || units[len(units)-2].Layer != at.Layer) {
		for k := range c.n.Layer(at.Layer).Units {
			c.extend(append(units, Unit{at.Layer, k}))
		}
		return
	}
	if at.Layer == c.n.Depth()-1 {
		c.e.Paths = append(c.e.Paths, c.path(append([]Unit(nil), units...)))
		return
	}
	for k := range c.n.Layer(at.Layer + 1).Units {
		c.extend(append(units, Unit{at.Layer + 1, k}))
	}
}

// path multiplies the factors along the units, walking back from the output.
func (c chainer) path(units []Unit) Path {
	p := Path{Units: units}
	for i := len(units) - 1; i >= 0; i-- {
		u := units[i]
		switch {
		case i == len(units)-1:
			p.Factors = append(p.Factors, c.start(u.Unit)...)
		case units[i+1].Layer == u.Layer:
			p.Factors = append(p.Factors, c.through(u.Layer, u.Unit, units[i+1].Unit))
		default:
			p.Factors = append(p.Factors, c.weight(u, units[i+1]), c.slope(u))
		}
	}
	p.Factors = append(p.Factors, c.input())
	p.Product = 1
	for _, f := range p.Factors {
		p.Product *= f.Value
	}
	return p
}

// start returns the factors at output k: dL/da and f'(z), or dL/dz as one factor.
func (c chainer) start(k int) []Factor {
	last := c.n.Depth() - 1
	if !c.e.FromZ {
		return []Factor{{
			Kind: LossByOutput, Layer: last, In: -1, Unit: k, Value: c.e.Outputs[k].Derivative,
			Symbol:  fmt.Sprintf("dL/da[%d.%d]", last, k),
			Meaning: fmt.Sprintf("how the %s loss changes with output %d", c.loss, k),
		}, c.slope(Unit{last, k})}
	}
	f := c.n.Layer(last).Activation
	var meaning string
	switch {
	case f == nn.Softmax && c.loss == nn.CrossEntropy:
		meaning = fmt.Sprintf("how the loss changes with z of output %d: softmax and cross-entropy together give yhat - y", k)
	case f == nn.Softmax:
		meaning = fmt.Sprintf("how the %s loss changes with z of output %d, through every output: softmax's whole Jacobian is in it", c.loss, k)
	default:
		meaning = fmt.Sprintf("how the loss changes with z of output %d: %s and %s together, because dL/da and f'(z) by themselves would lose the number", k, f, c.loss)
	}
	return []Factor{{
		Kind: LossByZ, Layer: last, In: -1, Unit: k, Value: c.e.Layers[last].deltaZ()[k],
		Symbol: fmt.Sprintf("dL/dz[%d.%d]", last, k), Meaning: meaning,
	}}
}

func (c chainer) slope(u Unit) Factor {
	return Factor{
		Kind: Slope, Layer: u.Layer, In: -1, Unit: u.Unit, Value: c.e.Layers[u.Layer].Derivative[u.Unit],
		Symbol:  fmt.Sprintf("f'(z[%d.%d])", u.Layer, u.Unit),
		Meaning: fmt.Sprintf("how %s of layer %d, unit %d, changes with its z", c.e.Layers[u.Layer].Activation, u.Layer, u.Unit),
	}
}

func (c chainer) weight(from, to Unit) Factor {
	return Factor{
		Kind: WeightOf, Layer: to.Layer, In: from.Unit, Unit: to.Unit, Value: c.n.Weights(to.Layer).At(from.Unit, to.Unit),
		Symbol:  fmt.Sprintf("w[%s]", Address{to.Layer, from.Unit, to.Unit}),
		Meaning: fmt.Sprintf("the weight from unit %d of layer %d to unit %d of layer %d", from.Unit, from.Layer, to.Unit, to.Layer),
	}
}

// input returns the last factor, dz/dw of the chosen weight.
func (c chainer) input() Factor {
	w := c.e.Weight
	f := Factor{Layer: w.Layer - 1, In: -1, Unit: w.In}
	switch {
	case w.In == nn.OfGamma:
		f.Kind, f.Layer, f.Unit, f.Value = HatOf, w.Layer, w.Unit, c.e.Layers[w.Layer].Norm.Hat[w.Unit]
		f.Symbol, f.Meaning = fmt.Sprintf("hat[%d.%d]", w.Layer, w.Unit), "the normalized sum, which gamma multiplies"
	case w.In < 0:
		f.Kind, f.Layer, f.Unit, f.Value = One, w.Layer, w.Unit, 1
		f.Symbol, f.Meaning = "1", "the sum grows by 1 for each 1 that is added to it"
	case w.Layer == 0:
		f.Kind, f.Value = InputOf, c.e.Input[w.In]
		f.Symbol, f.Meaning = fmt.Sprintf("x[%d]", w.In), fmt.Sprintf("input %d, which the weight multiplies", w.In)
	default:
		f.Kind, f.Value = ActivationOf, c.e.Layers[w.Layer-1].A[w.In]
		f.Symbol = fmt.Sprintf("a[%d.%d]", w.Layer-1, w.In)
		f.Meaning = fmt.Sprintf("the activation of unit %d of layer %d, which the weight multiplies", w.In, w.Layer-1)
	}
	return f
}

// recursion computes the delta of the weight's unit from the deltas of the next layer, or for an output from
// the loss. If the weight comes before a norm, it goes on through the norm.
func (c chainer) recursion() *Recursion {
	j := Unit{c.e.Weight.Layer, c.e.Weight.Unit}
	r := &Recursion{Unit: j, Input: c.input()}
	if j.Layer == c.n.Depth()-1 {
		r.Start, r.Delta = c.start(j.Unit), 1
		for _, f := range r.Start {
			r.Delta *= f.Value
		}
	} else {
		c.behind(r)
	}
	if m := c.e.Layers[j.Layer].Norm; m != nil && c.e.Weight.In != nn.OfGamma && c.e.Weight.In != nn.OfBeta {
		r.Norm = m.step(j.Unit, r.Delta)
	}
	return r
}

// behind sets the contributions that come back from the next layer.
func (c chainer) behind(r *Recursion) {
	j := r.Unit
	r.Slope = c.slope(j)
	weights := c.n.Weights(j.Layer + 1).Row(j.Unit)
	for k, delta := range c.e.Layers[j.Layer+1].Delta {
		r.Terms = append(r.Terms, Term{Unit{j.Layer + 1, k}, weights[k], delta, weights[k] * delta})
	}
	r.Count = len(r.Terms)
	r.Terms, r.Rest = largestTerms(r.Terms, func(t Term) float64 { return t.Product })
	for _, t := range r.Terms {
		r.Sum += t.Product
	}
	r.Sum += r.Rest
	r.Delta = r.Slope.Value * r.Sum
}
