//go:build !purego

package kernel

// machineISAs returns what the processor has: NEON is a part of arm64.
func machineISAs() []isa { return []isa{neon, generic} }
