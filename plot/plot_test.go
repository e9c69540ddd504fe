package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func render(t testing.TB, format string, fig Figure) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, fig); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// element is an element of an SVG with the text directly in it.
type element struct {
	name string
	attr map[string]string
	text string
}

// parse reads an SVG as strict XML.
func parse(t rapid.TB, svg []byte) (elements []element) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var open []int
	for {
		token, err := d.Token()
		if err == io.EOF {
			return elements
		}
		if err != nil {
			t.Fatalf("the SVG is not valid XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				if _, twice := e.attr[a.Name.Local]; twice {
					t.Fatalf("the SVG is not valid XML: <%s> has the attribute %s twice", e.name, a.Name.Local)
				}
				e.attr[a.Name.Local] = a.Value
			}
			open = append(open, len(elements))
			elements = append(elements, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				elements[open[len(open)-1]].text += string(token)
			}
		}
	}
}

func texts(elements []element) (texts []string) {
	for _, e := range elements {
		if e.name == "text" {
			texts = append(texts, e.text)
		}
	}
	return texts
}

// lines returns the widths of the stroked straight lines of a color, narrowest first.
func lines(elements []element, color string) (widths []float64) {
	for _, e := range elements {
		if e.name == "path" && e.attr["stroke"] == color && strings.Count(e.attr["d"], "L") == 1 {
			width := 1.0
			if s, ok := e.attr["stroke-width"]; ok {
				width, _ = strconv.ParseFloat(s, 64)
			}
			widths = append(widths, width)
		}
	}
	slices.Sort(widths)
	return widths
}

