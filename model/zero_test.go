package model_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// The zero value of everything that configures a run means its documented default, or is refused by an error that says
// what is wrong. It never makes a run hang or panic, or gives a number that is not finite.

// zeroes holds the zero values of the parts of a train.Config, by the names of their types. Each has words of the error
// that refuses it, or "" if a run accepts it.
var zeroes = map[string]struct {
	config  train.Config
	refused string
}{
	"optim.Constant":       {train.Config{Schedule: optim.Constant{}}, ""},
	"optim.StepDecay":      {train.Config{Schedule: optim.StepDecay{}}, ""},
	"optim.Exponential":    {train.Config{Schedule: optim.Exponential{}}, ""},
	"optim.Inverse":        {train.Config{Schedule: optim.Inverse{}}, ""},
	"optim.Polynomial":     {train.Config{Schedule: optim.Polynomial{}}, ""},
	"optim.Cosine":         {train.Config{Schedule: optim.Cosine{}}, ""},
	"optim.CosineRestarts": {train.Config{Schedule: optim.CosineRestarts{}}, ""},
	"optim.OneCycle":       {train.Config{Schedule: optim.OneCycle{}}, ""},
	"optim.Plateau":        {train.Config{Schedule: optim.Plateau{}}, ""},
	"optim.Sweep":          {train.Config{Schedule: optim.Sweep{}}, "rates of a sweep are 0 and 0"},
	"optim.SGD":            {train.Config{Optimizer: optim.SGD{}}, ""},
	"optim.Momentum":       {train.Config{Optimizer: optim.Momentum{}}, ""}, // without any momentum
	"optim.Lion":           {train.Config{Optimizer: optim.Lion{}}, ""},     // that forgets at once
	"optim.AdaGrad":        {train.Config{Optimizer: optim.AdaGrad{}}, "epsilon is 0"},
	"optim.AdaDelta":       {train.Config{Optimizer: optim.AdaDelta{}}, "epsilon is 0"},
	"optim.RMSProp":        {train.Config{Optimizer: optim.RMSProp{}}, "epsilon is 0"},
	"optim.Adam":           {train.Config{Optimizer: optim.Adam{}}, "epsilon is 0"},
	"*optim.Adam":          {train.Config{Optimizer: &optim.Adam{}}, "epsilon is 0"},
	"optim.AMSGrad":        {train.Config{Optimizer: optim.AMSGrad{}}, "epsilon is 0"},
	"optim.NAdam":          {train.Config{Optimizer: optim.NAdam{}}, "epsilon is 0"},
	"optim.AdamW":          {train.Config{Optimizer: optim.AdamW{}}, "epsilon is 0"},
	"optim.LBFGS":          {train.Config{Solver: optim.LBFGS{}}, "the memory of L-BFGS is 0 pairs"},
	"optim.CG":             {train.Config{Solver: optim.CG{}}, ""},
	"train.Tolerance":      {train.Config{Stop: train.Tolerance{}}, "tolerance is 0"},
	"train.TargetLoss":     {train.Config{Stop: train.TargetLoss{}}, ""}, // a loss of 0
	"train.Patience":       {train.Config{Stop: train.Patience{}}, "patience is 0"},
	"train.MaxTime":        {train.Config{Stop: train.MaxTime{}}, "time limit is 0s"},
	"train.Any":            {train.Config{Stop: train.Any{}}, ""}, // it never stops a run
	"train.All":            {train.Config{Stop: train.All{}}, ""},
	"train.Config":         {train.Config{}, ""},
}

