package export

import (
	"math"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/onnx"
)

// missingTime is the date that represents a missing one: NumPy's NaT.
const missingTime = math.MinInt64

// pieces are matrices of encoded inputs, and the positions of their columns in the encoding.
type pieces struct {
	names []string
	at    []int // in the encoding, for the columns of all pieces, one after another
}

// add adds a matrix whose columns belong to the given positions.
func (p *pieces) add(name string, at ...int) {
	p.names, p.at = append(p.names, name), append(p.at, at...)
}

// encode computes the encoded inputs from the columns, under a name. Columns of one kind are one matrix,
// so the graph has as many nodes for a hundred numbers as for two.
func (b *builder) encode(e *data.Encoding, name string) {
	var p pieces
	numbers := b.encodeDates(e, &p)
	b.encodeNumbers(e, numbers, &p)
	b.encodeBooleans(e, &p)
	b.encodeCategories(e, &p)
	from := make([]int64, len(p.at)) // the inverse of at
	sorted := true
	for i, at := range p.at {
		from[at] = int64(i)
		sorted = sorted && at == i
	}
	x := b.concat(p.names)
	if sorted {
		b.to(name, "Identity", []string{x})
	} else {
		b.to(name, "Gather", []string{x, b.ints(from...)}, axis(1))
	}
}

// inputsOf returns the columns of a kind, and their matrix.
func (b *builder) inputsOf(e *data.Encoding, kind data.Kind) (which []int, matrix string) {
	var names []string
	for i := range e.Inputs {
		if e.Inputs[i].Kind == kind {
			which, names = append(which, i), append(names, e.Inputs[i].Name)
		}
	}
	if len(which) > 0 {
		matrix = b.concat(names)
	}
	return which, matrix
}

// declare lists the graph's inputs in the encoding's order.
func (b *builder) declare(e *data.Encoding) {
	types := map[data.Kind]onnx.Type{data.KindNumber: onnx.Float64, data.KindDate: onnx.Int64, data.KindBoolean: onnx.String, data.KindCategory: onnx.String}
	for _, in := range e.Inputs {
		b.g.Inputs = append(b.g.Inputs, onnx.Value{Name: in.Name, Type: types[in.Kind], Shape: []onnx.Dim{{Name: "N"}, {Size: 1}}})
	}
}

// quantities are columns that are encoded as numbers: numbers, and the days of dates.
type quantities struct {
	inputs []int // in the encoding
	days   string
}

