package data

import (
	"hash/maphash"
	"math"
)

// RowHashes returns two hashes for each of the given rows: of the inputs alone, and of the inputs and the targets. They hash what
// the cells say, not how they are encoded, so two rare levels have different hashes. In one process, rows with the same
// values have the same hashes, in any table; others almost never do. The rows must be those that Inputs and Targets take.
func RowHashes(b *Binding, rows []int) (inputs, all []uint64) {
	inputs, all = make([]uint64, len(rows)), make([]uint64, len(rows))
	of := make([]func(row int) uint64, len(b.inputs))
	for i, col := range b.inputs {
		if b.coders == nil {
			of[i] = numberHash(&b.t.cols[col])
		} else {
			of[i] = b.coders[i].hash()
		}
	}
	targets := make([]func(row int) uint64, len(b.targets))
	for i, col := range b.targets {
		y := &b.e.Targets[i]
		c := b.t.cols[col].spelled(y.Spelling)
		if b.e.Task == Regression {
			targets[i] = numberHash(c)
			continue
		}
		class := y.classOf(c)
		targets[i] = func(row int) uint64 { return uint64(class(row)) }
	}
	parallel((len(rows)+pieceRows-1)/pieceRows, func(i int) {
		from, to := i*pieceRows, min((i+1)*pieceRows, len(rows))
		for _, of := range of {
			for n := from; n < to; n++ {
				inputs[n] = mixHash(inputs[n], of(rows[n]))
			}
		}
		copy(all[from:to], inputs[from:to])
		for _, of := range targets {
			for n := from; n < to; n++ {
				all[n] = mixHash(all[n], of(rows[n]))
			}
		}
	})
	return inputs, all
}

// Hashes of cells that have no value of their column's type.
const (
	missingHash = 0x9e3779b97f4a7c15
	otherHash   = 0xd1b54a32d192ed03
)

// levelSeed is the seed for the hashes of texts.
var levelSeed = maphash.MakeSeed()

// hash returns a function from a row to the hash of its cell.
func (k *coder) hash() func(row int) uint64 {
	switch k.in.Kind {
	case KindCategory:
		levels := make([]uint64, k.view.dict.len())
		for code := range levels {
			levels[code] = missingHash
			if k.view.means[code].c != missing {
				levels[code] = maphash.String(levelSeed, k.view.dict.at(uint32(code)))
			}
		}
		return func(row int) uint64 { return levels[k.view.codes.at(row)] }
	case KindDate:
		return func(row int) uint64 {
			switch d := k.date(row); d.c {
			case missing:
				return missingHash
			case word:
				return otherHash
			default:
				return uint64(d.t.Unix())
			}
		}
	case KindBoolean:
		return func(row int) uint64 { return uint64(k.truth(row)) }
	}
	return numberHash(k.c)
}

func numberHash(c *column) func(row int) uint64 {
	return func(row int) uint64 {
		switch x, what := c.number(row); what {
		case number:
			return math.Float64bits(x + 0) // 0 for -0
		case missing:
			return missingHash
		}
		return otherHash
	}
}

// mixHash returns a hash of a hash and a value (the finalizer of splitmix64).
func mixHash(h, v uint64) uint64 {
	h = (h ^ v) + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
