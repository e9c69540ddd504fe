//go:build !purego

package kernel

// callElements is the size of chunk. It is small since vectors are short and small cores divide slowly.
const callElements = 1024

// machineISAs returns the instruction sets of the processor. NEON is part of arm64.
func machineISAs() []isa { return []isa{neon, generic} }
