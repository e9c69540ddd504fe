package cli

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/need"
	"github.com/gradus-ml/gradus/model"
	"github.com/nlpodyssey/safetensors"
)

func TestTrainJSON(t *testing.T) {
	place(t, nil)
	r := must(t, 0, "train", "--members", "1", iris, "--json", "--test", "0.2", "--epochs", "2")
	if !strings.HasPrefix(r.err, "epoch 1 of 2: loss ") {
		t.Errorf("progress does not go to standard error: %q", r.err)
	}
	o := parseJSON(t, r.out)
	for key, like := range map[string]any{
		"converged": false, "stop_reason": "", "epochs": 0., "steps": 0., "loss": 0., "seconds": 0., "samples_per_second": 0.,
		"metrics": map[string]any{}, "diagnosis": []any{}, "weights_sha256": "", "model": "", "seed": 0.,
	} {
		if got := o.at(t, key); fmt.Sprintf("%T", got) != fmt.Sprintf("%T", like) {
			t.Errorf("%s is a %T, want a %T", key, got, like)
		}
	}
	for _, part := range []string{"train", "validation", "test"} {
		for _, metric := range []string{"loss", "accuracy", "balanced_accuracy", "auc", "log_loss"} {
			o.number(t, "metrics", part, metric)
		}
	}
	if o["stop_reason"] != "epochs" || o["epochs"] != 2. || o["model"] != "iris.safetensors" || len(o["weights_sha256"].(string)) != 64 {
		t.Errorf(`got %v, want o["stop_reason"] = "epochs" and o["epochs"] = 2. and o["model"] = "iris.safetensors" and len(o["weights_sha256"].(string)) = 64`, r.out)
	}
	m, err := model.Load("iris.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if m.WeightsSHA256() != o["weights_sha256"] {
		t.Error("the weights in the file differ from weights_sha256")
	}
	sizes := o.number(t, "rows", "train") + o.number(t, "rows", "validation") + o.number(t, "rows", "test")
	if sizes != 150 || o.number(t, "rows", "test") != 30 {
		t.Errorf("got the rows %v, want 150 in all and 30 test rows", o.at(t, "rows"))
	}
}

func TestTrainRegressionMetrics(t *testing.T) {
	place(t, nil)
	o := trainQuietly(t, 0, diabetes, "--epochs", "3", "--test", "0.2")
	for _, part := range []string{"train", "validation", "test"} {
		rmse, mae := o.number(t, "metrics", part, "rmse"), o.number(t, "metrics", part, "mae")
		if o.number(t, "metrics", part, "r2") > 1 || mae > rmse || rmse < 10 || rmse > 500 { // in the target's own units
			t.Errorf("%s: got the rmse %v and the mae %v, want an rmse of 10 to 500 and a mae up to it", part, rmse, mae)
		}
	}
}

func TestTrainReport(t *testing.T) {
	place(t, nil)
	r := must(t, 0, "train", "--members", "1", penguins, "--epochs", "2", "--quiet", "--test", "0.2")
	if r.err != "" {
		t.Errorf("--quiet: got %q on standard error, want nothing", r.err)
	}
	for _, w := range []string{
		"Data     " + penguins + ": 344 rows, 7 columns (commas)\n", "Target   species (the last column; --target names another), multiclass: Adelie, Chinstrap, Gentoo\n",
		"sex (11 missing)", "Rows ", "Network ", "Descent ", "Trained  2 epochs (all that were allowed)", "commonest class (test)", "linear model (test)", "balanced_accuracy",
		"\nCompared log_loss of the test rows ", ", of a linear model ", ", of always guessing the",
		"True class (down) by predicted class (across), test rows", "The test rows were used only for these scores", "Model    penguins.safetensors\n", "Next     gradus predict penguins.safetensors",
	} {
		if !strings.Contains(r.out, w) {
			t.Errorf("the report lacks %q:\n%s", w, r.out)
		}
	}
	if r := must(t, 0, "train", "--members", "1", diabetes, "--epochs", "2", "--quiet"); !strings.Contains(r.out, "always the mean (validation)") || !strings.Contains(r.out, "somewhat too good; --test 0.2") {
		t.Errorf("the text is %q, want it to contain %q and %q", r.out, "always the mean (validation)", "somewhat too good; --test 0.2")
	}
}

