package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// derived says which fields of Trainer and Result a checkpoint does not hold, and why.
var derived = map[string]string{
	"net":           "its parameters are held",
	"average":       "its parameters are held",
	"cfg":           "described, and compared",
	"course":        "of the configuration",
	"data":          "its sum is compared",
	"batchSize":     "of the configuration",
	"tape":          "scratch of a step",
	"room":          "scratch of a step",
	"gather":        "scratch of a step",
	"crew":          "scratch of a step",
	"prefetch":      "of the goroutines that train now",
	"latest":        "scratch of a step",
	"grad":          "scratch of a step",
	"tree":          "scratch of a step",
	"fold":          "scratch of a step",
	"summed":        "scratch of a step",
	"losses":        "scratch of a step",
	"together":      "of the processes that train now",
	"parts":         "views of the parameters and slots",
	"rows":          "of the data",
	"stream":        "opened again",
	"whole":         "of the configuration",
	"cross.weights": "of the data",
	"cross.losses":  "scratch of a score",
	"cross.sums":    "scratch of a score",
	"cross.others":  "scratch of a score",

	"tiny":      "another way to the same bits",
	"now":       "scratch of a step",
	"order":     "drawn again from the seed and the epoch",
	"fullLoss":  "computed again",
	"lossAt":    "computed again",
	"since":     "elapsed has it when a checkpoint is written",
	"sum":       "of the data",
	"lonely":    "of the configuration",
	"tied":      "of the configuration",
	"ends":      "scratch of a step",
	"first":     "scratch of a step",
	"norms":     "scratch of a step",
	"out":       "scratch of a score",
	"weight":    "of the data",
	"objective": "evaluate",
	"addShard":  "sumShard",
	"applyPart": "apply",

	"observer":   "its state is held",
	"divergence": "failure",

	"result.Epochs":    "epoch",
	"result.Loss":      "fullLoss",
	"result.BestEpoch": "bestEpoch",
	"result.BestScore": "bestScore",
	"result.Seconds":   "elapsed",
	"result.Exchange":  "of the processes that trained last",

	"result.ExchangeShare":    "of the processes that trained last",
	"result.CrossFittedScore": "cross",
}

// TestCheckpointHoldsEverything fails for a new field of Trainer that is neither in Trainer.state
// nor in derived, for a field that is in both, and for a name in derived that is not a field.
func TestCheckpointHoldsEverything(t *testing.T) {
	unused := map[string]bool{}
	for name := range derived {
		unused[name] = true
	}
	held := map[string]bool{}
	d := Data[float32]{problem[float32](37), inParts(problem[float32](9), 9)}
	var fields []string
	for _, c := range []Config{ // together, these runs use every vector
		{Optimizer: optim.NewAdam(), KeepBest: true, EMA: 0.9},
		{Solver: optim.NewLBFGS()},
	} {
		tr, err := New(network[float32](t, nn.Identity), c, d)
		if err != nil {
			t.Fatal(err)
		}
		places := map[uintptr]bool{}
		for _, e := range tr.state() {
			if v := reflect.ValueOf(e.value); v.Kind() != reflect.Struct && v.Pointer() != 0 { // the observer nobody is a struct
				places[v.Pointer()] = true
			}
		}
		var look func(name string, v reflect.Value) bool
		look = func(name string, v reflect.Value) bool {
			if places[v.Addr().Pointer()] && v.Kind() != reflect.Struct {
				return true
			}
			switch v.Kind() {
			case reflect.Slice:
				if v.Len() > 0 && v.Type().Elem().Kind() == reflect.Slice { // such as the slots
					for i := range v.Len() {
						if !places[v.Index(i).Pointer()] {
							return false
						}
					}
					return true
				}
				return v.Len() > 0 && places[v.Pointer()]
			case reflect.Struct:
				all := true
				for i := range v.NumField() {
					field := name + "." + v.Type().Field(i).Name
					if derived[field] != "" {
						delete(unused, field)
					} else if !look(field, v.Field(i)) {
						all = false
					}
				}
				return all
			}
			return false
		}
		v := reflect.ValueOf(tr).Elem()
		fields = nil
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			fields = append(fields, name)
			if look(name, reflect.NewAt(v.Field(i).Type(), unsafe.Pointer(v.Field(i).UnsafeAddr())).Elem()) {
				held[name] = true
			}
		}
	}
	for _, name := range fields {
		switch {
		case held[name] && derived[name] != "":
			t.Errorf("Trainer.%s is in the checkpoint, and derived lists it", name)
		case !held[name] && derived[name] == "":
			t.Errorf("Trainer.%s is neither in Trainer.state nor among the derived fields", name)
		}
		delete(unused, name)
	}
	for name := range unused {
		t.Errorf("there is no field %s", name)
	}
}

