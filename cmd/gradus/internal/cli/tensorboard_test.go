package cli

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/need"
)

// TestTensorBoard: the tensorboard package reads the same values from a run's event files as history.csv has,
// even after the run was resumed or went back to an earlier epoch.
func TestTensorBoard(t *testing.T) {
	place(t, nil)
	for _, problem := range refused(call("train", "--members", "1", iris, "--tensorboard"), 2, []string{"--tensorboard", "--run DIR"}) {
		t.Error(problem)
	}
	part := 30 * time.Millisecond
	train := []string{"train", "--members", "1", diabetes, "--epochs", "400", "--patience", "0", "--quiet", "-o", "m.safetensors", "--checkpoint-every", "5ms", "--tensorboard", "--run"}
	must(t, 0, append(train, "whole")...)
	must(t, 0, "train", "--config", "whole/config.json", "--quiet")
	must(t, 0, append(train, "back", "--optimizer", "sgd", "--lr", "10", "--on-divergence", "halve-lr")...)
	r := callFor(t, part, append(train, "parts")...)
	for r.code == 130 {
		os.Remove("parts/" + checkpointFiles[0]) // sometimes it goes back some epochs
		part += part / 2                         // and more time lets it get further
		r = callFor(t, part, "resume", "parts", "--quiet")
	}
	if r.code != 0 {
		t.Fatalf("got exit status %d, want 0\n%s", r.code, r.err)
	}

	python := need.Tool(t, "python3")
	err := exec.Command(python, "-c", "import tensorboard").Run()
	need.That(t, err == nil, "a python3 with the package tensorboard")
	for _, dir := range []string{"whole", "parts", "back"} {
		files, _ := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
		t.Logf("%s: %d event files", dir, len(files))
		out, err := exec.Command(python, "-c", strings.Join([]string{
			"import json, sys",
			"from tensorboard.backend.event_processing.event_accumulator import EventAccumulator",
			"a = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})",
			"a.Reload()",
			"print(json.dumps({tag: [[e.step, e.value] for e in a.Scalars(tag)] for tag in a.Tags()['scalars']}))",
		}, "\n"), dir).Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, err.(*exec.ExitError).Stderr)
		}
		var got map[string][][2]float64
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		h, err := readHistory(filepath.Join(dir, "history.csv"))
		if err != nil {
			t.Fatal(err)
		}
		for tag, points := range got {
			if len(points) != len(h) {
				t.Fatalf("%s: %s: got %d points, want %d as in the history", dir, tag, len(points), len(h))
			}
			for i, p := range h {
				want := map[string]float64{"loss/training": p.Loss, "loss/validation": p.Validation, "learning_rate": p.LearningRate}[tag]
				if points[i][0] != float64(p.Epoch) || math.Abs(points[i][1]-want) > 1e-6*math.Abs(want) {
					t.Fatalf("%s: %s: got the point %v, want %v at epoch %d", dir, tag, points[i], want, p.Epoch)
				}
			}
		}
		if len(got) != 3 {
			t.Errorf("%s: got %d charts, want 3", dir, len(got))
		}
	}
}
