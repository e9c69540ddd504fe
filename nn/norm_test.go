package nn

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/team"
)

// The networks agree with torch's in float64, whose numbers testdata/norms.py wrote.
func TestNormsAgainstTorch(t *testing.T) {
	var file struct {
		Networks []struct {
			Name                            string
			Sizes                           []int
			Norms, Activations              []string
			Bias                            bool
			Tensors, Gradients, State       map[string][]float64
			First, X, Y, Outputs, Inference [][]float64
			Loss                            float64
		}
	}
	raw, err := os.ReadFile("testdata/norms.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Networks) < 8 {
		t.Fatalf("the oracle has %d networks, want at least 8", len(file.Networks))
	}
	for i := range 2 * len(file.Networks) {
		c, cut := file.Networks[i/2], i%2 == 1 // into shards
		t.Run(fmt.Sprintf("%s/cut=%v", c.Name, cut), func(t *testing.T) {
			var layers []Dense
			for l, name := range c.Norms {
				norm, err := ParseNorm(name)
				if err != nil {
					t.Fatal(err)
				}
				f, err := ParseActivation(c.Activations[l])
				if err != nil {
					t.Fatal(err)
				}
				layers = append(layers, Dense{Units: c.Sizes[l+1], Activation: f, NoBias: !c.Bias, Norm: norm})
			}
			n := mustNew[float64](t, c.Sizes[0], 1, layers...)
			for _, tensor := range n.Tensors() {
				if v, ok := c.Tensors[tensor.Name]; ok {
					if copy(tensor.Data, v) != len(tensor.Data) || len(v) != len(tensor.Data) {
						t.Fatalf("%s has %d numbers, and torch's has %d", tensor.Name, len(tensor.Data), len(v))
					}
				} else if _, ok := c.State[tensor.Name]; !ok {
					t.Fatalf("torch has no %s", tensor.Name)
				}
			}
			same := func(what string, got, want []float64) {
				t.Helper()
				if len(got) != len(want) {
					t.Fatalf("%s has %d numbers, want %d", what, len(got), len(want))
				}
				for i := range want {
					if !near(got[i], want[i], 1e-12, 2e-14) {
						t.Errorf("%s[%d] = %v, want %v", what, i, got[i], want[i])
					}
				}
			}
			first, x, y := FromRows(c.First), FromRows(c.X), FromRows(c.Y)
			tape, grad := n.NewTape(first.Rows), make([]float64, len(n.Params()))
			forward := func(x Matrix[float64]) Matrix[float64] {
				if !cut {
					return n.ForwardTraining(tape, x, Noise{})
				}
				return n.ForwardShards(tape, x, Noise{}, Shards{Rows: x.Rows, Ends: []int{1, x.Rows}})
			}
			forward(first)
			n.UpdateState(tape)
			out := forward(x)
			n.UpdateState(tape)
			same("the output", out.flat(), FromRows(c.Outputs).Data)
			scale, loss := Mean.Scale(x.Rows, nil), 0.0
			if cut {
				n.Deltas(tape, Squared, y, scale)
				second := make([]float64, len(grad))
				loss = n.ShardGradient(tape, 0, grad) + n.ShardGradient(tape, 1, second)
				kernel.Add(grad, second)
			} else {
				loss = n.Backprop(tape, Squared, y, scale, grad)
			}
			if loss *= scale; !near(loss, c.Loss, 1e-13, 0) {
				t.Errorf("the loss is %v, want %v", loss, c.Loss)
			}
			seen := 0
			gradient := n.Clone()
			copy(gradient.Params(), grad)
			for i, tensor := range n.Tensors() {
				if want, ok := c.Gradients[tensor.Name]; ok {
					same("the gradient of "+tensor.Name, gradient.Tensors()[i].Data, want)
					seen++
				}
				if want, ok := c.State[tensor.Name]; ok {
					same(tensor.Name, tensor.Data, want)
					seen++
				}
			}
			if seen != len(c.Gradients)+len(c.State) || seen != len(n.Tensors()) {
				t.Errorf("%d tensors were compared, but torch has %d and the network has %d", seen, len(c.Gradients)+len(c.State), len(n.Tensors()))
			}
			same("the output in inference", n.Forward(tape, first).flat(), FromRows(c.Inference).Data)
			same("the output of Predict", n.Predict(first).Data, FromRows(c.Inference).Data)
			same("the output of one row", n.Forward(tape, first.Slice(1, 2)).flat(), c.Inference[1])
		})
	}
}

