package cli

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/tune"
	"github.com/gradus-ml/gradus/internal/lock"
)

// The search has the same result on one thread and on two. The model is the one that the printed command
// trains. The same call with the same folder repeats nothing.
func TestTune(t *testing.T) {
	place(t, nil)
	args := []string{"tune", iris, "--trials", "9", "--epochs", "12", "--search", "hidden=4|8,8|0", "--search", "lr=1e-3..1:log", "--json"}
	one := parseJSON(t, must(t, 0, append(args, "-o", "one.safetensors", "--threads", "1", "--quiet")...).out)
	two := parseJSON(t, must(t, 0, append(args, "-o", "two.safetensors", "--threads", "2", "--run", "search")...).out)
	if a, b := sameTrials(one), sameTrials(two); a != b || len(one["rungs"].([]any)) < 2 {
		t.Errorf("one thread found\n%s\ntwo threads found\n%s\nwant the same trials, in at least 2 rungs", a, b)
	}
	sum := func(v map[string]any) any { return v["train"].(map[string]any)["weights_sha256"] }
	command := strings.Fields(two["command"].(string))
	trained := parseJSON(t, must(t, 0, append(command[1:], "--json", "--quiet")...).out)
	if sum(one) != sum(two) || sum(two) != trained["weights_sha256"] {
		t.Errorf("got the weights %v and %v, and %v by %q, want equal ones", sum(one), sum(two), trained["weights_sha256"], command)
	}
	if scores := two["train"].(map[string]any)["metrics"]; !reflect.DeepEqual(scores, trained["metrics"]) {
		t.Errorf("tune reports the scores %v, and train %v; want the same", scores, trained["metrics"])
	}

	r := must(t, 0, append(args, "-o", "two.safetensors", "--threads", "2", "--run", "search")...)
	if strings.Contains(r.err, "trial ") || sum(parseJSON(t, r.out)) != sum(two) {
		t.Errorf("the search ran trials again, or its model differs:\n%s", r.err)
	}
	path := filepath.Join("search", "trials.jsonl")
	lines := strings.SplitAfter(readFile(t, path), "\n")
	if err := os.WriteFile(path, []byte(strings.Join(lines[:5], "")+lines[5][:9]), 0o666); err != nil {
		t.Fatal(err)
	}
	r = must(t, 0, append(args, "-o", "two.safetensors", "--run", "search")...)
	if got := parseJSON(t, r.out); sameTrials(got) != sameTrials(two) || sum(got) != sum(two) || !strings.Contains(r.err, "trial 5 of") {
		t.Errorf("continued after four trials, the search differs:\n%s", r.err)
	}
}

// A search can be continued with the same call in another spelling, but not with other data.
func TestTuneContinues(t *testing.T) {
	place(t, nil)
	table := readFile(t, iris)
	writeFile(t, "train.csv", table)
	writeFile(t, "held.csv", table)
	must(t, 0, "train", "--members", "1", "train.csv", "--epochs", "1", "--hidden", "4", "-o", "start.safetensors", "--quiet")
	call := func(more ...string) []string {
		return append([]string{"tune", "train.csv", "--validation", "held.csv", "--from", "start.safetensors", "--hidden", "4", "--trials", "1", "--search", "lr=1|2", "--run", "search"}, more...)
	}
	must(t, 0, call("--epochs", "1", "--activation", "relu")...)
	r := must(t, 0, call("--epochs=1", "-o", "other.safetensors", "--threads", "1")...)
	if strings.Contains(r.err, "trial ") {
		t.Errorf("the trial ran again:\n%s", r.err)
	}
	for file, want := range map[string]string{"train.csv": "(data differs)", "held.csv": "(data differs)", "start.safetensors": "(from differs)"} {
		was := readFile(t, file)
		if file == "start.safetensors" {
			must(t, 0, "train", "--members", "1", iris, "--epochs", "2", "--hidden", "4", "-o", file, "--quiet")
		} else {
			writeFile(t, file, strings.Replace(was, "3.5", "3.6", 1))
		}
		for _, problem := range refused(must(t, 1, call("--epochs", "1", "--activation", "relu")...), 1, []string{"--run", "the search in search", want}) {
			t.Errorf("%s has changed: %s", file, problem)
		}
		writeFile(t, file, was)
	}
	for _, problem := range refused(must(t, 1, call("--epochs", "1", "--seed", "2")...), 1, []string{"(seed differs)"}) {
		t.Error(problem)
	}
}

