package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/journal"
)

// How often a task is begun before it counts as failed. A worker may also be lost for reasons that have nothing to do with
// the task.
const (
	Tries  = 3  // tries that ended with an error
	Losses = 10 // tries whose worker was lost
)

// idle is how long a slot waits before it asks for a task again.
const idle = 200 * time.Millisecond

// Work is a job that a worker is prepared for.
type Work interface {
	// Head returns what the results depend on, as the worker found it.
	Head() []byte
	// Do does a task. It is called from several goroutines, and returns soon after ctx ends.
	Do(ctx context.Context, work []byte) (Result, error)
	// Close is called after the last task.
	Close()
}

// Worker does tasks.
type Worker struct {
	Name    string        // unique among the workers
	Version string        // of gradus
	Slots   int           // tasks at a time
	Idle    time.Duration // how long it waits for tasks before it ends; 0: forever
	// Open prepares for a job from its command. An error is the reason to refuse the job.
	Open func(ctx context.Context, command []string) (Work, error)
	Say  func(format string, args ...any)

	link *link
	busy atomic.Int64 // when a task was last running, in Unix nanoseconds

	mutex   sync.Mutex
	running map[int32]*claimed // by the task's id
	refused map[int32]bool     // jobs
	jobs    map[int32]*opened
}

// claimed is a task that the worker has claimed.
type claimed struct {
	id, job, number, claim int32
	work                   []byte
	cancel                 context.CancelCauseFunc
}

// opened is a job that the worker is prepared for, or is preparing for.
type opened struct {
	ready sync.Once
	users int // number of slots that have a task of the job
	work  Work
	err   error
}

var (
	errCanceled = errors.New("the job was canceled")
	errLost     = errors.New("the lease was lost")
)

// Run does tasks until ctx ends or there have been none for Idle. Tasks that are running when ctx ends
// are handed back.
func (w *Worker) Run(ctx context.Context, address string) error {
	l, err := connect(ctx, address, "gradus work "+w.Name, w.Say)
	if err != nil {
		return err
	}
	w.link, w.running, w.refused, w.jobs = l, map[int32]*claimed{}, map[int32]bool{}, map[int32]*opened{}
	l.renew = w.renew
	defer l.close()
	w.busy.Store(time.Now().UnixNano())
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	var heart, slots sync.WaitGroup
	heart.Go(func() {
		for beating.Err() == nil {
			if err := w.beat(beating); err != nil && beating.Err() == nil {
				fail(err)
				return
			}
			select {
			case <-beating.Done():
			case <-time.After(beat):
			}
		}
	})
	for range max(1, w.Slots) {
		slots.Go(func() {
			if err := w.slot(ctx); err != nil {
				fail(err)
			}
		})
	}
	slots.Wait()
	stop()
	heart.Wait()
	for _, o := range w.jobs {
		if o.work != nil {
			o.work.Close()
		}
	}
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	within, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	l.do(within, func(ctx context.Context, db *pgx.Conn) error { // nobody needs to wait for a worker that has ended
		_, err := db.Exec(ctx, "delete from gradus.workers where name = $1", w.Name)
		return err
	})
	return nil
}

// slot does one task after another.
func (w *Worker) slot(ctx context.Context) error {
	for ctx.Err() == nil {
		t, err := w.claim(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if t != nil {
			if err := w.do(ctx, t); err != nil {
				return err
			}
			continue
		}
		if w.Idle > 0 && time.Since(time.Unix(0, w.busy.Load())) > w.Idle {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(idle):
		}
	}
	return nil
}

// beat reports that the worker is there, and cancels tasks of jobs that no longer exist.
func (w *Worker) beat(ctx context.Context) error {
	return w.link.do(ctx, func(ctx context.Context, db *pgx.Conn) error {
		if _, err := db.Exec(ctx, "insert into gradus.workers values ($1, now()) on conflict (name) do update set seen = now()", w.Name); err != nil {
			return err
		}
		w.mutex.Lock()
		defer w.mutex.Unlock()
		if len(w.running) == 0 {
			return nil
		}
		w.busy.Store(time.Now().UnixNano())
		jobs := []int32{}
		for _, t := range w.running {
			jobs = append(jobs, t.job)
		}
		rows, err := db.Query(ctx, "select id from gradus.jobs j where id = any($1) and "+isOpen, jobs, absent)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
		if err != nil {
			return err
		}
		there := map[int32]bool{}
		for _, id := range ids {
			there[id] = true
		}
		for _, t := range w.running {
			if !there[t.job] {
				t.cancel(errCanceled)
			}
		}
		return nil
	})
}

// isOpen is the condition that a job j is open and its caller is there. $2 is absent. It allows for callers that
// are still coming back right after the server's start.
const isOpen = "j.state = 'open' and greatest(j.seen, pg_postmaster_start_time()) > now() - $2::interval"

// renew takes the leases again on a new connection. It leaves tasks to other workers that have taken them meanwhile.
func (w *Worker) renew(ctx context.Context, db *pgx.Conn) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, t := range w.running {
		var mine bool
		err := db.QueryRow(ctx, `select pg_try_advisory_lock($1::integer, $2::integer) and exists
			(select from gradus.tasks where id = $2::integer and claim = $3 and state = 'running')`, class, t.id, t.claim).Scan(&mine)
		if err != nil {
			return err
		}
		if !mine {
			t.cancel(errLost)
		}
	}
	return nil
}