func TestFormatOf(t *testing.T) {
	for path, want := range map[string]string{"a.svg": "svg", "dir.x/B.PNG": "png"} {
		if got, err := FormatOf(path); got != want || err != nil {
			t.Errorf("FormatOf(%q) = %q, %v, want its ending and no error", path, got, err)
		}
	}
	for path, want := range map[string]string{
		"a.pdf": "plot: unknown picture format: a.pdf ends in .pdf, expected .svg or .png",
		"curve": "plot: unknown picture format: curve has no ending, expected .svg or .png",
	} {
		if _, err := FormatOf(path); !errors.Is(err, ErrFormat) || err.Error() != want {
			t.Errorf("FormatOf(%q): got %v, want an error that wraps ErrFormat and names the ending", path, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	if err := Write(io.Discard, "pdf", Chart{}); !errors.Is(err, ErrFormat) {
		t.Errorf("pdf: got %v, want an error that wraps ErrFormat", err)
	}
	for _, fig := range []Figure{
		Chart{Width: -3}, Net{Height: 99}, Grid{Width: 5001}, Grid{Charts: make([][]Chart, 100)},
	} {
		if err := Write(io.Discard, "png", fig); !errors.Is(err, ErrSize) {
			t.Errorf("%T: got %v, want an error that wraps ErrSize", fig, err)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteReportsTheWriter(t *testing.T) {
	for _, format := range []string{"svg", "png"} {
		if err := Write(brokenWriter{}, format, Chart{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: got %v, want an error that wraps io.ErrShortWrite", format, err)
		}
	}
}

func TestSameBytes(t *testing.T) {
	first, second := gallery(), gallery()
	for name := range first {
		if !bytes.Equal(render(t, "svg", first[name]), render(t, "svg", second[name])) {
			t.Errorf("%s.svg differs from one drawing to the next", name)
		}
	}
	for _, name := range []string{"curve", "net-3-4-1-step"} {
		if !bytes.Equal(render(t, "png", first[name]), render(t, "png", second[name])) {
			t.Errorf("%s.png differs from one drawing to the next", name)
		}
	}
}

// Every picture is an SVG that a page with a strict policy can show: valid XML,
// no style attributes, a name, a font with a fallback, and only finite numbers.
func TestSVG(t *testing.T) {
	for name, fig := range gallery() {
		svg := render(t, "svg", fig)
		elements := parse(t, svg)
		if e := elements[0]; e.name != "svg" || !strings.HasSuffix(e.attr["font-family"], ", sans-serif") {
			t.Errorf("%s begins with %v, want an svg element with a font that has a fallback", name, e)
		}
		if e := elements[1]; e.name != "title" || e.text == "" || e.text != fig.heading() {
			t.Errorf("%s: the title is %q, want the heading", name, e.text)
		}
		if len(svg) > 120_000 {
			t.Errorf("%s takes %d bytes, want at most 120,000", name, len(svg))
		}
		for _, e := range elements {
			if _, styled := e.attr["style"]; styled {
				t.Errorf("%s has a style attribute: %v", name, e)
			}
		}
		checkFigure(t, fig)
	}
}

func TestTexts(t *testing.T) {
	all := gallery()
	for name, want := range map[string][]string{
		"curve":           {"iris: learning curve", "training", "validation", "epoch", "cross-entropy", "best epoch 41", "0.2", "120"},
		"curve-log":       {"0.1", "0.2", "0.5", "1"},
		"curve-long":      {"1", "10", "100", "1k", "10k", "0.01", "1e−4"},
		"curve-tiny":      {"1e−7", "3e−7"},
		"curve-big":       {"8M", "35k"},
		"curve-empty":     {"no values to show"},
		"compare":         {"Three ways down: wine, 178 rows", "stochastic", "updates", "gradient evaluations", "seconds", "30k"},
		"net-4-16-3":      {"petal width (cm)", "versicolor", "16 × relu", "3 × softmax", "… 7 more …", "bias", "layers.1"},
		"net-784-512-256": {"… 294 more …", "… 480 more …", "784 values", "256 × relu"},
		"net-deep":        {"… 21 more", "layers …", "layers.28"},
		"net-nan":         {"NaN", "Inf", "−Inf", "0", "not a finite number"},
		"net-50-names":    {"… 41 more …", "a very long name…is table"},
	} {
		got := texts(parse(t, render(t, "svg", all[name])))
		for _, s := range want {
			if !slices.Contains(got, s) {
				t.Errorf("%s lacks the text %q; it has %q", name, s, got)
			}
		}
	}
	if n := count(texts(parse(t, render(t, "svg", all["compare"]))), "batch"); n != 1 {
		t.Errorf("four charts name batch %d times, want one legend for all", n)
	}
}

func count(list []string, s string) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

func TestPNG(t *testing.T) {
	all := gallery()
	for _, name := range []string{"curve-empty", "compare", "net-3-1-1"} {
		fig := all[name]
		img, err := png.Decode(bytes.NewReader(render(t, "png", fig)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		width, height := fig.size()
		if got := img.Bounds().Size(); got != image.Pt(2*width, 2*height) {
			t.Errorf("%s is %v dots, want twice %d x %d", name, got, width, height)
		}
		colors := map[[3]uint32]bool{}
		for y := 0; y < 2*height; y += 5 {
			for x := 0; x < 2*width; x += 2 {
				r, g, b, _ := img.At(x, y).RGBA()
				colors[[3]uint32{r, g, b}] = true
			}
		}
		if len(colors) < 5 {
			t.Errorf("%s is blank: it has %d colors, want at least 5", name, len(colors))
		}
	}
}

// The network has 2-2-1 units and known weights. An edge's color shows the sign of its weight, and its width is relative
// to the largest weight of the layer.
func TestEdges(t *testing.T) {
	net := Net{Layers: []Layer{
		{Weights: [][]float64{{1, -2}, {4, -1}}},
		{Weights: [][]float64{{0.5}, {math.NaN()}}, Bias: []float64{-0.25}},
	}}
	elements := parse(t, render(t, "svg", net))

	blues := lines(elements, "#0072B2")
	oranges := lines(elements, "#D55E00")
	// One line of width 4 in each color belongs to the legend.
	if want := []float64{1.5, 4, 6, 6}; !slices.Equal(blues, want) {
		t.Errorf("positive edges have widths %v, want %v", blues, want)
	}
	if want := []float64{1.5, 3, 3, 4}; !slices.Equal(oranges, want) {
		t.Errorf("negative edges have widths %v, want %v", oranges, want)
	}
	dotted := 0
	for _, e := range elements {
		if e.attr["stroke-dasharray"] == "2,3" {
			dotted++
		}
	}
	if dotted != 2 { // the edge and its entry in the legend
		t.Errorf("%d dotted lines for one weight that is not finite, want 2", dotted)
	}
	got := texts(elements)
	for _, w := range []string{"1", "−2", "4", "−1", "0.5", "NaN", "−0.25"} {
		if !slices.Contains(got, w) {
			t.Errorf("the weight %s is not printed: %q", w, got)
		}
	}
}

func TestHighlight(t *testing.T) {
	net := gallery()["net-784-512-256"].(Net)
	got := texts(parse(t, render(t, "svg", net)))
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "w 0.300.40 = ") }) {
		t.Errorf("the highlighted weight is not printed: %q", got)
	}
	net.Highlight = &Edge{1, Bias, 7}
	got = texts(parse(t, render(t, "svg", net)))
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "w 1.b.7 = ") }) {
		t.Errorf("the highlighted bias is not printed: %q", got)
	}
}

// No number and no shape of the data makes a picture fail.
func TestAnything(t *testing.T) {
	if testing.Short() {
		t.Skip("draws 1,000 figures")
	}
	nan, inf := math.NaN(), math.Inf(1)
	axes := [][]float64{
		nil, {}, {0}, {1}, {nan}, {inf, -inf}, {0, 0}, {5, 5, 5}, {-1, 0, 1}, {nan, 1, nan, 2}, {1, nan, inf, 0},
		{math.MaxFloat64, -math.MaxFloat64}, {math.MaxFloat64, math.MaxFloat64}, {1.7e308, 1.75e308},
		{5e-324}, {5e-324, 1}, {5e-324, 1e-323}, {1e-300, 1e300}, {1, 1 + 1e-15}, {1e15, 1e15 + 1}, {3, 2, 1}, {-1e300, 1e300},
	}
	for _, x := range axes {
		for _, y := range axes {
			for _, log := range []bool{false, true} {
				checkFigure(t, Chart{
					LogX: log, LogY: log, Width: 300, Height: 200,
					Series: []Series{{Name: "s", X: x, Y: y}},
					Mark:   &Mark{X: append(y, 1)[0], Label: "mark"},
				})
			}
		}
	}
	odd := "a\x00b\xff\ufffe]]>&<\"'\n\u2028 中 🙂"
	for _, fig := range []Figure{
		Chart{Title: odd, XLabel: odd, YLabel: odd, Series: []Series{{Name: odd, X: axes[3], Y: axes[3]}}, Mark: &Mark{1, odd}},
		Chart{Title: strings.Repeat("long ", 100000), Width: 100, Height: 100, Series: make([]Series, 60)},
		Chart{Width: 100, Height: 100, Series: slices.Repeat([]Series{{Name: "a name", X: axes[3], Y: axes[3]}}, 60)},
		Grid{}, Grid{Charts: [][]Chart{{}, {}}}, Grid{Charts: [][]Chart{{{}}, {{}, {}, {}}}}, Grid{Charts: make([][]Chart, 8), Width: 100, Height: 100},
		Bars{}, Bars{Bars: []Bar{{}}}, Bars{Width: 100, Height: 100, Bars: make([]Bar, 300)}, Bars{Bars: make([]Bar, 300)},
		Bars{Title: odd, XLabel: odd, Bars: []Bar{{odd, 1, nan}, {odd, nan, 1}, {"", -inf, inf}, {"a", math.MaxFloat64, math.MaxFloat64}, {"b", -math.MaxFloat64, 5e-324}, {"c", 5e-324, -1}}},
		Net{}, Net{Inputs: []string{odd}, Outputs: []string{odd}}, Net{Layers: make([]Layer, 3)}, Net{Width: 100, Height: 100, InputValues: []float64{nan}},
		Net{Highlight: &Edge{5, 5, 5}, Layers: []Layer{{Weights: [][]float64{{1}, {2, 3}, nil}, Bias: []float64{inf, 1, 2, 3}, Activation: odd}}},
		Net{Highlight: &Edge{-1, -1, -1}, Layers: []Layer{{A: []float64{nan, inf}, Z: []float64{-inf}, Delta: []float64{1, 2, 3}}, {Weights: [][]float64{{5e-324, math.MaxFloat64}}}}},
	} {
		checkFigure(t, fig)
		render(t, "png", fig)
	}
}

func checkFigure(t rapid.TB, fig Figure) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, "svg", fig); err != nil {
		t.Fatal(err)
	}
	for _, e := range parse(t, b.Bytes()) {
		for a, v := range e.attr {
			if strings.Contains(v, "NaN") || strings.Contains(v, "Inf") {
				t.Fatalf("%s=%q in the SVG of %+v", a, v, fig)
			}
		}
	}
}

func TestAnyChart(t *testing.T) {
	number := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1), 1}))
	numbers := rapid.SliceOf(number)
	rapid.Check(t, func(t *rapid.T) {
		series := rapid.Custom(func(t *rapid.T) Series {
			return Series{rapid.String().Draw(t, "name"), numbers.Draw(t, "x"), numbers.Draw(t, "y"), rapid.Bool().Draw(t, "dashed"), rapid.Bool().Draw(t, "dots"), rapid.Bool().Draw(t, "faint")}
		})
		checkFigure(t, Chart{
			Title:  rapid.String().Draw(t, "title"),
			LogX:   rapid.Bool().Draw(t, "log x"),
			LogY:   rapid.Bool().Draw(t, "log y"),
			Series: rapid.SliceOfN(series, 0, 5).Draw(t, "series"),
			Mark:   &Mark{number.Draw(t, "mark"), rapid.String().Draw(t, "label")},
			Width:  rapid.IntRange(minSide, 1000).Draw(t, "width"),
			Height: rapid.IntRange(minSide, 1000).Draw(t, "height"),
		})
	})
}

