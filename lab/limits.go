package lab

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// ErrLimit is wrapped by the refusal of what is too large for the page.
var ErrLimit = errors.New("too large for the lab")

// What one session may hold and compute. A run beyond it is for the command line.
const (
	MaxUpload     = 16 << 20 // bytes of a table, as it comes and decompressed
	MaxForm       = 64 << 10 // bytes of what a button or an address asks for
	MaxColumns    = 10_000
	MaxParameters = 200_000
	MaxCells      = 4_000_000 // rows times encoded inputs and outputs
	MaxWork       = 2e10      // parameters times rows of a pass over all: a second or so
)

// MaxBytes is what all sessions of the program may hold together, by estimate.
const MaxBytes = 2 << 30

// held is what they hold now.
var held atomic.Int64

// refuse says what is too large for a session that holds own bytes already.
func refuse(t *data.Table, own int64) func(model.Size) error {
	return func(n model.Size) error {
		if n.Parameters > MaxParameters {
			return fmt.Errorf("%w: the network has %d parameters and the page takes %d; use smaller hidden layers, or gradus train", ErrLimit, n.Parameters, MaxParameters)
		}
		if cells := float64(n.Inputs+n.Outputs) * float64(n.Rows); cells > MaxCells {
			return fmt.Errorf("%w: %d rows of %d inputs and %d outputs; use a part of the rows, or gradus train", ErrLimit, n.Rows, n.Inputs, n.Outputs)
		}
		if work := float64(n.Parameters) * float64(n.Rows); work > MaxWork {
			return fmt.Errorf("%w: %d parameters on %d rows are too slow to watch; use smaller hidden layers or a part of the rows, or gradus train", ErrLimit, n.Parameters, n.Rows)
		}
		if now, need := held.Load()-own, estimate(t, n); now+need > MaxBytes {
			return fmt.Errorf("%w: all pages together would hold %d MB, and %d MB are the most; close a page, or use a smaller table or network", ErrLimit, (now+need)>>20, MaxBytes>>20)
		}
		return nil
	}
}

// estimate is what a session on a fit takes: its table, the rows encoded twice (for the trainer
// and for the page), and its memories and trail when they are full.
func estimate(t *data.Table, n model.Size) int64 {
	cells := int64(t.Rows()) * int64(len(t.Columns()))
	rows := int64(n.Rows) * int64(n.Inputs+n.Outputs)
	trail := int64(0)
	if n.Parameters <= trailParams {
		trail = mostTrail * 8 * int64(n.Parameters)
	}
	return 1<<20 + 12*cells + 16*rows + min(memoryBytes, mostMemories*32*int64(n.Parameters)) + trail
}
