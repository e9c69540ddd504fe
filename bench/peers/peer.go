package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// entrant is a program in one form. It becomes one line of a table.
type entrant struct {
	name    string
	form    string   // how it is used
	needs   []string // names from build and install
	threads int
	env     []string
	args    []string

	// gradus entrants print the report of gradus bench once, instead of serving.
	gradus   bool
	workload string
}

// line has an entrant's figures.
type line struct {
	Name    string    `json:"name"`
	Form    string    `json:"form,omitempty"`
	Threads int       `json:"threads"`
	Detail  string    `json:"detail,omitempty"`
	Ns      []float64 `json:"ns,omitempty"` // one per round
	First   float64   `json:"first_loss"`
	Last    float64   `json:"last_loss"`
	Failed  string    `json:"failed,omitempty"`

	// Only for gradus, one per round.
	Share  []float64 `json:"share,omitempty"`
	Peak   []float64 `json:"peak,omitempty"`
	Allocs float64   `json:"allocs,omitempty"`

	// Only for whole processes.
	Accuracy float64   `json:"accuracy,omitempty"`
	Epochs   []float64 `json:"epochs,omitempty"`
}

// answer is a line that a served peer prints: one when it is ready and one for each request.
type answer struct {
	Ready  bool    `json:"ready"`
	Detail string  `json:"detail"`
	Ns     float64 `json:"ns"`
	First  float64 `json:"first_loss"`
	Last   float64 `json:"last_loss"`
}

// served is a running peer.
type served struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string
	errors *tail
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 4096 {
		t.b = t.b[len(t.b)-4096:]
	}
	return len(p), nil
}

// warmUp is the maximum time until a peer is ready. Some of them compile first.
const warmUp = 10 * time.Minute

func (s *suite) start(ctx context.Context, e entrant) (*served, answer, error) {
	cmd := s.pinned(ctx, e.threads, e.env, e.args...)
	p := &served{cmd: cmd, lines: make(chan string), errors: &tail{}}
	cmd.Stderr = p.errors
	cmd.WaitDelay = 5 * time.Second // for child processes that keep its output open
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, answer{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, answer{}, err
	}
	if err := cmd.Start(); err != nil {
		return nil, answer{}, err
	}
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			if strings.HasPrefix(in.Text(), "{") { // libraries print other things too
				p.lines <- in.Text()
			}
		}
	}()
	a, err := p.next(warmUp)
	if err != nil {
		p.stop()
		return nil, a, err
	}
	return p, a, nil
}

func (p *served) next(within time.Duration) (answer, error) {
	var a answer
	select {
	case text, ok := <-p.lines:
		if !ok {
			return a, p.why()
		}
		return a, json.Unmarshal([]byte(text), &a)
	case <-time.After(within):
		return a, fmt.Errorf("no answer within %v", within)
	}
}

// why returns why a peer ended unexpectedly.
func (p *served) why() error {
	err := p.cmd.Wait()
	lines := strings.Split(strings.TrimSpace(string(p.errors.b)), "\n")
	last := clip(lines[len(lines)-1])
	switch {
	case last != "":
		return errors.New(last)
	case err != nil:
		return err
	}
	return errors.New("it ended without an answer")
}

func (p *served) ask(seconds float64) (answer, error) {
	if _, err := fmt.Fprintln(p.in, seconds); err != nil {
		return answer{}, p.why()
	}
	return p.next(warmUp)
}

