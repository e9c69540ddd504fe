//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gradus-ml/gradus/internal/need"
)

// queueOf starts a PostgreSQL server and returns the address of a queue on it.
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

// startWorker starts a worker, and kills it when the test ends.
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

// ask returns one value from the queue's database.
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

const tablesThere = "select to_regclass('gradus.refusals') is not null"

// until waits until a query of the queue's database returns true. It fails the test after a minute.
func until(t *testing.T, address, query string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ask[bool](t, address, query); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got false for a minute, want true: %s", query)
		}
	}
}

// timeless returns an output without times.
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
	return regexp.MustCompile(`(?m)^( *member \d+ +\d+ +\d+ +\S+) +[\d.]+ +`).ReplaceAllString(text, "$1 TIME ")
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

// Two searches share one queue and three workers. One worker is killed during a trial, and the server is
// away for 5 s. Both searches print what they print without a queue.
func TestTuneOnQueue(t *testing.T) {
	notShort(t)
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
	until(t, address, tablesThere)
	until(t, address, "select exists (select from gradus.tasks where state = 'running' and worker = 'victim')")
	victim.Process.Signal(syscall.SIGSTOP) // so that the trial cannot end before the kill
	until(t, address, "select exists (select from gradus.tasks where state = 'running' and worker = 'victim')")
	victim.Process.Kill()
	<-victim.ended
	server.Stop()
	time.Sleep(5 * time.Second)
	server.Start()
	team.Wait()
	for i, args := range calls {
		if got[i].code != 0 || timeless(t, got[i].out) != timeless(t, want[i].out) || modelOf(t, args) != models[i] {
			t.Errorf("%v: got exit status %d and %s\n%s\nwant\n%s", args, got[i].code, got[i].err, timeless(t, got[i].out), timeless(t, want[i].out))
		}
		if !strings.Contains(got[i].err, "is away") || !strings.Contains(got[i].err, "is back") {
			t.Errorf("%v: the server was away: got the messages %s, want is away and is back", args, got[i].err)
		}
	}
	if n := ask[int](t, address, "select count(*) from gradus.jobs where state = 'done'"); n != 2 {
		t.Errorf("got %d finished jobs, want 2", n)
	}
}

// cv and importance have the same results with a queue, in every format of the output. Their errors are the same too.
func TestFoldsAndColumnsOnQueue(t *testing.T) {
	notShort(t)
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
		{"importance", "m.safetensors", penguins, "--metric", "rmse"}, // classes do not have this metric
	} {
		os.Remove("oof.csv")
		want := call(args...)
		files := listing(t)
		os.Remove("oof.csv")
		got := call(append(args, "--queue", address, "--verify", "0.5")...)
		if got.code != want.code || timeless(t, got.out) != timeless(t, want.out) {
			t.Errorf("%v: got exit status %d\n%s\n%s\nwant %d\n%s\n%s", args, got.code, timeless(t, got.out), got.err, want.code, timeless(t, want.out), want.err)
		}
		if a, b := strings.Split(strings.TrimSpace(want.err), "\n"), strings.Split(strings.TrimSpace(got.err), "\n"); want.code != 0 && a[len(a)-1] != b[len(b)-1] {
			t.Errorf("%v: got the messages %s\nwant %s", args, got.err, want.err)
		}
		if found := listing(t); !maps.Equal(found, files) {
			t.Errorf("%v: the files are %v, want %v", args, found, files)
		}
	}
}

// An ensemble has the same report, model and progress with a queue. Only the order of the lines of progress may differ.
func TestMembersOnQueue(t *testing.T) {
	notShort(t)
	place(t, nil)
	address, _ := queueOf(t)
	startWorker(t, address, "one")
	startWorker(t, address, "two")
	writeFile(t, "held.csv", readFile(t, penguins))
	lines := func(r outcome) string {
		all := regexp.MustCompile(`\(\d of`).Split(r.err, -1)
		slices.Sort(all)
		return strings.Join(all, "")
	}
	for _, args := range [][]string{
		{"train", penguins, "--members", "3", "--epochs", "6", "--test", "0.2", "-o", "e.safetensors"},
		{"train", diabetes, "--epochs", "3", "-o", "e.safetensors", "--json"},
		{"train", penguins, "--members", "2", "--epochs", "3", "--validation", "held.csv", "-o", "e.safetensors", "--calibrate"},
	} {
		os.Remove("e.safetensors")
		want := must(t, 0, args...)
		whole := modelOf(t, args)
		os.Remove("e.safetensors")
		got := must(t, 0, append(args, "--queue", address, "--verify", "0.3")...)
		if timeless(t, got.out) != timeless(t, want.out) || modelOf(t, args) != whole || len(lines(got)) != len(lines(want)) {
			t.Errorf("%v: got %s\n%s\nwant\n%s\n%s", args, timeless(t, got.out), got.err, timeless(t, want.out), want.err)
		}
	}
	for _, flags := range [][]string{{"--members", "1"}, {"--preset", "quick"}, {"--tolerance", "0.1"}} {
		for _, problem := range refused(call(append([]string{"train", penguins, "--queue", address}, flags...)...), 2, []string{"--queue", "--members"}) {
			t.Errorf("%v: %s", flags, problem)
		}
	}
	if r := call("train", penguins, "--members", "2", "--optimizer", "sgd", "--lr", "1e30", "--queue", address, "-o", "d.safetensors"); r.code != 1 || !strings.Contains(r.err, "diverged") || !strings.Contains(r.err, "d.safetensors was not written") {
		t.Errorf(`got %v %v, want exit status 1 and "diverged" in r.err and "d.safetensors was not written" in r.err`, r.code, r.err)
	}
}

