package data

import (
	"bytes"
	"math"
	"unsafe"

	"github.com/gradus-ml/gradus/internal/spill"
)

// add appends a cell of trimmed text.
func (c *column) add(cell []byte) {
	if c.form == formLevels {
		c.codes.add(c.disk, c.dict.add(cell))
		return
	}
	row := len(c.shape)
	if m, decimals, negative, n := scanDecimal(cell); n == len(cell) && n > 0 {
		c.addDecimal(m, decimals, negative)
		return
	}
	x, what := parseBytes(cell)
	switch what {
	case number:
		c.widen()
		c.wide = append(c.wide, x)
		c.shape = append(c.shape, shapeOdd)
		c.odd.add(row, cell)
	case word:
		c.toLevels()
		c.codes.add(c.disk, c.dict.add(cell))
	default:
		if !c.addWord(string(cell), what) {
			c.toLevels()
			c.codes.add(c.disk, c.dict.add(cell))
		}
	}
}

// addDecimal appends the number m / 10^decimals, with m below mostWhole.
func (c *column) addDecimal(m uint64, decimals int, negative bool) {
	if c.wide == nil {
		if m <= math.MaxInt32 {
			v := int32(m)
			if negative {
				if v = -v; v == 0 {
					decimals += shapeMinus
				}
			}
			c.small = append(c.small, v)
			c.shape = append(c.shape, uint8(decimals))
			return
		}
		c.widen()
	}
	x := float64(m) / scaleOf[decimals]
	if negative {
		x = -x
	}
	c.wide = append(c.wide, x)
	c.shape = append(c.shape, uint8(decimals))
}

// addWord appends a cell that is not a finite number. It returns false if there are too many
// different ones to keep.
func (c *column) addWord(s string, what content) bool {
	i := 0
	for i < len(c.words) && c.words[i] != s {
		i++
	}
	if i == len(c.words) {
		if i == mostWords {
			return false
		}
		c.words = append(c.words, s)
		c.holds = append(c.holds, what)
	}
	c.shape = append(c.shape, uint8(shapeWord+i))
	if c.wide == nil {
		c.small = append(c.small, 0)
	} else {
		c.wide = append(c.wide, 0)
	}
	return true
}

// addMissing appends cells that are missing.
func (c *column) addMissing(cells int) {
	c.reserve(c.rows()+cells, c.rows()+cells)
	for range cells {
		c.addWord("", missing)
	}
}

// widen keeps the numbers as float64 from here on.
func (c *column) widen() {
	if c.wide != nil {
		return
	}
	if c.wide = c.spare[:0]; cap(c.wide) < len(c.small)+1 {
		c.wide = spill.Must[float64](c.disk, cap(c.small)+1)[:0]
	}
	c.wide = c.wide[:len(c.small)]
	for row, m := range c.small {
		c.wide[row] = 0
		if s := c.shape[row]; s < shapeWord {
			c.wide[row] = float64(m) / scaleOf[s]
			c.shape[row] = s & (shapeMinus - 1)
		}
	}
	if c.small = c.small[:0]; c.disk != nil {
		spill.Free(c.disk, c.small)
		c.small = nil
	}
}

// toLevels keeps texts from here on.
func (c *column) toLevels() {
	if c.form == formLevels {
		return
	}
	c.codes.reserve(c.disk, len(c.shape)+1, cap(c.shape)+1)
	c.dict.reset()
	var b []byte
	for row := range c.shape {
		b = c.appendText(b[:0], row)
		c.codes.add(c.disk, c.dict.add(b))
	}
	c.form, c.clock = formLevels, false
	spill.Free(c.disk, c.small)
	spill.Free(c.disk, c.wide)
	spill.Free(c.disk, c.shape)
	c.odd.free(c.disk)
	c.small, c.wide, c.shape, c.words, c.holds, c.odd = nil, nil, nil, nil, nil, oddTexts{}
}

// join appends the cells of a part, which may be reused afterwards.
func (c *column) join(part *column) {
	if c.form == formNumbers && (part.form == formLevels || c.clock != part.clock) {
		c.toLevels()
	}
	if c.form == formLevels {
		c.joinLevels(part)
		return
	}
	before := len(c.shape)
	c.shape = append(c.shape, part.shape...)
	if len(part.words) > 0 { // their indexes may differ here
		var at [mostWords]uint8
		same := true
		for i, s := range part.words {
			for int(at[i]) < len(c.words) && c.words[at[i]] != s {
				at[i]++
			}
			if int(at[i]) == len(c.words) {
				if len(c.words) == mostWords {
					c.shape = c.shape[:before]
					c.toLevels()
					c.joinLevels(part)
					return
				}
				c.words, c.holds = append(c.words, s), append(c.holds, part.holds[i])
			}
			same = same && at[i] == uint8(i)
		}
		if !same {
			for i, s := range c.shape[before:] {
				if s >= shapeWord {
					c.shape[before+i] = shapeWord + at[s-shapeWord]
				}
			}
		}
	}
	if part.wide != nil {
		c.widenBefore(before)
	}
	switch {
	case part.wide != nil:
		c.wide = append(c.wide, part.wide...)
	case c.wide == nil:
		c.small = append(c.small, part.small...)
	default:
		for i, m := range part.small {
			x := 0.0
			if s := part.shape[i]; s < shapeWord {
				x = float64(m) / scaleOf[s]
				c.shape[before+i] = s & (shapeMinus - 1)
			}
			c.wide = append(c.wide, x)
		}
	}
	if c.disk != nil {
		c.odd.reserve(c.disk, len(part.odd.rows), len(part.odd.text))
	}
	start := 0
	for i, row := range part.odd.rows {
		c.odd.add(before+int(row), part.odd.text[start:part.odd.ends[i]])
		start = part.odd.ends[i]
	}
}

