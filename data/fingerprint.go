package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/gradus-ml/gradus/internal/spill"
)

// Fingerprint returns the SHA-256 of the columns' names and of every cell, in hex. It
// shows whether a table is unchanged, regardless of the file's name or compression.
func (t *Table) Fingerprint() string {
	defer spill.Raise()()
	sums := make([][]byte, len(t.cols))
	if len(t.cols) > 0 && t.cols[0].form != formPixels {
		parallel(len(t.cols), func(i int) {
			h := sha256.New()
			t.cols[i].hash(h)
			sums[i] = h.Sum(nil)
		})
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d rows, %q\n", t.rows, t.columns)
	for i, sum := range sums {
		h.Write(sum)
		if c := &t.cols[i]; c.form == formPixels && (i == 0 || c.label) {
			c.pixels.hash(h)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hash writes everything the cells of a column say.
func (c *column) hash(h hash.Hash) {
	fmt.Fprintf(h, "form %d, %d words %q, %v\n", c.form, len(c.words), c.words, c.clock)
	if c.form == formLevels {
		var part []uint32
		var buf []byte
		for row := range c.codes.len() {
			if part = append(part, c.codes.at(row)); len(part) == 1<<13 {
				buf = hashNumbers(h, part, buf)
				part = part[:0]
			}
		}
		hashNumbers(h, part, buf)
		hashEnds(h, c.dict.ends)
		h.Write(c.dict.text)
		return
	}
	h.Write(c.shape)
	hashNumbers(h, c.small, nil)
	hashNumbers(h, c.wide, nil)
	hashNumbers(h, c.odd.rows, nil)
	hashEnds(h, c.odd.ends)
	h.Write(c.odd.text)
}

// hashNumbers writes numbers with the same bytes on every machine. It uses buf, or returns a larger one to use next.
func hashNumbers[E uint32 | int32 | uint64 | float64](h hash.Hash, numbers []E, buf []byte) []byte {
	for part := range slices.Chunk(numbers, 1<<13) {
		buf, _ = binary.Append(buf[:0], binary.LittleEndian, part)
		h.Write(buf)
	}
	return buf
}

func hashEnds(h hash.Hash, ends []int) {
	var wide []uint64
	var buf []byte
	for part := range slices.Chunk(ends, 1<<13) {
		wide = wide[:0]
		for _, end := range part {
			wide = append(wide, uint64(end))
		}
		buf = hashNumbers(h, wide, buf)
	}
}

func (g *grid) hash(w io.Writer) {
	fmt.Fprintf(w, "numbers of type %d, %d a row\n", g.element, g.width)
	w.Write(g.bytes)
}
