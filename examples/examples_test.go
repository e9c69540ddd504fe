// Package examples_test builds the programs in this folder and runs them.
package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/model"
)

func TestPrograms(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin") + string(filepath.Separator)
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", bin, "./...").CombinedOutput(); err != nil {
		t.Fatalf("the examples do not build: %v\n%s", err, out)
	}
	iris, err := filepath.Abs("data/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]bool{}
	for _, p := range []struct {
		name string
		args []string
		want string
	}{
		{"ownloop", []string{"-data", iris, "-o", "own.safetensors"}, `(?s)epoch 30: loss 0\.\d+, gradient [0-9.]+, accuracy (0\.9\d*|1\.000) on held-out rows\nsaved own.safetensors\n`},
		{"autoencoder", nil, `(?s)step 2000: loss 0\.00\d\d\nthe encoder alone makes 2 numbers of 6\n`},
		{"finetune", []string{"-o", "tuned.safetensors", "own.safetensors", iris}, `150 rows, 10 epochs, saved tuned.safetensors\n`},
		{"rowstream", nil, `50000 rows in 785 updates, the loss is below 0.01: true\n`},
	} {
		name := p.name
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		cmd := exec.Command(bin+name, p.args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !regexp.MustCompile(p.want+"$").Match(out) {
			t.Errorf(`%s: got %v and the output %s, want no error and the expected output`, p.name, err, out)
		}
		ran[name] = true
	}
	built, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range built {
		if !ran[b.Name()] && !strings.HasPrefix(b.Name(), "service") { // which TestService runs
			t.Errorf("%s was built and not run", b.Name())
		}
	}
	own, err := model.Load(filepath.Join(dir, "own.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	tuned, err := model.Load(filepath.Join(dir, "tuned.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if own.WeightsSHA256() == tuned.WeightsSHA256() {
		t.Error("fine-tuning has changed nothing")
	}
}
