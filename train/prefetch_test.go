package train

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// awaitBatch waits until the batch of the next update is prepared, and reports whether there is one.
func awaitBatch[T nn.Float](t *testing.T, tr *Trainer[T]) bool {
	t.Helper()
	p, q := tr.prefetch, tr.number()
	if p == nil || !p.follows(q) || q >= p.end {
		return false
	}
	for since := time.Now(); p.slots[q%prefetched].ready.Load() != int64(q); runtime.Gosched() {
		p.rouse()
		if int(p.next.Load()) > q && p.slots[q%prefetched].ready.Load() != int64(q) {
			return false // the loop has prepared a batch itself, and this one was left out
		}
		if time.Since(since) > 30*time.Second {
			t.Fatalf("the batch of update %d is not prepared", q)
		}
	}
	return true
}

// Batches that another goroutine has prepared have the same bits, whether the loop finds them ready or not.
func TestPrefetchChangesNoBit(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	}
	plain := leveled(1003, 1)
	weighted := plain
	for i := range weighted.Rows() {
		weighted.W = append(weighted.W, float64(i%3))
	}
	full := plain
	full.X = nn.NewMatrix[float32](plain.Rows(), plain.X.Cols)
	for i := range full.X.Data {
		full.X.Data[i] = 1 + float32(i%13)
	}
	base := Config{BatchSize: 17, Epochs: 4, Seed: 3, Loss: nn.Squared}
	with := func(change func(c *Config)) Config {
		c := base
		change(&c)
		return c
	}
	for _, c := range []struct {
		name  string
		cfg   Config
		set   Set[float32]
		dense nn.Dense
		goes  bool // it can be prepared ahead
	}{
		{"a matrix", base, plain, nn.Dense{}, true},
		{"packed", base, pack(plain), nn.Dense{}, true},
		{"weights", base, weighted, nn.Dense{}, true},
		{"packed with weights", base, pack(weighted), nn.Dense{}, true},
		{"no zeros", base, full, nn.Dense{}, true},
		{"packed without zeros", base, pack(full), nn.Dense{}, true},
		{"dropped inputs", base, pack(plain), nn.Dense{Dropout: 0.2}, true},
		{"batch normalization and a last row alone", with(func(c *Config) { c.BatchSize = 6 }), pack(plain), nn.Dense{Norm: nn.BatchNorm}, true},
		{"the whole gradient", with(func(c *Config) { c.ClipNorm = 0.1 }), pack(plain), nn.Dense{}, true},
		{"one row at a time", with(func(c *Config) { c.Method = Stochastic }), plain, nn.Dense{}, true},
		{"halved rates", with(func(c *Config) { c.Optimizer, c.LearningRate, c.Halvings = optim.SGD{}, 1e10, 99 }), pack(plain), nn.Dense{}, true},
		{"in order", with(func(c *Config) { c.NoShuffle = true }), pack(plain), nn.Dense{}, false},
		{"all rows", with(func(c *Config) { c.Method = Batch }), pack(plain), nn.Dense{}, false},
		{"few updates", with(func(c *Config) { c.BatchSize = 128 }), pack(plain), nn.Dense{}, false},
	} {
		var want []float32
		var wanted string
		for _, how := range []string{"alone", "together", "waiting", "broken off"} {
			d := c.dense
			d.Units, d.Activation = 6, nn.ReLU
			net, err := nn.New[float32](c.set.Cols(), nn.Seed(2), d, nn.Dense{Units: 1})
			if err != nil {
				t.Fatal(c.name, err)
			}
			c.cfg.Threads = 2
			if how == "alone" {
				c.cfg.Threads = 1
			}
			tr, err := New(net, c.cfg, Data[float32]{Train: c.set})
			if err != nil {
				t.Fatal(c.name, err)
			}
			ready, updates := 0, 0
			for !tr.finished {
				for _, err := range tr.Steps(context.Background()) {
					if err != nil {
						t.Fatal(c.name, err)
					}
					if updates++; how == "waiting" && !tr.finished && awaitBatch(t, tr) {
						ready++
					}
					if how == "broken off" && updates%25 == 0 {
						tr.Preview(0)
						if updates%50 == 0 {
							break
						}
					}
				}
				if tr.prefetch != nil {
					t.Fatalf("%s, %s: outside the loop there is still a prefetch", c.name, how)
				}
			}
			got := fmt.Sprint(tr.Result().Loss, tr.EpochLoss(), tr.result.Steps, tr.result.Retreats)
			if want == nil {
				want, wanted = slices.Clone(net.Values()), got
			}
			if !slices.Equal(net.Values(), want) || got != wanted {
				t.Errorf("%s, %s: the run ends with other weights or with %s, want %s as on one thread", c.name, how, got, wanted)
			}
			if how == "waiting" && (ready > 0) != c.goes {
				t.Errorf("%s: %d of %d batches were prepared ahead", c.name, ready, updates)
			}
			if c.name == "halved rates" && len(tr.result.Retreats) == 0 {
				t.Errorf("%s, %s: the run did not go back, and should", c.name, how)
			}
		}
	}
}

// With a prefetch, a step allocates nothing.
func TestPrefetchedStepAllocatesNothing(t *testing.T) {
	net, err := nn.New[float32](38, nn.Seed(2), nn.Dense{Units: 6, Activation: nn.ReLU}, nn.Dense{Units: 1})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := New(net, Config{BatchSize: 17, Epochs: 1 << 30, Loss: nn.Squared}, Data[float32]{Train: pack(leveled(1003, 1))})
	if err != nil {
		t.Fatal(err)
	}
	tr.startPrefetch()
	defer tr.stopPrefetch()
	step := func() {
		if _, err := tr.course.step(tr); err != nil {
			t.Fatal(err)
		}
		awaitBatch(t, tr)
	}
	for range 600 * 59 { // more epochs than the history keeps one by one
		step()
	}
	tr.result.History = slices.Grow(tr.result.History, 1000)
	if a := testing.AllocsPerRun(500, step); a != 0 {
		t.Errorf("%v allocations in a step, want none", a)
	}
}
