package parquet

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"unsafe"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/float"
)

// A putter appends the values of a column to a Series.
type putter struct {
	number func(x int64)
	bytes  func(b []byte)
	isText bool
	floats bool // numbers are float64 bits
}

// all appends the values of a page; levels say which are missing.
func (p *putter) all(s *data.Series, v *values, levels []int32) {
	if len(levels) == 0 && p.floats {
		s.Floats(unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(v.numbers))), len(v.numbers))...)
		return
	}
	at := 0
	one := func() {
		if p.number != nil {
			p.number(v.numbers[at])
		} else {
			p.bytes(v.bytes[at])
		}
		at++
	}
	if len(levels) == 0 {
		for range max(len(v.numbers), len(v.bytes)) {
			one()
		}
		return
	}
	for _, x := range levels {
		if x == 1 {
			one()
		} else {
			s.Null()
		}
	}
}

// put returns a putter that turns the column's values into cells.
func (l *leaf) put(s *data.Series, isCategory bool) *putter {
	p := &putter{}
	asText := func(b []byte) { s.Bytes(b) }
	if isCategory || l.means == category {
		asText = s.Level
	}
	switch l.physical {
	case typeBoolean:
		p.number = func(x int64) { s.Bool(x != 0) }
	case typeInt32, typeInt64:
		p.number = l.whole(s)
		if isCategory {
			p.number = func(x int64) { s.Level(fmt.Append(nil, x)) }
		}
	case typeFloat:
		p.number = func(x int64) { s.Float32(math.Float32frombits(uint32(x))) }
	case typeDouble:
		p.number = func(x int64) { s.Float(math.Float64frombits(uint64(x))) }
		p.floats = true
	case typeInt96:
		p.bytes = func(b []byte) {
			const day1970 = 2440588
			days := int64(binary.LittleEndian.Uint32(b[8:])) - day1970
			s.Seconds(days*86400 + int64(binary.LittleEndian.Uint64(b)/1e9))
		}
	default:
		switch {
		case l.means == decimal:
			p.bytes = func(b []byte) { s.BigDecimal(b, l.scale) }
		case l.means == half && l.length == 2:
			p.bytes = func(b []byte) { s.Float32(float.FromHalf(binary.LittleEndian.Uint16(b))) }
		case l.means == uuid && l.length == 16:
			p.bytes = func(b []byte) {
				h := hex.EncodeToString(b)
				s.Text(strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"))
			}
		case l.means == plain && !isCategory:
			p.bytes = s.Blob
		default:
			p.bytes, p.isText = asText, true
		}
	}
	return p
}

// whole returns a function that turns an integer into a cell.
func (l *leaf) whole(s *data.Series) func(x int64) {
	switch l.means {
	case decimal:
		return func(x int64) { s.Decimal(x, l.scale) }
	case day:
		return func(x int64) { s.Seconds(x * 86400) }
	case timestamp:
		return func(x int64) { s.Ticks(x, l.unit) }
	case clock:
		return func(x int64) { s.Clock(x / l.unit) }
	case unsigned:
		if l.physical == typeInt32 {
			return func(x int64) { s.Uint(uint64(uint32(x))) }
		}
		return func(x int64) { s.Uint(uint64(x)) }
	}
	return s.Int
}
