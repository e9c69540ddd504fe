package lab

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// ErrLimit is wrapped by the error for a run that is too large for the page.
var ErrLimit = errors.New("too large for the lab")

// The limits on what one session may hold and compute. A larger run is for the command line.
const (
	MaxUpload     = 16 << 20 // bytes of a table, as uploaded and decompressed
	MaxForm       = 64 << 10 // bytes of a request from a button or an address
	MaxColumns    = 10_000
	MaxCell       = 10_000 // bytes of a cell or a name
	MaxLayers     = 64
	MaxMembers    = 32 // networks of an ensemble
	MaxParameters = 200_000
	MaxCells      = 4_000_000 // rows times encoded inputs and outputs, and rows times networks
	MaxWork       = 2e10      // parameters times rows for a pass over all rows: about a second
)

// MaxBytes is the estimated number of bytes that all sessions of the program may hold together.
const MaxBytes = 2 << 30

// held is the number of bytes that they hold now.
var held atomic.Int64

// How much of a long list the page shows.
const (
	mostListed  = 100 // columns
	mostClasses = 20  // of a confusion matrix
	mostShown   = 60  // characters of a cell or a name
)

// cut shortens a text that is too long to be shown.
func cut(text string) string {
	if len(text) <= mostShown {
		return text
	}
	if runes := []rune(text[:min(len(text), 4*mostShown)]); len(runes) > mostShown {
		return string(runes[:mostShown-1]) + "…"
	}
	return text
}

// plainCells refuses a table with a cell or a name that is too long for a page.
func plainCells(t *data.Table) error {
	for c, name := range t.Columns() {
		if len(name) > MaxCell {
			return fmt.Errorf("%w: the name of column %d has %d bytes and the page takes %d; shorten it, or use gradus train", ErrLimit, c+1, len(name), MaxCell)
		}
		for r := range t.Rows() {
			if n := len(t.Cell(r, c)); n > MaxCell {
				return fmt.Errorf("%w: line %d has a cell of %d bytes in column %q and the page takes %d; shorten it, or use gradus train", ErrLimit, t.Line(r), n, cut(name), MaxCell)
			}
		}
	}
	return nil
}

// textOf returns the total number of bytes in a table's cells.
func textOf(t *data.Table) (n int64) {
	for c := range t.Columns() {
		for r := range t.Rows() {
			n += int64(len(t.Cell(r, c))) + 1
		}
	}
	return n
}

// refuse returns a function that refuses a size that is too large for a session. The session already holds
// own bytes.
func refuse(t *data.Table, text, own int64) func(model.Size) error {
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
		if now, need := held.Load()-own, estimate(t, text, n); now+need > MaxBytes {
			return fmt.Errorf("%w: all pages together would hold %d MB, and %d MB are the most; close a page, or use a smaller table or network", ErrLimit, (now+need)>>20, MaxBytes>>20)
		}
		return nil
	}
}

// estimate returns how many bytes a session on a fit takes. It counts the table with its bytes of text, the
// rows with their numbers encoded twice (for the trainer and for the page), and the memories and trail
// when they are full.
func estimate(t *data.Table, text int64, n model.Size) int64 {
	cells := int64(t.Rows()) * int64(len(t.Columns()))
	rows := int64(n.Rows) * int64(n.Inputs+n.Outputs)
	trail := int64(0)
	if n.Parameters <= trailParams {
		trail = mostTrail * 8 * int64(n.Parameters)
	}
	return 1<<20 + text + 4*cells + 64*int64(t.Rows()) + 16*rows + min(memoryBytes, mostMemories*32*int64(n.Parameters)) + trail
}
