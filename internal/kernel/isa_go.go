//go:build purego || (!amd64 && !arm64)

package kernel

// callElements is the size of chunk, of which Go alone makes no use.
const callElements = 4096

func machineISAs() []isa { return []isa{generic} }
