package lab

import (
	"errors"
	"sync/atomic"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// ErrLimit is wrapped by the refusal of what is too large for the page.
var ErrLimit = errors.New("too large for the lab")

// What one session may hold. A run beyond it is for the command line.
const (
	MaxParameters = 200_000
	MaxCells      = 4_000_000 // rows times encoded inputs
)

// MaxBytes is what all sessions of the program may hold together, by estimate.
const MaxBytes = 2 << 30

// held is what they hold now.
var held atomic.Int64

// estimate is what a session on a fit takes: its table, the rows encoded twice (for the trainer
// and for the page), and its memories and trail when they are full.
func estimate(t *data.Table, fit *model.Fit, params int) int64 {
	cells := int64(t.Rows()) * int64(len(t.Columns()))
	rows := int64(fit.Rows.Train+fit.Rows.Validation+fit.Rows.Test) * int64(fit.Encoding.Width()+fit.Encoding.Outputs())
	trail := int64(0)
	if params <= trailParams {
		trail = mostTrail * 8 * int64(params)
	}
	return 1<<20 + 12*cells + 16*rows + min(memoryBytes, mostMemories*32*int64(params)) + trail
}
