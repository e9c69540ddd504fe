package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
	"github.com/shirou/gopsutil/v4/cpu"
)

// Report is the result of a run of the benchmark.
type Report struct {
	CPU       string      `json:"cpu"`
	ISA       string      `json:"isa"`
	Peak      Peak        `json:"fma_peak_gflops"`
	Workloads []Workload  `json:"workloads"`
	Inference []Inference `json:"inference"`
}

// Peak is the speed of one core in GFLOPS with only independent multiply-adds, in the code path in use.
type Peak struct {
	Float32 float64 `json:"float32"`
	Float64 float64 `json:"float64"`
}

// Workload is the training speed of one network. Work is counted as 2·in·out per row for the forward
// pass, the same for the weight gradient, and the same for the input gradient except in the first
// layer. Nothing else that a step does is counted.
type Workload struct {
	Name             string  `json:"name"`
	Precision        string  `json:"precision"`
	Threads          int     `json:"threads"`
	NsPerStep        float64 `json:"ns_per_step"`
	SamplesPerSecond float64 `json:"samples_per_second"`
	GFLOPS           float64 `json:"gflops"`
	ShareOfPeak      float64 `json:"share_of_peak"` // of Threads cores
	AllocsPerStep    float64 `json:"allocs_per_step"`
	FirstLoss        float64 `json:"first_loss"` // of the first batch; with LastLoss it shows that the network really trains
	LastLoss         float64 `json:"last_loss"`  // of the last batch
}

// Inference is the time of one sample's forward pass.
type Inference struct {
	Name   string  `json:"name"`
	Ns     float64 `json:"ns"`
	Allocs float64 `json:"allocs"`
}

// Options says what Run measures. The zero value of each field is its default.
type Options struct {
	Each      time.Duration // approximate time for each figure; default 1 s
	Workloads []string      // from Names; default: notebook, mnist and tabular
	Threads   []int         // default: one, and the number of cores
}

// names are the workloads. The first three are the default.
var names = []string{"notebook", "mnist", "tabular", "mnist-sgd"}

// Names lists the workloads. mnist-sgd is mnist without momentum.
func Names() []string { return slices.Clone(names) }

// Run measures the peak, the workloads and, if tabular is one of them, its inference.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Each == 0 {
		o.Each = time.Second
	}
	if len(o.Workloads) == 0 {
		o.Workloads = names[:3]
	}
	if len(o.Threads) == 0 {
		o.Threads = []int{1}
		if n := runtime.GOMAXPROCS(0); n > 1 {
			o.Threads = append(o.Threads, n)
		}
	}
	r := Report{CPU: cpuName(), ISA: kernel.ISA(), Workloads: []Workload{}, Inference: []Inference{}}
	r.Peak.Float32 = kernel.PeakFMA[float32](o.Each)
	r.Peak.Float64 = kernel.PeakFMA[float64](o.Each)
	for _, n := range o.Threads {
		for _, name := range o.Workloads {
			var w Workload
			var err error
			switch name {
			case "notebook":
				w, err = measure(ctx, notebook(), n, o.Each, r.Peak.Float64)
			case "mnist":
				w, err = measure(ctx, mnist(name, optim.Momentum{Momentum: 0.9}), n, o.Each, r.Peak.Float32)
			case "mnist-sgd":
				w, err = measure(ctx, mnist(name, optim.SGD{}), n, o.Each, r.Peak.Float32)
			case "tabular":
				w, err = measure(ctx, tabular(), n, o.Each, r.Peak.Float32)
			default:
				err = fmt.Errorf("there is no workload %q; there are %s", name, strings.Join(names, ", "))
			}
			if err != nil {
				return r, err
			}
			r.Workloads = append(r.Workloads, w)
			if ctx.Err() != nil {
				return r, ctx.Err()
			}
		}
	}
	if !slices.Contains(o.Workloads, "tabular") {
		return r, nil
	}
	i, err := infer(tabular(), o.Each)
	r.Inference = append(r.Inference, i)
	return r, err
}

