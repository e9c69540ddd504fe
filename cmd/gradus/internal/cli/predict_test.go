package cli

import (
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// predictions parses the CSV that predict prints.
func predictions(t *testing.T, out string) (header []string, records [][]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestPredictColumns(t *testing.T) {
	table := rows(60, "a,b,num,two,three,l1,l2,q", number, number, number, cycle("no", "yes"), cycle("x", "y", "z"), cycle("0", "1"), cycle("1", "0", "0"), number)
	for _, c := range []struct{ target, header string }{
		{"num", "num"},
		{"num,q", "num,q"},
		{"two", "two,p_no,p_yes"},
		{"three", "three,p_x,p_y,p_z"},
		{"l1,l2", "l1,l2,p_l1,p_l2"},
	} {
		for _, precision := range []string{"float32", "float64"} {
			t.Run(c.target+" "+precision, func(t *testing.T) {
				place(t, map[string]string{"t.csv": table})
				must(t, 0, "train", "t.csv", "--target", c.target, "--epochs", "2", "--precision", precision, "--quiet", "-o", "m.safetensors")
				header, records := predictions(t, must(t, 0, "predict", "m.safetensors", "t.csv").out)
				if strings.Join(header, ",") != c.header {
					t.Errorf("got the header %q, want %q", header, c.header)
				}
				if len(records) != 60 {
					t.Fatalf("got %d rows, want 60", len(records))
				}
				targets := strings.Count(c.target, ",") + 1
				for _, r := range records {
					sum, most, best := 0.0, 0.0, ""
					for j, cell := range r[targets:] {
						p := parse(t, cell)
						if p < 0 || p > 1 {
							t.Fatalf("got the probability %v, want 0 to 1", p)
						}
						sum += p
						if p > most {
							most, best = p, strings.TrimPrefix(header[targets+j], "p_")
						}
					}
					switch {
					case c.target == "l1,l2":
						for j := range 2 {
							if want := map[bool]string{true: "1", false: "0"}[parse(t, r[2+j]) > 0.5]; r[j] != want {
								t.Errorf("got %q, want label %d to be %s", r, j, want)
							}
						}
					case len(r) == targets:
						for _, cell := range r {
							parse(t, cell)
						}
					case math.Abs(sum-1) > 1e-6 || r[0] != best:
						t.Errorf("got %q with the sum %v, want the sum 1 and the most probable class %s", r, sum, best)
					}
				}
			})
		}
	}
}

func TestPredictOut(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", iris, "--epochs", "2", "--quiet", "-o", "m.safetensors")
	printed := must(t, 0, "predict", "m.safetensors", iris)
	if r := must(t, 0, "predict", "m.safetensors", iris, "-o", "p.csv"); r.out != "" || readFile(t, "p.csv") != printed.out {
		t.Errorf("-o writes a text that differs from standard output: %q", r.out)
	}
	if r := callWith(readFile(t, iris), "predict", "m.safetensors", "-"); r.out != printed.out {
		t.Error("the predictions from standard input differ from those from the file")
	}
	// A file without the target's column gives the same predictions.
	header, records := predictions(t, readFile(t, iris))
	var b strings.Builder
	for _, r := range append([][]string{header}, records...) {
		fmt.Fprintln(&b, strings.Join(r[:4], ","))
	}
	if r := callWith(b.String(), "predict", "m.safetensors", "-"); r.out != printed.out {
		t.Error("without the target the predictions differ")
	}
}

// TestPredictAgreesWithEvaluate: the scores computed from predict's CSV are those of evaluate.
func TestPredictAgreesWithEvaluate(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", iris, "--epochs", "2", "--quiet", "-o", "iris.safetensors")
	must(t, 0, "train", diabetes, "--epochs", "2", "--quiet", "-o", "diabetes.safetensors")

	_, truth := predictions(t, readFile(t, iris))
	header, p := predictions(t, must(t, 0, "predict", "iris.safetensors", iris).out)
	right, logLoss := 0.0, 0.0
	for i, r := range p {
		class := truth[i][4]
		if r[0] == class {
			right++
		}
		logLoss -= math.Log(parse(t, r[slices.Index(header, "p_"+class)]))
	}
	e := parseJSON(t, must(t, 0, "evaluate", "iris.safetensors", iris, "--json").out)
	near(t, "accuracy", right/150, e.number(t, "metrics", "accuracy"))
	near(t, "log loss", logLoss/150, e.number(t, "metrics", "log_loss"))

	_, truth = predictions(t, readFile(t, diabetes))
	_, p = predictions(t, must(t, 0, "predict", "diabetes.safetensors", diabetes).out)
	squares, distance := 0.0, 0.0
	for i, r := range p {
		d := parse(t, r[0]) - parse(t, truth[i][10])
		squares += d * d
		distance += math.Abs(d)
	}
	n := float64(len(p))
	e = parseJSON(t, must(t, 0, "evaluate", "diabetes.safetensors", diabetes, "--json").out)
	near(t, "rmse", math.Sqrt(squares/n), e.number(t, "metrics", "rmse"))
	near(t, "mae", distance/n, e.number(t, "metrics", "mae"))
	if e.number(t, "rows") != n {
		t.Errorf(`got %v, want e.number(t, "rows") = n`, e)
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-5*math.Abs(want) {
		t.Errorf("%s: got %v from the predictions, want %v as from evaluate", what, got, want)
	}
}

// TestPredictWritesAllDigits: a prediction that is read back is the one that was made, even if a float32 cannot
// tell the targets apart. cv writes all digits too.
func TestPredictWritesAllDigits(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(300, "x,z,y", number, number, func(i int) string {
		return strconv.FormatFloat(1.7e9+100*math.Sin(float64(i)), 'f', 3, 64)
	})})
	must(t, 0, "train", "t.csv", "--epochs", "5", "--quiet", "-o", "m.safetensors")
	must(t, 0, "cv", "t.csv", "--epochs", "5", "--quiet", "-o", "cv.csv")
	different := func(records [][]string, column int) int {
		seen := map[float64]bool{}
		for _, r := range records {
			seen[parse(t, r[column])] = true
		}
		return len(seen)
	}
	_, p := predictions(t, must(t, 0, "predict", "m.safetensors", "t.csv").out)
	if n := different(p, 0); n < 290 {
		t.Errorf("got %d different predictions for 300 rows, want at least 290", n)
	}
	_, p = predictions(t, readFile(t, "cv.csv"))
	if n := different(p, 2); n < 290 {
		t.Errorf("got %d different predictions of cv for 300 rows, want at least 290", n)
	}
	m, err := model.Load("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	table, err := data.Read("t.csv", data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := m.Predict(table)
	if err != nil {
		t.Fatal(err)
	}
	_, p = predictions(t, must(t, 0, "predict", "m.safetensors", "t.csv").out)
	for i, r := range p {
		if parse(t, r[0]) != want[i] {
			t.Fatalf("row %d: got %s in the file, want %v", i, r[0], want[i])
		}
	}
}

// TestPredictKeep: --keep copies columns of the table unchanged. If the result has a column of the same name, the
// copy gets another name, and a message says so.
func TestPredictKeep(t *testing.T) {
	place(t, map[string]string{
		"t.csv": rows(60, "a,y", number, cycle("u", "v")),
		"p.csv": "id,a,y,\"name, full\"\n007,0.5,u,\"Doe, J\"\n008,0.25,v,\n",
	})
	must(t, 0, "train", "t.csv", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	r := must(t, 0, "predict", "m.safetensors", "p.csv", "--keep", `id,y,name\, full`)
	header, records := predictions(t, r.out)
	if got, want := strings.Join(header, "|"), "id|y_given|name, full|y|p_u|p_v"; got != want {
		t.Errorf("the columns are %s, want %s", got, want)
	}
	if got, want := strings.Join(records[0][:3], "|")+"|"+strings.Join(records[1][:3], "|"), "007|u|Doe, J|008|v|"; got != want {
		t.Errorf("the kept cells are %s, want %s", got, want)
	}
	if want := "gradus: --keep y: a column of the result has that name already; the table's column is written as y_given\n"; r.err != want {
		t.Errorf("got the message %q, want %q", r.err, want)
	}
	for _, problem := range refused(call("predict", "m.safetensors", "p.csv", "--keep", "idd"), 1, []string{`"idd"`, "--keep", `did you mean "id"?`}) {
		t.Error(problem)
	}
}

// TestPredictStrict: predict accepts a category that was not in the training rows. With --strict it refuses the table, and
// names the line.
func TestPredictStrict(t *testing.T) {
	place(t, map[string]string{
		"t.csv":   rows(60, "a,b,y", number, cycle("red", "green"), number),
		"new.csv": "a,b\n0.5,red\n,\n1,mauve\n",
		"old.csv": "a,b\n0.5,red\n,\n1,green\n",
	})
	must(t, 0, "train", "t.csv", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	for _, problem := range refused(call("predict", "m.safetensors", "new.csv", "--strict", "-o", "p.csv"), 1, []string{"new.csv:4", `"b"`, `"mauve"`, "not in the training rows"}) {
		t.Error(problem)
	}
	must(t, 0, "predict", "m.safetensors", "new.csv")
	if free, strict := must(t, 0, "predict", "m.safetensors", "old.csv"), must(t, 0, "predict", "m.safetensors", "old.csv", "--strict"); free.out != strict.out {
		t.Errorf("with --strict: got %s, want %s", strict.out, free.out)
	}
	for _, problem := range refused(call("predict", "m.safetensors", "old.csv", "--strict", "--bad-cells", "missing"), 2, []string{"--strict", "--bad-cells"}) {
		t.Error(problem)
	}
}

// TestPredictBadCells: a cell of another type is refused, and the error names its line. With --bad-cells missing
// such cells count as missing, and a message has their number.
func TestPredictBadCells(t *testing.T) {
	place(t, map[string]string{
		"t.csv":    rows(60, "a,b,d,y", number, cycle("yes", "no"), cycle("2020-01-01", "2020-02-03", "2020-03-09"), number),
		"bad.csv":  "a,b,d\n0.5,yes,2020-01-01\nlots,maybe,soon\n1e999,no,2020-01-01\n",
		"good.csv": "a,b,d\n0.5,yes,2020-01-01\n,,\n,no,2020-01-01\n",
	})
	must(t, 0, "train", "t.csv", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	for _, problem := range refused(call("predict", "m.safetensors", "bad.csv", "-o", "p.csv"), 1, []string{"bad.csv:3", `"a"`, `"lots"`, "--bad-cells missing"}) {
		t.Error(problem)
	}
	bad := must(t, 0, "predict", "m.safetensors", "bad.csv", "--bad-cells", "missing")
	if good := must(t, 0, "predict", "m.safetensors", "good.csv"); bad.out != good.out {
		t.Errorf("bad cells: got\n%s, want\n%s as for missing ones", bad.out, good.out)
	}
	want := `gradus: column "a": 2 cells of another type than in training, taken for missing; the first is bad.csv:3: column "a": the cell "lots"
gradus: column "b": 1 cell of another type than in training, taken for missing; the first is bad.csv:3: column "b": the cell "maybe"
gradus: column "d": 1 cell of another type than in training, taken for missing; the first is bad.csv:3: column "d": the cell "soon"
`
	if bad.err != want {
		t.Errorf("got the messages\n%s, want\n%s", bad.err, want)
	}
}
