package metrics

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var nan, inf = math.NaN(), math.Inf(1)

// wantJSON compares a whole report with its JSON, in which NaN is null.
func wantJSON(t *testing.T, what string, r any, want string) {
	t.Helper()
	if raw, err := json.Marshal(r); err != nil || string(raw) != want {
		t.Errorf("%s: %s, %v, want %s", what, raw, err, want)
	}
}

// Four rows, all numbers exact. Sorted by p: .25 (0), .5 (1), .5 (0), .75 (1).
//
// The guesses p > 0.5 are 0, 0, 0, 1: both zeros and one of the ones are right, so accuracy
// is 3/4 and the recalls are 2/2 and 1/2, on average 3/4. Of the four pairs of a one with
// a zero, .75 wins two and .5 wins one and ties one: auc = 3.5/4. The rows' own classes
// have probabilities .75, .5, .5, .75: log_loss = (2·log 2 + 2·log 4/3)/4 = log(8/3)/2.
func TestBinaryByHand(t *testing.T) {
	r := must(t)(Binary([]float64{0, 1, 0, 1}, []float64{0.25, 0.5, 0.5, 0.75}, nil))
	loss, _ := r.Get("log_loss")
	if want := 0.4904146265058631; math.Abs(loss-want) > 1e-15 {
		t.Errorf("log_loss = %v, want %v", loss, want)
	}
	r.Set("log_loss", 0)
	wantJSON(t, "by hand", r, `{"accuracy":0.75,"balanced_accuracy":0.75,"auc":0.875,"log_loss":0,"confusion":[[2,0],[1,1]]}`)
}

// Errors 1, -2, 2, -1 around targets 1, 2, 3, 6 of mean 3: Σe² = 10, Σ(y-ȳ)² = 14.
func TestRegressionByHand(t *testing.T) {
	r := must(t)(Regression([]float64{1, 2, 3, 6}, []float64{0, 4, 1, 7}, 1, nil))
	wantJSON(t, "by hand", r, `{"rmse":1.5811388300841898,"mae":1.5,"r2":0.2857142857142857}`)
}

// Rows: all right; one of two right; none right. Labels: 2 of 3 right; 1 of 3 right.
// AUCs: the one 1 of label 0 beats one of two zeros; label 1 has only ones.
func TestMultilabelByHand(t *testing.T) {
	r := must(t)(Multilabel([]float64{1, 1, 0, 1, 0, 1}, []float64{0.75, 0.75, 0.25, 0.5, 0.875, 0.5}, 2, nil))
	if auc, _ := r.Get("auc"); auc != 0.5 {
		t.Errorf("auc = %v, want 0.5", auc)
	}
	for name, want := range map[string]float64{
		"accuracy": 1.0 / 3, "label_accuracy": 0.5,
		"log_loss": (math.Log(4./3) + math.Log(4./3) + math.Log(8) + math.Log(4./3) + math.Log(2) + math.Log(2)) / 6,
	} {
		near(t, "by hand", r.Scores, name, &want)
	}
	if _, ok := r.Outputs[1].Get("auc"); ok || len(r.Outputs) != 2 {
		t.Errorf("got the outputs %v, want two, of which the second has no auc", r.Outputs)
	}
}

func TestWhatIsNotDefinedIsLeftOut(t *testing.T) {
	m := must(t)
	none := []float64{}
	zero := []float64{0, 0}
	for _, c := range []struct {
		what string
		r    Report
		want string
	}{
		{"no rows", m(Regression(none, none, 1, nil)), `{}`},
		{"no rows", m(Regression(nil, nil, 3, none)), `{}`},
		{"no rows", m(Binary(none, none, nil)), `{}`},
		{"no rows", m(Multiclass(none, none, 3, nil)), `{}`},
		{"no rows", m(Multilabel(none, none, 2, nil)), `{}`},
		{"no weight", m(Regression([]float64{1, 2}, []float64{1, 2}, 1, zero)), `{}`},
		{"no weight", m(Binary([]float64{0, 1}, []float64{1, 0}, zero)), `{}`},
		{"no weight", m(Multiclass([]float64{0, 1}, []float64{1, 0, 0, 1}, 2, zero)), `{}`},
		{"no weight", m(Multilabel([]float64{0, 1}, []float64{1, 0}, 1, zero)), `{}`},
		{"one row", m(Regression([]float64{1}, []float64{3}, 1, nil)), `{"rmse":2,"mae":2}`},
		{"one class", m(Binary([]float64{1, 1}, []float64{0.75, 0.5}, nil)),
			`{"accuracy":0.5,"balanced_accuracy":0.5,"log_loss":0.4904146265058631,"confusion":[[0,0],[1,1]]}`},
		{"the other has no weight", m(Binary([]float64{1, 1, 0}, []float64{0.75, 0.5, 1}, []float64{1, 1, 0})),
			`{"accuracy":0.5,"balanced_accuracy":0.5,"log_loss":0.4904146265058631,"confusion":[[0,0],[1,1]]}`},
		{"one class of three", m(Multiclass([]float64{1, 1}, []float64{0.25, 0.75, 0, 0.5, 0.5, 0}, 3, nil)),
			`{"accuracy":0.5,"balanced_accuracy":0.5,"log_loss":0.4904146265058631,"confusion":[[0,0,0],[1,1,0],[0,0,0]]}`},
	} {
		wantJSON(t, c.what, c.r, c.want)
	}
	if auc, ok := AUC([]float64{1, 1}, []float64{nan, 1}, nil); ok {
		t.Errorf("AUC of one class = %v, want none", auc)
	}
}