// wrong holds parts that make no sense, each with words of the error that refuses it.
var wrong = map[string]struct {
	layer   nn.Dense
	config  train.Config
	refused string
}{
	"Huber(-1)":            {nn.Dense{Units: 1}, train.Config{Loss: nn.Huber(-1)}, "delta must be greater than 0"},
	"Huber(NaN)":           {nn.Dense{Units: 1}, train.Config{Loss: nn.Huber(math.NaN())}, "delta must be greater than 0"},
	"Quantile(2)":          {nn.Dense{Units: 1}, train.Config{Loss: nn.Quantile(2)}, "between 0 and 1"},
	"Quantile(0)":          {nn.Dense{Units: 1}, train.Config{Loss: nn.Quantile(0)}, "between 0 and 1"},
	"Tweedie(2)":           {nn.Dense{Units: 1, Activation: nn.Exp}, train.Config{Loss: nn.Tweedie(2)}, "between 1"},
	"Tweedie(NaN)":         {nn.Dense{Units: 1, Activation: nn.Exp}, train.Config{Loss: nn.Tweedie(math.NaN())}, "between 1"},
	"Focal(-1)":            {nn.Dense{Units: 2, Activation: nn.Softmax}, train.Config{Loss: nn.Focal(-1)}, "gamma is negative"},
	"BinaryFocal(NaN)":     {nn.Dense{Units: 1, Activation: nn.Sigmoid}, train.Config{Loss: nn.BinaryFocal(math.NaN())}, "gamma is NaN"},
	"LeakyReLU(NaN)":       {nn.Dense{Units: 1, Activation: nn.LeakyReLU(math.NaN())}, train.Config{}, "NaN is not a finite number"},
	"LeakyReLU(Inf)":       {nn.Dense{Units: 1, Activation: nn.LeakyReLU(math.Inf(1))}, train.Config{}, "+Inf is not a finite number"},
	"ELU(-1)":              {nn.Dense{Units: 1, Activation: nn.ELU(-1)}, train.Config{}, "alpha is negative"},
	"ELU(NaN)":             {nn.Dense{Units: 1, Activation: nn.ELU(math.NaN())}, train.Config{}, "NaN is not a finite number"},
	"Normal(0)":            {nn.Dense{Units: 1, Init: nn.Normal(0)}, train.Config{}, "standard deviation must be greater than 0"},
	"Normal(NaN)":          {nn.Dense{Units: 1, Init: nn.Normal(math.NaN())}, train.Config{}, "standard deviation must be greater than 0"},
	"Dense{}":              {nn.Dense{}, train.Config{}, "at least one unit"},
	"Dense{Norm: 9}":       {nn.Dense{Units: 1, Norm: 9}, train.Config{}, "no norm number 9"},
	"Dense{Dropout: NaN}":  {nn.Dense{Units: 1, Dropout: math.NaN()}, train.Config{}, "cannot be dropped"},
	"Reduction(7)":         {nn.Dense{Units: 1}, train.Config{Reduction: 7}, "no reduction number 7"},
	"StepDecay":            {nn.Dense{Units: 1}, train.Config{Schedule: optim.StepDecay{Every: -1}}, "number of epochs between steps is -1"},
	"Exponential":          {nn.Dense{Units: 1}, train.Config{Schedule: optim.Exponential{Factor: 2}}, "factor is 2"},
	"Inverse":              {nn.Dense{Units: 1}, train.Config{Schedule: optim.Inverse{Power: math.NaN()}}, `"NaN" is not a finite number`},
	"Polynomial":           {nn.Dense{Units: 1}, train.Config{Schedule: optim.Polynomial{Floor: -1}}, "floor is -1"},
	"Cosine":               {nn.Dense{Units: 1}, train.Config{Schedule: optim.Cosine{Floor: 2}}, "floor is 2"},
	"CosineRestarts":       {nn.Dense{Units: 1}, train.Config{Schedule: optim.CosineRestarts{Period: -1}}, "first restart is -1"},
	"CosineRestarts alone": {nn.Dense{Units: 1}, train.Config{Schedule: optim.CosineRestarts{Factor: -3}}, "factor on it is -3"},
	"OneCycle":             {nn.Dense{Units: 1}, train.Config{Schedule: optim.OneCycle{Rise: 2}}, "share of the updates that rise is 2"},
	"OneCycle.Rise":        {nn.Dense{Units: 1}, train.Config{Schedule: optim.OneCycle{Rise: -0.5}}, "share of the updates that rise is -0.5"},
	"Plateau":              {nn.Dense{Units: 1}, train.Config{Schedule: optim.Plateau{Patience: -1}}, "number of epochs to wait is -1"},
	"Sweep":                {nn.Dense{Units: 1}, train.Config{Schedule: optim.Sweep{From: 1, To: math.Inf(1), Steps: 3}}, "rates of a sweep"},
	"Any{nil}":             {nn.Dense{Units: 1}, train.Config{Stop: train.Any{nil}}, "stop criterion 0 is nil"},
	"All in Any":           {nn.Dense{Units: 1}, train.Config{Stop: train.Any{train.All{train.Patience{}}}}, "patience is 0"},
	"TargetLoss":           {nn.Dense{Units: 1}, train.Config{Stop: train.TargetLoss{L: math.NaN()}}, "loss to reach is NaN"},
	"Tolerance":            {nn.Dense{Units: 1}, train.Config{Stop: train.Tolerance{R: math.NaN()}}, "tolerance is NaN"},
	"MaxTime":              {nn.Dense{Units: 1}, train.Config{Stop: train.MaxTime{D: -time.Second}}, "time limit is -1s"},
}