// encodeDates adds cos and sin of the positions in the cycles, and returns the days since 1970.
func (b *builder) encodeDates(e *data.Encoding, p *pieces) quantities {
	which, seconds := b.inputsOf(e, data.KindDate)
	if which == nil {
		return quantities{}
	}
	missing := b.do("Equal", seconds, b.ints(missingTime))
	days := b.do("Div", b.cast(seconds, onnx.Float64), b.doubles(86400))
	q := quantities{inputs: which, days: b.do("Where", missing, b.doubles(math.NaN()), days)}

	// Whole days and the seconds beyond them, by an exact division, since runtimes round
	// quotients of negative numbers in two different ways.
	whole := func(x string, by int64) string { return b.do("Div", x, b.ints(by)) }
	mod := func(x string, by int64) string { return b.do("Mod", x, b.ints(by)) }
	add := func(x string, y int64) string { return b.do("Add", x, b.ints(y)) }
	times := func(x string, y int64) string { return b.do("Mul", x, b.ints(y)) }
	known := b.do("Where", missing, b.ints(0), seconds)
	clock := mod(known, 86400)
	day := whole(b.do("Sub", known, clock), 86400)

	// The month of a day, counted from March (Hinnant, "chrono-compatible low-level date
	// algorithms"). It is computed from the day in its era of 400 years, and then from the day in its year.
	inEra := mod(add(day, 719468), 146097)
	year := whole(b.do("Sub", b.do("Add", b.do("Sub", inEra, whole(inEra, 1460)), whole(inEra, 36524)), whole(inEra, 146096)), 365)
	inYear := b.do("Sub", inEra, b.do("Sub", b.do("Add", times(year, 365), whole(year, 4)), whole(year, 100)))
	month := mod(add(whole(add(times(inYear, 5), 2), 153), 2), 12)

	cycles := []struct {
		place string
		of    int
	}{{month, 12}, {mod(add(day, 4), 7), 7}, {whole(clock, 60), 1440}}
	for c, cycle := range cycles {
		var some []int // the dates that have this cycle
		var at []int
		for i, input := range which {
			if cycles := e.Inputs[input].Layout().Cycles; 2*c < cycles.Width() {
				from, _ := e.Span(input)
				some, at = append(some, i), append(at, from+cycles.From+2*c, from+cycles.From+2*c+1)
			}
		}
		if some == nil {
			continue
		}
		table := make([]float64, 0, 2*cycle.of)
		for i := range cycle.of {
			turn := float64(i) / float64(cycle.of)
			table = append(table, kernel.CosPi(2*turn), kernel.SinPi(2*turn))
		}
		pairs := b.op("Gather", []string{b.reals(table, int64(cycle.of), 2), b.columns(cycle.place, len(which), some)}, axis(0))
		absent := b.do("Unsqueeze", b.columns(missing, len(which), some), b.ints(2))
		pairs = b.do("Where", absent, b.one(0), pairs)
		p.add(b.do("Reshape", pairs, b.ints(-1, int64(len(at)))), at...)
	}
	return q
}

// scaling describes the encoding of the columns of a matrix of numbers and days. It has slices with an
// element for each column, and the columns and positions of inputs that only some columns have.
type scaling struct {
	inputs                []*data.Input
	median, center, scale []float64
	low, high, span       []float64 // of the training rows
	zero, clip            []bool
	at                    []int // the positions of the scaled values

	flagged, flaggedAt []int // for whether a value is missing
	ranked, rankedAt   []int
	pieced, piecedAt   []int     // for each piece
	from, to           []float64 // its knots
	waved, wavedAt     []int     // for each cos and each sin
	turns, ahead       []float64 // of the wave; a cos is a sin a quarter turn ahead
}

// add adds an input of the encoding.
func (s *scaling) add(e *data.Encoding, input int) {
	in := &e.Inputs[input]
	i := len(s.inputs)
	first, _ := e.Span(input)
	layout := in.Layout()
	low, high, span, scale := math.Inf(-1), math.Inf(1), 0.0, in.Scale
	if in.Low < in.High {
		low, high, span = in.Low, in.High, in.High-in.Low
	}
	if scale == 0 {
		scale = 1
	}
	s.inputs = append(s.inputs, in)
	s.median, s.center, s.scale = append(s.median, in.Median), append(s.center, in.Center), append(s.scale, scale)
	s.low, s.high, s.span = append(s.low, low), append(s.high, high), append(s.span, span)
	s.zero, s.clip = append(s.zero, in.Scale == 0), append(s.clip, in.Clip)
	s.at = append(s.at, first+layout.Value.From)
	if in.Missing {
		s.flagged, s.flaggedAt = append(s.flagged, i), append(s.flaggedAt, first+layout.Missing.From)
	}
	if in.RankAt != nil {
		s.ranked, s.rankedAt = append(s.ranked, i), append(s.rankedAt, first+layout.Rank.From)
	}
	for k := 1; k < len(in.Pieces); k++ {
		s.pieced, s.piecedAt = append(s.pieced, i), append(s.piecedAt, first+layout.Pieces.From+k-1)
		s.from, s.to = append(s.from, in.Pieces[k-1]), append(s.to, in.Pieces[k])
	}
	turns := data.FirstWave
	for k := range in.Waves {
		at := first + layout.Waves.From + 2*k
		s.waved, s.wavedAt = append(s.waved, i, i), append(s.wavedAt, at, at+1)
		s.turns, s.ahead = append(s.turns, turns, turns), append(s.ahead, 0.25, 0)
		turns *= 2
	}
}

