package team

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func TestEach(t *testing.T) {
	for _, cores := range []int{0, 1, 2, 3, 8} {
		for _, n := range []int{0, 1, 2, 100} {
			done, workers := make([]atomic.Int32, n), atomic.Int32{}
			if err := Each(n, cores, func() func(int) error {
				workers.Add(1)
				return func(i int) error {
					done[i].Add(1)
					return nil
				}
			}); err != nil {
				t.Fatal(err)
			}
			for i := range done {
				if got := done[i].Load(); got != 1 {
					t.Errorf("%d cores: piece %d of %d was done %d times, want once", cores, i, n, got)
				}
			}
			if got := int(workers.Load()); got != min(n, max(1, cores)) {
				t.Errorf("%d cores, %d pieces: got %d workers", cores, n, got)
			}
		}
	}
}

// Pieces 5 and up fail, and piece 5 takes the longest. Its error is the one that is returned, and few pieces begin after it.
func TestEachReturnsTheErrorOfTheLowestPiece(t *testing.T) {
	for _, cores := range []int{1, 2, 8} {
		var begun atomic.Int32
		err := Each(1000, cores, func() func(int) error {
			return func(i int) error {
				begun.Add(1)
				if i == 5 {
					time.Sleep(20 * time.Millisecond)
				}
				if i >= 5 {
					return fmt.Errorf("piece %d", i)
				}
				return nil
			}
		})
		if err == nil || err.Error() != "piece 5" {
			t.Errorf("%d cores: got the error %v, want that of piece 5", cores, err)
		}
		if got := int(begun.Load()); got > 5+cores {
			t.Errorf("%d cores: %d pieces have begun, want at most %d", cores, got, 5+cores)
		}
	}
}
