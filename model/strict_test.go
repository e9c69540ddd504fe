package model_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

var strict = model.PredictOptions{Strict: true}

// TestStrict: every way to predict refuses a category that was not in the training rows, and names its place. Without
// Strict, the row is predicted and its column is named.
func TestStrict(t *testing.T) {
	members, _ := fitMembers(t, memberOptions(data.Binary, 3))
	for _, m := range []*model.Model{fit(t, data.Binary, "float32"), members} {
		row := func(color any) map[string]any {
			return map[string]any{"x": 1, "z": nil, "color": color, "flag": true, "day": "2024-01-01"}
		}
		p, err := m.PredictRow(row("mauve"))
		if err != nil || !slices.Equal(p.Imputed, []string{"z"}) || !slices.Equal(p.Unseen, []string{"color"}) {
			t.Errorf(`got %+v, %v, want no error and p.Imputed = []string{"z"} and p.Unseen = []string{"color"}`, p, err)
		}
		if p, err = m.PredictRow(row("red"), strict); err != nil || !slices.Equal(p.Imputed, []string{"z"}) || p.Unseen != nil {
			t.Errorf(`got %+v, %v, want no error and p.Imputed = []string{"z"} and p.Unseen = nil`, p, err)
		}
		const n = 3000 // on all cores
		values, out := make([]data.Value, n*len(m.Columns())), make([]float64, n*m.Outputs())
		colors := slices.Index(m.Columns(), "color")
		values[2500*len(m.Columns())+colors] = data.Text("mauve")
		last := values[2500*len(m.Columns()):][:len(m.Columns())]
		if err := m.PredictRows(values, out); err != nil {
			t.Error(err)
		}
		table := func(colors ...string) *data.Table {
			var cells [][]string
			for _, c := range colors {
				cells = append(cells, []string{"1", "", c, "true", "2024-01-01"})
			}
			table, err := data.NewTable("rows", []string{"x", "z", "color", "flag", "day"}, cells)
			if err != nil {
				t.Fatal(err)
			}
			return table
		}
		if _, _, err := m.Predict(table("red", "NA", "green"), strict); err != nil {
			t.Error(err)
		}
		_, counts, err := m.Predict(table("red", "", "mauve", "puce"))
		if err != nil || counts.Unseen() != 2 {
			t.Errorf("got %v %v, want no error and counts.Unseen() = 2", counts, err)
		}
		_, _, ofTable := m.Predict(table("red", "", "mauve", "puce"), strict)
		_, ofRow := m.PredictRow(row("mauve"), strict)
		for i, err := range []error{ofRow, m.PredictValues(last, out[:m.Outputs()], strict), m.PredictRows(values, out, strict), ofTable} {
			var e *model.RowError
			if !errors.As(err, &e) || !errors.Is(err, data.ErrUnseen) || e.Column != "color" || e.Value != "mauve" || e.Row != []int{0, 0, 2500, 2}[i] {
				t.Errorf(`%d: got %v, want an error of the type of e and an error that wraps data.ErrUnseen and e.Column = "color" and e.Value = "mauve" and e.Row = []int{0, 0, 2500, 2}[i]`, i, err)
			} else if !strings.Contains(err.Error(), `"mauve" is a category that was not in the training rows: they had "`) {
				t.Errorf("%d: got %v, want an error that lists the categories", i, err)
			}
		}
		var o *model.OptionError
		if _, _, err := m.Predict(table("red"), model.PredictOptions{Strict: true, BadAsMissing: true}); !errors.As(err, &o) || o.Option != "Strict" {
			t.Error(err)
		}
		if _, err := m.PredictRow(row("red"), model.PredictOptions{BadAsMissing: true}); !errors.As(err, &o) || o.Option != "BadAsMissing" {
			t.Error(err)
		}
	}
}

// TestMembersKnowTogether: a category is not new to the ensemble if only one member was not trained on it, because its
// fold has the category.
func TestMembersKnowTogether(t *testing.T) {
	var cells [][]string
	for i := range 80 {
		cells = append(cells, []string{[]string{"red", "green"}[i%2], []string{"1", "2", "3"}[i%3]})
	}
	cells[7][0] = "once"
	table, err := data.NewTable("rows", []string{"color", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := model.Train(t.Context(), table, model.Options{Members: 4, Test: new(float64), Task: data.Regression, Hidden: []int{4}, Epochs: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	lacking := slices.IndexFunc(m.Members(), func(m *model.Model) bool { return !m.Encoding.Knows(0, data.Text("once")) })
	if lacking < 0 {
		t.Fatal("every member knows the category, want one that does not")
	}
	if _, err := m.Members()[lacking].PredictRow(map[string]any{"color": "once"}, strict); !errors.Is(err, data.ErrUnseen) {
		t.Errorf("the member that does not know the category: got %v, want ErrUnseen", err)
	}
	missing, unseen := []int64{0}, []int64{0}
	m.Tally([]data.Value{data.Text("once")}, missing, unseen)
	if p, err := m.PredictRow(map[string]any{"color": "once"}, strict); err != nil || p.Unseen != nil || unseen[0] != 0 {
		t.Errorf("got %+v, %v, %d, want no error and p.Unseen = nil and unseen[0] = 0", p, err, unseen[0])
	}
	if _, _, err := m.Predict(table, strict); err != nil {
		t.Error(err)
	}
	m.Tally([]data.Value{data.Text("never")}, missing, unseen)
	m.Tally([]data.Value{data.Missing()}, missing, unseen)
	if missing[0] != 1 || unseen[0] != 1 {
		t.Errorf("got %v %v, want missing[0] = 1 and unseen[0] = 1", missing, unseen)
	}
}
