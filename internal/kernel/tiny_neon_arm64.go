//go:build !purego

package kernel

// tiny32NEON is Tiny.Run, see there and in tiny.go what stands where.
//
//go:noescape
func tiny32NEON(mem *float32, inputs, hidden, outputs, rows, hiddenF, outputF, flags, rowBits int, losses *float64, epochs int, half, scale, target, tolerance float64) int

// tiny64NEON is tiny32NEON in float64.
//
//go:noescape
func tiny64NEON(mem *float64, inputs, hidden, outputs, rows, hiddenF, outputF, flags, rowBits int, losses *float64, epochs int, half, scale, target, tolerance float64) int
