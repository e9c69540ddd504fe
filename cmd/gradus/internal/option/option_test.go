package option

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// Every JSON field of model.Options is in the table once, and its flag has the same name.
func TestTableIsComplete(t *testing.T) {
	fields := reflect.VisibleFields(reflect.TypeFor[model.Options]())
	found := 0
	for _, f := range fields {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "-" {
			continue
		}
		p := OfField(f.Name)
		if p == nil {
			t.Errorf("model.Options.%s is not in the table", f.Name)
			continue
		}
		found++
		name := p.Name
		if p.Off {
			name = "no-" + name
		}
		if name != strings.ReplaceAll(key, "_", "-") {
			t.Errorf("%s: the flag is %s, JSON says %s", f.Name, name, key)
		}
		if !strings.HasSuffix(p.Help, ".") || p.Label != "" && p.Hint == "" {
			t.Errorf("%s: no help", p.Name)
		}
	}
	if found != len(all) {
		t.Errorf("%d entries for %d fields", len(all), found)
	}
}

// examples are values that are not the default.
var examples = map[string]string{
	"target": `"a,b",c`, "task": "binary", "positive": "yes", "types": "a=category,b=date", "ignore": "a,b", "missing": "none", "decimal": ",",
	"date-format": "a=%d/%m", "scale": "robust", "recipe": "wide", "hidden": "3,2", "activation": "tanh", "output-activation": "exp", "bias": "off",
	"norm": "layer", "init": "he", "seed": "9", "loss": "huber:2", "reduction": "sum", "class-weight": "a=2,b=3", "label-smoothing": "0.1", "interval": "0.9",
	"method": "batch", "batch-size": "7", "optimizer": "lion", "lr": "0.5", "momentum": "0.25", "beta1": "0.5", "beta2": "0.75", "epsilon": "0.001",
	"schedule": "cosine", "warmup": "3", "shuffle": "off", "block-rows": "64", "buffer-blocks": "8", "dropout": "0.5", "input-dropout": "0.25", "l1": "0.1", "l2": "0.2", "weight-decay": "0.3",
	"max-norm": "1", "clip-norm": "2", "clip-value": "3", "ema": "0.9", "epochs": "11", "max-time": "1m30s", "tolerance": "0.5", "target-loss": "-1",
	"patience": "0", "min-delta": "0.5", "on-divergence": "halve-lr", "precision": "float64", "threads": "2", "shards": "3", "validation": "none",
	"test": "0.25", "split": "time:a", "group": "g", "sample-weight": "w", "metric": "auc,f1", "calibrate": "on", "shrink": "on", "threshold": "0.25", "members": "4",
}

// Text writes what Set reads. An empty text gives the zero value, and a default does not count as given.
func TestTextRoundTrip(t *testing.T) {
	for _, p := range all {
		text, ok := examples[p.Name]
		if !ok {
			t.Errorf("%s: the test has no example", p.Name)
			continue
		}
		var o model.Options
		if p.Default != "" {
			if err := p.Set(&o, p.Default); err != nil || p.Text(&o) != p.Default {
				t.Errorf("%s: the default %q is %q (%v)", p.Name, p.Default, p.Text(&o), err)
			}
			if v, given := p.Given(&o); given {
				t.Errorf("%s: the default counts as given: %q", p.Name, v)
			}
		}
		if err := p.Set(&o, text); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if got, given := p.Given(&o); got != text || !given {
			t.Errorf("%s: %q becomes %q, given %v", p.Name, text, got, given)
		}
		if p.Code(&o) == "" {
			t.Errorf("%s: there is no Go code for %q", p.Name, text)
		}
		if p.Name == "seed" { // a seed is always given
			continue
		}
		if p.IsBool() {
			text = "off"
			if p.Off {
				text = "on"
			}
		} else {
			text = ""
		}
		if err := p.Set(&o, text); err != nil || p.Code(&o) != "" {
			t.Errorf("%s: %q leaves %q (%v)", p.Name, text, p.Code(&o), err)
		}
		if p.Name != "hidden" && !reflect.DeepEqual(o, model.Options{}) {
			t.Errorf("%s: %q leaves %+v", p.Name, text, o)
		}
	}
}

// Set refuses a text that is no value of its option, and model.Options.Validate refuses a value out of range.
func TestSetRefuses(t *testing.T) {
	for name, texts := range map[string][]string{
		"lr": {"x", "NaN", "Inf", "1,2"}, "l1": {"x", "-Inf"}, "epochs": {"0", "-1", "1.5", "x"}, "warmup": {"-1"}, "patience": {"-1", "x"},
		"max-time": {"0s", "-1s", "5"}, "hidden": {"x", "-1", "3,0"}, "task": {"guess"}, "scale": {"big"}, "types": {"a", "a=word"},
		"target": {`"a`}, "seed": {"", "-1", "x"}, "calibrate": {"maybe"}, "validation": {"half"},
	} {
		for _, text := range texts {
			var o model.Options
			if Named(name).Set(&o, text) == nil && o.Validate() == nil {
				t.Errorf("--%s %s is accepted, want an error", name, text)
			}
		}
	}
}

