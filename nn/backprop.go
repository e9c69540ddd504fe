package nn

import (
	"fmt"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Backprop computes the gradient of the loss for the batch of the tape's last Forward
// against the targets y. It sets grad = scale · dL/dparams, laid out like Params, and
// returns L, the loss summed over the rows (not scaled). scale is 1 for a sum and 1/rows
// for a mean (Reduction.Scale). Rows may have weights (Tape.UseWeights).
//
// From the last layer to the first,
//
//	delta = scale · dL/da · f'(z)              at the output
//	dL/dW = xᵀ·delta     dL/db = Σ_rows delta  x being the layer's input
//	delta = (delta·Wᵀ) · f'(z)                 in the layer before
//
// and through the norms (normBack) and the dropout masks of ForwardTraining. If the network has
// norms, the last forward pass must have been ForwardTraining. After Forward there are no masks.
//
// Every element of grad is one chain over the rows, in order.
func (n *Network[T]) Backprop(t *Tape[T], loss Loss, y Matrix[T], scale float64, grad []T) float64 {
	if len(grad) != len(n.params) {
		panic(fmt.Sprintf("nn: the gradient has %d elements, the network %d parameters", len(grad), len(n.params)))
	}
	if y.Rows == 0 {
		n.checkTargets(t, y)
		clear(grad)
		return 0
	}
	return n.backprop(t, loss, y, scale, pass[T]{n: n, grad: grad})
}

// An Updater changes parameters, part by part (see Part), by their gradient.
type Updater[T Float] interface {
	// Memory returns the memory that Update touches for a part: first the parameters, then what
	// the Updater remembers about them. Several goroutines may call it at once.
	Memory(part int) [][]T
	// Update gets the gradient of a part's parameters. It may change the gradient.
	Update(part int, grad []T)
	// Descent reports whether Update is no more than v = mu·v + grad, w = w - rate·v, where w and
	// v are the part's Memory, or w = w - rate·grad where Memory is w only. The update may then
	// be computed without a call of Update, with the same bits.
	Descent() (rate, mu float64, ok bool)
}

// BackpropUpdate is Backprop without storing the whole gradient. It calls u for each part of
// the parameters as soon as that part's gradient is ready and still in the cache. With a team,
// several goroutines call u. The batch must have at least one row.
func (n *Network[T]) BackpropUpdate(t *Tape[T], loss Loss, y Matrix[T], scale float64, u Updater[T]) float64 {
	t.makeSpare(n)
	return n.backprop(t, loss, y, scale, pass[T]{n: n, update: u})
}

func (n *Network[T]) backprop(t *Tape[T], loss Loss, y Matrix[T], scale float64, p pass[T]) float64 {
	t.pass = p
	sum := n.deltas(t, loss, y, scale) // all of them before the first weight changes
	n.wholeGradient(t)
	return sum
}

// wholeGradient computes the gradient of a pass of one shard.
func (n *Network[T]) wholeGradient(t *Tape[T]) {
	if t.Shards() != 1 {
		panic(fmt.Sprintf("nn: the last pass has %d shards: use ShardGradient for each", t.Shards()))
	}
	t.pass.span = span{0, t.x.Rows}
	n.panelGradients(t)
}

// panelGradients computes the gradient of every panel from the deltas on the tape, over the pass's span.
func (n *Network[T]) panelGradients(t *Tape[T]) {
	if t.sparse(0) {
		t.in.transpose()
	}
	work := t.multiplyAdds(n)
	t.pass.kind = gradientPanels
	if t.size > 1 && work >= alone {
		t.team.Do(len(n.panels), t.work)
	} else {
		for i := range n.panels {
			t.piece(i)
		}
	}
}

// BackpropFrom is Backprop for a loss that the network does not know. dA is dL/da, the gradient
// of L with respect to the outputs of the tape's last forward pass, rows by outputs. It must
// already include all factors and row weights (those of UseWeights are not applied). BackpropFrom
// sets grad = dL/dparams. It leaves the deltas on the tape, so InputGradient can follow. If grad
// is nil it does only that. This is how networks are chained: dA of one is the InputGradient of
// the next.
func (n *Network[T]) BackpropFrom(t *Tape[T], dA Matrix[T], grad []T) {
	if grad != nil && len(grad) != len(n.params) {
		panic(fmt.Sprintf("nn: the gradient has %d elements, the network %d parameters", len(grad), len(n.params)))
	}
	if dA.Rows != t.Rows() || dA.Rows > 0 && dA.Cols != n.Outputs() {
		panic(fmt.Sprintf("nn: the gradient by the outputs is %d x %d, the outputs %d x %d", dA.Rows, dA.Cols, t.Rows(), n.Outputs()))
	}
	if dA.Rows == 0 {
		clear(grad)
		return
	}
	n.checkTraining(t)
	last := len(n.layers) - 1
	delta := t.Delta(last)
	for i := range dA.Rows {
		copy(delta.Row(i), dA.Row(i))
	}
	timesSlope(n.layers[last].Activation, t.Z(last), t.A(last), delta)
	t.pass = pass[T]{n: n, grad: grad}
	n.deltasBehind(t)
	if grad != nil {
		n.wholeGradient(t)
	}
}

// InputGradient sets dst = dL/dx, rows by inputs, from the deltas that the last Backprop, Deltas or
// BackpropFrom left on the tape, scaled as they are:
//
//	dL/dx = delta·Wᵀ     delta and W being those of the first layer
//
// times the mask where ForwardTraining dropped inputs. Call it before the parameters change, so
// not after BackpropUpdate. Every element is one chain over the first layer's units.
func (n *Network[T]) InputGradient(t *Tape[T], dst Matrix[T]) {
	if dst.Rows != t.Rows() || dst.Rows > 0 && dst.Cols != n.inputs {
		panic(fmt.Sprintf("nn: the gradient of the inputs is %d x %d, the inputs %d x %d", dst.Rows, dst.Cols, t.Rows(), n.inputs))
	}
	if dst.Rows == 0 {
		return
	}
	delta := t.Delta(0)
	kernel.Gemm(dst.Rows, dst.Cols, delta.Cols, delta.view(), n.Weights(0).view().T(), dst.view(), false)
	if t.training && n.layers[0].Dropout > 0 {
		d := &t.drops[0]
		for i := range dst.Rows {
			kernel.Drop(dst.Row(i), dst.Row(i), d.keep.Row(i), d.s)
		}
	}
}

// Deltas is Backprop without the gradient: it leaves delta = scale · dL/dz of every layer on
// the tape and returns L, summed shard by shard.
func (n *Network[T]) Deltas(t *Tape[T], loss Loss, y Matrix[T], scale float64) float64 {
	t.pass = pass[T]{n: n}
	return n.deltas(t, loss, y, scale)
}

func (n *Network[T]) deltas(t *Tape[T], loss Loss, y Matrix[T], scale float64) float64 {
	n.checkTargets(t, y)
	n.checkTraining(t)
	last, sum := len(n.layers)-1, 0.0
	t.losses = atLeast(t.losses, t.Shards())
	for i := range t.Shards() {
		from, to := t.Shard(i)
		w := t.weights
		if w != nil {
			w = w[from:to]
		}
		t.losses[i] = weightedLoss(loss, n.layers[last].Activation, y.Slice(from, to), t.z[last].Slice(from, to), t.a[last].Slice(from, to), t.delta[last].Slice(from, to), scale, w)
		sum += t.losses[i]
	}
	n.deltasBehind(t)
	return sum
}

// checkTraining panics if the last forward pass has no gradient.
func (n *Network[T]) checkTraining(t *Tape[T]) {
	if n.normed && !t.training {
		panic("nn: the gradient of a network with norms needs ForwardTraining, not Forward")
	}
}

// deltasBehind computes the deltas of all layers, from dL/dz of the last layer back to the first.
func (n *Network[T]) deltasBehind(t *Tape[T]) {
	last, work := len(n.layers)-1, t.multiplyAdds(n)
	// A norm's own gradient is a sum over all rows, so all rows must have reached it.
	from := last
	for l := last; l >= 0 && n.normed; l-- {
		if n.layers[l].Norm != NoNorm {
			n.deltasBack(t, from, l, work)
			n.normGradient(t, l)
			from = l
		}
	}
	n.deltasBack(t, from, -1, work)
}

// deltasBack computes the deltas of all rows from layer from back to layer to. -1 for to means
// back to the first layer.
func (n *Network[T]) deltasBack(t *Tape[T], from, to, work int) {
	t.pass.first, t.pass.last = from, to
	t.byRows(deltaRows, work)
}

// Parts returns the number of parts into which BackpropUpdate divides the parameters.
func (n *Network[T]) Parts() int { return 2 * len(n.panels) }

// Part returns where a part begins in Params and where it ends. Every parameter belongs to
// exactly one part. A part may be empty.
func (n *Network[T]) Part(i int) (from, to int) {
	p := &n.panels[i/2]
	d := &n.layers[p.layer]
	switch {
	case i%2 == 0:
		return d.weight + p.from*d.Units, d.weight + p.to*d.Units
	case p.from == 0: // a layer's first panel includes bias, gamma and beta
		return d.bias, d.end
	}
	return d.end, d.end
}

// PartLayer returns the layer that a part's parameters belong to.
func (n *Network[T]) PartLayer(i int) int { return n.panels[i/2].layer }

// deltaRows propagates the deltas of some rows back through the pass's layers.
func (n *Network[T]) deltaRows(t *Tape[T], from, to int) {
	for l := t.pass.first; l > t.pass.last; l-- {
		if n.layers[l].Norm != NoNorm {
			n.normBack(t, l, from, to)
		}
		if l == 0 {
			return
		}
		delta, before := t.delta[l].Slice(from, to), t.delta[l-1].Slice(from, to)
		kernel.Gemm(before.Rows, before.Cols, delta.Cols, delta.view(), n.Weights(l).view().T(), before.view(), false)
		if t.training && n.layers[l].Dropout > 0 {
			d := &t.drops[l]
			kernel.Drop(before.flat(), before.flat(), d.keep.Slice(from, to).flat(), d.s)
		}
		timesSlope(n.layers[l-1].Activation, t.z[l-1].Slice(from, to), t.a[l-1].Slice(from, to), before)
	}
}

// gradientPanel computes the gradient of a panel of weights. A layer's first panel includes the
// bias, gamma and beta. If there is an Updater, it uses the gradient at once and nothing is kept.
func (n *Network[T]) gradientPanel(t *Tape[T], i int) {
	p := &n.panels[i]
	delta := t.delta[p.layer].Slice(t.pass.span.from, t.pass.span.to)
	from, to := n.Part(2 * i)
	vectorsFrom, vectorsTo := n.Part(2*i + 1)
	u := t.pass.update
	if u == nil {
		n.weightGradient(t, p, delta, t.pass.grad[from:to], nil)
		if vectorsFrom < vectorsTo {
			n.vectorGradients(t, p.layer, delta, t.pass.grad[vectorsFrom:vectorsTo])
		}
		return
	}
	spare := t.takeSpare()
	if rate, mu, ok := u.Descent(); ok && !t.sparse(p.layer) {
		n.descend(t, i, T(-rate), T(mu), delta, spare.grad)
	} else {
		n.weightGradient(t, p, delta, spare.grad[:to-from], u.Memory(2*i))
		u.Update(2*i, spare.grad[:to-from])
	}
	if rest := spare.grad[:vectorsTo-vectorsFrom]; len(rest) > 0 {
		n.vectorGradients(t, p.layer, delta, rest)
		u.Update(2*i+1, rest)
	}
	spare.busy.Store(false)
}

// descend updates a panel while computing its gradient. Meanwhile it prefetches into the cache
// what this goroutine's probable next panel needs.
func (n *Network[T]) descend(t *Tape[T], i int, rate, mu T, delta Matrix[T], grad []T) {
	x := t.columns(&n.panels[i])
	memory := t.pass.update.Memory(2 * i)
	w, v := memory[0], []T(nil)
	if len(memory) > 1 {
		v = memory[1]
	}
	var next [][]T
	if j := i + t.size; j < len(n.panels) {
		next = t.pass.update.Memory(2 * j)
	}
	kernel.Descend(x.Cols, delta.Cols, x.Rows, x.view().T(), delta.view(), w, v, rate, mu, grad, next)
}

// vectorGradients computes the gradients of a layer's bias, gamma and beta.
func (n *Network[T]) vectorGradients(t *Tape[T], l int, delta Matrix[T], grad []T) {
	d := &n.layers[l]
	if !d.NoBias {
		kernel.ColumnSums(grad[:d.Units], delta.Data, delta.Rows, delta.Stride)
	}
	if d.Norm != NoNorm {
		copy(grad[d.gamma-d.bias:], t.norms[l].grad[2*d.Units*t.pass.shard:][:2*d.Units])
	}
}

// weightGradient computes a panel's dW = xᵀ·delta. Meanwhile it may prefetch the slices in next
// into the cache.
func (n *Network[T]) weightGradient(t *Tape[T], p *panel, delta Matrix[T], dW []T, next [][]T) {
	c := kernel.View[T]{Data: dW, Row: delta.Cols, Col: 1}
	if t.sparse(p.layer) {
		kernel.SparseGemm(&t.in.columns, p.from, p.to, delta.Cols, delta.view(), c, nil)
		return
	}
	x := t.columns(p)
	kernel.GemmFetch(x.Cols, delta.Cols, x.Rows, x.view().T(), delta.view(), c, false, next)
}

// columns returns the inputs that a panel's weights multiply.
func (t *Tape[T]) columns(p *panel) Matrix[T] {
	x := t.input(p.layer).Slice(t.pass.span.from, t.pass.span.to)
	return Matrix[T]{Rows: x.Rows, Cols: p.to - p.from, Stride: x.stride(), Data: x.Data[p.from:]}
}

// checkTargets panics unless there is a target for each output of the last Forward.
func (n *Network[T]) checkTargets(t *Tape[T], y Matrix[T]) {
	if y.Rows != t.Rows() || y.Cols != n.Outputs() {
		panic(fmt.Sprintf("nn: the targets are %d x %d, the outputs %d x %d", y.Rows, y.Cols, t.Rows(), n.Outputs()))
	}
	if t.weights != nil && len(t.weights) != y.Rows {
		panic(fmt.Sprintf("nn: there are %d weights for %d rows", len(t.weights), y.Rows))
	}
}
