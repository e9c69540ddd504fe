package model

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/memory"
	"github.com/gradus-ml/gradus/optim"
)

// counted is SGD that counts how many runs update their weights at the same time.
type counted struct {
	optim.SGD
	now, most *atomic.Int32
}

func (counted) String() string { return "counted" }

func (c counted) Update32(s optim.Step, w, g []float32, slots [][]float32) {
	for n, most := c.now.Add(1), c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	time.Sleep(time.Millisecond)
	c.SGD.Update32(s, w, g, slots)
	c.now.Add(-1)
}

// limited sets the available memory until the test ends.
func limited(t *testing.T, bytes float64) {
	t.Helper()
	available = func() (memory.Limit, bool) { return memory.Limit{Bytes: uint64(bytes), Of: "this machine"}, true }
	t.Cleanup(func() { available = memory.Available })
}

// Folds that do not fit in memory together run one after the other, with the same result. A fold that does not fit by
// itself is refused.
func TestFoldsShareMemory(t *testing.T) {
	table := claims(t)
	rate := 0.01
	o := few("kind")
	o.Optimizer, o.LearningRate, o.Threads = "counted", &rate, 3
	o.Custom.Optimizers = []optim.Optimizer{counted{now: new(atomic.Int32), most: new(atomic.Int32)}}
	f, err := Prepare(Tables{Train: table}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want string
	for _, c := range []struct {
		bytes float64
		most  int32
	}{{100 * f.need, 3}, {2.5 * f.need, 2}, {1.5 * f.need, 1}} {
		rule := counted{now: new(atomic.Int32), most: new(atomic.Int32)}
		o.Custom.Optimizers = []optim.Optimizer{rule}
		limited(t, c.bytes)
		cv, err := CrossValidate(context.Background(), Tables{Train: table}, o, 6, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := rule.most.Load(); got != c.most {
			t.Errorf("with room for %.1f runs, %d ran at the same time, want %d", c.bytes/f.need, got, c.most)
		}
		if got := fmt.Sprint(cv.Mean, cv.Predictions); want == "" {
			want = got
		} else if got != want {
			t.Errorf("with room for %.1f runs the result differs", c.bytes/f.need)
		}
	}
	limited(t, 0.5*f.need)
	if _, err := CrossValidate(context.Background(), Tables{Train: table}, o, 6, nil); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), " of 6: ") {
		t.Errorf("a fold that does not fit: got %v, want ErrMemory that names the fold", err)
	}
}

// A run waits if it does not fit beside another one that is being prepared, until that one has its memory or has failed.
func TestMemoryOfPreparing(t *testing.T) {
	table, room := claims(t), new(SharedMemory)
	f, err := Prepare(Tables{Train: table}, few("kind"), nil)
	if err != nil {
		t.Fatal(err)
	}
	need, slow := f.need, make(chan bool)
	var busy atomic.Bool
	available = func() (memory.Limit, bool) {
		have := 1.5 * need
		if busy.Load() { // half of it is taken by copies of columns
			have = 0.75 * need
		}
		return memory.Limit{Bytes: uint64(have), Of: "this machine"}, true
	}
	t.Cleanup(func() { available = memory.Available })
	runs, failures := make(chan *Fit, 2), make(chan error, 2)
	start := func(o Options) {
		go func() {
			f, err := Prepare(Tables{Train: table, Memory: room}, o, nil)
			if err != nil {
				failures <- err
				return
			}
			runs <- f
		}()
	}
	busy.Store(true)
	o := few("kind")
	o.Stage = func(stage string) {
		if stage == "scales" {
			slow <- true
			<-slow
			busy.Store(false)
		}
	}
	start(o)
	<-slow
	start(few("kind"))
	time.Sleep(50 * time.Millisecond)
	slow <- true
	for range 2 {
		select {
		case f := <-runs:
			f.Release()
		case err := <-failures:
			t.Fatalf("a run that fits once the other one is prepared fails with %v", err)
		}
	}
	busy.Store(true)
	o.Refuse = func(Size) error { return errors.New("refused") }
	start(o)
	<-slow
	start(few("kind"))
	time.Sleep(50 * time.Millisecond)
	slow <- true
	select {
	case f := <-runs:
		f.Release()
	case <-time.After(time.Minute):
		t.Errorf("no run was prepared beside one that fails: %v", <-failures)
	}
}

// A run waits in Prepare until another one gives back its memory.
func TestRoom(t *testing.T) {
	table, room := claims(t), new(SharedMemory)
	f, err := Prepare(Tables{Train: table, Memory: room}, few("kind"), nil)
	if err != nil {
		t.Fatal(err)
	}
	limited(t, 1.5*f.need)
	f.Release()
	f.Release() // the memory is given back only once
	if f, err = Prepare(Tables{Train: table, Memory: room}, few("kind"), nil); err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() {
		_, err := Prepare(Tables{Train: table, Memory: room}, few("kind"), nil)
		second <- err
	}()
	select {
	case err := <-second:
		t.Fatalf("the second run did not wait (%v)", err)
	case <-time.After(50 * time.Millisecond):
	}
	f.Release()
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// Each goroutine that takes whole shards has a tape and a gradient, and a run asks for their memory.
func TestHandsNeedMemory(t *testing.T) {
	need := func(threads, shards int, norm string) float64 {
		f, err := Prepare(Tables{Train: waveTable(t, 200)}, Options{Hidden: []int{300, 300}, Threads: threads, Shards: shards, Norm: norm}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f.need
	}
	one := need(1, 8, "")
	if more := need(5, 8, "") - need(1, 8, ""); more < 4*4*300*300 { // four gradients of float32
		t.Errorf("five threads need %.0f bytes more than one, want at least four gradients", more)
	}
	for _, c := range []struct {
		threads, shards int
	}{{5, 1}, {5, 4}, {1, 1}} {
		if more := need(c.threads, c.shards, "") - one; more > 0 {
			t.Errorf("%d threads need %.0f bytes more for %d shards than one for 8, want none", c.threads, more, c.shards)
		}
	}
	if a, b := need(5, 8, "batch"), need(1, 8, "batch"); a != b {
		t.Errorf("with batch normalization five threads need %.0f bytes, want %.0f as one", a, b)
	}
}