// A NaN anywhere makes each metric that it could have changed NaN, which JSON writes as null.
func TestNaN(t *testing.T) {
	m := must(t)
	y, p := []float64{0, 1, 2}, []float64{0.5, 1, nan}
	const classes = `{"accuracy":null,"balanced_accuracy":null,"auc":null,"log_loss":null}`
	for _, c := range []struct {
		what string
		r    Report
		want string
	}{
		{"regression, yhat", m(Regression(y, p, 1, nil)), `{"rmse":null,"mae":null,"r2":null}`},
		{"regression, y", m(Regression(p, y, 1, nil)), `{"rmse":null,"mae":null,"r2":null}`},
		{"regression, constant y", m(Regression([]float64{1, 1, 1}, p, 1, nil)), `{"rmse":null,"mae":null,"r2":null}`},
		{"regression, infinite yhat", m(Regression(y, []float64{0, inf, 1}, 1, nil)), `{"rmse":null,"mae":null,"r2":null}`},
		{"regression, all", m(Regression([]float64{nan, nan}, []float64{nan, nan}, 1, nil)), `{"rmse":null,"mae":null,"r2":null}`},
		{"regression, one output", m(Regression([]float64{0, 1, 2, 3}, []float64{0, nan, 2, 3}, 2, nil)),
			`{"rmse":null,"mae":null,"r2":null,"outputs":[{"rmse":0,"mae":0,"r2":1},{"rmse":null,"mae":null,"r2":null}]}`},
		{"binary", m(Binary([]float64{0, 1, 1}, p, nil)), classes},
		{"multiclass", m(Multiclass([]float64{0, 1}, []float64{0.5, 0.5, nan, nan}, 2, nil)), classes},
		{"multilabel", m(Multilabel([]float64{0, 1, 1}, p, 1, nil)),
			`{"accuracy":null,"label_accuracy":null,"auc":null,"log_loss":null,"outputs":[` + classes + `]}`},
	} {
		wantJSON(t, c.what, c.r, c.want)
	}
}

// Scores outside [0, 1], as of a network with an identity output, can still be ranked and give classes.
func TestInfiniteAndOutsideScores(t *testing.T) {
	r := must(t)(Binary([]float64{0, 1, 0, 1}, []float64{-inf, inf, -3, 7}, nil))
	r.Set("log_loss", 0)
	wantJSON(t, "outside", r, `{"accuracy":1,"balanced_accuracy":1,"auc":1,"log_loss":0,"confusion":[[2,0],[0,2]]}`)
}

func TestRoundingDoesNotHideAConstantTarget(t *testing.T) {
	y := make([]float64, 10) // ten times 0.1 add up to less than 1
	for i := range y {
		y[i] = 0.1
	}
	y[0] = 5 // of no weight
	w := slices.Repeat([]float64{0.3}, 10)
	w[0] = 0
	r := must(t)(Regression(y, make([]float64, 10), 1, w))
	if r2, _ := r.Get("r2"); r2 != 0 {
		t.Errorf("r2 = %v, want 0", r2)
	}
}

