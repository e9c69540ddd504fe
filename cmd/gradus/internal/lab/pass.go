package lab

import (
	"slices"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// Pass is one row's pass through the network, as lesson.Explain returns it.
type Pass struct {
	Input   []float64
	Layers  []lesson.Layer
	Outputs []lesson.Output
	Loss    float64
}

// Pass returns the chosen row's pass.
func (f *Frame) Pass() (*Pass, error) {
	e, err := f.Explain()
	if err != nil {
		return nil, err
	}
	return &Pass{e.Input, e.Layers, e.Outputs, e.Loss}, nil
}

// Beside returns the training rows over which batch normalization is shown. These are the rows of the
// next update together with the chosen row. If there is no next update, or it is too large, they are the
// first training rows. Beside returns nil if the network has no batch normalization.
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

// mostBesideWork is the maximum number of rows times parameters of a batch that a frame computes.
const mostBesideWork = 5_000_000

// firstRows returns the first rows, which represent all n.
func firstRows(n int) []int {
	rows := make([]int, min(n, mostExamined))
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// among returns rows with the chosen row added, and with another row added if the chosen one would be the only one.
func among(rows []int, chosen, all int) []int {
	if !slices.Contains(rows, chosen) {
		rows = append(rows, chosen)
	}
	if len(rows) == 1 && all > 1 {
		rows = append(rows, (chosen+1)%all)
	}
	return rows
}

// batch returns the rows of Beside for lesson.Explain.
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
	return net.Loss(tape, loss, p.Y) * r.Scale(p.X.Rows, p.W)
}

// first returns at most the first n rows of a part.
func first(p model.Part, n int) model.Part {
	n = min(n, p.X.Rows)
	p.Rows, p.X, p.Y = p.Rows[:n], p.X.Slice(0, n), p.Y.Slice(0, n)
	if p.W != nil {
		p.W = p.W[:n]
	}
	return p
}
