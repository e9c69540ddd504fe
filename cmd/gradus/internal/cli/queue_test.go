package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gradus-ml/gradus/internal/need"
)

// queueOf starts a server and returns the address of a queue there.
func queueOf(t *testing.T) (address string, server *need.Server) {
	t.Helper()
	t.Setenv("PGPASSWORD", "Xyzzy-42")
	server = need.Postgres(t, "Xyzzy-42")
	return "postgres://postgres@" + server.Address(), server
}

// worker is a process of gradus work.
type worker struct {
	*exec.Cmd
	said  strings.Builder
	ended chan struct{}
}

// startWorker starts one; it is killed when the test ends.
func startWorker(t *testing.T, address, name string, more ...string) *worker {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{Cmd: process(self, append([]string{"work", "--queue", address, "--name", name, "--threads", "1"}, more...)...), ended: make(chan struct{})}
	w.Stderr = &w.said
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.Wait(); close(w.ended) }()
	t.Cleanup(func() { w.Process.Kill(); <-w.ended })
	return w
}

// ask is one value from the queue's database.
func ask[T any](t *testing.T, address, query string) (value T) {
	t.Helper()
	db, err := pgx.Connect(context.Background(), address)
	if err == nil {
		defer db.Close(context.Background())
		err = db.QueryRow(context.Background(), query).Scan(&value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// until waits for a query of the queue's database to say true.
func until(t *testing.T, address, query string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ask[bool](t, address, query); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never so: %s", query)
		}
	}
}

// timeless is an output without the times that work took.
func timeless(t *testing.T, text string) string {
	t.Helper()
	if strings.HasPrefix(text, "{") {
		var v any = parseJSON(t, text)
		raw, err := json.Marshal(withoutTimes(map[string]any(v.(object))))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, times := range []string{`(?m) +\d+\.\d\d$`, `(?m) +seconds$`, `in [\d.]+ m?s`} {
		text = regexp.MustCompile(times).ReplaceAllString(text, " TIME")
	}
	return text
}

func withoutTimes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "seconds")
		delete(v, "samples_per_second")
		for key := range v {
			v[key] = withoutTimes(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withoutTimes(v[i])
		}
	}
	return v
}

// Two searches on one queue at the same time, three workers of which one is killed in the middle of a
// trial, and the server away for five seconds: both print what they print on one machine.
func TestTuneOnQueue(t *testing.T) {
	place(t, nil)
	address, server := queueOf(t)
	calls := [][]string{
		{"tune", cancer, "--trials", "6", "--epochs", "60", "--search", "lr=1e-3..1:log", "--search", "hidden=32|64,64", "-o", "a.safetensors", "--quiet"},
		{"tune", iris, "--trials", "9", "--epochs", "40", "-o", "b.safetensors", "--quiet", "--json"},
	}
	var want, got [2]outcome
	var models [2]string
	for i, args := range calls {
		want[i] = must(t, 0, args...)
		models[i] = modelOf(t, args)
	}
	startWorker(t, address, "one")
	victim := startWorker(t, address, "victim")
	startWorker(t, address, "three")
	var team sync.WaitGroup
	for i, args := range calls {
		team.Go(func() { got[i] = call(append(args, "--queue", address, "--verify", "0.2")...) })
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // the tables may not be there yet
		if ask[bool](t, address, "select to_regclass('gradus.refusals') is not null") {
			break
		}
	}
	until(t, address, "select exists (select from gradus.tasks where state = 'running' and worker = 'victim')")
	victim.Process.Signal(syscall.SIGSTOP) // so that it is in the middle of it
	until(t, address, "select exists (select from gradus.tasks where state = 'running' and worker = 'victim')")
	victim.Process.Kill()
	<-victim.ended
	server.Stop()
	time.Sleep(5 * time.Second)
	server.Start()
	team.Wait()
	for i, args := range calls {
		if got[i].code != 0 || timeless(t, got[i].out) != timeless(t, want[i].out) || modelOf(t, args) != models[i] {
			t.Errorf("%v: %d %s\n%s\nwant\n%s", args, got[i].code, got[i].err, timeless(t, got[i].out), timeless(t, want[i].out))
		}
		if !strings.Contains(got[i].err, "is away") || !strings.Contains(got[i].err, "is back") {
			t.Errorf("%v: the server was away, and the caller says: %s", args, got[i].err)
		}
	}
	if n := ask[int](t, address, "select count(*) from gradus.jobs where state = 'done'"); n != 2 {
		t.Errorf("%d jobs are done", n)
	}
}

// Folds and columns are the same from a queue, in every format of the output, and what fails says the same.
func TestFoldsAndColumnsOnQueue(t *testing.T) {
	place(t, nil)
	address, _ := queueOf(t)
	must(t, 0, "train", penguins, "--epochs", "5", "-o", "m.safetensors", "--quiet")
	writeFile(t, "weighed.csv", rowsFor("x,w,g,y", 90, func(i int) string { return fmt.Sprintf("%d.5,%d,%d,%d", i*i%17, i%3, i/3, i*7%11) }))
	at := t.TempDir() // where the workers find the files
	for _, file := range []string{"m.safetensors", "weighed.csv"} {
		writeFile(t, filepath.Join(at, file), readFile(t, file))
	}
	startWorker(t, address, "one", "--data-root", at)
	startWorker(t, address, "two", "--data-root", at)
	for _, args := range [][]string{
		{"cv", penguins, "--folds", "3", "--epochs", "4", "-o", "oof.csv"},
		{"cv", penguins, "--folds", "3", "--epochs", "4", "--json", "--threshold", "0.5", "--metric", "accuracy,auc"},
		{"cv", "weighed.csv", "--folds", "4", "--epochs", "3", "--sample-weight", "w", "--group", "g", "--members", "2", "--json", "-o", "oof.csv"},
		{"cv", "weighed.csv", "--folds", "2", "--optimizer", "sgd", "--lr", "1e30", "--epochs", "30", "--json"}, // diverges
		{"importance", "m.safetensors", penguins, "--repeats", "2", "--seed", "3"},
		{"importance", "m.safetensors", penguins, "--repeats", "2", "--metric", "log_loss", "--json"},
		{"importance", "m.safetensors", penguins, "--metric", "rmse"}, // which classes have not
	} {
		os.Remove("oof.csv")
		want := call(args...)
		files := listing(t)
		os.Remove("oof.csv")
		got := call(append(args, "--queue", address, "--verify", "0.5")...)
		if got.code != want.code || timeless(t, got.out) != timeless(t, want.out) {
			t.Errorf("%v: %d\n%s\n%s\nwant %d\n%s\n%s", args, got.code, timeless(t, got.out), got.err, want.code, timeless(t, want.out), want.err)
		}
		if a, b := strings.Split(strings.TrimSpace(want.err), "\n"), strings.Split(strings.TrimSpace(got.err), "\n"); want.code != 0 && a[len(a)-1] != b[len(b)-1] {
			t.Errorf("%v: %s\nwant %s", args, got.err, want.err)
		}
		if found := listing(t); !maps.Equal(found, files) {
			t.Errorf("%v: the files are %v, want %v", args, found, files)
		}
	}
}

// modelOf is what info says of the model that a call has written, the hash of its weights too.
func modelOf(t *testing.T, args []string) string {
	t.Helper()
	for i, a := range args {
		if a == "-o" {
			return timeless(t, must(t, 0, "info", args[i+1], "--json").out)
		}
	}
	t.Fatalf("%v writes no model", args)
	return ""
}