// normed returns a network with both norms and with dropout of inputs and of hidden units.
func normed[T Float](t testing.TB) *Network[T] {
	n := mustNew[T](t, 7, 3,
		Dense{Units: 70, Activation: ReLU, NoBias: true, Norm: BatchNorm, Dropout: 0.1},
		Dense{Units: 9, Activation: Tanh, Norm: LayerNorm, Dropout: 0.5},
		Dense{Units: 2, Dropout: 0.2})
	for i := range n.Values() { // gamma, beta and the statistics too
		n.Values()[i] += T(0.3 * math.Sin(float64(i)))
	}
	return n
}

// The bits are the same with every instruction set and on any number of cores.
func TestNormedBits(t *testing.T) {
	t.Run("float32", normedBits[float32])
	t.Run("float64", normedBits[float64])
}

func normedBits[T Float](t *testing.T) {
	const rows = 1500 // enough work for a team
	was := kernel.ISA()
	defer kernel.SelectISA(was)
	x, y := waves[T](rows, 7), waves[T](rows, 2)
	workers := team.New(3)
	defer workers.Close()
	var want []T
	for _, isa := range kernel.ISAs() {
		for _, size := range []int{1, 3} {
			if err := kernel.SelectISA(isa); err != nil {
				t.Fatal(err)
			}
			n := normed[T](t)
			tape := n.NewTape(rows)
			tape.UseTeam(workers, size)
			grad := make([]T, len(n.Params()))
			n.ForwardTraining(tape, x, Noise{Seed: 5, Step: 9})
			loss := n.Backprop(tape, Squared, y, 1./rows, grad)
			n.UpdateState(tape)
			got := slices.Concat(tape.A(2).flat(), grad, n.State(), n.Forward(tape, x).flat(), []T{T(loss)})
			if want == nil {
				want = got
			}
			for i := range got {
				if math.Float64bits(float64(got[i])) != math.Float64bits(float64(want[i])) {
					t.Fatalf("%s, %d cores: number %d is %v, want %v as in the first run", isa, size, i, got[i], want[i])
				}
			}
		}
	}
}

// In inference, the outputs of a row have the same bits whichever rows are beside it.
func TestNormedRowsAreIndependent(t *testing.T) {
	const rows = 300
	n := normed[float32](t)
	x := waves[float32](rows, 7)
	whole, predicted, single := n.Forward(n.NewTape(rows), x), n.Predict(x), n.NewTape(1)
	for i := range rows {
		alone := n.Forward(single, x.Slice(i, i+1))
		if !slices.Equal(alone.Row(0), whole.Row(i)) || !slices.Equal(predicted.Row(i), whole.Row(i)) {
			t.Fatalf("row %d gives %v alone, %v by Predict and %v in a batch", i, alone.Row(0), predicted.Row(i), whole.Row(i))
		}
	}
}

func TestNormedPassesDoNotAllocate(t *testing.T) {
	n := normed[float32](t)
	x, y := waves[float32](40, 7), waves[float32](40, 2)
	tape, grad := n.NewTape(40), make([]float32, len(n.Params()))
	if allocs := testing.AllocsPerRun(5, func() {
		n.ForwardTraining(tape, x, Noise{})
		n.Backprop(tape, Squared, y, 1, grad)
		n.UpdateState(tape)
		n.Forward(tape, x)
		n.Forward(tape, x.Slice(3, 4))
	}); allocs != 0 {
		t.Errorf("%v allocations in a step, want none", allocs)
	}
}

