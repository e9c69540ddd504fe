package cli

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", iris, "--hidden", "5", "--activation", "tanh", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	r := must(t, 0, "explain", "m.safetensors", iris, "--row", "0", "--weight", "0.1.2", "-o", "net.svg")
	if !strings.Contains(r.out, "0.1.2") || !strings.Contains(readFile(t, "net.svg"), "</svg>") {
		t.Error(r.out)
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
			t.Errorf("%s: exit status %d", args, r.code)
		}
	}
	if changed := changes(before, listing(t)); changed != nil {
		t.Errorf("written: %q", changed)
	}
}

// A network with norms is refused, since a weight has other ways to the loss than the paths; of
// one with dropout nothing is dropped.
func TestExplainNorms(t *testing.T) {
	place(t, nil)
	for _, norm := range []string{"batch", "layer"} {
		must(t, 0, "train", iris, "--hidden", "5", "--norm", norm, "--epochs", "2", "--quiet", "-o", "m.safetensors")
		r := must(t, 1, "explain", "m.safetensors", iris, "--row", "0")
		if want := "gradus: cannot explain: layer 0 has a " + norm + " norm, by which a weight reaches the loss through more than the paths from its own unit; the command check holds the gradients of such a network against numeric derivatives\n"; r.err != want {
			t.Errorf("\n got %s\nwant %s", r.err, want)
		}
	}
	must(t, 0, "train", iris, "--hidden", "5", "--activation", "tanh", "--dropout", "0.5", "--input-dropout", "0.5", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	o := parseJSON(t, must(t, 0, "explain", "m.safetensors", iris, "--row", "0", "--json").out)
	if o.number(t, "error") > 1e-7 {
		t.Errorf("the gradient is off by %v", o["error"])
	}
}

// lbfgs and cg make other updates than the one shown, and it says so.
func TestExplainSolver(t *testing.T) {
	place(t, nil)
	for _, c := range []struct{ optimizer, want string }{
		{"lbfgs", "lbfgs, by which the model was trained, made no such update"},
		{"cg", "cg, by which the model was trained, made no such update"},
		{"sgd", ""},
		{"adam", "adam's own first update"},
	} {
		must(t, 0, "train", iris, "--hidden", "5", "--activation", "tanh", "--optimizer", c.optimizer, "--epochs", "2", "--quiet", "-o", "m.safetensors")
		out := must(t, 0, "explain", "m.safetensors", iris, "--row", "0").out
		if !strings.Contains(out, c.want) || c.optimizer == "sgd" && strings.Contains(out, "no such update") {
			t.Errorf("%s: %s", c.optimizer, out)
		}
		o := parseJSON(t, must(t, 0, "explain", "m.safetensors", iris, "--row", "0", "--json").out)
		solver, _ := o["solver"].(string)
		if is := strings.Contains(c.want, "no such update"); is != (solver == c.optimizer) || o["weight"] == nil {
			t.Errorf("%s: the solver is %q", c.optimizer, solver)
		}
	}
}
