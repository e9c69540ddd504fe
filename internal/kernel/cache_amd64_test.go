//go:build !purego

package kernel

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
)

// These are the answers of processors, from their manuals and from dumps of real ones.
func TestCacheBytes(t *testing.T) {
	type leaf struct{ leaf, subleaf uint32 }
	for _, c := range []struct {
		name    string
		answers map[leaf][4]uint32
		want    int
	}{
		{"Zen 3", map[leaf][4]uint32{
			{0, 0}: {0x10}, {0x80000000, 0}: {0x80000023},
			{0x8000001d, 0}: {0x00004121, 0x01c0003f, 0x3f}, {0x8000001d, 1}: {0x00004122, 0x01c0003f, 0x3f},
			{0x8000001d, 2}: {0x00004143, 0x01c0003f, 0x3ff}, {0x8000001d, 3}: {0x0003c163, 0x03c0003f, 0x7fff},
		}, 512 << 10},
		{"Skylake", map[leaf][4]uint32{
			{0, 0}: {0x16}, {0x80000000, 0}: {0x80000008},
			{4, 0}: {0x1c004121, 0x01c0003f, 0x3f}, {4, 1}: {0x1c004122, 0x01c0003f, 0x3f},
			{4, 2}: {0x1c004143, 0x00c0003f, 0x3ff},
		}, 256 << 10},
		{"one that does not tell", map[leaf][4]uint32{{0, 0}: {2}, {0x80000000, 0}: {0x80000008}}, 0},
		{"one without an L2 cache", map[leaf][4]uint32{{0, 0}: {4}, {4, 0}: {0x1c004121, 0x01c0003f, 0x3f}}, 0},
	} {
		got := cacheBytes(func(l, s uint32) (eax, ebx, ecx, edx uint32) {
			a := c.answers[leaf{l, s}]
			return a[0], a[1], a[2], a[3]
		}, 2)
		if got != c.want {
			t.Errorf("%s: an L2 cache of %d bytes, want %d", c.name, got, c.want)
		}
	}
}

// The system reports the same cache as CPUID, if it reports one and the processor is not
// emulated.
func TestCacheBytesOfThisMachine(t *testing.T) {
	text, err := os.ReadFile("/sys/devices/system/cpu/cpu0/cache/index2/size")
	if err != nil || l2Bytes == 0 {
		t.Skipf("nothing to compare: %v, %d bytes", err, l2Bytes)
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || strings.Contains(string(info), " avx512f ") != cpu.X86.HasAVX512F || strings.Contains(string(info), " avx2 ") != cpu.X86.HasAVX2 {
		t.Skip("the processor is emulated")
	}
	kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(string(text)), "K"))
	if err != nil || kib<<10 != l2Bytes {
		t.Errorf("CPUID reports an L2 cache of %d KiB, and the system reports %s", l2Bytes>>10, text)
	}
}

func TestBlockOf(t *testing.T) {
	for l2, want := range map[int]int{0: 512 << 10, 256 << 10: 128 << 10, 512 << 10: 256 << 10, 1 << 20: 512 << 10, 2 << 20: 512 << 10, 64 << 10: 128 << 10} {
		if got := blockOf(l2); got != want {
			t.Errorf("with an L2 cache of %d KiB, blocks of %d KiB, want %d", l2>>10, got>>10, want>>10)
		}
	}
}