func TestErrors(t *testing.T) {
	one := func(y ...float64) []float64 { return y }
	get := func(_ Report, err error) error { return err }
	base := func(_ Scores, err error) error { return err }
	for _, c := range []struct {
		err  error
		want string
	}{
		{get(Binary(one(0, 2), one(0, 1), nil)), "row 1: the target is 2; it must be the index of a class, 0 to 1"},
		{get(Binary(one(nan), one(0), nil)), "row 0: the target is NaN; it must be the index of a class, 0 to 1"},
		{get(Multiclass(one(-1), one(0, 1, 2), 3, nil)), "row 0: the target is -1; it must be the index of a class, 0 to 2"},
		{get(Multiclass(one(1.5), one(0, 1, 2), 3, nil)), "row 0: the target is 1.5; it must be the index of a class, 0 to 2"},
		{get(Multiclass(one(inf), one(0, 1, 2), 3, nil)), "row 0: the target is +Inf; it must be the index of a class, 0 to 2"},
		{get(Multilabel(one(0, 1, 1, 3), one(0, 1, 1, 0), 2, nil)), "row 1: the target is 3; it must be the index of a class, 0 to 1"},
		{get(Regression(one(1, 2), one(1, 2), 1, one(1, -1))), "row 1: the weight is -1; it must be finite and at least 0"},
		{get(Binary(one(0), one(0), one(nan))), "row 0: the weight is NaN; it must be finite and at least 0"},
		{get(Multilabel(one(0), one(0), 1, one(inf))), "row 0: the weight is +Inf; it must be finite and at least 0"},
		{base(MajorityBaseline(one(0, 2), one(0.5, 0.5), nil)), "row 1: the target is 2; it must be the index of a class, 0 to 1"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("%v, want %s", c.err, c.want)
		}
	}
}

func TestLengthsThatDoNotFitPanic(t *testing.T) {
	x := make([]float64, 7)
	for i, f := range []func(){
		func() { Regression(x[:3], x[:2], 1, nil) },
		func() { Regression(x[:3], x[:3], 2, nil) },
		func() { Regression(x[:3], x[:3], 0, nil) },
		func() { Binary(x[:3], x[:3], x[:2]) },
		func() { Multiclass(x[:3], x[:7], 2, nil) },
		func() { Multilabel(x[:4], x[:4], 2, x[:4]) },
		func() { AUC(x[:4], x[:3], nil) },
		func() { MeanBaseline(x[:3], x[:2], nil) },
		func() { MajorityBaseline(x[:3], nil, nil) },
		func() { ClassIndices(x[:3], 2) },
	} {
		func() {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "metrics: ") {
					t.Errorf("case %d: got the panic %v, want one that begins with the package's name", i, s)
				}
			}()
			f()
		}()
	}
}

