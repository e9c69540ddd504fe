package main

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// table is one comparison.
type table struct {
	name  string
	title string
	unit  string // what one time in a line is measured for
	run   func(s *suite, ctx context.Context) ([]line, []string)
}

// figures is a measured table, as stored in the cache folder.
type figures struct {
	When    time.Time `json:"when"`
	CPU     string    `json:"cpu"`
	Commit  string    `json:"commit"`
	Cores   []string  `json:"cores"`
	Rounds  int       `json:"rounds"`
	Seconds float64   `json:"seconds"`
	Lines   []line    `json:"lines"`
	Notes   []string  `json:"notes,omitempty"`
}

var tables = []table{
	{"peak", "The peak of fused multiply-adds of one core, checked against C", "GFLOP/s", peak},
	{"notebook", "The notebook's net: 3-4-1, sigmoid, no bias, 4 rows, full batch, float64, sgd", "step", notebook},
	{"mnist", "784-512-256-10, ReLU, softmax cross-entropy, batch 128, momentum 0.9, float32, one thread", "step", func(s *suite, ctx context.Context) ([]line, []string) { return dense(s, ctx, "mnist", 1) }},
	{"mnist-sgd", "The same net with plain sgd, one thread", "step", func(s *suite, ctx context.Context) ([]line, []string) { return dense(s, ctx, "mnist-sgd", 1) }},
	{"mnist-2", "The same net with momentum, two threads", "step", func(s *suite, ctx context.Context) ([]line, []string) { return dense(s, ctx, "mnist", 2) }},
	{"mnist-avx2", "The same net with momentum, one thread, gradus held to AVX2", "step", avx2},
	{"tabular", "20-64-64-1, ReLU, squared error, batch 32, adam, float32, one thread", "step", func(s *suite, ctx context.Context) ([]line, []string) { return dense(s, ctx, "tabular", 1) }},
	{"tabular-2", "The same net, two threads", "step", func(s *suite, ctx context.Context) ([]line, []string) { return dense(s, ctx, "tabular", 2) }},
	{"inference", "One row through 20-64-64-1, float32, one thread", "row", inference},
	{"adult", "Whole processes: adult_train.csv to a model's file, 64-64, batch 128, adam, 20 epochs, one core", "process", adult1},
	{"adult-2", "The same on two cores", "process", adult2},
	{"mnist98", "Whole processes: MNIST's IDX files to 98 % of the test images, 784-512-256-10, batch 128, momentum 0.9, one core", "process", mnist98},
	{"mnist98-2", "The same on two cores", "process", mnist98on2},
}

func tableNames() []string {
	var names []string
	for _, t := range tables {
		names = append(names, t.name)
	}
	return names
}

func (t table) measure(s *suite, ctx context.Context) figures {
	lines, notes := t.run(s, ctx)
	return figures{Rounds: s.rounds, Seconds: s.seconds, Cores: s.cores, Lines: lines, Notes: notes}
}

// gradus returns an entrant for gradus itself.
func gradus(workload string, threads int, form string, env ...string) entrant {
	return entrant{name: "gradus", form: form, threads: threads, gradus: true, workload: workload, env: env}
}

// The peers, each in the forms that might be its fastest.
func (s *suite) numpy(workload, mode, form string, threads int) entrant {
	return s.py("numpy", "numpy_peer.py", workload, mode, form, threads, "numpy")
}

func (s *suite) torch(workload, mode, form string, threads int) entrant {
	return s.py("PyTorch", "torch_peer.py", workload, mode, form, threads, "torch", "numpy")
}

func (s *suite) jax(workload, mode, form string, threads int) entrant {
	return s.py("JAX", "jax_peer.py", workload, mode, form, threads, "jax", "numpy")
}

func (s *suite) sklearn(workload, mode, form string, threads int) entrant {
	return s.py("scikit-learn", "sklearn_peer.py", workload, mode, form, threads, "scikit-learn", "numpy")
}

