//go:build !purego

package kernel

// l2Bytes is the size of a core's L2 cache in bytes, or 0 if the processor does not report it.
var l2Bytes = cacheBytes(cpuid, 2)

// cacheBytes asks the processor for the size in bytes of a core's data cache of that level. AMD
// (leaf 0x8000001D) and Intel (leaf 4) report it in the same form: AMD64 Architecture
// Programmer's Manual, volume 3, appendix E, and Intel's Software Developer's Manual, volume
// 2A, CPUID.
func cacheBytes(cpuid func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32), level uint32) int {
	const amd, intel = 0x8000001d, 4
	for _, leaf := range []uint32{amd, intel} {
		if most, _, _, _ := cpuid(leaf&0x80000000, 0); most < leaf {
			continue
		}
		const caches = 8 // more than any processor has
		for i := range uint32(caches) {
			eax, ebx, ecx, _ := cpuid(leaf, i)
			const none, instructions = 0, 2
			kind := eax & 31
			if kind == none {
				break
			}
			if kind != instructions && eax>>5&7 == level {
				ways, partitions, line := ebx>>22+1, ebx>>12&1023+1, ebx&4095+1
				return int(ways) * int(partitions) * int(line) * (int(ecx) + 1)
			}
		}
	}
	return 0
}
