package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// An output never overwrites an input, or a file of another kind.
func TestOutIsNotAnInput(t *testing.T) {
	place(t, map[string]string{"a.csv": readFile(t, iris), "b.csv": readFile(t, iris)})
	must(t, 0, "train", "a.csv", "--epochs", "1", "--quiet", "-o", "m.safetensors", "--run", "run")
	must(t, 0, "train", "a.csv", "--epochs", "1", "--quiet", "-o", "n.safetensors")
	// These files have the ending of an output, but other contents.
	for name, from := range map[string]string{"m.svg": "b.csv", "m.html": "b.csv", "page.png": "m.safetensors"} {
		writeFile(t, name, readFile(t, from))
	}
	before := listing(t)
	for _, args := range []string{
		"train a.csv -o a.csv", "train a.csv --test b.csv -o ./b.csv", "train a.csv --from m.safetensors -o m.safetensors",
		"importance m.safetensors a.csv -o m.svg", "plot m.safetensors -o m.svg", "compare a.csv -o m.svg", "lr a.csv -o m.svg",
		"explain m.safetensors a.csv --row 0 -o m.svg", "plot m.safetensors -o page.png", "importance m.safetensors a.csv -o page.png",
		"train a.csv -o b.csv", "tune a.csv -o b.csv", "train a.csv -o m.svg", "predict m.safetensors a.csv -o page.png",
		"predict m.safetensors a.csv -o n.safetensors", "cv a.csv -o n.safetensors",
		"report run -o b.csv", "report run -o m.html", "report run -o m.svg", "resume run -o b.csv",
		"predict m.safetensors a.csv -o a.csv", "predict m.safetensors a.csv -o m.safetensors", "train a.csv -o -",
	} {
		r := must(t, 2, strings.Fields(args)...)
		if !strings.HasPrefix(r.err, "gradus: --out ") {
			t.Errorf(`%s: got %s, want r.err to begin with "gradus: --out "`, args, r.err)
		}
		if left := changes(before, listing(t)); len(left) > 0 {
			t.Errorf("%s changed %q", args, left)
		}
	}
}

// The report says what the scored rows were used for.
func TestReportIsHonest(t *testing.T) {
	for args, want := range map[string]string{
		"--epochs 3":                               "The validation rows also chose the epoch",
		"--epochs 3 --patience 0":                  "The validation rows were used only for these scores.",
		"--epochs 3 --test 0.2":                    "The test rows were used only for these scores; the validation rows also chose the epoch.",
		"--epochs 3 --test 0.2 --patience 0":       "The test rows and the validation rows were used only for these scores.",
		"--epochs 3 --validation none":             "These scores are on the rows that the model was trained on",
		"--epochs 3 --reduction sum --lr .01":      "(summed over the rows)",
		"--epochs 3 --method batch --batch-size 8": "The batch size 8 is for mini-batch descent; batch uses 126 rows per update.",
	} {
		place(t, nil)
		r := must(t, 0, append([]string{"train", iris, "--members", "1", "--quiet", "-o", "m.safetensors"}, strings.Fields(args)...)...)
		if !strings.Contains(r.out, want) {
			t.Errorf("%s: no %q in\n%s", args, want, r.out)
		}
	}
}

// TestOutAgain: a result replaces an older one of the same kind. If it is a model, standard error says so.
func TestOutAgain(t *testing.T) {
	place(t, map[string]string{"a.csv": readFile(t, iris)})
	quick := " --preset quick --epochs 1 --quiet "
	for _, c := range []struct{ call, file string }{
		{"train a.csv" + quick + "--run run -o m.safetensors", "m.safetensors"},
		{"tune a.csv" + quick + "--trials 1 --json -o t.safetensors", "t.safetensors"},
		{"predict m.safetensors a.csv -o p.csv", "p.csv"},
		{"cv a.csv" + quick + "-o cv.csv", "cv.csv"},
		{"plot m.safetensors -o n.svg", "n.svg"},
		{"plot m.safetensors -o n.png", "n.png"},
		{"explain m.safetensors a.csv --row 1 -o e.svg", "e.svg"},
		{"importance m.safetensors a.csv --quiet -o i.svg", "i.svg"},
		{"shap m.safetensors a.csv --row 1 -o s.svg", "s.svg"},
		{"shap m.safetensors a.csv --row 1 -o s.csv", "s.csv"},
		{"lr a.csv -o lr.svg", "lr.svg"},
		{"compare a.csv --epochs 2 --quiet -o c.svg", "c.svg"},
		{"report run -o r.html", "r.html"},
		{"export m.safetensors -o m.onnx", "m.onnx"},
		{"export m.safetensors -o m.go", "m.go"},
		{"export m.safetensors -o m.npz", "m.npz"},
		{"import m.npz -o im.safetensors", "im.safetensors"},
	} {
		said := c.file + " replaces the file that was there\n"
		for _, again := range []bool{false, true} {
			if again && c.file == "m.safetensors" {
				c.call = strings.Replace(c.call, "--run run ", "", 1)
			}
			r := must(t, 0, strings.Fields(c.call)...)
			if want := again && strings.HasSuffix(c.file, ".safetensors"); strings.Contains(r.err, "gradus: "+said) != want || strings.Contains(r.out+r.err, "replace") != want {
				t.Errorf("gradus %s, again %v: got the messages %q, want %q only if a model was there", c.call, again, r.err, said)
			}
		}
	}
}

