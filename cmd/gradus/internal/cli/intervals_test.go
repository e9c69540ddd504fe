package cli

import (
	"encoding/csv"
	"strconv"
	"strings"
	"testing"
)

// predict --interval adds two bounds for each target, and the prediction is between them. predict --sets adds one column.
func TestPredictIntervals(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", diabetes, "--epochs", "5", "--quiet", "-o", "m.safetensors")
	plain := must(t, 0, "predict", "m.safetensors", diabetes).out
	r := must(t, 0, "predict", "m.safetensors", diabetes, "--interval", "0.9", "--keep", "age")
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ","); got != "age,progression,progression_lower,progression_upper" {
		t.Errorf("got the columns %s, want the kept one, the prediction and its bounds", got)
	}
	for i, line := range strings.Split(strings.TrimSpace(plain), "\n")[1:] {
		var v [3]float64
		for k := range v {
			if v[k], err = strconv.ParseFloat(rows[i+1][k+1], 64); err != nil {
				t.Fatal(err)
			}
		}
		if rows[i+1][1] != line || !(v[1] < v[0] && v[0] < v[2]) {
			t.Fatalf("row %d: got %v, want the prediction %s between its bounds", i, rows[i+1], line)
		}
	}
	must(t, 0, "train", penguins, "--target", "sex", "--epochs", "5", "--quiet", "-o", "p.safetensors")
	r = must(t, 0, "predict", "p.safetensors", penguins, "--sets", "0.95")
	if rows, err = csv.NewReader(strings.NewReader(r.out)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	if got := rows[0][len(rows[0])-1]; got != "sex_set" {
		t.Errorf("got the last column %s, want sex_set", got)
	}
	several := 0
	for _, row := range rows[1:] {
		set := strings.Split(row[len(row)-1], ",")
		if set[0] != row[0] {
			t.Fatalf("the set of %v does not begin with the class", row)
		}
		if len(set) > 1 {
			several++
		}
	}
	if several == 0 {
		t.Error("no set has several classes")
	}
	must(t, 0, "train", diabetes, "--epochs", "1", "--validation", "none", "--quiet", "-o", "n.safetensors")
	for args, want := range map[string]string{
		"m.safetensors --interval 1.5":            `--interval: "1.5" is not a probability: give a number between 0 and 1`,
		"m.safetensors --interval 0":              `--interval: "0" is not a probability`,
		"m.safetensors --sets 0":                  `--sets: "0" is not a probability`,
		"m.safetensors --interval 0.999":          "takes at least 999 validation rows",
		"m.safetensors --sets 0.9":                "the task is regression",
		"n.safetensors --interval 0.9":            "train it with validation rows",
		"m.safetensors --interval 0.9 --sets 0.9": "give one of them",
	} {
		words := strings.Fields(args)
		if r := must(t, 2, append([]string{"predict", words[0], diabetes}, words[1:]...)...); !strings.Contains(r.err, want) {
			t.Errorf("%s: the text is %q, want it to contain %q", args, r.err, want)
		}
	}
	if r := must(t, 0, "info", "m.safetensors"); !strings.Contains(r.out, "gradus predict --interval 0.9") {
		t.Errorf("info says\n%s", r.out)
	}
}