// A default named in the table or in a help text is in force: naming it trains the same weights.
func TestDefaultsAreInForce(t *testing.T) {
	table := func(name string) *data.Table {
		t.Helper()
		b, err := data.Read("../../../../examples/data/"+name, data.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	weights := func(on *data.Table, o model.Options, p *Option, value string) string {
		t.Helper()
		o.Epochs = 2
		if p != nil {
			if err := p.Set(&o, value); err != nil {
				t.Fatalf("--%s %s: %v", p.Name, value, err)
			}
		}
		m, _, err := model.Train(context.Background(), on, o)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		return m.WeightsSHA256()
	}
	iris := table("iris.csv")
	plain := model.Options{Seed: 1}
	says := regexp.MustCompile(`Default: ([\w.]*\w)`)
	words := map[string]bool{"as": true, "the": true, "by": true, "detected": true, "a": true, "half": true, "all": true}
	tried := map[string]bool{}
	is := func(p *Option, value string) {
		t.Helper()
		if weights(iris, plain, p, value) != weights(iris, plain, nil, "") {
			t.Errorf("--%s %s is not the default", p.Name, value)
		}
		tried[p.Name] = true
	}
	for _, p := range all {
		if p.Default != "" {
			is(p, p.Default)
		}
		if m := says.FindStringSubmatch(p.Help); m != nil && !words[m[1]] && !p.OfRule && p.Name != "lr" && p.Name != "weight-decay" && p.Name != "threshold" {
			is(p, m[1])
		}
		if p.Shown != "" {
			is(p, p.Shown)
		}
	}
	is(Named("shuffle"), "on")
	is(Named("bias"), "on")
	is(Named("members"), "1") // in the library; a command goes by --preset
	for _, name := range []string{"members", "dropout", "test", "norm", "split", "hidden", "loss", "precision", "ema"} {
		if !tried[name] {
			t.Errorf("--%s names no default", name)
		}
	}

	// These are the defaults of the optimizers.
	diabetes := table("diabetes.csv")
	for rule, defaults := range map[string]map[string]string{
		"sgd": {"lr": "0.01", "weight-decay": "0"}, "momentum": {"lr": "0.01", "momentum": "0.9"}, "nesterov": {"lr": "0.01", "momentum": "0.9"},
		"adagrad": {"lr": "0.01", "epsilon": "1e-10"}, "adadelta": {"lr": "1", "beta2": "0.9", "epsilon": "1e-6"},
		"rmsprop": {"lr": "0.01", "beta2": "0.99", "epsilon": "1e-8", "momentum": "0"},
		"adam":    {"lr": "0.001", "beta1": "0.9", "beta2": "0.999", "epsilon": "1e-8"},
		"amsgrad": {"lr": "0.001", "beta1": "0.9", "beta2": "0.999", "epsilon": "1e-8"},
		"nadam":   {"lr": "0.002", "beta1": "0.9", "beta2": "0.999", "epsilon": "1e-8"},
		"adamw":   {"lr": "0.001", "beta1": "0.9", "beta2": "0.999", "epsilon": "1e-8", "weight-decay": "0.01"},
		"lion":    {"lr": "0.0001", "beta1": "0.9", "beta2": "0.99"},
		"auto":    {"beta2": "0.95", "weight-decay": "0.1", "schedule": "cosine"},
	} {
		o := model.Options{Seed: 1, Optimizer: rule}
		for name, value := range defaults {
			if p := Named(name); !strings.Contains(p.Help+Named("optimizer").Help, value) {
				t.Errorf("help of --%s does not say %s", name, value)
			} else if weights(iris, o, p, value) != weights(iris, o, nil, "") {
				t.Errorf("--optimizer %s: --%s %s is not the default", rule, name, value)
			}
		}
		if rule == "auto" {
			continue
		}
		o.LearningRate = nil
		if p := Named("schedule"); weights(iris, o, p, "constant") != weights(iris, o, nil, "") {
			t.Errorf("--optimizer %s: the schedule is not constant", rule)
		}
	}
	auto := model.Options{Seed: 1}
	for _, c := range []struct {
		on   *data.Table
		rate string
	}{{iris, "0.003"}, {diabetes, "0.01"}} {
		if weights(c.on, auto, Named("lr"), c.rate) != weights(c.on, auto, nil, "") {
			t.Errorf("the rate of the optimizer auto is not %s on %s", c.rate, c.on.Name())
		}
	}
}

func TestRemediesAreWrittenAsFlags(t *testing.T) {
	found := Findings([]diagnosis.Finding{{Code: diagnosis.DeadRows, Remedies: []train.Remedy{
		{Option: "LearningRate", Value: "0.1"},
		{Option: "NoBias", Value: "false"},
		{Option: "Init", Value: "auto", Advice: "if the weights began so"},
		{Option: "Ignore", Value: "a, b"},
		{Advice: "fewer hidden layers"},
	}}})
	const want = `--lr 0.1, or --bias, or --init auto if the weights began so, or --ignore '"a, b"', or fewer hidden layers`
	if len(found) != 1 || found[0].Try != want || found[0].Code != diagnosis.DeadRows {
		t.Errorf("got %+v, want %q", found, want)
	}
}

func TestDivergenceSpeaksOfTheFlag(t *testing.T) {
	err := fmt.Errorf("member 2: %w", &train.DivergedError{Epoch: 1, Step: 3, Layer: -1, Loss: math.Inf(1), LearningRate: 9, Remedies: []train.Remedy{{Option: "LearningRate", Value: "0.9"}}})
	if got := Words(err, Flag); !strings.HasPrefix(got, "member 2: training diverged: ") || !strings.HasSuffix(got, "try a smaller learning rate, --lr 0.9") {
		t.Errorf(`got %v, want it to begin with "member 2: training diverged: " and end with "try a smaller learning rate, --lr 0.9"`, got)
	}
	if got := err.Error(); !strings.HasSuffix(got, "try a smaller learning rate, LearningRate 0.9") {
		t.Errorf(`got %v, want it to end with "try a smaller learning rate, LearningRate 0.9"`, got)
	}
}
