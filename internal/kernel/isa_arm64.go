//go:build !purego

package kernel

// callElements is the size of chunk: vectors are short, and small cores divide slowly.
const callElements = 1024

// machineISAs returns what the processor has: NEON is a part of arm64.
func machineISAs() []isa { return []isa{neon, generic} }