// tried makes a network of one layer and trains it briefly.
func tried(layer nn.Dense, c train.Config) error {
	net, err := nn.New[float64](2, nn.Seed(1), layer)
	if err != nil {
		return err
	}
	y := nn.NewMatrix[float64](6, layer.Units)
	for i := range y.Rows {
		y.Row(i)[i%y.Cols] = 1
	}
	x := nn.FromRows([][]float64{{0.1, 1}, {0.4, -1}, {-0.5, 0.3}, {1, 0.2}, {0, 0}, {-1, -0.7}})
	c.Epochs, c.Seed = 120, 1
	t, err := train.New(net, c, train.Data[float64]{Train: train.Set[float64]{X: x, Y: y}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for s, err := range t.Steps(ctx) {
		if err != nil {
			return err
		}
		if c.Solver == nil && !(s.LearningRate > 0 && s.LearningRate <= 1) {
			return fmt.Errorf("update %d has the rate %v", s.N, s.LearningRate)
		}
	}
	return nil
}

func TestZeroValues(t *testing.T) {
	for name, c := range zeroes {
		err := tried(nn.Dense{Units: 1}, c.config)
		if c.refused == "" && err != nil || c.refused != "" && (!errors.Is(err, train.ErrConfig) || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s{}: got the error %v", name, err)
		}
	}
	for name, c := range wrong {
		err := tried(c.layer, c.config)
		if !errors.Is(err, train.ErrConfig) && !errors.Is(err, nn.ErrShape) || !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: got %v, want ErrConfig or ErrShape that says why", name, err)
		}
	}
	// Every rule, solver, schedule and criterion that is exported was tried.
	for _, pkg := range []string{"optim", "train"} {
		for _, name := range implementing(t, pkg, "Update32", "Iterate32", "Rate", "Met") {
			if _, ok := zeroes[pkg+"."+name]; !ok {
				t.Errorf("the zero value of %s.%s is not tried", pkg, name)
			}
		}
	}
}

// The zero value of a schedule is the schedule that its name alone stands for: both have the same defaults.
func TestZeroSchedulesAreTheDefaults(t *testing.T) {
	for _, s := range []optim.Schedule{
		optim.Constant{}, optim.StepDecay{}, optim.Exponential{}, optim.Inverse{}, optim.Polynomial{}, optim.Cosine{}, optim.CosineRestarts{},
		optim.OneCycle{}, optim.Plateau{},
	} {
		name, _, _ := strings.Cut(s.String(), ":")
		standard, err := optim.ParseSchedule(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.String() != standard.String() {
			t.Errorf("%T{} is %s, and %q is %s", s, s, name, standard)
		}
		for step := range 500 {
			at := optim.Position{Step: step, StepsPerEpoch: 4, Epochs: 125, Rows: 30, Scores: optim.Scores{Cuts: step / 90}}
			if got, want := s.Rate(0.1, at), standard.Rate(0.1, at); got != want || !(got > 0 && got <= 0.1) {
				t.Fatalf("%T{}: update %d has the rate %v, with %q %v", s, step, got, name, want)
			}
		}
		if w, ok := s.(optim.Watcher); ok {
			var a, b optim.Scores
			for range 40 {
				a, b = w.Watch(a, 1), standard.(optim.Watcher).Watch(b, 1)
			}
			if a != b || a.Cuts != 3 {
				t.Errorf("%T{}: after 40 epochs without a better score it remembers %+v, with %q %+v", s, a, name, b)
			}
		}
	}
	// A schedule without a rise can be asked for.
	flat, err := optim.ParseSchedule("one-cycle:0")
	if err != nil || flat != (optim.OneCycle{Rise: optim.NoRise, Divide: 25, Final: 1e4}) || flat.String() != "one-cycle:0:25:10000" {
		t.Errorf("one-cycle:0 is %+v, %v", flat, err)
	}
	if rate := flat.Rate(0.1, optim.Position{StepsPerEpoch: 4, Epochs: 5}); rate != 0.1 {
		t.Errorf("one-cycle:0 begins with the rate %v, want 0.1", rate)
	}
	if _, err := optim.ParseSchedule("one-cycle:-1"); err == nil {
		t.Error("one-cycle:-1 is accepted")
	}
}

// Other options' zero values are their defaults, or are refused.
func TestZeroOptions(t *testing.T) {
	path := t.TempDir() + "/t.csv"
	rows := "x,z,y\n"
	for i := range 60 {
		rows += fmt.Sprintf("%d,%d,%d\n", i*37%61, i*13%17, i)
	}
	if err := os.WriteFile(path, []byte(rows), 0o666); err != nil {
		t.Fatal(err)
	}
	table, err := data.Read(path, data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := data.Infer(table, data.SchemaOptions{}); err != nil || s.Targets[0].Name != "y" {
		t.Errorf(`got %+v, %v, want no error and s.Targets[0].Name = "y"`, s, err)
	}
	m, f, err := model.Train(context.Background(), table, model.Options{Epochs: 2})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := m.Evaluate(table, model.EvaluateOptions{}); err != nil || e.Rows != 60 {
		t.Errorf("got %+v, %v, want no error and e.Rows = 60", e, err)
	}
	if i, err := m.Importance(context.Background(), table, model.ImportanceOptions{}); err != nil || len(i.Columns) != 2 {
		t.Errorf("got %+v, %v, want no error and len(i.Columns) = 2", i, err)
	}
	net, x, y, err := f.Sample(10)
	if err != nil {
		t.Fatal(err)
	}
	if c := nn.CheckGradient(net, m.Loss, x, y, nn.CheckOptions{}); !c.OK() {
		t.Errorf("got %+v, want c.OK()", c)
	}
	for what, err := range map[string]error{
		"Prepare": func() error { _, err := model.Prepare(model.Tables{}, model.Options{}, nil); return err }(),
		"Train":   func() error { _, _, err := model.Train(context.Background(), nil, model.Options{}); return err }(),
		"CrossValidate": func() error {
			_, err := model.CrossValidate(context.Background(), model.Tables{Train: nil}, model.Options{}, 3, nil)
			return err
		}(),
	} {
		if !errors.Is(err, model.ErrOptions) || !strings.HasSuffix(err.Error(), "there is no table to train on") {
			t.Errorf("%s without a table: %v", what, err)
		}
	}
	if _, err := (&data.Encoding{}).Bind(table); !errors.Is(err, data.ErrEncoding) {
		t.Errorf("an empty encoding: %v", err)
	}
	if _, err := train.New(net, train.Config{}, train.Data[float64]{}); !errors.Is(err, train.ErrConfig) {
		t.Errorf("no rows: %v", err)
	}
}

// If a matrix has no stride, every function takes its rows as following each other.
func TestMatrixWithoutStride(t *testing.T) {
	rows := [][]float64{{1, 2}, {3, -4}, {5, 6}, {-7, 8}}
	with := nn.FromRows(rows)
	without := nn.Matrix[float64]{Rows: 4, Cols: 2, Data: with.Data}
	for i := range rows {
		for j, v := range rows[i] {
			if without.At(i, j) != v || without.Slice(i, 4).At(0, j) != v || nn.Convert[float64](without).At(i, j) != v ||
				without.Gather(nn.NewMatrix[float64](1, 2), []int{i}).At(0, j) != v {
				t.Errorf("row %d reads %v", i, without.Row(i))
			}
		}
	}
	y := nn.Matrix[float64]{Rows: 4, Cols: 1, Data: []float64{1, 0, 1, 1}}
	run := func(x, y nn.Matrix[float64], method train.Method) []float64 {
		net, err := nn.New[float64](2, nn.Seed(1), nn.Dense{Units: 3, Activation: nn.Tanh, Norm: nn.LayerNorm}, nn.Dense{Units: 1})
		if err != nil {
			t.Fatal(err)
		}
		s := train.Set[float64]{X: x, Y: y}
		tr, err := train.New(net, train.Config{Method: method, BatchSize: 3, Epochs: 5}, train.Data[float64]{Train: s, Validation: s})
		if err != nil {
			t.Fatal(err)
		}
		r, err := tr.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return append(net.Predict(x).Data, r.Loss, r.BestScore)
	}
	strided := y
	strided.Stride = 1
	for _, method := range []train.Method{train.Batch, train.MiniBatch, train.Stochastic} {
		if got, want := run(without, y, method), run(with, strided, method); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want the %v of a matrix with a stride", method, got, want)
		}
	}
	for _, m := range []nn.Matrix[float64]{
		{Rows: 5, Cols: 2, Data: with.Data}, {Rows: 4, Cols: 2, Stride: 1, Data: with.Data}, {Rows: 4, Cols: 2, Stride: 3, Data: with.Data}, {Rows: 1, Cols: 2}, {Rows: -1, Cols: 2}, {Rows: 4, Cols: 2, Stride: -2, Data: with.Data},
	} {
		net, err := nn.New[float64](2, nn.Seed(1), nn.Dense{Units: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := train.New(net, train.Config{}, train.Data[float64]{Train: train.Set[float64]{X: m, Y: y}}); !errors.Is(err, train.ErrConfig) || !strings.Contains(err.Error(), "inputs of the training rows") {
			t.Errorf(`%+v: got %v, want an error that wraps train.ErrConfig and "inputs of the training rows" in err.Error()`, m, err)
		}
	}
}

// implementing returns the exported types of a package that have one of these methods.
func implementing(t *testing.T, pkg string, methods ...string) (types []string) {
	t.Helper()
	files, err := os.ReadDir("../" + pkg)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range files {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), "../"+pkg+"/"+entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil {
				continue
			}
			name, ok := f.Recv.List[0].Type.(*ast.Ident)
			for _, m := range methods {
				if ok && name.IsExported() && f.Name.Name == m {
					types = append(types, name.Name)
				}
			}
		}
	}
	if len(types) == 0 {
		t.Fatalf("package %s has no such types", pkg)
	}
	return types
}