// nextTask finds a task that waits, or one whose worker was lost. Tasks are ordered by their number in the
// job, so small jobs come before the rest of large ones. A worker that failed at a task leaves it to other
// workers, as long as there are others.
const nextTask = `
select t.id, t.job, t.number, t.claim + 1, t.work, t.state = 'running', coalesce(t.worker, ''), t.lost
from gradus.tasks t join gradus.jobs j on j.id = t.job
where ` + isOpen + ` and not t.job = any($1)
	and (t.state = 'waiting' or t.state = 'running'
		and pg_postmaster_start_time() < now() - interval '5 s' -- until then workers take their leases again
		and t.id not in (select l.objid::bigint from pg_locks l where l.locktype = 'advisory' and l.classid = $4::bigint::oid and l.objsubid = 2
			and l.database = (select d.oid from pg_database d where d.datname = current_database())))
	and not exists (select from gradus.tasks s where s.job = t.job and s.number = t.number and s.copy <> t.copy and s.state in ('running', 'done') and s.worker = $3)
	and (not $3 = any(t.failed) or not exists (select from gradus.workers w where w.seen > now() - interval '` + recent + `' and not w.name = any(t.failed)))
order by t.number, t.copy, t.id limit 1 for update of t skip locked`

// claim takes a task and its lease. It returns nil if there is no task.
func (w *Worker) claim(ctx context.Context) (found *claimed, err error) {
	err = w.link.do(ctx, func(ctx context.Context, db *pgx.Conn) error {
		found = nil
		w.mutex.Lock()
		defer w.mutex.Unlock()
		refused := []int32{}
		for id := range w.refused {
			refused = append(refused, id)
		}
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			t := claimed{cancel: func(error) {}} // until the task is running
			var lost, mine bool
			var worker string
			var losses int
			err := tx.QueryRow(ctx, nextTask, refused, absent, w.Name, int64(class)).Scan(&t.id, &t.job, &t.number, &t.claim, &t.work, &lost, &worker, &losses)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			if lost && losses+1 >= Losses {
				_, err := tx.Exec(ctx, `update gradus.tasks set state = 'failed', status = 1,
					error = 'its workers were lost ' || $2::integer || ' times, the last of them ' || worker || ' (killed, or out of memory?)' where id = $1`, t.id, losses+1)
				return err
			}
			if err := tx.QueryRow(ctx, "select pg_try_advisory_lock($1::integer, $2::integer)", class, t.id).Scan(&mine); err != nil || !mine {
				return err
			}
			if lost {
				w.Say("task %d of job %d is taken over from %s, which was lost", t.number, t.job, worker)
			}
			found = &t
			_, err = tx.Exec(ctx, `update gradus.tasks set state = 'running', claim = $2, worker = $3,
				lost = case when $4 then lost + 1 else lost end where id = $1`, t.id, t.claim, w.Name, lost)
			return err
		})
		if err == nil && found != nil {
			w.running[found.id] = found
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// do does a claimed task and reports its result.
func (w *Worker) do(ctx context.Context, t *claimed) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.mutex.Lock()
	t.cancel = cancel
	w.mutex.Unlock()
	work, err := w.open(ctx, t)
	if err != nil {
		if ctx.Err() == nil && inner.Err() == nil {
			return w.refuse(ctx, t, err)
		}
	} else {
		defer w.leave(t.job)
		start := time.Now()
		var r Result
		if r, err = work.Do(inner, t.work); err == nil {
			r.Seconds = time.Since(start).Seconds()
			return w.end(ctx, t, "state = 'done', result = $3, same = $4, seconds = $5", r.Value, r.Same, r.Seconds)
		}
	}
	switch cause := context.Cause(inner); {
	case errors.Is(cause, errLost), errors.Is(cause, errCanceled):
		w.Say("task %d of job %d is dropped: %v", t.number, t.job, cause)
		return w.end(ctx, t, handBack)
	case inner.Err() != nil:
		return w.end(ctx, t, handBack)
	}
	f := &Failure{Text: err.Error(), Status: 1}
	errors.As(err, &f)
	w.Say("task %d of job %d failed: %s", t.number, t.job, f.Text)
	return w.end(ctx, t, "state = case when cardinality(failed) + 1 >= $3 then 'failed' else 'waiting' end, failed = failed || worker, error = $4, status = $5", Tries, f.Text, f.Status)
}

const handBack = "state = 'waiting', worker = null"

// end changes the state of a task that the worker still has, and releases the lease.
func (w *Worker) end(ctx context.Context, t *claimed, set string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return w.link.do(ctx, func(ctx context.Context, db *pgx.Conn) error {
		args := append([]any{t.id, t.claim}, args...)
		if _, err := db.Exec(ctx, "update gradus.tasks set "+set+" where id = $1 and claim = $2 and state = 'running'", args...); err != nil {
			return err
		}
		w.mutex.Lock()
		delete(w.running, t.id)
		w.mutex.Unlock()
		w.busy.Store(time.Now().UnixNano())
		_, err := db.Exec(ctx, "select pg_advisory_unlock($1::integer, $2::integer)", class, t.id)
		return err
	})
}

// open prepares for the job of a task, once for all slots.
func (w *Worker) open(ctx context.Context, t *claimed) (Work, error) {
	w.mutex.Lock()
	o := w.jobs[t.job]
	if o == nil {
		o = new(opened)
		w.jobs[t.job] = o
		for id, other := range w.jobs { // close the jobs that no slot uses
			if id != t.job && other.users == 0 {
				delete(w.jobs, id)
				if other.work != nil {
					other.work.Close()
				}
			}
		}
	}
	o.users++
	w.mutex.Unlock()
	o.ready.Do(func() { o.work, o.err = w.ready(ctx, t.job) })
	if o.err != nil {
		w.leave(t.job)
		w.mutex.Lock()
		delete(w.jobs, t.job)
		w.mutex.Unlock()
		return nil, o.err
	}
	return o.work, nil
}

func (w *Worker) leave(job int32) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if o := w.jobs[job]; o != nil {
		o.users--
	}
}