// In training, a network with dropout computes what the network without it computes from the masked inputs of each
// layer. The mask depends only on the seed, the step and the row.
func TestDropout(t *testing.T) {
	const p, rows, units = 0.3, 400, 130
	n := mustNew[float64](t, units, 1, Dense{Units: units, Activation: Tanh, Dropout: p}, Dense{Units: 2})
	x := NewMatrix[float64](rows, units)
	for i := range x.Data {
		x.Data[i] = 1 + float64(i%3)
	}
	tape := n.NewTape(rows)
	n.ForwardTraining(tape, x, Noise{Seed: 1, Step: 2})
	dropped := Convert[float64](tape.input(0))
	zeros := 0
	for i, v := range dropped.Data {
		switch v {
		case 0:
			zeros++
		case x.Data[i] * (1 / (1 - p)):
		default:
			t.Fatalf("input %d became %v, want 0 or the scaled value of %v", i, v, x.Data[i])
		}
	}
	if share, room := float64(zeros)/(rows*units), 5*math.Sqrt(p*(1-p)/(rows*units)); math.Abs(share-p) > room {
		t.Errorf("a share of %v was dropped, want %v +- %v", share, p, room)
	}
	plain := mustNew[float64](t, units, 1, Dense{Units: units, Activation: Tanh}, Dense{Units: 2})
	if want := plain.Predict(dropped); !slices.Equal(tape.A(1).flat(), want.Data) {
		t.Error("the outputs are not those of the masked inputs")
	}
	if !slices.Equal(n.Predict(x).Data, plain.Predict(x).Data) {
		t.Error("inference drops inputs too")
	}

	again := func(what string, rows Matrix[float64], noise Noise, want []float64, same bool) {
		n.ForwardTraining(tape, rows, noise)
		if slices.Equal(tape.input(0).flat(), want) != same {
			t.Errorf("%s: the masks are the same: %v, want %v", what, !same, same)
		}
	}
	again("the rows from 100 on their own", x.Slice(100, 110), Noise{1, 2, 100}, dropped.Slice(100, 110).flat(), true)
	again("another seed", x, Noise{2, 2, 0}, dropped.Data, false)
	again("another step", x, Noise{1, 3, 0}, dropped.Data, false)
	again("other rows", x, Noise{1, 2, 1}, dropped.Data, false)

	two := mustNew[float64](t, units, 1, Dense{Units: units, Activation: Identity, Dropout: p, Init: Zeros}, Dense{Units: 2, Dropout: p})
	both := two.NewTape(rows)
	two.ForwardTraining(both, x, Noise{Seed: 1, Step: 2})
	if slices.Equal(both.drops[0].keep.Data, both.drops[1].keep.Data) {
		t.Error("two layers have the same mask")
	}
}

func TestNormRefuses(t *testing.T) {
	const inputs = math.MaxInt / 2
	tooMany := func(units int) string {
		return fmt.Sprintf("network shape: layer 0: %d x %d weights are more than can be counted", inputs, units)
	}
	for want, d := range map[string]Dense{
		"network shape: layer 0: there is no norm number 7; choose NoNorm, BatchNorm or LayerNorm":                            {Units: 2, Norm: 7},
		"network shape: layer 0: a share of 1 of its inputs cannot be dropped; give a number of at least 0 and less than 1":   {Units: 2, Dropout: 1},
		"network shape: layer 0: a share of NaN of its inputs cannot be dropped; give a number of at least 0 and less than 1": {Units: 2, Dropout: math.NaN()},
		tooMany(2):                 {Units: 2, Norm: LayerNorm},
		tooMany(math.MaxInt):       {Units: math.MaxInt, Norm: LayerNorm},
		tooMany(math.MaxInt/3 + 1): {Units: math.MaxInt/3 + 1, Norm: BatchNorm},
		"network shape: layer 0: a share of -0.1 of its inputs cannot be dropped; give a number of at least 0 and less than 1": {Units: 2, Dropout: -0.1},
	} {
		if _, err := New[float64](inputs, Seed(1), d); err == nil || err.Error() != want {
			t.Errorf("%+v:\n got %v\nwant %s", d, err, want)
		}
	}
	if _, err := ParseNorm("group"); err == nil || err.Error() != `norm "group" is not known; choose one of none, batch, layer` {
		t.Error(err)
	}
	n := normed[float64](t)
	tape := n.NewTape(3)
	mustPanic(t, "nn: batch normalization needs at least 2 rows in a batch of training", func() {
		n.ForwardTraining(tape, waves[float64](1, 7), Noise{})
	})
	mustPanic(t, "nn: the gradient of a network with norms needs ForwardTraining, not Forward", func() {
		n.Forward(tape, waves[float64](3, 7))
		n.Backprop(tape, Squared, waves[float64](3, 2), 1, make([]float64, len(n.Params())))
	})
}

