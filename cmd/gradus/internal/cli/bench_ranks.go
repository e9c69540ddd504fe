package cli

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/bench"
	"github.com/gradus-ml/gradus/internal/mpi"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/plot"
)

// benchRanksJSON is what bench --mpi --json prints.
type benchRanksJSON struct {
	Size     int    `json:"ranks"`
	Machines int    `json:"machines"`
	Library  string `json:"library"`
	Crowded  bool   `json:"ranks_share_cores"`
	bench.Scaling
	Verdicts []verdictJSON `json:"verdicts"`
	Picture  *string       `json:"picture"`
}

// verdictJSON says when one machine is faster, by the model.
type verdictJSON struct {
	Workload string `json:"workload"`
	Batch    string `json:"batch"` // same or growing
	Best     int    `json:"best_ranks"`
	Alone    []int  `json:"one_machine_is_better_than"` // numbers of ranks
}

// scale is "gradus bench --mpi".
func (c *benchCmd) scale(e *env) error {
	if !mpi.Built {
		if job, _ := mpi.Launched(); job.Rank > 0 { // rank 0 reports it
			return status(statusDone)
		}
		return usagef("--mpi: this program was built without MPI; build it with: CGO_ENABLED=0 go build -tags mpi ./cmd/gradus")
	}
	if err := e.join(); err != nil {
		return err
	}
	if e.ranks == nil {
		return usagef("--mpi measures exchanges between ranks, and this process is alone: start it with mpirun -n 2 gradus bench --mpi")
	}
	o := bench.Options{Each: c.Time, Workloads: c.Workload, Threads: c.Threads}
	if c.Time <= 0 {
		return usagef("--time %v: give a duration greater than 0", c.Time)
	}
	if len(o.Workloads) == 0 {
		o.Workloads = []string{"mnist", "tabular"}
	}
	for _, w := range o.Workloads {
		if w != "mnist" && w != "tabular" {
			return usagef("--workload %s: --mpi measures only mnist and tabular; name one of them", w)
		}
	}
	switch {
	case len(o.Threads) == 0:
		o.Threads = []int{runtime.GOMAXPROCS(0)}
	case len(o.Threads) > 1 || o.Threads[0] < 1:
		return usagef("--threads %v: with --mpi give one whole number of at least 1, the number of cores for each rank", o.Threads)
	}
	format := ""
	if c.Out != "" {
		var err error
		if format, err = plot.FormatOf(c.Out); err != nil {
			return usage{err}
		}
	}
	if c.Out != "" && !e.follows() {
		if err := checkOut(c.Out, kind(format)); err != nil {
			return err
		}
	}
	began := time.Now()
	found, err := bench.Scale(e.ctx, e.ranks, o)
	if err != nil || e.follows() {
		return err
	}
	r := e.ranks
	hosts := slices.Compact(slices.Sorted(slices.Values(r.hosts)))
	out := benchRanksJSON{Size: r.Size(), Machines: len(hosts), Library: r.Library(), Crowded: r.crowded, Scaling: found}
	for _, n := range found.Nets {
		out.Verdicts = append(out.Verdicts, verdict(n.Name, "same", n.Same), verdict(n.Name, "growing", n.Growing))
	}
	if c.Out != "" {
		if err := e.writeFigure(c.Out, format, scalingFigure(out)); err != nil {
			return err
		}
		out.Picture = &c.Out
	}
	if c.JSON {
		return e.writeJSON(out)
	}
	out.write(e, time.Since(began))
	return nil
}

// verdict finds the number of ranks with the most samples per second, and the numbers of ranks that are slower than one machine.
func verdict(workload, batch string, points []bench.Point) verdictJSON {
	v := verdictJSON{Workload: workload, Batch: batch, Alone: []int{}}
	most := 0.0
	for _, p := range points {
		if p.Rate > most {
			v.Best, most = p.Ranks, p.Rate
		}
		if p.Ranks > 1 && p.SpeedUp < 1 {
			v.Alone = append(v.Alone, p.Ranks)
		}
	}
	return v
}

// text is the verdict in a sentence.
func (v verdictJSON) text(last int) string {
	batch := "with a fixed batch"
	if v.Batch == "growing" {
		batch = "with a batch that grows with the ranks"
	}
	switch {
	case v.Best == 1:
		return fmt.Sprintf("%s, one rank is faster than any larger number", batch)
	case len(v.Alone) == 0 && v.Best == last:
		return fmt.Sprintf("%s, more ranks are faster, up to %s", batch, strconv.Itoa(last))
	case len(v.Alone) == 0:
		return fmt.Sprintf("%s, %s ranks are the fastest, and every number of ranks is faster than one", batch, strconv.Itoa(v.Best))
	case v.Alone[0] > v.Best:
		return fmt.Sprintf("%s, %s ranks are the fastest, and %s ranks are slower than one", batch, strconv.Itoa(v.Best), strconv.Itoa(v.Alone[0]))
	}
	return fmt.Sprintf("%s, %s ranks are slower than one, and %s are the fastest", batch, strconv.Itoa(v.Alone[0]), strconv.Itoa(v.Best))
}

