package data

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// The element types of IDX files.
const (
	idxUint8   = 0x08
	idxInt8    = 0x09
	idxInt16   = 0x0B
	idxInt32   = 0x0C
	idxFloat32 = 0x0D
	idxFloat64 = 0x0E
)

// A grid holds the numbers of an IDX file: rows of width elements, as they are in the
// file (big-endian).
type grid struct {
	element byte
	size    int // bytes per element
	rows    int
	width   int
	bytes   []byte
}

func (g *grid) at(row, col int) float64 {
	b := g.bytes[(row*g.width+col)*g.size:]
	switch g.element {
	case idxUint8:
		return float64(b[0])
	case idxInt8:
		return float64(int8(b[0]))
	case idxInt16:
		return float64(int16(binary.BigEndian.Uint16(b)))
	case idxInt32:
		return float64(int32(binary.BigEndian.Uint32(b)))
	case idxFloat32:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

func idxSize(element byte) int {
	switch element {
	case idxUint8, idxInt8:
		return 1
	case idxInt16:
		return 2
	case idxInt32, idxFloat32:
		return 4
	case idxFloat64:
		return 8
	}
	return 0
}

// isIDX reports whether a file starts like an IDX file. No text does, because it would
// start with NUL bytes.
func isIDX(head []byte) bool {
	return len(head) == 4 && head[0] == 0 && head[1] == 0 && idxSize(head[2]) > 0 && head[3] > 0
}

// readIDX reads images and, if they are found, their labels. Every element of an image is
// a column: p0, p1, and so on. The last column is label.
func readIDX(src *source, path string) (*Table, error) {
	pixels, err := readGrid(src)
	if err != nil {
		return nil, err
	}
	t := &Table{name: src.name, rows: pixels.rows, format: []string{"IDX"}}
	names := make([]string, pixels.width, pixels.width+1)
	for i := range names {
		names[i] = fmt.Sprintf("p%d", i)
	}
	var labels *grid
	if labelPath := findLabels(path); labelPath != "" {
		labelSrc, err := open(labelPath, nil)
		if err != nil {
			return nil, err
		}
		defer labelSrc.Close()
		labels, err = readGrid(labelSrc)
		if changed := labelSrc.changed(); changed != nil {
			err = changed
		}
		if err != nil {
			return nil, err
		}
		if labels.width != 1 || labels.rows != pixels.rows {
			return nil, fail(ErrIDX, "%s: holds %d x %d labels for the %d images of %s: it takes one label each",
				labelPath, labels.rows, labels.width, pixels.rows, src.name)
		}
		names = append(names, "label")
	}
	if err := t.setColumns(names, 0); err != nil {
		return nil, err
	}
	for i := range pixels.width {
		t.cols[i] = column{form: formPixels, pixels: pixels, at: i}
	}
	if labels != nil {
		t.cols[pixels.width] = column{form: formPixels, pixels: labels, label: true}
	}
	return t, nil
}

// findLabels looks for the labels next to the images. Their file name has labels for
// images and idx1 for idx3, and may be compressed or not.
func findLabels(path string) string {
	dir, base := filepath.Split(path)
	if !strings.Contains(base, "images") {
		return ""
	}
	base = strings.Replace(base, "images", "labels", 1)
	base = strings.Replace(base, "idx3", "idx1", 1)
	plain := strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".zst")
	for _, name := range []string{base, plain, plain + ".gz", plain + ".zst"} {
		if info, err := os.Stat(dir + name); err == nil && info.Mode().IsRegular() {
			return dir + name
		}
	}
	return ""
}

// readGrid reads an IDX file: 00 00, the element type, the number of dimensions, the
// dimensions as 32-bit numbers, and the elements, all big-endian. The sizes in the header
// are trusted only as far as there are bytes.
func readGrid(src *source) (*grid, error) {
	var head [4]byte
	if _, err := io.ReadFull(src.r, head[:]); err != nil {
		return nil, idxReadError(src, err, "the header is cut short")
	}
	if !isIDX(head[:]) {
		return nil, fail(ErrIDX, "%s: is not an IDX file: it should start with 00 00, an element type and the number of dimensions", src.name)
	}
	g := &grid{element: head[2], size: idxSize(head[2]), width: 1}
	dims := make([]uint32, head[3])
	if err := binary.Read(src.r, binary.BigEndian, dims); err != nil {
		return nil, idxReadError(src, err, "the header is cut short")
	}
	const most = 1 << 24 // columns
	for _, d := range dims[1:] {
		if d == 0 || int64(g.width)*int64(d) > most {
			return nil, fail(ErrIDX, "%s: the header declares images of %s elements: expected 1 to %d", src.name, product(dims[1:]), most)
		}
		g.width *= int(d)
	}
	want := int64(dims[0]) * int64(g.width) * int64(g.size) // below 2^32 * 2^24 * 8
	if dims[0] == 0 {
		return nil, fail(ErrEmpty, "%s: the header declares no images: it takes at least one", src.name)
	}

	room := want
	if src.size >= 0 {
		// deflate and zstd seldom compress images further than this; beyond it the slice grows
		room = min(want, 16*src.size)
	} else {
		room = min(want, 1<<20)
	}
	var err error
	if g.bytes, err = readUpTo(src.r, int(room), want); err != nil {
		return nil, idxReadError(src, err, "")
	}
	if got := int64(len(g.bytes)); got < want {
		return nil, fail(ErrIDX, "%s: the header declares %s elements (%d bytes), and the file holds %d bytes of them: it is cut short, fetch it again",
			src.name, product(dims), want, got)
	}
	if _, err := src.r.ReadByte(); err == nil {
		return nil, fail(ErrIDX, "%s: the file continues after the %s elements that its header declares: it is damaged", src.name, product(dims))
	} else if err != io.EOF {
		return nil, idxReadError(src, err, "")
	}
	g.rows = int(dims[0]) // fits in an int, since that many are in memory
	return g, nil
}

// readUpTo reads at most want bytes into a slice that starts with capacity room and
// grows only as bytes arrive.
func readUpTo(r io.Reader, room int, want int64) ([]byte, error) {
	buf := make([]byte, 0, room)
	for int64(len(buf)) < want {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		free := buf[len(buf):min(int64(cap(buf)), want)]
		n, err := r.Read(free)
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return buf, nil
}

func idxReadError(src *source, err error, text string) error {
	if text != "" && src.packed == "" && (err == io.EOF || err == io.ErrUnexpectedEOF) {
		return fail(ErrIDX, "%s: %s: fetch the file again", src.name, text)
	}
	return src.readError(err, 1)
}

// product formats dimensions, such as 60000 x 28 x 28.
func product(dims []uint32) string {
	var b strings.Builder
	for i, d := range dims {
		if i > 0 {
			b.WriteString(" x ")
		}
		fmt.Fprint(&b, d)
	}
	return b.String()
}
