package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A network from PyTorch or scikit-learn can be imported. It can then predict, and be evaluated, explained,
// plotted, exported and checked.
func TestImport(t *testing.T) {
	foreign, err := filepath.Abs(repository + "export/testdata/foreign")
	if err != nil {
		t.Fatal(err)
	}
	place(t, map[string]string{"t.csv": "a,b,c,d,y0,y1\n" + strings.Repeat("1,-0.5,0.25,2,1,2\n0,1,-1,0.5,0,1\n", 10)})
	for _, file := range []string{"torch.onnx", "torch.safetensors", "torch.npz"} {
		args := []string{"import", filepath.Join(foreign, file), "-o", "m.safetensors", "--columns", "a,b,c,d"}
		if !strings.HasSuffix(file, ".onnx") {
			args = append(args, "--activation", "tanh")
		}
		r := must(t, 0, args...)
		if !strings.Contains(r.out, "4 - 6 ") || !strings.Contains(r.out, "predicts y0, y1 (regression)") {
			t.Errorf("%s: got the output %q, want the layers and the targets", file, r.out)
		}
		if _, records := predictions(t, must(t, 0, "predict", "m.safetensors", "t.csv").out); len(records) != 20 {
			t.Errorf("%s: got %d predictions, want 20", file, len(records))
		}
		must(t, 0, "evaluate", "m.safetensors", "t.csv")
		must(t, 0, "explain", "m.safetensors", "t.csv", "--row", "0")
		must(t, 0, "info", "m.safetensors")
		var info struct {
			Training struct {
				Reason string `json:"stop_reason"`
			}
		}
		if err := json.Unmarshal([]byte(must(t, 0, "info", "m.safetensors", "--json").out), &info); err != nil || info.Training.Reason != "imported" {
			t.Errorf(`%s: got %v %+v, want no error and info.Training.Reason = "imported"`, file, err, info)
		}
		must(t, 0, "plot", "m.safetensors", "-o", "net.svg")
		must(t, 0, "export", "m.safetensors", "-o", "again.onnx")
		must(t, 0, "check", "t.csv", "--target", "y0,y1", "--from", "m.safetensors")
	}
	must(t, 0, "import", filepath.Join(foreign, "sklearn_three.onnx"), "-o", "c.safetensors", "--columns", "a,b,c,d", "--target", "kind")
	header, _ := predictions(t, must(t, 0, "predict", "c.safetensors", "t.csv").out)
	if strings.Join(header, ",") != "kind,p_a,p_b,p_c" {
		t.Errorf("got the columns %q, want kind and three probabilities", header)
	}
	if _, err := os.Stat("m.safetensors"); err != nil {
		t.Error(err)
	}
}

// TestImportedSaysWhatIsKnown: gradus makes up nothing that a file of weights does not say.
func TestImportedSaysWhatIsKnown(t *testing.T) {
	foreign, err := filepath.Abs(repository + "export/testdata/foreign")
	if err != nil {
		t.Fatal(err)
	}
	place(t, nil)
	weights := filepath.Join(foreign, "torch.npz")
	r := must(t, 0, "import", weights, "-o", "c.safetensors", "--classes", "no,yes")
	if !strings.Contains(r.out, "2 softmax, predicts y (multiclass)") {
		t.Errorf("with two classes for two outputs: got %s, want a multiclass model", r.out)
	}
	r = must(t, 2, "import", weights, "-o", "d.safetensors", "--classes", "no,yes", "--output-activation", "identity")
	if !strings.Contains(r.err, "--classes is for classes, and the output identity makes the task a regression") {
		t.Errorf("with classes for a regression: got %s, want a refusal", r.err)
	}
	r = must(t, 0, "info", "c.safetensors")
	if !strings.Contains(r.out, "\nTrained  elsewhere") || strings.Contains(r.out, "Descent") || strings.Contains(r.out, "loss") || strings.Contains(r.out, "training") {
		t.Errorf("info says\n%s", r.out)
	}
	r = must(t, 2, "plot", "c.safetensors", "--what", "curves", "-o", "curves.svg")
	if !strings.Contains(r.err, "there are no curves; --what network") {
		t.Errorf("plot says %s", r.err)
	}
}
