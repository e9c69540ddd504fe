// Command serve measures gradus serve and other servers of the same network. The server has one
// core, the load generator another. It writes SERVE.md. Run it in its own folder:
//
//	go run . -out ../SERVE.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// suite has the settings of the measurement.
type suite struct {
	cores   [2]string // of the server, and of the load generator
	cache   string
	gradus  string
	python  string
	source  string // the repository's root
	seconds time.Duration
}

func main() {
	var s suite
	cores := flag.String("cores", "0,1", "the server's core and the load generator's")
	out := flag.String("out", "", "the file of the report; empty: standard output")
	only := flag.String("only", "", "servers to measure, separated by commas; empty: all")
	predict := flag.String("predict", "", "print how many rows a second Model.PredictRows predicts with this model, and end")
	flag.StringVar(&s.cache, "cache", filepath.Join(os.TempDir(), "gradus-bench-serve"), "the folder of models, programs and figures")
	flag.StringVar(&s.gradus, "gradus", "", "the program; empty: it is built")
	flag.StringVar(&s.python, "python", "", "a Python with the packages of requirements.txt; empty: one is made in the cache")
	flag.StringVar(&s.source, "source", "../..", "the repository's root")
	flag.DurationVar(&s.seconds, "time", time.Second, "how long a measurement takes")
	flag.Parse()
	var err error
	if *predict != "" {
		err = predictRows(*predict)
	} else {
		s.cores[0], s.cores[1], _ = strings.Cut(*cores, ",")
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = s.run(ctx, *only, *out)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/serve:", err)
		os.Exit(1)
	}
}

// pinned is set in the environment of a process that already runs on its core.
const pinned = "GRADUS_BENCH_SERVE_PINNED"

func (s *suite) run(ctx context.Context, only, out string) error {
	if os.Getenv(pinned) == "" { // restart on the load generator's core
		taskset, err := exec.LookPath("taskset")
		if err != nil {
			return errors.New("taskset (util-linux) is not there, and nothing can be pinned to a core")
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		return syscall.Exec(taskset, append([]string{"taskset", "-c", s.cores[1], self}, os.Args[1:]...), append(os.Environ(), pinned+"=1"))
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	r, err := s.readReport()
	if err != nil {
		return err
	}
	for _, server := range s.servers() {
		if only != "" && !strings.Contains(","+only+",", ","+server.name+",") {
			continue
		}
		table := r.table(server)
		table.Failed = ""
		if err := s.measure(ctx, server, table); err != nil && ctx.Err() == nil {
			table.Failed = err.Error()
		}
		if err := s.writeReport(r); err != nil {
			return err
		}
	}
	if ctx.Err() == nil && (only == "" || strings.Contains(only, "PredictRows")) {
		rows, err := s.onCore(ctx)
		if err != nil {
			return err
		}
		r.Rows = max(r.Rows, rows)
		if err := s.writeReport(r); err != nil {
			return err
		}
	}
	text := s.markdown(r)
	if out == "" {
		_, err := fmt.Print(text)
		return err
	}
	return os.WriteFile(out, []byte(text), 0o666)
}

// running is a server that has been started.
type running struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
}

// start starts a server on the server's core and waits until it answers at /ready.
func (s *suite) start(ctx context.Context, name string, env []string, ready string, args ...string) (*running, error) {
	log, err := os.Create(filepath.Join(s.cache, name+".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", s.cores[0]}, args...)...)
	cmd.Env = append(os.Environ(), append(env, "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.cache, log, log
	if err := cmd.Start(); err != nil {
		log.Close()
		return nil, err
	}
	p := &running{cmd, log, make(chan struct{})}
	go func() { cmd.Wait(); close(p.ended) }()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		r, err := http.Get(ready)
		if err == nil {
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				http.DefaultClient.CloseIdleConnections()
				return p, nil
			}
		}
		over := ctx.Err() != nil || time.Since(begun) > time.Minute
		select {
		case <-p.ended:
			over = true
		default:
		}
		if over {
			p.stop()
			text, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("%s does not begin to serve: %.2000s", name, text)
		}
	}
}

func (p *running) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
	p.log.Close()
}

// freePort returns a loopback port on which nobody listens.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// processor returns the machine's name for its processor.
func processor() string {
	raw, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(raw)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
