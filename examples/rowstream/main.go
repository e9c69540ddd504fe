// Command rowstream trains from rows that come one by one and are never all in memory, such as the
// rows of a database/sql query. Cursor has the methods of *sql.Rows that are used, so
// db.Query("SELECT a, b, y FROM points ORDER BY random()") can replace generate.
package main

import (
	"context"
	"fmt"
	"iter"
	"log"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Cursor has the methods of *sql.Rows that are used.
type Cursor interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	const rows = 10_000 // SELECT count(*) FROM points
	stream := train.Stream[float32]{Rows: rows, Open: func(epoch int) iter.Seq2[train.Set[float32], error] {
		return read(func() (Cursor, error) { return generate(rows, epoch), nil }, 2, 1)
	}}
	net, err := nn.New[float32](2, nn.Seed(1), nn.Dense{Units: 16, Activation: nn.Tanh}, nn.Dense{Units: 1})
	if err != nil {
		return err
	}
	t, err := train.NewStream(net, train.Config{Epochs: 5, BatchSize: 64, LearningRate: 0.01}, stream, train.Set[float32]{})
	if err != nil {
		return err
	}
	result, err := t.Run(context.Background())
	if err != nil {
		return err
	}
	fmt.Printf("%d rows in %d updates, the loss is below 0.01: %v\n", result.Rows, result.Steps, result.Loss < 0.01)
	return nil
}

// read yields the rows of a query in chunks, always in the same memory.
func read(query func() (Cursor, error), inputs, targets int) iter.Seq2[train.Set[float32], error] {
	return func(yield func(train.Set[float32], error) bool) {
		cursor, err := query()
		if err != nil {
			yield(train.Set[float32]{}, err)
			return
		}
		defer cursor.Close()
		const chunk = 256
		x, y := nn.NewMatrix[float32](chunk, inputs), nn.NewMatrix[float32](chunk, targets)
		values := make([]float64, inputs+targets)
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		n := 0
		for cursor.Next() {
			if err := cursor.Scan(into...); err != nil {
				yield(train.Set[float32]{}, err)
				return
			}
			for j, v := range values {
				if j < inputs {
					x.Row(n)[j] = float32(v)
				} else {
					y.Row(n)[j-inputs] = float32(v)
				}
			}
			if n++; n == chunk {
				if !yield(train.Set[float32]{X: x, Y: y}, nil) {
					return
				}
				n = 0
			}
		}
		if err := cursor.Err(); err != nil {
			yield(train.Set[float32]{}, err)
			return
		}
		if n > 0 {
			yield(train.Set[float32]{X: x.Slice(0, n), Y: y.Slice(0, n)}, nil)
		}
	}
}

// generate takes the place of a query: y = a·b at points whose order differs from epoch to epoch.
func generate(rows, epoch int) Cursor { return &generated{rows: rows, at: -1, shift: 7919 * epoch} }

type generated struct{ rows, at, shift int }

func (g *generated) Next() bool   { g.at++; return g.at < g.rows }
func (g *generated) Err() error   { return nil }
func (g *generated) Close() error { return nil }

func (g *generated) Scan(into ...any) error {
	i := (g.at*3571 + g.shift) % g.rows
	a, b := float64(i%100)/50-1, float64(i/100)/50-1
	for j, v := range []float64{a, b, a * b} {
		to, ok := into[j].(*float64)
		if !ok {
			return fmt.Errorf("column %d is scanned into a %T, not a *float64", j, into[j])
		}
		*to = v
	}
	return nil
}
