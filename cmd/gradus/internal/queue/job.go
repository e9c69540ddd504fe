package queue

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	look   = 100 * time.Millisecond // how often a caller looks for results
	beat   = 500 * time.Millisecond // how often both sides report that they are there, and workers check whether a job was canceled
	recent = "5 s"                  // a worker that was seen within this time is there
	frozen = "1 min"                // a worker that has a lease but was not seen within this time is stopped, or its machine hangs
	absent = "30 s"                 // a caller that was not seen within this time is gone, and its tasks wait
	kept   = "1 day"                // how long the rows of a job outlive its caller
)

// Call describes a job.
type Call struct {
	Caller  string   // who calls, and where
	Version string   // of gradus; a worker of another version refuses the job
	Command []string // the call, without passwords; a worker prepares itself from it
	Head    []byte   // JSON of all that the results depend on; a worker whose own differs refuses the job

	// Verify is the share of the tasks that are done twice, by different workers. If their
	// results differ, the job ends with an error that names both workers.
	Verify float64
}

// Result is the result of a task.
type Result struct {
	Value   []byte
	Same    string  // must be equal whoever does the task
	Seconds float64 // how long the worker took
}

// Failure is the error of a task that failed on every try.
type Failure struct {
	Text   string
	Status int // the exit status that goes with it
}

func (f *Failure) Error() string { return f.Text }

// Job is a job in the queue while the caller is there.
type Job struct {
	call Call
	key  string
	id   int32
	link *link
	stop context.CancelFunc // stops the goroutine that runs watch
	over chan struct{}      // closed when that goroutine has ended

	mutex   sync.Mutex
	failed  error           // why no more tasks will be done
	broken  chan struct{}   // closed when failed is set
	tasks   map[int32]*task // the tasks that callers of Do wait for, by number
	next    int32
	fresh   []*task // tasks that are not in the queue yet
	finish  []int32 // ids of rows that were read and can be deleted
	told    map[string]bool
	waived  int       // number of tasks to be done twice that only one worker could do
	beaten  time.Time // when the caller last reported that it is there
	alone   time.Time // since when no worker has been there
	workers []string  // the workers that are there and do not refuse the job
}

// task is a task that the caller waits for.
type task struct {
	number int32
	work   []byte
	copies int
	got    []answer
	at     time.Time // of the first answer
	result chan answer
}

// answer is a row that a worker has finished.
type answer struct {
	id     int32
	worker string
	Result
	failure *Failure
}

// Submit begins a job. Meanwhile it calls say with what the user should know, one sentence at a time.
func Submit(ctx context.Context, address string, call Call, say func(format string, args ...any)) (*Job, error) {
	l, err := connect(ctx, address, "gradus", say)
	if err != nil {
		return nil, err
	}
	j := &Job{call: call, key: rand.Text(), link: l, over: make(chan struct{}), broken: make(chan struct{}), tasks: map[int32]*task{}, told: map[string]bool{}}
	err = l.do(ctx, func(ctx context.Context, db *pgx.Conn) error {
		if _, err := db.Exec(ctx, "delete from gradus.jobs where seen < now() - $1::interval", kept); err != nil {
			return err
		}
		if _, err := db.Exec(ctx, "delete from gradus.workers where seen < now() - $1::interval", kept); err != nil {
			return err
		}
		return db.QueryRow(ctx, `insert into gradus.jobs (key, caller, version, command, head) values ($1, $2, $3, $4, $5)
			on conflict (key) do update set seen = now() returning id`, j.key, call.Caller, call.Version, call.Command, call.Head).Scan(&j.id)
	})
	if err != nil {
		l.close()
		return nil, err
	}
	j.alone = time.Now()
	looking, stop := context.WithCancel(context.WithoutCancel(ctx))
	j.stop = stop
	go j.watch(looking)
	return j, nil
}