func (r benchRanksJSON) write(e *env, took time.Duration) {
	e.printf("%s, %s: %d ranks on %s, by %s, %s each\n", r.CPU, r.ISA, r.Size, plural.Of(r.Machines, "machine"), r.Library, plural.Of(r.Threads, "thread"))
	if r.Crowded {
		e.printf("Note: there are more ranks than cores, so the ranks take turns. The same number of machines would be faster.\n")
	}
	e.printf("\n%-9s %12s %12s %12s %10s\n", "exchange", "bytes got", "us", "us by model", "MB/s")
	for _, m := range r.Exchanges {
		e.printf("%-9s %12d %12.1f %12.1f %10.1f\n", m.Call, m.Bytes, 1e6*m.Seconds, 1e6*m.Model, float64(m.Bytes)/m.Seconds/1e6)
	}
	for _, n := range r.Nets {
		c := n.Cost
		e.printf("\n%s, %s parameters. Model: a step takes %.1f us, plus %.2f us for each shard and %.3f us for each row of a rank;\n", n.Name, strconv.Itoa(n.Parameters), 1e6*c.Work.Step, 1e6*c.Work.Shard, 1e6*c.Work.Row)
		e.printf("gather %.1f us a turn and %.3f ns a byte, exchange %.1f us and %.3f ns, %.3f ns to add a byte.\n\n", 1e6*c.Gather.Turn, 1e9*c.Gather.Byte, 1e6*c.Exchange.Turn, 1e9*c.Exchange.Byte, 1e9*c.Work.Byte)
		e.printf("%-9s %8s %8s %12s %12s\n", "one rank", "rows", "shards", "us a step", "us by model")
		for _, s := range n.Shares {
			e.printf("%-9s %8d %8d %12.1f %12.1f\n", "", s.Rows, s.Shards, 1e6*s.Seconds, 1e6*s.Model)
		}
		e.printf("\n%-9s %8s %8s %12s %10s %12s %9s\n", "", "ranks", "batch", "us a step", "exchanges", "samples/s", "speed-up")
		row := func(what string, p bench.Point) {
			e.printf("%-9s %8d %8d %12.1f %8.1f %% %12s %9.2f\n", what, p.Ranks, p.Batch, 1e6*p.Seconds, 100*p.Exchange/p.Seconds, count(p.Rate), p.SpeedUp)
		}
		for _, p := range n.Measured {
			row("measured", p.Measured)
			row("by model", p.Model)
		}
		for _, points := range [][]bench.Point{n.Same, n.Growing} {
			e.printf("\n")
			for _, p := range points {
				if slices.Contains([]int{2, 16, 256, 1024}, p.Ranks) {
					row("by model", p)
				}
			}
		}
		e.printf("\n")
		for _, v := range r.Verdicts {
			if v.Workload == n.Name {
				e.printf("By the model, %s.\n", v.text(bench.ScalingRanks[len(bench.ScalingRanks)-1]))
			}
		}
	}
	e.printf("\nThe model assumes machines like this one, connected as these ranks are. The measurement took %s.\n", took.Round(time.Second))
	if r.Picture != nil {
		e.printf("Picture  %s\n", *r.Picture)
	}
}

// scalingFigure draws the speed-up against the number of ranks: lines from the model, dots as measured.
func scalingFigure(r benchRanksJSON) plot.Chart {
	c := plot.Chart{
		Title:  fmt.Sprintf("Samples per second, relative to one rank (%s, %s each)", r.Library, plural.Of(r.Threads, "thread")),
		XLabel: "ranks", YLabel: "speed-up", LogX: true, LogY: true,
	}
	for _, n := range r.Nets {
		same := plot.Series{Name: n.Name + ", batch of 1,024, model"}
		growing := plot.Series{Name: n.Name + ", 1,024 rows a rank, model", Dashed: true}
		for i := range n.Same {
			same.X, same.Y = append(same.X, float64(n.Same[i].Ranks)), append(same.Y, n.Same[i].SpeedUp)
			growing.X, growing.Y = append(growing.X, float64(n.Growing[i].Ranks)), append(growing.Y, n.Growing[i].SpeedUp)
		}
		dots := plot.Series{Name: n.Name + ", measured", Dots: true}
		for _, p := range n.Measured {
			dots.X, dots.Y = append(dots.X, float64(p.Measured.Ranks)), append(dots.Y, p.Measured.SpeedUp)
		}
		c.Series = append(c.Series, same, growing, dots)
	}
	for _, p := range bench.ScalingRanks {
		c.XTicks = append(c.XTicks, plot.Mark{X: float64(p), Label: strconv.Itoa(p)})
	}
	return c
}
