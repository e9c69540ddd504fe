package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/queue"
	"github.com/gradus-ml/gradus/internal/plural"
)

// workCmd is "gradus work --queue URL".
type workCmd struct {
	Queue    string        `required:"" placeholder:"URL" help:"The PostgreSQL that the callers name, postgres://USER@HOST/NAME."`
	DataRoot string        `name:"data-root" placeholder:"DIR" help:"Where to look first for the files of a call: under the path that the caller gave, then by name alone. Default: the caller's paths."`
	Name     string        `placeholder:"NAME" help:"The name of this worker, which no other may have. Default: the host's name and the process's number."`
	Threads  int           `placeholder:"N" help:"How many tasks to do at a time, each on one core. Default: one for each core."`
	Idle     time.Duration `placeholder:"DURATION" help:"Exit after this long with nothing to do. Default: run until SIGTERM or SIGINT, which hand unfinished tasks back."`
	Quiet    bool          `help:"Do not report single jobs."`
}

func (c *workCmd) Run(e *env) error {
	switch {
	case c.Threads < 0:
		return usagef("--threads %d: give a whole number of at least 1", c.Threads)
	case c.Idle < 0:
		return usagef("--idle %v: give a duration greater than 0, such as 10m", c.Idle)
	}
	if c.DataRoot != "" {
		if info, err := os.Stat(c.DataRoot); err != nil || !info.IsDir() {
			return usagef("--data-root %s: there is no such folder", c.DataRoot)
		}
	}
	if c.Name == "" {
		host, _ := os.Hostname()
		c.Name = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	if c.Threads == 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	w := queue.Worker{Name: c.Name, Version: version(), Slots: c.Threads, Idle: c.Idle, Open: c.open, Say: e.say}
	if c.Quiet {
		w.Say = func(string, ...any) {}
	}
	e.watch()
	e.say("worker %s takes %s at a time from the queue; Ctrl-C hands unfinished tasks back", c.Name, plural.Of(c.Threads, "task"))
	if err := w.Run(e.ctx, c.Queue); err != nil {
		return fmt.Errorf("--queue: %w", err)
	}
	return nil
}

// open prepares for a call that another process has put into the queue.
func (c *workCmd) open(ctx context.Context, command []string) (queue.Work, error) {
	e := &env{Std: Std{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}, ctx: ctx, args: command}
	call, err := newParser(e.Std).Parse(joinNegative(command))
	if err != nil {
		return nil, fmt.Errorf("its call cannot be read: %s", oneLine(err))
	}
	cmd, is := call.Selected().Target.Addr().Interface().(sharer)
	if !is {
		return nil, fmt.Errorf("gradus %s has no work for a queue", call.Selected().Name)
	}
	p, err := cmd.share(e, c.find)
	if err != nil {
		return nil, fmt.Errorf("%s", oneLine(err))
	}
	head, err := p.head()
	if err != nil {
		p.close()
		return nil, fmt.Errorf("%s", oneLine(err))
	}
	text, err := json.Marshal(head)
	return &shared{p, text}, err
}

// find returns where a call's file is on this machine.
func (c *workCmd) find(path string) string {
	file, ofSQLite := strings.CutPrefix(path, "sqlite:")
	if c.DataRoot == "" || path == "" || strings.Contains(path, "://") {
		return path
	}
	for _, at := range []string{filepath.Join(c.DataRoot, file), filepath.Join(c.DataRoot, filepath.Base(file))} {
		if _, err := os.Stat(at); err == nil {
			if ofSQLite {
				at = "sqlite:" + at
			}
			return at
		}
	}
	return path
}

// shared adapts a call's pieces to the queue.
type shared struct {
	pieces
	text []byte
}

func (s *shared) Head() []byte { return s.text }
func (s *shared) Close()       { s.close() }

func (s *shared) Do(ctx context.Context, work []byte) (queue.Result, error) {
	result, same, err := s.piece(ctx, work)
	if err != nil {
		return queue.Result{}, &queue.Failure{Text: oneLine(err), Status: statusOf(err)}
	}
	text, err := json.Marshal(result)
	return queue.Result{Value: text, Same: same}, err
}
