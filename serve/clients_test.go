package serve

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/need"
)

// TestClients: tritonclient and kserve's InferenceRESTClient get what the models predict, for
// every task, in JSON and in binary. They are in the Python of GRADUS_SERVE_PYTHON, or python3.
func TestClients(t *testing.T) {
	python := os.Getenv("GRADUS_SERVE_PYTHON")
	if python == "" {
		python = need.Tool(t, "python3")
	}
	err := exec.Command(python, "-c", "import tritonclient.http, kserve").Run()
	need.That(t, err == nil, "a python3 with the packages tritonclient[http] and kserve, or GRADUS_SERVE_PYTHON that names one")
	s, models := served(t, Options{Token: "secret", Version: "test"})
	type column struct {
		Name   string `json:"name"`
		Kind   string `json:"kind"`
		Values []any  `json:"values"`
	}
	type clientCase struct {
		Model   string      `json:"model"`
		Columns []column    `json:"columns"`
		Outputs [][]float64 `json:"outputs"`
		Labels  []string    `json:"labels"`
		Short   []any       `json:"short"`
	}
	var cases []clientCase
	for task, m := range models {
		c := clientCase{Model: string(task)}
		out, said := want(t, m)
		for i, p := range said {
			n := m.Outputs()
			c.Outputs = append(c.Outputs, out[i*n:][:n])
			switch {
			case p.Labels != nil:
				c.Labels, c.Short = append(c.Labels, p.Labels...), append(c.Short, p.Labels)
			case p.Values != nil:
				c.Short = append(c.Short, p.Values)
			default:
				c.Labels, c.Short = append(c.Labels, p.Class), append(c.Short, p.Class)
			}
		}
		for _, in := range m.Encoding.Inputs {
			col := column{Name: in.Name, Kind: string(in.Kind)}
			for _, row := range someRows {
				v := row[in.Name]
				switch x := v.(type) {
				case bool:
					v = fmt.Sprint(x)
				case float64:
					if in.Kind != data.KindNumber {
						v = fmt.Sprint(x)
					}
				case string:
					if in.Kind == data.KindNumber {
						v = 4.5
					}
				}
				col.Values = append(col.Values, v)
			}
			c.Columns = append(c.Columns, col)
		}
		cases = append(cases, c)
	}
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, []byte(text(t, cases)), 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, filepath.Join("testdata", "clients.py"), started(t, s), path, "secret").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	for _, words := range []string{"tritonclient", "kserve", "binary, deflate: multilabel", "v1: regression", "prometheus_client"} {
		if !strings.Contains(string(out), words) {
			t.Errorf("the transcript lacks %q", words)
		}
	}
}
