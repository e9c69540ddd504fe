package export

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/need"
	"github.com/gradus-ml/gradus/model"
)

// cProgram returns a C program that predicts rows with an exported model and prints the results.
func cProgram(m *model.Model, name string, rows [][]cell) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#include <math.h>\n#include <stdio.h>\n#include \"%s.h\"\n\nint main(void)\n{\n\t%s_prediction p;\n\tint j;\n", name, name)
	taken := map[string]bool{}
	var fields []string
	for i, in := range m.Encoding.Inputs {
		fields = append(fields, cName(in.Name, i, taken))
	}
	for _, row := range rows {
		fmt.Fprintf(&b, "\t{\n\t\t%s_row row = {0};\n", name)
		for i, c := range row {
			var text string
			switch v := c.json.(type) {
			case nil:
				text = "NAN"
			case float64:
				text = literal(v)
			case int64:
				text = fmt.Sprintf("INT64_C(%d)", v)
				if v == missingTime {
					text = "INT64_MIN"
				}
			case string:
				text = cText(v)
				if m.Encoding.Inputs[i].Kind == data.KindBoolean {
					text = map[string]string{"yes": "1", "true": "1", "t": "1", "1": "1", "no": "-1", "false": "-1", "f": "-1", "0": "-1"}[strings.ToLower(v)]
					if text == "" {
						text = "0"
					}
				}
			}
			fmt.Fprintf(&b, "\t\trow.%s = %s;\n", fields[i], text)
		}
		what := "probabilities"
		if m.Task() == data.Regression {
			what = "values"
		}
		fmt.Fprintf(&b, "\t\t%s_predict(&row, &p);\n\t\tfor (j = 0; j < %d; j++)\n\t\t\tprintf(\"%%.17g \", p.%s[j]);\n", name, m.Outputs(), what)
		switch m.Task() {
		case data.Multilabel:
			fmt.Fprintf(&b, "\t\tfor (j = 0; j < %d; j++)\n\t\t\tprintf(\"%%s \", %s_labels[j][p.labels[j]]);\n", m.Outputs(), name)
		case data.Binary, data.Multiclass:
			fmt.Fprintf(&b, "\t\tprintf(\"%%s \", %s_classes[p.label]);\n", name)
		}
		b.WriteString("\t\tprintf(\"\\n\");\n\t}\n")
	}
	b.WriteString("\treturn 0;\n}\n")
	return b.String()
}

