package data_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/data"
)

// Cells become a row-major matrix in three steps: Infer finds the types of the columns, Fit makes the encoding, and
// Inputs writes the numbers.
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

// A table can come from any reader, such as a file of an embed.FS or the body of a request.
func ExampleReadFrom() {
	table, err := data.ReadFrom(strings.NewReader("weight;animal\n4,5;cat\n30;dog\n"), "pets.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(table.Rows(), table.Columns(), table.Format())

	var row *data.RowError
	_, err = data.ReadFrom(strings.NewReader("weight,animal\n4,cat\n30\n"), "pets.csv", data.ReadOptions{})
	if errors.As(err, &row) {
		fmt.Println("line", row.Line, "of", row.Table+":", row.Reason)
	}
	// Output:
	// 2 [weight animal] semicolons
	// line 3 of pets.csv: row has 1 cell, the header has 2: leave a missing cell empty, but keep its delimiter
}

// A table can be made of structs. A nil pointer is a missing cell.
func ExampleFromRecords() {
	type pet struct {
		Weight float64 `gradus:"weight"`
		Born   time.Time
		Tame   *bool
		Notes  []string `gradus:"-"`
	}
	yes := true
	table, err := data.FromRecords("pets", []pet{{Weight: 4.5, Born: time.Date(2020, 5, 1, 0, 0, 0, 0, time.UTC), Tame: &yes}, {Weight: 30}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(table.Columns(), table.Cell(0, 1), table.Missing(1, 2))
	// Output: [weight Born Tame] 2020-05-01 true
}

// A table can be made of maps, such as decoded JSON. A key that a row does not have is a missing cell.
func ExampleFromMaps() {
	var rows []map[string]any
	if err := json.Unmarshal([]byte(`[{"weight": 4.5, "animal": "cat"}, {"weight": null, "animal": "dog", "tame": true}]`), &rows); err != nil {
		log.Fatal(err)
	}
	table, err := data.FromMaps("pets", rows)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(table.Columns(), table.Missing(0, 1), table.Missing(1, 2))
	// Output: [animal tame weight] true true
}

// A table can be made of slices, one for each column.
func ExampleFromColumns() {
	table, err := data.FromColumns("pets", "weight", []float64{4.5, 30}, "animal", []string{"cat", "dog"}, "legs", []int{4, 4})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(table.Columns(), table.Cell(1, 0), table.Cell(1, 1))
	_, err = data.FromColumns("pets", "weight", []any{4.5, []int{30}})
	fmt.Println(err)
	// Output:
	// [weight animal legs] 30 dog
	// pets: row 1: column "weight": a []int cannot be the value of a cell: give a number, string, bool, time.Time or nil
}
