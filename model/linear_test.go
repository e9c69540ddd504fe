package model

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// linearRun trains a model on a table and compares it with a linear model.
func linearRun(t *testing.T, table *data.Table, o Options) (*Model, *Fit) {
	t.Helper()
	m, f, err := Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	if m.Training.Metrics.Linear != nil {
		t.Fatal("the model has a comparison before anyone asked for it")
	}
	if err := f.CompareLinear(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	return m, f
}

// plane returns a table of two inputs and a target that is linear in them up to noise, and the numbers in it.
func plane(t *testing.T, rows int) (*data.Table, [][3]float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	var text strings.Builder
	var cells [][3]float64
	text.WriteString("a,b,y\n")
	for range rows {
		a, b := math.Round(r.NormFloat64()*1000)/1000, math.Round((50+9*r.NormFloat64())*1000)/1000
		y := math.Round((3*a-2*b+7+r.NormFloat64())*1000) / 1000
		fmt.Fprintf(&text, "%v,%v,%v\n", a, b, y)
		cells = append(cells, [3]float64{a, b, y})
	}
	return fromText(t, text.String()), cells
}

// ridge returns the root mean square error of ridge regression. It is trained on the rows train in closed form, with
// standardized inputs and target and a penalty of one half, and scored on the rows told.
func ridge(cells [][3]float64, train, told []int) float64 {
	var mean, sd [3]float64
	n := float64(len(train))
	for j := range 3 {
		for _, i := range train {
			mean[j] += cells[i][j] / n
		}
		for _, i := range train {
			sd[j] += (cells[i][j] - mean[j]) * (cells[i][j] - mean[j]) / n
		}
		sd[j] = math.Sqrt(sd[j])
	}
	z := func(i, j int) float64 { return (cells[i][j] - mean[j]) / sd[j] }
	aa, ab, bb, ay, by := 0.5, 0.0, 0.5, 0.0, 0.0
	for _, i := range train {
		aa += z(i, 0) * z(i, 0)
		ab += z(i, 0) * z(i, 1)
		bb += z(i, 1) * z(i, 1)
		ay += z(i, 0) * z(i, 2)
		by += z(i, 1) * z(i, 2)
	}
	d := aa*bb - ab*ab
	wa, wb := (ay*bb-by*ab)/d, (by*aa-ay*ab)/d
	sum := 0.0
	for _, i := range told {
		e := (wa*z(i, 0) + wb*z(i, 1) - z(i, 2)) * sd[2]
		sum += e * e
	}
	return math.Sqrt(sum / float64(len(told)))
}

// The linear model is ridge regression. It is trained and scored on the same rows as the model itself.
func TestLinearIsRidge(t *testing.T) {
	table, cells := plane(t, 120)
	half, none := 0.25, 0.0
	check := func(m *Model, train, told []int) {
		t.Helper()
		got, _ := m.Training.Metrics.Linear.Scores.Get("rmse")
		if want := ridge(cells, train, told); math.Abs(got-want) > 1e-6*want {
			t.Errorf("the linear model has rmse %v, want the %v of ridge regression", got, want)
		}
	}
	for _, o := range []Options{
		{Test: &half, Seed: 1, Epochs: 3},
		{Seed: 2, Epochs: 3},
		{Validation: &none, Seed: 3, Epochs: 3},
	} {
		m, f := linearRun(t, table, o)
		told := f.parts.test
		switch {
		case told != nil:
		case f.parts.validation != nil:
			told = f.parts.validation
		default:
			told = f.parts.train
		}
		check(m, f.parts.train, told)
		if l := m.Training.Metrics.Linear; l.Trained != len(f.parts.train) || l.Of != l.Trained {
			t.Errorf("trained on %d of %d rows, want all %d", l.Trained, l.Of, len(f.parts.train))
		}
	}
}

// Out of fold, each row is predicted by the linear model of its fold. Further folds of the same rows change nothing.
func TestLinearOutOfFold(t *testing.T) {
	table, cells := plane(t, 120)
	for _, members := range []int{4, 11} {
		m, f := linearRun(t, table, Options{Members: members, Seed: 1, Epochs: 3, Recipe: RecipePlain})
		square, rows := 0.0, 0
		for _, member := range f.bag.members[:(members+1)/2+map[bool]int{true: 2}[members == 4]] {
			own := member.fold
			e := ridge(cells, own.train, own.validation)
			square += e * e * float64(len(own.validation))
			rows += len(own.validation)
		}
		got, _ := m.Training.Metrics.Linear.Scores.Get("rmse")
		if want := math.Sqrt(square / float64(rows)); rows != 120 || math.Abs(got-want) > 1e-6*want {
			t.Errorf("%d members: rmse %v of the linear models out of fold, want %v of %d rows", members, got, want, rows)
		}
	}
}

// The sentence has both comparisons, by the metric that was asked for, and says which model is better.
func TestCompared(t *testing.T) {
	table, _ := plane(t, 120)
	test := 0.25
	m, _ := linearRun(t, table, Options{Test: &test, Seed: 1, Epochs: 1})
	for _, want := range []string{"rmse of the test rows ", ", of a linear model 1.", ", of always guessing the mean ", " times the linear model, ", "The linear model is better."} {
		if !strings.Contains(m.Compared(), want) {
			t.Errorf("no %q in %q", want, m.Compared())
		}
	}
	m, _ = linearRun(t, table, Options{Test: &test, Seed: 1, Epochs: 1, Metrics: []string{"mae"}})
	if !strings.HasPrefix(m.Compared(), "mae of the test rows ") {
		t.Errorf(`got %v, want m.Compared() to begin with "mae of the test rows "`, m.Compared())
	}
	if m, _ = linearRun(t, table, Options{Test: &test, Seed: 1, Hidden: []int{}}); m.Training.Metrics.Linear != nil || strings.Contains(m.Compared(), "linear") {
		t.Errorf("a linear model is compared with itself: %q", m.Compared())
	}
	xor := fromText(t, "a,b,y\n"+strings.Repeat("0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n", 30))
	m, _ = linearRun(t, xor, Options{Seed: 1, Epochs: 60, Members: 3})
	for _, want := range []string{"log_loss of the out-of-fold rows ", " % below the linear model, ", " % below that guess."} {
		if !strings.Contains(m.Compared(), want) {
			t.Errorf("no %q in %q", want, m.Compared())
		}
	}
}

// The cost of a linear model is limited. If there are many rows, some are left out and the sentence says so. A very wide
// table gets no linear model.
func TestLinearCost(t *testing.T) {
	defer func(before int) { linearWork = before }(linearWork)
	linearWork = 40 * 9 * 600
	r := rand.New(rand.NewPCG(7, 8))
	wide := func(rows, columns int) *data.Table {
		names, cells := []string{}, make([][]string, rows)
		for j := range columns {
			names = append(names, fmt.Sprint("x", j))
		}
		for i := range cells {
			for range columns {
				cells[i] = append(cells[i], fmt.Sprint(r.IntN(1000)))
			}
			cells[i] = append(cells[i], fmt.Sprint(float64(r.IntN(1e6))/7))
		}
		table, err := data.NewTable("wide", append(names, "y"), cells)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	o := Options{Seed: 1, Epochs: 1, Hidden: []int{2}, Scale: data.ScaleStandard}
	m, f := linearRun(t, wide(1200, 40), o)
	if want := 600; m.Training.Metrics.Linear.Trained != want || !strings.Contains(m.Compared(), fmt.Sprintf("trained on %d of the %d rows", want, f.Rows.Train)) {
		t.Errorf(`got %+v, %q, want a linear model of 600 rows and a sentence that says so`, m.Training.Metrics.Linear, m.Compared())
	}
	again, _ := linearRun(t, f.Table(), o)
	if fmt.Sprint(again.Training.Metrics.Linear) != fmt.Sprint(m.Training.Metrics.Linear) {
		t.Error("the linear model differs the second time")
	}
	limited(t, 1000)
	if err := f.CompareLinear(context.Background(), again); err != nil || !strings.Contains(again.Compared(), "No linear model was trained: not enough memory: ") {
		t.Errorf(`got %q, %v, want no error and "No linear model was trained: not enough memory: " in again.Compared()`, again.Compared(), err)
	}
	limited(t, 1<<40)
	m, _ = linearRun(t, wide(700, 50), o)
	if l := m.Training.Metrics.Linear; l.Scores != nil || !strings.HasSuffix(m.Compared(), "No linear model was trained: with so many inputs it would be trained on fewer than 500 rows.") {
		t.Errorf(`got %+v, %q, want l.Scores = nil and m.Compared() to end with "No linear model was trained: with so many inputs it would be trained on fewer than 500 rows."`, l, m.Compared())
	}
}

// A linear model that is trained alongside the network equals one that is trained afterward, whatever rows it is
// compared on. If nobody waits for it, its training ends with the run.
func TestLinearAhead(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0))))
	table := weighedPlane(t, 400)
	for name, o := range map[string]Options{
		"test":       {Members: 1, Test: new(0.3)},
		"validation": {Members: 1, Validation: new(0.3), SampleWeight: "w"},
		"training":   {Members: 1, Validation: new(0.0)},
	} {
		o.Seed, o.Epochs, o.Hidden = 1, 2, []int{3}
		f, err := Prepare(Tables{Train: table}, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.StartLinear(t.Context())
		if f.ahead == nil || f.ahead.what != name {
			t.Fatalf("%s: the linear model that is trained ahead is %+v, want one for these rows", name, f.ahead)
		}
		for _, err := range f.Strides(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		m, err := f.Model()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.CompareLinear(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		ahead := *m.Training.Metrics.Linear
		f.ahead = nil
		if err := f.CompareLinear(t.Context(), m); err != nil || !reflect.DeepEqual(ahead, *m.Training.Metrics.Linear) || ahead.Scores == nil {
			t.Errorf("%s: trained ahead it is %+v, afterward %+v, %v", name, ahead, m.Training.Metrics.Linear, err)
		}
	}
	f, err := Prepare(Tables{Train: table}, Options{Members: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.StartLinear(t.Context())
	f.Release()
	select {
	case <-f.ahead.done:
	default:
		t.Error("the linear model of a released run is still in training")
	}
}

// weighedPlane returns the table of plane with a column of weights.
func weighedPlane(t *testing.T, rows int) *data.Table {
	_, cells := plane(t, rows)
	var text strings.Builder
	text.WriteString("a,b,y,w\n")
	for i, c := range cells {
		fmt.Fprintf(&text, "%v,%v,%v,%d\n", c[0], c[1], c[2], 1+i%3)
	}
	return fromText(t, text.String())
}

// A comparison ends with its context, changes no weight and is saved in the file.
func TestLinearInFile(t *testing.T) {
	table, _ := plane(t, 80)
	m, f, err := Train(context.Background(), table, Options{Seed: 1, Epochs: 2})
	if err != nil {
		t.Fatal(err)
	}
	sum := m.WeightsSHA256()
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := f.CompareLinear(ctx, m); err == nil || m.Training.Metrics.Linear != nil {
		t.Errorf("a stopped comparison gave %v, %v", m.Training.Metrics.Linear, err)
	}
	if err := f.CompareLinear(context.Background(), m); err != nil || m.WeightsSHA256() != sum {
		t.Error("the comparison changed the weights", err)
	}
	file := t.TempDir() + "/m.safetensors"
	if err := m.Save(file); err != nil {
		t.Fatal(err)
	}
	read, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(read.Training.Metrics.Linear.Scores, m.Training.Metrics.Linear.Scores) || read.Compared() != m.Compared() {
		t.Errorf("read %q, written %q", read.Compared(), m.Compared())
	}
}

// A difference of 0, or one of another order of magnitude, is not written in percent.
// A cross-validation compares the networks of its folds with linear models that were trained on the same rows, and with guesses.
func TestComparedFolds(t *testing.T) {
	table := claims(t)
	o := few("kind")
	cv, err := CrossValidate(context.Background(), Tables{Train: table}, o, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := range cv.Folds {
		run, err := TrainFold(context.Background(), Tables{Train: table}, o, 4, i)
		if err != nil {
			t.Fatal(err)
		}
		m := run.Model.Training
		loss, _ := m.Metrics.Linear.Scores.Get("log_loss")
		if sum += loss; m.Metrics.Linear.Trained != m.Rows.Train {
			t.Errorf("fold %d: the linear model has %d rows, want the network's %d", i, m.Metrics.Linear.Trained, m.Rows.Train)
		}
	}
	own, _ := cv.Mean.Get("log_loss")
	guess, _ := cv.Baseline.Get("log_loss")
	want := fmt.Sprintf("mean log_loss of the folds %.4g, of a linear model %.4g, of always guessing the shares %.4g: ", own, sum/4, guess)
	if !strings.HasPrefix(cv.Compared(), want) {
		t.Errorf("got %q, want it to begin with %q", cv.Compared(), want)
	}
	o.Hidden = []int{}
	if cv, err = CrossValidate(context.Background(), Tables{Train: table}, o, 4, nil); err != nil || cv.Linear != nil || !strings.Contains(cv.Compared(), "guessing") {
		t.Errorf("without a hidden layer: got the linear model %v, the sentence %q and the error %v, want a sentence about guessing", cv.Linear, cv.Compared(), err)
	}
}

// Evaluate compares a model with guessing, and with what its training found.
func TestComparedRows(t *testing.T) {
	table, test := claims(t), 0.25
	o := few("kind")
	o.Test = &test
	m, f := linearRun(t, table, o)
	f.Release()
	e, err := m.Evaluate(table)
	if err != nil {
		t.Fatal(err)
	}
	own, _ := e.Get("log_loss")
	guess, _ := e.Guess.Get("log_loss")
	then, _ := m.Training.Metrics.Test.Get("log_loss")
	linear, _ := m.Training.Metrics.Linear.Scores.Get("log_loss")
	for _, want := range []string{
		fmt.Sprintf("log_loss of these rows %.4g, of always guessing the shares %.4g: ", own, guess),
		fmt.Sprintf(" At the end of training it was %.4g on the test rows, and %.4g with a linear model.", then, linear),
	} {
		if !strings.Contains(e.Compared, want) {
			t.Errorf("got %q, want it to contain %q", e.Compared, want)
		}
	}
	m.Training.Guess = nil
	if e, err = m.Evaluate(table); err != nil || e.Compared != "" {
		t.Errorf("without a guess in the model's file: got %q and the error %v, want nothing", e.Compared, err)
	}
}

func TestComparedInWords(t *testing.T) {
	table, _ := plane(t, 120)
	m, _ := linearRun(t, table, Options{Test: new(0.25), Seed: 1, Epochs: 1})
	best, _ := m.Training.Metrics.Best()
	best.Set("rmse", 3)
	for linear, want := range map[float64]string{3: ": the same as the linear model, ", 3.0001: ": the same as the linear model, ", 1e-7: ": 3e+07 times the linear model, ", 1: ": 200.0 % above the linear model, "} {
		m.Training.Metrics.Linear.Scores.Set("rmse", linear)
		if !strings.Contains(m.Compared(), want) {
			t.Errorf("3 compared with %v: no %q in %q", linear, want, m.Compared())
		}
	}
	m.Training.Metrics.Baseline.Set("rmse", 3)
	if !strings.Contains(m.Compared(), ", the same as that guess.") {
		t.Error(m.Compared())
	}
	xor := fromText(t, "a,b,y\n"+strings.Repeat("0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n", 30))
	for name, who := range map[string]string{"precision": "always guessing the most frequent class", "brier": "always guessing the shares"} {
		m, _ = linearRun(t, xor, Options{Seed: 1, Epochs: 2, Members: 1, Metrics: []string{name}})
		if !strings.Contains(m.Compared(), who) {
			t.Errorf("%s: %q", name, m.Compared())
		}
	}
}
