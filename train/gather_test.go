package train

import (
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
)

// A batch has the requested rows, their targets and their weights, whichever goroutine copies them.
func TestGather(t *testing.T) {
	const all, columns = 700, 200
	from := Set[float32]{X: nn.NewMatrix[float32](all, columns), Y: nn.NewMatrix[float32](all, 2), W: make([]float64, all)}
	for i := range all {
		for j := range columns {
			from.X.Row(i)[j] = float32(i*columns + j)
		}
		from.Y.Row(i)[1], from.W[i] = float32(i), float64(i)/8
	}
	c := &crew[float32]{}
	g := newGather(all, from, c)
	for size := 1; size <= 3; size++ {
		workers := team.New(size)
		c.team, c.size = workers, size
		for _, n := range []int{1, 2, 81, 82, 83, 128, 699, all} { // one goroutine takes up to 81
			rows := make([]int32, n)
			for i := range rows {
				rows[i] = int32((i*257 + size) % all)
			}
			b := g.take(from, rows, 0, n)
			if b.Rows() != n || len(b.W) != n {
				t.Fatalf("%d goroutines: %d rows with %d weights, want %d", size, b.Rows(), len(b.W), n)
			}
			for i, r := range rows {
				if !slices.Equal(b.X.Row(i), from.X.Row(int(r))) || !slices.Equal(b.Y.Row(i), from.Y.Row(int(r))) || b.W[i] != from.W[r] {
					t.Fatalf("%d goroutines, %d rows: row %d of the batch is not row %d of the set", size, n, i, r)
				}
			}
		}
		workers.Close()
	}
}
