//go:build purego || !amd64

package kernel

func machineISAs() []isa { return []isa{generic} }
