//go:build (amd64 || arm64) && !purego

package kernel

import "sync/atomic"

// A pool holds the memory that no product is using: as many pieces as were ever used at once, up
// to its length. Unlike a sync.Pool it loses nothing to the garbage collector, so a training
// step allocates nothing.
type pool[M any] [64]atomic.Pointer[M]

// take returns a piece that nobody else has, with arbitrary contents.
func (p *pool[M]) take() *M {
	for i := range p {
		if m := p[i].Load(); m != nil && p[i].CompareAndSwap(m, nil) {
			return m
		}
	}
	return new(M)
}

// put gives a piece back.
func (p *pool[M]) put(m *M) {
	for i := range p {
		if p[i].Load() == nil && p[i].CompareAndSwap(nil, m) {
			return
		}
	}
}