func TestAnyNet(t *testing.T) {
	number := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1)}))
	numbers := rapid.SliceOfN(number, 0, 20)
	rapid.Check(t, func(t *rapid.T) {
		layer := rapid.Custom(func(t *rapid.T) Layer {
			return Layer{
				Weights:    rapid.SliceOfN(numbers, 0, 20).Draw(t, "W"),
				Bias:       numbers.Draw(t, "b"),
				Activation: rapid.String().Draw(t, "f"),
				Z:          numbers.Draw(t, "z"), A: numbers.Draw(t, "a"), Delta: numbers.Draw(t, "delta"),
			}
		})
		index := rapid.IntRange(-2, 20)
		checkFigure(t, Net{
			Inputs:      rapid.SliceOf(rapid.String()).Draw(t, "inputs"),
			Outputs:     rapid.SliceOf(rapid.String()).Draw(t, "outputs"),
			InputValues: numbers.Draw(t, "x"),
			Layers:      rapid.SliceOfN(layer, 0, 15).Draw(t, "layers"),
			Highlight:   &Edge{index.Draw(t, "layer"), index.Draw(t, "in"), index.Draw(t, "out")},
			Width:       rapid.IntRange(minSide, 1000).Draw(t, "width"),
			Height:      rapid.IntRange(minSide, 1000).Draw(t, "height"),
		})
	})
}

