package cli

import (
	"encoding/csv"
	"strconv"
	"strings"
	"testing"
)

// predict --interval adds two columns for each target, with the prediction between them, and --sets adds one.
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
		t.Errorf("the columns are %s", got)
	}
	for i, line := range strings.Split(strings.TrimSpace(plain), "\n")[1:] {
		var v [3]float64
		for k := range v {
			if v[k], err = strconv.ParseFloat(rows[i+1][k+1], 64); err != nil {
				t.Fatal(err)
			}
		}
		if rows[i+1][1] != line || !(v[1] < v[0] && v[0] < v[2]) {
			t.Fatalf("row %d: %v, without intervals %s", i, rows[i+1], line)
		}
	}
	must(t, 0, "train", penguins, "--target", "sex", "--epochs", "5", "--quiet", "-o", "p.safetensors")
	r = must(t, 0, "predict", "p.safetensors", penguins, "--sets", "0.95")
	if rows, err = csv.NewReader(strings.NewReader(r.out)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	if got := rows[0][len(rows[0])-1]; got != "sex_set" {
		t.Errorf("the last column is %s", got)
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

// train --calibrate says what it did. Predictions use it, and the report draws both.
func TestCalibrate(t *testing.T) {
	place(t, nil)
	args := []string{"train", "--members", "1", cancer, "--epochs", "60", "--patience", "0", "--validation", "0.4", "--hidden", "40", "--quiet"}
	r := must(t, 0, append(args, "--calibrate", "--run", "run", "-o", "c.safetensors")...)
	if !strings.Contains(r.out, "Logits   divided by a temperature of ") {
		t.Fatalf("it says\n%s", r.out)
	}
	if r := must(t, 0, append(args, "-o", "p.safetensors")...); strings.Contains(r.out, "temperature") {
		t.Errorf("without --calibrate it says\n%s", r.out)
	}
	calibrated, plain := must(t, 0, "evaluate", "c.safetensors", cancer, "--json"), must(t, 0, "evaluate", "p.safetensors", cancer, "--json")
	if calibrated.out == plain.out {
		t.Error("the scores are the same with a temperature and without")
	}
	info := parseJSON(t, must(t, 0, "info", "c.safetensors", "--json").out)
	if temperature := info["temperature"].(float64); !(temperature > 1) {
		t.Errorf("the temperature is %v", temperature)
	}
	if a, b := info["weights_sha256"], parseJSON(t, must(t, 0, "info", "p.safetensors", "--json").out)["weights_sha256"]; a != b {
		t.Error("calibrating changed the weights")
	}
	must(t, 0, "report", "run", "-o", "r.html")
	if page := readFile(t, "r.html"); !strings.Contains(page, "logits as trained") {
		t.Error("the report does not show the probabilities before")
	}
	r = must(t, 0, "train", cancer, "--epochs", "40", "--patience", "0", "--calibrate", "--quiet", "-o", "e.safetensors")
	if !strings.Contains(r.out, "of the 8 members divided by a temperature of ") || strings.Contains(r.out, "No temperature") {
		t.Errorf("of an ensemble it says\n%s", r.out)
	}
	r = must(t, 0, "train", penguins, "--epochs", "2", "--validation", "none", "--calibrate", "--quiet", "-o", "q.safetensors")
	if !strings.Contains(r.out, "No temperature was chosen") {
		t.Errorf("without validation rows it says\n%s", r.out)
	}
}