// TestCompared: info, report and resume print the comparison with a linear model that train --json has.
func TestCompared(t *testing.T) {
	place(t, nil)
	r := must(t, 0, "train", iris, "--epochs", "3", "--quiet", "--json", "--run", "run", "-o", "m.safetensors")
	own := parseJSON(t, r.out).number(t, "metrics", "out_of_fold", "log_loss")
	linear := parseJSON(t, r.out).number(t, "metrics", "linear", "scores", "log_loss")
	guess := parseJSON(t, r.out).number(t, "metrics", "baseline", "log_loss")
	want := fmt.Sprintf("log_loss of the out-of-fold rows %.4g, of a linear model %.4g, of always guessing the shares %.4g", own, linear, guess)
	must(t, 0, "report", "run", "-o", "r.html")
	for name, said := range map[string]string{
		"info": must(t, 0, "info", "m.safetensors").out, "report": readFile(t, "r.html"),
		"resume": must(t, 0, "resume", "run", "--quiet", "-o", "n.safetensors").out,
	} {
		if !strings.Contains(strings.Join(strings.Fields(said), " "), want) {
			t.Errorf("%s does not say %q:\n%s", name, want, said)
		}
	}
}

// TestReportOfUnfinishedRun: the error says what to do with a killed run, and with a folder that
// holds no run.
func TestReportOfUnfinishedRun(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", iris, "--epochs", "1", "--quiet", "--run", "run", "-o", "m.safetensors")
	if err := os.Remove("run/result.json"); err != nil { // a run writes it last
		t.Fatal(err)
	}
	for _, problem := range refused(call("report", "run", "-o", "r.html"), 1, []string{"the run has not ended", "gradus resume run continues it"}) {
		t.Error(problem)
	}
	for _, problem := range refused(call("report", ".", "-o", "r.html"), 1, []string{". holds no run", "gradus train --run"}) {
		t.Error(problem)
	}
}

// TestNextOffers: the report says which commands come next.
func TestNextOffers(t *testing.T) {
	place(t, map[string]string{"a.csv": readFile(t, iris)})
	r := must(t, 0, "train", "a.csv", "--epochs", "1", "--quiet", "--run", "my run", "-o", "m.safetensors")
	r.out += must(t, 0, "train", "a.csv", "--members", "1", "--epochs", "1", "--quiet", "-o", "one.safetensors").out
	for _, want := range []string{"gradus importance m.safetensors a.csv", "gradus report 'my run' -o report.html", "--test 0.2"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
	r = must(t, 0, "train", "a.csv", "--test", iris, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	if !strings.Contains(r.out, "gradus importance m.safetensors "+iris) {
		t.Errorf("importance is not offered on the rows of --test:\n%s", r.out)
	}
}

// TestNextCommandRuns: the command that a report suggests is not refused.
func TestNextCommandRuns(t *testing.T) {
	place(t, nil)
	r := must(t, 0, "train", iris, "--members", "1", "--epochs", "2", "--quiet", "--run", "my run", "--tensorboard", "-o", "m.safetensors")
	_, next, found := strings.Cut(r.out, "         gradus train ")
	next, _, _ = strings.Cut(next, "   for scores")
	if !found || !strings.Contains(next, "--test 0.2") || strings.Contains(next, "my run") {
		t.Fatalf("got the suggestion %q, want one with --test 0.2 and without my run", next)
	}
	must(t, 0, append([]string{"train"}, strings.Fields(next)...)...)
}

// TestForgottenRows: the diagnosis of a finished per-sample run does not advise longer training.
func TestForgottenRows(t *testing.T) {
	place(t, nil)
	r := must(t, 0, strings.Fields("train "+seed+" --hidden 4 --activation sigmoid --output-activation sigmoid --no-bias --loss half-squared --reduction sum --init uniform --method per-sample --optimizer sgd --lr 5 --epochs 10000 --tolerance 0.001 --scale none --precision float64 --quiet -o m.safetensors")...)
	if !strings.Contains(r.out, "forgotten-rows: each row was learned in its own turn") || !strings.Contains(r.out, "Try --method stochastic.") || strings.Contains(r.out, "unfinished") {
		t.Error(r.out)
	}
}

// TestLossOfMembers: the report of an ensemble names the mean loss of its members. The report of one network names its loss.
func TestLossOfMembers(t *testing.T) {
	place(t, nil)
	if r := must(t, 0, "train", iris, "--epochs", "2", "--members", "3", "--quiet", "-o", "m.safetensors"); !strings.Contains(r.out, " s, mean loss of the members ") {
		t.Error(r.out)
	}
	if r := must(t, 0, "train", iris, "--epochs", "2", "--members", "1", "--quiet", "-o", "m.safetensors"); !strings.Contains(r.out, " s, loss ") {
		t.Error(r.out)
	}
}

// TestGuessOfRows: always guessing the mean has an R2 of exactly 0, without a rounding error.
func TestGuessOfRows(t *testing.T) {
	var table strings.Builder
	table.WriteString("a,y\n")
	for i := range 30 {
		fmt.Fprintf(&table, "%d.5,%d.37\n", i*7%11, i*i%13)
	}
	place(t, map[string]string{"t.csv": table.String()})
	r := must(t, 0, "train", "t.csv", "--epochs", "2", "--members", "1", "--validation", "none", "--quiet", "-o", "m.safetensors")
	for line := range strings.Lines(r.out) {
		if strings.Contains(line, "always the mean") && strings.Contains(line, "e-") {
			t.Error(line)
		}
	}
}

// TestSplitByTheTarget: --split refuses the target as its column of times.
func TestSplitByTheTarget(t *testing.T) {
	place(t, nil)
	for _, command := range []string{"train", "cv"} {
		if r := must(t, 2, command, diabetes, "--split", "time:progression"); !strings.Contains(r.err, `"progression" is the target`) {
			t.Errorf("%s: got %q, want it to name the target", command, r.err)
		}
	}
}
