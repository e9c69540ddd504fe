package lesson

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/nn"
)

// Batch is the rows over which batch normalization takes its means and variances, in the order
// in which they are summed. The sample is one of them.
type Batch struct {
	X, Y nn.Matrix[float64]
	Row  int // the sample's row
}

// check returns an error if the batch does not fit the network or the sample.
func (b *Batch) check(net *nn.Network[float64], loss nn.Loss, x, y []float64) error {
	switch {
	case b == nil:
		return errors.New("the network has batch normalization, which uses a batch; give the rows that the sample is one of")
	case b.X.Rows < 2:
		return fmt.Errorf("the batch has %d row; batch normalization needs at least 2", b.X.Rows)
	case b.X.Cols != net.Inputs() || b.Y.Cols != net.Outputs() || b.X.Rows != b.Y.Rows:
		return fmt.Errorf("the batch has %d rows of %d inputs and %d rows of %d targets; the network has %d inputs and %d outputs", b.X.Rows, b.X.Cols, b.Y.Rows, b.Y.Cols, net.Inputs(), net.Outputs())
	case b.Row < 0 || b.Row >= b.X.Rows || !slices.Equal(b.X.Row(b.Row), x) || !slices.Equal(b.Y.Row(b.Row), y):
		return fmt.Errorf("row %d of the batch is not the sample", b.Row)
	}
	for i := range b.X.Rows {
		if !allFinite(b.X.Row(i)) {
			return fmt.Errorf("row %d of the batch has an input that is not a finite number", i)
		}
		for _, v := range b.Y.Row(i) {
			if err := nn.CheckTarget(loss, v); err != nil {
				return fmt.Errorf("row %d of the batch: %w", i, err)
			}
		}
	}
	return nil
}

// Norm is what the norm of a layer did to the sample, unit by unit. The means are over the n units
// of the layer or the n rows of the batch. With s = x·W + b forward, and g = gamma·dL/dz backward,
//
//	hat = (s - mean)·rstd    z = gamma·hat + beta
//	dL/ds = rstd·(g - Σg/n - hat·Σ(g·hat)/n)
//
// In a layer norm the mean, rstd and the two means of g are the same for every unit.
type Norm struct {
	Kind     string    `json:"kind"` // layer or batch
	N        int       `json:"n"`
	S        []float64 `json:"s"`
	Mean     []float64 `json:"mean"`
	Rstd     []float64 `json:"rstd"` // 1/√(variance + epsilon)
	Hat      []float64 `json:"hat"`
	Gamma    []float64 `json:"gamma"`
	Beta     []float64 `json:"beta"`
	DeltaZ   []float64 `json:"delta_z"`    // dL/dz
	MeanG    []float64 `json:"mean_g"`     // Σg/n
	MeanGHat []float64 `json:"mean_g_hat"` // Σ(g·hat)/n
}

// NormStep is the backward pass through a norm at one unit: Delta = Rstd·(G - MeanG - Hat·MeanGHat).
type NormStep struct {
	Kind     string  `json:"kind"`
	N        int     `json:"n"`
	Gamma    float64 `json:"gamma"`
	G        float64 `json:"g"` // Gamma times dL/dz
	MeanG    float64 `json:"mean_g"`
	Hat      float64 `json:"hat"`
	MeanGHat float64 `json:"mean_g_hat"`
	Rstd     float64 `json:"rstd"`
	Delta    float64 `json:"delta"` // dL/ds
}

// RowSum is a gradient as a sum over a batch's rows. Each row contributes delta · x. Sum is exactly the sum
// of the Terms in order and then Rest.
type RowSum struct {
	Terms []RowTerm `json:"terms"` // the ten largest by size, the largest first
	Rest  float64   `json:"rest"`  // the sum of all other contributions
	Count int       `json:"count"`
	Sum   float64   `json:"sum"`
}

// RowTerm is the contribution of one row of the batch.
type RowTerm struct {
	Row     int     `json:"row"` // in the batch
	Delta   float64 `json:"delta"`
	Input   float64 `json:"input"`
	Product float64 `json:"product"`
}

// passed holds the results of one forward and backward pass of the engine over a batch, or over the
// sample if there is no batch.
type passed struct {
	n       *nn.Network[float64]
	loss    nn.Loss
	targets nn.Matrix[float64]
	tape    *nn.Tape[float64]
	grad    []float64
	row     int // the sample's row
}

// input returns the value that a parameter multiplies in a row.
func (p passed) input(row int, a Address) float64 {
	switch {
	case a.In == nn.OfGamma:
		hat, _, _ := p.tape.Normalized(a.Layer)
		return hat.At(row, a.Unit)
	case a.In < 0:
		return 1
	case a.Layer == 0:
		return p.tape.X().At(row, a.In)
	}
	return p.tape.A(a.Layer-1).At(row, a.In)
}

// deltaZ returns dL/dz of a row's layer with a norm. The tape keeps only dL/ds of it.
func (p passed) deltaZ(row, l int) []float64 {
	z, a := p.tape.Z(l).Row(row), p.tape.A(l).Row(row)
	out := make([]float64, len(z))
	f := p.n.Layer(l).Activation
	if l < p.n.Depth()-1 {
		next := p.tape.Delta(l + 1).Row(row)
		for j := range out {
			for k, w := range p.n.Weights(l + 1).Row(j) {
				out[j] += w * next[k]
			}
			out[j] *= f.D(z[j], a[j])
		}
		return out
	}
	// For an output the tape does not have it. A layer that only applies the activation computes it.
	head, err := nn.New[float64](len(z), nn.Seed(0), nn.Dense{Units: len(z), Activation: f, NoBias: true})
	if err != nil {
		return out // impossible for the units of a network
	}
	w := head.Weights(0)
	clear(w.Data)
	for j := range z {
		w.Row(j)[j] = 1
	}
	tape := head.NewTape(1)
	head.Forward(tape, nn.FromRows([][]float64{z}))
	head.Deltas(tape, p.loss, p.targets.Slice(row, row+1), 1)
	copy(out, tape.Delta(0).Row(0))
	return out
}

