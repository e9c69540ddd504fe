//go:build purego || (!amd64 && !arm64)

package kernel

// callElements is the size of chunk. The Go code does not use it.
const callElements = 4096

func machineISAs() []isa { return []isa{generic} }
