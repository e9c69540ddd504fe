package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// Fingerprint is the SHA-256 of the columns' names and of every cell, in hex: it tells
// whether a table is still what it was, however its file is called or packed.
func (t *Table) Fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%d rows, %q\n", t.rows, t.columns)
	if t.pixels != nil {
		t.pixels.hash(h)
		if t.labels != nil {
			t.labels.hash(h)
		}
	} else {
		h.Write(t.text)
		b := make([]byte, 0, 1<<15)
		for _, end := range t.ends {
			if b = binary.LittleEndian.AppendUint32(b, end); len(b) == cap(b) {
				h.Write(b)
				b = b[:0]
			}
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (g *grid) hash(w io.Writer) {
	fmt.Fprintf(w, "numbers of type %d, %d a row\n", g.element, g.width)
	w.Write(g.bytes)
}
