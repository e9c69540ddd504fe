package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
)

// scattered returns a table in which the noise of the target depends on z, but its mean does not. Its second target is -y/100.
func scattered(t *testing.T, rows int) *data.Table {
	t.Helper()
	random := rand.New(rand.NewPCG(5, uint64(rows)))
	var cells [][]string
	for range rows {
		x, z := random.Float64()*10, random.Float64()
		y := 3*x + (0.2+4*z)*random.NormFloat64()
		cells = append(cells, []string{fmt.Sprint(x), fmt.Sprint(z), fmt.Sprint(1 + random.IntN(3)), fmt.Sprint(-y / 100), fmt.Sprint(y)})
	}
	table, err := data.NewTable("scattered", []string{"x", "z", "w", "less", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// byZ returns the share of rows within their intervals and the mean width of the intervals, for the rows with a small z
// and for those with a large z. target is the place of a target among those of the model, and column its place in the table.
func byZ(t *testing.T, m *Model, fresh *data.Table, level float64, target, column int) (held, width [2]float64) {
	t.Helper()
	by := m.Bounds(level)
	p, _, err := by.Predict(fresh)
	if err != nil {
		t.Fatal(err)
	}
	in, err := by.Intervals(p, level)
	if err != nil {
		t.Fatal(err)
	}
	if len(in) != fresh.Rows()*m.Outputs() {
		t.Fatalf("%d intervals for %d rows of %d targets", len(in), fresh.Rows(), m.Outputs())
	}
	var rows [2]float64
	for i := range fresh.Rows() {
		z, _ := fresh.Number(i, 1)
		y, _ := fresh.Number(i, column)
		half, one := 0, in[i*m.Outputs()+target]
		if z > 0.5 {
			half = 1
		}
		rows[half]++
		if y >= one.Lower && y <= one.Upper {
			held[half]++
		}
		width[half] += one.Upper - one.Lower
	}
	for k := range rows {
		held[k] /= rows[k]
		width[k] /= rows[k]
	}
	return held, width
}

// Learned bounds follow a scatter that does not depend on the prediction. Their intervals hold as often as they say,
// both where the targets scatter little and where they scatter much, and are wider in the second case. Intervals from
// errors have one width, and hold more often where the targets scatter little.
func TestBoundsFollowTheScatter(t *testing.T) {
	table, fresh := scattered(t, 6000), scattered(t, 10000)
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"one network", Options{Epochs: 20, Hidden: []int{32}}},
		{"several", Options{Epochs: 15, Hidden: []int{32}, Members: 3}},
		{"weights, two targets, norm, float64", Options{Epochs: 30, Hidden: []int{32}, SampleWeight: "w", Targets: []string{"less", "y"}, Norm: "batch", Precision: "float64"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := c.o
			o.Interval = 0.9
			if o.Targets == nil {
				o.Ignore = []string{"less"}
			}
			m, _, err := Train(context.Background(), table, o)
			if err != nil {
				t.Fatal(err)
			}
			for target, name := range m.Targets() {
				for _, level := range []float64{0.9, 0.95} {
					held, width := byZ(t, m, fresh, level, target, table.Index(name))
					if all := (held[0] + held[1]) / 2; math.Abs(all-level) > 0.02 || math.Abs(held[0]-held[1]) > 0.08 {
						t.Errorf("%s, level %v: %.3f and %.3f of the rows lie in their intervals, want the level", name, level, held[0], held[1])
					}
					if width[1] < 1.7*width[0] {
						t.Errorf("%s, level %v: the intervals are %v wide where targets scatter little, and %v where much", name, level, width[0], width[1])
					}
				}
				// below the level, intervals come from errors
				held, _ := byZ(t, m, fresh, 0.8, target, table.Index(name))
				if all := (held[0] + held[1]) / 2; m.Bounds(0.8) != m || math.Abs(all-0.8) > 0.03 || held[0] < held[1]+0.1 {
					t.Errorf("%s, level 0.8: %.3f and %.3f of the rows lie in their intervals, want 0.8 on average, from errors", name, held[0], held[1])
				}
			}
		})
	}
}

// A file keeps the network with its bounds, and the scores of the bounds.
func TestBoundsAreSaved(t *testing.T) {
	table := scattered(t, 400)
	for _, o := range []Options{{}, {Members: 3}, {Precision: "float64", Norm: "batch"}, {Recipe: RecipeTrees}, {Recipe: RecipeWaves}} {
		o.Epochs, o.Interval, o.Targets = 3, 0.9, []string{"less", "y"}
		m, f, err := Train(context.Background(), table, o)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := m.Write(&file); err != nil {
			t.Fatal(err)
		}
		back, err := Read(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := m.WeightsSHA256(), back.WeightsSHA256(); a != b || back.Parameters() != m.Parameters() || back.DescribeNetwork() != m.DescribeNetwork() {
			t.Errorf("%+v: weights %s, read back %s", o, a, b)
		}
		if !strings.HasSuffix(m.DescribeNetwork(), " - 6 identity") || m.Outputs() != 2 || m.Network64().Outputs() != 2 {
			t.Errorf("%s predicts %d numbers, want 2 from 6 outputs", m.DescribeNetwork(), m.Outputs())
		}
		for _, level := range []float64{0.5, 0.9} {
			var all [2][]Interval
			for i, m := range []*Model{m, back} {
				p, _, err := m.Bounds(level).Predict(table)
				if err == nil {
					all[i], err = m.Bounds(level).Intervals(p, level)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(all[0], all[1]) {
				t.Errorf("%+v, level %v: the intervals of the loaded model differ", o, level)
			}
		}
		// A row by itself has the same bounds as in a table.
		rows := make([]float64, 4)
		x, z := data.Value{}, data.Value{}
		if x, err = data.ValueOf(table.Cell(7, 0)); err == nil {
			z, err = data.ValueOf(table.Cell(7, 1))
		}
		w, err2 := data.ValueOf(table.Cell(7, 2))
		if err = errors.Join(err, err2, m.Bounds(0.9).PredictRows([]data.Value{x, z, w}, rows)); err != nil {
			t.Fatal(err)
		}
		p, _, err := m.Bounds(0.9).Predict(table)
		if err != nil || !slices.Equal(rows, p[4*7:][:4]) {
			t.Errorf("%+v: a row's bounds are %v, in the table %v (%v)", o, rows, p[4*7:][:4], err)
		}
		// The scores of the bounds are computed again from the tables and the model.
		if f.bag != nil {
			f.bag.taken = nil
			j, err := f.OutOfFold(back.bounds)
			if err != nil {
				t.Fatal(err)
			}
			again, _ := json.Marshal(newConformal(nil, back.bounds, j.Says, j.Truth))
			if was, _ := json.Marshal(m.bounds.Conformal); !bytes.Equal(again, was) {
				t.Errorf("computed again from the model, the scores are\n%s\nwant\n%s", again, was)
			}
		}
		// A run that starts from the file keeps the bounds, and refuses another level.
		start, err := LoadWeights(write(t, file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if o.Members == 0 {
			g, err := Prepare(Tables{Train: table}, Options{Epochs: 1}, start)
			if err != nil || g.Options.Interval != 0.9 {
				t.Errorf("%+v: a run from the model: %v", o, err)
			}
			if _, err := Prepare(Tables{Train: table}, Options{Epochs: 1, Interval: 0.8}, start); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "the model has bounds for 0.9") {
				t.Errorf("%+v: another level from the model: %v", o, err)
			}
		}
	}
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	path := t.TempDir() + "/m.safetensors"
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// The networks of predictions and of bounds give the outputs of the network that was trained, bit for bit.
func TestBoundsHaveTheBitsOfTheNetwork(t *testing.T) {
	table := scattered(t, 300)
	for _, o := range []Options{{}, {Precision: "float64", NoBias: true}, {Norm: "layer"}, {Norm: "batch"}, {Hidden: []int{}}} {
		o.Epochs, o.Interval, o.Targets = 2, 0.9, []string{"less", "y"}
		m, _, err := Train(context.Background(), table, o)
		if err != nil {
			t.Fatal(err)
		}
		x := nn.NewMatrix[float64](50, m.Encoding.Width())
		random := rand.New(rand.NewPCG(1, 2))
		for i := range x.Data {
			x.Data[i] = random.NormFloat64()
		}
		of := func(e engine) []float64 {
			_, layers, _ := e.shape()
			out := make([]float64, 50*layers[len(layers)-1].Units)
			e.predictEncoded(x, out)
			return out
		}
		whole, predictions, bounds := of(m.whole), of(m.engine), of(m.bounds.engine)
		for i, v := range whole {
			row, j := i/6, i%6
			got := bounds[max(0, row*4+j/3*2+j%3-1)]
			if j%3 == 0 {
				got = predictions[row*2+j/3]
			}
			if math.Float64bits(got) != math.Float64bits(v) {
				t.Fatalf("%+v: output %d of row %d is %v in the whole network and %v in its part", o, j, row, v, got)
			}
		}
	}
}

func TestBoundsAreRefused(t *testing.T) {
	amounts := scattered(t, 100)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Interval: 1}, "give a share between 0 and 1"},
		{Options{Interval: -0.5}, "give a share between 0 and 1"},
		{Options{Interval: math.NaN()}, "give a share between 0 and 1"},
		{Options{Interval: 0.9, Tolerance: new(0.1)}, "bounds do not"},
		{Options{Interval: 0.9, OutputActivation: "softmax", Targets: []string{"less", "y"}}, "softmax makes them sum to 1"},
		{Options{Interval: 0.9, Task: data.Multiclass, Targets: []string{"w"}}, "it is for amounts, and the task is multiclass"},
	} {
		if _, err := Prepare(Tables{Train: amounts}, c.o, nil); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	// A file is refused if it claims bounds that its network does not have, and the other way around.
	m, _, err := Train(context.Background(), amounts, Options{Epochs: 1, Interval: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := Train(context.Background(), amounts, Options{Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	lost, odd := *m, *plain
	lost.Options.Interval, odd.Options.Interval = 0, 0.9
	twisted := *m
	twisted.bounds = &Model{}
	*twisted.bounds = *m.bounds
	twisted.bounds.Conformal = &Conformal{Rows: 1}
	for i, m := range []*Model{&lost, &odd, &twisted} {
		var file bytes.Buffer
		if err := m.Write(&file); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&file); !errors.Is(err, ErrFile) {
			t.Errorf("file %d: got %v, want ErrFile", i, err)
		}
	}
}

// A constant target is its own lower and upper bound. The run notes each such target once.
func TestBoundsOfConstantTargets(t *testing.T) {
	var cells [][]string
	for i := range 60 {
		cells = append(cells, []string{fmt.Sprint(i), "2.5"})
	}
	table, err := data.NewTable("still", []string{"x", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	m, f, err := Train(context.Background(), table, Options{Interval: 0.8})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(f.Notes); strings.Count(text, "there is nothing to learn") != 1 {
		t.Errorf("the notes are %s, want one that there is nothing to learn", text)
	}
	p, _, err := m.Bounds(0.8).Predict(table)
	if err == nil {
		var in []Interval
		if in, err = m.Bounds(0.8).Intervals(p, 0.8); err == nil && in[0] != (Interval{2.5, 2.5}) {
			t.Errorf("the interval is %v, want 2.5 to 2.5", in[0])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The scores, limits and intervals are those of testdata/bounds.py, which follows the paper.
func TestBoundsOracle(t *testing.T) {
	text, err := os.ReadFile("testdata/bounds.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Says, Truth, New []float64
		Intervals        map[string][][2]float64
		Pinball          [2]float64
		Level            float64
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	m, _, err := Train(context.Background(), noisy(t, 60), Options{Epochs: 1, Interval: want.Level})
	if err != nil {
		t.Fatal(err)
	}
	truth := make([]float64, 2*len(want.Truth))
	for i, y := range want.Truth {
		truth[2*i], truth[2*i+1] = y, y
	}
	m.bounds.Conformal = newConformal(nil, m.bounds, want.Says, truth)
	for name, all := range want.Intervals {
		var level float64
		fmt.Sscan(name, &level)
		in, err := m.bounds.Intervals(want.New, level)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range all {
			if math.Abs(in[i].Lower-v[0]) > 1e-12 || math.Abs(in[i].Upper-v[1]) > 1e-12 {
				t.Errorf("level %s, row %d: %v, want %v", name, i, in[i], v)
			}
		}
	}
	loss := nn.WithBounds(nn.Squared, want.Level)
	for k, mean := range want.Pinball {
		sum := 0.0
		for i, y := range want.Truth {
			sum += nn.LossOf(loss, 1+k).L(y, want.Says[2*i+k]) / float64(len(want.Truth))
		}
		if math.Abs(10*sum-mean) > 1e-12 {
			t.Errorf("the loss of bound %d is %v, want a tenth of %v", k, sum, mean)
		}
	}
}
