package lab

import (
	"slices"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// Pass is one row's way through the network, as lesson.Explain has it.
type Pass struct {
	Input   []float64
	Layers  []lesson.Layer
	Outputs []lesson.Output
	Loss    float64
}

// Pass is the chosen row's way.
func (f *Frame) Pass() (*Pass, error) {
	e, err := f.Explain()
	if err != nil {
		return nil, err
	}
	return &Pass{e.Input, e.Layers, e.Outputs, e.Loss}, nil
}

// Beside are the rows, of the training part, over which batch normalization is shown: those of the
// next update with the chosen row among them, or where there is none or it is too large the first
// training rows. Nil where the network has no batch normalization.
func (f *Frame) Beside() []int {
	if !f.tied() {
		return nil
	}
	rows := slices.Clone(f.Next)
	if most := max(1, mostBesideWork/len(f.Net.Params())); len(rows) == 0 || len(rows) > most {
		rows = firstRows(min(most, f.Training.X.Rows))
	}
	return among(rows, f.View.Row, f.Training.X.Rows)
}

// mostBesideWork is up to how many rows times parameters a batch is gone through for a frame.
const mostBesideWork = 5_000_000

// firstRows are those that stand for all of n.
func firstRows(n int) []int {
	rows := make([]int, min(n, mostExamined))
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// among is rows with the chosen one of all, and with another where that would be alone.
func among(rows []int, chosen, all int) []int {
	if !slices.Contains(rows, chosen) {
		rows = append(rows, chosen)
	}
	if len(rows) == 1 && all > 1 {
		rows = append(rows, (chosen+1)%all)
	}
	return rows
}

// batch is Beside for lesson.Explain.
func (f *Frame) batch() *lesson.Batch {
	rows := f.Beside()
	if rows == nil {
		return nil
	}
	return gather(f.Training, rows, f.View.Row)
}

// gather copies rows of a part, in their order; chosen is one of them.
func gather(p model.Part, rows []int, chosen int) *lesson.Batch {
	b := &lesson.Batch{X: nn.NewMatrix[float64](len(rows), p.X.Cols), Y: nn.NewMatrix[float64](len(rows), p.Y.Cols), Row: slices.Index(rows, chosen)}
	for i, row := range rows {
		copy(b.X.Row(i), p.X.Row(row))
		copy(b.Y.Row(i), p.Y.Row(row))
	}
	return b
}

// normed reports whether some layer has a norm.
func normed(net *nn.Network[float64]) bool {
	return net.HasNorm(nn.LayerNorm) || net.HasNorm(nn.BatchNorm)
}

// trainingLoss runs rows through a network as training does and returns their loss, reduced.
func trainingLoss(net *nn.Network[float64], tape *nn.Tape[float64], loss nn.Loss, r nn.Reduction, p model.Part) float64 {
	net.ForwardTraining(tape, p.X, nn.Noise{})
	tape.UseWeights(p.W)
	return net.Loss(tape, loss, p.Y) * r.WeightedScale(p.X.Rows, p.W)
}

// first is at most n rows of a part.
func first(p model.Part, n int) model.Part {
	n = min(n, p.X.Rows)
	p.Rows, p.X, p.Y = p.Rows[:n], p.X.Slice(0, n), p.Y.Slice(0, n)
	if p.W != nil {
		p.W = p.W[:n]
	}
	return p
}
