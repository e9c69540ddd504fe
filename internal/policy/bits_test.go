package policy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/optim"
)

// machine is a way to run the same training: a build, an instruction set, a number of threads.
type machine struct {
	name    string
	binary  string
	isa     string
	threads int
	through []string // a program to run the binary with, and its arguments
}

// everywhere asks for the whole matrix of processors and configurations, and atHome for no emulated processor.
// CI asks for the first once, and for the second when it runs all tests.
var (
	everywhere = os.Getenv("GRADUS_BITS") == "all"
	atHome     = os.Getenv("GRADUS_BITS") == "native"
)

// TestSameBitsEverywhere is the matrix behind docs/bits.md: the same data, configuration and
// seed give the same weights_sha256 with any instruction set, number of threads and
// GOAMD64 level, and with qemu on any processor. GRADUS_BITS=all runs the whole
// matrix, and a quarter of it on emulated processors. Otherwise it runs a quarter, and a sixteenth on emulated
// processors. With GRADUS_BITS=native no processor is emulated.
func TestSameBitsEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("trains some hundred small networks; not with -short")
	}
	dir := t.TempDir()
	build := func(name string, env ...string) string {
		out := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-o", out, "./cmd/gradus")
		cmd.Dir = root
		cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build with %v: %v\n%s", env, err, b)
		}
		return out
	}
	var machines []machine
	levels := []string{""}
	if runtime.GOARCH == "amd64" {
		levels = []string{"v1"}
		if has(kernel.ISAs(), "avx2") {
			levels = append(levels, "v3") // a machine without AVX2 cannot run it
		}
	}
	threads := 0
	for _, level := range levels {
		b := build("gradus-"+level, "GOAMD64="+level)
		for _, isa := range kernel.ISAs() {
			threads = threads%3 + 1
			machines = append(machines, machine{fmt.Sprintf("%s%s, %s, %d threads", runtime.GOARCH, level, isa, threads), b, isa, threads, nil})
		}
	}
	first := machines[0].name
	iris, diabetes := filepath.Join("examples", "data", "iris.csv"), filepath.Join("examples", "data", "diabetes.csv")
	cancer := filepath.Join("examples", "data", "breast_cancer.csv")
	var configs [][]string
	add := func(data string, flags ...string) { // trains one network unless the flags say otherwise
		if !slices.Contains(flags, "--members") && !slices.Contains(flags, "--preset") {
			flags = append(flags, "--members", "1")
		}
		configs = append(configs, append([]string{data}, flags...))
	}
	for i, o := range append(append([]string{"auto"}, optim.Optimizers()...), optim.Solvers()...) {
		add([]string{iris, diabetes}[i%2], "--optimizer", o) // in turn, because a build in emulation takes long
	}
	add(diabetes, "--optimizer", "lbfgs", "--l2", "0.01", "--shards", "3")
	short := map[string]string{"step": "step:2:0.5", "cosine-restarts": "cosine-restarts:2", "plateau": "plateau:1:0.5"} // for few epochs
	for _, s := range optim.Schedules() {
		add(cancer, "--schedule", cmp.Or(short[s], s))
	}
	add(iris, "--optimizer", "sgd", "--weight-decay", "0.1", "--l1", "0.001", "--l2", "0.01", "--max-norm", "1.5", "--ema", "0.9", "--label-smoothing", "0.1", "--warmup", "2")
	add(diabetes, "--clip-norm", "0.5", "--clip-value", "0.1", "--optimizer", "rmsprop", "--momentum", "0.8")
	for _, a := range []string{"relu", "sigmoid", "tanh", "identity", "leaky-relu", "elu", "selu", "gelu", "silu", "mish", "softplus"} {
		add(iris, "--activation", a)
	}
	add(iris, "--activation", "exp", "--hidden", "5", "--lr", "0.001")
	for _, l := range []string{"half-squared", "squared", "absolute", "huber:1"} {
		add(diabetes, "--loss", l)
	}
	for _, l := range []string{"quantile:0.9", "log-cosh", "tweedie:1.5", "gamma"} {
		add(diabetes, "--loss", l)
	}
	add(iris, "--loss", "focal:2", "--class-weight", "balanced")
	add(cancer, "--loss", "focal:0.5", "--metric", "auc", "--threshold", "auto:f1")
	add(cancer, "--loss", "hinge", "--metric", "f1", "--sample-weight", "mean_radius")
	add(diabetes, "--sample-weight", "bmi", "--metric", "mape", "--group", "s6")
	add(diabetes, "--split", "time:age", "--test", "0.2", "--sample-weight", "bmi", "--method", "batch", "--shards", "3")
	add(diabetes, "--loss", "poisson")
	add(diabetes, "--loss", "poisson", "--output-activation", "softplus")
	add(cancer, "--loss", "half-squared", "--reduction", "sum", "--lr", "0.001")
	for _, i := range []string{"he", "glorot", "lecun", "uniform", "normal"} {
		add(cancer, "--init", i, "--lr", "0.001")
	}
	add(diabetes, "--method", "batch", "--shards", "3", "--epochs", "20")
	add(cancer, "--method", "stochastic", "--epochs", "1")
	add(iris, "--scale", "standard", "--no-bias")
	add(iris, "--recipe", "trees")
	add(diabetes, "--recipe", "trees")
	add(iris, "--recipe", "waves")
	add(diabetes, "--optimizer", "sgd", "--lr", "10", "--on-divergence", "halve-lr")
	add(diabetes, "--hidden", "200,100", "--batch-size", "300") // large enough for several cores
	add(iris, "--norm", "batch", "--dropout", "0.3", "--input-dropout", "0.1")
	add(diabetes, "--norm", "layer", "--shards", "2", "--dropout", "0.5")
	add(diabetes, "--hidden", "200,100", "--batch-size", "300", "--norm", "batch", "--dropout", "0.2")

	add(cancer, "--members", "3", "--test", "0.2")
	if everywhere {
		add(iris, "--preset", "default", "--hidden", "4") // eight networks
	}

	kinds := filepath.Join(dir, "kinds.csv") // inputs that are mostly zeros
	writeKinds(t, kinds)
	add(kinds)
	add(kinds, "--optimizer", "momentum", "--hidden", "100,30", "--batch-size", "200", "--shards", "2")
	add(kinds, "--method", "batch", "--optimizer", "lbfgs", "--norm", "layer")

	sum := func(m machine, args []string) string {
		data := args[0]
		if !filepath.IsAbs(data) {
			data = filepath.Join(absRoot(t), data)
		}
		out, err := os.CreateTemp(dir, "*.safetensors")
		if err != nil {
			return err.Error()
		}
		defer os.Remove(out.Name())
		out.Close()
		call := append([]string{"train", data, "--epochs", "4", "--json", "--quiet", "--out", out.Name(),
			"--threads", fmt.Sprint(m.threads)}, args[1:]...)
		call = append(append(m.through[:len(m.through):len(m.through)], m.binary), call...)
		cmd := exec.Command(call[0], call[1:]...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GRADUS_ISA=" + m.isa} // WebAssembly accepts no long environment
		printed, err := cmd.Output()
		var r struct {
			Sum string `json:"weights_sha256"`
		}
		if err == nil {
			err = json.Unmarshal(printed, &r)
		}
		if err != nil {
			return fmt.Sprintf("no sum, but %v", err)
		}
		return r.Sum
	}
	// The emulated machine takes the longest, so several configurations run at the same time.
	sums := map[string]string{} // of the first machine
	compare := func(t *testing.T, machines []machine, configs [][]string) {
		var lock sync.Mutex
		var workers sync.WaitGroup
		work := make(chan []string)
		for range runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				for c := range work {
					name := strings.Join(c, " ")
					for _, m := range machines {
						got := sum(m, c)
						lock.Lock()
						want, known := sums[name]
						switch {
						case !known && len(got) == 64:
							sums[name] = got
						case got != want:
							t.Errorf("%v: on %s the weights are %s, on %s %s", c, m.name, got, first, want)
						}
						lock.Unlock()
					}
				}
			})
		}
		for _, c := range configs {
			work <- c
		}
		close(work)
		workers.Wait()
	}
	var natively, emulated, inGo [][]string
	for p, precision := range []string{"float32", "float64"} {
		for n, c := range configs {
			if !everywhere && n%4 != p { // a quarter of the matrix
				continue
			}
			c := append(c[:len(c):len(c)], "--precision", precision)
			natively = append(natively, c)
			if n%16 == p || everywhere && n%8 == p {
				emulated = append(emulated, c)
				if n%3 == p {
					inGo = append(inGo, c)
				}
			}
		}
	}
	compare(t, machines, natively)
	t.Logf("%d configurations on %d machines", len(sums), len(machines))

	for _, p := range processors {
		if atHome {
			break
		}
		t.Run(p.name, func(t *testing.T) {
			m := machine{p.name, build("gradus-"+p.env[1], p.env...), p.isa, p.threads, p.through(t)}
			chosen := inGo
			if p.isa != "generic" {
				chosen = emulated
			}
			compare(t, []machine{m}, chosen)
			t.Logf("%d configurations with %s, %d threads", len(chosen), p.isa, p.threads)
		})
	}
}

// writeKinds writes a table of categories.
func writeKinds(t *testing.T, file string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("kind,other,size,y\n")
	for i := range 600 {
		fmt.Fprintf(&b, "k%d,o%d,%d,%d\n", i*i%41, i*7%43%29, i%17, i*i%41%5+i*7%43%29)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func has(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func absRoot(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
