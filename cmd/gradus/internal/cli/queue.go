package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"sync"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/queue"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// Some commands consist of pieces of work that do not depend on each other, such as trials or folds. Such a
// command does the pieces itself; with --queue it leaves them to gradus work on other machines. Both sides
// prepare themselves from the same call, and a piece gives the same bits whoever does it.

// queueFlags say where the pieces are done.
type queueFlags struct {
	Queue  string  `placeholder:"URL" group:"queue" help:"Put the work into a queue in this PostgreSQL, postgres://USER@HOST/NAME, where gradus work takes it; see gradus help cluster. Default: work on this machine."`
	Verify float64 `default:"0.05" placeholder:"SHARE" group:"queue" help:"With --queue: the share of the work that two workers do. If their results differ, both are named and nothing is written."`
}

// sharer is a command that consists of such pieces.
type sharer interface {
	// share prepares the command to do pieces of a call. It finds the call's files with find.
	share(e *env, find func(path string) string) (pieces, error)
}

// pieces are the pieces of a command's work.
type pieces interface {
	// head returns all that the pieces depend on: a struct whose JSON keys say in errors what differs.
	head() (any, error)
	// piece does the piece that work describes in JSON. It returns a result to be written as JSON, and a
	// text that must be the same whoever does the piece. It is called from several goroutines.
	piece(ctx context.Context, work []byte) (result any, same string, err error)
	// close is called after the last piece.
	close()
}

// locate finds the files of a call that reads tables.
func (f *tableFlags) locate(tables paths, find func(path string) string) {
	for i, path := range tables {
		tables[i] = find(path)
	}
	for _, part := range []string{"validation", "test"} {
		if text := f.text(part); text != "" {
			f.give(part, find(text))
		}
	}
}

// sent is work in a queue.
type sent struct{ *queue.Job }

// send puts a call into its queue. Afterwards do has its pieces done. Workers take their rows in the same blocks, whether these
// fit in their memory or not.
func (f *queueFlags) send(e *env, p pieces, in blocks) (sent, error) {
	if !(f.Verify >= 0 && f.Verify <= 1) {
		return sent{}, usagef("--verify %v: give a share from 0 to 1", f.Verify)
	}
	head, err := p.head()
	if err != nil {
		return sent{}, err
	}
	text, err := json.Marshal(head)
	if err != nil {
		return sent{}, err
	}
	e.watch()
	job, err := queue.Submit(e.ctx, f.Queue, queue.Call{Caller: whoami(), Version: version(), Command: append(withoutPasswords(withoutQueue(e.args)), in.flags()...), Head: text, Verify: f.Verify}, e.say)
	if err != nil {
		return sent{}, fmt.Errorf("--queue: %w", err)
	}
	return sent{job}, nil
}

// withoutQueue returns a call without the flags for a queue.
func withoutQueue(args []string) []string { return without(args, "--queue", "--verify") }

// do has a piece done and reads its result into result. It returns the seconds that the piece took.
func (s sent) do(ctx context.Context, work, result any) (seconds float64, err error) {
	text, err := json.Marshal(work)
	if err != nil {
		return 0, err
	}
	r, err := s.Do(ctx, text)
	if failed, is := errors.AsType[*queue.Failure](err); is && failed.Status == statusUsage {
		return 0, usage{err}
	}
	if err != nil {
		return 0, err
	}
	return r.Seconds, json.Unmarshal(r.Value, result)
}

// packed returns the run of a fold or a member as piece returns it.
func packed(run *model.FoldRun) (result any, same string, err error) {
	run.Notes = plain(option.Notes(run.Notes))
	training := run.Model.Training
	training.Seconds, training.History = 0, nil
	scores, err := json.Marshal(training)
	return run, run.Model.WeightsSHA256() + string(scores), err
}

// train has a fold or a member trained by a worker.
func (s sent) train(ctx context.Context, i int) (*model.FoldRun, error) {
	came := new(model.FoldRun)
	if _, err := s.do(ctx, i, came); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", train.ErrInterrupted, err)
		}
		return nil, err
	}
	return came, nil
}

// each calls do for 0 to n-1 concurrently. The first error ends the other calls, and each returns it.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var team sync.WaitGroup
	for i := range n {
		team.Go(func() {
			if err := do(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	team.Wait()
	return context.Cause(ctx)
}

// end ends the work: as done, or as canceled if there is an error.
func (s sent) end(err error) {
	if s.Job != nil {
		s.Close(err == nil) // a queue that cannot be reached finds out for itself
	}
}

// whoami says who runs this process, and where.
func whoami() string {
	name := "somebody"
	if me, err := user.Current(); err == nil {
		name = me.Username
	}
	host, _ := os.Hostname()
	return fmt.Sprintf("%s@%s:%d", name, host, os.Getpid())
}
