package cli

import (
	"strings"
	"testing"
)

// TestCheck checks every activation with every loss that accepts it, on the shipped tables. The
// gradients of smooth networks are right to 1e-7.
func TestCheck(t *testing.T) {
	place(t, nil)
	activations := strings.Fields("relu sigmoid tanh identity leaky-relu:0.1 elu selu gelu silu mish softplus exp")
	for data, losses := range map[string][]string{
		diabetes: {"half-squared", "squared", "absolute", "huber:0.5", "poisson"},
		cancer:   {"binary-cross-entropy", "squared"},
		iris:     {"cross-entropy", "half-squared"},
		penguins: {"cross-entropy"},
	} {
		for _, a := range activations {
			for _, loss := range losses {
				hidden := "6,4"
				if a == "exp" {
					hidden = "4" // an exponential of exponentials is too rough for any step
				}
				args := []string{"check", data, "--hidden", hidden, "--activation", a, "--loss", loss, "--rows", "20", "--most", "100", "--json"}
				r := must(t, 0, args...)
				o := parseJSON(t, r.out)
				if o["ok"] != true || o.number(t, "worst_relative_error") > 1e-7 || o.number(t, "threshold") != 1e-7 {
					t.Errorf(`%s: got %s, want o["ok"] = true and o.number("worst_relative_error") <= 1e-7 and o.number("threshold") = 1e-7`, args, r.out)
				}
				smooth := !strings.Contains("relu leaky-relu:0.1 elu selu", a) && loss != "absolute" && loss != "huber:0.5"
				if smooth && (o.number(t, "kinks") != 0 || o.number(t, "checked") != min(100, o.number(t, "parameters"))) {
					t.Errorf("%s: a smooth network has kinks: %s", args, r.out)
				}
			}
		}
	}
}

// TestCheckNorms checks networks with norms and dropout. The gradients of norms have separate names.
func TestCheckNorms(t *testing.T) {
	place(t, nil)
	for _, norm := range []string{"none", "batch", "layer"} {
		r := must(t, 0, "check", iris, "--hidden", "9,8", "--activation", "tanh", "--norm", norm, "--dropout", "0.3", "--input-dropout", "0.1", "--most", "0")
		for _, w := range []string{"0.norm.weight ", "1.norm.bias ", "0.gamma.", "1.beta."} {
			if strings.Contains(r.out, w) != (norm != "none") {
				t.Errorf("%s norm: the report contains %q: got %v, want %v\n%s", norm, w, norm == "none", norm != "none", r.out)
			}
		}
		if strings.Contains(r.out, "\n0.bias ") == (norm == "batch") {
			t.Errorf("%s norm: the report has a bias of layer 0: got %v, want %v\n%s", norm, norm == "batch", norm != "batch", r.out)
		}
	}
	if r := must(t, 2, "check", iris, "--norm", "batch", "--rows", "1"); r.err != "gradus: --rows 1: batch normalization needs at least 2 rows\n" {
		t.Errorf("r.err = %q, want %q", r.err, "gradus: --rows 1: batch normalization needs at least 2 rows\n")
	}
}

func TestCheckReport(t *testing.T) {
	// A row of zeros puts every unit with a bias of 0 at its kink.
	place(t, map[string]string{"zeros.csv": "a,b,y\n0,0,1\n1,2,3\n2,1,4\n"})
	r := must(t, 0, "check", "zeros.csv", "--scale", "none", "--hidden", "4", "--activation", "relu")
	for _, w := range []string{"Network  ", "Checked  ", "Kinks    ", "\n0.bias ", "\n1.weight ", "The gradients are right"} {
		if !strings.Contains(r.out, w) {
			t.Errorf("the report lacks %q:\n%s", w, r.out)
		}
	}
	o := parseJSON(t, must(t, 0, "check", "zeros.csv", "--scale", "none", "--hidden", "4", "--activation", "relu", "--json").out)
	if o.number(t, "kinks") < 4 || o.number(t, "kinks")+o.number(t, "checked") != o.number(t, "parameters") {
		t.Errorf(`got %v, want o.number("kinks") >= 4 and o.number("kinks")+o.number("checked") = o.number("parameters")`, o)
	}
	groups := o.at(t, "groups").([]any)
	if len(groups) != 4 {
		t.Fatalf("got %v, want len(groups) = 4", groups)
	}
	if g := object(groups[1].(map[string]any)); g.at(t, "name") != "layers.0.bias" || g.number(t, "kinks") < 1 {
		t.Errorf(`got %v, want g.at(t, "name") = "layers.0.bias" and g.number(t, "kinks") >= 1`, g)
	}
}

func TestCheckSample(t *testing.T) {
	place(t, nil)
	args := []string{"check", iris, "--hidden", "30", "--activation", "tanh", "--most", "50"}
	one, two := must(t, 0, args...), must(t, 0, append(args, "--seed", "2")...)
	if !strings.Contains(one.out, "Checked  50 of ") || !strings.Contains(one.out, "a sample drawn by seed 1") || one.out == two.out {
		t.Errorf(`got %s%s, want "Checked  50 of " in one.out and "a sample drawn by seed 1" in one.out and one.out != two.out`, one.out, two.out)
	}
	all := parseJSON(t, must(t, 0, append(args[:6], "--most", "0", "--json")...).out)
	if all.number(t, "checked") != all.number(t, "parameters") {
		t.Errorf(`got %v, want all.number(t, "checked") = all.number(t, "parameters")`, all)
	}
	left := listing(t)
	if len(left) != 1 {
		t.Errorf("got the files %v, want none from check", left)
	}
}

// With class weights or row weights, check compares the gradients of the weighted loss.
func TestCheckWeights(t *testing.T) {
	first := func(flags ...string) float64 {
		o := parseJSON(t, must(t, 0, append([]string{"check", cancer, "--activation", "tanh", "--hidden", "3", "--json"}, flags...)...).out)
		return object(o.at(t, "groups").([]any)[0].(map[string]any)).number(t, "gradient")
	}
	plain, classes, rows := first(), first("--class-weight", "malignant=5"), first("--sample-weight", "mean_radius")
	if plain == classes || plain == rows || classes == rows {
		t.Errorf("got the gradients %v without weights, %v with class weights and %v with row weights, want three different ones", plain, classes, rows)
	}
}