func TestBaselines(t *testing.T) {
	s, err := MeanBaseline([]float64{1, 10, 3, 30}, []float64{2, 20}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, "mean", s, `{"rmse":5.5,"mae":5.5,"r2":0}`)

	// The most common class in training is class 1. Two of four rows have it, and the rows'
	// classes had shares .5, .5, .25 and .25.
	s, err = MajorityBaseline([]float64{1, 1, 0, 2}, []float64{0.25, 0.5, 0.25}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := 1.5 * math.Ln2
	near(t, "majority", s, "log_loss", &want)
	s.Set("log_loss", 0)
	wantJSON(t, "majority", s, `{"accuracy":0.5,"balanced_accuracy":0.3333333333333333,"auc":0.5,"log_loss":0}`)

	s, err = LabelBaseline([]float64{1, 0, 1, 1}, []float64{0.75, 0.25}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Set("log_loss", 0)
	wantJSON(t, "labels", s, `{"accuracy":0.5,"label_accuracy":0.75,"auc":0.5,"log_loss":0}`)
}

func TestClassIndices(t *testing.T) {
	if got := ClassIndices([]float64{0, 0, 1, 1, 0, 0, 0.05, 0.9, 0.05}, 3); !slices.Equal(got, []float64{2, 0, 1}) {
		t.Errorf("got %v, want %v", got, []float64{2, 0, 1})
	}
}

// sample draws classes, scores with many ties, and integer weights. Both classes occur.
func sample(t *rapid.T) (y, p, w []float64) {
	n := rapid.IntRange(2, 40).Draw(t, "rows")
	for i := range n {
		y = append(y, float64(rapid.IntRange(0, 1).Draw(t, "y")))
		p = append(p, float64(rapid.IntRange(-9, 9).Draw(t, "p")))
		w = append(w, float64(rapid.IntRange(0, 3).Draw(t, "w")))
		if i < 2 {
			y[i], w[i] = float64(i), 1
		}
	}
	return y, p, w
}

// AUC is defined as the sum over all pairs. A map that keeps the order keeps the
// AUC to the bit, and reversing the order gives 1 minus it.
func TestAUCProperties(t *testing.T) {
	maps := map[string]func(float64) float64{
		"affine": func(x float64) float64 { return 0.25*x - 3 },
		"cubic":  func(x float64) float64 { return x * x * x },
		"exp":    math.Exp,
		"step": func(x float64) float64 {
			if x == 9 {
				return inf
			}
			return x
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		y, p, w := sample(t)
		var wins, pairs float64
		for i := range y {
			for j := range y {
				if y[i] == 1 && y[j] == 0 {
					pairs += w[i] * w[j]
					switch {
					case p[i] > p[j]:
						wins += w[i] * w[j]
					case p[i] == p[j]:
						wins += w[i] * w[j] / 2
					}
				}
			}
		}
		auc, ok := AUC(y, p, w)
		if !ok || auc != wins/pairs {
			t.Fatalf("AUC = %v, %v, want %v", auc, ok, wins/pairs)
		}
		mapped := make([]float64, len(p))
		for name, f := range maps {
			for i, v := range p {
				mapped[i] = f(v)
			}
			if got, _ := AUC(y, mapped, w); got != auc {
				t.Fatalf("%s: AUC = %v, want %v", name, got, auc)
			}
		}
		for i, v := range p {
			mapped[i] = -v
		}
		if got, _ := AUC(y, mapped, w); math.Abs(got-(1-auc)) > 1e-15 {
			t.Fatalf("AUC of negated scores = %v, want 1 - %v", got, auc)
		}
	})
}

// Tied rows are added in their order, however the sort moves them: (.1 + .1) + .4 is not
// (.4 + .1) + .1, and the choice of an epoch may depend on the last bit.
func TestAUCAddsTiesInTheOrderOfRows(t *testing.T) {
	w := []float64{1, 0.1, 0.1, 0.4, 0.1}
	tied := w[1] + w[2]
	tied += w[3]
	got, _ := AUC([]float64{1, 0, 0, 0, 0}, []float64{0, 0, 0, 0, 1}, w)
	if want := tied / 2 / (tied + w[4]); got != want {
		t.Errorf("AUC = %v, want %v", got, want)
	}
}

// An integer weight counts as that many copies of the row. Two classes have the same scores with one probability for each
// row as with two.
func TestWeightsAreCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y, p, w := sample(t)
		for i := range p {
			p[i] = (p[i] + 9) / 18
		}
		var y2, p2, both, both2 []float64
		for i := range y {
			both = append(both, 1-p[i], p[i])
			for range int(w[i]) {
				y2, p2, both2 = append(y2, y[i]), append(p2, p[i]), append(both2, 1-p[i], p[i])
			}
		}
		report := func(r Report, err error) Report {
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		same := func(what string, a, b Report) {
			if len(a.Scores) != len(b.Scores) || len(a.Scores) == 0 {
				t.Fatalf("%s: %v and %v", what, a, b)
			}
			for i, s := range a.Scores {
				if s.Name != b.Scores[i].Name || math.Abs(s.Value-b.Scores[i].Value) > 1e-11*max(1, math.Abs(s.Value)) {
					t.Fatalf("%s: %v and %v", what, s, b.Scores[i])
				}
			}
		}
		one := report(Binary(y, p, w))
		same("binary", one, report(Binary(y2, p2, nil)))
		same("multiclass", report(Multiclass(y, both, 2, w)), report(Multiclass(y2, both2, 2, nil)))
		same("binary and multiclass", one, report(Multiclass(y, both, 2, w)))
		same("multilabel", report(Multilabel(y, p, 1, w)), report(Multilabel(y2, p2, 1, nil)))
		same("regression", report(Regression(y, p, 1, w)), report(Regression(y2, p2, 1, nil)))
	})
}

func BenchmarkAUC(b *testing.B) {
	const rows = 1e5
	y, p, w := make([]float64, rows), make([]float64, rows), make([]float64, rows)
	s := uint64(1)
	for i := range y {
		s = s*6364136223846793005 + 1442695040888963407
		p[i], y[i], w[i] = float64(s>>11)/(1<<53), float64(s>>60&1), 1+float64(s>>50&7)
	}
	for _, c := range []struct {
		name string
		w    []float64
	}{{"plain", nil}, {"weighted", w}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				AUC(y, p, c.w)
			}
		})
	}
}
