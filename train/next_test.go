package train

import (
	"context"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/nn"
)

// What Next says is what the next update looks at.
func TestNextNamesTheRowsOfTheNextUpdate(t *testing.T) {
	x, y := nn.NewMatrix[float64](7, 2), nn.NewMatrix[float64](7, 1)
	for i := range x.Data {
		x.Data[i] = float64(i%5) / 5
	}
	for i := range y.Data {
		y.Data[i] = float64(i) / 7
	}
	for _, method := range []Method{Batch, Stochastic, MiniBatch, PerSample} {
		for _, noShuffle := range []bool{false, true} {
			net, err := nn.New[float64](2, 3, nn.Dense{Units: 3, Activation: nn.Tanh}, nn.Dense{Units: 1})
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{Method: method, BatchSize: 3, Epochs: 3, NoShuffle: noShuffle, Seed: 5}
			tr, err := New(net, cfg, Data[float64]{Train: Set[float64]{X: x, Y: y}})
			if err != nil {
				t.Fatal(err)
			}
			next := tr.Next()
			seen := map[int]int{}
			for s, err := range tr.Steps(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				if len(next) != s.Rows {
					t.Fatalf("%s: update %d looked at %d rows, Next had said %v", method, s.N, s.Rows, next)
				}
				if (method == Stochastic || method == PerSample) && next[0] != s.Row {
					t.Fatalf("%s: update %d looked at row %d, Next had said %v", method, s.N, s.Row, next)
				}
				for _, r := range next {
					seen[r]++
				}
				if method == MiniBatch && !noShuffle { // the rows that were gathered stand in t.gather
					for i, r := range next {
						if !slices.Equal(tr.gather.batch.X.Row(i), x.Row(r)) || tr.gather.batch.Y.At(i, 0) != y.At(r, 0) {
							t.Fatalf("update %d gathered other rows than %v, as Next had said", s.N, next)
						}
					}
				}
				next = tr.Next()
			}
			if next != nil {
				t.Errorf("%s: after the end Next says %v", method, next)
			}
			for r := range 7 {
				if seen[r] != 3 && method != PerSample || seen[r] == 0 {
					t.Errorf("%s: row %d was seen %d times in 3 epochs", method, r, seen[r])
				}
			}
		}
	}
}
