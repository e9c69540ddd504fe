package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/export"
	"github.com/gradus-ml/gradus/model"
)

// Every command that takes a model or a run accepts an ensemble.
func TestMembers(t *testing.T) {
	place(t, nil)
	r := must(t, 0, "train", penguins, "--members", "3", "--test", "0.2", "--run", "run", "-o", "m.safetensors", "--epochs", "30")
	for _, want := range []string{"3 networks, 14 - 64 relu", "out-of-fold", "member 2", "Out of fold, a row is predicted by members that were not trained on it", "275 training, 69 test"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("train does not say %q:\n%s", want, r.out)
		}
	}
	if strings.Count(r.err, " of 3 members)") != 3 {
		t.Errorf("got the progress\n%s\nwant one line for each of 3 members", r.err)
	}
	m, err := model.Load("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var result trainJSON
	if err := json.Unmarshal([]byte(readFile(t, "run/result.json")), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Members) != 3 || result.WeightsSHA256 != m.WeightsSHA256() || result.Metrics.OutOfFold == nil || result.Options.Members != 3 {
		t.Errorf("got %d members in result.json, want 3 with the weights and scores of the model", len(result.Members))
	}
	for k, member := range result.Members {
		if member.Member != k || member.WeightsSHA256 != m.Members()[k].WeightsSHA256() || member.OutOfFold == nil || member.Test == nil {
			t.Errorf("got member %d as %+v, want the weights of the model and its scores", k, member)
		}
	}
	info := must(t, 0, "info", "m.safetensors")
	if !strings.Contains(info.out, "3 networks") || !strings.Contains(info.out, "member 1") {
		t.Errorf("the text is %q, want it to contain %q and %q", info.out, "3 networks", "member 1")
	}
	if o := parseJSON(t, must(t, 0, "info", "m.safetensors", "--json").out); len(o["members"].([]any)) != 3 {
		t.Error("info --json does not have 3 members")
	}
	o := parseJSON(t, must(t, 0, "evaluate", "m.safetensors", penguins, "--json").out)
	if o.number(t, "rows") == 0 {
		t.Error("evaluate used no rows")
	}
	must(t, 0, "predict", "m.safetensors", penguins, "-o", "p.csv")
	must(t, 0, "importance", "m.safetensors", penguins, "--repeats", "1", "--run", "worth")
	must(t, 0, "plot", "run", "-o", "curves.svg")
	if text := readFile(t, "curves.svg"); !strings.Contains(text, "member 2") {
		t.Error("the curves lack a member")
	}
	must(t, 0, "plot", "m.safetensors", "-o", "curves2.svg", "--what", "curves")
	must(t, 0, "plot", "m.safetensors", "-o", "net.svg", "--member", "2")
	if text := readFile(t, "net.svg"); !strings.Contains(text, "Member 2 of the 3 networks") {
		t.Error("the picture does not say which member it shows")
	}
	must(t, 0, "report", "run", "-o", "report.html")
	if text := readFile(t, "report.html"); !strings.Contains(text, "The model is the mean of 3 networks") || !strings.Contains(text, "out-of-fold") {
		t.Error("the report does not say that the model is an ensemble")
	}
	for _, member := range []string{"0", "2"} {
		if r := must(t, 0, "explain", "m.safetensors", penguins, "--row", "0", "--member", member); !strings.Contains(r.out, "This is member "+member+" of the 3 networks of m.safetensors") {
			t.Errorf(`got %v, want "This is member "+member+" of the 3 networks of m.safetensors" in r.out`, r.out[:200])
		}
	}
	if r := must(t, 0, "explain", "m.safetensors", penguins, "--row", "0"); !strings.Contains(r.out, "This is member 0") {
		t.Error("explain does not say which member it explains")
	}
	for _, args := range [][]string{{"-o", "one.onnx", "--net"}, {"-o", "one.npz"}, {"-o", "tensors.safetensors", "--bare"}} {
		if r := must(t, 1, append([]string{"export", "m.safetensors"}, args...)...); !strings.Contains(r.err, "m.safetensors is the mean of 3 networks, and "+args[1]+" can hold only one: choose it with --member N") {
			t.Errorf("the text is %q, want it to contain %q", r.err, "m.safetensors is the mean of 3 networks, and "+args[1]+" can hold only one: choose it with --member N")
		}
	}
	for _, file := range []string{"mean.onnx", "mean.go", "mean.c"} {
		if r := must(t, 0, "export", "m.safetensors", "-o", file); strings.Contains(r.out, "It holds") {
			t.Errorf(`got %v, want no "It holds" in r.out`, r.out)
		}
	}
	for _, file := range []string{"m.onnx", "m.go", "m.c", "m.npz"} {
		if r := must(t, 0, "export", "m.safetensors", "-o", file, "--member", "1"); !strings.Contains(r.out, "It holds member 1 of the 3 networks") {
			t.Errorf("the text is %q, want it to contain %q", r.out, "It holds member 1 of the 3 networks")
		}
		if err := export.Write(m, "own-"+file, export.Options{}); errors.Is(err, export.ErrUnsupported) != (file == "m.npz") {
			t.Errorf("%s: package export says %v", file, err)
		}
	}
	must(t, 0, "shap", "m.safetensors", penguins, "--row", "0", "--background-rows", "5")
	if r := must(t, statusUsage, "shap", "m.safetensors", penguins, "--row", "0", "--log-odds"); !strings.Contains(r.err, "explain one of the networks with --member N, where N is 0 to 2") {
		t.Errorf("the text is %q, want it to name --member", r.err)
	}
	if r := must(t, 0, "shap", "m.safetensors", penguins, "--row", "0", "--member", "1", "--background-rows", "5"); !strings.Contains(r.err, "this is member 1 of the 3 networks") {
		t.Errorf("the text is %q, want it to contain %q", r.err, "this is member 1 of the 3 networks")
	}
	must(t, 0, "plot", "m.safetensors", penguins, "--column", "body_mass_g", "-o", "partial.svg")
	must(t, 0, "plot", "m.safetensors", penguins, "--column", "body_mass_g", "-o", "partial.svg", "--member", "0")
	must(t, 0, "train", penguins, "-o", "one.safetensors", "--epochs", "3", "--members", "1")
	for want, args := range map[string][]string{
		"--member 3: m.safetensors has the members 0 to 2": {"explain", "m.safetensors", penguins, "--row", "0", "--member", "3"},
		"--member 1: one.safetensors is one network":       {"plot", "one.safetensors", "-o", "x.svg", "--member", "1"},
		"--members 0: give a whole number of at least 1":   {"train", penguins, "--members", "0"},
		"m.safetensors is a file, and a report is made":    {"report", "m.safetensors", "-o", "x.html"},
		"--tensorboard logs one network":                   {"train", penguins, "--members", "2", "--tensorboard", "--run", "tb"},
		"--member 1 is for a model file":                   {"plot", "run", "-o", "x.svg", "--member", "1"},
		"an ensemble of 2 members begins anew":             {"train", penguins, "--members", "2", "--from", "one.safetensors"},
		"the weights are those of several networks":        {"train", penguins, "--from", "m.safetensors", "--members", "1"},
		"hinge gives decision values, which have no mean":  {"train", cancer, "--members", "2", "--loss", "hinge"},
	} {
		if r := must(t, statusUsage, args...); !strings.Contains(r.err, want) {
			t.Errorf("%v says %s, want %q", args, r.err, want)
		}
	}
	if left, err := os.ReadDir("run/member-1"); err != nil || len(left) == 0 {
		t.Error("the folder of member 1 is empty or missing:", err)
	}
}