// job is a workload's network, configuration and data.
type job[T nn.Float] struct {
	name   string
	inputs int
	layers []nn.Dense
	config train.Config
	rows   int
	fill   func(x, y []T, row int)
}

// notebook is the seed notebook's batch experiment.
func notebook() job[float64] {
	x := [][]float64{{.2, .4, .6}, {.3, .3, .1}, {.5, .4, .7}, {.8, .4, .1}}
	y := []float64{.8, .2, .4, .6}
	return job[float64]{
		name: "notebook", inputs: 3, rows: 4,
		layers: []nn.Dense{{Units: 4, Activation: nn.Sigmoid, NoBias: true, Init: nn.Uniform}, {Units: 1, Activation: nn.Sigmoid, NoBias: true, Init: nn.Uniform}},
		config: train.Config{Loss: nn.HalfSquared, Reduction: nn.Sum, Optimizer: optim.SGD{}, LearningRate: 5, Method: train.Batch},
		fill:   func(dx, dy []float64, row int) { copy(dx, x[row]); dy[0] = y[row] },
	}
}

// mnist is a network for 28 x 28 images of ten classes, trained on images of noise: the speed does not
// depend on what the images show.
func mnist(name string, rule optim.Optimizer) job[float32] {
	return job[float32]{
		name: name, inputs: 784, rows: 4096,
		layers: []nn.Dense{{Units: 512, Activation: nn.ReLU}, {Units: 256, Activation: nn.ReLU}, {Units: 10, Activation: nn.Softmax}},
		config: train.Config{Loss: nn.CrossEntropy, Optimizer: rule, LearningRate: 0.001, BatchSize: 128},
		fill: func(x, y []float32, row int) {
			for j := range x {
				x[j] = noise(row, j)
			}
			clear(y)
			y[row%10] = 1
		},
	}
}

// tabular is a regression on 20 columns.
func tabular() job[float32] {
	return job[float32]{
		name: "tabular", inputs: 20, rows: 8192,
		layers: []nn.Dense{{Units: 64, Activation: nn.ReLU}, {Units: 64, Activation: nn.ReLU}, {Units: 1}},
		config: train.Config{Loss: nn.Squared, Optimizer: optim.NewAdam(), LearningRate: 0.001, BatchSize: 32},
		fill: func(x, y []float32, row int) {
			y[0] = 0
			for j := range x {
				x[j] = 2*noise(row, j) - 1
				y[0] += x[j] / 4
			}
		},
	}
}

// noise returns a number in [0, 1) that depends only on its place.
func noise(row, col int) float32 {
	h := uint32(row*7919+col) * 2654435761
	h ^= h >> 15
	h *= 2246822519
	h ^= h >> 13
	return float32(h>>8) * 0x1p-24
}

// trainer makes a run of the given number of steps, plus an epoch to warm up.
func (j job[T]) trainer(threads, steps int) (*train.Trainer[T], error) {
	net, err := nn.New[T](j.inputs, nn.Seed(1), j.layers...)
	if err != nil {
		return nil, err
	}
	d := train.Set[T]{X: nn.NewMatrix[T](j.rows, net.Inputs()), Y: nn.NewMatrix[T](j.rows, net.Outputs())}
	for i := range j.rows {
		j.fill(d.X.Row(i), d.Y.Row(i), i)
	}
	c := j.config
	c.Threads = threads
	c.Epochs = 2 + steps/j.stepsPerEpoch()
	return train.New(net, c, train.Data[T]{Train: d})
}

func (j job[T]) stepsPerEpoch() int {
	if j.config.Method == train.Batch {
		return 1
	}
	return (j.rows + j.config.BatchSize - 1) / j.config.BatchSize
}

// flops returns the floating-point operations of a step.
func (j job[T]) flops() float64 {
	rows := j.rows
	if j.config.Method != train.Batch {
		rows = j.config.BatchSize
	}
	in, sum := j.inputs, 0
	for l, d := range j.layers {
		times := 6
		if l == 0 {
			times = 4
		}
		sum += times * in * d.Units
		in = d.Units
	}
	return float64(rows * sum)
}