// notebook holds flags with which a run reaches the notebook's tolerance.
var notebook = strings.Fields("--hidden 4 --activation sigmoid --output-activation sigmoid --loss half-squared --scale none --method batch --optimizer adam --lr 0.05")

func TestTrainStops(t *testing.T) {
	for _, c := range []struct {
		args      string
		code      int
		reason    string
		converged bool
	}{
		{"--tolerance 0.001 --epochs 20000", 0, "tolerance", true},
		{"--tolerance 0.001 --epochs 2", 3, "epochs", false},
		{"--target-loss 0.001 --epochs 20000", 0, "target-loss", true},
		{"--target-loss 0.000001 --epochs 2", 3, "epochs", false},
		{"--tolerance 0.001 --target-loss 0.001 --epochs 20000", 0, "target-loss", true},
		{"--epochs 3", 0, "epochs", false},
		{"--epochs 1000000000 --max-time 20ms", 0, "max-time", false},
		{"--tolerance 0.0001 --lr 1e-9 --epochs 1000000000 --max-time 5ms", 3, "max-time", false},
		{"--method per-sample --optimizer sgd --lr 5 --epochs 5000", 0, "tolerance", true},
		{"--method per-sample --tolerance 0.0001 --epochs 2", 3, "epochs", false},
	} {
		t.Run(c.args, func(t *testing.T) {
			place(t, nil)
			args := append(append([]string{"train", "--members", "1", seed, "--json", "--quiet", "-o", "m.safetensors"}, notebook...), strings.Fields(c.args)...)
			r := must(t, c.code, args...)
			o := parseJSON(t, r.out)
			if o["stop_reason"] != c.reason || o["converged"] != c.converged || o["model"] != "m.safetensors" {
				t.Errorf(`got %s, want o["stop_reason"] = c.reason and o["converged"] = c.converged and o["model"] = "m.safetensors"`, r.out)
			}
			if said := strings.Contains(r.err, "without reaching"); said != (c.code == 3) {
				t.Errorf("standard error says that the goal was not reached: got %v, want %v: %q", said, c.code == 3, r.err)
			}
			must(t, 0, "info", "m.safetensors")
		})
	}
}

// TestPatienceDefault: early stopping is on if there are validation rows, and off with
// --validation none, --tolerance and --target-loss.
func TestPatienceDefault(t *testing.T) {
	place(t, nil)
	for args, on := range map[string]bool{
		"": true, "--validation 0.3": true, "--test 0.3": true, "--method batch": true,
		"--validation none": false, "--tolerance 0.5": false, "--target-loss 0.01": false, "--patience 0": false,
		"--tolerance 0.5 --patience 7": true, "--target-loss 0.01 --patience 7": true, "--validation none --patience 7": false,
	} {
		r := call(append([]string{"train", "--members", "1", diabetes, "--json", "--quiet", "--epochs", "2", "-o", "m.safetensors"}, strings.Fields(args)...)...)
		o := parseJSON(t, r.out)
		if got := o.number(t, "options", "patience") > 0; got != on {
			t.Errorf("%q: got the patience %v, want it on: %v", args, o.at(t, "options", "patience"), on)
		}
		if best := o.at(t, "best_epoch") != nil; best != on {
			t.Errorf("%q: got the best epoch %v, want one: %v", args, o.at(t, "best_epoch"), on)
		}
	}
}

func TestPatienceStops(t *testing.T) {
	place(t, nil)
	o := trainQuietly(t, 0, diabetes, "--epochs", "10000", "--patience", "3", "--lr", "0.01", "--schedule", "constant")
	if o["stop_reason"] != "patience" || o.number(t, "best_epoch") != o.number(t, "epochs")-3 {
		t.Error(o["stop_reason"], o["best_epoch"], o["epochs"])
	}
}

// TestInterrupt sends a real signal to a real process.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs signals")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	place(t, nil)
	cmd := process(self, "train", "--members", "1", cancer, "--epochs", "10000000", "--patience", "0", "--json", "-o", "m.safetensors", "--run", "run")
	var out strings.Builder
	cmd.Stdout = &out
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if _, err := progress.Read(make([]byte, 100)); err != nil { // the first epoch is done
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Fatalf("got exit status %d, want 130", code)
	}
	o := parseJSON(t, out.String())
	m, err := model.Load("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if o["stop_reason"] != "interrupted" || m.Training.Reason != "interrupted" || m.Training.Epochs < 1 || m.WeightsSHA256() != o["weights_sha256"] {
		t.Errorf(`got %v, want o["stop_reason"] = "interrupted" and m.Training.Reason = "interrupted" and m.Training.Epochs >= 1 and m.WeightsSHA256() = o["weights_sha256"]`, out.String())
	}
	if h, err := readHistory("run/history.csv"); err != nil || len(h) == 0 {
		t.Error(err)
	}
}

