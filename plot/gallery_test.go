package plot

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// go test ./plot -run Gallery -gallery DIR writes every picture below to DIR, for
// inspection.
var galleryDir = flag.String("gallery", "", "write the gallery's pictures to this folder")

func TestGallery(t *testing.T) {
	if *galleryDir == "" {
		t.Skip("no folder given")
	}
	for name, fig := range gallery() {
		for _, format := range []string{"svg", "png"} {
			t.Run(name+"."+format, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(*galleryDir, name+"."+format)
				if err := os.WriteFile(file, render(t, format, fig), 0o644); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func gallery() map[string]Figure {
	random := rand.New(rand.NewPCG(1, 2))
	decay := func(name string, n int, scale, rate, floor, noise float64) Series {
		s := Series{Name: name}
		for i := 1; i <= n; i++ {
			x := float64(i)
			s.X = append(s.X, x)
			s.Y = append(s.Y, scale*math.Exp(-rate*x)+floor*(1+noise*random.NormFloat64()))
		}
		return s
	}
	with := func(s Series, change func(*Series)) Series { change(&s); return s }

	training := decay("training", 120, 0.9, 0.06, 0.08, 0.04)
	validation := with(decay("validation", 120, 0.8, 0.07, 0.15, 0.05), func(s *Series) {
		s.Dashed = true
		for i := range s.Y {
			s.Y[i] += max(0, s.X[i]-41) * 0.0012
		}
	})
	curve := Chart{
		Title: "iris: learning curve", XLabel: "epoch", YLabel: "cross-entropy",
		Series: []Series{training, validation},
		Mark:   &Mark{X: 41, Label: "best epoch 41"},
	}
	logCurve := curve
	logCurve.LogY = true

	long := decay("mini-batch", 10000, 1, 0.003, 1e-4, 0.9)
	spike := with(decay("stochastic", 10000, 2, 0.001, 0.02, 0.3), func(s *Series) { s.Y[7777] = 9 })

	methods := []Series{
		decay("batch", 200, 1, 0.01, 0.01, 0),
		decay("stochastic", 200, 1, 0.08, 0.02, 0.4),
		decay("mini-batch", 200, 1, 0.04, 0.008, 0.1),
	}
	panel := func(xlabel string, scale ...float64) Chart {
		ch := Chart{Title: "against " + xlabel, XLabel: xlabel, YLabel: "loss", LogY: true}
		for i, s := range methods {
			x := make([]float64, len(s.X))
			for j := range x {
				x[j] = s.X[j] * scale[i]
			}
			ch.Series = append(ch.Series, Series{Name: s.Name, X: x, Y: s.Y})
		}
		return ch
	}
	compare := Grid{Title: "Three ways down: wine, 178 rows", Charts: [][]Chart{
		{panel("epochs", 1, 1, 1), panel("updates", 1, 178, 6)},
		{panel("gradient evaluations", 178, 178, 178), panel("seconds", 0.0012, 0.0151, 0.0029)},
	}}

	seven := Chart{Title: "Optimizers", XLabel: "epoch", YLabel: "loss"}
	for i, name := range []string{"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"} {
		seven.Series = append(seven.Series, decay(name, 60, 1, 0.02*float64(i+1), 0.02*float64(i), 0.05))
	}

	broken := with(decay("with gaps", 60, 1, 0.05, 0.1, 0.1), func(s *Series) {
		s.Y[10], s.Y[20], s.Y[21], s.Y[23], s.Y[40] = math.NaN(), math.Inf(1), math.NaN(), math.Inf(-1), 0
	})

	net := func(inputs []string, outputs []string, bias bool, activations []string, sizes ...int) Net {
		n := Net{Inputs: inputs, Outputs: outputs}
		for l := 1; l < len(sizes); l++ {
			layer := Layer{Activation: activations[l-1]}
			for range sizes[l-1] {
				row := make([]float64, sizes[l])
				for j := range row {
					row[j] = 2*random.Float64() - 1
				}
				layer.Weights = append(layer.Weights, row)
			}
			if bias {
				for range sizes[l] {
					layer.Bias = append(layer.Bias, random.Float64()-0.5)
				}
			}
			n.Layers = append(n.Layers, layer)
		}
		return n
	}
	titled := func(title string, n Net, changes ...func(*Net)) Net {
		n.Title = title
		for _, change := range changes {
			change(&n)
		}
		return n
	}
	values := func(n *Net) {
		x := make([]float64, len(n.Layers[0].Weights))
		for i := range x {
			x[i] = math.Round(random.Float64()*10) / 10
		}
		n.InputValues = x
		for l := range n.Layers {
			layer := &n.Layers[l]
			for j := range layer.Weights[0] {
				z := 0.0
				for i := range x {
					z += x[i] * layer.Weights[i][j]
				}
				layer.Z = append(layer.Z, z)
				layer.A = append(layer.A, 1/(1+math.Exp(-z)))
				layer.Delta = append(layer.Delta, 0.02*random.NormFloat64())
			}
			x = layer.A
		}
	}
	sigmoids := []string{"sigmoid", "sigmoid", "sigmoid"}
	features := []string{"sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"}
	species := []string{"setosa", "versicolor", "virginica"}
	var fifty []string
	for i := range 50 {
		fifty = append(fifty, fmt.Sprintf("a very long name of column number %d in this table", i))
	}
	deep := make([]int, 30)
	for i := range deep {
		deep[i] = 5
	}
	relus := make([]string, 30)
	for i := range relus {
		relus[i] = "leaky-relu:0.01"
	}
	return map[string]Figure{
		"waterfall": Waterfall{
			Title: "Why row 3", XLabel: "price", Base: 20, From: "mean prediction", To: "prediction",
			Steps: []Bar{{"rooms = 7", 6.5, 0.4}, {"a column with a very long name that finds no room = (missing)", -4, 0}, {"tax", 1e-3, 0}, {"odd", math.NaN(), 0}},
		},
		"waterfall-empty": Waterfall{Title: "nothing", Base: math.Inf(1)},
		"waterfall-huge":  Waterfall{Steps: []Bar{{"a", math.MaxFloat64, 0}, {"b", math.MaxFloat64, 1}}},
		"swarm": func() Figure {
			s := Swarm{Title: "What moves the price", XLabel: "Shapley value", Low: "low cell", High: "high cell", Names: []string{"rooms", "kind of house", "odd"}}
			for range 2 {
				var v, shade []float64
				for range 300 {
					x := random.NormFloat64()
					v, shade = append(v, x), append(shade, 1/(1+math.Exp(-x)))
				}
				s.Values, s.Shades = append(s.Values, v), append(s.Shades, shade)
			}
			s.Shades[1] = nil
			s.Values, s.Shades = append(s.Values, []float64{math.NaN(), math.Inf(1), 0}), append(s.Shades, []float64{2, -1, math.NaN()})
			return s
		}(),
		"swarm-empty": Swarm{Title: "nothing", Names: []string{"a"}, Values: [][]float64{nil}},
		"swarm-huge":  Swarm{Names: []string{"a"}, Values: [][]float64{{-math.MaxFloat64, math.MaxFloat64}}, Shades: [][]float64{{0, 1}}},
		"chart-names": Chart{
			XLabel: "island", YLabel: "probability", XTicks: []Mark{{0, "Biscoe"}, {1, "Dream"}, {2, "a long name of an island far away from all others"}, {9, "outside"}},
			Series: []Series{{Name: "single rows", X: []float64{0, 1, 2}, Y: []float64{1, 2, 1.5}, Faint: true}, {Name: "mean", X: []float64{0, 1, 2}, Y: []float64{1, 1.5, 1.2}}},
		},
		"chart-dots": Chart{
			XLabel: "island", YLabel: "probability", XTicks: []Mark{{0, "Biscoe"}, {1, "Dream"}, {2, "Torgersen"}},
			Series: []Series{{Name: "single rows", X: []float64{0, 1, 2}, Y: []float64{1, 2, 1.5}, Dots: true, Faint: true}, {Name: "mean", X: []float64{0, 1, 2}, Y: []float64{1, 1.5, 1.2}, Dots: true}},
		},
		"curve":       curve,
		"curve-log":   logCurve,
		"curve-long":  Chart{Title: "10,000 epochs", XLabel: "epoch", YLabel: "loss", LogX: true, LogY: true, Series: []Series{long, spike}},
		"curve-lin":   Chart{Title: "10,000 epochs", XLabel: "epoch", YLabel: "loss", Series: []Series{spike, long}},
		"curve-gaps":  Chart{Title: "Gaps", XLabel: "epoch", YLabel: "loss", Series: []Series{broken, {Name: "one point", X: []float64{30}, Y: []float64{0.8}}, {Name: "constant", X: []float64{1, 60}, Y: []float64{0.5, 0.5}}}},
		"curve-tiny":  Chart{Title: "Tiny values", XLabel: "epoch", YLabel: "loss", Series: []Series{decay("training", 30, 4e-7, 0.1, 1e-8, 0.1)}},
		"curve-big":   Chart{Title: "Large values", XLabel: "updates", YLabel: "loss", Series: []Series{{Name: "diverges", X: []float64{0, 10000, 20000, 35000}, Y: []float64{1e3, 8e5, 2.5e6, 9.1e6}}}},
		"curve-few":   Chart{XLabel: "epoch", YLabel: "accuracy", Series: []Series{{Name: "validation", X: []float64{1, 2, 3}, Y: []float64{0.9, 0.93, 0.94}}}, Mark: &Mark{X: 3, Label: "best epoch 3"}},
		"curve-seven": seven,
		"curve-empty": Chart{Title: "Nothing yet", XLabel: "epoch", YLabel: "loss", LogY: true},
		"curve-one":   Chart{Title: "One epoch", XLabel: "epoch", YLabel: "loss", LogY: true, Series: []Series{{Name: "training", X: []float64{1}, Y: []float64{0.31}}}},
		"curve-flat":  Chart{Title: "Constant", XLabel: "epoch", YLabel: "loss", Series: []Series{{Name: "training", X: []float64{1, 2, 3, 4}, Y: []float64{0.25, 0.25, 0.25, 0.25}}}},
		"compare":     compare,

		"net-3-1-1":       titled("The notebook's first net", net(nil, nil, false, sigmoids, 3, 1, 1)),
		"net-3-4-1":       titled("The notebook's batch net", net([]string{"x1", "x2", "x3"}, []string{"y"}, false, sigmoids, 3, 4, 1)),
		"net-3-4-1-step":  titled("One step on row 0", net([]string{"x1", "x2", "x3"}, []string{"y"}, false, sigmoids, 3, 4, 1), values, func(n *Net) { n.Highlight = &Edge{0, 1, 2} }),
		"net-3-4-4-2":     titled("3-4-4-2 with biases, one step", net([]string{"age", "weight", "height"}, []string{"sick", "well"}, true, sigmoids, 3, 4, 4, 2), values, func(n *Net) { n.Highlight = &Edge{1, Bias, 3} }),
		"net-2-2-1-bias":  titled("XOR", net([]string{"a", "b"}, []string{"a xor b"}, true, []string{"tanh", "sigmoid"}, 2, 2, 1)),
		"net-4-16-3":      titled("iris", net(features, species, true, []string{"relu", "softmax"}, 4, 16, 3)),
		"net-4-8-3":       titled("iris", net(features, species, true, []string{"relu", "softmax"}, 4, 8, 3)),
		"net-64-64-10":    titled("digits", net(nil, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, true, []string{"relu", "softmax"}, 64, 64, 10)),
		"net-784-512-256": titled("MNIST", net(nil, nil, true, []string{"relu", "relu", "softmax"}, 784, 512, 256, 10), func(n *Net) { n.Highlight = &Edge{0, 300, 40} }),
		"net-50-names":    titled("Fifty inputs", net(fifty, []string{"the only output, which has quite a long name"}, true, []string{"gelu", "identity"}, 50, 10, 1)),
		"net-linear":      titled("No hidden layer", net(features, []string{"price"}, true, []string{"identity"}, 4, 1)),
		"net-deep":        titled("Thirty layers", net(nil, nil, true, relus, deep...)),
		"net-tiny-values": titled("Tiny weights", net(nil, nil, true, []string{"tanh", "identity"}, 3, 3, 1), func(n *Net) {
			for i := range n.Layers[0].Weights {
				for j := range n.Layers[0].Weights[i] {
					n.Layers[0].Weights[i][j] *= 1e-9
				}
			}
			n.Layers[0].Bias = make([]float64, 3)
		}),
		"net-nan": titled("Diverged", net(nil, nil, false, sigmoids, 3, 4, 1), func(n *Net) {
			n.Layers[0].Weights[1][2] = math.NaN()
			n.Layers[0].Weights[0][0] = math.Inf(1)
			n.Layers[1].Weights[2][0] = math.Inf(-1)
			n.Layers[0].Weights[2][3] = 0
		}),
		"net-empty": Net{Title: "Nothing"},
	}
}
