package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRunDir(t *testing.T) {
	place(t, nil)
	o := trainQuietly(t, 0, iris, "--epochs", "3", "--run", "run/one", "-o", "m.safetensors")
	h, err := readHistory("run/one/history.csv")
	if err != nil {
		t.Fatal(err)
	}
	if len(h) != 3 || h[2].Epoch != 3 || float64(h[2].Steps) != o.number(t, "steps") || !(h[0].Loss > 0) || !(h[0].Validation > 0) || !(h[0].LearningRate > 0) {
		t.Errorf(`got %+v, want len(h) = 3 and h[2].Epoch = 3 and float64(h[2].Steps) = o.number("steps") and h[0].Loss > 0 and h[0].Validation > 0 and h[0].LearningRate > 0`, h)
	}
	if svg := readFile(t, "run/one/curves.svg"); !strings.Contains(svg, "</svg>") {
		t.Error("curves.svg is not an SVG")
	}
	var config object
	if err := json.Unmarshal([]byte(readFile(t, "run/one/config.json")), &config); err != nil {
		t.Fatal(err)
	}
	if config["data"] != iris || config["epochs"] != 3. || config["seed"] != 1. {
		t.Errorf(`got %v, want config["data"] = iris and config["epochs"] = 3. and config["seed"] = 1.`, config)
	}
	before := listing(t)
	for _, problem := range refused(call("train", "--members", "1", iris, "--run", "run/one"), 1, []string{"run/one holds a run already"}) {
		t.Error(problem)
	}
	if changed := changes(before, listing(t)); changed != nil {
		t.Errorf("got the changed files %q, want none", changed)
	}
}

func TestReadHistoryRefuses(t *testing.T) {
	place(t, map[string]string{
		"empty.csv": "",
		"other.csv": "a,b\n1,2\n",
		"text.csv":  "epoch,steps,loss,validation,rate,seconds\n1,2,x,4,5,6\n",
	})
	for file, word := range map[string]string{"empty.csv": "the first line", "other.csv": "the first line", "text.csv": "text.csv:2: loss", "none.csv": "cannot be read"} {
		if _, err := readHistory(file); err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got the error %v, want one with %q and the name of the file", file, err, word)
		}
	}
}
