package train

import (
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
)

// gather is memory for the rows of a shuffled batch, copied to stand one behind the other.
type gather[T nn.Float] struct {
	batch Set[T] // room for the largest
	team  *team.Team
	size  int // of the team, the caller counted

	// What the pieces of the present batch need to know; piece is made once, so that a step
	// allocates nothing.
	from  Set[T]
	rows  []int
	each  int // rows in a piece
	piece func(i int)
}

// gatherAlone is how many numbers one goroutine copies by itself: some 5 us.
const gatherAlone = 1 << 14

func newGather[T nn.Float](most int, from Set[T]) *gather[T] {
	g := &gather[T]{size: 1, from: from}
	g.batch = Set[T]{X: nn.NewMatrix[T](most, from.X.Cols), Y: nn.NewMatrix[T](most, from.Y.Cols)}
	if from.W != nil {
		g.batch.W = make([]float64, most)
	}
	g.piece = func(i int) {
		at := i * g.each
		rows := g.rows[at:min(at+g.each, len(g.rows))]
		to := g.batch.slice(at, at+len(rows))
		g.from.X.Gather(to.X, rows)
		g.from.Y.Gather(to.Y, rows)
		for i := range to.W {
			to.W[i] = g.from.W[rows[i]]
		}
	}
	return g
}

// take copies the named rows of from, in that order, over the team if they are many numbers.
func (g *gather[T]) take(from Set[T], rows []int) Set[T] {
	g.from, g.rows, g.each = from, rows, len(rows)
	if g.size > 1 && len(rows)*from.X.Cols > gatherAlone {
		g.each = (len(rows) + 2*g.size - 1) / (2 * g.size)
		g.team.Do((len(rows)+g.each-1)/g.each, g.piece)
	} else {
		g.piece(0)
	}
	return g.batch.slice(0, len(rows))
}