// Do has a task done and returns its result. It is called from many goroutines. The error is a
// Failure if the task itself failed.
func (j *Job) Do(ctx context.Context, work []byte) (Result, error) {
	j.mutex.Lock()
	t := &task{number: j.next, work: work, copies: 1, result: make(chan answer, 1)}
	if j.twice(t.number) {
		t.copies = 2
	}
	j.next++
	j.tasks[t.number] = t
	j.fresh = append(j.fresh, t)
	j.mutex.Unlock()
	select {
	case <-ctx.Done():
		return Result{}, ctx.Err()
	case <-j.broken:
		return Result{}, j.failed
	case a := <-t.result:
		if a.failure != nil {
			return Result{}, a.failure
		}
		return a.Result, nil
	}
}

// twice reports whether a task is done a second time, by a hash that no worker can foresee.
func (j *Job) twice(number int32) bool {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", j.key, number))
	return float64(binary.BigEndian.Uint64(sum[:])>>11)/(1<<53) < j.call.Verify
}

// Close ends the job as done or as canceled, so that workers leave it.
func (j *Job) Close(done bool) error {
	j.stop()
	<-j.over
	if done && j.waived > 0 {
		j.link.say("%d of %d tasks were to be done twice and were done once: only one worker was there", j.waived, j.next)
	}
	defer j.link.close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	state := "canceled"
	if done {
		state = "done"
	}
	return j.link.do(ctx, func(ctx context.Context, db *pgx.Conn) error {
		if _, err := db.Exec(ctx, "update gradus.jobs set state = $2 where id = $1", j.id, state); err != nil {
			return err
		}
		_, err := db.Exec(ctx, "delete from gradus.tasks where job = $1", j.id)
		return err
	})
}

// watch puts tasks into the queue and fetches results.
func (j *Job) watch(ctx context.Context) {
	defer close(j.over)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(look):
		}
		if err := j.turn(ctx); err != nil && ctx.Err() == nil {
			j.mutex.Lock()
			j.failed = err
			j.mutex.Unlock()
			close(j.broken)
			return
		}
	}
}

// turn exchanges tasks and results with the queue once. It may be repeated if the server was away.
func (j *Job) turn(ctx context.Context) error {
	j.mutex.Lock()
	fresh, finish, waiting := j.fresh, j.finish, len(j.tasks) > 0
	j.mutex.Unlock()
	var answers []answer
	beaten := time.Since(j.beaten) > beat
	err := j.link.do(ctx, func(ctx context.Context, db *pgx.Conn) error {
		var b pgx.Batch
		for _, t := range fresh {
			for c := range t.copies {
				b.Queue("insert into gradus.tasks (job, number, copy, work) values ($1, $2, $3, $4) on conflict do nothing", j.id, t.number, c, t.work)
			}
		}
		if len(finish) > 0 {
			b.Queue("delete from gradus.tasks where id = any($1)", finish)
		}
		if b.Len() > 0 {
			if err := db.SendBatch(ctx, &b).Close(); err != nil {
				return err
			}
		}
		if beaten {
			if err := j.beat(ctx, db); err != nil {
				return err
			}
		}
		if !waiting {
			return nil
		}
		var err error
		answers, err = j.answers(ctx, db)
		return err
	})
	if err != nil {
		return err
	}
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if beaten {
		j.beaten = time.Now()
	}
	j.fresh, j.finish = j.fresh[len(fresh):], j.finish[len(finish):]
	return j.take(answers)
}

// thaw ends the connections, and with them the leases, of workers that hold tasks of a job but are no
// longer seen. A worker that wakes up again finds that another worker has its task.
const thaw = `select pg_terminate_backend(l.pid)
from gradus.tasks t join gradus.workers w on w.name = t.worker join pg_locks l on l.objid::bigint = t.id
	join pg_stat_activity a on a.pid = l.pid and a.usename = current_user -- others' may not be ended
where t.job = $1 and t.state = 'running' and w.seen < now() - $2::interval
	and l.locktype = 'advisory' and l.classid = $3::bigint::oid and l.objsubid = 2 and l.database = (select d.oid from pg_database d where d.datname = current_database())`

