package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/bench"
)

// benchCmd is "gradus bench".
type benchCmd struct {
	Time     time.Duration `default:"1s" placeholder:"DURATION" help:"How long to measure each figure."`
	Workload []string      `placeholder:"NAME" help:"What to measure: notebook, mnist, tabular, or mnist-sgd, which has no momentum. Default: the first three."`
	Threads  []int         `placeholder:"N" help:"Cores to train on. Default: one, then all."`
	MPI      bool          `name:"mpi" help:"Measure how much the ranks that mpirun started gain by training one network together, and predict the gain for up to 1,024 ranks."`
	Out      string        `short:"o" placeholder:"FILE" help:"With --mpi: draw the speed-up in this file, .svg or .png. Default: none."`
	JSON     bool          `name:"json" help:"One JSON object on standard output."`
}

func (c *benchCmd) Run(e *env) error {
	if c.MPI {
		return c.scale(e)
	}
	if c.Out != "" {
		return usagef("--out %s: bench draws a picture only with --mpi; add --mpi, or leave --out out", c.Out)
	}
	if c.Time <= 0 {
		return usagef("--time %v: give a duration greater than 0", c.Time)
	}
	for _, w := range c.Workload {
		if !slices.Contains(bench.Names(), w) {
			return usagef("--workload %s: there is no such workload; choose from %s", w, strings.Join(bench.Names(), ", "))
		}
	}
	for _, n := range c.Threads {
		if n < 1 {
			return usagef("--threads %d: give at least 1", n)
		}
	}
	e.watch()
	r, err := bench.Run(e.ctx, bench.Options{Each: c.Time, Workloads: c.Workload, Threads: c.Threads})
	if err != nil {
		if e.ctx.Err() != nil {
			return status(statusInterrupted)
		}
		return err
	}
	if c.JSON {
		return e.writeJSON(r)
	}
	e.printf("%s, %s: FMA peak of one core %.1f GFLOP/s in float32, %.1f in float64\n\n", r.CPU, r.ISA, r.Peak.Float32, r.Peak.Float64)
	g := grid{rows: [][]string{{"workload", "precision", "threads", "ns a step", "samples/s", "GFLOP/s", "of peak", "allocs/step"}}, align: "ll"}
	for _, w := range r.Workloads {
		g.add(w.Name, w.Precision, strconv.Itoa(w.Threads), nanoseconds(w.NsPerStep), count(w.SamplesPerSecond),
			fmt.Sprintf("%.1f", w.GFLOPS), fmt.Sprintf("%.1f%%", 100*w.ShareOfPeak), fmt.Sprintf("%g", w.AllocsPerStep))
	}
	e.writeGrid(g)
	for _, i := range r.Inference {
		e.printf("\nOne sample through the %s net: %.0f ns, %g allocations\n", i.Name, i.Ns, i.Allocs)
	}
	return nil
}

// nanoseconds writes a time with a decimal where that says something.
func nanoseconds(ns float64) string {
	if ns < 1e5 {
		return fmt.Sprintf("%.1f", ns)
	}
	return fmt.Sprintf("%.0f", ns)
}