// A search has the same result if workers are killed at random moments and replaced. There are 3 kills, or as
// many as GRADUS_CHAOS says. Neither the jobs in the database nor the output have the password.
func TestKilledWorkers(t *testing.T) {
	notShort(t)
	kills := 3
	if s, _, _ := strings.Cut(os.Getenv("GRADUS_CHAOS"), ":"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	place(t, nil)
	address, server := queueOf(t)
	args := []string{"tune", cancer, "--trials", strconv.Itoa(8 + 4*kills), "--strategy", "random", "--epochs", "30", "--hidden", "64,64", "--members", "1", "--search", "lr=1e-4..1e-2:log", "-o", "a.safetensors", "--json", "--quiet"}
	want := must(t, 0, args...)
	withPassword := "postgres://postgres:Xyzzy-42@" + server.Address()
	ended := make(chan outcome)
	go func() { ended <- call(append(args, "--queue", withPassword)...) }()
	var workers []*worker
	said, done := "", 0
	for n := range 3 {
		workers = append(workers, startWorker(t, withPassword, fmt.Sprint("w", n)))
	}
	var got outcome
	for over := false; !over; {
		select {
		case got = <-ended:
			over = true
			continue
		case <-time.After(time.Duration(200+rand.IntN(600)) * time.Millisecond):
		}
		if done == kills {
			continue
		}
		victim := workers[done%3]
		victim.Process.Kill()
		<-victim.ended
		said += victim.said.String()
		workers[done%3] = startWorker(t, withPassword, fmt.Sprint("w", 3+done))
		done++
	}
	if got.code != 0 || timeless(t, got.out) != timeless(t, want.out) {
		t.Errorf("after %d kills: got exit status %d and %s\n%s\nwant\n%s", done, got.code, got.err, timeless(t, got.out), timeless(t, want.out))
	}
	t.Logf("%d workers were killed", done)
	kept := ask[string](t, address, "select string_agg(j::text, '') from gradus.jobs j")
	if strings.Contains(said+got.err+got.out+kept, "Xyzzy-42") {
		t.Errorf("the password is shown or kept:\n%s%s%s", said, got.err, kept)
	}
}

// After Ctrl-C the caller prints what it prints without a queue, the job is marked as canceled, and the worker
// takes the next job. SIGTERM ends a worker cleanly, and so does --idle.
func TestInterruptedOnQueue(t *testing.T) {
	place(t, nil)
	address, _ := queueOf(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := startWorker(t, address, "one")
	caller := process(self, "tune", cancer, "--trials", "3", "--strategy", "random", "--epochs", "1000000", "--patience", "0", "--hidden", "8", "--search", "lr=1e-4..1e-3", "--queue", address, "-o", "a.safetensors")
	var said strings.Builder
	caller.Stderr = &said
	if err := caller.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, address, tablesThere)
	until(t, address, "select exists (select from gradus.tasks where state = 'running')")
	caller.Process.Signal(os.Interrupt)
	caller.Wait()
	if code := caller.ProcessState.ExitCode(); code != statusInterrupted || !strings.Contains(said.String(), "interrupted after 0 of 3 trials") {
		t.Errorf(`got %d %s, want code = statusInterrupted and "interrupted after 0 of 3 trials" in said.String()`, code, &said)
	}
	if state := ask[string](t, address, "select state from gradus.jobs"); state != "canceled" {
		t.Errorf("got the job as %s, want canceled", state)
	}
	must(t, 0, "cv", iris, "--folds", "2", "--epochs", "1", "--members", "1", "--quiet", "--queue", address)
	w.Process.Signal(syscall.SIGTERM)
	<-w.ended
	if code := w.ProcessState.ExitCode(); code != 0 || !strings.Contains(w.said.String(), "is dropped: the job was canceled") {
		t.Errorf(`got %d %s, want code = 0 and "is dropped: the job was canceled" in w.said.String()`, code, &w.said)
	}
	must(t, 0, "work", "--queue", address, "--idle", "300ms", "--name", "two")
	for _, problem := range refused(call("work", "--queue", address, "--data-root", "nowhere"), 2, []string{"--data-root nowhere"}) {
		t.Error(problem)
	}
}

// modelOf returns the output of info --json for the model that a call has written, without times.
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
