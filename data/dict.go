package data

import (
	"hash/maphash"
	"unsafe"
)

// A dict numbers different texts in the order of their first appearance.
type dict struct {
	text  []byte // all texts, one after another
	ends  []int
	slots []uint32 // an open-addressing hash table of numbers plus 1; dropped once nothing more is added
}

var dictSeed = maphash.MakeSeed() // affects where texts are in the hash table, never their numbers

func (d *dict) len() int { return len(d.ends) }

// at returns the text with that number. It shares the dictionary's memory.
func (d *dict) at(i uint32) string {
	start := 0
	if i > 0 {
		start = d.ends[i-1]
	}
	if start == d.ends[i] {
		return ""
	}
	return unsafe.String(&d.text[start], d.ends[i]-start)
}

// add returns the number of a text, a new number if the text is new.
func (d *dict) add(s []byte) uint32 {
	if 2*(len(d.ends)+1) > len(d.slots) {
		d.grow()
	}
	mask := uint64(len(d.slots) - 1)
	h := maphash.Bytes(dictSeed, s) & mask
	for ; d.slots[h] != 0; h = (h + 1) & mask {
		if i := d.slots[h] - 1; d.at(i) == string(s) {
			return i
		}
	}
	d.text = append(d.text, s...)
	d.ends = append(d.ends, len(d.text))
	d.slots[h] = uint32(len(d.ends))
	return uint32(len(d.ends) - 1)
}

func (d *dict) addText(s string) uint32 { return d.add(unsafe.Slice(unsafe.StringData(s), len(s))) }

// grow makes room for more texts.
func (d *dict) grow() {
	n := max(16, 2*len(d.slots))
	for n < 2*(len(d.ends)+1) {
		n *= 2
	}
	d.slots = make([]uint32, n)
	mask := uint64(n - 1)
	for i := range d.ends {
		h := maphash.String(dictSeed, d.at(uint32(i))) & mask
		for d.slots[h] != 0 {
			h = (h + 1) & mask
		}
		d.slots[h] = uint32(i + 1)
	}
}

// reset empties the dictionary and keeps its memory.
func (d *dict) reset() {
	d.text, d.ends = d.text[:0], d.ends[:0]
	clear(d.slots)
}