// Thinning limits the number of points and keeps the ends and the extremes, also across
// gaps and where x goes back.
func TestThinned(t *testing.T) {
	n := 10000
	for name, x := range map[string]func(i int) float64{
		"ascending": func(i int) float64 { return float64(i) },
		"back":      func(i int) float64 { return float64(i % 100) },
		"constant":  func(int) float64 { return 1 },
		"log":       func(i int) float64 { return math.Log10(float64(i + 1)) },
	} {
		points := make([]point, n)
		for i := range points {
			points[i] = point{x(i), math.Sin(float64(i)), i == 0 || i == 5000}
		}
		points[1234].y, points[8765].y = 7, -7
		kept := thinned(points, x(0), x(n-1))
		if len(kept) > mostPoints {
			t.Errorf("%s: %d points are kept, which is too many", name, len(kept))
		}
		starts := 0
		for _, p := range kept {
			if p.starts {
				starts++
			}
		}
		if starts != 2 && name != "constant" {
			t.Errorf("%s: %d starts are kept, want 2", name, starts)
		}
		if kept[0] != points[0] || kept[len(kept)-1].y != points[n-1].y {
			t.Errorf("%s: the ends are lost", name)
		}
		for _, y := range []float64{7, -7} {
			if !slices.ContainsFunc(kept, func(p point) bool { return p.y == y }) {
				t.Errorf("%s: the extreme %v is lost", name, y)
			}
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high  float64
		log, whole bool
		want       string
	}{
		{0, 1, false, false, "0 0.2 0.4 0.6 0.8 1.0"},
		{0, 43, false, true, "0 10 20 30 40"},
		{0.9, 3.1, false, true, "1 2 3"},
		{-0.3, 0.1, false, false, "−0.3 −0.2 −0.1 0 0.1"},
		{0, 35000, false, true, "0 10k 20k 30k"},
		{9998, 10002, false, true, "9998 9999 10000 10001 10002"},
		{1e6, 2.1e6, false, false, "1.0M 1.5M 2.0M"},
		{0, 4e-7, false, false, "0 1e−7 2e−7 3e−7 4e−7"},
		{-4, 1, true, false, "1e−4 1e−3 0.01 0.1 1 10"},
		{-1.1, 0.1, true, false, "0.1 0.2 0.5 1"},
		{0, 4, true, false, "1 10 100 1k 10k"},
		{-0.001, 0.001, true, false, "0.998 0.999 1.000 1.001 1.002"},
	} {
		var labels []string
		for _, tick := range (span{c.low, c.high}).ticks(c.log, c.whole, 5, 400, 18) {
			if tick.label != "" {
				labels = append(labels, tick.label)
			}
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("from %v to %v (log %v): %s, want %s", c.low, c.high, c.log, got, c.want)
		}
	}
}

// On a low chart the labels of a logarithmic axis do not touch, and there are at least two.
func TestTicksOfALowChart(t *testing.T) {
	const length, label = 85, 18
	for _, s := range []span{{-3.1, -0.2}, {-1.4, 0}, {-2.3, -0.3}, {-1.3, -0.9}, {-6.8, -0.9}, {-12, 3}, {-0.2, 0.1}} {
		var at []float64
		for _, tick := range s.ticks(true, false, 2, length, label) {
			if tick.label != "" {
				at = append(at, (tick.at-s.low)/(s.high-s.low)*length)
			}
		}
		if len(at) < 2 {
			t.Errorf("%v has %d labels, want at least 2", s, len(at))
		}
		for i := 1; i < len(at); i++ {
			if at[i]-at[i-1] < 0.8*label {
				t.Errorf("%v: labels at %v touch", s, at)
			}
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.5324: "0.532", -12.345: "−12.3", 999.7: "1000", 54321: "54321", 1234567: "1.23e6",
		0.000123456: "1.23e−4", -1.5e-9: "−1.5e−9", 1e-5: "1e−5", math.Inf(1): "Inf", math.Inf(-1): "−Inf",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s, want %s", v, got, want)
		}
	}
}

// Many goroutines can draw pictures at the same time, as for a page's visitors.
func TestAtOnce(t *testing.T) {
	fig := gallery()["net-3-4-1-step"]
	want := render(t, "svg", fig)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			var b bytes.Buffer
			if err := Write(&b, "svg", fig); err != nil || !bytes.Equal(b.Bytes(), want) {
				t.Error("a picture differs when drawn beside others")
			}
		})
	}
	group.Wait()
}

