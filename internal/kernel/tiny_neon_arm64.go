//go:build !purego

package kernel

// tiny32NEON is Tiny.Run. See there, and tiny.go for the layout of mem.
//
//go:noescape
func tiny32NEON(mem *float32, inputs, hidden, outputs, rows, hiddenF, outputF, flags, rowBits int, losses *float64, epochs int, half, scale, target, tolerance float64) int

// tiny64NEON is tiny32NEON in float64.
//
//go:noescape
func tiny64NEON(mem *float64, inputs, hidden, outputs, rows, hiddenF, outputF, flags, rowBits int, losses *float64, epochs int, half, scale, target, tolerance float64) int