// withoutMissing makes the numbers NaN that are missing, such as -999.
func (b *builder) withoutMissing(e *data.Encoding, which []int, x string) string {
	for k := 0; ; k++ {
		gone, some := make([]float64, len(which)), false
		for i, input := range which {
			gone[i] = math.NaN() // is equal to nothing
			if numbers := e.Inputs[input].MissingNumbers(); k < len(numbers) {
				gone[i], some = numbers[k], true
			}
		}
		if !some {
			return x
		}
		x = b.do("Where", b.do("Equal", x, b.doubles(gone...)), b.doubles(math.NaN()), x)
	}
}

// encodeNumbers adds the inputs of numbers and days: scaled values, ranks, and whether they are
// missing.
func (b *builder) encodeNumbers(e *data.Encoding, dates quantities, p *pieces) {
	which, x := b.inputsOf(e, data.KindNumber)
	x = b.withoutMissing(e, which, x)
	switch {
	case which == nil && dates.inputs == nil:
		return
	case which == nil:
		x = dates.days
	case dates.inputs != nil:
		x = b.concat([]string{x, dates.days})
	}
	var s scaling
	for _, input := range append(which, dates.inputs...) {
		s.add(e, input)
	}
	n := len(s.inputs)
	missing := b.do("IsNaN", x)
	x = b.do("Where", missing, b.doubles(s.median...), x)
	z, beyond := b.scaled(&s, x)
	p.add(b.cast(z, b.real), s.at...)
	if s.ranked != nil {
		var inputs []*data.Input
		for _, i := range s.ranked {
			inputs = append(inputs, s.inputs[i])
		}
		p.add(b.cast(b.rank(inputs, b.columns(x, n, s.ranked), b.columns(beyond, n, s.ranked)), b.real), s.rankedAt...)
	}
	if s.pieced != nil {
		var wide []float64
		for k := range s.from {
			wide = append(wide, s.to[k]-s.from[k])
		}
		part := b.do("Div", b.do("Sub", b.columns(x, n, s.pieced), b.doubles(s.from...)), b.doubles(wide...))
		part = b.do("Where", b.do("Greater", part, b.doubles(0)), part, b.doubles(0)) // Max may keep -0
		p.add(b.cast(b.do("Min", part, b.doubles(1)), b.real), s.piecedAt...)
	}
	if s.waved != nil {
		var inputs []*data.Input
		var low, high []float64
		none := make([]float64, len(s.waved)) // beyond the range, where waves stay constant
		for _, i := range s.waved {
			inputs, low, high = append(inputs, s.inputs[i]), append(low, s.low[i]), append(high, s.high[i])
		}
		inside := b.do("Min", b.do("Max", b.columns(x, n, s.waved), b.doubles(low...)), b.doubles(high...))
		turn := b.do("Add", b.do("Mul", b.rank(inputs, inside, b.doubles(none...)), b.doubles(s.turns...)), b.doubles(s.ahead...))
		p.add(b.cast(b.do("Sin", b.do("Mul", turn, b.doubles(2*math.Pi))), b.real), s.wavedAt...)
	}
	if s.flagged != nil {
		p.add(b.cast(b.columns(missing, n, s.flagged), b.real), s.flaggedAt...)
	}
}