func TestNormedTensors(t *testing.T) {
	n := normed[float64](t)
	var names []string
	at := 0
	for _, tensor := range n.Tensors() {
		names = append(names, tensor.Name)
		if &tensor.Data[0] != &n.Values()[at] {
			t.Errorf("%s does not begin at number %d of the values", tensor.Name, at)
		}
		if tensor.Rows != 0 && tensor.Rows*tensor.Cols != len(tensor.Data) || tensor.Rows == 0 && tensor.Cols != len(tensor.Data) {
			t.Errorf("%s is %d x %d and has %d numbers", tensor.Name, tensor.Rows, tensor.Cols, len(tensor.Data))
		}
		at += len(tensor.Data)
	}
	want := "layers.0.weight layers.0.norm.weight layers.0.norm.bias layers.1.weight layers.1.bias layers.1.norm.weight " +
		"layers.1.norm.bias layers.2.weight layers.2.bias layers.0.norm.mean layers.0.norm.var"
	if got := strings.Join(names, " "); got != want || at != len(n.Values()) || at != len(n.Params())+len(n.State()) || len(n.State()) != StateCount(n.Layers()...) {
		t.Errorf("got  %s\nwant %s\nof %d numbers in all, %d parameters, %d of state", got, want, len(n.Values()), len(n.Params()), len(n.State()))
	}
	for i := range n.Params() {
		l, in, unit := n.Locate(i)
		if back, err := n.Index(l, in, unit); err != nil || back != i {
			t.Errorf("parameter %d is (%d, %d, %d), which is parameter %d, %v", i, l, in, unit, back, err)
		}
	}
	if _, err := n.Index(2, OfGamma, 0); err == nil {
		t.Error("a layer without a norm has a gamma")
	}
}

func BenchmarkTraining(b *testing.B) {
	for _, kind := range []Dense{{}, {Dropout: 0.5}, {Dropout: 0.2}, {Norm: LayerNorm}, {Norm: BatchNorm}} {
		b.Run(fmt.Sprintf("norm=%s/dropout=%v", kind.Norm, kind.Dropout), func(b *testing.B) {
			hidden := Dense{Units: 64, Activation: ReLU, Norm: kind.Norm}
			second, out := hidden, Dense{Units: 1, Dropout: kind.Dropout}
			second.Dropout = kind.Dropout
			n := mustNew[float32](b, 20, 1, hidden, second, out)
			tape, grad := n.NewTape(benchmarkRows), make([]float32, len(n.Params()))
			x, y := waves[float32](benchmarkRows, 20), waves[float32](benchmarkRows, 1)
			b.ReportAllocs()
			for step := 0; b.Loop(); step++ {
				n.ForwardTraining(tape, x, Noise{Step: step})
				n.Backprop(tape, HalfSquared, y, 1./benchmarkRows, grad)
			}
		})
	}
}

// WithoutDropout keeps the parameters and the norms. Normalized returns the numbers of a norm that
// the layer used.
func TestWithoutDropout(t *testing.T) {
	n := mustNew[float64](t, 3, 5, Dense{Units: 4, Activation: Tanh, Norm: LayerNorm, Dropout: 0.5}, Dense{Units: 3, Activation: Tanh, Norm: BatchNorm, Dropout: 0.5}, Dense{Units: 2, Dropout: 0.2})
	x := NewMatrix[float64](6, 3)
	for i := range x.Data {
		x.Data[i] = math.Sin(float64(3 * i))
	}
	clean := n.WithoutDropout()
	if n.Layer(0).Dropout != 0.5 || clean.Layer(0).Dropout != 0 || clean.Layer(1).Norm != BatchNorm || !slices.Equal(clean.Values(), n.Values()) {
		t.Error("more than dropout has changed")
	}
	a, b := clean.NewTape(6), clean.NewTape(6)
	if !slices.Equal(clean.ForwardTraining(a, x, Noise{Seed: 1}).Data, clean.ForwardTraining(b, x, Noise{Seed: 2}).Data) {
		t.Error("the network without dropout still has noise")
	}
	for l := range 2 {
		hat, mean, rstd := a.Normalized(l)
		if want := []int{0, 3}[l]; len(mean) != want || len(rstd) != []int{6, 3}[l] || hat.Rows != 6 {
			t.Errorf("layer %d has the wrong sizes: %d means, %d deviations, %d rows", l, len(mean), len(rstd), hat.Rows)
		}
		sum, squares := 0.0, 0.0
		for _, v := range hat.Data[:hat.Rows*hat.Cols] {
			sum += v
			squares += v * v
		}
		if n := float64(hat.Rows * hat.Cols); math.Abs(sum) > 1e-12 || math.Abs(squares/n-1) > 0.01 {
			t.Errorf("layer %d: the normalized sums add up to %v and have the mean square %v, want about 0 and 1", l, sum, squares/n)
		}
	}
	if hat, mean, rstd := a.Normalized(2); hat.Rows != 0 || mean != nil || rstd != nil {
		t.Error("Normalized returns numbers for a layer without a norm")
	}
	if plain := mustNew[float64](t, 3, 5, Dense{Units: 2, Dropout: 0.5}).WithoutDropout(); !plain.plain {
		t.Error("a network without noise is treated as one with noise")
	}
}