// measure trains in several runs and takes the median of their times per step.
func measure[T nn.Float](ctx context.Context, j job[T], threads int, each time.Duration, peak float64) (Workload, error) {
	const runs = 7
	steps := j.stepsPerEpoch()
	var times []float64
	var allocs, first, last float64
	for len(times) < runs {
		t, err := j.trainer(threads, steps)
		if err != nil {
			return Workload{}, fmt.Errorf("%s: %w", j.name, err)
		}
		// The first epoch allocates the memory that the others reuse.
		if first, _, err = advance(ctx, t, j.stepsPerEpoch()); err != nil {
			return Workload{}, fmt.Errorf("%s: %w", j.name, err)
		}
		before, done := mallocs(), steps
		start := time.Now()
		if j.config.Method == train.Batch {
			var r train.Result
			r, err = t.Run(ctx)
			done, last = r.Steps-j.stepsPerEpoch(), r.Loss
		} else { // not to the end, because the loss over all rows that follows is not part of a step
			_, last, err = advance(ctx, t, steps)
		}
		took := time.Since(start)
		if err != nil {
			return Workload{}, fmt.Errorf("%s: %w", j.name, err)
		}
		if took < each/runs && steps < 1<<30 { // too short: try again with more steps
			steps = max(2*steps, int(1.2*float64(steps)*float64(each/runs)/float64(max(took, time.Microsecond))))
			continue
		}
		times = append(times, float64(took.Nanoseconds())/float64(done))
		allocs = float64((mallocs() - before) / uint64(done))
	}
	slices.Sort(times)
	ns := times[runs/2]
	rows := float64(j.config.BatchSize)
	if j.config.Method == train.Batch {
		rows = float64(j.rows)
	}
	precision := "float32"
	if _, ok := any(*new(T)).(float64); ok {
		precision = "float64"
	}
	gflops := j.flops() / ns
	return Workload{
		Name: j.name, Precision: precision, Threads: threads, NsPerStep: ns, SamplesPerSecond: rows / ns * 1e9,
		GFLOPS: gflops, ShareOfPeak: gflops / peak / float64(threads), AllocsPerStep: allocs,
		FirstLoss: first, LastLoss: last,
	}, nil
}

// advance makes the given number of steps, leaves the loop, and returns the losses of the first and the last step.
func advance[T nn.Float](ctx context.Context, t *train.Trainer[T], steps int) (first, last float64, err error) {
	n := 0
	for s, err := range t.Steps(ctx) {
		if err != nil {
			return first, last, err
		}
		if last = s.Loss; n == 0 {
			first = s.Loss
		}
		if n++; n == steps {
			break
		}
	}
	return first, last, nil
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// infer times one sample through a network.
func infer[T nn.Float](j job[T], each time.Duration) (Inference, error) {
	net, err := nn.New[T](j.inputs, nn.Seed(1), j.layers...)
	if err != nil {
		return Inference{}, err
	}
	x, y := nn.NewMatrix[T](1, net.Inputs()), nn.NewMatrix[T](1, net.Outputs())
	j.fill(x.Row(0), y.Row(0), 1)
	tape := net.NewTape(1)
	const calls = 2000
	var times []float64
	before, n := mallocs(), uint64(0)
	for start := time.Now(); len(times) < 7 || time.Since(start) < each; {
		from := time.Now()
		for range calls {
			net.Forward(tape, x)
		}
		times = append(times, float64(time.Since(from).Nanoseconds())/calls)
		n += calls
	}
	allocs := float64((mallocs() - before) / n)
	slices.Sort(times)
	return Inference{Name: j.name, Ns: times[len(times)/2], Allocs: allocs}, nil
}

func cpuName() string {
	if info, err := cpu.Info(); err == nil && len(info) > 0 && info[0].ModelName != "" {
		return info[0].ModelName
	}
	return runtime.GOARCH
}
