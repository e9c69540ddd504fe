package lab

import (
	"math"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
)

// Fitted holds the network's predictions on the training rows, in the target's own units.
type Fitted struct {
	Targets     []float64 // of the first target, one per row; for classes the class's number
	Predictions []float64 // the network's, likewise; for classes the most probable class
	Classes     []string
	Report      metrics.Report
	Rows        int
	Weights     string // the column of the rows' weights in the report; "": all rows count the same
}

// mostFitted is the maximum number of rows that are drawn.
const mostFitted = 2000

// Fitted runs the training rows through the network, once.
func (f *Frame) Fitted() (*Fitted, error) {
	if f.fitted == nil {
		out, err := f.fit(f.Training)
		if err != nil {
			return nil, err
		}
		f.fitted = out
	}
	return f.fitted, nil
}

// Validated does the same for the validation rows. It returns nil if there are none.
func (f *Frame) Validated() (*Fitted, error) {
	if f.Validation.X.Rows == 0 {
		return nil, nil
	}
	return f.fit(f.Validation)
}

func (f *Frame) fit(part model.Part) (*Fitted, error) {
	rows := min(mostFitted, part.X.Rows)
	out := &Fitted{Rows: rows}
	var w []float64
	var err error
	if column := f.Setup.Options.SampleWeight; column != "" {
		if w, err = data.Weights(f.Table, column, part.Rows[:rows]); err != nil {
			return nil, err
		}
		out.Weights = column
	}
	says, truth, report, err := f.Fit.ScoreOutputs(f.Net.Predict(part.X.Slice(0, rows)), part.Y.Slice(0, rows), w)
	if err != nil {
		return nil, err
	}
	out.Report = report
	e := f.Fit.Encoding
	if e.Task != data.Regression {
		out.Classes = e.Targets[0].Classes
	}
	for i := range rows {
		out.Targets = append(out.Targets, truth[i*len(truth)/rows])
		out.Predictions = append(out.Predictions, shown(e.Task, says[i*len(says)/rows:][:len(says)/rows], false))
	}
	return out, nil
}

// shown returns the first value of a prediction in the target's own units, or the number of the class. For two classes
// it returns the probability of the second if graded is true.
func shown(task data.Task, says []float64, graded bool) float64 {
	switch {
	case task == data.Regression:
		return says[0]
	case task == data.Multiclass || task == data.Binary && !graded:
		return float64(highest(says))
	case task == data.Binary:
		return says[1]
	case graded:
		return says[0]
	}
	return yes(says[0])
}

// yes returns 1 if p is more than a half, otherwise 0.
func yes(p float64) float64 {
	if p > 0.5 {
		return 1
	}
	return 0
}

func highest(row []float64) int {
	best := 0
	for j, v := range row {
		if v > row[best] {
			best = j
		}
	}
	return best
}

// Predicted shows predictions against targets.
func (r *Fitted) Predicted(width, height int) plot.Chart {
	low, high := math.Inf(1), math.Inf(-1)
	for _, y := range r.Targets {
		low, high = math.Min(low, y), math.Max(high, y)
	}
	return plot.Chart{XLabel: "true", YLabel: "predicted", Width: width, Height: height, Series: []plot.Series{
		{Name: "training rows", X: r.Targets, Y: r.Predictions, Dots: true},
		{Name: "where both are equal", X: []float64{low, high}, Y: []float64{low, high}, Dashed: true},
	}}
}

// Residuals shows the true minus the predicted values against the predicted values.
func (r *Fitted) Residuals(width, height int) plot.Chart {
	left := make([]float64, len(r.Targets))
	low, high := math.Inf(1), math.Inf(-1)
	for i := range left {
		left[i] = r.Targets[i] - r.Predictions[i]
		low, high = math.Min(low, r.Predictions[i]), math.Max(high, r.Predictions[i])
	}
	return plot.Chart{XLabel: "predicted", YLabel: "true − predicted", Width: width, Height: height, Series: []plot.Series{
		{Name: "training rows", X: r.Predictions, Y: left, Dots: true},
		{Name: "no error", X: []float64{low, high}, Y: []float64{0, 0}, Dashed: true},
	}}
}