// train --interval learns bounds. predict uses them for that level and higher ones, and evaluate reports how many rows the
// intervals cover. A resumed run has the same weights and the same intervals.
func TestLearnedIntervals(t *testing.T) {
	place(t, nil)
	args := []string{"train", diabetes, "--interval", "0.8", "--epochs", "4", "--members", "2", "--quiet"}
	must(t, 0, append(args, "-o", "m.safetensors")...)
	must(t, 0, "train", diabetes, "--epochs", "4", "--members", "2", "--quiet", "-o", "plain.safetensors")
	if r := must(t, 0, "info", "m.safetensors"); !strings.Contains(r.out, "with learned bounds from 0.8 on") || !strings.Contains(r.out, "- 3 identity") {
		t.Errorf("info says\n%s", r.out)
	}
	widths := func(model, level string) map[string]bool {
		rows, err := csv.NewReader(strings.NewReader(must(t, 0, "predict", model, diabetes, "--interval", level).out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(rows[0], ","); got != "progression,progression_lower,progression_upper" || len(rows) != 443 {
			t.Errorf("got %d rows of %s, want a header and 442 rows of the prediction and its bounds", len(rows), got)
		}
		different := map[string]bool{}
		for _, row := range rows[1:] {
			lower, _ := strconv.ParseFloat(row[1], 64)
			upper, _ := strconv.ParseFloat(row[2], 64)
			different[strconv.FormatFloat(upper-lower, 'f', 3, 64)] = true
		}
		return different
	}
	for _, c := range []struct {
		model, level string
		own          bool // each row has its own width
	}{{"m.safetensors", "0.8", true}, {"m.safetensors", "0.9", true}, {"m.safetensors", "0.5", false}, {"plain.safetensors", "0.8", false}} {
		if n := len(widths(c.model, c.level)); c.own != (n > 100) {
			t.Errorf("%s: the intervals for %s have %d widths, want more than 100: %v", c.model, c.level, n, c.own)
		}
	}
	if r := must(t, 0, "evaluate", "m.safetensors", diabetes, "--interval", "0.8"); !strings.Contains(r.out, "Intervals for 0.8: 0.") || !strings.Contains(r.out, "by fifths of the prediction") {
		t.Errorf("evaluate: got\n%s\nwant the coverage of the intervals", r.out)
	}
	cover := parseJSON(t, must(t, 0, "evaluate", "m.safetensors", diabetes, "--interval", "0.8", "--json").out)["intervals"].([]any)[0].(map[string]any)
	if share := cover["share"].(float64); !(share > 0.7 && share < 0.95) || !(cover["score"].(float64) > cover["width"].(float64)) {
		t.Errorf("got the coverage %v, want a share between 0.7 and 0.95 and a score above the width", cover)
	}
	args = []string{"train", diabetes, "--interval", "0.8", "--epochs", "300", "--patience", "0", "--members", "1", "--quiet"}
	must(t, 0, append(args, "-o", "whole.safetensors")...)
	if r := callUntil(t, "part/"+checkpointFiles[0], append(args, "--run", "part", "--checkpoint-every", "5ms", "-o", "part.safetensors")...); r.code != 130 {
		t.Fatalf("got exit status %d, want 130\n%s%s", r.code, r.out, r.err)
	}
	must(t, 0, "resume", "part", "--quiet")
	sum := func(model string) any { return parseJSON(t, must(t, 0, "info", model, "--json").out)["weights_sha256"] }
	if a, b := sum("whole.safetensors"), sum("part.safetensors"); a != b {
		t.Errorf("got the weights %v from the resumed run, want %v", b, a)
	}
	if a, b := must(t, 0, "predict", "whole.safetensors", diabetes, "--interval", "0.8").out, must(t, 0, "predict", "part.safetensors", diabetes, "--interval", "0.8").out; a != b {
		t.Error("the intervals of the resumed run differ")
	}
	must(t, 0, "export", "m.safetensors", "-o", "m.onnx")
	must(t, 0, "export", "m.safetensors", "-o", "m.go")
	must(t, 0, "explain", "m.safetensors", diabetes, "--row", "3")
	must(t, 0, "shap", "m.safetensors", diabetes, "--rows", "2")
	for _, c := range [][2]string{
		{"evaluate plain.safetensors " + penguins + " --interval 0.9", "column"},
		{"train " + penguins + " --target sex --interval 0.9", "--interval: it is for amounts, and the task is binary"},
		{"train " + diabetes + " --interval 0.9 --tolerance 0.1", "bounds do not"},
		{"train " + diabetes + " --interval 90", "--interval 90: give a share between 0 and 1"},
	} {
		if r := call(strings.Fields(c[0])...); r.code == 0 || !strings.Contains(r.err, c[1]) {
			t.Errorf("%s: %s", c[0], r.err)
		}
	}
}

// train --calibrate prints the temperature that it chose. Predictions use it, and the report shows the probabilities with and
// without it.
func TestCalibrate(t *testing.T) {
	place(t, nil)
	args := []string{"train", "--members", "1", cancer, "--epochs", "60", "--patience", "0", "--validation", "0.4", "--hidden", "40", "--quiet"}
	r := must(t, 0, append(args, "--calibrate", "--run", "run", "-o", "c.safetensors")...)
	if !strings.Contains(r.out, "Logits   divided by a temperature of ") {
		t.Fatalf("got the report\n%s\nwant one with a temperature", r.out)
	}
	if r := must(t, 0, append(args, "-o", "p.safetensors")...); strings.Contains(r.out, "temperature") {
		t.Errorf("without --calibrate: got the report\n%s\nwant one without a temperature", r.out)
	}
	calibrated, plain := must(t, 0, "evaluate", "c.safetensors", cancer, "--json"), must(t, 0, "evaluate", "p.safetensors", cancer, "--json")
	if calibrated.out == plain.out {
		t.Error("the scores are the same with a temperature and without")
	}
	info := parseJSON(t, must(t, 0, "info", "c.safetensors", "--json").out)
	if temperature := info["temperature"].(float64); !(temperature > 1) {
		t.Errorf("got the temperature %v, want more than 1", temperature)
	}
	if a, b := info["weights_sha256"], parseJSON(t, must(t, 0, "info", "p.safetensors", "--json").out)["weights_sha256"]; a != b {
		t.Error("calibrating changed the weights")
	}
	must(t, 0, "report", "run", "-o", "r.html")
	if page := readFile(t, "r.html"); !strings.Contains(page, "logits as trained") {
		t.Error("the report does not show the probabilities without the temperature")
	}
	r = must(t, 0, "train", cancer, "--epochs", "40", "--patience", "0", "--calibrate", "--quiet", "-o", "e.safetensors")
	if !strings.Contains(r.out, "of the 8 members divided by a temperature of ") || strings.Contains(r.out, "No temperature") {
		t.Errorf("for an ensemble: got the report\n%s\nwant one with a temperature", r.out)
	}
	r = must(t, 0, "train", penguins, "--epochs", "2", "--validation", "none", "--calibrate", "--quiet", "-o", "q.safetensors")
	if !strings.Contains(r.out, "No temperature was chosen") {
		t.Errorf("without validation rows: got the report\n%s\nwant one without a temperature", r.out)
	}
}