// cv trains an ensemble in each fold. tune trains an ensemble with the best flags of its trials.
func TestMembersOfCVAndTune(t *testing.T) {
	place(t, nil)
	o := parseJSON(t, must(t, 0, "cv", iris, "--members", "2", "--folds", "3", "--epochs", "5", "--json", "--quiet").out)
	if len(o["folds"].([]any)) != 3 || o["options"].(map[string]any)["members"].(float64) != 2 {
		t.Error("want 3 folds with 2 members each from cv, got the options", o["options"])
	}
	r := must(t, 0, "tune", iris, "--members", "2", "--trials", "3", "--epochs", "6", "-o", "t.safetensors", "--quiet")
	if !strings.Contains(r.out, "2 networks") || !strings.Contains(r.out, "--members 2") {
		t.Errorf("the text is %q, want it to contain %q and %q", r.out, "2 networks", "--members 2")
	}
	r = must(t, 0, "tune", iris, "--members", "2", "--trials", "3", "--epochs", "6", "-o", "t2.safetensors", "--quiet", "--json")
	one, err := model.Load("t.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	two, err := model.Load("t2.safetensors")
	if err != nil || one.WeightsSHA256() != two.WeightsSHA256() || len(two.Members()) != 2 {
		t.Error("the model of tune --json differs from that of tune:", err)
	}
}

// An interrupted ensemble has the members that have finished, and the report says so. When it is resumed, it ends with the
// same bits.
func TestMembersInterrupted(t *testing.T) {
	notShort(t)
	place(t, nil)
	args := []string{"train", diabetes, "--members", "4", "--epochs", "400", "--patience", "0", "--threads", "1"}
	whole := parseJSON(t, must(t, 0, append(args, "--json", "--quiet", "-o", "w.safetensors")...).out)
	args = append(args, "--run", "parts", "-o", "m.safetensors", "--checkpoint-every", "5ms")
	r := callUntil(t, "parts/member-1/"+checkpointFiles[0], args...)
	if r.code != statusInterrupted || !strings.Contains(r.out, "members had not ended and are left out") || !strings.Contains(r.out, "gradus resume parts") {
		t.Fatalf("got exit status %d, want 130 and the members left out\n%s%s", r.code, r.out, r.err)
	}
	m, err := model.Load("m.safetensors")
	if err != nil || len(m.Members()) == 0 || len(m.Members()) == 4 {
		t.Fatal("the model does not have 1 to 3 members:", err)
	}
	got := parseJSON(t, must(t, 0, "resume", "parts", "--json", "--quiet", "--threads", "2").out)
	for _, d := range differences(got, whole) {
		t.Error(d)
	}
	r = must(t, 0, "train", diabetes, "--members", "4", "--max-time", "1ns", "-o", "short.safetensors")
	if !strings.Contains(r.out, "the time is up") {
		t.Errorf("the text is %q, want it to contain %q", r.out, "the time is up")
	}
}

// A preset sets only what no flag sets.
func TestPresets(t *testing.T) {
	place(t, nil)
	var rows strings.Builder
	rows.WriteString("x,z,y\n")
	for i := range 1300 {
		fmt.Fprintf(&rows, "%d,%d,%d\n", i, i*7%31, 2*i+i*7%31)
	}
	writeFile(t, "many.csv", rows.String())
	for _, c := range []struct {
		members int
		network string
		args    []string
	}{
		{1, "64 relu - 64 relu", []string{"--preset", "quick"}},
		{8, "128 silu - 128 silu", nil},
		{8, "128 silu - 128 silu", []string{"--preset", "default"}},
		{1, "128 silu - 128 silu", []string{"--members", "1"}},
		{8, "128 silu - 128 silu", []string{"--preset", "best"}},
		{2, "128 silu - 128 silu", []string{"--preset", "best", "--members", "2"}},
		{1, "128 silu - 128 silu", []string{"--preset", "quick", "--recipe", "wide"}},
	} {
		r := must(t, 0, append([]string{"train", "many.csv", "-o", "preset.safetensors", "--epochs", "1"}, c.args...)...)
		m, err := model.Load("preset.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		if got := max(1, len(m.Members())); got != c.members || !strings.Contains(r.out, c.network) {
			t.Errorf("%v: got %d networks, want %d:\n%s", c.args, got, c.members, r.out)
		}
	}
}

// By default train makes an ensemble. If the flags or the table do not allow that, it trains one network, and a note says why.
func TestDefaultMembers(t *testing.T) {
	place(t, nil)
	writeFile(t, "few.csv", rows(49, "a,y", number, number))
	must(t, 0, "train", cancer, "--members", "1", "--epochs", "1", "--quiet", "-o", "start.safetensors")
	for _, c := range []struct {
		members int
		note    string
		args    []string
	}{
		{8, "", []string{cancer}},
		{8, "", []string{cancer, "--validation", "none"}},
		{3, "", []string{cancer, "--members", "3"}},
		{1, "continues from the given weights", []string{cancer, "--from", "start.safetensors"}},
		{1, "hinge gives decision values", []string{cancer, "--loss", "hinge"}},
		{1, "per-sample descent", []string{cancer, "--method", "per-sample"}},
		{1, "a loss to reach", []string{cancer, "--target-loss", "0.9"}},
		{1, "--tensorboard logs only one", []string{cancer, "--tensorboard", "--run", "tb"}},
		{1, "fewer than 50 rows are too few for folds", []string{"few.csv"}},
		{1, "fewer than 50 rows are too few for folds", []string{"few.csv", "--test", "0.2"}},
	} {
		r := must(t, 0, append(append([]string{"train"}, c.args...), "--epochs", "1", "--quiet", "-o", "m.safetensors")...)
		m, err := model.Load("m.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		if got := max(1, len(m.Members())); got != c.members || strings.Contains(r.out, "One network is trained, not an ensemble: ") != (c.note != "") || !strings.Contains(r.out, c.note) {
			t.Errorf("%v: got %d networks, want %d:\n%s", c.args, got, c.members, r.out)
		}
	}
}

// A run of one network is resumed as one network, even if its config.json is an old one without the number of members.
func TestResumeOneNetwork(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", cancer, "--members", "1", "--epochs", "2", "--quiet", "--run", "run", "-o", "m.safetensors")
	const one = `  "members": 1,
`
	config := readFile(t, "run/config.json")
	if !strings.Contains(config, one) {
		t.Fatalf("the text is %q, want it to contain %q", config, one)
	}
	writeFile(t, "run/config.json", strings.Replace(config, one, "", 1))
	must(t, 0, "resume", "run", "--quiet")
	if m, err := model.Load("m.safetensors"); err != nil || m.Members() != nil {
		t.Error("the resumed run is not one network:", err)
	}
}

// What a preset turns on, a flag turns off.
func TestPresetFlags(t *testing.T) {
	place(t, nil)
	for _, c := range []struct {
		flags             string
		calibrate, shrink bool
	}{
		{"--preset quick", true, false},
		{"--preset quick --no-calibrate", false, false},
		{"--preset quick --calibrate=false", false, false},
		{"--preset quick --members 2", false, false},
		{"", false, true},
		{"--no-shrink", false, false},
		{"--calibrate", true, true},
		{"--members 2", false, false},
		{"--members 2 --shrink", false, true},
	} {
		o := parseJSON(t, must(t, 0, append([]string{"train", cancer, "--epochs", "1", "--json", "--quiet", "-o", "m.safetensors"}, strings.Fields(c.flags)...)...).out)
		options := object(o.at(t, "options").(map[string]any))
		if got := options["calibrate"] == true; got != c.calibrate {
			t.Errorf("%q: calibrate is %v, want %v", c.flags, got, c.calibrate)
		}
		if got := options["shrink"] == true; got != c.shrink {
			t.Errorf("%q: shrink is %v, want %v", c.flags, got, c.shrink)
		}
	}
}
