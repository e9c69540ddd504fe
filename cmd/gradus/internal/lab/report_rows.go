package lab

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
)

const (
	mostCurves  = 8    // maximum number of classes, labels or targets that are drawn
	mostDots    = 2000 // maximum number of rows drawn as dots, evenly spread over all rows
	bins        = 10   // number of bins of a calibration curve
	smallWidth  = 480  // width of one picture of a pair, in pixels
	smallHeight = 420
)

// RowFigures returns pictures of a model's predictions on rows. For classes they are the ROC curve, the
// precision-recall curve and the calibration. For numbers they are the predicted against the true values, and the residuals.
func RowFigures(m *model.Model, j *model.Judged) []ReportFigure {
	of := func(title string) string {
		return fmt.Sprintf("%s, %s", title, plural.Of(len(j.Rows), j.What+" row"))
	}
	if m.Task() == data.Regression {
		var out []ReportFigure
		targets := m.Targets()
		for i, name := range targets[:min(mostCurves, len(targets))] {
			out = append(out,
				ReportFigure{of(name + ": predicted against true"), predictedFigure(name, j, i, len(targets))},
				ReportFigure{of(name + ": residuals"), residualFigure(name, j, i, len(targets))})
		}
		return out
	}
	tests := testsOf(m, j)
	return []ReportFigure{
		{of("ROC"), rocFigure(tests)},
		{of("Precision and recall"), precisionFigure(tests)},
		{of("Calibration"), calibrationFigure(m, j, tests)},
	}
}

// test is one yes-or-no question: a class against all others, or a label.
type test struct {
	name   string
	yes    []bool
	p, w   []float64
	answer []int // the rows, sorted from the highest p to the lowest
}

// testsOf returns the test for the second of two classes, or a test for each of several classes or labels.
func testsOf(m *model.Model, j *model.Judged) []test {
	var tests []test
	add := func(name string, p func(row int) float64, yes func(row int) bool) {
		t := test{name: name, w: j.W}
		for i := range j.Rows {
			t.p, t.yes, t.answer = append(t.p, p(i)), append(t.yes, yes(i)), append(t.answer, i)
		}
		slices.SortStableFunc(t.answer, func(a, b int) int { return cmp.Compare(t.p[b], t.p[a]) })
		tests = append(tests, t)
	}
	width := m.Outputs()
	if m.Task() == data.Multilabel {
		for k, name := range m.Targets() {
			add(name, func(i int) float64 { return j.Says[i*width+k] }, func(i int) bool { return j.Truth[i*width+k] == 1 })
		}
	} else {
		for k, name := range m.Classes() {
			if m.Task() == data.Multiclass || k == 1 {
				add(name, func(i int) float64 { return j.Says[i*width+k] }, func(i int) bool { return int(j.Truth[i]) == k })
			}
		}
	}
	return tests
}

// sweep lowers the threshold for yes through all values of p. After each it calls at with the total weight
// so far of the rows above the threshold that are yes, and of those that are not. It returns the totals of all rows.
func (t *test) sweep(at func(right, wrong float64)) (yes, no float64) {
	for n, i := range t.answer {
		w := 1.0
		if t.w != nil {
			w = t.w[i]
		}
		if t.yes[i] {
			yes += w
		} else {
			no += w
		}
		if n == len(t.answer)-1 || t.p[t.answer[n+1]] != t.p[i] {
			at(yes, no)
		}
	}
	return yes, no
}

// named returns a curve's name with its score, or without the score if that is not defined.
func (t *test) named(score string, value float64) string {
	if math.IsNaN(value) {
		return t.name
	}
	return fmt.Sprintf("%s (%s %.3f)", t.name, score, value)
}

// squareChart returns a chart from 0 to 1 in both directions.
func squareChart(x, y string) plot.Chart {
	return plot.Chart{XLabel: x, YLabel: y, Width: smallWidth, Height: smallHeight}
}

func diagonal(name string, low, high float64) plot.Series {
	return plot.Series{Name: name, X: []float64{low, high}, Y: []float64{low, high}, Dashed: true}
}

func rocFigure(tests []test) plot.Chart {
	c := squareChart("share of the other rows taken for the class", "share of the class found")
	for _, t := range tests[:min(mostCurves, len(tests))] {
		yes, no := t.sweep(func(float64, float64) {})
		if yes == 0 || no == 0 {
			continue
		}
		s, area := plot.Series{X: []float64{0}, Y: []float64{0}}, 0.0
		t.sweep(func(right, wrong float64) {
			last := len(s.X) - 1
			x, y := wrong/no, right/yes
			area += (x - s.X[last]) * (y + s.Y[last]) / 2
			s.X, s.Y = append(s.X, x), append(s.Y, y)
		})
		s.Name = t.named("AUC", area)
		c.Series = append(c.Series, s)
	}
	c.Series = append(c.Series, diagonal("by chance", 0, 1))
	return c
}