// norm returns what layer l's norm did to the sample, or nil if it has none.
func (p passed) norm(l int) *Norm {
	d := p.n.Layer(l)
	if d.Norm == nn.NoNorm {
		return nil
	}
	hat, mean, rstd := p.tape.Normalized(l)
	gamma, _ := p.n.Index(l, nn.OfGamma, 0)
	beta, _ := p.n.Index(l, nn.OfBeta, 0)
	m := &Norm{Kind: d.Norm.String(), N: d.Units, S: p.sums(l), DeltaZ: p.deltaZ(p.row, l)}
	m.Hat = append(m.Hat, hat.Row(p.row)...)
	m.Gamma = append(m.Gamma, p.n.Params()[gamma:][:d.Units]...)
	m.Beta = append(m.Beta, p.n.Params()[beta:][:d.Units]...)
	if d.Norm == nn.BatchNorm {
		m.N = p.tape.Rows()
		m.Mean, m.Rstd = append(m.Mean, mean...), append(m.Rstd, rstd...)
		for j, g := range m.Gamma { // the sums over the rows are the gradients of beta and gamma
			m.MeanG = append(m.MeanG, g*p.grad[beta+j]/float64(m.N))
			m.MeanGHat = append(m.MeanGHat, g*p.grad[gamma+j]/float64(m.N))
		}
		return m
	}
	var mu, g, gHat float64
	for j, dz := range m.DeltaZ {
		mu += m.S[j] / float64(m.N)
		g += m.Gamma[j] * dz / float64(m.N)
		gHat += m.Gamma[j] * dz * m.Hat[j] / float64(m.N)
	}
	for range m.N {
		m.Mean, m.Rstd = append(m.Mean, mu), append(m.Rstd, rstd[p.row])
		m.MeanG, m.MeanGHat = append(m.MeanG, g), append(m.MeanGHat, gHat)
	}
	return m
}

// sums returns s = x·W + b of the sample in layer l. The tape does not keep it if the layer has a norm.
func (p passed) sums(l int) []float64 {
	d := p.n.Layer(l)
	w := p.n.Weights(l)
	one, err := nn.New[float64](w.Rows, nn.Seed(0), nn.Dense{Units: d.Units, NoBias: d.NoBias})
	if err != nil {
		return make([]float64, d.Units)
	}
	copy(one.Weights(0).Data, w.Data)
	copy(one.Bias(0), p.n.Bias(l))
	x := p.tape.X()
	if l > 0 {
		x = p.tape.A(l - 1)
	}
	return append([]float64(nil), one.Forward(one.NewTape(1), x.Slice(p.row, p.row+1)).Row(0)...)
}

// step returns the backward pass through the norm at unit j, where dL/dz is delta.
func (m *Norm) step(j int, delta float64) *NormStep {
	s := &NormStep{Kind: m.Kind, N: m.N, Gamma: m.Gamma[j], G: m.Gamma[j] * delta, MeanG: m.MeanG[j], Hat: m.Hat[j], MeanGHat: m.MeanGHat[j], Rstd: m.Rstd[j]}
	s.Delta = s.Rstd * (s.G - s.MeanG - float64(s.Hat*s.MeanGHat))
	return s
}

// through returns the factor dz/ds for z of unit k and s of unit j in a layer with a layer norm.
func (c chainer) through(l, j, k int) Factor {
	m := c.e.Layers[l].Norm
	same, value := "0", 0.0
	if j == k {
		same, value = "1", 1
	}
	n := float64(m.N)
	value = m.Gamma[k] * m.Rstd[j] * (value - 1/n - float64(m.Hat[k]*m.Hat[j])/n)
	return Factor{
		Kind: ThroughNorm, Layer: l, In: j, Unit: k, Value: value,
		Symbol:  fmt.Sprintf("dz[%d.%d]/ds[%d.%d]", l, k, l, j),
		Meaning: fmt.Sprintf("how z of unit %d of layer %d changes with s = x·W + b of unit %d through the layer norm: gamma·rstd·(%s - 1/n - hat·hat/n)", k, l, j, same),
	}
}

// rows sums a gradient over the batch.
func (c chainer) rows() *RowSum {
	w := c.e.Weight
	r := &RowSum{Count: c.p.tape.Rows()}
	for row := range r.Count {
		t := RowTerm{Row: row, Input: c.p.input(row, w)}
		if w.In == nn.OfGamma || w.In == nn.OfBeta {
			t.Delta = c.p.deltaZ(row, w.Layer)[w.Unit]
		} else {
			t.Delta = c.p.tape.Delta(w.Layer).At(row, w.Unit)
		}
		t.Product = t.Delta * t.Input
		r.Terms = append(r.Terms, t)
	}
	r.Terms, r.Rest = largestTerms(r.Terms, func(t RowTerm) float64 { return t.Product })
	for _, t := range r.Terms {
		r.Sum += t.Product
	}
	r.Sum += r.Rest
	return r
}
