// Package docs keeps the documents true: the code they name exists, and the numbers they
// print are those the engine computes.
package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// reference is `path/file.go` or `path/file.go: Name, Type.Method`.
var reference = regexp.MustCompile("`([\\w-]+(?:/[\\w.-]+)*\\.go)(?:: ([\\w., ]+))?`")

func TestReferences(t *testing.T) {
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	declared := map[string]map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := 0
		for i, line := range strings.Split(string(raw), "\n") {
			for _, m := range reference.FindAllStringSubmatch(line, -1) {
				path := m[1]
				if !strings.Contains(path, "/") {
					continue // a file named after its folder, not from the root
				}
				if declared[path] == nil {
					if declared[path], err = declarations(filepath.Join("..", path)); err != nil {
						t.Errorf("%s:%d: %v", file, i+1, err)
						continue
					}
				}
				for name := range strings.SplitSeq(m[2], ",") {
					if name = strings.TrimSpace(name); name == "" {
						continue
					}
					names++
					if !declared[path][name] {
						t.Errorf("%s:%d: %s does not declare %s", file, i+1, path, name)
					}
				}
			}
		}
		if file == "mathematics.md" && names < 60 {
			t.Errorf("%s names only %d places in the code", file, names)
		}
	}
}

// declarations returns what a file declares at its top level: functions, methods (alone and
// as Type.Method), types, variables and constants.
func declarations(path string) (map[string]bool, error) {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[d.Name.Name] = true
			if d.Recv != nil {
				names[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					names[s.Name.Name] = true
				case *ast.ValueSpec:
					for _, n := range s.Names {
						names[n.Name] = true
					}
				}
			}
		}
	}
	return names, nil
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// golden is one of numpy's runs of the notebook.
type golden struct {
	Name         string
	X, Y, W1, W2 [][]float64
	Hidden       int
	Rate         float64 `json:"learning_rate"`
	First        struct {
		Output [][]float64
		GradW1 [][]float64 `json:"grad_w1"`
		GradW2 [][]float64 `json:"grad_w2"`
	} `json:"first_step"`
	Trajectory []struct {
		Loss   float64
		Output [][]float64
		W1, W2 [][]float64
	}
}

func run(t *testing.T, name string) (golden, *nn.Network[float64]) {
	t.Helper()
	raw, err := os.ReadFile("../cmd/gradus/internal/lesson/testdata/notebook.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Runs []golden }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Runs {
		if g.Name != name {
			continue
		}
		n, err := nn.New[float64](len(g.X[0]), nn.Seed(1),
			nn.Dense{Units: g.Hidden, Activation: nn.Sigmoid, NoBias: true},
			nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true})
		if err != nil {
			t.Fatal(err)
		}
		copy(n.Weights(0).Data, nn.FromRows(g.W1).Data)
		copy(n.Weights(1).Data, nn.FromRows(g.W2).Data)
		return g, n
	}
	t.Fatalf("there is no run %q", name)
	panic("unreachable")
}

// digits is how many significant digits the worked example prints.
const digits = 10

func printed(x float64) string { return strconv.FormatFloat(x, 'g', digits, 64) }