// scaled returns the scaled values of x, in which none is missing. It also returns how far each value is beyond
// the range of the training rows, at most by the width of that range.
func (b *builder) scaled(s *scaling, x string) (z, beyond string) {
	z = b.do("Div", b.do("Sub", x, b.doubles(s.center...)), b.doubles(s.scale...))
	inside := b.do("Min", b.do("Max", x, b.doubles(s.low...)), b.doubles(s.high...))
	var less []float64
	for _, span := range s.span {
		less = append(less, -span)
	}
	beyond = b.do("Min", b.do("Max", b.do("Sub", x, inside), b.doubles(less...)), b.doubles(s.span...))
	if slices.Contains(s.clip, true) { // z / √(1 + (z/3)²), and 3 where the square is too large; beyond the range along the tangent
		z0 := b.do("Div", b.do("Sub", inside, b.doubles(s.center...)), b.doubles(s.scale...))
		q := b.do("Div", z0, b.doubles(3))
		w := b.do("Add", b.doubles(1), b.do("Mul", q, q))
		soft := b.do("Div", z0, b.do("Sqrt", w))
		far := b.do("Greater", b.do("Abs", z0), b.doubles(1e100))
		soft = b.do("Where", far, b.do("Mul", b.do("Sign", z0), b.doubles(3)), soft)
		soft = b.do("Add", soft, b.do("Div", b.do("Div", beyond, b.doubles(s.scale...)), b.do("Mul", w, b.do("Sqrt", w))))
		if slices.Contains(s.clip, false) {
			soft = b.do("Where", b.bools(s.clip...), soft, z)
		}
		z = soft
	}
	if slices.Contains(s.zero, true) {
		z = b.do("Where", b.bools(s.zero...), b.doubles(0), z)
	}
	return z, beyond
}

// rank returns the ranks of the columns of x. The number of knots that are not above a value is found by
// bisection. It selects the piece of the distribution function for the value. Beyond the range of the training
// rows, the function continues with its mean slope over the range.
func (b *builder) rank(inputs []*data.Input, x, beyond string) string {
	most := 0
	for _, in := range inputs {
		most = max(most, len(in.RankAt))
	}
	room := 1 // per column in the tables, a power of 2: one more than the knots, and infinity after them
	for room < most+2 {
		room *= 2
	}
	n := len(inputs) * room
	at, low, span, share, step := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	first := make([]int64, len(inputs))
	for i := range at {
		at[i], span[i], share[i] = math.Inf(1), 1, 1
	}
	for i, in := range inputs {
		first[i] = int64(i * room)
		last := len(in.RankAt) - 1
		at, low, span, share, step := at[i*room:], low[i*room:], span[i*room:], share[i*room:], step[i*room:]
		copy(at, in.RankAt)
		at[last+1] = math.Nextafter(in.RankAt[last], math.Inf(1)) // above the last knot the share is 1
		share[0] = 0                                              // piece 0 is below the first knot
		for k, x := range in.RankAt {                             // piece k+1 begins at knot k
			low[k+1], share[k+1] = x, in.RankOf[k]
			if k < last {
				span[k+1], step[k+1] = in.RankAt[k+1]-x, in.RankOf[k+1]-in.RankOf[k]
			}
		}
	}
	knots, piece := b.doubles(at...), b.ints(first...)
	for half := int64(room / 2); half > 0; half /= 2 {
		knot := b.do("Gather", knots, b.do("Add", piece, b.ints(half-1)))
		above := b.cast(b.do("LessOrEqual", knot, x), onnx.Int64)
		piece = b.do("Add", piece, b.do("Mul", above, b.ints(half)))
	}
	of := func(table []float64) string { return b.do("Gather", b.doubles(table...), piece) }
	part := b.do("Div", b.do("Sub", x, of(low)), of(span))
	f := b.do("Add", of(share), b.do("Mul", of(step), part))
	width := make([]float64, len(inputs))
	for i, in := range inputs {
		if width[i] = in.High - in.Low; width[i] <= 0 {
			width[i] = 1
		}
	}
	f = b.do("Add", f, b.do("Div", beyond, b.doubles(width...)))
	const root3 = 1.7320508075688772
	return b.do("Mul", b.do("Sub", b.do("Mul", b.doubles(2), f), b.doubles(1)), b.doubles(root3))
}