func (s *suite) py(name, file, workload, mode, form string, threads int, needs ...string) entrant {
	return entrant{name: name, form: form, threads: threads, needs: append([]string{"python"}, needs...),
		args: []string{s.venv("python"), script(file), workload, fmt.Sprint(threads), mode}}
}

func (s *suite) golang(name, title, workload string, threads int) entrant {
	return entrant{name: title, threads: threads, needs: []string{name}, args: []string{s.path("bin", name), workload, fmt.Sprint(threads)}}
}

func (s *suite) torches(workload string, threads int) []entrant {
	return []entrant{
		s.torch(workload, "eager", "eager, fused optimizer", threads),
		s.torch(workload, "compile", "torch.compile of model and loss", threads),
		s.torch(workload, "graph", "torch.compile of the whole step", threads),
		s.torch(workload, "tune", "the same with max-autotune", threads),
	}
}

func peak(s *suite, ctx context.Context) ([]line, []string) {
	c := func(binary, precision, form string) entrant {
		return entrant{name: "C", form: form + ", " + precision, threads: 1, needs: []string{binary}, args: []string{s.path("bin", binary), precision}}
	}
	return s.race(ctx, []entrant{
		gradus("float32", 1, "float32"), c("peak", "float32", "512-bit vectors"),
		gradus("float64", 1, "float64"), c("peak", "float64", "512-bit vectors"),
		gradus("float32", 1, "AVX2, float32", "GRADUS_ISA=avx2"), c("peak-avx2", "float32", "AVX2"),
	}), []string{"C is gcc -O3 -march=native with 12 independent accumulators; the figures are GFLOP/s, the ratios those of the times."}
}

func notebook(s *suite, ctx context.Context) ([]line, []string) {
	c := func(binary, form string) entrant {
		return entrant{name: "C", form: form, threads: 1, needs: []string{binary}, args: []string{s.path("bin", binary), "notebook", "1"}}
	}
	return s.race(ctx, []entrant{
		gradus("notebook", 1, ""),
		c("notebook-fast", "-O3 -march=native -ffast-math"),
		c("notebook", "-O3 -march=native"),
		s.numpy("notebook", "loop", "the notebook's loop with its np.isclose", 1),
		s.numpy("notebook", "step", "the same without np.isclose", 1),
		s.torch("notebook", "eager", "eager", 1),
		s.torch("notebook", "graph", "torch.compile of the whole step", 1),
		s.jax("notebook", "step", "jit of a step", 1),
		s.jax("notebook", "scan", "jit of lax.scan over 10,000 steps", 1),
		s.golang("gomlx", "GoMLX", "notebook", 1),
		s.golang("gorgonia", "Gorgonia", "notebook", 1),
		s.golang("spago", "spaGO", "notebook", 1),
	}), nil
}

// dense compares the programs on a larger network.
func dense(s *suite, ctx context.Context, workload string, threads int) ([]line, []string) {
	blas, notes := s.openblas(ctx, workload, threads)
	list := []entrant{gradus(workload, threads, "")}
	if threads > 1 {
		list = append(list, gradus(workload, 1, "one thread"))
	}
	list = append(list, blas...)
	list = append(list, s.torches(workload, threads)...)
	list = append(list,
		s.jax(workload, "step", "jit of a step", threads),
		s.jax(workload, "scan", "jit of lax.scan over an epoch", threads),
		s.numpy(workload, "", "by hand, out= everywhere", threads),
		s.sklearn(workload, "fit", "fit, warm start", threads))
	if threads == 1 {
		list = append(list, s.sklearn(workload, "partial", "partial_fit", 1))
	}
	list = append(list,
		s.golang("gomlx", "GoMLX", workload, threads),
		s.golang("gorgonia", "Gorgonia", workload, threads),
		s.golang("spago", "spaGO", workload, threads))
	return s.race(ctx, list), notes
}

