package lab

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// Example is a table to begin with, and an instructive run on it.
type Example struct {
	Name  string
	Label string
	What  string // one sentence
	Group string
	Setup Setup

	table func() (columns []string, rows [][]string)
}

// Table makes the example's table.
func (e *Example) Table() (*data.Table, error) {
	columns, rows := e.table()
	return data.NewTable(e.File(), columns, rows)
}

// File returns the name of the example's table as a file.
func (e *Example) File() string { return e.Name + ".csv" }

// Examples lists the tables to begin with. A new session has the first.
func Examples() []*Example { return slices.Clone(examples) }

// ExampleOf returns the example of that name, or nil.
func ExampleOf(name string) *Example {
	for _, e := range examples {
		if e.Name == name {
			return e
		}
	}
	return nil
}

var examples = []*Example{
	notebook("notebook", "batch, rate 3", "A 3-4-1 net learns four rows of three inputs, one update an epoch from all of them. The rate belongs to a sum over four rows; with their mean, which most programs take, it would be 12.",
		4, 4, train.Batch, 0, 3, 10000),
	notebook("notebook-rate-5", "batch, rate 5", "The same a little too fast: the loss jumps up at epoch 477, for the first time of many.",
		4, 4, train.Batch, 0, 5, 10000),
	notebook("notebook-rate-50", "batch, rate 50", "More than ten times as fast: the run stalls near a squared error of 0.0025.",
		4, 4, train.Batch, 0, 50, 40000),
	notebook("notebook-stochastic", "stochastic", "One update a row, in an order shuffled every epoch.",
		4, 4, train.Stochastic, 0, 3, 10000),
	notebook("notebook-mini-batch", "mini-batch of 2", "One update for every two rows.",
		4, 4, train.MiniBatch, 2, 3, 10000),
	notebook("notebook-per-sample", "per-sample", "One row until it is right, then the next. The earlier ones are forgotten.",
		4, 1, train.PerSample, 0, 80, 40000),
	notebook("notebook-one", "one sample, rate 80", "A 3-1-1 net learns a single row. The rate is large since the gradient is small: every sigmoid's slope is at most ¼.",
		1, 1, train.Batch, 0, 80, 2000),
	notebook("notebook-one-2000", "one sample, rate 2000", "The same at a rate so large that the output saturates at 1.",
		1, 1, train.Batch, 0, 2000, 2000),

	shape("xor", "XOR", "Four rows that no line separates: a hidden layer is needed.", xor,
		model.Options{Hidden: []int{3}, Activation: "tanh", LearningRate: new(0.5), Optimizer: "sgd", Method: string(train.Batch), Epochs: 2000, Seed: 1}),
	shape("circles", "Circles", "A disc within a ring.", circles,
		model.Options{Hidden: []int{6}, Activation: "tanh", LearningRate: new(0.1), Optimizer: "momentum", BatchSize: 20, Epochs: 200, Seed: 1}),
	shape("spirals", "Two spirals", "The classic that needs depth.", spirals,
		model.Options{Hidden: []int{16, 16}, Activation: "relu", LearningRate: new(0.01), Optimizer: "adam", BatchSize: 20, Epochs: 600, Seed: 1}),
	shape("sine", "Noisy sine", "Regression on one input.", sine,
		model.Options{Hidden: []int{8}, Activation: "tanh", LearningRate: new(0.02), Optimizer: "adam", BatchSize: 16, Epochs: 400, Seed: 1}),
}

func notebook(name, label, what string, rows, hidden int, method train.Method, batch int, rate float64, epochs int) *Example {
	none := 0.0
	return &Example{
		Name: name, Label: label, What: what, Group: "Four rows, three inputs",
		Setup: Setup{Example: name, Options: model.Options{
			Hidden: []int{hidden}, Activation: "sigmoid", OutputActivation: "sigmoid", NoBias: true, Init: "uniform",
			Loss: "half-squared", Reduction: "sum", Method: string(method), BatchSize: batch,
			Optimizer: "sgd", LearningRate: &rate, Epochs: epochs, Tolerance: new(0.001), Scale: data.ScaleNone,
			Validation: &none, Seed: lesson.NotebookSeed, Precision: "float64",
		}},
		table: func() ([]string, [][]string) {
			all := lesson.NotebookRows()
			var cells [][]string
			for i := range rows {
				row := []string{}
				for _, v := range append(append([]float64{}, all.X.Row(i)...), all.Y.Row(i)...) {
					row = append(row, exact(v))
				}
				cells = append(cells, row)
			}
			return []string{"x1", "x2", "x3", "y"}, cells
		},
	}
}

func shape(name, label, what string, points func() ([]string, [][]string), o model.Options) *Example {
	none := 0.0
	o.Validation, o.Scale, o.Precision = &none, data.ScaleNone, "float64"
	return &Example{Name: name, Label: label, What: what, Group: "Shapes", Setup: Setup{Example: name, Options: o}, table: points}
}

// draw returns a pseudorandom number in [-1, 1) that depends only on a table's row and column.
func draw(row, column int) float64 {
	return 2*rng.Float64(1, rng.Sample, uint64(column), uint64(row)) - 1
}

// cell writes a coordinate with three decimals, so that the table is the same everywhere.
func cell(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }

func xor() ([]string, [][]string) {
	return []string{"a", "b", "xor"}, [][]string{{"0", "0", "no"}, {"0", "1", "yes"}, {"1", "0", "yes"}, {"1", "1", "no"}}
}

func circles() (columns []string, rows [][]string) {
	for i := range 160 {
		radius, class := 0.45*kernel.Sqrt((draw(i, 0)+1)/2), "inner"
		if i%2 == 1 {
			radius, class = 0.75+0.25*(draw(i, 0)+1)/2, "outer"
		}
		turn := draw(i, 1)
		rows = append(rows, []string{cell(radius * kernel.CosPi(turn)), cell(radius * kernel.SinPi(turn)), class})
	}
	return []string{"x1", "x2", "ring"}, rows
}

func spirals() (columns []string, rows [][]string) {
	for i := range 200 {
		along := float64(i/2) / 100
		radius, turn, class := 0.08+0.92*along, 3.2*along, "one"
		if i%2 == 1 {
			turn, class = turn+1, "two"
		}
		rows = append(rows, []string{
			cell(float64(radius*kernel.CosPi(turn)) + 0.02*draw(i, 0)), cell(float64(radius*kernel.SinPi(turn)) + 0.02*draw(i, 1)), class,
		})
	}
	return []string{"x1", "x2", "arm"}, rows
}

func sine() (columns []string, rows [][]string) {
	for i := range 80 {
		x := draw(i, 0)
		rows = append(rows, []string{cell(x), cell(float64(0.8*kernel.SinPi(1.5*x)) + 0.12*draw(i, 1))})
	}
	return []string{"x", "y"}, rows
}

// WriteTable writes a table as CSV.
func WriteTable(w io.Writer, t *data.Table) error {
	out := csv.NewWriter(w)
	row := append([]string{}, t.Columns()...)
	if err := out.Write(row); err != nil {
		return err
	}
	for i := range t.Rows() {
		for j := range row {
			row[j] = t.Cell(i, j)
		}
		if len(row) == 1 && row[0] == "" {
			out.Flush()
			if _, err := fmt.Fprint(w, "\"\"\n"); err != nil { // otherwise the line is empty and readers skip it
				return err
			}
			continue
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
