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

// encodeRow writes the encoded inputs of row i to dst.
func encodeRow[T nn.Float](c cells, i int, enc *data.Encoding, dst []T) error {
	n := len(enc.Inputs)
	if c.numbers != nil {
		return data.EncodeNumbers(enc, c.numbers[i*n:][:n], dst)
	}
	return data.EncodeRow(enc, c.values[i*n:][:n], dst)
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
