// Package serve is what the Go peers share: the protocol, described in the C peers' serve.h,
// and the workloads' data, which are those of cmd/gradus/internal/bench.
package serve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Net is a workload: its sizes, optimizer and rows.
type Net struct {
	Workload    string
	Threads     int
	Sizes       []int
	Rows, Batch int
	Rate        float64
	Rule        string // sgd, momentum, adam
	Classify    bool
	X, Y        []float32 // all rows; if Classify is set, Y is one-hot
	order       []int
	position    int
}

// New reads the workload and the number of threads from the command line.
func New() *Net {
	n := &Net{Workload: "mnist", Threads: 1, Rate: 0.001}
	if len(os.Args) > 1 {
		n.Workload = os.Args[1]
	}
	if len(os.Args) > 2 {
		n.Threads, _ = strconv.Atoi(os.Args[2])
	}
	runtime.GOMAXPROCS(n.Threads)
	n.Classify = strings.HasPrefix(n.Workload, "mnist")
	n.Sizes, n.Rows, n.Batch = []int{20, 64, 64, 1}, 8192, 32
	if n.Classify {
		n.Sizes, n.Rows, n.Batch = []int{784, 512, 256, 10}, 4096, 128
	}
	switch n.Workload {
	case "mnist":
		n.Rule = "momentum"
	case "mnist-sgd":
		n.Rule = "sgd"
	default:
		n.Rule = "adam"
	}
	in, out := n.Sizes[0], n.Sizes[len(n.Sizes)-1]
	n.X, n.Y = make([]float32, n.Rows*in), make([]float32, n.Rows*out)
	n.order = make([]int, n.Rows)
	for r := range n.Rows {
		n.order[r] = r
		for j := range in {
			u := noise(r, j)
			if !n.Classify {
				u = 2*u - 1
				n.Y[r] += u / 4
			}
			n.X[r*in+j] = u
		}
		if n.Classify {
			n.Y[r*out+r%out] = 1
		}
	}
	return n
}

func noise(row, col int) float32 {
	h := uint32(row*7919+col) * 2654435761
	h ^= h >> 15
	h *= 2246822519
	h ^= h >> 13
	return float32(h>>8) * 0x1p-24
}

// Weights returns He's uniform weights [in, out] of layer l.
func (n *Net) Weights(l int) []float32 {
	in, out := n.Sizes[l], n.Sizes[l+1]
	w := make([]float32, in*out)
	for i := range w {
		w[i] = (2*rand.Float32() - 1) * float32(math.Sqrt(6/float64(in)))
	}
	return w
}

// Next returns the rows of the next batch in this epoch's order.
func (n *Net) Next() []int {
	if n.position+n.Batch > n.Rows || n.position == 0 {
		n.position = 0
		rand.Shuffle(n.Rows, func(i, j int) { n.order[i], n.order[j] = n.order[j], n.order[i] })
	}
	rows := n.order[n.position : n.position+n.Batch]
	n.position += n.Batch
	return rows
}

// Gather copies the next batch's rows.
func (n *Net) Gather(x, y []float32) {
	in, out := n.Sizes[0], n.Sizes[len(n.Sizes)-1]
	for i, r := range n.Next() {
		copy(x[i*in:(i+1)*in], n.X[r*in:])
		copy(y[i*out:(i+1)*out], n.Y[r*out:])
	}
}

// NotebookX and NotebookY are the four rows of the notebook.
var (
	NotebookX = []float64{.2, .4, .6, .3, .3, .1, .5, .4, .7, .8, .4, .1}
	NotebookY = []float64{.8, .2, .4, .6}
)

// Uniform returns n numbers in [-1, 1), the notebook's weights.
func Uniform(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 2*rand.Float64() - 1
	}
	return w
}

// Version returns the version of a module that this program was built with.
func Version(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == path {
				return d.Version
			}
		}
	}
	return "unknown"
}

// Run answers requests. steps(n) makes n steps and returns the last one's loss.
func Run(detail string, chunk int, steps func(n int) float64) {
	first := steps(1)
	steps(chunk)
	made := 1 + chunk
	out := json.NewEncoder(os.Stdout)
	out.Encode(map[string]any{"ready": true, "detail": detail + ", " + runtime.Version(), "first_loss": first})
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		const pieces = 7
		seconds, err := strconv.ParseFloat(in.Text(), 64)
		if err != nil {
			fmt.Fprintf(os.Stderr, "seconds expected, not %q\n", in.Text())
			os.Exit(2)
		}
		each := time.Duration(seconds / pieces * 1e9)
		last := steps(chunk)
		made += chunk
		var times []float64
		for range pieces {
			n, start := 0, time.Now()
			var took time.Duration
			for {
				last = steps(chunk)
				n += chunk
				if took = time.Since(start); took >= each {
					break
				}
			}
			times = append(times, float64(took.Nanoseconds())/float64(n))
			made += n
		}
		slices.Sort(times)
		out.Encode(map[string]any{"ns": times[pieces/2], "first_loss": first, "last_loss": last, "steps": made})
	}
}