func precisionFigure(tests []test) plot.Chart {
	c := squareChart("share of the class found (recall)", "share of the found that is right (precision)")
	chance, rarest := 1.0, "by chance"
	for _, t := range tests[:min(mostCurves, len(tests))] {
		yes, no := t.sweep(func(float64, float64) {})
		if yes == 0 || no == 0 {
			continue
		}
		if len(c.Series) > 0 {
			rarest = "by chance, for the rarest"
		}
		chance = min(chance, yes/(yes+no))
		s, before, average := plot.Series{}, 0.0, 0.0
		t.sweep(func(right, wrong float64) {
			recall, precision := right/yes, right/(right+wrong)
			average += (recall - before) * precision
			before = recall
			if len(s.X) == 0 {
				s.X, s.Y = append(s.X, 0), append(s.Y, precision)
			}
			s.X, s.Y = append(s.X, recall), append(s.Y, precision)
		})
		s.Name = t.named("average", average)
		c.Series = append(c.Series, s)
	}
	c.Series = append(c.Series, plot.Series{Name: rarest, X: []float64{0, 1}, Y: []float64{chance, chance}, Dashed: true})
	return c
}

// calibrationFigure shows how often rows are of the predicted class, by the model's confidence. For two
// classes that is the probability of the second, for more classes that of the most probable one.
func calibrationFigure(m *model.Model, j *model.Judged, tests []test) plot.Chart {
	c := squareChart("predicted probability", "share of the rows that are of the class")
	if m.Task() == data.Multiclass {
		tests = firstGuess(m, j)
	}
	raw := tests[:0:0]
	if j.Raw != nil { // the same, without the temperature
		before := *j
		before.Says, before.Raw = j.Raw, nil
		if m.Task() == data.Multiclass {
			raw = firstGuess(m, &before)
		} else {
			raw = testsOf(m, &before)
		}
		for i := range raw {
			raw[i].name += ", logits as trained"
		}
	}
	for _, t := range append(tests[:min(mostCurves, len(tests)):min(mostCurves, len(tests))], raw...) {
		var weight, said, were [bins]float64
		right := make([]float64, len(t.p))
		for i, p := range t.p {
			w := 1.0
			if t.w != nil {
				w = t.w[i]
			}
			bin := max(0, min(bins-1, int(p*bins)))
			weight[bin] += w
			said[bin] += w * p
			if t.yes[i] {
				were[bin] += w
				right[i] = 1
			}
		}
		s := plot.Series{Dots: true, Name: t.named("error", metrics.CalibrationError(right, t.p, t.w))}
		for bin := range bins {
			if weight[bin] > 0 {
				s.X, s.Y = append(s.X, said[bin]/weight[bin]), append(s.Y, were[bin]/weight[bin])
			}
		}
		c.Series = append(c.Series, s)
	}
	c.Series = append(c.Series, diagonal("perfect", 0, 1))
	return c
}

// firstGuess returns the test of whether the most probable class is the row's class.
func firstGuess(m *model.Model, j *model.Judged) []test {
	t := test{name: "the guess", w: j.W}
	width := m.Outputs()
	for i := range j.Rows {
		says := j.Says[i*width:][:width]
		best := 0
		for k, p := range says {
			if p > says[best] {
				best = k
			}
		}
		t.p, t.yes = append(t.p, says[best]), append(t.yes, best == int(j.Truth[i]))
	}
	return []test{t}
}

// some returns up to mostDots rows, evenly spread.
func some(rows int) []int {
	n := min(rows, mostDots)
	out := make([]int, n)
	for i := range out {
		out[i] = i * rows / n
	}
	return out
}

func predictedFigure(name string, j *model.Judged, target, width int) plot.Chart {
	c := plot.Chart{XLabel: name + ", true", YLabel: name + ", predicted", Width: smallWidth, Height: smallHeight}
	dots, low, high := plot.Series{Name: "rows", Dots: true}, math.Inf(1), math.Inf(-1)
	for _, i := range some(len(j.Rows)) {
		x, y := j.Truth[i*width+target], j.Says[i*width+target]
		dots.X, dots.Y = append(dots.X, x), append(dots.Y, y)
		low, high = min(low, x), max(high, x)
	}
	c.Series = []plot.Series{dots, diagonal("perfect", low, high)}
	return c
}

func residualFigure(name string, j *model.Judged, target, width int) plot.Chart {
	c := plot.Chart{XLabel: name + ", predicted", YLabel: "true − predicted", Width: smallWidth, Height: smallHeight}
	dots, low, high := plot.Series{Name: "rows", Dots: true}, math.Inf(1), math.Inf(-1)
	for _, i := range some(len(j.Rows)) {
		x := j.Says[i*width+target]
		dots.X, dots.Y = append(dots.X, x), append(dots.Y, j.Truth[i*width+target]-x)
		low, high = min(low, x), max(high, x)
	}
	c.Series = []plot.Series{dots, {Name: "none", X: []float64{low, high}, Y: []float64{0, 0}, Dashed: true}}
	return c
}

// ImportanceFigure shows the most important columns.
func ImportanceFigure(found *model.Importance) plot.Bars {
	const most = 40
	title := "What each column is worth"
	if n := len(found.Columns); n > most {
		title = fmt.Sprintf("What columns are worth: the %d most important of %d", most, n)
	}
	b := plot.Bars{
		Title:  title,
		XLabel: fmt.Sprintf("how much worse %s (%s with all columns) gets when the column is shuffled", found.Metric, short(found.Score)),
	}
	for _, c := range found.Columns[:min(most, len(found.Columns))] {
		value := c.Mean
		if math.Abs(value) < 1e-12 { // rounding error of equal scores
			value = 0
		}
		b.Bars = append(b.Bars, plot.Bar{Name: c.Name, Value: value, Spread: c.SD})
	}
	return b
}