// rules returns one optimizer of each name, and schedules one schedule of each name.
func rules(t testing.TB) (all []optim.Optimizer) {
	t.Helper()
	for _, name := range optim.Optimizers() {
		r, err := optim.ParseOptimizer(name, optim.Hyper{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func schedules(t testing.TB) (all []optim.Schedule) {
	t.Helper()
	for _, name := range optim.Schedules() {
		s, err := optim.ParseSchedule(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// resumed makes that many updates, writes a checkpoint, and returns a new trainer that has read it.
func resumed[T nn.Float](t *testing.T, start func(threads int) *Trainer[T], updates int) *Trainer[T] {
	t.Helper()
	first := start(1)
	if updates > 0 {
		for s, err := range first.Steps(context.Background()) {
			if s.N == updates || err != nil {
				break
			}
		}
	}
	var file bytes.Buffer
	if err := first.Checkpoint(&file); err != nil {
		t.Fatal(err)
	}
	c, err := ReadCheckpoint(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if c.Steps != first.result.Steps || c.Epoch != first.epoch || c.Number != 1 {
		t.Fatalf("the checkpoint has the wrong position: update %d, epoch %d, number %d", c.Steps, c.Epoch, c.Number)
	}
	second := start(2)
	if err := second.Restore(c); err != nil {
		t.Fatal(err)
	}
	return second
}

// Watch lets a diagnosis watch a trainer, and returns a function that writes its findings. See observed_test.go.
var Watch func(trainer any) (found func() string)

// resumeToTheBit compares a run with runs that were interrupted after some updates and then continued.
func resumeToTheBit[T nn.Float](t *testing.T, what string, out nn.Activation, cfg Config, d Data[T]) {
	t.Helper()
	var found func() string // of the latest trainer
	start := func(threads int) *Trainer[T] {
		cfg := cfg
		cfg.Threads = threads
		tr, err := New(network[T](t, out), cfg, d)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		found = Watch(tr)
		return tr
	}
	whole := start(1)
	_, failed := whole.Run(context.Background())
	total, told := whole.result.Steps, found()
	for _, at := range []int{0, 1, total / 3, total/3 + 1, total - 1, total} {
		tr := resumed(t, start, at)
		_, err := tr.Run(context.Background())
		sameRun(t, fmt.Sprintf("%s, resumed at %d of %d", what, at, total), tr, whole, tr.net, whole.net, err, failed)
		if got := found(); got != told {
			t.Fatalf("%s, resumed at %d of %d: the diagnosis is %s, want %s", what, at, total, got, told)
		}
	}
}

// TestResumeToTheBit resumes runs with every method, every optimizer and every schedule.
func TestResumeToTheBit(t *testing.T) {
	runs := 0
	for _, method := range []Method{Batch, MiniBatch, Stochastic, PerSample} {
		for i, rule := range rules(t) {
			for j, schedule := range schedules(t) {
				if testing.Short() && (i+j)%5 != 0 {
					continue
				}
				c := Config{Method: method, Optimizer: rule, Schedule: schedule, Epochs: 7, BatchSize: 10, Seed: 3, KeepBest: true, LearningRate: 0.01, Stop: Patience{4}}
				what := fmt.Sprint(method, " ", rule, " ", schedule)
				resumeToTheBit(t, what+" float32", nn.Identity, c, Data[float32]{problem[float32](37), inParts(problem[float32](5), 5)})
				c.Stop, c.KeepBest = nil, false
				resumeToTheBit(t, what+" float64", nn.Tanh, c, Data[float64]{Train: problem[float64](37)})
				runs += 2
			}
		}
	}
	t.Logf("%d runs, each resumed at 6 places", runs)
}

// TestResumeSolvers: a checkpoint holds what a solver remembers, and the last rate of its line search.
func TestResumeSolvers(t *testing.T) {
	for _, name := range optim.Solvers() {
		s, err := optim.ParseSolver(name)
		if err != nil {
			t.Fatal(err)
		}
		c := Config{Solver: s, Epochs: 15, Penalty: nn.Penalty{L2: 0.01}, EMA: 0.8}
		resumeToTheBit(t, name, nn.Identity, c, Data[float64]{problem[float64](37), problem[float64](5)})
		resumeToTheBit(t, name, nn.Tanh, c, Data[float32]{Train: problem[float32](37)})
	}
}

// TestResumeShapes resumes runs with everything else that an update does: penalties, the running average, norms and dropout.
func TestResumeShapes(t *testing.T) {
	d := Data[float32]{problem[float32](37), inParts(problem[float32](5), 3)}
	for i := range d.Train.Rows() {
		d.Train.W = append(d.Train.W, float64(i%3))
	}
	for _, method := range []Method{MiniBatch, Batch} {
		for i, c := range []Config{
			{Score: func(out []float64) float64 { return -out[0] }, KeepBest: true, Stop: Patience{3}},
			{EMA: 0.9, KeepBest: true},
			{EMA: 0.9, Stop: Patience{2}},
			{Penalty: nn.Penalty{L1: 0.01, L2: 0.02}, ClipNorm: 0.1, ClipValue: 0.05, WeightDecay: 0.1, MaxNorm: 0.9, Warmup: 2},
			{Schedule: optim.Plateau{Patience: 0, Factor: 0.5}, LearningRate: 0.1},
			{EMA: 0.9, Optimizer: optim.SGD{}, LearningRate: 40, Halvings: 10, KeepBest: true},
		} {
			c.Method, c.BatchSize, c.Epochs = method, 12, 9 // the last batch has one row
			resumeToTheBit(t, fmt.Sprint(method, " shape ", i), nn.Identity, c, d)
			start := func(int) *Trainer[float32] {
				net, err := nn.New[float32](3, nn.Seed(5), nn.Dense{Units: 8, Activation: nn.Tanh, Norm: nn.BatchNorm, Dropout: 0.3}, nn.Dense{Units: 2})
				if err != nil {
					t.Fatal(err)
				}
				tr, err := New(net, c, d)
				if err != nil {
					t.Fatal(err)
				}
				return tr
			}
			whole := start(1)
			_, failed := whole.Run(context.Background())
			for _, at := range []int{1, 5, 13} {
				tr := resumed(t, start, at)
				_, err := tr.Run(context.Background())
				sameRun(t, fmt.Sprint(method, " shape ", i, " with norms and dropout, at ", at), tr, whole, tr.net, whole.net, err, failed)
				if !slices.Equal(tr.net.Values(), whole.net.Values()) && failed == nil {
					t.Errorf("%s, shape %d: the running statistics differ", method, i)
				}
			}
		}
	}
}

// Runs that end early, diverge, use shards, or use the kernel for tiny networks can be resumed too.
func TestResumeOtherRuns(t *testing.T) {
	d := Data[float64]{Train: problem[float64](37)}
	v := Data[float64]{problem[float64](37), problem[float64](5)}
	resumeToTheBit(t, "target loss", nn.Identity, Config{Stop: TargetLoss{0.05}, LearningRate: 0.01}, d)
	resumeToTheBit(t, "patience", nn.Identity, Config{Stop: Patience{2}, KeepBest: true, LearningRate: 0.3, Epochs: 50}, v)
	resumeToTheBit(t, "shards", nn.Identity, Config{Method: Batch, Shards: 3, Epochs: 9}, d)
	resumeToTheBit(t, "diverges", nn.Identity, Config{Optimizer: optim.SGD{}, LearningRate: 1e30, Epochs: 9, BatchSize: 5}, d)
	resumeToTheBit(t, "sum, no shuffle", nn.Identity, Config{Reduction: nn.Sum, NoShuffle: true, Epochs: 9, LearningRate: 0.001}, v)
	resumeToTheBit(t, "long", nn.Identity, Config{Method: Batch, Epochs: 1500}, v) // longer than the part of the history that keeps every epoch
	resumeToTheBit(t, "halves its rate", nn.Identity, Config{Optimizer: optim.SGD{}, LearningRate: 40, Epochs: 9, BatchSize: 5, Halvings: 10, KeepBest: true}, v)
	resumeToTheBit(t, "halves its rate in vain", nn.Identity, Config{Optimizer: optim.SGD{}, LearningRate: 1e30, Epochs: 9, BatchSize: 5, Halvings: 3}, v)
	n := 0
	start := func(int) *Trainer[float64] {
		net, err := nn.New[float64](3, nn.Seed(1), nn.Dense{Units: 4, Activation: nn.Tanh}, nn.Dense{Units: 2})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := New(net, Config{Method: Batch, Optimizer: optim.SGD{}, LearningRate: 0.1, Epochs: 1000}, Data[float64]{Train: problem[float64](4)})
		if err != nil {
			t.Fatal(err)
		}
		if tr.tiny != nil {
			n++
		}
		return tr
	}
	whole := start(1)
	whole.Run(context.Background())
	for _, at := range []int{1, 63, 64, 65, 500, 999} {
		tr := resumed(t, start, at)
		_, err := tr.Run(context.Background())
		sameRun(t, fmt.Sprint("tiny, at ", at), tr, whole, tr.net, whole.net, err, nil)
	}
	if n == 0 {
		t.Error("no run used the kernel for tiny networks")
	}
}

// checkpoint returns the bytes of a checkpoint in the middle of an epoch, and a trainer that can restore it.
func checkpoint(t testing.TB) ([]byte, *Trainer[float32]) {
	t.Helper()
	start := func() *Trainer[float32] {
		tr, err := New(network[float32](t, nn.Identity), Config{BatchSize: 10, KeepBest: true}, Data[float32]{problem[float32](37), problem[float32](9)})
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	tr := start()
	for s := range tr.Steps(context.Background()) {
		if s.N == 10 {
			break
		}
	}
	var b bytes.Buffer
	if err := tr.Checkpoint(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), start()
}

// A changed byte is detected wherever it is, and so is a truncated file.
func TestDamageIsNoticed(t *testing.T) {
	whole, tr := checkpoint(t)
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		if _, err := ReadCheckpoint(bytes.NewReader(b)); !errors.Is(err, ErrDamaged) || !errors.Is(err, ErrCheckpoint) {
			t.Fatalf("a bit of byte %d of %d flipped: got %v, want an error that wraps ErrDamaged", i, len(whole), err)
		}
		if _, err := ReadCheckpoint(bytes.NewReader(whole[:i])); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d of %d bytes: got %v, want an error that wraps ErrDamaged", i, len(whole), err)
		}
	}
	if _, err := ReadCheckpoint(bytes.NewReader(append(bytes.Clone(whole), 0))); !errors.Is(err, ErrDamaged) {
		t.Errorf("one byte more: got %v, want an error that wraps ErrDamaged", err)
	}
	c, err := ReadCheckpoint(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Restore(c); err != nil {
		t.Error(err)
	}
}

// A checkpoint of another run is refused. The error names what differs, and the trainer
// does not change.
func TestRestoreRefusesOtherRuns(t *testing.T) {
	raw, _ := checkpoint(t)
	set, validation := problem[float32](37), problem[float32](9)
	other, other2 := problem[float32](37), problem[float32](9)
	other.X.Data[3] = math.Nextafter32(other.X.Data[3], 9)
	other2.Y.Data[0] += 0.5
	small, err := nn.New[float32](3, nn.Seed(5), nn.Dense{Units: 7, Activation: nn.Tanh}, nn.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{BatchSize: 10, KeepBest: true}
	with := func(change func(*Config)) Config {
		c := cfg
		change(&c)
		return c
	}
	for _, c := range []struct {
		want string
		net  *nn.Network[float32]
		cfg  Config
		data Data[float32]
	}{
		{"the data has changed", nil, cfg, Data[float32]{other, validation}},
		{"the data has changed", nil, cfg, Data[float32]{set, other2}},
		{"layer 0 is {Units:7", small, cfg, Data[float32]{set, validation}},
		{"LearningRate is 0.02 here and was 0.001", nil, with(func(c *Config) { c.LearningRate = 0.02 }), Data[float32]{set, validation}},
		{"Optimizer is sgd here", nil, with(func(c *Config) { c.Optimizer, c.LearningRate = optim.SGD{}, 0.001 }), Data[float32]{set, validation}},
		{`"Beta1":0.5`, nil, with(func(c *Config) { a := optim.NewAdam(); a.Beta1 = 0.5; c.Optimizer = a }), Data[float32]{set, validation}},
		{"Seed is 9 here and was 0", nil, with(func(c *Config) { c.Seed = 9 }), Data[float32]{set, validation}},
	} {
		net := c.net
		if net == nil {
			net = network[float32](t, nn.Identity)
		}
		tr, err := New(net, c.cfg, c.data)
		if err != nil {
			t.Fatal(err)
		}
		before := fmt.Sprint(tr.net.Params(), tr.result, tr.epoch, tr.position)
		cp, err := ReadCheckpoint(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		err = tr.Restore(cp)
		if !errors.Is(err, ErrCheckpoint) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got the error %v, want %q", err, c.want)
		}
		if after := fmt.Sprint(tr.net.Params(), tr.result, tr.epoch, tr.position); after != before {
			t.Errorf("%s: the refused checkpoint changed the trainer", c.want)
		}
	}
	// The threads and the stopping criteria may differ.
	tr, err := New(network[float32](t, nn.Identity), with(func(c *Config) { c.Threads, c.Stop = 3, TargetLoss{1e-9} }), Data[float32]{set, validation})
	if err != nil {
		t.Fatal(err)
	}
	cp, err := ReadCheckpoint(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Restore(cp); err != nil {
		t.Error(err)
	}
}

// sealed returns a checkpoint with a text replaced, and with the right length and checksum.
func sealed(raw []byte, from, to string) []byte {
	n := int(raw[0]) | int(raw[1])<<8 | int(raw[2])<<16
	header := bytes.ReplaceAll(raw[8:8+n], []byte(from), []byte(to))
	out := []byte{byte(len(header)), byte(len(header) >> 8), byte(len(header) >> 16), 0, 0, 0, 0, 0}
	out = append(append(out, header...), raw[8+n:len(raw)-sha256.Size]...)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...)
}

// A file with the right checksum and wrong contents is refused.
func TestRestoreRefusesNonsense(t *testing.T) {
	raw, tr := checkpoint(t)
	for from, to := range map[string]string{
		`\"format\":2`:           `\"format\":3`,
		`\"position\":\"20\"`:    `\"position\":\"21\"`,
		`\"position\":\"20\" `:   `\"position\":\"40\"`,
		`\"steps\":\"10\"`:       `\"steps\":\"-1\"`,
		`\"epoch\":\"2\"`:        `\"epoch\":\"two\"`,
		`\"rows\"`:               `\"lines\"`,
		`\"loss_sum\":`:          `\"more\":\"1\",\"loss_sum\":`,
		`"good":`:                `"bad":`,
		`"good":{"dtype":"F32"`:  `"good":{"dtype":"F64"`,
		`gradus_checkpoint`:      `gradus`,
		`"slots.0":`:             `"slots.5":`,
		`"samples":{"dtype":"F6`: `"samples":{"dtype":"F3`,
	} {
		from = strings.TrimSuffix(from, " ")
		b := sealed(raw, from, to)
		if bytes.Equal(b, raw) {
			t.Errorf("%s is not in the file", from)
		}
		c, err := ReadCheckpoint(bytes.NewReader(b))
		if err == nil {
			err = tr.Restore(c)
		}
		if !errors.Is(err, ErrCheckpoint) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v, want an error that wraps ErrCheckpoint and not an error that wraps ErrDamaged", to, err)
		}
	}
}

// FuzzCheckpoint: whatever is in a file, reading and restoring it end with an error or with
// a run that can continue. The bytes are tried as they are, and with the right checksum. Files
// are long, so give the fuzzer -fuzzminimizetime 20x.
func FuzzCheckpoint(f *testing.F) {
	raw, _ := checkpoint(f)
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add([]byte{})
	for from, to := range map[string]string{
		`\"position\":\"20\"`: `\"position\":\"30\"`, `\"finished\":\"false\"`: `\"finished\":\"true\"`, `\"reason\":\"\"`: `\"reason\":\"diverged\"`,
		`\"steps\":\"10\"`: `\"steps\":\"9223372036854775807\"`, `\"epoch\":\"2\"`: `\"epoch\":\"9223372036854775807\"`,
		`"dtype":"F32"`: `"dtype":"F64"`, `"data_offsets":[0`: `"data_offsets":[4`, `"samples":{"dtype":"F64","shape":[0]`: `"samples":{"dtype":"F64","shape":[3]`,
	} {
		f.Add(sealed(raw, from, to))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := b
		if len(b) > sha256.Size {
			sum := sha256.Sum256(b[:len(b)-sha256.Size])
			whole = append(bytes.Clone(b[:len(b)-sha256.Size]), sum[:]...)
		}
		for _, b := range [][]byte{b, whole} {
			c, err := ReadCheckpoint(bytes.NewReader(b))
			if err == nil {
				_, tr := checkpoint(t)
				if err = tr.Restore(c); err == nil {
					for range tr.Steps(context.Background()) {
						break
					}
				}
			}
			if err != nil && !errors.Is(err, ErrCheckpoint) {
				t.Errorf("got %v, want an error that wraps ErrCheckpoint", err)
			}
		}
	})
}
