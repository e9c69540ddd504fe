package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
)

// The page's scores and confusion matrix count rows as the library's do: by the column of
// weights, and not by class weights. The page says so.
func TestScoresOfWeightedRows(t *testing.T) {
	var text strings.Builder
	text.WriteString("a,w,level,y\n")
	for i := range 40 {
		text.WriteString(exact(float64(i*i%13)) + "," + exact(0.25+float64(i%3)) + "," + exact(float64(i%7)/2) + "," + []string{"no", "yes", "perhaps"}[i*i%5%3] + "\n")
	}
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change map[string]string
		says   string
	}{
		{map[string]string{"sample-weight": "w"}, "Here, as in the loss, a row counts as much as w says."},
		{map[string]string{"sample-weight": "w", "target": "level", "task": "regression"}, "Here, as in the loss, a row counts as much as w says."},
		{map[string]string{"sample-weight": "w", "class-weight": "balanced"}, "the class weights count only in the loss"},
		{map[string]string{"class-weight": "balanced"}, "Here every row counts once"},
		{nil, ""},
	} {
		s := newSession(t, "notebook")
		if err := s.Load(ownSetup(), table); err != nil {
			t.Fatal(err)
		}
		change := map[string]string{"precision": "float64", "epochs": "3"}
		for k, v := range c.change {
			change[k] = v
		}
		if err := s.Change(change); err != nil {
			t.Fatal(err)
		}
		if err := s.Goto(ctx, 1<<30); err != nil {
			t.Fatal(err)
		}
		m, err := s.Model(ctx)
		if err != nil {
			t.Fatal(err)
		}
		fitted, err := s.Frame().Fitted()
		if err != nil {
			t.Fatal(err)
		}
		want := m.Training.Metrics.Train
		for _, score := range fitted.Report.Scores {
			if v, ok := want.Get(score.Name); !ok || v != score.Value {
				t.Errorf("%v: %s is %v on the page and %v in the library", c.change, score.Name, score.Value, v)
			}
		}
		if !slices.Equal(slices.Concat(fitted.Report.Confusion...), slices.Concat(want.Confusion...)) {
			t.Errorf("%v: the confusion matrix is %v on the page and %v in the library", c.change, fitted.Report.Confusion, want.Confusion)
		}
		s.Look(func(v *View) { v.Tab = "fit" })
		panel := Render(s.Frame())["panel"]
		if c.says == "" && strings.Contains(panel, "id=\"counted\"") || !strings.Contains(panel, c.says) {
			t.Errorf("%v: the page lacks %q", c.change, c.says)
		}
	}
}

// A picture of a slice does not contradict the scores. A row's ring has the color of the row's own prediction,
// and is paler the farther the row is from the slice. A caption says so in page and SVG.
func TestSliceShowsRowsAsTheyAre(t *testing.T) {
	var text strings.Builder
	text.WriteString("a,b,c,y\n")
	for i := range 60 {
		c := i * 7 % 11
		text.WriteString(exact(float64(i%8)) + "," + exact(float64(i*i%9)) + "," + exact(float64(c)) + "," + []string{"low", "high"}[c/6] + "\n")
	}
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, "notebook")
	if err := s.Load(ownSetup(), table); err != nil {
		t.Fatal(err)
	}
	if err := s.Goto(ctx, 400); err != nil {
		t.Fatal(err)
	}
	f := s.Frame()
	fig, err := f.Plane(600, 440)
	if err != nil {
		t.Fatal(err)
	}
	field := fig.(plot.Field)
	fitted, err := f.Fitted()
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, p := range field.Points {
		if p.Said == nil || *p.Said != fitted.Predictions[i] {
			t.Fatalf("row %d has the ring %v, want the prediction %v", i, p.Said, fitted.Predictions[i])
		}
		if *p.Said == p.Z {
			right++
		}
		same := f.Training.X.At(i, 2) == f.Training.X.At(f.View.Row, 2)
		if (p.Off == 0) != same || p.Off < 0 || p.Off >= 1 {
			t.Errorf("row %d is %v off the slice", i, p.Off)
		}
	}
	if accuracy, _ := fitted.Report.Get("accuracy"); float64(right)/float64(len(field.Points)) != accuracy {
		t.Errorf("%d of %d rings are right, want the accuracy %v", right, len(field.Points), accuracy)
	}
	if drawn := svg(fig); !strings.Contains(drawn, "ring: predicted") || !strings.Contains(drawn, "pale: far from this slice") {
		t.Error("the picture has no caption")
	}
	s.Look(func(v *View) { v.Tab = "fit" })
	panel := Render(s.Frame())["panel"]
	for _, want := range []string{`id="slice"`, "its ring is the prediction for the row itself", `id="validation-scores"`} {
		if !strings.Contains(panel, want) {
			t.Errorf("the panel lacks %q", want)
		}
	}
	valid, err := s.Frame().Validated()
	if err != nil || valid.Rows != f.Validation.X.Rows {
		t.Errorf("scores of %d of %d validation rows, %v", valid.Rows, f.Validation.X.Rows, err)
	}
	// If the plane shows all inputs of the network, no row needs a ring.
	two := newSession(t, "circles")
	fig, err = two.Frame().Plane(600, 440)
	if err != nil || slices.ContainsFunc(fig.(plot.Field).Points, func(p plot.FieldPoint) bool { return p.Said != nil || p.Off != 0 }) {
		t.Errorf("points of a whole plane are ringed or pale, %v", err)
	}
}

