package rng

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// These are the known answers for philox4x32-10 from the paper's Random123 distribution.
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		ctr  [4]uint32
		key  [2]uint32
		want [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, [2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		if got := philox(c.ctr, c.key); got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.ctr, c.key, got, c.want)
		}
	}
}

// These numbers are part of every run's bits. A change here changes every model ever trained.
func TestGolden(t *testing.T) {
	perm := make([]int, 10)
	Perm(perm, 1, Shuffle, 0)
	if want := []int{0, 7, 2, 9, 3, 4, 8, 5, 6, 1}; !slices.Equal(perm, want) {
		t.Errorf("Perm(10, seed 1, epoch 0) = %v, want %v", perm, want)
	}
	if got, want := Uint64(42, Init, 1, 2), uint64(0xf7f9327ee060f642); got != want {
		t.Errorf("Uint64(42, Init, 1, 2) = %#x, want %#x", got, want)
	}
}

func TestPermIsAPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := make([]int, rapid.IntRange(0, 300).Draw(t, "n"))
		Perm(p, rapid.Uint64().Draw(t, "seed"), Shuffle, rapid.Uint64().Draw(t, "epoch"))
		slices.Sort(p)
		for i, v := range p {
			if i != v {
				t.Fatalf("position %d holds %d after sorting", i, v)
			}
		}
	})
}

// Every position should hold every value about equally often, and a neighboring epoch,
// seed or purpose should give an unrelated order.
func TestPermIsUniform(t *testing.T) {
	const n, draws = 6, 12000
	var count [n][n]int
	p := make([]int, n)
	for e := range draws {
		Perm(p, 7, Shuffle, uint64(e))
		for i, v := range p {
			count[i][v]++
		}
	}
	const want = draws / n
	for i := range n {
		for v := range n {
			if d := count[i][v] - want; d < -200 || d > 200 { // five standard deviations
				t.Errorf("value %d stood at position %d %d times, want about %d", v, i, count[i][v], want)
			}
		}
	}
}

func TestFloat64Range(t *testing.T) {
	sum := 0.0
	for i := range uint64(10000) {
		x := Float64(3, Sample, 0, i)
		if x < 0 || x >= 1 {
			t.Fatalf("draw %d = %v, want a number in [0, 1)", i, x)
		}
		sum += x
	}
	if mean := sum / 10000; mean < 0.48 || mean > 0.52 {
		t.Errorf("the mean of 10,000 draws is %v, want 0.48 to 0.52", mean)
	}
}
