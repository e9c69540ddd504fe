package export

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/need"
	"github.com/gradus-ml/gradus/model"
)

// goModule is a module of exported packages.
type goModule struct {
	dir string
	n   int
}

func newGoModule(t *testing.T) *goModule {
	t.Helper()
	m := &goModule{dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(m.dir, "go.mod"), []byte("module exported\n\ngo 1.26\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return m
}

// add exports a model into a package of its own.
func (m *goModule) add(t *testing.T, trained *model.Model) {
	t.Helper()
	m.n++
	dir := filepath.Join(m.dir, fmt.Sprintf("m%d", m.n))
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Write(trained, filepath.Join(dir, fmt.Sprintf("m%d.go", m.n)), Options{Version: "test"}); err != nil {
		t.Fatal(err)
	}
}

// run calls the go command in the module.
func (m *goModule) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(need.Tool(t, "go"), args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out[:min(len(out), 3000)])
	}
	return string(out)
}

// TestGo: the exported file and its test compile with nothing but the standard library. The predictions have the
// model's bits and allocate nothing, and gofmt and vet have no complaints.
func TestGo(t *testing.T) {
	mod := newGoModule(t)
	activations := []string{"relu", "sigmoid", "tanh", "identity", "leaky-relu:0.1", "elu:0.7", "selu", "gelu", "silu", "mish", "softplus", "exp"}
	norms := []string{"none", "batch", "layer"}
	precisions := []string{"float32", "float64"}
	names := []data.Task{data.Regression, data.Binary, data.Multiclass, data.Multilabel}
	for i, activation := range activations {
		for j, precision := range precisions {
			mod.add(t, fit(t, names[(i+j)%4], model.Options{Activation: activation, Norm: norms[(i/2+j)%3], Precision: precision}))
		}
	}
	for _, name := range []string{"iris", "penguins", "wine", "breast_cancer", "diabetes", "digits", "notebook"} {
		mod.add(t, shipped(t, name, model.Options{Epochs: 3}))
	}
	mod.add(t, shipped(t, "breast_cancer", model.Options{Epochs: 3, Scale: data.ScalePieces}))
	mod.add(t, shipped(t, "breast_cancer", model.Options{Epochs: 3, Recipe: model.RecipeTrees}))
	mod.add(t, shipped(t, "penguins", model.Options{Epochs: 3, Recipe: model.RecipeWaves}))
	mod.add(t, inTurn(t))
	mod.add(t, fit(t, data.Binary, model.Options{Loss: "hinge", Threshold: "0.4", Hidden: []int{}}))
	mod.add(t, fit(t, data.Multilabel, model.Options{Loss: "hinge", NoBias: true, Scale: data.ScaleNone}))
	mod.add(t, fit(t, data.Multiclass, model.Options{OutputActivation: "sigmoid", Loss: "binary-cross-entropy", Hidden: []int{40}, Norm: "layer"}))
	mod.add(t, tempered(t, shipped(t, "breast_cancer", model.Options{Epochs: 3})))
	mod.add(t, tempered(t, shipped(t, "iris", model.Options{Epochs: 3, Precision: "float64"})))
	for i, task := range names {
		mod.add(t, fit(t, task, model.Options{Members: 2 + i%2, Precision: precisions[i/2], Norm: norms[i%3]}))
	}
	mod.add(t, fit(t, data.Binary, model.Options{Members: 2, Threshold: "0.6"}))
	mod.add(t, fit(t, data.Regression, model.Options{Missing: []string{"3", "-999"}}))
	mod.add(t, manyLevels(t, data.Regression, model.Options{}))
	mod.add(t, manyLevels(t, data.Multiclass, model.Options{Members: 2, Precision: "float64"}))
	mod.run(t, "vet", "./...")
	out := mod.run(t, "test", "./...")
	if n := strings.Count(out, "ok  \texported/"); n != mod.n {
		t.Errorf("%d of %d packages passed:\n%s", n, mod.n, out)
	}
	for _, line := range strings.Split(mod.run(t, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./..."), "\n") {
		if line != "" && !strings.HasPrefix(line, "exported/") {
			t.Errorf("an exported package imports %s, want only the standard library", line)
		}
	}
	unformatted, err := exec.Command(need.Tool(t, "gofmt"), "-l", mod.dir).CombinedOutput()
	if err != nil || len(unformatted) > 0 {
		t.Errorf("gofmt: %v %s", err, unformatted)
	}
}

// The file has every parameter of every network, bit for bit, in the order of the networks.
func TestGoWeights(t *testing.T) {
	for _, o := range []model.Options{{Norm: "batch"}, {Precision: "float64"}, {Members: 3}, {Members: 2, Precision: "float64", Norm: "layer"}} {
		m := fit(t, data.Multiclass, o)
		source, _, err := Go(m, Options{Package: "p"})
		if err != nil {
			t.Fatal(err)
		}
		_, text, ok := strings.Cut(string(source), "const weightText = \"")
		text, _, closed := strings.Cut(text, "\"")
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || !closed || err != nil {
			t.Fatalf("%+v: the source has no string with the weights: %v", o, err)
		}
		for k, member := range networks(m) {
			var want []byte
			if net := member.Network32(); net != nil {
				want, err = binary.Append(nil, binary.LittleEndian, net.Values())
			} else {
				want, err = binary.Append(nil, binary.LittleEndian, member.Network64().Values())
			}
			if err != nil || len(raw) < len(want) || !bytes.Equal(raw[:len(want)], want) {
				t.Fatalf("%+v: the weights of network %d differ, %v", o, k, err)
			}
			raw = raw[len(want):]
		}
		if len(raw) > 0 {
			t.Errorf("%+v: %d bytes follow the weights", o, len(raw))
		}
	}
}

// tempered gives a model a temperature. It calibrates the model on made-up rows for which it is too confident.
func tempered(t *testing.T, m *model.Model) *model.Model {
	t.Helper()
	const rows = 120
	width := m.Outputs()
	says, truth := make([]float64, rows*width), make([]float64, rows)
	for i := range truth {
		class := i % width
		for k := range width {
			says[i*width+k] = 0.01 / float64(width-1)
		}
		says[i*width+class] = 0.99
		if i%5 == 0 {
			class = (class + 1) % width
		}
		truth[i] = float64(class)
	}
	if c := m.Calibrate(says, truth, nil); c == nil || !c.Kept || m.Temperature < 1.5 {
		t.Fatalf("the calibration is %+v, want one that is kept, with a temperature of at least 1.5", c)
	}
	return m
}

// TestGoCompiles: 200,000 weights take little time to compile, because they are one string.
func TestGoCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("trains and compiles a network of 200,000 weights; not with -short")
	}
	mod := newGoModule(t)
	trained := fit(t, data.Multiclass, model.Options{Hidden: []int{430, 430}, Epochs: 1})
	if n := trained.Parameters(); n < 190_000 {
		t.Fatalf("the network has only %d parameters, want at least 190,000", n)
	}
	mod.run(t, "build", "fmt", "math", "encoding/base64", "strings", "time")
	mod.add(t, trained)
	begun := time.Now()
	mod.run(t, "build", "./...")
	took := time.Since(begun)
	t.Logf("%d parameters compile in %v", trained.Parameters(), took)
	if took > 20*time.Second { // it takes 2 s on an idle machine
		t.Errorf("compiling took %v, want at most 20 s", took)
	}
	t.Log(mod.run(t, "test", "-bench", ".", "-benchtime", "200ms", "./..."))
}

func TestPackageName(t *testing.T) {
	for file, want := range map[string]string{"penguins": "penguins", "My-Model 2": "mymodel2", "2x": "model2x", "func": "modelfunc", "é": "model"} {
		if got := packageName(file); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}
