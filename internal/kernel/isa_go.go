//go:build purego || (!amd64 && !arm64)

package kernel

func machineISAs() []isa { return []isa{generic} }
