//go:build (amd64 || arm64) && !purego

package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Dividing the rows for another L2 cache changes no bit.
func TestBlocksChangeNothing(t *testing.T) {
	before := blockBytes
	t.Cleanup(func() { blockBytes = before })
	const m, n, k = 256 + 150, 50, 450
	r := rand.New(rand.NewPCG(5, 1))
	a, b := make([]float32, m*k), make([]float32, k*n)
	for _, x := range [][]float32{a, b} {
		for i := range x {
			x[i] = r.Float32() - 0.5
		}
	}
	const wide = 512 // m of them are used, so the rows are copied in stripes
	transposed := make([]float32, wide*k)
	for i := range m {
		for p := range k {
			transposed[p*wide+i] = a[i*k+p]
		}
	}
	product := func(a View[float32]) []float32 {
		c := make([]float32, m*n)
		Gemm(m, n, k, a, View[float32]{b, n, 1}, View[float32]{c, n, 1}, false)
		return c
	}
	useISA(t, "generic")
	want := product(View[float32]{a, k, 1})
	for _, isa := range ISAs() {
		useISA(t, isa)
		for _, bytes := range []int{4 << 10, 20 << 10, blockOf(512 << 10), blockOf(0)} { // of A's 731 KB
			blockBytes = bytes
			if got := product(View[float32]{a, k, 1}); !slices.Equal(got, want) {
				t.Errorf("%s: blocks of %d bytes change the product", isa, bytes)
			}
			if got := product(View[float32]{transposed, 1, wide}); !slices.Equal(got, want) {
				t.Errorf("%s: blocks of %d bytes change the product of the transposed matrix", isa, bytes)
			}
		}
	}
}
