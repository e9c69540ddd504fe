package model

import (
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
)

// cells are the cells of many rows, one row after another: values, or numbers.
type cells struct {
	values  []data.Value
	numbers []float64
}

func (c cells) len() int { return max(len(c.values), len(c.numbers)) }

// encodeCells writes the encoded inputs of the rows from an index on to x. An error comes with the index of its row.
func encodeCells[T nn.Float](c cells, from int, enc *data.Encoding, x nn.Matrix[T]) (row int, err error) {
	n := len(enc.Inputs)
	if c.numbers != nil {
		row, err = data.EncodeNumbers(enc, c.numbers[from*n:][:x.Rows*n], x.Data[:x.Rows*x.Cols])
		return from + row, err
	}
	for i := range x.Rows {
		if err := data.EncodeRow(enc, c.values[(from+i)*n:][:n], x.Row(i)); err != nil {
			return from + i, err
		}
	}
	return 0, nil
}

// row returns the n values of row i.
func (c cells) row(i, n int) []data.Value {
	if c.numbers == nil {
		return c.values[i*n:][:n]
	}
	values := make([]data.Value, n)
	for j, x := range c.numbers[i*n:][:n] {
		values[j] = data.Number(x)
	}
	return values
}
