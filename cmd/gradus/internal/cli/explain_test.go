package cli

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", "--members", "1", iris, "--hidden", "5", "--activation", "tanh", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	r := must(t, 0, "explain", "m.safetensors", iris, "--row", "0", "--weight", "0.1.2", "-o", "net.svg")
	if !strings.Contains(r.out, "0.1.2") || !strings.Contains(readFile(t, "net.svg"), "</svg>") {
		t.Errorf(`got %v, want "0.1.2" in r.out and "</svg>" in readFile(t, "net.svg")`, r.out)
	}
	parseJSON(t, must(t, 0, "explain", "m.safetensors", iris, "--row", "149", "--weight", "1.b.2", "--json").out)
	before := listing(t)
	for args, words := range map[string][]string{
		"--row 150":               {"150"},
		"--row -1":                {"-1"},
		"--row 0 --weight 2.0.0":  {"layer 2"},
		"--row 0 --weight 0.99.0": {"input 99"},
		"--row 0 --weight 0.0.99": {"unit 99"},
		"--row 0 --weight x":      {"--weight"},
		"--row 0 -o net.pdf":      {"net.pdf"},
		"--row x":                 {"--row"},
	} {
		r := call(append([]string{"explain", "m.safetensors", iris}, strings.Fields(args)...)...)
		for _, problem := range refused(r, r.code, words) {
			t.Errorf("%s: %s", args, problem)
		}
		if r.code != 1 && r.code != 2 {
			t.Errorf("%s: got exit status %d, want 1 or 2", args, r.code)
		}
	}
	if changed := changes(before, listing(t)); changed != nil {
		t.Errorf("got the changed files %q, want none", changed)
	}
}

// explain accepts networks with normalization and with dropout. It computes batch normalization over the rows of
// the batch, and it drops nothing.
func TestExplainNorms(t *testing.T) {
	place(t, nil)
	type explained struct {
		Gradient, Numeric, Sum, Error float64
		Rows                          []int
	}
	read := func(args ...string) (e explained) {
		t.Helper()
		out := must(t, 0, append([]string{"explain", "m.safetensors", iris, "--json"}, args...)...).out
		if err := json.Unmarshal([]byte(out), &e); err != nil {
			t.Fatal(err)
		}
		if math.Abs(e.Sum-e.Gradient) > 1e-12*math.Abs(e.Gradient) || e.Error > 1e-7 {
			t.Errorf("%v: got the sum %v, want the gradient %v of the engine; the numeric gradient is %v", args, e.Sum, e.Gradient, e.Numeric)
		}
		return e
	}
	for _, norm := range []string{"batch", "layer"} {
		must(t, 0, "train", "--members", "1", iris, "--hidden", "5", "--activation", "tanh", "--norm", norm, "--batch-size", "30", "--epochs", "2", "--quiet", "-o", "m.safetensors")
		for _, weight := range []string{"0.1.2", "0.gamma.3", "0.beta.3", "1.2.0", "1.b.1"} {
			e := read("--row", "31", "--weight", weight)
			if norm == "batch" && (len(e.Rows) != 30 || e.Rows[0] != 30) || norm == "layer" && e.Rows != nil {
				t.Errorf("%s %s: got the batch %v, want 30 rows from 30 on for batch norm and none for layer norm", norm, weight, e.Rows)
			}
			r := must(t, 0, "explain", "m.safetensors", iris, "--row", "31", "--weight", weight)
			for _, want := range []string{norm + " norm of layer 0", "= " + strconv.FormatFloat(e.Sum, 'g', 17, 64), "= " + strconv.FormatFloat(e.Gradient, 'g', 17, 64)} {
				if !strings.Contains(r.out, want) {
					t.Errorf("%s %s lacks %q:\n%s", norm, weight, want, r.out)
				}
			}
		}
	}
	must(t, 0, "train", "--members", "1", iris, "--hidden", "5", "--activation", "tanh", "--norm", "batch", "--batch-size", "149", "--validation", "none", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	if e := read("--row", "149", "--weight", "0.0.0"); len(e.Rows) != 150 { // a batch of one row joins the one before
		t.Errorf("got a batch of %d rows, want 150", len(e.Rows))
	}
	writeFile(t, "one.csv", strings.Join(strings.SplitN(readFile(t, iris), "\n", 3)[:2], "\n")+"\n")
	if r := must(t, 1, "explain", "m.safetensors", "one.csv", "--row", "0"); r.err != "gradus: cannot explain: the batch has 1 row; batch normalization needs at least 2\n" {
		t.Errorf("r.err = %q, want %q", r.err, "gradus: cannot explain: the batch has 1 row; batch normalization needs at least 2\n")
	}
	must(t, 0, "train", "--members", "1", iris, "--hidden", "5", "--activation", "tanh", "--dropout", "0.5", "--input-dropout", "0.5", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	read("--row", "0")
}

// explain shows one update. lbfgs and cg make other updates, and explain says so.
func TestExplainSolver(t *testing.T) {
	place(t, nil)
	for _, c := range []struct{ optimizer, want string }{
		{"lbfgs", "the model was trained by lbfgs, which makes no such update"},
		{"cg", "the model was trained by cg, which makes no such update"},
		{"sgd", ""},
		{"adam", "the first update of adam, with empty state, would give"},
	} {
		must(t, 0, "train", "--members", "1", iris, "--hidden", "5", "--activation", "tanh", "--optimizer", c.optimizer, "--epochs", "2", "--quiet", "-o", "m.safetensors")
		out := must(t, 0, "explain", "m.safetensors", iris, "--row", "0").out
		if !strings.Contains(out, c.want) || c.optimizer == "sgd" && strings.Contains(out, "no such update") {
			t.Errorf("%s: got\n%s\nwant %q", c.optimizer, out, c.want)
		}
		o := parseJSON(t, must(t, 0, "explain", "m.safetensors", iris, "--row", "0", "--json").out)
		solver, _ := o["solver"].(string)
		if is := strings.Contains(c.want, "no such update"); is != (solver == c.optimizer) || o["weight"] == nil {
			t.Errorf("%s: got the solver %q, want the name of a solver only", c.optimizer, solver)
		}
	}
}
