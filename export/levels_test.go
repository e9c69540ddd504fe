package export

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// manyLevels trains a model on two columns, one of them with more levels than separate inputs. The model therefore also
// has the mean targets of the levels as inputs.
func manyLevels(t testing.TB, task data.Task, o model.Options) *model.Model {
	t.Helper()
	var b strings.Builder
	b.WriteString("store,x,y\n")
	for r := range 300 * 8 {
		store := r % 300
		y := fmt.Sprintf("%d.5", store%7)
		switch task {
		case data.Binary:
			y = []string{"no", "yes"}[store%7/4]
		case data.Multiclass:
			y = []string{"a", "b", "c"}[store%7/3]
		}
		name := fmt.Sprintf("s%03d", store)
		if r%101 == 7 {
			name = ""
		}
		fmt.Fprintf(&b, "%s,%d,%s\n", name, r*37%90, y)
	}
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(b.String())})
	if err != nil {
		t.Fatal(err)
	}
	if o.Epochs == 0 {
		o.Epochs = 2
	}
	m, _, err := model.Train(t.Context(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Encoding.HasMeans() || m.Task() != task {
		t.Fatalf("task %s: the model has no means of levels, or another task than asked for", m.Task())
	}
	return m
}

// A format for one network refuses an ensemble, and says what to do.
func TestEnsembleRefused(t *testing.T) {
	m := fit(t, data.Binary, model.Options{Members: 2, Epochs: 1})
	_, net := ONNX(m, Options{Net: true})
	dir := t.TempDir()
	for what, err := range map[string]error{
		"net alone": net, "npz": Write(m, filepath.Join(dir, "m.npz"), Options{}), "safetensors": Write(m, filepath.Join(dir, "m.safetensors"), Options{Bare: true}),
	} {
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "mean of 2 networks") || !strings.Contains(err.Error(), "name a member") {
			t.Errorf(`%s: got %v, want an error that wraps ErrUnsupported and "mean of 2 networks" in err.Error() and "name a member" in err.Error()`, what, err)
		}
	}
}
