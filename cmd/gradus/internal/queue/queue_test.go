package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gradus-ml/gradus/internal/need"
)

// doubling is a job. Each of its tasks writes its work twice.
type doubling struct {
	head string
	do   func(ctx context.Context, work string) (string, error)
}

func (d doubling) Head() []byte { return []byte(d.head) }
func (d doubling) Close()       {}
func (d doubling) Do(ctx context.Context, work []byte) (Result, error) {
	text, err := d.do(ctx, string(work))
	return Result{Value: []byte(text), Same: text}, err
}

func double(ctx context.Context, work string) (string, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(10 * time.Millisecond):
		return work + work, nil
	}
}

// said keeps the messages.
type said struct {
	mutex sync.Mutex
	lines []string
}

func (s *said) say(format string, args ...any) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *said) has(words ...string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.ContainsFunc(s.lines, func(line string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) })
	})
}

func (s *said) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.Join(s.lines, "\n")
}

// bench is a server with workers, which end when the test does.
type bench struct {
	t       *testing.T
	server  *need.Server
	address string
	said    said
}

func newBench(t *testing.T) *bench {
	t.Setenv("PGPASSWORD", "secret")
	b := &bench{t: t, server: need.Postgres(t, "secret")}
	b.address = "postgres://postgres@" + b.server.Address()
	return b
}

