package model

import (
	"context"
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/nn"
)

// Explainer computes the Shapley values of rows that arrive one by one. It looks at the background
// only once. Many goroutines can use one Explainer.
type Explainer struct {
	m     *Model
	o     ShapleyOptions
	games map[*Model]*game // by model: the model itself, or each of its members
}

// Explainer makes an Explainer with a background table. The options Rows and Background have no effect
// here.
func (m *Model) Explainer(background *data.Table, o ShapleyOptions) (x *Explainer, err error) {
	defer spill.Guard(&err)()
	x = &Explainer{m, o, map[*Model]*game{}}
	members := m.Members()
	if members == nil {
		members = []*Model{m}
	}
	for _, m := range members {
		g := &game{m: m, o: o}
		err := g.resolve()
		if err == nil {
			err = g.lookBehind(background)
		}
		if err != nil {
			return nil, err
		}
		x.games[m] = g
	}
	return x, nil
}

// Explain returns the Shapley values of rows in the form that PredictRows takes. The values of a
// row do not depend on the other rows. Cells are not set. If ctx ends there is no result.
func (x *Explainer) Explain(ctx context.Context, rows []data.Value) (*Shapley, error) {
	of := func(m *Model) (*Shapley, error) {
		g := x.games[m]
		l, err := g.lookAt(rows)
		if err != nil {
			return nil, err
		}
		s, err := g.shapley(ctx, l)
		if err != nil {
			return nil, err
		}
		for i := range s.Rows {
			s.Rows[i].Row = i
		}
		return s, nil
	}
	if x.m.ensemble != nil {
		return x.m.ensemble.shapley(x.o, of)
	}
	return of(x.m)
}

// lookAt encodes rows of values and predicts them. Their random orders are those of row 0 of a table.
func (g *game) lookAt(values []data.Value) (l looked, err error) {
	m := g.m
	columns := len(m.Encoding.Inputs)
	n := len(values) / columns
	if n*columns != len(values) {
		return l, fmt.Errorf("%w: %d values are not whole rows of %d", ErrRow, len(values), columns)
	}
	p := make([]float64, n*m.Outputs())
	if err := m.PredictRows(values, p); err != nil {
		return l, err
	}
	l = looked{rows: make([]int, n), x: nn.NewMatrix[float64](n, m.Encoding.Width()), predictions: nn.NewMatrix[float64](n, m.Encoding.Outputs())}
	for i, row := range slices.Collect(slices.Chunk(values, columns)) {
		if err := data.EncodeRow(m.Encoding, row, l.x.Row(i)); err != nil {
			return l, ofRow(i, err)
		}
	}
	g.explain(p, l.predictions.Data)
	return l, nil
}
