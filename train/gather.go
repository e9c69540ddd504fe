package train

import "github.com/gradus-ml/gradus/nn"

// gather is memory for the rows of a shuffled batch, copied so that they follow each other.
type gather[T nn.Float] struct {
	batch Set[T] // large enough for the largest batch
	crew  *crew[T]

	// What the pieces of the current batch need to know. piece is made once, so that a step
	// allocates nothing.
	from  Set[T]
	rows  []int // room for those of the largest batch
	start int   // the first row to copy
	end   int   // after the last
	each  int   // rows in a piece
	piece func(i int)
}

// gatherAlone is the most numbers that one goroutine copies without the team: about 5 us of work.
const gatherAlone = 1 << 14

func newGather[T nn.Float](most int, from Set[T], crew *crew[T]) *gather[T] {
	g := &gather[T]{crew: crew, from: from, rows: make([]int, 0, most)}
	g.batch.Y = nn.NewMatrix[T](most, from.Y.Cols)
	if from.Packed.parts == nil {
		g.batch.X = nn.NewMatrix[T](most, from.Cols())
	}
	if from.W != nil {
		g.batch.W = make([]float64, most)
	}
	g.piece = func(i int) {
		at := g.start + i*g.each
		rows := g.rows[at:min(at+g.each, g.end)]
		to := g.batch.slice(at, at+len(rows))
		if g.from.Packed.parts == nil {
			g.from.X.Gather(to.X, rows)
		}
		g.from.Y.Gather(to.Y, rows)
	}
	return g
}

// take makes a batch of the rows of from with the given indices, in that order. It copies the inputs and
// targets of those from start to end-1, over the team if there are many numbers, and the weights of all.
func (g *gather[T]) take(from Set[T], order []int32, start, end int) Set[T] {
	n := end - start
	g.from, g.rows, g.start, g.end, g.each = from, g.rows[:0], start, end, n
	for _, row := range order {
		g.rows = append(g.rows, int(row))
	}
	if from.Packed.parts != nil { // their inputs are not copied
		g.batch.Packed = from.Packed.gather(g.rows)
	}
	switch {
	case n == 0:
	case g.crew.size > 1 && n*from.X.Cols > gatherAlone:
		g.each = (n + 2*g.crew.size - 1) / (2 * g.crew.size)
		g.crew.team.Do((n+g.each-1)/g.each, g.piece)
	default:
		g.piece(0)
	}
	b := g.batch.slice(0, len(g.rows))
	for i := range b.W {
		b.W[i] = from.W[g.rows[i]]
	}
	return b
}
