package cli

import (
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// predictions reads what predict printed.
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
					t.Errorf("header %q", header)
				}
				if len(records) != 60 {
					t.Fatalf("%d rows", len(records))
				}
				targets := strings.Count(c.target, ",") + 1
				for _, r := range records {
					sum, most, best := 0.0, 0.0, ""
					for j, cell := range r[targets:] {
						p := parse(t, cell)
						if p < 0 || p > 1 {
							t.Fatalf("probability %v", p)
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
								t.Errorf("%q: label %d should be %s", r, j, want)
							}
						}
					case len(r) == targets:
						for _, cell := range r {
							parse(t, cell)
						}
					case math.Abs(sum-1) > 1e-6 || r[0] != best:
						t.Errorf("%q: the sum is %v, the most probable is %s", r, sum, best)
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
		t.Errorf("-o writes something else than standard output: %q", r.out)
	}
	if r := callWith(readFile(t, iris), "predict", "m.safetensors", "-"); r.out != printed.out {
		t.Error("standard input gives other predictions than the file")
	}
	// A file without its target's column gives the same.
	header, records := predictions(t, readFile(t, iris))
	var b strings.Builder
	for _, r := range append([][]string{header}, records...) {
		fmt.Fprintln(&b, strings.Join(r[:4], ","))
	}
	if r := callWith(b.String(), "predict", "m.safetensors", "-"); r.out != printed.out {
		t.Error("without the target the predictions are others")
	}
}

// TestPredictAgreesWithEvaluate: scores from predict's CSV are evaluate's.
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
		t.Error(e)
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-5*math.Abs(want) {
		t.Errorf("%s: from the predictions %v, from evaluate %v", what, got, want)
	}
}
