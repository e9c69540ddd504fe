package tfevents

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

// readBack prints what the real tensorboard package finds in a folder.
const readBack = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1])
a.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in a.Scalars(tag)] for tag in a.Tags()["scalars"]}))
`

// tensorboard reads the scalars of a folder with the Python package tensorboard.
func tensorboard(t *testing.T, dir string) map[string][][2]float64 {
	t.Helper()
	python := need.Tool(t, "python3")
	err := exec.Command(python, "-c", "import tensorboard").Run()
	need.That(t, err == nil, "a python3 with the package tensorboard")
	out, err := exec.Command(python, "-c", readBack, dir).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, err.(*exec.ExitError).Stderr)
	}
	var scalars map[string][][2]float64
	if err := json.Unmarshal(out, &scalars); err != nil {
		t.Fatal(err)
	}
	return scalars
}

func TestTensorBoardReadsIt(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	for step := 1; step <= 5; step++ {
		w.Write(step, Scalar{"loss", 1 / float64(step)}, Scalar{"rate", 0.5}, Scalar{"none", math.NaN()})
	}
	w.Restart(4) // the run goes back to its fourth step
	w.Write(4, Scalar{"loss", -4})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Create(dir) // another process continues the run from its fourth step
	if err != nil {
		t.Fatal(err)
	}
	again.Restart(4)
	again.Write(4, Scalar{"loss", -40})
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	got := tensorboard(t, dir)
	third := float64(float32(1.0 / 3))
	if want := [][2]float64{{1, 1}, {2, 0.5}, {3, third}, {4, -40}}; !slices.Equal(got["loss"], want) {
		t.Errorf("loss is %v, want %v", got["loss"], want)
	}
	if want := [][2]float64{{1, 0.5}, {2, 0.5}, {3, 0.5}}; !slices.Equal(got["rate"], want) || len(got) != 2 {
		t.Errorf(`got %v, want three steps of rate, and no scalars but loss and rate`, got)
	}
}

// Except for its time, a file's first record has the bytes that TensorFlow 2 writes.
func TestFirstRecord(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if string(b[:8]) != "\x1a\x00\x00\x00\x00\x00\x00\x00" || string(b[len(b)-19:len(b)-4]) != "\x1a\x0dbrain.Event:2" {
		t.Errorf(`got %q, want string(b[:8]) = "\x1a\x00\x00\x00\x00\x00\x00\x00" and string(b[len(b)-19:len(b)-4]) = "\x1a\x0dbrain.Event:2"`, b)
	}
	if masked([]byte("123456789")) != 0xc78ab0e5 { // its CRC-32C is 0xe3069283
		t.Errorf("the masked CRC-32C is %#x, want 0xc78ab0e5", masked([]byte("123456789")))
	}
}
