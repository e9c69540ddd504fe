package data

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

// describe writes a schema in one line: the task and the classes, the kinds of the
// columns, and the dropped columns.
func describe(s *Schema) string {
	var b strings.Builder
	b.WriteString(string(s.Task))
	if n := len(s.Targets[0].Classes); n > 0 {
		fmt.Fprintf(&b, " of %d", n)
	}
	count := make(map[Kind]int)
	for _, c := range s.Columns {
		count[c.Kind]++
	}
	for _, k := range []Kind{KindNumber, KindCategory, KindBoolean, KindDate} {
		if count[k] > 0 {
			fmt.Fprintf(&b, ", %d %s", count[k], k)
		}
	}
	for i, d := range s.Dropped {
		if i == 0 {
			b.WriteString("; without")
		}
		b.WriteString(" " + d.Name)
	}
	return b.String()
}

func TestRealTables(t *testing.T) {
	for _, test := range []struct {
		file   string
		rows   int
		width  int
		schema string
	}{
		{"small/titanic.csv", 1309, 198, "binary of 2, 5 number, 5 category; without name"}, // home.dest has more levels than separate inputs, so it also has their means
		{"mid/adult_train.csv", 32561, 114, "binary of 2, 6 number, 8 category"},
		{"small/penguins.csv", 344, 18, "multiclass of 3, 4 number, 2 category"},
		{"mid/california_housing.csv", 20640, 16, "regression, 8 number"},
		{"small/digits8x8.csv", 1797, 119, "multiclass of 10, 61 number; without p00 p40 p47"},
		{"mid/mushroom.csv", 8124, 115, "binary of 2, 20 category, 1 boolean; without veil-type"},
		{"mid/ames_housing.csv", 2930, 329, "regression, 33 number, 39 category, 1 boolean"},
		{"images/mnist_tiny/train-images-idx3-ubyte.gz", 4000, 784, "multiclass of 10, 784 number"},
		{"small/wine_quality_red.csv", 1599, 22, "multiclass of 6, 11 number"},
		{"small/abalone.csv", 4177, 17, "regression, 7 number, 1 category"},
		{"small/diabetes_lars.csv", 442, 19, "regression, 10 number"},
		{"small/glass.csv", 214, 18, "multiclass of 6, 9 number"},
		{"mid/telco_churn.csv", 7043, 44, "binary of 2, 9 number, 10 category"},
	} {
		t.Run(test.file, func(t *testing.T) {
			table, err := Read(need.Data(t, test.file), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if table.Rows() != test.rows {
				t.Errorf("%d rows, want %d", table.Rows(), test.rows)
			}
			s, err := Infer(table, SchemaOptions{})
			if err != nil {
				t.Fatal(err)
			}
			e, err := s.Fit(table, nil, ScaleAuto, true)
			if err != nil {
				t.Fatal(err)
			}
			b, err := e.Bind(table)
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, table.Rows()*e.Width())
			counts, err := Inputs(b, nil, x)
			if err != nil {
				t.Fatal(err)
			}
			if err := Targets(b, nil, make([]float32, table.Rows()*e.Outputs())); err != nil {
				t.Fatal(err)
			}
			if got := describe(s); got != test.schema {
				t.Errorf("schema %q, want %q", got, test.schema)
			}
			if e.Width() != test.width {
				t.Errorf("width %d, want %d", e.Width(), test.width)
			}
			if n := counts.Unseen(); n > 0 {
				t.Errorf("%d levels of the training rows are unseen, want none", n)
			}
		})
	}
}

// Every CSV that the folder's list names has a target that is taken, with as many classes as the list says: "regression", "class 11", "class 2 (14% yes)" or
// "regression (or ordinal class 6)".
func TestRealTargets(t *testing.T) {
	list, err := Read(need.Data(t, "MANIFEST.csv"), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cell := func(row int, name string) string { return list.Cell(row, list.Index(name)) }
	taken := 0
	for row := range list.Rows() {
		file, target, task := cell(row, "file"), cell(row, "target"), cell(row, "task")
		if !strings.HasSuffix(file, ".csv") || target == "" {
			continue
		}
		table, err := Read(need.Data(t, file), ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		s, err := Infer(table, SchemaOptions{Targets: strings.Split(target, ";")})
		if err != nil {
			t.Errorf("%s, target %s: %v", file, target, err)
			continue
		}
		got := "regression"
		if classes := s.Targets[0].Classes; classes != nil {
			got = fmt.Sprintf("class %d", len(classes))
		}
		if !strings.Contains(task+" ", got+" ") && !strings.Contains(task, got+")") {
			t.Errorf("%s, target %s: it is %s, want %s", file, target, got, task)
		}
		taken++
	}
	if taken < 60 {
		t.Errorf("only %d tables have a target, so the test holds little", taken)
	}
}
