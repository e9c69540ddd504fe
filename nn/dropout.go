package nn

import (
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/rng"
)

// Dropout (Srivastava et al. 2014) is inverted, as is usual today. In training an input of a
// layer becomes 0 with the probability p of Dense.Dropout and is divided by 1-p otherwise. Its
// mean stays the same, so inference ignores dropout. Dropout belongs to the layer whose inputs
// it drops, like a torch.nn.Dropout before a Linear. So the network's inputs need nothing
// special, and the outputs cannot be dropped.

// dropTape is a tape's memory for one layer's dropout.
type dropTape[T Float] struct {
	x    Matrix[T] // the layer's input, dropped
	keep Matrix[T] // 1, or 0 where an input was dropped
	s    T         // 1/(1-p); 0 if the layer has no dropout
	four [16][4]T  // maps four drop bits to the corresponding values of keep
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

// dropRows draws the masks of some rows of layer l and applies them to its input. One draw
// covers 64 neighboring inputs of a row.
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