// work starts a worker and returns a function that ends it.
func (b *bench) work(name string, do func(context.Context, string) (string, error), change func(*Worker)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Worker{Name: name, Version: "1", Slots: 2, Say: b.said.say, Open: func(context.Context, []string) (Work, error) { return doubling{`{"data":1}`, do}, nil }}
	if change != nil {
		change(w)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx, b.address); err != nil {
			b.t.Errorf("worker %s: %v", name, err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	b.t.Cleanup(stop)
	return stop
}

// submit begins a job that is closed when the test ends.
func (b *bench) submit(verify float64) *Job {
	b.t.Helper()
	j, err := Submit(context.Background(), b.address, Call{Caller: "ann", Version: "1", Command: []string{"double"}, Head: []byte(`{"data":1}`), Verify: verify}, b.said.say)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { j.Close(true) })
	return j
}

// all does n tasks of a job at the same time and returns the errors.
func all(ctx context.Context, j *Job, n int) []error {
	failed := make([]error, n)
	var team sync.WaitGroup
	for i := range n {
		team.Go(func() {
			r, err := j.Do(ctx, fmt.Append(nil, i, "."))
			if want := fmt.Sprintf("%d.%d.", i, i); err == nil && string(r.Value) != want {
				err = fmt.Errorf("task %d came to %q, want %q", i, r.Value, want)
			}
			failed[i] = err
		})
	}
	team.Wait()
	return failed
}

// With several callers and workers at the same time, each caller gets its own results. Some tasks are done twice,
// the server is stopped in between, and nothing is left behind.
func TestQueue(t *testing.T) {
	b := newBench(t)
	slow := func(ctx context.Context, work string) (string, error) {
		time.Sleep(50 * time.Millisecond)
		return double(ctx, work)
	}
	b.work("one", slow, nil)
	b.work("two", slow, nil)
	b.work("three", slow, func(w *Worker) { w.Idle = time.Hour })
	jobs := []*Job{b.submit(0.3), b.submit(0)}
	var team sync.WaitGroup
	for _, j := range jobs {
		team.Go(func() {
			for i, err := range all(context.Background(), j, 60) {
				if err != nil {
					t.Errorf("task %d: %v", i, err)
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	b.server.Stop()
	time.Sleep(time.Second)
	b.server.Start()
	team.Wait()
	if !b.said.has("is away") || !b.said.has("is back") {
		t.Errorf("no message says that the server is away and is back:\n%s", &b.said)
	}
	for _, j := range jobs {
		if err := j.Close(true); err != nil {
			t.Error(err)
		}
	}
	db, err := pgx.Connect(context.Background(), b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	var tasks, done int
	if err := db.QueryRow(context.Background(), "select (select count(*) from gradus.tasks), (select count(*) from gradus.jobs where state = 'done')").Scan(&tasks, &done); err != nil || tasks != 0 || done != 2 {
		t.Errorf("%d tasks are left, %d jobs are done: %v", tasks, done, err)
	}
}

// A worker with wrong results is found and named, together with the worker that contradicts it.
func TestLiar(t *testing.T) {
	b := newBench(t)
	b.work("honest", double, nil)
	b.work("liar", func(ctx context.Context, work string) (string, error) { return "3", nil }, nil)
	j := b.submit(1)
	failed := all(context.Background(), j, 4)
	if i := slices.IndexFunc(failed, func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "the workers honest and liar") && strings.Contains(err.Error(), "different results")
	}); i < 0 {
		t.Errorf("no error names the two workers and their different results: %v", failed)
	}
}

// With only one worker, tasks for two workers are done once, and a message says so.
func TestAlone(t *testing.T) {
	b := newBench(t)
	b.work("one", double, nil)
	j := b.submit(1)
	if err := errors.Join(all(context.Background(), j, 3)...); err != nil {
		t.Error(err)
	}
	j.Close(true)
	if !b.said.has("3 of 3 tasks were to be done twice") {
		t.Errorf(`got the messages %v, want "3 of 3 tasks were to be done twice"`, &b.said)
	}
}

// Workers with another version or other data refuse the job and leave it to others.
func TestRefusals(t *testing.T) {
	b := newBench(t)
	b.work("old", double, func(w *Worker) { w.Version = "0" })
	b.work("elsewhere", double, func(w *Worker) {
		w.Open = func(context.Context, []string) (Work, error) { return doubling{`{"data":2}`, double}, nil }
	})
	b.work("blind", double, func(w *Worker) {
		w.Open = func(context.Context, []string) (Work, error) { return nil, errors.New("a.csv: there is no such file") }
	})
	j := b.submit(0)
	results := make(chan error)
	go func() { results <- errors.Join(all(context.Background(), j, 5)...) }()
	for !b.said.has("worker old refuses the job") || !b.said.has("worker elsewhere refuses") || !b.said.has("worker blind refuses") || !b.said.has("no worker at the queue takes the job") {
		time.Sleep(50 * time.Millisecond)
	}
	b.work("right", double, nil)
	if err := <-results; err != nil {
		t.Error(err)
	}
	for _, words := range [][]string{{"worker old refuses the job: it was sent by gradus 1, and the worker is gradus 0"}, {"worker elsewhere", "(data differs)"}, {"worker blind", "a.csv: there is no such file"}, {"gradus work --queue postgres://postgres@127.0.0.1:"}} {
		if !b.said.has(words...) {
			t.Errorf("no message says %q:\n%s", words, &b.said)
		}
	}
}

// A task that fails is tried three times, by another worker if there is one. Then it is reported with
// its error and its status.
func TestFailure(t *testing.T) {
	b := newBench(t)
	var mutex sync.Mutex
	tries := map[string]int{}
	fail := func(name string) func(ctx context.Context, work string) (string, error) {
		return func(ctx context.Context, work string) (string, error) {
			mutex.Lock()
			defer mutex.Unlock()
			if work == "1." || work == "2." && name == "poor" {
				tries[work+name]++
				return "", &Failure{"no such flag", 2}
			}
			return work + work, nil
		}
	}
	b.work("poor", fail("poor"), nil)
	b.work("rich", fail("rich"), nil)
	j := b.submit(0)
	failed := all(context.Background(), j, 4)
	f, is := errors.AsType[*Failure](failed[1])
	if !is || *f != (Failure{"no such flag", 2}) || failed[0] != nil || failed[2] != nil || failed[3] != nil {
		t.Errorf(`got the errors %v, want only task 1 to fail, with "no such flag" and the status 2`, failed)
	}
	if n := tries["1.poor"] + tries["1.rich"]; n != Tries || tries["1.poor"] == 0 || tries["1.rich"] == 0 || tries["2.poor"] > 1 {
		t.Errorf(`got %v, want Tries of task 1, by both workers, and at most one of task 2 by poor`, tries)
	}
}

// A task whose workers are lost again and again counts as failed in the end.
func TestLost(t *testing.T) {
	b := newBench(t)
	j := b.submit(0)
	results := make(chan []error)
	go func() { results <- all(context.Background(), j, 1) }()
	db, err := pgx.Connect(context.Background(), b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	for done := false; !done; time.Sleep(10 * time.Millisecond) { // as if its tenth worker were gone
		tag, err := db.Exec(context.Background(), "update gradus.tasks set state = 'running', worker = 'ghost', lost = $1", Losses-1)
		if done = tag.RowsAffected() == 1; err != nil {
			t.Fatal(err)
		}
	}
	b.work("one", double, nil)
	if failed := <-results; failed[0] == nil || failed[0].Error() != "its workers were lost 10 times, the last of them ghost (killed, or out of memory?)" {
		t.Errorf(`got the errors %v, want "its workers were lost 10 times, the last of them ghost (killed, or out of memory?)"`, failed)
	}
}

// A stopped worker loses its task, although it keeps its connection.
func TestFrozen(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	j := b.submit(0)
	db, err := pgx.Connect(ctx, b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	results := make(chan []error)
	go func() { results <- all(ctx, j, 1) }()
	for done := false; !done; time.Sleep(10 * time.Millisecond) { // as if this connection were the worker's
		tag, err := db.Exec(ctx, "update gradus.tasks set state = 'running', worker = 'ice' where pg_try_advisory_lock($1::integer, id)", class)
		if done = tag.RowsAffected() == 1; err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(ctx, "insert into gradus.workers values ('ice', now())"); err != nil {
		t.Fatal(err)
	}
	b.work("one", double, nil)
	select {
	case failed := <-results:
		t.Errorf("another worker did the task of a worker that is still alive: %v", failed)
	case <-time.After(time.Second):
	}
	if _, err := db.Exec(ctx, "update gradus.workers set seen = now() - interval '2 min' where name = 'ice'"); err != nil {
		t.Fatal(err)
	}
	if failed := <-results; failed[0] != nil {
		t.Errorf("got the errors %v, want none", failed)
	}
	if err := db.Ping(ctx); err == nil {
		t.Error("the connection of the stopped worker is alive")
	}
}

// A worker leaves a canceled job within a second and takes the next one. A worker that is
// asked to end gives its task back.
func TestCancel(t *testing.T) {
	b := newBench(t)
	begun, left := make(chan string, 100), make(chan string, 100)
	wait := func(ctx context.Context, work string) (string, error) {
		begun <- work
		<-ctx.Done()
		left <- work
		return "", ctx.Err()
	}
	stop := b.work("waits", wait, func(w *Worker) { w.Slots = 1 })
	ctx, cancel := context.WithCancel(context.Background())
	first, second := b.submit(0), b.submit(0)
	results := make(chan []error)
	go func() { results <- all(ctx, first, 1) }()
	<-begun
	cancel()
	if failed := <-results; !errors.Is(failed[0], context.Canceled) {
		t.Errorf("got the errors %v, want context.Canceled", failed)
	}
	at := time.Now()
	if err := first.Close(false); err != nil {
		t.Error(err)
	}
	<-left
	if took := time.Since(at); took > 5*time.Second {
		t.Errorf("the worker left the task after %v, want at most 5 s", took)
	}
	go func() { results <- all(context.Background(), second, 1) }()
	<-begun
	stop()
	b.work("ends", double, nil)
	if failed := <-results; failed[0] != nil {
		t.Errorf("got the errors %v, want none", failed)
	}
}

// Tables of another version are refused, and so is an address without a database.
func TestOtherTables(t *testing.T) {
	b := newBench(t)
	b.submit(0)
	db, err := pgx.Connect(context.Background(), b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(context.Background(), "update gradus.version set version = 99"); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		b.address:    "its tables are of version 99 and this gradus knows version 1",
		"http://a/b": "this is not the address of a database",
		"postgres://postgres:wrong-secret@" + b.server.Address(): "give the password in PGPASSWORD or ~/.pgpass",
		"postgres://postgres@127.0.0.1:1/a":                      "connection refused",
	} {
		_, err := Submit(context.Background(), address, Call{}, b.said.say)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want an error with %q and without the password", address, err, want)
		}
	}
}