// If higher values of a metric are better, the best trial has the highest value.
func TestTuneByMetric(t *testing.T) {
	place(t, nil)
	o := parseJSON(t, must(t, 0, "tune", cancer, "--members", "1", "--trials", "6", "--strategy", "random", "--epochs", "2", "--metric", "auc",
		"--search", "lr=1e-6..1e-2:log", "--json", "--quiet", "-o", "m.safetensors").out)
	trials := o.at(t, "rungs").([]any)[0].([]any)
	last := 1.0
	for _, trial := range trials {
		score := object(trial.(map[string]any)).number(t, "score")
		if score > last {
			t.Errorf("got the score %v after %v, want the best first", score, last)
		}
		last = score
	}
	o.number(t, "train", "metrics", "linear", "scores", "auc")
	best := o.number(t, "best", "score")
	if best != o.number(t, "train", "metrics", "validation", "auc") || best <= last {
		t.Errorf("got the best score %v, the worst %v, and the model's %v, want the best above the worst and equal to the model's", best, last, o.at(t, "train", "metrics", "validation"))
	}
}

// With few rows, a trial's score is the mean over its folds, each row scored at the epoch that the others choose. If the call sets the validation rows or asks for one network, there are no folds.
func TestTuneByFolds(t *testing.T) {
	place(t, nil)
	flags := []string{iris, "--hidden", "8", "--activation", "tanh", "--weight-decay", "0", "--epochs", "20", "--json", "--quiet", "-o", "m.safetensors"}
	search := func(more ...string) object {
		return parseJSON(t, must(t, 0, append(append([]string{"tune", "--trials", "2", "--strategy", "random", "--search", "lr=0.01|0.02"}, flags...), more...)...).out)
	}
	tuned := search()
	for _, trial := range tuned.at(t, "rungs").([]any)[0].([]any) {
		lr := trial.(map[string]any)["values"].([]any)[0].(string)
		trained := parseJSON(t, must(t, 0, append([]string{"train", "--lr", lr, "--members", "5"}, flags...)...).out)
		kept := 0.0 // at the epochs that the rows chose themselves
		for _, m := range trained.at(t, "members").([]any) {
			kept += object(m.(map[string]any)).number(t, "out_of_fold", "log_loss") / 5
		}
		want := trained.number(t, "metrics", "out_of_fold", "log_loss") // folds of iris are equally large
		if got := object(trial.(map[string]any)).number(t, "score"); math.Abs(got-want) > 1e-6 || got <= kept {
			t.Errorf("with --lr %s: got the score %v, want %v, that of rows out of fold, above %v, that of the epochs they chose", lr, got, want, kept)
		}
	}
	if folds := tuned.number(t, "folds"); folds != 5 {
		t.Errorf("got %v folds, want 5", folds)
	}
	for _, more := range [][]string{{"--members", "1"}, {"--validation", "0.3"}, {"--preset", "quick"}} {
		if o := search(more...); o["folds"] != nil {
			t.Errorf("%v: got %v folds, want none", more, o["folds"])
		}
	}
}

// sameTrials returns the part of a search that has to be the same every time.
func sameTrials(v map[string]any) string {
	var s strings.Builder
	for _, rung := range v["rungs"].([]any) {
		for _, trial := range rung.([]any) {
			m := trial.(map[string]any)
			fmt.Fprintln(&s, m["trial"], m["rung"], m["epochs"], m["values"], m["score"])
		}
	}
	return s.String()
}

