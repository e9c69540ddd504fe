package bench

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/optim"
)

// The work of a step equals a count by hand.
func TestFlops(t *testing.T) {
	if got, want := notebook().flops(), 4*(4*12+6*4.0); got != want {
		t.Errorf("notebook: %v, want %v", got, want)
	}
	if got, want := mnist("mnist-sgd", optim.SGD{}).flops(), 128*(4*784*512+6*512*256+6*256*10.0); got != want {
		t.Errorf("mnist: %v, want %v", got, want)
	}
	if got, want := tabular().flops(), 32*(4*20*64+6*64*64+6*64.0); got != want {
		t.Errorf("tabular: %v, want %v", got, want)
	}
}

// The report has what scripts read, and steps allocate nothing.
func TestRun(t *testing.T) {
	r, err := Run(context.Background(), Options{Each: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.ISA == "" || r.CPU == "" || r.Peak.Float32 <= 0 || r.Peak.Float64 <= 0 {
		t.Errorf("the report begins %q, %q, %+v", r.CPU, r.ISA, r.Peak)
	}
	seen := map[string]bool{}
	for _, w := range r.Workloads {
		seen[w.Name] = true
		if w.NsPerStep <= 0 || w.SamplesPerSecond <= 0 || w.ShareOfPeak <= 0 {
			t.Errorf("got %+v, want a time, a speed and a share of the peak above 0", w)
		}
		if w.AllocsPerStep != 0 {
			t.Errorf("%s on %d threads: %v allocations per step, want 0", w.Name, w.Threads, w.AllocsPerStep)
		}
	}
	for _, name := range []string{"notebook", "mnist", "tabular"} {
		if !seen[name] {
			t.Errorf("no workload %s", name)
		}
	}
	if len(r.Inference) != 1 || r.Inference[0].Allocs != 0 {
		t.Errorf("inference: got %+v, want one line without allocations", r.Inference)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// A workload and a number of threads can be chosen, and the losses show that it trains.
func TestChosenWorkload(t *testing.T) {
	r, err := Run(context.Background(), Options{Each: 20 * time.Millisecond, Workloads: []string{"mnist-sgd"}, Threads: []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Workloads) != 1 || r.Workloads[0].Name != "mnist-sgd" || r.Workloads[0].Threads != 1 || len(r.Inference) != 0 {
		t.Fatalf(`got %+v, want mnist-sgd on one thread alone`, r)
	}
	if w := r.Workloads[0]; !(w.FirstLoss > 0 && w.LastLoss > 0 && w.LastLoss < w.FirstLoss) {
		t.Errorf("the loss went from %v to %v, want a lower one", w.FirstLoss, w.LastLoss)
	}
	if _, err := Run(context.Background(), Options{Each: time.Millisecond, Workloads: []string{"cifar"}}); err == nil {
		t.Error("an unknown workload was accepted")
	}
}