// ready prepares for a job, or returns an error that says why it cannot.
func (w *Worker) ready(ctx context.Context, job int32) (Work, error) {
	var caller, version string
	var command []string
	var head []byte
	err := w.link.do(ctx, func(ctx context.Context, db *pgx.Conn) error {
		return db.QueryRow(ctx, "select caller, version, command, head from gradus.jobs where id = $1", job).Scan(&caller, &version, &command, &head)
	})
	if err != nil {
		return nil, err
	}
	if version != w.Version {
		return nil, fmt.Errorf("it was sent by gradus %s, and the worker is gradus %s: use one version everywhere", version, w.Version)
	}
	w.Say("job %d of %s: %s", job, caller, strings.Join(command, " "))
	work, err := w.Open(ctx, command)
	if err != nil {
		return nil, err
	}
	if mine := work.Head(); !bytes.Equal(mine, head) {
		work.Close()
		return nil, fmt.Errorf("the worker finds something different from the caller (%s differs): give both the same files", journal.Difference(mine, head))
	}
	return work, nil
}

// refuse leaves a job to other workers.
func (w *Worker) refuse(ctx context.Context, t *claimed, reason error) error {
	w.mutex.Lock()
	first := !w.refused[t.job]
	w.refused[t.job] = true
	w.mutex.Unlock()
	if first {
		w.Say("job %d is refused: %v", t.job, reason)
	}
	err := w.link.do(ctx, func(ctx context.Context, db *pgx.Conn) error {
		_, err := db.Exec(ctx, "insert into gradus.refusals select id, $2, $3 from gradus.jobs where id = $1 on conflict do nothing", t.job, w.Name, reason.Error())
		return err
	})
	if err != nil && ctx.Err() == nil {
		return err
	}
	return w.end(ctx, t, handBack)
}