func TestTuneRefuses(t *testing.T) {
	place(t, nil)
	must(t, 0, "tune", iris, "--trials", "1", "--epochs", "1", "--run", "search", "--quiet")
	before := listing(t)
	for args, words := range map[string][]string{
		"--trials 0":                    {"--trials"},
		"--strategy best":               {"--strategy"},
		"--search lr":                   {"--search", "lr"},
		"--search lr=0..1:log":          {"--search", "lr"},
		"--search nope=1|2":             {"--search", "nope"},
		"--search hidden=x|64":          {"hidden"},
		"--search seed=1..5:int":        {"--search", "--seed"},
		"--search lr=1|2 --search lr=3": {"--search", "--lr"},
		"--search no-bias=0..1":         {"--search", "--no-bias", "true|false"},
		"--search bias=true|x":          {"--search", "--bias x", "true or false"},
		"--search no-hidden=4|8":        {"--search", "--no-hidden"},
		"--validation none":             {"--validation"},
		"--epochs 0":                    {"--epochs"},
		"--hidden 4 --activation relu --lr 0.1 --weight-decay 0": {"--search"},
	} {
		for _, problem := range refused(call(append([]string{"tune", iris, "--quiet"}, strings.Fields(args)...)...), 2, words) {
			t.Errorf("%s: %s", args, problem)
		}
	}
	for _, problem := range refused(call("tune", iris, "--trials", "2", "--epochs", "1", "--run", "search", "--quiet"), 1, []string{"--run", "search", "another", "(trials differs)"}) {
		t.Error(problem)
	}
	held, err := lock.Take(filepath.Join("search", "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for _, problem := range refused(call("tune", iris, "--trials", "1", "--epochs", "1", "--run", "search", "--quiet"), 1, []string{"--run", "search", "in use by process"}) {
		t.Error(problem)
	}
	for _, problem := range refused(callWith("a,b\n1,2\n", "tune", "-"), 2, []string{"standard input"}) {
		t.Error(problem)
	}
	if changed := changes(before, listing(t)); changed != nil {
		t.Errorf("got the changed files %q, want none", changed)
	}
}

// TestTuneWholeNumbers: the range of a flag that takes whole numbers has only whole numbers, with or without :int.
func TestTuneWholeNumbers(t *testing.T) {
	place(t, nil)
	for _, search := range []string{"hidden=1..6", "batch-size=8..32:log", "patience=1..4", "warmup=0..1"} {
		args := []string{"tune", iris, "--trials", "3", "--epochs", "2", "--members", "1", "--strategy", "random", "--json", "--quiet", "-o", "m.safetensors", "--search"}
		short, long := must(t, 0, append(args, search)...), must(t, 0, append(args, search+":int")...)
		if a, b := sameTrials(parseJSON(t, short.out)), sameTrials(parseJSON(t, long.out)); a != b {
			t.Errorf("%s tries\n%s\nand with :int\n%s\nwant the same", search, a, b)
		}
	}
	r := must(t, 2, "tune", iris, "--trials", "1", "--epochs", "1", "--search", "hidden=1.5..6")
	if !strings.Contains(r.err, "--search hidden=1.5..6: ") {
		t.Error(r.err)
	}
}

// A trial is the call of train with the flags that it prints: a flag may turn an option off, and values are added to those of
// the call.
func TestTuneWith(t *testing.T) {
	parse := func(args ...string) *optionFlags {
		call, err := newParser(Std{Out: io.Discard, Err: io.Discard}).Parse(args)
		if err != nil {
			t.Fatal(err)
		}
		switch c := call.Selected().Target.Addr().Interface().(type) {
		case *tuneCmd:
			return &c.optionFlags
		case *trainCmd:
			return &c.optionFlags
		}
		panic("neither tune nor train")
	}
	args := []string{iris, "--ignore", "a", "--lr", "0.1"}
	base := &tuneCmd{tableFlags: tableFlags{optionFlags: *parse(append([]string{"tune"}, args...)...)}}
	before, err := base.options()
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"bias=false", "bias=YES", "no-bias=1", "no-bias=false", "hidden=4,8", "ignore=b,c", "lr=0.3", "calibrate=true"} {
		name, value, _ := strings.Cut(flag, "=")
		c, err := base.with(tune.Space{{Flag: name}}, []string{value})
		if err != nil {
			t.Errorf("--%s: %v", flag, err)
			continue
		}
		got, err := c.options()
		if err != nil {
			t.Errorf("--%s: %v", flag, err)
		}
		want, err := parse(slices.Concat([]string{"train"}, args, []string{"--" + flag})...).options()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("--%s: a trial has the options\n%+v\nand train\n%+v, %v", flag, got, want, err)
		}
	}
	if after, err := base.options(); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("trials have changed the call's options from\n%+v\nto\n%+v, %v", before, after, err)
	}
}
