package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// fenced returns n elements at the end of mapped memory. Touching the next one is a fault.
func fenced[T Float](t *testing.T, n int) []T {
	t.Helper()
	page := syscall.Getpagesize()
	size := n * int(unsafe.Sizeof(T(0)))
	whole := (size + page - 1) / page * page
	data, err := syscall.Mmap(-1, 0, whole+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(data); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mprotect(data[whole:], syscall.PROT_NONE); err != nil {
		t.Skip(err)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&data[whole-size])), n)
}

func testGemmStaysInside[T Float](t *testing.T) {
	const most = 50000
	a, b, c := fenced[T](t, most), fenced[T](t, most), fenced[T](t, most)
	end := func(pool []T, rows, cols, pad int, transposed bool) View[T] {
		v := matrix(pool, rows, cols, pad, transposed)
		v.Data = pool[most-len(v.Data):]
		return v
	}
	for _, name := range ISAs() {
		useISA(t, name)
		for _, m := range []int{1, 2, 3, 5, 12, 13, 49, 60} {
			for _, n := range []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 130} {
				for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 9, 13, 100} {
					for form := range 4 {
						transA, transB := form&1 != 0, form&2 != 0
						pad := (m + n + k) % 3
						Gemm(m, n, k, end(a, m, k, pad, transA), end(b, k, n, pad, transB), end(c, m, n, pad, false), true)
					}
				}
			}
		}
		// Rows of Aᵀ that are copied in stripes: whole ones, half ones, and others.
		for _, m := range []int{64, 80, 90} {
			Gemm(m, 50, 20, end(a, m, 20, 256-m, true), end(b, 20, 50, 0, false), end(c, m, 50, 0, false), true)
		}
		// Rows far enough apart for panels to be packed.
		Gemm(60, 34, 20, end(a, 60, 20, 0, false), end(b, 20, 34, 2000, false), end(c, 60, 34, 0, false), false)
	}
}

// Gemm touches nothing beyond its matrices.
func TestGemmStaysInside(t *testing.T) {
	t.Run("float32", testGemmStaysInside[float32])
	t.Run("float64", testGemmStaysInside[float64])
}