// NumericColumns returns the first input columns that can be axes of a plane.
func (f *Frame) NumericColumns() []string {
	var out []string
	for _, in := range f.Fit.Encoding.Inputs {
		if in.Kind == data.KindNumber && len(out) < mostListed {
			out = append(out, in.Name)
		}
	}
	return out
}

// planeSide is how many points the fit's plane has along each axis.
const planeSide = 26 // more for classes of small networks, because their boundaries are drawn in steps

// A small contour picture, at most smallHigh pixels high, is coarse because it is drawn with every frame.
const (
	smallHigh   = 260
	smallSide   = 14
	smallLevels = 7
)

// Plane draws the network's predictions over two columns, with the others as in the chosen row. If only
// one column is a number, it draws a curve over that. It returns nil if no column is a number.
func (f *Frame) Plane(width, height int) (plot.Figure, error) {
	columns := f.NumericColumns()
	if len(columns) == 0 {
		return nil, nil
	}
	pick := func(name string, other string) string {
		if slices.Contains(columns, name) && name != other {
			return name
		}
		for _, c := range columns {
			if c != other {
				return c
			}
		}
		return ""
	}
	nameX := pick(f.View.AxisX, "")
	nameY := pick(f.View.AxisY, nameX)
	p, err := f.plane(nameX, nameY)
	if err != nil {
		return nil, err
	}
	if nameY == "" {
		return p.curve(width, height)
	}
	return p.field(width, height)
}

// plane is a view of the network over columns of the table.
type plane struct {
	f            *Frame
	row          []data.Value // the chosen row's cells, in the order of the encoding's columns
	ix, iy       int          // the indices of the axes in row
	nameX, nameY string
	x, y         []float64 // values of the training rows
	targets      *Fitted
}

func (f *Frame) plane(nameX, nameY string) (*plane, error) {
	e := f.Fit.Encoding
	p := &plane{f: f, nameX: nameX, nameY: nameY, ix: -1, iy: -1}
	at := f.Training.Rows[f.View.Row]
	for i, name := range e.Columns() {
		p.row = append(p.row, data.Text(f.Table.Cell(at, f.Table.Index(name))))
		if name == nameX {
			p.ix = i
		}
		if name == nameY {
			p.iy = i
		}
	}
	var err error
	if p.targets, err = f.Fitted(); err != nil {
		return nil, err
	}
	for _, r := range f.Training.Rows[:p.targets.Rows] {
		p.x = append(p.x, cellNumber(f.Table, r, nameX))
		if nameY != "" {
			p.y = append(p.y, cellNumber(f.Table, r, nameY))
		}
	}
	return p, nil
}

func cellNumber(t *data.Table, row int, column string) float64 {
	if v, ok := t.Number(row, t.Index(column)); ok {
		return v
	}
	return math.NaN()
}

// grid returns evenly spaced points over the range of the values, with a small margin.
func grid(values []float64, n int) []float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v == v {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	if !(low <= high) {
		low, high = 0, 1
	}
	room := 0.1 * (high - low)
	if room == 0 {
		room = 0.5
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = low - room + (high-low+2*room)*float64(i)/float64(n-1)
	}
	return out
}

// reads is shown of a row's outputs.
func (p *plane) reads(graded bool, out []float64) float64 {
	says := p.f.Fit.Finished(nn.Matrix[float64]{Rows: 1, Cols: len(out), Data: out})
	return shown(p.f.Fit.Encoding.Task, says, graded)
}

// encoded returns the network's inputs for values of one column, with the other columns as in the chosen row.
func (p *plane) encoded(column int, values []float64) (nn.Matrix[float64], error) {
	x := nn.NewMatrix[float64](len(values), p.f.Net.Inputs())
	row := slices.Clone(p.row)
	for i, v := range values {
		row[column] = data.Number(v)
		if err := data.EncodeRow(p.f.Fit.Encoding, row, x.Row(i)); err != nil {
			return x, err
		}
	}
	return x, nil
}

