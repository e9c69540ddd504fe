package model_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// A value of each type, in a column of each kind, predicts like the cell of a file or is refused. The table below says
// which.
func TestValuesByColumn(t *testing.T) {
	columns := []string{"number", "boolean", "date", "colors", "truths", "codes"}
	var rows [][]string
	for i := range 60 {
		rows = append(rows, []string{
			fmt.Sprint(i*37%61 - 7), []string{"yes", "no"}[i/2%2], time.Date(2024, 1, 1+i*7%50, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
			[]string{"red", "green", "blue"}[i%3], []string{"true", "false", "maybe"}[i/3%3], []string{"1.0", "007", "9007199254740993", "x"}[i/5%4], fmt.Sprint(i % 11),
		})
	}
	table, err := data.NewTable("t", append(columns, "y"), rows)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]data.Kind{"colors": data.KindCategory, "truths": data.KindCategory, "codes": data.KindCategory}
	m, _, err := model.Train(context.Background(), table, model.Options{Types: types, Task: data.Regression, Hidden: []int{8}, Epochs: 3, Seed: 1, Precision: "float64"})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]data.Kind{}
	for _, in := range m.Encoding.Inputs {
		kinds[in.Name] = in.Kind
	}
	if want := map[string]data.Kind{"number": data.KindNumber, "boolean": data.KindBoolean, "date": data.KindDate, "colors": data.KindCategory, "truths": data.KindCategory, "codes": data.KindCategory}; fmt.Sprint(kinds) != fmt.Sprint(want) {
		t.Fatalf("the columns are %v", kinds)
	}
	cells := map[string]any{"number": "3", "boolean": "no", "date": "2024-02-01", "colors": "green", "truths": "maybe", "codes": "x"}
	predict := func(column string, v any) (float64, error) {
		row := map[string]any{}
		for name, cell := range cells {
			row[name] = cell
		}
		row[column] = v
		p, err := m.PredictRow(row)
		if err != nil {
			if p.Values != nil || p.Class != "" || !errors.Is(err, model.ErrRow) || !strings.Contains(err.Error(), fmt.Sprintf("%q", column)) {
				t.Errorf("%s: got the error %v and the prediction %+v, want ErrRow that names the column, and no prediction", column, err, p)
			}
			return 0, err
		}
		return p.Values[0], nil
	}

	const (
		number, truth, date, level, finite = "! is not a number", "! is not a boolean", "! is not a date", "! is not a level", "! is not a finite decimal number"
		none, unseen                       = "NA", "a level that was not in the training rows"
	)
	type (
		celsius float64
		count   int
		flag    bool
		word    string
	)
	day := time.Date(2024, 2, 3, 0, 0, 0, 0, time.FixedZone("", 3600)) // still the 2nd in UTC
	for _, c := range []struct {
		value any
		want  [6]string // by column: the cell, or ! and a part of the error
	}{
		{nil, [6]string{none, none, none, none, none, none}},
		{true, [6]string{number, "yes", date, level, "true", level}},
		{false, [6]string{number, "no", date, level, "false", level}},
		{flag(false), [6]string{number, "no", date, level, "false", level}},
		{data.Bool(false), [6]string{number, "no", date, level, "false", level}},
		{0, [6]string{"0", "no", date, unseen, unseen, unseen}},
		{1, [6]string{"1", "yes", date, unseen, unseen, "1.0"}},
		{1.0, [6]string{"1", "yes", date, unseen, unseen, "1.0"}},
		{7, [6]string{"7", truth, date, unseen, unseen, "007"}},
		{int8(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{int16(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{int32(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{int64(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{uint(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{uint8(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{uint16(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{uint32(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{uint64(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{float32(2.5), [6]string{"2.5", truth, date, unseen, unseen, unseen}},
		{celsius(2.5), [6]string{"2.5", truth, date, unseen, unseen, unseen}},
		{count(1), [6]string{"1", "yes", date, unseen, unseen, "1.0"}},
		{data.Number(1), [6]string{"1", "yes", date, unseen, unseen, "1.0"}},
		{int64(9007199254740993), [6]string{"9007199254740993", truth, date, unseen, unseen, "9007199254740993"}},
		{uint64(9007199254740993), [6]string{"9007199254740993", truth, date, unseen, unseen, "9007199254740993"}},
		{math.NaN(), [6]string{none, none, none, none, none, none}},
		{math.Inf(1), [6]string{finite, truth, date, finite, finite, finite}},
		{"7", [6]string{"7", truth, date, unseen, unseen, unseen}}, // text has to match a level exactly
		{"007", [6]string{"7", truth, date, unseen, unseen, "007"}},
		{"true", [6]string{number, "yes", date, unseen, "true", unseen}},
		{word("red"), [6]string{number, truth, date, "red", unseen, unseen}},
		{"2024-02-02", [6]string{number, truth, "2024-02-02", unseen, unseen, unseen}},
		{"", [6]string{none, none, none, none, none, none}},
		{" NA ", [6]string{none, none, none, none, none, none}},
		{data.Text("red"), [6]string{number, truth, date, "red", unseen, unseen}},
		{data.Missing(), [6]string{none, none, none, none, none, none}},
		{day, [6]string{number, truth, "2024-02-02 23:00", level, level, level}},
		{data.Time(day), [6]string{number, truth, "2024-02-02 23:00", level, level, level}},
		{json.Number("1"), [6]string{"1", "yes", date, unseen, unseen, "1.0"}},
		{json.Number("1.00"), [6]string{"1", "yes", date, unseen, unseen, "1.0"}},
		{json.Number("7e0"), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{json.Number("9007199254740993"), [6]string{"9007199254740993", truth, date, unseen, unseen, "9007199254740993"}},
		{json.Number("1e400"), [6]string{finite, truth, date, unseen, unseen, unseen}},
		{json.Number("seven"), [6]string{"! is not a number", "! is not a number", "! is not a number", "! is not a number", "! is not a number", "! is not a number"}},
		{time.Hour, all("! cannot be the value of a cell")},
		{[]byte("red"), all("! cannot be the value of a cell")},
		{[]any{1}, all("! cannot be the value of a cell")},
		{map[string]any{}, all("! cannot be the value of a cell")},
		{pointer(7), [6]string{"7", truth, date, unseen, unseen, "007"}},
		{(*float64)(nil), [6]string{none, none, none, none, none, none}},
		{1i, all("! cannot be the value of a cell")},
	} {
		for i, column := range columns {
			got, err := predict(column, c.value)
			if why, refused := strings.CutPrefix(c.want[i], "!"); refused {
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Errorf("%T %v as %s: %v, %v, want an error with%q", c.value, c.value, column, got, err, why)
				}
				continue
			}
			want, wantErr := predict(column, c.want[i])
			if wantErr != nil {
				t.Fatal(wantErr)
			}
			if err != nil || got != want {
				t.Errorf("%T %v as %s: got %v, %v; the cell %q gives %v", c.value, c.value, column, got, err, c.want[i], want)
			}
		}
	}

	// Different cells of a column predict differently. Otherwise the table above would show nothing.
	for _, column := range columns {
		seen := map[float64]bool{}
		for _, v := range map[string][]any{
			"number": {"0", "1", "7", "2.5"}, "boolean": {"yes", "no", nil}, "date": {"2024-02-02", "2024-02-02 23:00", nil},
			"colors": {"red", unseen, nil}, "truths": {"true", "false", unseen, nil}, "codes": {"1.0", "007", "9007199254740993", unseen, nil},
		}[column] {
			p, err := predict(column, v)
			if err != nil {
				t.Fatal(err)
			}
			if seen[p] {
				if column == "colors" || v == nil || v == unseen { // without rare or missing cells in training, these are alike
					continue
				}
				t.Errorf("%s: %v predicts like another cell", column, v)
			}
			seen[p] = true
		}
	}

	// A record of JSON predicts like its row of a file.
	var record map[string]any
	if err := json.Unmarshal([]byte(`{"number": 7, "boolean": false, "date": "2024-02-02", "colors": "red", "truths": false, "codes": 7}`), &record); err != nil {
		t.Fatal(err)
	}
	got, err := m.PredictRow(record)
	if err != nil {
		t.Fatal(err)
	}
	file, err := data.NewTable("file", columns, [][]string{{"7", "no", "2024-02-02", "red", "false", "007"}})
	if err != nil {
		t.Fatal(err)
	}
	if want, _, err := m.Predict(file); err != nil || !slices.Equal(got.Values, want) {
		t.Errorf("got %v, want the %v of the file, %v", got.Values, want, err)
	}
}

func all(want string) (each [6]string) {
	for i := range each {
		each[i] = want
	}
	return each
}

func pointer(x float64) *float64 { return &x }

// A pointer stands for what it points to, and a nil one for a missing value.
func TestValueOfPointer(t *testing.T) {
	x := 1.5
	var none *float64
	if v, err := data.ValueOf(&x); err != nil || v != data.Number(1.5) {
		t.Errorf("a pointer to 1.5 gives %v, %v", v, err)
	}
	if v, err := data.ValueOf(none); err != nil || v != data.Missing() {
		t.Errorf("a nil pointer gives %v, %v", v, err)
	}
}
