package model

import (
	"context"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// The network's outputs for a part become the predictions and the scores of the model.
func TestScoreOutputs(t *testing.T) {
	for _, c := range []struct {
		name  string
		table *data.Table
		o     Options
	}{
		{"regression", blockTable(t, 300, amount), Options{}},
		{"binary", blockTable(t, 300, class), Options{Threshold: "0.3", LabelSmoothing: 0.1}},
		{"hinge", blockTable(t, 300, class), Options{Loss: "hinge", OutputActivation: "identity"}},
		{"multiclass", blockTable(t, 300, func(a, b float64, color string) string { return color }), Options{LabelSmoothing: 0.1, SampleWeight: "w"}},
	} {
		c.o.Seed, c.o.Members, c.o.Epochs, c.o.Precision = 1, 1, 2, "float64"
		m, f, err := Train(context.Background(), c.table, c.o)
		if err != nil {
			t.Fatal(c.name, err)
		}
		part, _, _, err := f.Parts()
		if err != nil {
			t.Fatal(c.name, err)
		}
		w := part.W
		p, y, report, err := f.ScoreOutputs(m.Network64().Predict(part.X), part.Y, w)
		if err != nil {
			t.Fatal(c.name, err)
		}
		want, err := m.predictOf(c.table, part.Rows)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if !slices.Equal(p, want) {
			t.Errorf("%s: the predictions differ from the model's", c.name)
		}
		b, err := m.Encoding.Bind(c.table)
		if err != nil {
			t.Fatal(c.name, err)
		}
		scores, truth, _, err := m.evaluate(b, part.Rows, nil, w, nil)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if !slices.Equal(y, truth) {
			t.Errorf("%s: the targets differ from the model's", c.name)
		}
		for _, s := range report.Scores {
			if v, ok := scores.Get(s.Name); !ok || v != s.Value {
				t.Errorf("%s: got %s %v, the model has %v", c.name, s.Name, s.Value, v)
			}
		}
	}
}