// over goes through a grid line by line, and calls line with each line's pass through the network. A column's
// inputs depend only on the column's own cell, so each axis is encoded once.
func (p *plane) over(xs, ys []float64, line func(tape *nn.Tape[float64])) error {
	x, err := p.encoded(p.ix, xs)
	if err != nil {
		return err
	}
	y, err := p.encoded(p.iy, ys)
	if err != nil {
		return err
	}
	tape, columns := p.f.Net.NewTape(len(xs)), p.f.Fit.Encoding.InputColumns()
	for i := range ys {
		for k, name := range columns {
			for j := range xs {
				if name == p.nameY {
					x.Row(j)[k] = y.At(i, k)
				}
			}
		}
		p.f.Net.Forward(tape, x)
		line(tape)
	}
	return nil
}

func (p *plane) field(width, height int) (plot.Figure, error) {
	side := planeSide
	classes := len(p.targets.Classes) > 0
	if classes && len(p.f.Net.Params()) < 2000 {
		side = 72
	}
	small := !classes && height > 0 && height <= smallHigh
	if small {
		side = smallSide
	}
	fig := plot.Field{XLabel: p.nameX, YLabel: p.nameY, ZLabel: p.f.guessNames()[0], X: grid(p.x, side), Y: grid(p.y, side), Width: width, Height: height, Classes: p.targets.Classes}
	if small {
		fig.Levels = smallLevels
	}
	err := p.over(fig.X, fig.Y, func(tape *nn.Tape[float64]) {
		row := make([]float64, len(fig.X))
		for j := range row {
			row[j] = p.reads(false, tape.A(p.f.Net.Depth()-1).Row(j))
		}
		fig.Z = append(fig.Z, row)
	})
	if err != nil {
		return nil, err
	}
	off := p.off()
	for i := range p.x {
		point := plot.FieldPoint{X: p.x[i], Y: p.y[i], Z: p.targets.Targets[i], Off: off[i]}
		if classes && off != nil && p.elsewhere() {
			point.Said = &p.targets.Predictions[i]
		}
		fig.Points = append(fig.Points, point)
	}
	return fig, nil
}

// elsewhere reports whether the network sees columns that the plane does not show. The prediction for a row may
// then differ from the prediction at the row's place on the plane.
func (p *plane) elsewhere() bool { return len(p.f.others(p.nameX, p.nameY)) > 0 }

// others returns the network's inputs from columns that a plane over x and y does not show.
func (f *Frame) others(x, y string) (out []int) {
	for j, name := range f.Fit.Encoding.InputColumns() {
		if name != x && name != y {
			out = append(out, j)
		}
	}
	return out
}

// off returns how far each row is from the slice that the plane shows, as d / (1 + d), which goes from 0
// toward 1. Here d is the root mean square of the distances to the chosen row along the inputs that the
// plane does not show, each in that input's standard deviations.
func (p *plane) off() []float64 {
	x, others := p.f.Training.X, p.f.others(p.nameX, p.nameY)
	out := make([]float64, len(p.x))
	if len(others) == 0 {
		return out
	}
	at := x.Row(p.f.View.Row)
	for _, j := range others {
		mean, square := 0.0, 0.0
		for i := range out {
			mean += x.At(i, j) / float64(len(out))
		}
		for i := range out {
			d := x.At(i, j) - mean
			square += d * d / float64(len(out))
		}
		for i := range out {
			if d := x.At(i, j) - at[j]; square > 0 {
				out[i] += d * d / square / float64(len(others))
			}
		}
	}
	for i, d := range out {
		d = math.Sqrt(d)
		out[i] = d / (1 + d)
	}
	return out
}

func (p *plane) curve(width, height int) (plot.Figure, error) {
	line := plot.Series{Name: "network", X: grid(p.x, 200)}
	x, err := p.encoded(p.ix, line.X)
	if err != nil {
		return nil, err
	}
	out := p.f.Net.Predict(x)
	for i := range line.X {
		line.Y = append(line.Y, p.reads(true, out.Row(i)))
	}
	label := p.f.outputNames()[0] // for two classes, the second
	if p.f.Fit.Encoding.Task == data.Multiclass {
		label = p.f.Fit.Encoding.Targets[0].Name + ", number of its class"
	}
	return plot.Chart{XLabel: p.nameX, YLabel: label, Width: width, Height: height, Series: []plot.Series{
		line, {Name: "training rows", X: p.x, Y: p.targets.Targets, Dots: true},
	}}, nil
}

// Scores returns the model's scores on the training rows, for a table on the page.
func (r *Fitted) Scores() []metrics.Score { return r.Report.Scores }
