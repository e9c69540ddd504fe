package train

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// leveled returns rows with four one-hot categories and two numbers. Some of the numbers are 0, -0 and 1.
func leveled(rows int, seed uint64) Set[float32] {
	const levels, cols = 9, 4*9 + 2
	r := rand.New(rand.NewPCG(seed, 3))
	s := Set[float32]{X: nn.NewMatrix[float32](rows, cols), Y: nn.NewMatrix[float32](rows, 1)}
	numbers := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.25}
	for i := range rows {
		x := s.X.Row(i)
		for c := range 4 {
			if l := r.IntN(levels + 1); l < levels { // else missing
				x[c*levels+l] = 1
			}
		}
		x[cols-2], x[cols-1] = numbers[r.IntN(len(numbers))], float32(r.NormFloat64())
		s.Y.Row(i)[0] = x[0] + x[10] - x[cols-1]
	}
	return s
}

// pack returns a set with packed inputs.
func pack(s Set[float32]) Set[float32] {
	p := Set[float32]{Y: s.Y, W: s.W}
	p.Packed, _ = Pack(s.Rows(), s.X.Cols, func(from, to int, into nn.Matrix[float32]) error {
		for i := range into.Rows {
			copy(into.Row(i), s.X.Row(from+i))
		}
		return nil
	})
	return p
}

// TestPacked: a run on packed rows has the weights, history and checkpoint of a run on a matrix, to the bit.
func TestPacked(t *testing.T) {
	weighed := leveled(150, 1)
	for i := range weighed.Rows() {
		weighed.W = append(weighed.W, float64(i%3))
	}
	sum := func(out []float64) (s float64) {
		for _, v := range out {
			s += v
		}
		return s
	}
	for name, c := range map[string]struct {
		cfg  Config
		norm nn.Norm
		set  Set[float32]
	}{
		"mini-batch":            {Config{Method: MiniBatch, BatchSize: 32, KeepBest: true}, nn.NoNorm, leveled(150, 1)},
		"one after the other":   {Config{Method: MiniBatch, BatchSize: 32, NoShuffle: true, Score: sum, Higher: true, KeepBest: true}, nn.NoNorm, leveled(150, 1)},
		"stochastic":            {Config{Method: Stochastic}, nn.NoNorm, leveled(40, 1)},
		"per sample":            {Config{Method: PerSample}, nn.NoNorm, leveled(12, 1)},
		"batch in shards":       {Config{Method: Batch, Shards: 5, LearningRate: 1e-7, Optimizer: optim.SGD{}}, nn.NoNorm, leveled(150, 1)},
		"weights":               {Config{Method: Batch, Shards: 3}, nn.NoNorm, weighed},
		"batch normalization":   {Config{Method: MiniBatch, BatchSize: 64}, nn.BatchNorm, leveled(150, 1)},
		"a solver":              {Config{Method: Batch, Solver: optim.LBFGS{Memory: 5}}, nn.NoNorm, leveled(150, 1)},
		"until it is tolerable": {Config{Method: MiniBatch, Stop: Tolerance{0.5}}, nn.NoNorm, leveled(60, 1)},
	} {
		c.cfg.Loss, c.cfg.Epochs, c.cfg.Seed = nn.Squared, 12, 5
		run := func(pack func(Set[float32]) Set[float32]) (*Trainer[float32], Result, []byte) {
			net, err := nn.New[float32](c.set.X.Cols, nn.Seed(2), nn.Dense{Units: 6, Activation: nn.ReLU, Norm: c.norm}, nn.Dense{Units: 1})
			if err != nil {
				t.Fatal(name, err)
			}
			tr, err := New(net, c.cfg, Data[float32]{Train: pack(c.set), Validation: pack(leveled(30, 9))})
			if err != nil {
				t.Fatal(name, err)
			}
			if _, err := tr.Run(context.Background()); err != nil {
				t.Fatal(name, err)
			}
			tr.elapsed = 0
			for i := range tr.result.History {
				tr.result.History[i].Seconds = 0
			}
			var b bytes.Buffer
			if err := tr.Checkpoint(&b); err != nil {
				t.Fatal(name, err)
			}
			return tr, tr.Result(), b.Bytes()
		}
		one, want, file := run(func(s Set[float32]) Set[float32] { return s })
		two, got, packedFile := run(pack)
		if !reflect.DeepEqual(one.Network().Values(), two.Network().Values()) {
			t.Errorf("%s: the weights differ", name)
		}
		if want.Loss != got.Loss || !reflect.DeepEqual(want.History, got.History) {
			t.Errorf("%s: the results differ:\n%+v\n%+v", name, want, got)
		}
		if !bytes.Equal(file, packedFile) {
			t.Errorf("%s: the checkpoints differ", name)
		}
	}
	both := pack(leveled(5, 1))
	both.X = nn.NewMatrix[float32](5, 38)
	if err := checkSet("training", network[float32](t, nn.Identity), nn.Squared, both); err == nil {
		t.Error("a set with both X and Packed is accepted")
	}
}

// TestPackedIsSmall: a category takes 1 byte a row, and a step on packed rows allocates nothing.
func TestPackedIsSmall(t *testing.T) {
	s := leveled(1000, 1)
	s.X.Cols -= 2 // only the categories, in rows of the same length
	s.X.Stride = s.X.Cols + 2
	p := pack(s)
	size := 0
	for _, part := range p.Packed.parts {
		size += int(unsafe.Sizeof(part)) + cap(part.steps) + 6*cap(part.where) + 4*cap(part.begin)
	}
	if size > 1000*(4+4)*120/100 {
		t.Errorf("1000 rows of 4 categories take %d bytes, want at most 9600", size)
	}
	for _, c := range []Config{{Method: MiniBatch, BatchSize: 8}, {Method: MiniBatch, BatchSize: 8, NoShuffle: true}, {Method: Batch, Shards: 5}} {
		c.Epochs = 1 << 30
		net, err := nn.New[float32](38, nn.Seed(2), nn.Dense{Units: 1})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := New(net, c, Data[float32]{Train: pack(leveled(37, 1))})
		if err != nil {
			t.Fatal(err)
		}
		for range 600 * 5 {
			if _, err := tr.course.step(tr); err != nil {
				t.Fatal(err)
			}
		}
		tr.result.History = make(History, len(tr.result.History), len(tr.result.History)+1000)
		if a := testing.AllocsPerRun(200, func() {
			if _, err := tr.course.step(tr); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s: %v allocations in a step, want none", c.Method, a)
		}
	}
}

// TestPackedFarApart: numbers more than 255 columns apart come back, row by row and in parts.
func TestPackedFarApart(t *testing.T) {
	const cols = 1200
	s := Set[float32]{X: nn.NewMatrix[float32](9, cols), Y: nn.NewMatrix[float32](9, 1)}
	for i, at := range [][]int{{}, {0}, {254}, {255}, {256}, {cols - 1}, {0, 255, 510, 1021}, {3, 1199}, {510, 511, 766}} {
		for k, j := range at {
			s.X.Row(i)[j] = float32(1 + k%2)
		}
	}
	p := pack(s)
	room := nn.NewMatrix[float32](1, cols)
	for i := range s.Rows() {
		if got := p.Inputs(i, i+1, room).Row(0); !slices.Equal(got, s.X.Row(i)) {
			t.Errorf("row %d is not the one that was packed", i)
		}
		part := make([]float32, 300)
		if p.Cells(i, 250, 550, part); !slices.Equal(part, s.X.Row(i)[250:550]) {
			t.Errorf("columns 250 to 549 of row %d are not those that were packed", i)
		}
	}
}