// stop stops a peer by closing its input, or kills it if that is not enough.
func (p *served) stop() {
	p.in.Close()
	done := make(chan struct{})
	go func() {
		for range p.lines {
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
	}
	p.cmd.Wait()
}

// settle is a pause after a turn, in which spinning threads go to sleep.
const settle = 300 * time.Millisecond

// race lets the entrants take turns. Every round begins with a different one.
func (s *suite) race(ctx context.Context, entrants []entrant) []line {
	lines := make([]line, len(entrants))
	peers := make([]*served, len(entrants))
	for i, e := range entrants {
		lines[i] = line{Name: e.name, Form: e.form, Threads: e.threads}
		for _, n := range e.needs {
			if why := s.missing[n]; why != "" && lines[i].Failed == "" {
				lines[i].Failed = why
			}
		}
		if e.threads > len(s.cores) {
			lines[i].Failed = fmt.Sprintf("-cores names fewer than %d cores", e.threads)
		}
		if lines[i].Failed != "" || e.gradus {
			continue
		}
		if ctx.Err() != nil {
			return lines
		}
		began := time.Now()
		p, a, err := s.start(ctx, e)
		if err != nil {
			lines[i].Failed = err.Error()
			fmt.Printf("%-12s %-40s failed: %v\n", e.name, e.form, err)
			continue
		}
		defer p.stop()
		peers[i] = p
		lines[i].Detail, lines[i].First = a.Detail, a.First
		fmt.Printf("%-12s %-40s ready after %.1f s\n", e.name, e.form, time.Since(began).Seconds())
	}
	for round := range s.rounds {
		for k := range entrants {
			i := (k + round) % len(entrants)
			if ctx.Err() != nil {
				return lines
			}
			if lines[i].Failed != "" {
				continue
			}
			time.Sleep(settle)
			if entrants[i].gradus {
				s.bench(ctx, entrants[i], &lines[i])
				continue
			}
			a, err := peers[i].ask(s.seconds)
			if err != nil {
				lines[i].Failed = err.Error()
				continue
			}
			lines[i].Ns, lines[i].Last = append(lines[i].Ns, a.Ns), a.Last
		}
	}
	for _, l := range lines {
		if l.Failed == "" {
			fmt.Printf("%-12s %-40s %12.1f ns\n", l.Name, l.Form, median(l.Ns))
		}
	}
	return lines
}

// report is the part of gradus bench --json that is read.
type report struct {
	CPU       string
	ISA       string
	Peak      struct{ Float32, Float64 float64 } `json:"fma_peak_gflops"`
	Workloads []struct {
		Ns     float64 `json:"ns_per_step"`
		Share  float64 `json:"share_of_peak"`
		Allocs float64 `json:"allocs_per_step"`
		First  float64 `json:"first_loss"`
		Last   float64 `json:"last_loss"`
	}
	Inference []struct{ Ns, Allocs float64 }
}

// bench runs one turn of gradus.
func (s *suite) bench(ctx context.Context, e entrant, l *line) {
	workload := e.workload
	switch e.workload {
	case "inference":
		workload = "tabular"
	case "float32", "float64":
		workload = "notebook"
	}
	cmd := s.pinned(ctx, e.threads, e.env, s.path("bin", "gradus"), "bench", "--json", "--workload", workload,
		"--threads", fmt.Sprint(e.threads), "--time", fmt.Sprintf("%.3fs", s.seconds))
	var stderr tail
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var r report
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err == nil && len(r.Workloads) != 1 {
		err = errors.New("gradus bench reported no workload")
	}
	if err != nil {
		l.Failed = cause(err.Error() + "\n" + string(stderr.b))
		return
	}
	w := r.Workloads[0]
	l.Detail = "ISA " + r.ISA
	switch e.workload {
	case "float32":
		l.Ns = append(l.Ns, 1/r.Peak.Float32)
	case "float64":
		l.Ns = append(l.Ns, 1/r.Peak.Float64)
	case "inference":
		l.Ns, l.Allocs = append(l.Ns, r.Inference[0].Ns), r.Inference[0].Allocs
	default:
		l.Ns, l.Allocs = append(l.Ns, w.Ns), w.Allocs
		l.Share, l.Peak = append(l.Share, w.Share), append(l.Peak, r.Peak.Float32)
		l.First, l.Last = w.First, w.Last
	}
}
