package lab

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/model"
)

// A report holds the run and needs nothing else.
func TestReport(t *testing.T) {
	s := newSession(t, "circles")
	if err := s.Goto(context.Background(), 100); err != nil {
		t.Fatal(err)
	}
	m, err := s.Model(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteReport(&b, s.Frame().Report(m)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{m.WeightsSHA256(), model.Describe(2, s.Frame().Net.Layers()), "Confusion matrix", "<svg", exact(m.Training.Loss),
		`<tr><th scope="row">seed</th><td>1</td></tr>`, `<tr><th scope="row">activation</th><td>` + m.Options.Activation + `</td></tr>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", " src=", " href=", "url("} {
		if strings.Contains(text, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
}
