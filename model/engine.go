package model

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// engine is a network of either precision that can predict from any goroutine.
type engine interface {
	// predict sets out, rows x outputs, to the network's outputs for rows of a table. If loss is
	// not nil, it adds their loss to it.
	predict(b *data.Binding, rows []int, out []float64, loss *rowsLoss) (data.Counts, error)
	// predictRow does the same for one row of values, without allocating.
	predictRow(e *data.Encoding, row []data.Value, out []float64) error
	// predictCells does the same for many rows.
	predictCells(e *data.Encoding, rows cells, out []float64) error
	// predictEncoded does the same for rows that are already encoded, Width inputs each, on the
	// caller's goroutine.
	predictEncoded(x nn.Matrix[float64], out []float64)
	// tempered returns an engine whose logits are beta times those of this engine.
	tempered(beta float64) engine
	// shrunk returns an engine whose outputs, before the activation, are share times those of this
	// engine plus 1 - share times links.
	shrunk(share float64, links []float64) engine
	// only returns an engine with some of the outputs of this one.
	only(is func(output int) bool) engine
	// shape returns the network's structure without copying the network.
	shape() (inputs int, layers []nn.Dense, parameters int)
	// double returns the network in float64: a copy, or the network itself.
	double() *nn.Network[float64]
	// single returns the network if it is float32, otherwise nil.
	single() *nn.Network[float32]
}

// rowsLoss is the loss of rows against their targets, in the trained units.
type rowsLoss struct {
	loss    nn.Loss   // nil: it is not wanted
	weights []float64 // of the rows; nil: all count the same
	encoded any       // the rows, a train.Set[T], if they are already encoded
	sum     float64
}

type engineOf[T nn.Float] struct {
	net   *nn.Network[T]
	tapes sync.Pool // of *scratch[T], for a row
	parts sync.Pool // of *scratch[T], for partRows
}

// scratch is the memory for predicting one row, or a part of many.
type scratch[T nn.Float] struct {
	x    nn.Matrix[T]
	tape *nn.Tape[T]
}

func newEngine[T nn.Float](net *nn.Network[T]) engine {
	e := &engineOf[T]{net: net}
	e.tapes.New = func() any {
		return &scratch[T]{nn.NewMatrix[T](1, net.Inputs()), net.NewTape(1)}
	}
	e.parts.New = func() any {
		return &scratch[T]{nn.NewMatrix[T](partRows, net.Inputs()), net.NewTape(partRows)}
	}
	return e
}

// ofRow adds to an error which row it is about. The error wraps ErrRow.
func ofRow(row int, err error) error {
	var of *data.RowError
	if errors.As(err, &of) {
		of.Row = row
	}
	return fmt.Errorf("%w %d: %w", ErrRow, row, err)
}

const (
	partRows = 128  // rows that predictCells predicts at once
	manyRows = 1024 // rows from which on predictCells uses all cores
)

func (e *engineOf[T]) predictCells(enc *data.Encoding, rows cells, out []float64) error {
	n := rows.len() / len(enc.Inputs)
	if n >= manyRows {
		return e.predictMany(enc, rows, out)
	}
	pool := &e.parts
	if n == 1 {
		pool = &e.tapes
	}
	s := pool.Get().(*scratch[T])
	defer pool.Put(s)
	for from := 0; from < n; from += partRows {
		if err := e.predictPart(s, enc, rows, out, from, min(from+partRows, n)); err != nil {
			return err
		}
	}
	return nil
}

// predictMany is predictCells on all cores.
func (e *engineOf[T]) predictMany(enc *data.Encoding, rows cells, out []float64) error {
	n := rows.len() / len(enc.Inputs)
	return team.Each((n+partRows-1)/partRows, runtime.GOMAXPROCS(0), func() func(int) error {
		return func(i int) error {
			s := e.parts.Get().(*scratch[T])
			defer e.parts.Put(s)
			return e.predictPart(s, enc, rows, out, i*partRows, min((i+1)*partRows, n))
		}
	})
}

// predictPart predicts the rows from one index to another, at most partRows.
func (e *engineOf[T]) predictPart(s *scratch[T], enc *data.Encoding, rows cells, out []float64, from, to int) error {
	x := s.x.Slice(0, to-from)
	if row, err := encodeCells(rows, from, enc, x); err != nil {
		return ofRow(row, err)
	}
	y := e.net.Forward(s.tape, x)
	y.Float64s(out[from*y.Cols:])
	return nil
}