// widenBefore is widen for the first n cells, when shape already has more.
func (c *column) widenBefore(n int) {
	shape := c.shape
	c.shape = c.shape[:n]
	c.widen()
	c.shape = shape
}

func (c *column) joinLevels(part *column) {
	if part.form == formNumbers {
		var b []byte
		for row := range part.shape {
			b = part.appendText(b[:0], row)
			c.codes.add(c.disk, c.dict.add(b))
		}
		return
	}
	there := make([]uint32, part.dict.len())
	for i := range there {
		there[i] = c.dict.addText(part.dict.at(uint32(i)))
	}
	for row := range part.codes.len() {
		c.codes.add(c.disk, there[part.codes.at(row)])
	}
}

// reserve makes room for a total of rows cells. If it has to grow, it makes room for guess cells.
func (c *column) reserve(rows, guess int) {
	switch {
	case c.form == formLevels:
		c.codes.reserve(c.disk, rows, guess)
		return
	case c.wide != nil:
		c.wide = withRoom(c.disk, c.wide, rows, guess)
	default:
		c.small = withRoom(c.disk, c.small, rows, guess)
	}
	c.shape = withRoom(c.disk, c.shape, rows, guess)
}

func withRoom[E any](disk *spill.Store, s []E, rows, guess int) []E {
	if cap(s) >= rows {
		return s
	}
	more := append(spill.Must[E](disk, guess)[:0], s...)
	spill.Free(disk, s)
	return more
}

// size returns the number of bytes of the cells and of the texts of levels.
func (c *column) size() (cells, texts int) {
	return 4*len(c.small) + 8*len(c.wide) + len(c.shape) + c.codes.bytes() + len(c.odd.text) + 12*len(c.odd.rows), len(c.dict.text) + 8*len(c.dict.ends) + 4*len(c.dict.slots)
}

// reset empties a part for the next one.
func (c *column) reset() {
	*c = column{small: c.small[:0], spare: c.wide, shape: c.shape[:0], codes: c.codes.reset(), dict: c.dict}
	c.dict.reset()
}

// finish completes a column of text after all its cells have been added.
func (c *column) finish() {
	if c.form == formNumbers && c.fixed == "" && !c.anyNumber() && len(c.words) > 0 {
		for _, what := range c.holds {
			if what == oddity {
				c.toLevels() // words that only look like numbers: inf, 0x1f
				break
			}
		}
	}
	if c.form != formLevels {
		if c.wide != nil {
			c.small = nil
		}
		return
	}
	c.dict.slots = nil
	c.means = make([]meaning, c.dict.len())
	for i := range c.means {
		s := c.dict.at(uint32(i))
		x, what := parseBytes(unsafe.Slice(unsafe.StringData(s), len(s)))
		c.means[i] = meaning{x, what}
	}
}

func (c *column) anyNumber() bool {
	for _, s := range c.shape {
		if s < shapeWord {
			return true
		}
	}
	return false
}

// scanDecimal reads a decimal in the usual notation, such as -12.50, of at most 15 digits. It
// returns the digits as an integer, the number of decimals, the sign, and the number of bytes
// read. n is 0 if there is no decimal. b may continue after it.
func scanDecimal(b []byte) (m uint64, decimals int, negative bool, n int) {
	i := 0
	if i < len(b) && b[i] == '-' {
		negative, i = true, 1
	}
	start := i
	for i < len(b) {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		m = 10*m + uint64(d)
		i++
	}
	whole := i - start
	if whole == 0 || whole > 1 && b[start] == '0' {
		return 0, 0, false, 0
	}
	if i < len(b) && b[i] == '.' {
		point := i
		i++
		for i < len(b) {
			d := b[i] - '0'
			if d > 9 {
				break
			}
			m = 10*m + uint64(d)
			i++
		}
		decimals = i - point - 1
		if decimals == 0 {
			return 0, 0, false, 0
		}
	}
	if whole+decimals > 16 || m >= mostWhole {
		return 0, 0, false, 0
	}
	return m, decimals, negative, i
}

// parseBytes is parseTrimmed for bytes.
func parseBytes(cell []byte) (float64, content) {
	return parseTrimmed(unsafe.String(unsafe.SliceData(cell), len(cell)))
}

// trim is bytes.TrimSpace, faster for cells without blanks.
func trim(cell []byte) []byte {
	if n := len(cell); n == 0 || plainByte(cell[0]) && plainByte(cell[n-1]) {
		return cell
	}
	return bytes.TrimSpace(cell)
}

func plainByte(b byte) bool { return b > ' ' && b < 0x80 }
