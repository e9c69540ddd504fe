package data

import (
	"time"

	"github.com/gradus-ml/gradus/internal/float"
)

// Columns are encoded in pieces of some rows, on all cores. Within a piece they are
// encoded column by column, so the piece of the matrix being written stays in the cache.

// pieceRows is the number of rows encoded at once.
const pieceRows = 512

// A piece is the result of encoding some rows.
type piece struct {
	counts []pieceCount // of each input
	failed outcome      // of the first cell that cannot be encoded; encoded: none
	row    int          // of that cell
	input  int
}

type pieceCount struct {
	imputed, unseen, bad int
	beyond               int // cells, of numbers and dates
	first                int // first unseen row
	firstBad             int // row
}

// spoil counts a bad cell and encodes it as a missing one.
func spoil[T Float](in *Input, row int, dst []T, count *pieceCount) {
	if count.bad == 0 {
		count.firstBad = row
	}
	count.bad++
	encodeCell(in, Missing(), dst)
}

// A coder encodes the cells of one column. It looks up each level only once.
type coder struct {
	in     *Input
	c      *column
	view   levelView          // of a category
	places []int32            // of each level of a category: its place, or unseenPlace, or missingPlace
	date   func(int) dateCell // of a date
	truths []int8             // of each level of a boolean: 1, -1, 0 where it is missing, or noTruth
}

const (
	unseenPlace  = -1
	missingPlace = -2
	noTruth      = 2
)

func newCoder(in *Input, c *column) coder {
	c = c.spelled(in.Spelling)
	k := coder{in: in, c: c}
	switch in.Kind {
	case KindCategory:
		k.view = c.levels()
		k.places = make([]int32, k.view.dict.len())
		for code := range k.places {
			place := unseenPlace
			if k.view.means[code].c == missing {
				place = missingPlace
			} else {
				place = in.placeIn(c, k.view.dict.at(uint32(code)), k.view.means[code])
			}
			k.places[code] = int32(place)
		}
	case KindDate:
		k.date = c.dates(in.Spelling, in.Dotted)
	case KindBoolean:
		if c.form != formLevels {
			break
		}
		k.truths = make([]int8, c.dict.len())
		for code := range k.truths {
			k.truths[code] = truthOf(c.levelValue(uint32(code)), in.Spelling)
		}
	}
	return k
}

// placeIn returns the place of a level of a column that is not missing, as place does for a value of its type.
func (in *Input) placeIn(c *column, level string, as meaning) int {
	place, ok := in.levels[level]
	switch {
	case ok:
		return place
	case c.fixed == KindBoolean:
		return in.truth(level == "true")
	case c.typed && !c.mixed && as.c == number:
		place, _ = in.place(Number(as.x))
		return place
	}
	return unseenPlace
}

func truthOf(v Value, sp *Spelling) int8 {
	switch b, what := v.truth(sp); {
	case what == missing:
		return 0
	case what != number:
		return noTruth
	case b:
		return 1
	}
	return -1
}

// encodePiece encodes rows into dst.
func encodePiece[T Float](b *Binding, rows []int, dst []T, p *piece) {
	p.counts = make([]pieceCount, len(b.coders))
	width := b.e.width
	end := len(rows) // rows from here on are skipped: an earlier one cannot be encoded
	for i := range b.coders {
		k := &b.coders[i]
		in, count := k.in, &p.counts[i]
		if in.Kind == KindNumber {
			for from := 0; from < end; {
				n, o := encodeNumbers(k, rows[from:end], dst[from*width:], width, count)
				from += n
				switch {
				case o == encoded:
				case b.lenient:
					spoil(in, rows[from], dst[from*width+in.offset:][:in.layout.Width()], count)
					from++
				default:
					p.failed, p.row, p.input = o, rows[from], i
					end = from
				}
			}
			continue
		}
		for n, row := range rows[:end] {
			out := dst[n*width+in.offset:][:in.layout.Width()]
			var o outcome
			switch in.Kind {
			case KindCategory:
				o = encodePlace(in, k.places[k.view.codes.at(row)], out)
			case KindDate:
				d := k.date(row)
				o = encodeDate(in, d.t, d.c, out)
				if o == encoded && in.Low < in.High && in.beyond(epochDays(d.t)) != 0 {
					count.beyond++
				}
			case KindBoolean:
				var v int8
				if k.truths != nil {
					v = k.truths[k.c.codes.at(row)]
				} else {
					v = truthOf(k.c.value(row), in.Spelling)
				}
				o = encodeTruth(v, out)
			}
			switch o {
			case encoded:
			case imputed:
				count.imputed++
			case unseen:
				if count.unseen == 0 {
					count.first = row
				}
				count.unseen++
			default:
				if b.lenient {
					spoil(in, row, out, count)
					continue
				}
				p.failed, p.row, p.input = o, row, i
				end = n
			}
			if end == n {
				break
			}
		}
	}
}