// Every line of the "numbers" blocks of the worked example is name = value or
// name = expression = value. The value is what the engine computes, to the last printed
// digit. The expression is evaluated here with the numbers it shows, and has the same value.
func TestWorkedExample(t *testing.T) {
	raw, err := os.ReadFile("mathematics.md")
	if err != nil {
		t.Fatal(err)
	}
	want := workedExample(t)
	seen := map[string]bool{}
	for i, line := range numbers(string(raw)) {
		parts := strings.Split(line, " = ")
		name, value := strings.TrimSpace(parts[0]), strings.TrimSpace(parts[len(parts)-1])
		if len(parts) < 2 || len(parts) > 3 {
			t.Errorf("line %d of the example is not name = expression = value: %s", i+1, line)
			continue
		}
		x, known := want[name]
		switch {
		case !known:
			t.Errorf("nothing computes %q", name)
			continue
		case value != printed(x):
			t.Errorf("%s is %s, the document says %s", name, printed(x), value)
		}
		seen[name] = true
		if len(parts) == 3 {
			got, err := evaluate(parts[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if math.Abs(got-x) > 5e-9*math.Abs(x) {
				t.Errorf("%s: the expression comes to %v, the engine to %v", name, got, x)
			}
		}
	}
	for name, x := range want {
		if !seen[name] {
			t.Errorf("the example does not print %s = %s", name, printed(x))
		}
	}
}

// numbers returns the lines of the fenced blocks called numbers.
func numbers(doc string) []string {
	var lines []string
	inside := false
	for line := range strings.SplitSeq(doc, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```numbers"
		case inside && strings.TrimSpace(line) != "":
			lines = append(lines, line)
		}
	}
	return lines
}

// evaluate computes an expression of numbers. Its only function is sigmoid(x).
func evaluate(s string) (float64, error) {
	arg, isSigmoid := strings.CutPrefix(strings.TrimSpace(s), "sigmoid")
	v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, arg)
	if err != nil {
		return 0, err
	}
	x, _ := constant.Float64Val(constant.ToFloat(v.Value))
	if isSigmoid {
		x = 1 / (1 + math.Exp(-x))
	}
	return x, nil
}

// workedExample computes the first step of the 3-1-1 net with nn, and compares it with numpy's.
func workedExample(t *testing.T) map[string]float64 {
	t.Helper()
	g, n := run(t, "one-sample gamma=80 seed=1")
	x, y := nn.FromRows(g.X), nn.FromRows(g.Y)
	tape, grad := n.NewTape(1), make([]float64, len(n.Params()))
	want := map[string]float64{"x_1": g.X[0][0], "x_2": g.X[0][1], "x_3": g.X[0][2], "Y": g.Y[0][0]}
	for i, w := range n.Weights(0).Data {
		want["w1_"+strconv.Itoa(i+1)] = w
	}
	w2 := n.Weights(1).At(0, 0)
	want["w2"] = w2

	out := n.Forward(tape, x).At(0, 0)
	want["L"] = n.Backprop(tape, nn.HalfSquared, y, 1, grad)
	want["h_in"], want["h_out"] = tape.Z(0).At(0, 0), tape.A(0).At(0, 0)
	want["y_in"], want["y_out"] = tape.Z(1).At(0, 0), out
	want["dL/dy_out"] = nn.HalfSquared.D(y.At(0, 0), out)
	want["dy_out/dy_in"] = nn.Sigmoid.D(want["y_in"], out)
	want["delta_y"] = tape.Delta(1).At(0, 0)
	want["dh_out/dh_in"] = nn.Sigmoid.D(want["h_in"], want["h_out"])
	want["delta_h"] = tape.Delta(0).At(0, 0)
	for i := range 3 {
		want["dL/dw1_"+strconv.Itoa(i+1)] = grad[i]
	}
	want["dL/dw2"] = grad[3]

	// The numeric derivative is a quotient of two small differences. It has fewer than ten
	// correct digits.
	c, _ := nn.CompareOne(n, nn.HalfSquared, x, y, nn.Sum, 3)
	if c.Error > nn.CheckThreshold || c.Gradient != grad[3] {
		t.Errorf("dL/dw2 is %v, its numeric derivative %v", c.Gradient, c.Numeric)
	}

	optim.Update(optim.SGD{}, optim.Step{LearningRate: g.Rate, N: 1}, n.Params(), grad, nil)
	for i, w := range n.Weights(0).Data {
		want["new w1_"+strconv.Itoa(i+1)] = w
	}
	want["new w2"] = n.Weights(1).At(0, 0)
	want["new y_out"] = n.Forward(tape, x).At(0, 0)
	want["new L"] = n.Loss(tape, nn.HalfSquared, y)

	numpy := map[string]float64{
		"y_out": g.First.Output[0][0], "dL/dw2": g.First.GradW2[0][0],
		"dL/dw1_1": g.First.GradW1[0][0], "dL/dw1_2": g.First.GradW1[1][0], "dL/dw1_3": g.First.GradW1[2][0],
		"new w1_1": g.Trajectory[0].W1[0][0], "new w1_2": g.Trajectory[0].W1[1][0], "new w1_3": g.Trajectory[0].W1[2][0],
		"new w2": g.Trajectory[0].W2[0][0], "new y_out": g.Trajectory[0].Output[0][0], "new L": g.Trajectory[0].Loss,
	}
	for name, x := range numpy {
		if math.Abs(want[name]-x) > 1e-12*math.Abs(x) {
			t.Errorf("%s is %v, numpy has %v", name, want[name], x)
		}
	}
	return want
}

// The document says about the batch run at rate 50 that after 40,000 epochs row 4 is near
// one half with its hidden units near 0, and that the other rows alternate with period
// two. At rate 5, from the same weights, every method converges.
func TestBatchRun(t *testing.T) {
	doc, err := os.ReadFile("mathematics.md")
	if err != nil {
		t.Fatal(err)
	}
	says := func(format string, args ...any) {
		t.Helper()
		if s := fmt.Sprintf(format, args...); !strings.Contains(string(doc), s) {
			t.Errorf("the document does not say %q", s)
		}
	}
	g, n := run(t, "batch gamma=50 seed=1")
	x, y := nn.FromRows(g.X), nn.FromRows(g.Y)
	data := train.Data[float64]{Train: train.Set[float64]{X: x, Y: y}}
	c := train.Config{Loss: nn.HalfSquared, Reduction: nn.Sum, Optimizer: optim.SGD{}, LearningRate: 50, Method: train.Batch, Epochs: 40000}

	same := n.Clone()
	tr, err := train.New(n, c, data)
	if err != nil {
		t.Fatal(err)
	}
	tape := n.NewTape(4)
	var last [3][]float64 // the outputs after the last three epochs
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Epoch > 39997 {
			last[s.Epoch-39998] = append([]float64(nil), n.Forward(tape, x).Data[:4]...)
		}
	}
	for j, h := range tape.A(0).Row(3) {
		if h > 1e-4 {
			t.Errorf("row 4, hidden unit %d is %v", j, h)
		}
	}
	for i, out := range last[2] {
		says("| %d | %v | %.5f | %.5f |", i+1, g.Y[i][0], last[1][i], out)
	}
	if r := last[2][0]; math.Abs(r-last[1][0]) < 0.01 || math.Abs(r-last[0][0]) > 1e-5 {
		t.Errorf("row 1 is not of period two: %v, %v, %v", last[0][0], last[1][0], r)
	}

	c.LearningRate, c.Method, c.NoShuffle, c.Stop = 5, train.MiniBatch, true, train.Tolerance{R: 0.001}
	for size, where := range map[int]string{4: "%s epochs by batch", 2: "%s by mini-batches of two", 1: "%s by stochastic descent"} {
		c.BatchSize = size
		tr, err := train.New(same.Clone(), c, data)
		if err != nil {
			t.Fatal(err)
		}
		r, err := tr.Run(context.Background())
		if err != nil || !r.Converged {
			t.Fatalf("batches of %d: converged %v, %v", size, r.Converged, err)
		}
		says(where, fmt.Sprintf("%d,%03d", r.Epochs/1000, r.Epochs%1000))
	}
}

// TestMessyTables: each case that messy-tables.md names is one of data/table_test.go, and every other line names a test.
func TestMessyTables(t *testing.T) {
	raw, err := os.ReadFile("messy-tables.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("../data/table_test.go")
	if err != nil {
		t.Fatal(err)
	}
	cases, inCases := 0, false
	for i, line := range strings.Split(string(raw), "\n") {
		cells := strings.Split(strings.TrimSuffix(line, " |"), " | ")
		switch last := cells[len(cells)-1]; {
		case !strings.HasPrefix(line, "| ") || len(cells) < 4:
		case last == "case" || last == "held by":
			inCases = last == "case"
		case inCases:
			if cases++; !strings.Contains(string(tests), "{"+strconv.Quote(last)+",") {
				t.Errorf("messy-tables.md:%d: there is no case %q", i+1, last)
			}
		case reference.FindString(last) == "":
			t.Errorf("messy-tables.md:%d: %s names no test", i+1, last)
		}
	}
	if cases < 50 {
		t.Errorf("messy-tables.md names only %d cases", cases)
	}
}
