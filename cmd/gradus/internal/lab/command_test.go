package lab

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
)

// For any form, its command line and its Go program train the same weights.
func TestCommandAndProgramComeToTheSameBits(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a program; not with -short")
	}
	dir := t.TempDir()
	gradus := buildGradus(t)
	own := "a,b,the 'name',\"one, two\",class\n"
	for i := range 60 {
		own += strings.Join([]string{exact(float64(i%7) / 3), []string{"x", "y", "?"}[i%3], exact(float64(i*i%11) - 3), exact(float64(i * i % 13)), []string{"no", "yes"}[i/3%2]}, ",") + "\n"
	}
	read, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(own)})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		example string
		change  map[string]string
	}{
		{"notebook", map[string]string{"epochs": "50"}},
		{"notebook-per-sample", map[string]string{"epochs": "20"}},
		{"circles", map[string]string{"epochs": "3", "validation": "0.25", "precision": "float32", "schedule": "step:1:0.5", "bias": "off"}},
		{"", map[string]string{"epochs": "4", "test": "0.2", "type:a": "category", "hidden": "5,3", "optimizer": "auto", "lr": "", "scale": "auto", "shuffle": "off"}},
		{"circles", map[string]string{"epochs": "3", "norm": "batch", "dropout": "0.3", "input-dropout": "0.1", "momentum": "0.7", "l1": "0.001", "l2": "0.01", "max-norm": "2", "warmup": "1"}},
		{"", map[string]string{"epochs": "3", "norm": "layer", "optimizer": "adam", "beta1": "0.8", "beta2": "0.99", "epsilon": "1e-6", "weight-decay": "0.1", "clip-norm": "0.5", "clip-value": "0.1", "class-weight": "no=3,yes=0.5", "precision": "float32"}},
		{"", map[string]string{"epochs": "3", "optimizer": "rmsprop", "momentum": "0.5", "class-weight": "balanced", "sample-weight": "a", "target": "class", "loss": "focal:1.5", "schedule": "one-cycle"}},
		{"", map[string]string{"epochs": "3", "optimizer": "nadam", "target": "one\\, two", "loss": "huber:0.5"}},
		{"", map[string]string{"epochs": "3", "label-smoothing": "0.2", "split": "time:one, two", "validation": "0.2", "optimizer": "sgd", "lr": "0.1"}},
		{"", map[string]string{"epochs": "3", "target": "b", "label-smoothing": "0.2", "group": "a", "test": "0.3", "precision": "float32"}},
		{"", map[string]string{"epochs": "3", "target": "a", "task": "multiclass"}},
		{"circles", map[string]string{"epochs": "3", "members": "4", "member": "2", "validation": ""}},
		{"notebook", map[string]string{"epochs": "5", "members": "3", "member": "1"}},
		{"notebook", map[string]string{"epochs": "9", "optimizer": "lbfgs", "lr": "", "l2": "0.001", "target-loss": "-1", "tolerance": ""}},
	}
	at := filepath.Join("testdata", "programs")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(at)
	var calls, sums []string
	for i, c := range cases {
		s := newSession(t, Examples()[0].Name)
		if c.example != "" {
			err = s.LoadExample(c.example)
		} else {
			err = s.Load(ownSetup(), read)
		}
		if err == nil {
			err = s.Change(c.change)
		}
		if err != nil {
			t.Fatal(err)
		}
		file := fmt.Sprintf("table %d.csv", i)
		var table bytes.Buffer
		if err := WriteTable(&table, s.table); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), table.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := s.Goto(ctx, 1<<30); err != nil {
			t.Fatal(err)
		}
		m, err := s.Model(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f := s.Frame()
		command := f.Setup.Command(file, f.Fit.Rows.Validation > 0)
		cmd := exec.Command("bash", "-c", command+" --json --quiet --out m.safetensors")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(gradus)+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.Output()
		if len(out) == 0 { // status 3 means that a tolerance was not reached
			t.Fatalf("%s: %v", command, err)
		}
		if f.Setup.Options.Members > 1 { // the page shows one of them
			all, err := model.Load(filepath.Join(dir, "m.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			out = []byte(all.Members()[f.Setup.Member].WeightsSHA256())
		}
		if !bytes.Contains(out, []byte(m.WeightsSHA256())) {
			t.Errorf("%s\ngives weights that differ from the page's: %s", command, out)
		}
		source := f.Setup.Program(filepath.Join(dir, file), filepath.Join(dir, "p.safetensors"))
		if formatted, err := format.Source([]byte(source)); err != nil || string(formatted) != source {
			t.Errorf("the program is not formatted (%v):\n%s", err, source)
		}
		one := fmt.Sprintf("program%d", i) // all programs become one, which is compiled once
		if err := os.WriteFile(filepath.Join(at, one+".go"), []byte(strings.Replace(source, "func main()", "func "+one+"()", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		calls, sums = append(calls, "\t"+one+"()"), append(sums, m.WeightsSHA256())
	}
	all := "package main\n\nfunc main() {\n" + strings.Join(calls, "\n") + "\n}\n"
	if err := os.WriteFile(filepath.Join(at, "main.go"), []byte(all), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command("go", "run", "./"+at).CombinedOutput()
	if err != nil {
		t.Fatalf("the programs: %v\n%s", err, got)
	}
	lines := strings.Split(strings.TrimSpace(string(got)), "\n")
	for i, sum := range sums {
		if i >= len(lines) || !strings.HasSuffix(lines[i], sum) {
			t.Errorf("program %d: want the page's weights %s, got\n%s", i, sum, got)
		}
	}
}

// Every field of the form is a flag. It changes the setup, comes back from a link
// unchanged, and is in the command and in the program.
func TestEveryFieldIsCarried(t *testing.T) {
	example := map[string]string{
		"hidden": "5,3", "activation": "elu", "output-activation": "tanh", "bias": "off", "norm": "layer", "init": "he", "seed": "9",
		"loss": "absolute", "reduction": "sum", "class-weight": "no=2", "method": "mini-batch", "batch-size": "7", "optimizer": "rmsprop", "lr": "0.5",
		"momentum": "0.25", "beta1": "0.7", "beta2": "0.75", "epsilon": "0.001", "schedule": "cosine", "warmup": "2", "shuffle": "off",
		"dropout": "0.2", "input-dropout": "0.125", "l1": "0.01", "l2": "0.02", "weight-decay": "0.03", "max-norm": "3", "clip-norm": "4", "clip-value": "5",
		"epochs": "11", "tolerance": "0.06", "target-loss": "-0.07", "target": `"a,b",c`, "scale": "robust", "validation": "none", "test": "0.1875",
		"sample-weight": "w", "label-smoothing": "0.1", "task": "regression", "split": "time:t", "group": "g", "precision": "float64", "members": "3",
	}
	rule := map[string]string{"beta1": "adam"} // rmsprop has none
	for _, f := range fields {
		v, ok := example[f.Name]
		if !ok {
			t.Errorf("%s: the test has no example", f.Name)
			continue
		}
		values := map[string]string{f.Name: v}
		if f.OfRule {
			values["optimizer"] = cmp.Or(rule[f.Name], "rmsprop")
		}
		bare := Setup{}
		bare.Options.Seed = 1
		s, err := bare.With(values)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if err := s.shown(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		back, err := ParseLink(s.Link())
		if err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(s)
		b, _ := json.Marshal(back)
		if !bytes.Equal(a, b) || back.Values()[f.Name] != v {
			t.Errorf("%s: a link gives the setup %s, want %s", f.Name, b, a)
		}
		flag := "--" + f.Name
		if f.Off {
			flag = "--no-" + f.Name
		}
		if f.Name == "members" { // a run of one network has the flag
			flag += " " + v
		}
		command, program := s.Command("t.csv", false), s.Program("t.csv", "m")
		if !strings.Contains(command, " "+flag) || strings.Contains(bare.Command("t.csv", false), flag) {
			t.Errorf("%s: the flag is missing from the command, or is in the one without it: %s", f.Name, command)
		}
		if !strings.Contains(program, "\t"+f.Field+": ") {
			t.Errorf("%s: the program lacks %s:\n%s", f.Name, f.Field, program)
		}
	}
}

// The former optimizer's hyperparameters do not block the choice of a new one.
func TestOptimizersOwnNumbersGoWithIt(t *testing.T) {
	s := newSession(t, "circles")
	for _, values := range []map[string]string{
		{"optimizer": "momentum", "momentum": "0.5"}, {"optimizer": "adam"}, {"beta1": "0.8", "beta2": "0.9"}, {"optimizer": "sgd"}, {"optimizer": "lbfgs", "lr": "", "batch-size": ""},
	} {
		if err := s.Change(values); err != nil {
			t.Errorf("%v: %v", values, err)
		}
	}
	if o := s.Frame().Setup.Options; o.Momentum != nil || o.Beta1 != nil || o.Beta2 != nil {
		t.Errorf("with lbfgs the options are %+v, want no momentum, beta1 or beta2", o)
	}
	if err := s.Change(map[string]string{"optimizer": "sgd", "momentum": "0.5"}); err == nil || !strings.Contains(err.Error(), "momentum") {
		t.Errorf("sgd with a momentum: got %v, want an error about the momentum", err)
	}
}

// The page's chain rule, race and gradients use smoothed labels as targets. Its
// scores and its confusion matrix still count classes.
func TestSmoothedLabels(t *testing.T) {
	s := newSession(t, "circles")
	if err := s.Change(map[string]string{"label-smoothing": "0.2", "method": "batch", "schedule": "constant", "precision": "float64", "epochs": "5"}); err != nil {
		t.Fatal(err)
	}
	e, err := s.Frame().Explain()
	if err != nil {
		t.Fatal(err)
	}
	if y := e.Outputs[0].Target; y != 0.1 && y != 0.9 {
		t.Errorf("the smoothed target is %v, want 0.1 or 0.9", y)
	}
	raced, err := race(raceMethods)(ctx, s.Frame())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Goto(ctx, 5); err != nil {
		t.Fatal(err)
	}
	f := s.Frame()
	if lane := raced.(*Raced).Last(0).Loss; lane != f.Loss {
		t.Errorf("the lane with the run's own method ends at the loss %v, want the run's %v", lane, f.Loss)
	}
	fitted, err := f.Fitted()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0.0
	for _, row := range fitted.Report.Confusion {
		for _, n := range row {
			counted += n
		}
	}
	if counted != float64(f.Training.X.Rows) {
		t.Errorf("the confusion matrix counts %v rows, want %d", counted, f.Training.X.Rows)
	}
}

// A link that asks for a calibration, or for a network that does not exist, is refused with the reason.
func TestLinkIsRefusedWithTheReason(t *testing.T) {
	s := newSession(t, "circles")
	for _, c := range []struct {
		change func(s *Setup)
		says   string
	}{
		{func(s *Setup) { s.Options.Calibrate = true }, "divides the logits after a run has ended"},
		{func(s *Setup) { s.Options.Members, s.Member = 5, 5 }, "there is no network 5; give 0 to 4"},
		{func(s *Setup) { s.Options.Members, s.Member = 5, -1 }, "there is no network -1; give 0 to 4"},
		{func(s *Setup) { s.Member = 1 }, "there is no network 1; give 0 to 0"},
		{func(s *Setup) { s.Options.Members = 33 }, "the ensemble has 33 networks and the page takes 32"},
		{func(s *Setup) { s.Options.Members = model.AutoMembers }, "Networks"},
	} {
		setup := s.Frame().Setup
		c.change(&setup)
		if err := s.Load(setup, s.table); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got the error %v, want one that says %q", err, c.says)
		}
	}
	setup := s.Frame().Setup
	setup.Options.Members = 1 // as without the flag
	if err := s.Load(setup, s.table); err != nil {
		t.Error(err)
	}
}

// The page lists all inputs made from a column: its pieces and the means of its levels.
func TestColumnsSayWhatTheNetworkSees(t *testing.T) {
	s := odd(t, "a,store,y", 3000, func(i int) string {
		return exact(float64(i%50)) + ",s" + exact(float64(i%500)) + "," + exact(float64(i%50*(i%50)+i%500*3)/7)
	})
	if err := s.Change(map[string]string{"scale": "pieces"}); err != nil {
		t.Fatal(err)
	}
	f := s.Frame()
	says := map[string]string{}
	for _, row := range (panelData{f}).Columns() {
		says[row.Name] = row.Encoded
	}
	for _, in := range f.Fit.Encoding.Inputs {
		if in.Name == "a" {
			if n := len(in.Pieces) - 1; n < 1 || !strings.Contains(says["a"], "; and its place in "+plural.Of(n, "piece")) {
				t.Errorf("for %d pieces the page says %q", n, says["a"])
			}
		} else if len(in.Means) == 0 || !strings.Contains(says["store"], "mean of the target") || !strings.Contains(says["store"], "244 others") {
			t.Errorf("for %d levels and %d means the page says %q", len(in.Levels), len(in.Means), says["store"])
		}
	}
}

// A link with an option that the page does not have is refused by the option's name.
func TestLinkWithMoreThanTheForm(t *testing.T) {
	s := newSession(t, "circles")
	setup := s.Frame().Setup
	setup.Options.EMA, setup.Options.Metrics, setup.Options.OnDivergence = 0.9, []string{"auc"}, "halve-lr"
	err := s.Load(setup, s.table)
	if err == nil || !strings.Contains(err.Error(), "asks for --ema, --metric, --on-divergence, which") {
		t.Errorf("got the error %v, want one that names --ema, --metric and --on-divergence", err)
	}
}

// built is the program, compiled when the first test needs it.
var built struct {
	once sync.Once
	path string
	err  error
}

// buildGradus returns the program's path. TestMain removes it.
func buildGradus(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "gradus")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "gradus")
		if out, err := exec.Command("go", "build", "-o", built.path, "../..").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("built.err = %v, want nil", built.err)
	}
	return built.path
}
