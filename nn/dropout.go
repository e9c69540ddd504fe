package nn

import (
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/rng"
)

// Dropout (Srivastava et al. 2014), inverted as everywhere today: in training an input of a
// layer becomes 0 with the probability p of Dense.Dropout and is divided by 1-p otherwise, so
// that its mean stays and inference need not know of it. Dropout belongs to the layer whose
// inputs it drops, as in a torch.nn.Dropout before a Linear; so the network's inputs need
// nothing of their own, and the outputs cannot be dropped.

// dropTape is what a tape has of one layer's dropout.
type dropTape[T Float] struct {
	x    Matrix[T] // the layer's input, dropped
	keep Matrix[T] // 1, or 0 where it was
	s    T         // 1/(1-p); 0 where the layer has no dropout
	four [16][4]T  // what keep is where four bits say who is dropped
}

func newDropTape[T Float](l layer, maxRows int) dropTape[T] {
	d := dropTape[T]{x: NewMatrix[T](maxRows, l.in), keep: NewMatrix[T](maxRows, l.in), s: T(1 / (1 - l.Dropout))}
	for bits := range d.four {
		for k := range 4 {
			d.four[bits][k] = T(1 - bits>>k&1)
		}
	}
	return d
}

// dropRows draws the masks of some rows of layer l and drops its input by them. One draw is for
// 64 neighboring inputs of a row.
func (n *Network[T]) dropRows(t *Tape[T], l, from, to int) {
	d, in, p := &t.drops[l], t.x, n.layers[l].Dropout
	if l > 0 {
		in = t.a[l-1]
	}
	a := uint64(t.noise.Step)<<16 | uint64(l)&0xffff
	for i := from; i < to; i++ {
		keep := d.keep.Row(i)
		b := uint64(t.noise.Row+i) << 32
		for j := 0; j < len(keep); j += 64 {
			drop := rng.Bernoulli(p, t.noise.Seed, rng.Dropout, a, b|uint64(j/64)<<5)
			part := keep[j:min(j+64, len(keep))]
			for ; len(part) >= 4; part, drop = part[4:], drop>>4 {
				*(*[4]T)(part) = d.four[drop&15]
			}
			copy(part, d.four[drop&15][:])
		}
		kernel.Drop(d.x.Row(i), in.Row(i), keep, d.s)
	}
}
