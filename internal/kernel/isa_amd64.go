//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

// callElements is the size of chunk on this processor.
const callElements = 4096

// machineISAs returns the instruction sets that the processor has and whose registers the
// operating system saves, the best first.
func machineISAs() []isa {
	x := &cpu.X86
	sets := make([]isa, 0, 3)
	if x.HasAVX2 && x.HasFMA && x.HasBMI2 && x.HasPOPCNT {
		if x.HasAVX512F && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BW {
			sets = append(sets, avx512)
		}
		sets = append(sets, avx2)
	}
	return append(sets, generic)
}