// beat reports that the caller is there, and finds out which workers are.
func (j *Job) beat(ctx context.Context, db *pgx.Conn) error {
	var state string
	if err := db.QueryRow(ctx, "update gradus.jobs set seen = now() where id = $1 returning state", j.id).Scan(&state); err != nil {
		return err
	}
	if state != "open" {
		return fmt.Errorf("somebody has set the job %d to %s", j.id, state)
	}
	if _, err := db.Exec(ctx, thaw, j.id, frozen, int64(class)); err != nil {
		return err
	}
	rows, err := db.Query(ctx, "select worker, reason from gradus.refusals where job = $1 order by worker", j.id)
	if err != nil {
		return err
	}
	refuse := map[string]bool{}
	var worker, reason string
	if _, err := pgx.ForEachRow(rows, []any{&worker, &reason}, func() error {
		refuse[worker] = true
		j.once("worker %s refuses the job: %s", worker, reason)
		return nil
	}); err != nil {
		return err
	}
	rows, err = db.Query(ctx, "select name from gradus.workers where seen > now() - $1::interval", recent)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return refuse[name] })
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.workers = names; len(names) > 0 {
		j.alone = time.Now()
	} else if time.Since(j.alone) > 3*time.Second {
		j.once("no worker at the queue takes the job: start one with gradus work --queue %s", j.address())
	}
	return nil
}

// once calls say with a sentence unless it has done so before.
func (j *Job) once(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !j.told[text] {
		j.told[text] = true
		j.link.say("%s", text)
	}
}

// address returns the address of the queue without a password.
func (j *Job) address() string {
	c := j.link.config
	if strings.HasPrefix(c.Host, "/") {
		return fmt.Sprintf("'postgres://%s@/%s?host=%s'", c.User, c.Database, c.Host)
	}
	return fmt.Sprintf("postgres://%s@%s:%d/%s", c.User, c.Host, c.Port, c.Database)
}

// answers reads the rows that workers have finished.
func (j *Job) answers(ctx context.Context, db *pgx.Conn) ([]answer, error) {
	j.mutex.Lock()
	have := append([]int32{}, j.finish...)
	for _, t := range j.tasks {
		for _, a := range t.got {
			have = append(have, a.id)
		}
	}
	j.mutex.Unlock()
	rows, err := db.Query(ctx, `select id, number, coalesce(worker, ''), state, coalesce(result, ''), coalesce(same, ''), coalesce(seconds, 0), coalesce(error, ''), coalesce(status, 1)
		from gradus.tasks where job = $1 and state in ('done', 'failed') and not id = any($2) order by number, copy`, j.id, have)
	if err != nil {
		return nil, err
	}
	var all []answer
	var number int32
	var state string
	var a answer
	var f Failure
	_, err = pgx.ForEachRow(rows, []any{&a.id, &number, &a.worker, &state, &a.Value, &a.Same, &a.Seconds, &f.Text, &f.Status}, func() error {
		one := a
		one.Value = slices.Clone(a.Value)
		if state == "failed" {
			one.failure = &Failure{f.Text, f.Status}
		}
		j.mutex.Lock()
		defer j.mutex.Unlock()
		if t := j.tasks[number]; t != nil {
			t.got = append(t.got, one)
			all = append(all, one)
		} else { // the caller no longer waits
			j.finish = append(j.finish, one.id)
		}
		return nil
	})
	return all, err
}

// take delivers results. It delivers the result of a task that is done twice when both results agree, or
// when no worker is there that could do the task a second time.
func (j *Job) take(answers []answer) error {
	for number, t := range j.tasks {
		if len(t.got) == 0 {
			continue
		}
		if t.at.IsZero() {
			t.at = time.Now()
		}
		first := t.got[0]
		if len(t.got) < t.copies {
			if time.Since(t.at) < 5*time.Second || slices.ContainsFunc(j.workers, func(name string) bool { return name != first.worker }) {
				continue
			}
			j.waived++
		}
		for _, a := range t.got[1:] {
			if a.failure == nil && first.failure == nil && a.Same != first.Same {
				names := []string{first.worker, a.worker}
				slices.SortFunc(names, cmp.Compare[string])
				return fmt.Errorf("the workers %s and %s did the same task and got different results, so one of them is wrong: nothing was written; repeat the call without --queue, and check gradus version and the memory on both machines", names[0], names[1])
			}
			if a.failure != nil {
				first = a
			}
		}
		for _, a := range t.got {
			j.finish = append(j.finish, a.id)
		}
		delete(j.tasks, number)
		t.result <- first
	}
	return nil
}