// TestC: a C compiler accepts the exported source without a warning. Its predictions are within
// 1e-5 of those of gradus, with the same labels.
func TestC(t *testing.T) {
	compiler := need.Tool(t, "cc")
	check := func(name string, m *model.Model) (worst float64) {
		t.Helper()
		dir := t.TempDir()
		if err := Write(m, filepath.Join(dir, "net.c"), Options{Version: "test"}); err != nil {
			t.Fatal(err)
		}
		rows := rowsFor(m)
		if err := os.WriteFile(filepath.Join(dir, "main.c"), []byte(cProgram(m, "net", rows)), 0o666); err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(dir, "program")
		out, err := exec.Command(compiler, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wno-overflow", "-Werror", "-O1", "-o", program, filepath.Join(dir, "net.c"), filepath.Join(dir, "main.c"), "-lm").CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%.2000s", name, err, out)
		}
		if out, err = exec.Command(program).Output(); err != nil {
			t.Fatal(err)
		}
		p := predict(t, m, rows)
		bound := boundOf(m, p)
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != len(rows) {
			t.Fatalf("%s: got %d lines for %d rows", name, len(lines), len(rows))
		}
		for i, line := range lines {
			parts := strings.SplitN(line, " ", m.Outputs()+1)
			for j, part := range parts[:m.Outputs()] {
				got, err := strconv.ParseFloat(part, 64)
				if err != nil {
					t.Fatal(err)
				}
				want := p.outputs[i*m.Outputs()+j]
				away := math.Abs(got - want)
				if m.Task() == data.Regression {
					away /= math.Abs(want) + m.Encoding.Targets[j].Scale
				}
				if got == want {
					away = 0
				}
				if !(away <= bound) {
					t.Errorf("%s, row %d: output %d is %v, want %v", name, i, j, got, want)
				}
				worst = max(worst, away)
			}
			if p.labels == nil {
				continue
			}
			want := fmt.Sprint(p.labels[i])
			if got := strings.TrimSpace(parts[m.Outputs()]); got != strings.Trim(want, "[]") {
				t.Errorf("%s, row %d: the label is %q, want %q", name, i, got, want)
			}
		}
		return worst
	}
	worst, n := 0.0, 0
	names := []data.Task{data.Regression, data.Binary, data.Multiclass, data.Multilabel}
	for i, activation := range []string{"relu", "sigmoid", "tanh", "identity", "leaky-relu:0.1", "elu:0.7", "selu", "gelu", "silu", "mish", "softplus", "exp"} {
		for j, precision := range []string{"float32", "float64"} {
			if testing.Short() && i%3 > 0 {
				continue
			}
			norm := []string{"none", "batch", "layer"}[(i/2+j)%3]
			worst = max(worst, check(activation+" "+norm+" "+precision, fit(t, names[(i+j)%4], model.Options{Activation: activation, Norm: norm, Precision: precision})))
			n++
		}
	}
	worst = max(worst, check("pieces", shipped(t, "breast_cancer", model.Options{Epochs: 3, Scale: data.ScalePieces})))
	worst = max(worst, check("in turn", inTurn(t)))
	worst = max(worst, check("waves", shipped(t, "penguins", model.Options{Epochs: 3, Recipe: model.RecipeWaves})))
	n += 3
	for _, name := range []string{"iris", "penguins", "wine", "breast_cancer", "diabetes", "digits", "notebook"} {
		if testing.Short() && name > "i" {
			continue
		}
		worst = max(worst, check(name, shipped(t, name, model.Options{Epochs: 3})))
		n++
	}
	for i, task := range names {
		worst = max(worst, check(fmt.Sprint("ensemble ", task), fit(t, task, model.Options{Members: 2 + i%2})))
		n++
	}
	worst = max(worst, check("numbers that are missing", fit(t, data.Regression, model.Options{Missing: []string{"3", "-999"}})))
	worst = max(worst, check("many levels", manyLevels(t, data.Regression, model.Options{})))
	worst = max(worst, check("many levels of an ensemble", manyLevels(t, data.Multiclass, model.Options{Members: 2, Precision: "float64"})))
	n += 3
	worst = max(worst, check("hinge", fit(t, data.Binary, model.Options{Loss: "hinge", Threshold: "0.4", Hidden: []int{}})))
	worst = max(worst, check("hinge of labels", fit(t, data.Multilabel, model.Options{Loss: "hinge", NoBias: true, Scale: data.ScaleStandard})))
	t.Logf("%d programs, outputs within %.2g", n+2, worst)
}

// TestCCompiles: the C source of a network of 200,000 weights compiles.
func TestCCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("trains and compiles a network of 200,000 weights; not with -short")
	}
	compiler := need.Tool(t, "cc")
	dir := t.TempDir()
	m := fit(t, data.Multiclass, model.Options{Hidden: []int{430, 430}, Epochs: 1})
	if err := Write(m, filepath.Join(dir, "net.c"), Options{}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if out, err := exec.Command(compiler, "-std=c99", "-O2", "-c", "-o", filepath.Join(dir, "net.o"), filepath.Join(dir, "net.c")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.1000s", err, out)
	}
	t.Logf("%d parameters compile in %v", m.Parameters(), time.Since(begun))
}

func TestCNames(t *testing.T) {
	taken := map[string]bool{}
	for i, c := range []struct{ column, want string }{{"Bill length (mm)", "bill_length__mm"}, {"é", "column1"}, {"1st", "column2"}, {"int", "int_"}, {"INT", "int__4"}} {
		if got := cName(c.column, i, taken); got != c.want {
			t.Errorf("%s: got %s, want %s", c.column, got, c.want)
		}
	}
	if got := cText("a\"?\\é\n1"); got != `"a\042\077\134\303\251\0121"` {
		t.Errorf("got %q, want %q", got, `"a\042\077\134\303\251\0121"`)
	}
}