func avx2(s *suite, ctx context.Context) ([]line, []string) {
	return s.race(ctx, []entrant{
		gradus("mnist", 1, "AVX2", "GRADUS_ISA=avx2"),
		gradus("mnist", 1, "as it chooses"),
		gradus("mnist-sgd", 1, "AVX2, plain sgd", "GRADUS_ISA=avx2"),
	}), []string{"The share is of the peak that the same path reaches in the same turn."}
}

func inference(s *suite, ctx context.Context) ([]line, []string) {
	blas, notes := s.openblas(ctx, "inference", 1)
	list := append([]entrant{
		gradus("inference", 1, ""),
		{name: "C", form: "loops, -O3 -march=native -ffast-math", threads: 1, needs: []string{"dense"}, args: []string{s.path("bin", "dense"), "inference", "1", "loops"}},
	}, blas...)
	list = append(list,
		s.torch("inference", "eager", "eager, inference_mode", 1),
		s.torch("inference", "jit", "frozen trace", 1),
		s.torch("inference", "graph", "torch.compile, frozen", 1),
		s.jax("inference", "step", "jit", 1),
		s.numpy("inference", "", "by hand", 1),
		s.sklearn("inference", "fit", "predict", 1),
		s.golang("gomlx", "GoMLX", "inference", 1),
		s.golang("gorgonia", "Gorgonia", "inference", 1),
		s.golang("spago", "spaGO", "inference", 1))
	return s.race(ctx, list), notes
}

// coreTypes are the kernels that OpenBLAS is told to use. With the empty string it chooses itself.
var coreTypes = []string{"", "SKYLAKEX", "COOPERLAKE", "ZEN", "HASWELL"}

// openblas tries both builds of OpenBLAS with every choice of kernels, in three short turns
// each, and returns the fastest of each build as an entrant.
func (s *suite) openblas(ctx context.Context, workload string, threads int) ([]entrant, []string) {
	var list []entrant
	var notes []string
	for _, b := range []struct{ binary, form string }{{"dense", "the system's OpenBLAS"}, {"dense-scipy", "scipy-openblas32"}} {
		e := entrant{name: "C + OpenBLAS", form: b.form, threads: threads, needs: []string{b.binary}, args: []string{s.path("bin", b.binary), workload, fmt.Sprint(threads)}}
		if s.missing[b.binary] != "" || threads > len(s.cores) {
			list = append(list, e)
			continue
		}
		best := map[string]float64{}
		for range 3 {
			for _, kind := range coreTypes {
				e.env = env(kind)
				p, a, err := s.start(ctx, e)
				if err != nil {
					continue // the kernels do not run on this processor
				}
				if a, err = p.ask(min(0.3, s.seconds)); err == nil && (best[kind] == 0 || a.Ns < best[kind]) {
					best[kind] = a.Ns
				}
				p.stop()
			}
		}
		kinds := slices.DeleteFunc(slices.Clone(coreTypes), func(k string) bool { return best[k] == 0 })
		if len(kinds) == 0 {
			e.env = nil
			list = append(list, e)
			continue
		}
		sort.SliceStable(kinds, func(i, j int) bool { return best[kinds[i]] < best[kinds[j]] })
		e.env = env(kinds[0])
		var tried []string
		for _, k := range kinds {
			tried = append(tried, fmt.Sprintf("%s %s", named(k), duration(best[k])))
		}
		e.form += ", " + named(kinds[0])
		list = append(list, e)
		notes = append(notes, fmt.Sprintf("C with %s, the best of three turns: %s.", b.form, strings.Join(tried, ", ")))
	}
	return list, notes
}

func env(kind string) []string {
	if kind == "" {
		return nil
	}
	return []string{"OPENBLAS_CORETYPE=" + kind}
}

func named(kind string) string {
	if kind == "" {
		return "its own choice"
	}
	return kind
}
