package parquet

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Numbers in runs and packed groups of every width are read as they were written.
func TestHybrid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(0, 32).Draw(t, "width")
		number := rapid.Custom(func(t *rapid.T) uint32 { return uint32(rapid.Uint64Range(0, 1<<width-1).Draw(t, "number")) })
		var b []byte
		var want []int32
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			if rapid.Bool().Draw(t, "run") {
				n, x := rapid.IntRange(1, 300).Draw(t, "count"), number.Draw(t, "of")
				b = appendUvarint(b, uint64(n)<<1)
				for i := 0; i < (width+7)/8; i++ {
					b = append(b, byte(x>>(8*i)))
				}
				want = append(want, slices.Repeat([]int32{int32(x)}, n)...)
				continue
			}
			groups := rapid.IntRange(1, 9).Draw(t, "groups")
			b = appendUvarint(b, uint64(groups)<<1|1)
			packed := make([]byte, groups*width)
			for i := range 8 * groups {
				x := number.Draw(t, "x")
				want = append(want, int32(x))
				for bit := range width {
					packed[(i*width+bit)>>3] |= byte(x>>bit&1) << ((i*width + bit) & 7)
				}
			}
			b = append(b, packed...)
		}
		n := rapid.IntRange(0, len(want)).Draw(t, "n") // the last group may end with padding
		got, err := hybrid(b, width, n, nil)
		if err != nil || !slices.Equal(got, want[:n]) {
			t.Fatalf("got %v, %v, want %v", got, err, want[:n])
		}
		if n > 0 && width == 1 && allOnes(b, n) != (b[0]&1 == 0 && !slices.Contains(want[:n], 0) && int(b[0])>>1 >= n) && n < 60 {
			t.Fatalf("allOnes is %v for %v, want the opposite", allOnes(b, n), want[:n])
		}
		if _, err := hybrid(b[:len(b)-1], width, len(want), nil); err == nil && width > 0 {
			t.Fatal("numbers that are cut short by a byte are accepted")
		}
	})
}

func appendUvarint(b []byte, x uint64) []byte {
	for ; x >= 0x80; x >>= 7 {
		b = append(b, byte(x)|0x80)
	}
	return append(b, byte(x))
}
