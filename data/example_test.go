package data_test

import (
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
)

// From cells to a row-major matrix: what the columns are, how a row becomes numbers, the numbers.
func Example() {
	table, err := data.NewTable("pets", []string{"weight", "animal", "price"}, [][]string{
		{"4", "cat", "10"}, {"30", "dog", "25"}, {"5", "cat", "12"}, {"28", "dog", "24"}, {"6", "cat", "13"}, {"29", "dog", "22"},
	})
	if err != nil {
		log.Fatal(err)
	}
	schema, err := data.Infer(table, data.SchemaOptions{Targets: []string{"price"}, Task: data.Regression})
	if err != nil {
		log.Fatal(err)
	}
	encoding, err := schema.Fit(table, []int{0, 1, 2, 3, 4, 5}, data.ScaleNone, false) // learned from these rows
	if err != nil {
		log.Fatal(err)
	}
	b, err := encoding.Bind(table)
	if err != nil {
		log.Fatal(err)
	}
	x := make([]float64, 2*encoding.Width())
	if _, err := data.Inputs(b, []int{4, 5}, x); err != nil {
		log.Fatal(err)
	}
	fmt.Println(schema.Task, x[:encoding.Width()], x[encoding.Width():])
	// Output: regression [6 1 0] [29 0 1]
}
