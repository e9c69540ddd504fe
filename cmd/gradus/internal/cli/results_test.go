package cli

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path"
	"reflect"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// repository is the path of the repository's root from this package.
const repository = "../../../../"

// results lists the types with float64 fields that the packages return.
var results = []any{
	train.Step{}, train.Point{}, train.Result{}, train.Retreat{}, train.Preview{}, train.DivergedError{},
	nn.Check{}, nn.CheckGroup{}, nn.Comparison{}, optim.Move{}, metrics.Coverage{},
	model.Training{}, model.Importance{}, model.ColumnImportance{}, model.Prediction{}, model.Shapley{}, model.ShapleyRow{}, model.Partial{}, model.Calibration{}, model.Shrinkage{}, model.OffByTarget{}, model.Scores{}, model.Interval{}, model.CV{},
	lesson.RatePoint{}, lesson.Point{}, lesson.Outcome{}, lesson.SampleResult{}, lesson.Output{},
}

// others lists the other types with float64 fields. A caller gives them, or they have only finite numbers, or
// they are never written.
var others = strings.Fields(`train.Stream train.Config train.Progress diagnosis.Names train.Set train.Tolerance train.TargetLoss
	nn.Dense nn.LayerSpec nn.Penalty nn.CheckOptions nn.Tape
	optim.Step optim.Hyper optim.Scores optim.AdaDelta optim.AdaGrad optim.Adam optim.AdamW optim.Lion optim.Momentum optim.RMSProp
	optim.StepDecay optim.Exponential optim.Cosine optim.Inverse optim.Polynomial optim.CosineRestarts optim.OneCycle optim.Plateau optim.Sweep
	metrics.ClassScore metrics.Score metrics.Report model.Judged model.NewOptions model.Options model.EvaluateOptions model.ImportanceOptions model.Model model.Part model.Fit model.FoldRun
	lesson.Shares lesson.Experiment lesson.ExplainOptions lesson.Explanation lesson.Layer lesson.Update lesson.Factor lesson.Path lesson.Recursion lesson.Term
	lesson.Norm lesson.NormStep lesson.RowSum lesson.RowTerm`)

// A result without any finite number can be written as JSON and read again.
func TestResultsWithoutFiniteNumbers(t *testing.T) {
	known := map[string]bool{}
	for _, name := range others {
		known[name] = true
	}
	for _, r := range results {
		typ := reflect.TypeOf(r)
		known[typ.String()] = true
		value := reflect.New(typ)
		if spoil(value.Elem(), 3) == 0 {
			t.Errorf("%s has no numbers", typ)
		}
		text, err := json.Marshal(value.Interface())
		if err != nil || !strings.Contains(string(text), "null") && !strings.Contains(typ.String(), "Point") {
			t.Errorf("%s: got %s and the error %v, want JSON with null", typ, text, err)
			continue
		}
		again := reflect.New(typ)
		if err := json.Unmarshal(text, again.Interface()); err != nil {
			t.Errorf("%s cannot be read: %v", typ, err)
			continue
		}
		second, err := json.Marshal(again.Interface())
		if err != nil || string(second) != string(text) {
			t.Errorf("%s: it was written as %s, and after reading as %s; the error is %v", typ, text, second, err)
		}
	}
	for _, pkg := range []string{"train", "nn", "optim", "metrics", "model", "cmd/gradus/internal/lesson"} {
		for _, name := range withNumbers(t, pkg) {
			if !known[name] {
				t.Errorf("%s has numbers: add it to results or to others", name)
			}
		}
	}
}

// spoil sets numbers to NaN and infinities, and returns how many it has set.
func spoil(v reflect.Value, deep int) (n int) {
	if deep < 0 || !v.CanSet() || strings.HasPrefix(v.Type().String(), "metrics.") && v.Type() != reflect.TypeFor[metrics.Coverage]() { // package metrics tests its scores itself
		return 0
	}
	switch v.Kind() {
	case reflect.Float64:
		v.SetFloat([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}[deep%3])
		return 1
	case reflect.Struct:
		for i := range v.NumField() {
			n += spoil(v.Field(i), deep-1)
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		}
		for i := range v.Len() {
			n += spoil(v.Index(i), deep-1)
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem().PkgPath() != "" && !strings.Contains(v.Type().String(), "Network") {
			v.Set(reflect.New(v.Type().Elem()))
			n += spoil(v.Elem(), deep-1)
		}
	}
	return n
}

// withNumbers returns the exported structs of a package with an exported field of float64, or a slice of it.
func withNumbers(t *testing.T, pkg string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(repository + pkg)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), repository+pkg+"/"+entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, f := range s.Fields.List {
				typ := f.Type
				if a, ok := typ.(*ast.ArrayType); ok {
					typ = a.Elt
				}
				if id, ok := typ.(*ast.Ident); ok && id.Name == "float64" && len(f.Names) > 0 && f.Names[0].IsExported() {
					names = append(names, path.Base(pkg)+"."+spec.Name.Name)
					break
				}
			}
			return false
		})
	}
	if len(names) == 0 {
		t.Fatalf("package %s has no such types", pkg)
	}
	return names
}