func (e *engineOf[T]) predictEncoded(rows nn.Matrix[float64], out []float64) {
	s := e.parts.Get().(*scratch[T])
	defer e.parts.Put(s)
	for from := 0; from < rows.Rows; from += partRows {
		x := s.x.Slice(0, min(partRows, rows.Rows-from))
		for i := range x.Rows {
			to := x.Row(i)
			for j, v := range rows.Row(from + i) {
				to[j] = T(v)
			}
		}
		y := e.net.Forward(s.tape, x)
		y.Float64s(out[from*y.Cols:])
	}
}

func (e *engineOf[T]) predict(b *data.Binding, rows []int, out []float64, loss *rowsLoss) (data.Counts, error) {
	const part = 512
	parts := make([]partResult, (len(rows)+part-1)/part)
	var known train.Set[T]
	if loss != nil {
		known, _ = loss.encoded.(train.Set[T])
	}
	err := spill.Each(len(parts), runtime.GOMAXPROCS(0), func() func(int) error {
		room, targets := nn.NewMatrix[T](min(part, len(rows)), e.net.Inputs()), nn.Matrix[T]{}
		if loss != nil && loss.loss != nil {
			targets = nn.NewMatrix[T](room.Rows, e.net.Outputs())
		}
		tape := e.net.NewTape(max(1, room.Rows))
		return func(i int) (err error) {
			from, to := i*part, min((i+1)*part, len(rows))
			x := room.Slice(0, to-from)
			if known.Rows() == len(rows) {
				x = known.Feed(tape, from, to, x)
			} else if parts[i].counts, err = data.Inputs(b, rows[from:to], x.Data[:x.Rows*x.Cols]); err != nil {
				return err
			}
			y := e.net.Forward(tape, x)
			y.Float64s(out[from*y.Cols:])
			if loss == nil || loss.loss == nil {
				return nil
			}
			targets := targets.Slice(0, to-from)
			if err := data.Targets(b, rows[from:to], targets.Data[:targets.Rows*targets.Cols]); err != nil {
				return err
			}
			if loss.weights != nil {
				tape.UseWeights(loss.weights[from:to])
			}
			parts[i].loss = e.net.Loss(tape, loss.loss, targets)
			return nil
		}
	})
	if err != nil {
		return nil, err
	}
	var counts data.Counts
	for _, p := range parts { // in order, whichever core made them
		counts = addCounts(counts, p.counts)
		if loss != nil {
			loss.sum += p.loss
		}
	}
	return counts, nil
}

// partResult is the result of predicting a part of the rows.
type partResult struct {
	counts data.Counts
	loss   float64
}

func (e *engineOf[T]) predictRow(enc *data.Encoding, row []data.Value, out []float64) error {
	s := e.tapes.Get().(*scratch[T])
	defer e.tapes.Put(s)
	if err := data.EncodeRow(enc, row, s.x.Data); err != nil {
		return err
	}
	for j, v := range e.net.Forward(s.tape, s.x).Row(0) {
		out[j] = float64(v)
	}
	return nil
}

func (e *engineOf[T]) shape() (inputs int, layers []nn.Dense, parameters int) {
	return e.net.Inputs(), e.net.Layers(), len(e.net.Params())
}

func (e *engineOf[T]) double() *nn.Network[float64] {
	if n, ok := any(e.net).(*nn.Network[float64]); ok {
		return n
	}
	return nn.ConvertNetwork[float64](e.net)
}

func (e *engineOf[T]) single() *nn.Network[float32] {
	n, _ := any(e.net).(*nn.Network[float32])
	return n
}

// addCounts adds the counts of one part of a table to those of the earlier parts.
func addCounts(sum, part data.Counts) data.Counts {
	for _, c := range part {
		found := false
		for i := range sum {
			if sum[i].Column == c.Column {
				sum[i].Imputed += c.Imputed
				sum[i].Unseen += c.Unseen
				sum[i].Beyond += c.Beyond
				sum[i].Low, sum[i].High = cmp.Or(sum[i].Low, c.Low), cmp.Or(sum[i].High, c.High)
				sum[i].Bad += c.Bad
				sum[i].Example = cmp.Or(sum[i].Example, c.Example)
				sum[i].BadCell = cmp.Or(sum[i].BadCell, c.BadCell)
				found = true
			}
		}
		if !found {
			sum = append(sum, c)
		}
	}
	return sum
}