// encodeBooleans adds 1, -1 and 0.
func (b *builder) encodeBooleans(e *data.Encoding, p *pieces) {
	which, x := b.inputsOf(e, data.KindBoolean)
	if which == nil {
		return
	}
	var keys []string
	var values []float32
	add := func(word string, value float32) {
		for _, s := range spellings(word) {
			keys, values = append(keys, s), append(values, value)
		}
	}
	for _, words := range data.TruthWords() {
		add(words[0], -1)
		add(words[1], 1)
	}
	for _, word := range e.MissingWords() {
		add(word, 0)
	}
	y := b.op("LabelEncoder", []string{x}, onnx.Attribute{Name: "keys_strings", Value: keys},
		onnx.Attribute{Name: "values_floats", Value: values}, onnx.Attribute{Name: "default_float", Value: float32(math.NaN())})
	if b.real == onnx.Float64 {
		y = b.cast(y, onnx.Float64)
	}
	var at []int
	for _, input := range which {
		from, _ := e.Span(input)
		at = append(at, from)
	}
	p.add(y, at...)
}

// encodeCategories adds a 1 at the place of each cell's level, and the means of columns
// with many levels.
func (b *builder) encodeCategories(e *data.Encoding, p *pieces) {
	for input := range e.Inputs {
		in := &e.Inputs[input]
		if in.Kind != data.KindCategory {
			continue
		}
		from, _ := e.Span(input)
		layout := in.Layout()
		width := int64(layout.Width())
		unseen, missing := width, width // a place beyond the last means none
		if in.Rare {
			unseen = int64(len(in.Levels))
		}
		if in.Missing {
			missing = int64(layout.Missing.From)
		}
		var keys []string
		var values, numbers []int64 // the places of the keys; their levels' numbers
		levels := int64(len(in.Levels) + len(in.RareOf))
		for i, level := range in.Levels {
			for _, s := range in.Notations(level) {
				keys, values, numbers = append(keys, s), append(values, int64(i)), append(numbers, int64(i))
			}
		}
		for i, level := range in.RareOf {
			for _, s := range in.Notations(level) {
				keys, values, numbers = append(keys, s), append(values, unseen), append(numbers, int64(len(in.Levels)+i))
			}
		}
		for _, word := range e.MissingWords() {
			for _, s := range spellings(word) {
				keys, values, numbers = append(keys, s), append(values, missing), append(numbers, levels)
			}
		}
		encoded := func(values []int64, other int64) string {
			return b.op("LabelEncoder", []string{in.Name}, onnx.Attribute{Name: "keys_strings", Value: keys},
				onnx.Attribute{Name: "values_int64s", Value: values}, onnx.Attribute{Name: "default_int64", Value: other})
		}
		k := layout.Means.Width()
		var places []int64
		var at, meansAt []int
		for i := range int(width) {
			if i >= layout.Means.From && i < layout.Means.To {
				meansAt = append(meansAt, from+i)
			} else {
				places, at = append(places, int64(i)), append(at, from+i)
			}
		}
		p.add(b.cast(b.do("Equal", encoded(values, unseen), b.ints(places...)), b.real), at...)
		if k > 0 { // 0 for an unseen level, and for a missing cell
			table := b.reals(append(slices.Clone(in.Means), make([]float64, k)...), levels+1, int64(k))
			means := b.op("Gather", []string{table, encoded(numbers, levels)}, axis(0))
			p.add(b.do("Reshape", means, b.ints(-1, int64(k))), meansAt...)
		}
	}
}

// spellings returns all ways to write a word of ASCII letters in upper and lower case.
func spellings(word string) []string {
	list := []string{""}
	for _, c := range word {
		var longer []string
		low, high := strings.ToLower(string(c)), strings.ToUpper(string(c))
		for _, s := range list {
			longer = append(longer, s+low)
			if high != low {
				longer = append(longer, s+high)
			}
		}
		list = longer
	}
	return list
}