// sum returns the checksum of the weights after a short run.
func sum(t *testing.T, args ...string) string {
	t.Helper()
	return trainQuietly(t, 0, append([]string{"-o", "sum.safetensors", "--epochs", "2"}, args...)...)["weights_sha256"].(string)
}

func TestReproducible(t *testing.T) {
	place(t, nil)
	one := sum(t, iris)
	if again := sum(t, iris, "--seed", "1"); again != one {
		t.Error("the same seed gives different weights")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if again := sum(t, iris); again != one {
		t.Error("another number of threads gives different weights")
	}
	for _, other := range []string{"--seed 2", "--no-shuffle", "--precision float64", "--hidden 8", "--batch-size 7", "--lr 0.05"} {
		if sum(t, append([]string{iris}, strings.Fields(other)...)...) == one {
			t.Errorf("%s changes nothing", other)
		}
	}
	if sum(t, iris, "--no-shuffle") != sum(t, iris, "--shuffle=false") {
		t.Error("--no-shuffle and --shuffle=false give different weights")
	}
}

// TestTestRows: only the seed decides which rows are test rows. The validation rows do not change their score.
func TestTestRows(t *testing.T) {
	place(t, nil)
	guess := func(args ...string) string {
		o := trainQuietly(t, 0, append([]string{diabetes, "--epochs", "1", "--test", "0.2", "-o", "m.safetensors"}, args...)...)
		return fmt.Sprint(o.at(t, "metrics", "test", "rmse"), o.at(t, "rows", "test"))
	}
	// These runs start from the same weights, have a rate that changes nothing, and are scored on the same rows.
	still := strings.Fields("--lr 1e-30 --scale none --init zeros --no-bias --activation identity --optimizer sgd")
	a, b := guess(append(still, "--validation", "none")...), guess(append(still, "--validation", "0.4")...)
	if a != b {
		t.Errorf("the score of the test rows is %s without validation rows and %s with them, want the same", a, b)
	}
	if c := guess(append(still, "--seed", "2")...); c == a {
		t.Error("another seed gives the same test rows, want different ones")
	}
}

func TestHeldOutFiles(t *testing.T) {
	place(t, map[string]string{
		"train.csv": rows(60, "a,y", number, cycle("u", "v")),
		"more.csv":  rows(20, "y,extra,a", cycle("u", "v"), number, number),
	})
	o := trainQuietly(t, 0, "train.csv", "--test", "more.csv", "--validation", "more.csv", "--epochs", "2")
	for part, want := range map[string]float64{"train": 60, "validation": 20, "test": 20} {
		if got := o.number(t, "rows", part); got != want {
			t.Errorf("got %v %s rows, want %v", got, part, want)
		}
	}
}

func TestFrom(t *testing.T) {
	place(t, nil)
	shape := []string{"--hidden", "5"}
	first := sum(t, append(shape, iris)...)
	keep(t, "sum.safetensors", "first.safetensors")
	still := append([]string{iris, "--lr", "1e-30", "--optimizer", "sgd"}, shape...)
	if got := sum(t, append(still, "--from", "first.safetensors")...); got != first {
		t.Error("training does not start from the weights of the model")
	}

	// Bare tensors, in both precisions.
	m, err := model.Load("first.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	net := m.Network64()
	inputs := uint64(net.Inputs())
	bare := map[string][]float64{
		"layers.0.weight": net.Weights(0).Data, "layers.0.bias": net.Bias(0),
		"layers.1.weight": net.Weights(1).Data, "layers.1.bias": net.Bias(1),
	}
	shapes := map[string][]uint64{"layers.0.weight": {inputs, 5}, "layers.0.bias": {5}, "layers.1.weight": {5, 3}, "layers.1.bias": {3}}
	writeTensors(t, "bare.safetensors", bare, shapes)
	if got := sum(t, append(still, "--from", "bare.safetensors")...); got != first {
		t.Error("training does not start from the bare tensors")
	}

	for _, problem := range refused(call("train", "--members", "1", penguins, "--hidden", "5", "--from", "bare.safetensors"), 1, []string{"bare.safetensors", "layers.0.weight", "shape", "needs"}) {
		t.Error(problem)
	}
	for name, change := range map[string]func(map[string][]float64, map[string][]uint64){
		"transposed": func(_ map[string][]float64, s map[string][]uint64) { s["layers.1.weight"] = []uint64{3, 5} },
		"flat":       func(_ map[string][]float64, s map[string][]uint64) { s["layers.1.weight"] = []uint64{15} },
		"missing":    func(w map[string][]float64, _ map[string][]uint64) { delete(w, "layers.1.bias") },
		"more": func(w map[string][]float64, s map[string][]uint64) {
			w["layers.2.bias"], s["layers.2.bias"] = w["layers.1.bias"], s["layers.1.bias"]
		},
		"nan": func(w map[string][]float64, _ map[string][]uint64) { w["layers.1.bias"] = []float64{0, math.NaN(), 0} },
	} {
		w, s := clone(bare), clone(shapes)
		change(w, s)
		path := name + ".safetensors"
		writeTensors(t, path, w, s)
		for _, problem := range refused(call(append([]string{"train", "--members", "1", "--from", path}, still...)...), 1, []string{path, "layers."}) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

func clone[V any](m map[string]V) map[string]V {
	out := map[string]V{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func keep(t *testing.T, from, to string) {
	t.Helper()
	writeFile(t, to, readFile(t, from))
}

// writeTensors writes bare float64 tensors.
func writeTensors(t *testing.T, path string, values map[string][]float64, shapes map[string][]uint64) {
	t.Helper()
	views := map[string]safetensors.TensorView{}
	for name, v := range values {
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		view, err := safetensors.NewTensorView(safetensors.F64, shapes[name], b)
		if err != nil {
			t.Fatal(err)
		}
		views[name] = view
	}
	b, err := safetensors.Serialize(views, nil)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(b))
}

// TestNames: the model's default name, and quoting for a shell.
func TestNames(t *testing.T) {
	for data, want := range map[string]string{
		"a.csv": "a.safetensors", "/x/y/a.b.tsv.gz": "a.b.safetensors", "a.csv.zst": "a.safetensors", "-": "model.safetensors",
		"train-images-idx3-ubyte.gz": "train-images-idx3.safetensors", "plain": "plain.safetensors",
	} {
		if got := defaultOut(paths{data}); got != want {
			t.Errorf("%s: got %s, want %s", data, got, want)
		}
	}
	for word, want := range map[string]string{"a-b_c.csv": "a-b_c.csv", "my file": "'my file'", "it's": `'it'\''s'`, "": "''"} {
		if got := shellWord(word); got != want {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
}

// TestTrainImages trains on IDX files and tests on others.
func TestTrainImages(t *testing.T) {
	train := need.Data(t, "images/mnist_tiny/train-images-idx3-ubyte.gz")
	test := filepath.Join(filepath.Dir(train), "t10k-images-idx3-ubyte.gz")
	place(t, nil)
	r := must(t, 0, "train", "--members", "1", train, "--test", test, "--epochs", "2", "--hidden", "16", "--quiet", "-o", "m.safetensors")
	if !strings.Contains(r.out, "4000 rows, 785 columns (IDX)") || !strings.Contains(r.out, "1000 test") {
		t.Errorf("the text is %q, want it to contain %q and %q", r.out, "4000 rows, 785 columns (IDX)", "1000 test")
	}
	o := parseJSON(t, must(t, 0, "evaluate", "m.safetensors", test, "--json").out)
	if o.number(t, "rows") != 1000 || o.number(t, "metrics", "accuracy") < 0.6 {
		t.Errorf(`got %v, want o.number("rows") = 1000 and o.number("metrics", "accuracy") >= 0.6`, o)
	}
}

// The diagnosis is in the JSON and in the report. For a healthy run the JSON has an empty list, and the report
// has no diagnosis.
func TestDiagnosisIsTold(t *testing.T) {
	place(t, nil)
	notebook := append(strings.Fields("--hidden 4 --activation sigmoid --output-activation sigmoid --no-bias --loss half-squared --reduction sum "+
		"--init uniform --method batch --optimizer sgd --lr 50 --epochs 40000 --tolerance 0.001 --scale none --precision float64 --seed 10 --quiet"), "-o", "m.safetensors")
	r := must(t, 3, append([]string{"train", "--members", "1", filepath.Join(examples, "notebook.csv"), "--json"}, notebook...)...)
	var got struct {
		Diagnosis []struct {
			Code, Evidence, Try string
			Layer               *int
			Epoch               *int
		}
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if d := got.Diagnosis; len(d) != 2 || d[0].Code != "dead-rows" || d[0].Layer == nil || *d[0].Layer != 0 || d[0].Epoch == nil ||
		d[1].Code != "oscillation" || d[1].Layer != nil || !strings.Contains(r.out, `"layer":null`) {
		t.Errorf("got the diagnosis %+v, want dead-rows in layer 0 and then oscillation", d)
	}
	r = must(t, 3, append([]string{"train", "--members", "1", filepath.Join(examples, "notebook.csv")}, notebook...)...)
	for _, want := range []string{"Diagnosis, causes first", "1. dead-rows: on " + filepath.Join(examples, "notebook.csv") + ":5 no activation", "2. oscillation: "} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
	r = must(t, 0, "train", "--members", "1", iris, "--quiet", "--json", "-o", "m.safetensors")
	if !strings.Contains(r.out, `"diagnosis":[]`) {
		t.Errorf("a healthy run: got %s, want no diagnosis", r.out)
	}
	if r = must(t, 0, "train", "--members", "1", iris, "--quiet", "-o", "m.safetensors"); strings.Contains(r.out, "Diagnosis") {
		t.Errorf("a healthy run: got %s, want no diagnosis", r.out)
	}
}

// TestWorseThanGuessing: the diagnosis of a model that is worse than a guess on validation or test rows has the
// finding worse-than-guessing. A better model does not have it.
func TestWorseThanGuessing(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(300, "y"+noiseNames(200), append([]func(int) string{func(i int) string {
		return cycle("a", "b")(int(parse(t, number(7*i+3)) * 10))
	}}, noiseColumns(200)...)...), "good.csv": rows(300, "x,y", number, func(i int) string { return map[bool]string{true: "a", false: "b"}[parse(t, number(i)) > 0.5] })})
	for flags, want := range map[string]string{
		"t.csv --target y": "validation rows",
		"t.csv --target y --validation none --test 0.3": "on the 90 test rows",
		"good.csv --test 0.3":                           "",
	} {
		o := trainQuietly(t, 0, append(strings.Fields(flags), "-o", "m.safetensors")...)
		found := ""
		for _, f := range o.at(t, "diagnosis").([]any) {
			if f := f.(map[string]any); f["code"] == "worse-than-guessing" {
				found = f["evidence"].(string)
			}
		}
		if (found == "") != (want == "") || !strings.Contains(found, want) {
			t.Errorf("%s: got the evidence %q, want %q", flags, found, want)
		}
	}
}

func noiseNames(n int) string {
	names := ""
	for i := range n {
		names += fmt.Sprintf(",x%d", i)
	}
	return names
}

func noiseColumns(n int) []func(int) string {
	columns := make([]func(int) string, n)
	for j := range columns {
		columns[j] = func(i int) string { return number(1000*j + i + 50000) }
	}
	return columns
}

// TestOutlierIsNamed: the diagnosis names one target of 1e9 among a thousand small ones. It has the line and the
// value in the target's units.
func TestOutlierIsNamed(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(1000, "x,y", number, func(i int) string {
		if i == 500 {
			return "1e9"
		}
		return number(i)
	})})
	for _, flags := range []string{"", "--epochs 2", "--lr 1e-6 --optimizer sgd"} {
		o := trainQuietly(t, 0, append([]string{"t.csv", "-o", "m.safetensors"}, strings.Fields(flags)...)...)
		all := o.at(t, "diagnosis").([]any)
		if len(all) == 0 {
			t.Errorf("%s: got no diagnosis, want target-outlier", flags)
			continue
		}
		first := all[0].(map[string]any)
		if first["code"] != "target-outlier" || !strings.Contains(first["evidence"].(string), "t.csv:502 has 1e+09") {
			t.Errorf("%s: got the diagnosis %v, want target-outlier first", flags, all)
		}
	}
}

// TestConstantTarget: there is nothing to learn, so one epoch is enough, and the model predicts the constant.
func TestConstantTarget(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(100, "x,y", number, always("7.25"))})
	o := trainQuietly(t, 0, "t.csv", "-o", "m.safetensors")
	if o.number(t, "epochs") != 1 || o.number(t, "metrics", "train", "rmse") != 0 {
		t.Errorf("got %v epochs and the rmse %v, want 1 and 0", o.number(t, "epochs"), o.number(t, "metrics", "train", "rmse"))
	}
	if notes := fmt.Sprint(o.at(t, "notes")); !strings.Contains(notes, `The target "y" is 7.25 in every training row: there is nothing to learn.`) {
		t.Errorf("the text is %q, want it to contain %q", notes, `The target "y" is 7.25 in every training row: there is nothing to learn.`)
	}
	_, p := predictions(t, must(t, 0, "predict", "m.safetensors", "t.csv").out)
	for _, r := range p {
		if r[0] != "7.25" {
			t.Fatalf("got the prediction %s, want 7.25", r[0])
		}
	}
	if o := trainQuietly(t, 0, "t.csv", "-o", "m.safetensors", "--epochs", "3", "--validation", "none"); o.number(t, "epochs") != 3 {
		t.Errorf("got %v epochs, want the 3 of --epochs", o.number(t, "epochs"))
	}
	// This holds for any loss, output, optimizer and depth.
	place(t, map[string]string{
		"t.csv":    rows(100, "x,y", number, always("0.75")),
		"many.csv": rows(100, "x,z,y", number, func(i int) string { return fmt.Sprint(i * 7 % 13) }, always("150")),
		"one.csv":  rows(100, "x,y", number, always("yes")),
	})
	for _, flags := range []string{
		"--loss poisson", "--loss gamma", "--loss tweedie --hidden 0", "--loss huber --scale none", "--loss quantile:0.9", "--loss absolute",
		"--loss poisson --output-activation softplus --optimizer lbfgs", "--output-activation sigmoid --loss binary-cross-entropy",
		"--output-activation tanh --optimizer sgd", "--output-activation relu --method batch", "--loss poisson --precision float64 --norm batch",
		"--output-activation gelu --dropout 0.5",
	} {
		o := trainQuietly(t, 0, append([]string{"t.csv", "-o", "m.safetensors"}, strings.Fields(flags)...)...)
		if o.number(t, "epochs") != 1 || o.number(t, "metrics", "train", "rmse") > 1e-6 || len(o.at(t, "diagnosis").([]any)) > 0 {
			t.Errorf("%s: got %v epochs, the rmse %v and the diagnosis %v, want 1, 0 and none", flags, o.number(t, "epochs"), o.number(t, "metrics", "train", "rmse"), o.at(t, "diagnosis"))
		}
	}
	// If no bias can give the constant, the network is trained, and the output says so.
	for flags, want := range map[string]string{
		"--no-bias --scale none":                              `The network has no biases, so it is trained all the same to say "y".`,
		"--output-activation elu:0.5 --target z,y --epochs 2": `The target "y" is 150 in every training row`,
	} {
		file := "t.csv"
		if strings.Contains(flags, "z,y") {
			file = "many.csv"
		}
		o := trainQuietly(t, 0, append([]string{file, "-o", "m.safetensors"}, strings.Fields(flags)...)...)
		if o.number(t, "epochs") < 2 || !strings.Contains(fmt.Sprint(o.at(t, "notes")), want) {
			t.Errorf("%s: got %v epochs and the notes %v, want at least 2 and %q", flags, o.number(t, "epochs"), o.at(t, "notes"), want)
		}
	}
	// If one of several targets never changes, it is predicted exactly, and the others are learned.
	o = trainQuietly(t, 0, "many.csv", "--target", "z,y", "-o", "m.safetensors")
	outputs := o.at(t, "metrics", "train", "outputs").([]any)
	if rmse := object(outputs[1].(map[string]any)).number(t, "rmse"); o.number(t, "epochs") < 2 || rmse > 1e-4 {
		t.Errorf("got %v epochs and the rmse %v of the constant target, want at least 2 and at most 1e-4", o.number(t, "epochs"), rmse)
	}
	if r := call("train", "one.csv"); r.code == 0 || !strings.Contains(r.err, `has a single class, "yes"`) {
		t.Errorf("a single class: got %s, want a refusal", r.err)
	}
}