// The lengths of bars are proportional to their numbers, from a common zero. A negative bar goes the other way.
func TestBars(t *testing.T) {
	svg := render(t, "svg", Bars{Title: "Bars", XLabel: "what they are", Bars: []Bar{{"two", 2, 0.5}, {"one", 1, 0}, {"minus one", -1, 0}}})
	var texts []string
	var widths []float64
	for _, e := range parse(t, svg) {
		if e.text != "" {
			texts = append(texts, e.text)
		}
		if e.attr["fill"] == "#0072B2" || e.attr["fill"] == "#D55E00" {
			var x0, y0, x1, y1 float64
			if _, err := fmt.Sscanf(e.attr["d"], "M%f,%fL%f,%f", &x0, &y0, &x1, &y1); err != nil {
				t.Fatalf("%q: %v", e.attr["d"], err)
			}
			widths = append(widths, x1-x0)
		}
	}
	for _, want := range []string{"Bars", "what they are", "two", "one", "minus one", "2", "−1"} {
		if !slices.Contains(texts, want) {
			t.Errorf("%q is not among %q", want, texts)
		}
	}
	if len(widths) != 3 || math.Abs(widths[0]-2*widths[1]) > 0.1 || math.Abs(widths[1]-widths[2]) > 0.1 || widths[1] < 50 {
		t.Errorf("the bars are %v wide, want three in the ratio 2:1:1", widths)
	}
}

// Dots with names below them keep half a place from the edges. Lines, and dots on an axis of numbers, do not.
func TestDotsWithNamesKeepOffTheEdges(t *testing.T) {
	names := []Mark{{X: 0, Label: "a"}, {X: 1, Label: "b"}, {X: 2, Label: "c"}}
	for _, c := range []struct {
		chart Chart
		want  span
	}{
		{Chart{XTicks: names, Series: []Series{{Dots: true}}}, span{-0.5, 2.5}},
		{Chart{XTicks: names, Series: []Series{{}}}, span{0, 2}},
		{Chart{Series: []Series{{Dots: true}}}, span{0, 2}},
	} {
		if got := c.chart.besideNames(span{0, 2}); got != c.want {
			t.Errorf("%d names, dots %v: got the axis %v, want %v", len(c.chart.XTicks), c.chart.Series[0].Dots, got, c.want)
		}
	}
	if all := (span{-math.MaxFloat64, math.MaxFloat64}); (Chart{XTicks: names, Series: []Series{{Dots: true}}}).besideNames(all) != all {
		t.Error("got a wider axis than floats can have, want the same")
	}
}
