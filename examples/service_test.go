package examples_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// TestService replaces the model while requests come. The service keeps its model if the file is broken or has other
// columns. It answers every request with the prediction of one of the two models.
func TestService(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "service.exe")
	if out, err := exec.Command("go", "build", "-o", bin, "./service").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	table, err := data.Read("data/iris.csv", data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]any{"sepal_length_cm": 5.1, "sepal_width_cm": nil, "petal_length_cm": 1.4, "petal_width_cm": 0.2}
	path := filepath.Join(dir, "m.safetensors")
	save := func(o model.Options) (says string) {
		t.Helper()
		o.Hidden, o.Epochs = []int{4}, 3
		m, _, err := model.Train(t.Context(), table, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Save(path); err != nil { // whole or not at all
			t.Fatal(err)
		}
		if len(m.Columns()) < len(row) {
			return ""
		}
		p, err := m.PredictRow(row)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := save(model.Options{Seed: 1})
	cmd := exec.Command(bin, "-listen", "127.0.0.1:0", "-reload", "5ms", path)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	lines := make(chan string, 100)
	go func() {
		for s := bufio.NewScanner(stderr); s.Scan(); {
			lines <- s.Text()
		}
		close(lines)
	}()
	wait := func(words string) string {
		t.Helper()
		for {
			select {
			case line, ok := <-lines:
				if !ok {
					t.Fatalf("the service ended without saying %q", words)
				}
				if strings.Contains(line, words) {
					return line
				}
			case <-time.After(time.Minute):
				t.Fatalf("the service did not say %q within a minute", words)
			}
		}
	}
	_, address, _ := strings.Cut(wait("listening on "), "http://")
	ask := func(row map[string]any) (int, string, error) {
		body, err := json.Marshal(row)
		if err != nil {
			return 0, "", err
		}
		r, err := http.Post("http://"+address+"/predict", "application/json", bytes.NewReader(body))
		if err != nil {
			return 0, "", err
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		return r.StatusCode, strings.TrimSpace(string(text)), err
	}

	var answers sync.Map
	var done atomic.Bool
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for !done.Load() {
				status, text, err := ask(row)
				if status != 200 || err != nil {
					t.Errorf("a request was dropped: %d %s %v", status, text, err)
					return
				}
				answers.Store(text, true)
			}
		})
	}
	second := save(model.Options{Seed: 2})
	wait("a new model")
	if err := os.WriteFile(path, []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	wait("the model stays as it is")
	save(model.Options{Seed: 3, Ignore: []string{"sepal_width_cm"}})
	wait("other columns or classes")
	if _, text, err := ask(row); text != second || err != nil {
		t.Errorf("the service answers %s, %v, want %s", text, err, second)
	}
	done.Store(true)
	clients.Wait()
	answers.Range(func(text, _ any) bool {
		if text != first && text != second {
			t.Errorf("an answer is %s, want %s or %s", text, first, second)
		}
		return true
	})
	if !strings.Contains(second, `"imputed":["sepal_width_cm"]`) {
		t.Errorf("%s does not say what was missing", second)
	}
	status, text, err := ask(map[string]any{"sepal_length_cm": "long", "sepal_width_cm": nil, "petal_length_cm": 1.4, "petal_width_cm": 0.2})
	if status != 400 || err != nil || !strings.Contains(text, `"column":"sepal_length_cm","value":"long"`) {
		t.Errorf("a text for a number: got %d %s %v, want status 400 and the column and its value", status, text, err)
	}
}
