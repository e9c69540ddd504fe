package serve

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// TestReload: while requests come, the file is replaced again and again, also by broken files. Each
// answer is that of one of the models, and no answer is lost.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.safetensors")
	var models [2]*model.Model
	var files [2][]byte
	var answers [2]string
	for i := range models {
		models[i] = train(t, data.Multiclass, uint64(i+1), path)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = raw
		s, err := New([]Source{{"m", "1", path}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		answers[i] = call(t, s, "POST", "/predict", text(t, someRows)).Body.String()
	}
	if answers[0] == answers[1] {
		t.Fatal("the two models give the same answer")
	}
	var log bytes.Buffer
	s, err := New([]Source{{"m", "1", path}}, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var done sync.WaitGroup
	var asked [2]atomic.Int64
	for range 4 {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				w := call(t, s, "POST", "/predict", text(t, someRows))
				switch w.Body.String() {
				case answers[0]:
					asked[0].Add(1)
				case answers[1]:
					asked[1].Add(1)
				default:
					t.Errorf("got the answer %d %.200s, which is that of neither model", w.Code, w.Body)
					return
				}
			}
		})
	}
	put := func(raw []byte, at int) {
		t.Helper()
		temporary := path + ".new"
		if err := os.WriteFile(temporary, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(int64(1e9+at), 0)
		if err := os.Chtimes(temporary, when, when); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temporary, path); err != nil {
			t.Fatal(err)
		}
		s.Reload()
	}
	other := filepath.Join(dir, "other.safetensors")
	train(t, data.Binary, 1, other)
	foreign, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		put(files[i%2], 4*i)
		if sha := s.models[0].now().sha; sha != models[i%2].WeightsSHA256() {
			t.Fatalf("the new model was not loaded: %s", &log)
		}
		put(files[i%2][:len(files[i%2])-8], 4*i+1) // cut short
		put([]byte("nonsense"), 4*i+2)
		put(foreign, 4*i+3) // of another task
		if sha := s.models[0].now().sha; sha != models[i%2].WeightsSHA256() {
			t.Fatal("a broken model was loaded")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	close(stop)
	done.Wait()
	if asked[0].Load() == 0 || asked[1].Load() == 0 {
		t.Errorf("the models answered %d and %d times, want both to answer", asked[0].Load(), asked[1].Load())
	}
	t.Logf("%d requests while the file was replaced 120 times", asked[0].Load()+asked[1].Load())
	m := call(t, s, "GET", "/metrics", "").Body.String()
	for _, line := range []string{`gradus_reloads_total{model="m",version="1",result="failed"} 90`, `gradus_reloads_total{model="m",version="1",result="taken"} 30`} {
		if !strings.Contains(m, line) {
			t.Errorf("the metrics lack %s:\n%s", line, m)
		}
	}
	if !strings.Contains(log.String(), "other columns or targets") || !strings.Contains(log.String(), "cut short") {
		t.Errorf("the log does not say why: %.500s", &log)
	}
}

// TestWatch: a watching server loads a changed file by itself.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	train(t, data.Binary, 1, path)
	s, err := New([]Source{{"m", "1", path}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { s.Watch(ctx, time.Millisecond) })
	next := train(t, data.Binary, 2, path)
	for begun := time.Now(); s.models[0].now().sha != next.WeightsSHA256(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the changed file was not loaded")
		}
	}
	cancel()
	done.Wait()
}

// TestVersions: a request without a version gets the highest one.
func TestVersions(t *testing.T) {
	dir := t.TempDir()
	var sources []Source
	for i, version := range []string{"2", "10", "9"} {
		path := filepath.Join(dir, version)
		train(t, data.Binary, uint64(i+1), path)
		sources = append(sources, Source{"m", version, path})
	}
	s, err := New(sources, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for path, version := range map[string]string{"/v2/models/m/infer": "10", "/v2/models/m/versions/2/infer": "2"} {
		if v := answer(t, call(t, s, "POST", path, text(t, map[string]any{"inputs": tensors()}))); v["model_version"] != version {
			t.Errorf("%s: the answer has the wrong version %v", path, v["model_version"])
		}
	}
	if _, err := New(append(sources, sources[0]), Options{}); err == nil || !strings.Contains(err.Error(), "two models named m") {
		t.Errorf("the same source twice: got %v, want an error that names m", err)
	}
	if _, err := New(nil, Options{}); err == nil {
		t.Error("a server without models starts, want an error")
	}
}

func TestParseSource(t *testing.T) {
	for s, want := range map[string]Source{
		"dir/iris.safetensors": {"iris", "1", "dir/iris.safetensors"}, "a=b/c.d": {"a", "1", "b/c.d"}, "a/3=x": {"a", "3", "x"}, "my model.safetensors": {"my-model", "1", "my model.safetensors"},
	} {
		if got, err := ParseSource(s); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v and no error", s, got, err, want)
		}
	}
	for _, s := range []string{"=x", "a b=x", "a/=x", "/1=x", "é=x", ".hidden"} {
		if got, err := ParseSource(s); err == nil {
			t.Errorf("%s: got %+v, want an error", s, got)
		}
	}
}
