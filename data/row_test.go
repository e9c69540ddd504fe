package data

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEncodeRow(t *testing.T) {
	table := readText(t, mixed)
	e, _ := fit(t, table, SchemaOptions{}, ScaleAuto)
	x, _ := inputs(t, e, table)
	rows := [][]Value{
		{Number(31), Text("male"), Bool(true), Text("2001-02-03")},
		{Missing(), Text("female"), Text("no"), Text("2005-06-07")},
		{Text(" 45.5"), Text("female "), Missing(), Text("NA")},
		{Number(12), Text("male"), Number(1), Time(time.Date(2010, 11, 12, 13, 14, 0, 0, time.UTC))},
	}
	w := e.Width()
	dst := make([]float64, w)
	for i, row := range rows {
		if err := EncodeRow(e, row, dst); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(dst, x[i*w:(i+1)*w]) {
			t.Errorf("row %d: got %v, want %v", i, dst, x[i*w:(i+1)*w])
		}
		if allocs := testing.AllocsPerRun(100, func() { EncodeRow(e, row, dst) }); allocs != 0 {
			t.Errorf("row %d: %v allocations, want 0", i, allocs)
		}
	}
	unseen := []int{}
	for i, v := range []Value{Number(1), Text("other"), Missing(), Missing()} {
		if !e.Knows(i, v) {
			unseen = append(unseen, i)
		}
	}
	if !slices.Equal(unseen, []int{1}) {
		t.Errorf("the columns %v have levels that are not known, want [1]", unseen)
	}

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dst := make([]float32, w)
			for range 100 {
				for _, row := range rows {
					if err := EncodeRow(e, row, dst); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()

	for _, test := range []struct {
		row  []Value
		kind error
		want string
	}{
		{[]Value{Number(1)}, ErrColumn, "the row has 1 value, the encoding takes 4: give one for each of its columns"},
		{[]Value{Text("old"), Missing(), Missing(), Missing()}, ErrType, `column "age": the value "old" is not a number, as this column had in training`},
		{[]Value{Number(math.Inf(1)), Missing(), Missing(), Missing()}, ErrNumber, `column "age": the value +Inf is not a finite decimal number`},
		{[]Value{Missing(), Missing(), Number(2), Missing()}, ErrType, `column "smokes": the value 2 is not a boolean`},
		{[]Value{Missing(), Missing(), Missing(), Text("31.12.1999")}, ErrType, `column "since": the value "31.12.1999" is not a date`},
	} {
		refuses(t, EncodeRow(e, test.row, dst), test.kind, test.want)
	}
	refuses(t, EncodeRow(&Encoding{}, nil, dst), ErrEncoding, "the encoding was neither fitted nor decoded")

	// A number in a category column stands for the level with that text.
	e, _ = fit(t, readText(t, "c,y\n1,0.5\n2,0\n1000000,0\n"), SchemaOptions{Types: map[string]Kind{"c": KindCategory}}, ScaleAuto)
	dst = make([]float64, e.Width())
	row := []Value{Number(1e6)}
	if allocs := testing.AllocsPerRun(100, func() { EncodeRow(e, row, dst) }); allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
	if diff := cmp.Diff([]float64{0, 1, 0}, dst); diff != "" { // the levels are sorted as text
		t.Error(diff)
	}
}

// TestTally: a Tally counts by column which cells are missing and which were never seen.
func TestTally(t *testing.T) {
	table := readText(t, "n,c,y\n1,red,1\n2,blue,2\n3,red,3\n4,blue,5\n")
	e, _ := fit(t, table, SchemaOptions{}, ScaleNone)
	missing, unseen := make([]int64, 2), make([]int64, 2)
	for _, row := range [][]Value{{Number(1), Text("red")}, {Missing(), Text(" NA ")}, {Text(""), Text("green")}, {Number(2), Text("pink")}} {
		e.Tally(row, missing, unseen)
	}
	if fmt.Sprint(missing, unseen) != "[2 1] [0 2]" {
		t.Errorf(`got %v %v, want fmt.Sprint(missing, unseen) = "[2 1] [0 2]"`, missing, unseen)
	}
}
