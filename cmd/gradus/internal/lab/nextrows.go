package lab

import (
	"github.com/gradus-ml/gradus/nn"
)

// NextRows describes the rows of the next update: each row's gradient of the chosen weight, computed as
// in training, with the row's weight and the units that dropout leaves.
type NextRows struct {
	Rows []NextRow // none if batch normalization ties them together
	More int       // rows that are not listed
}

// NextRow is one row of the next update.
type NextRow struct {
	Row      int // of the table
	Gradient float64
	Seen     bool
	Chosen   bool
}

const (
	mostNextRows = 8    // maximum number of rows listed
	mostComputed = 4096 // maximum number of rows of a batch whose gradient is computed for the page
)

// NextRows computes the rows of the next update. It returns nil if there is no next update or its batch is too large.
func (f *Frame) NextRows() *NextRows {
	if f.Preview == nil {
		return nil
	}
	c, w := f.Fit.Config(), f.View.Weight
	index, err := f.Net.Index(w.Layer, w.In, w.Unit)
	if err != nil {
		return nil
	}
	if f.tied() {
		return &NextRows{}
	}
	tape, grad := f.Net.NewTape(1), make([]float64, len(f.Net.Params()))
	out := &NextRows{More: max(0, len(f.Next)-mostNextRows)}
	for i, row := range f.Next[:len(f.Next)-out.More] {
		f.Net.ForwardTraining(tape, f.Training.X.Slice(row, row+1), nn.Noise{Seed: c.Seed, Step: f.At, Row: i})
		if f.Training.W != nil {
			tape.UseWeights(f.Training.W[row : row+1])
		}
		f.Net.Backprop(tape, c.Loss, f.Training.Y.Slice(row, row+1), 1, grad)
		out.Rows = append(out.Rows, NextRow{
			Row: f.Training.Rows[row], Gradient: grad[index], Seen: i < f.Seen, Chosen: row == f.View.Row,
		})
	}
	return out
}