// encodeNumbers does the same as encodeNumber for the cells of a piece. It returns the place
// of the first cell that cannot be encoded.
func encodeNumbers[T Float](k *coder, rows []int, dst []T, width int, count *pieceCount) (int, outcome) {
	in, c := k.in, k.c
	var values [pieceRows]float64
	x := values[:len(rows)]
	failed, end, gone := encoded, len(rows), false
	for n, row := range rows {
		v, what := c.number(row)
		x[n] = v
		if what == number {
			continue
		}
		if what != missing {
			failed, end = notNumber, n
			if what == oddity {
				failed = notFinite
			}
			break
		}
		x[n] = in.Median
		gone = true
	}
	if in.Missing {
		place := in.offset + in.layout.Missing.From
		for n, row := range rows[:end] {
			dst[n*width+place] = 0
			if c.missing(row) {
				dst[n*width+place] = 1
			}
		}
	}
	if n := writeNumbers(in, x[:end], dst, width); n < end {
		failed, end = notFinite, n
	}
	if in.Low < in.High {
		for _, x := range x[:end] {
			if x < in.Low || x > in.High {
				count.beyond++
			}
		}
	}
	if gone {
		for _, row := range rows[:end] {
			if c.missing(row) {
				count.imputed++
			}
		}
	}
	return end, failed
}

// writeNumbers writes what encodeNumber writes for finite numbers, each in a row of dst: the scaled number, its rank, its pieces and its waves.
// It returns the place of the first number that is too large for the precision, whose row is written in part.
func writeNumbers[T Float](in *Input, x []float64, dst []T, width int) int {
	end := len(x)
	for n, x := range x {
		v := T(in.scaled(x))
		if !float.Finite(v) {
			end = n
			break
		}
		dst[n*width+in.offset] = v
	}
	if in.RankAt != nil {
		for n, x := range x[:end] {
			dst[n*width+in.offset+in.layout.Rank.From] = T(in.rank(x))
		}
	}
	if in.Pieces != nil {
		place := in.offset + in.layout.Pieces.From
		for n, x := range x[:end] {
			writePieces(in.Pieces, x, dst[n*width+place:])
		}
	}
	if in.Waves > 0 {
		place := in.offset + in.layout.Waves.From
		for n, x := range x[:end] {
			writeWaves(in, x, dst[n*width+place:])
		}
	}
	return end
}

func encodePlace[T Float](in *Input, place int32, dst []T) outcome {
	clear(dst)
	switch {
	case place >= 0:
		dst[min(int(place), len(in.Levels))] = 1 // the rare share one place
		if k := in.layout.Means.Width(); k > 0 {
			for j, m := range in.Means[int(place)*k : (int(place)+1)*k] {
				dst[in.layout.Means.From+j] = T(m)
			}
		}
		return encoded
	case place == missingPlace:
		if in.Missing {
			dst[in.layout.Missing.From] = 1
		}
		return imputed
	}
	if in.Rare {
		dst[len(in.Levels)] = 1
	}
	return unseen
}

func encodeTruth[T Float](truth int8, dst []T) outcome {
	switch truth {
	case noTruth:
		return notTruth
	case 0:
		dst[0] = 0
		return imputed
	}
	dst[0] = T(truth)
	return encoded
}

func encodeDate[T Float](in *Input, t time.Time, c content, dst []T) outcome {
	if c == word {
		return notDate
	}
	cyclic := dst[in.layout.Cycles.From:in.layout.Cycles.To]
	clear(cyclic)
	if c != missing {
		encodeCycle(cyclic[0:], float64(t.Month()-time.January)/12)
		encodeCycle(cyclic[2:], float64(t.Weekday())/7)
		if in.Clock {
			encodeCycle(cyclic[4:], float64(t.Hour()*60+t.Minute())/1440)
		}
	}
	return encodeNumber(in, epochDays(t), c, dst)
}