// Health warns about an update that is large compared with the weights.
func TestHealthNamesLargeSteps(t *testing.T) {
	h := Health{Layers: []LayerHealth{{Layer: 0, Update: 0.44, Weight: 1, Gradient: 1}, {Layer: 1, Update: 0.001, Weight: 1, Gradient: 1}}}
	if words := strings.Join(h.Words(), " "); !strings.Contains(words, "Layer 0: an update is 44 % as large") || strings.Contains(words, "Layer 1") {
		t.Errorf("for a ratio of 0.44 it says %q, want a warning about layer 0 alone", words)
	}
}

// A plane over all columns of the network is no slice, even if a column has several inputs. Its rank
// and its pieces are not separate columns.
func TestPlaneOfAllColumnsIsNoSlice(t *testing.T) {
	s := odd(t, "a,b,y", 60, func(i int) string {
		return exact(float64(i%8)) + "," + exact(float64(i*i%9)) + "," + []string{"low", "high"}[i%8/4]
	})
	if err := s.Change(map[string]string{"scale": "pieces"}); err != nil {
		t.Fatal(err)
	}
	s.Look(func(v *View) { v.Tab = "fit" })
	f := s.Frame()
	if f.Net.Inputs() <= 2 {
		t.Fatalf("the network has %d inputs: this tests nothing", f.Net.Inputs())
	}
	fig, err := f.Plane(600, 440)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range fig.(plot.Field).Points {
		if p.Off != 0 || p.Said != nil {
			t.Errorf("row %d is %v off the plane, want 0, because the plane shows all columns", i, p.Off)
		}
	}
	if strings.Contains(Render(f)["panel"], `id="slice"`) {
		t.Error("the page calls it a slice")
	}
}

// At each point, the plane shows the network's prediction for a row with those cells, whatever
// inputs a column becomes.
func TestPlaneIsWhatTheNetworkSays(t *testing.T) {
	s := odd(t, "a,kind,b,y", 90, func(i int) string {
		return exact(float64(i%8)) + "," + []string{"x", "y", "z"}[i%3] + "," + exact(float64(i*i%9)) + "," + exact(float64(i*i%89)/7)
	})
	for _, scale := range []string{"none", "pieces"} {
		if err := s.Change(map[string]string{"scale": scale}); err != nil {
			t.Fatal(err)
		}
		if err := s.Goto(ctx, 20); err != nil {
			t.Fatal(err)
		}
		s.Look(func(v *View) { v.Row = 4 })
		f := s.Frame()
		fig, err := f.Plane(600, 440)
		if err != nil {
			t.Fatal(err)
		}
		field, target := fig.(plot.Field), f.Fit.Encoding.Targets[0]
		x := nn.NewMatrix[float64](1, f.Net.Inputs())
		for _, at := range [][2]int{{0, 0}, {3, 17}, {len(field.Y) - 1, len(field.X) - 1}} {
			row := []data.Value{data.Number(field.X[at[1]]), data.Text(f.Table.Cell(f.Training.Rows[4], 1)), data.Number(field.Y[at[0]])}
			if err := data.EncodeRow(f.Fit.Encoding, row, x.Row(0)); err != nil {
				t.Fatal(err)
			}
			if want := f.Net.Predict(x).At(0, 0)*target.Scale + target.Center; field.Z[at[0]][at[1]] != want {
				t.Errorf("%s: the plane is %v at %v, want the network's %v", scale, field.Z[at[0]][at[1]], at, want)
			}
		}
	}
}

// Scores that cover only some of the validation rows say so.
func TestScoresOfManyValidationRows(t *testing.T) {
	s := odd(t, "a,b,y", 4*mostFitted, func(i int) string {
		return exact(float64(i%50)) + "," + exact(float64(i%7)) + "," + exact(float64(i%50)/3)
	})
	if err := s.Change(map[string]string{"validation": "0.4"}); err != nil {
		t.Fatal(err)
	}
	s.Look(func(v *View) { v.Tab = "fit" })
	f := s.Frame()
	if n := f.Validation.X.Rows; n <= mostFitted {
		t.Fatalf("there are %d validation rows, want more than mostFitted", n)
	}
	if want := fmt.Sprintf("On the first %d of %d validation rows", mostFitted, f.Validation.X.Rows); !strings.Contains(Render(f)["panel"], want) {
		t.Errorf("the panel lacks %q", want)
	}
}
