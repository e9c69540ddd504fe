package lab

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// Report is a run as one self-contained page, with its style and its pictures.
type Report struct {
	Title   string
	Command string // the command that gives the same result, if it is known
	Model   *model.Model
	Data    [][2]string    // what is known about the table: names and values
	Columns []ReportColumn // of the table, as they were used
	History train.History
	Notes   []string
	Found   []option.Finding // the diagnosis
	Rows    []ReportFigure   // of predictions, see RowFigures
	Figures []ReportFigure   // others, besides the loss and the network
	Depends []ReportFigure   // of the dependence on columns, see PartialFigure
}

// ReportColumn is a column of the table.
type ReportColumn struct {
	Name    string
	As      string // how it was used: a kind, "target", or "left out"
	Missing int    // number of cells
	Note    string // why it was left out, or a remark
}

// NewReport returns the report of a run and its model, with all that the run knows about its table.
func NewReport(f *model.Fit, m *model.Model) (Report, error) {
	t := f.Table()
	r := Report{Model: m, History: m.Training.History, Notes: option.Notes(f.Notes), Found: option.Findings(m.Training.Diagnosis)}
	r.Data = [][2]string{{"file", t.Name()}, {"read as", t.Format()}, {"size", fmt.Sprintf("%s, %s", plural.Of(t.Rows(), "row"), plural.Of(len(t.Columns()), "column"))}}
	for _, y := range f.Schema.Targets {
		what := "amounts"
		if len(y.Classes) > 0 {
			what = plural.Irregular(len(y.Classes), "class", "classes")
		}
		r.Columns = append(r.Columns, ReportColumn{Name: y.Name, As: "target", Note: what})
	}
	for _, c := range f.Schema.Columns {
		r.Columns = append(r.Columns, ReportColumn{Name: c.Name, As: string(c.Kind), Missing: c.Missing, Note: option.Note(c.Note)})
	}
	for _, d := range f.Schema.Dropped {
		r.Columns = append(r.Columns, ReportColumn{Name: d.Name, As: "left out", Note: option.Note(d.Reason)})
	}
	if m.Training.Metrics.Linear == nil { // a run of the lab, or a model of an earlier gradus
		if err := f.CompareLinear(context.Background(), m); err != nil {
			return r, err
		}
	}
	j, err := f.Judge(m)
	if err == nil {
		r.Rows = RowFigures(m, j)
		if m.Training.CrossFitted && !j.CrossFitted && j.What == "out-of-fold" {
			r.Notes = append(r.Notes, "The pictures of out-of-fold rows show the networks as they are. These rows chose the networks' epochs, so the errors look somewhat smaller here than in the scores, which are at epochs that the row did not choose.")
		}
	}
	return r, err
}

// ReportFigure is a picture of a report.
type ReportFigure struct {
	Title  string
	Figure plot.Figure
}

// ReportPolicy is the content security policy of a report: no script, nothing from elsewhere.
const ReportPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

// mostReportUnits is the maximum number of units in a layer for which the network is drawn.
const mostReportUnits = 200

// WriteReport writes a report as HTML.
func WriteReport(w io.Writer, r Report) error {
	style, err := pageFiles.ReadFile("page/report.css")
	if err != nil {
		return err
	}
	return panels.ExecuteTemplate(w, "report", reportData{r, template.CSS(style)})
}

// Report returns the report of the session's run in its current state.
func (f *Frame) Report(m *model.Model) Report {
	p := panelData{f}
	r, err := NewReport(f.Fit, m)
	if err != nil { // the run has predicted these rows before
		r.Notes = append(r.Notes, err.Error())
	}
	r.Title, r.Command, r.History, r.Found = p.File(), p.Command(), f.History, nil
	if fig, err := f.Plane(0, 0); err == nil && fig != nil {
		r.Figures = append(r.Figures, ReportFigure{"Fit", fig})
	}
	if t := p.Raced(); t != nil && p.Job("race") == "done" {
		r.Figures = append(r.Figures, ReportFigure{"Race", t.Chart(f.View.Axis, 0, 0)})
	}
	if s := p.Surface(); s != nil && p.Job("surface") == "done" {
		r.Figures = append(r.Figures, ReportFigure{"Loss surface", s.Field})
	}
	return r
}

// reportData is what the template sees.
type reportData struct {
	Report
	Style template.CSS
}

// Policy returns the content security policy that the report itself contains, because it is a file.
func (r reportData) Policy() string { return ReportPolicy }

// Facts returns what was trained and with what result.
func (r reportData) Facts() [][2]string {
	m := r.Model
	if m == nil {
		return nil
	}
	t := &m.Training
	out := [][2]string{
		{"task", string(m.Task())},
		{"target", strings.Join(m.Targets(), ", ")},
		{"network", m.DescribeNetwork()},
		{"parameters", fmt.Sprint(m.Parameters())},
		{"descent", option.Describe(&m.Options)},
		{"rows", fmt.Sprintf("%d training, %d validation, %d test", t.Rows.Train, t.Rows.Validation, t.Rows.Test)},
		{"updates", fmt.Sprintf("%d in %d epochs", t.Steps, t.Epochs)},
		{"ended by", cmp.Or(t.Reason, "nothing yet")},
		{"final loss", exact(t.Loss)},
	}
	if len(m.Members()) > 0 {
		out[len(out)-1][0] = "mean final loss of the members"
	}
	if t.BestEpoch > 0 {
		out = append(out, [2]string{"weights of", fmt.Sprintf("epoch %d, the best on the validation rows", t.BestEpoch)})
	}
	return append(out, [2]string{"weights_sha256", m.WeightsSHA256()})
}

// Options returns the options that have a value, by the user, by the training's choice or by default.
func (r reportData) Options() [][2]string {
	if r.Model == nil {
		return nil
	}
	var out [][2]string
	for _, p := range option.All() {
		if text, given := p.Given(&r.Model.Options); given || p.Default != "" {
			out = append(out, [2]string{p.Name, text})
		}
	}
	return out
}

// reportScores is a row of the table of scores.
type reportScores struct {
	Name string
	Cell []string // on the training rows, the rows that chose the epoch, and the test rows; of the guess and the linear model
}

// Held names the rows that chose the epoch.
func (r reportData) Held() string {
	if r.Model != nil && r.Model.Training.Metrics.OutOfFold != nil {
		return "out-of-fold"
	}
	return "validation"
}

// Compared says how the model compares with a guess and a linear model.
func (r reportData) Compared() string {
	if r.Model == nil {
		return ""
	}
	return r.Model.Compared()
}

// Scores returns the scores on each part of the rows, and the scores of a guess that never looks at the inputs and of a linear model.
func (r reportData) Scores() []reportScores {
	if r.Model == nil {
		return nil
	}
	m := r.Model.Training.Metrics
	var names []string
	held := m.Validation
	if m.OutOfFold != nil {
		held = m.OutOfFold
	}
	linear := &metrics.Report{}
	if m.Linear != nil {
		linear.Scores = m.Linear.Scores
	}
	parts := []*metrics.Report{m.Train, held, m.Test, {Scores: m.Baseline}, linear}
	for _, p := range parts {
		if p == nil {
			continue
		}
		for _, s := range p.Scores {
			if !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	var out []reportScores
	for _, name := range names {
		line := reportScores{Name: name}
		for _, p := range parts {
			cell := ""
			if p != nil {
				if v, ok := p.Get(name); ok {
					cell = short(v)
				}
			}
			line.Cell = append(line.Cell, cell)
		}
		out = append(out, line)
	}
	return out
}

// confusion is a confusion matrix with the names of its classes.
type confusion struct {
	Rows    string
	Classes []string
	Cells   [][]float64
	Scores  []metrics.ClassScore
}

// Matrix reports whether the matrix itself is small enough to be shown.
func (c *confusion) Matrix() bool { return len(c.Classes) <= mostMatrix }

// mostMatrix is the maximum number of classes for which a confusion matrix is shown.
const mostMatrix = 12

// Confusion returns the confusion matrix on the most honest rows there are.
func (r reportData) Confusion() *confusion {
	if r.Model == nil {
		return nil
	}
	best, rows := r.Model.Training.Metrics.Best()
	if best == nil || best.Confusion == nil || len(best.Confusion) != len(r.Model.Classes()) {
		return nil
	}
	return &confusion{rows, r.Model.Classes(), best.Confusion, metrics.ByClass(best.Confusion)}
}

// targetScores are the scores of one of several targets.
type targetScores struct {
	Name   string
	Scores metrics.Scores
}

// Targets returns the scores of each of several targets on the most honest rows there are.
func (r reportData) Targets() []targetScores {
	if r.Model == nil {
		return nil
	}
	best, _ := r.Model.Training.Metrics.Best()
	if best == nil || len(best.Outputs) < 2 {
		return nil
	}
	var out []targetScores
	for i, o := range best.Outputs {
		out = append(out, targetScores{r.Model.Targets()[i], o.Scores})
	}
	return out
}

// Curve draws the loss over the run.
func (r reportData) Curve() template.HTML {
	if len(r.History) == 0 {
		return ""
	}
	best := 0
	if r.Model != nil {
		best = r.Model.Training.BestEpoch
	}
	return template.HTML(svg(LossCurve(r.History, best)))
}

// Network draws the network, if it can be drawn.
func (r reportData) Network() template.HTML {
	if r.Model == nil {
		return ""
	}
	net := r.Model.Network64()
	fig := plot.Net{Inputs: r.Model.Encoding.InputNames(), Outputs: r.Model.Encoding.OutputNames()}
	for l := range net.Depth() {
		if net.Layer(l).Units > mostReportUnits {
			return ""
		}
		w := net.Weights(l)
		layer := plot.Layer{Bias: net.Bias(l), Activation: net.Layer(l).Activation.String()}
		for i := range w.Rows {
			layer.Weights = append(layer.Weights, w.Row(i))
		}
		fig.Layers = append(fig.Layers, layer)
	}
	return template.HTML(svg(fig))
}

// Picture draws one of the other figures.
func (r reportData) Picture(f ReportFigure) template.HTML { return template.HTML(svg(f.Figure)) }

// LossCurve draws a run's loss and validation score against epochs, with the best epoch marked
// unless it is 0.
func LossCurve(h train.History, best int) plot.Chart {
	c := lossChart("epoch", func(p train.Point) int { return p.Epoch }, h, h)
	if best > 0 {
		c.Mark = &plot.Mark{X: float64(best), Label: fmt.Sprintf("best epoch %d", best)}
	}
	return c
}

// lossChart draws the loss of a run and its validation scores. at returns a point's place on the axis.
func lossChart(axis string, at func(train.Point) int, losses, scores train.History) plot.Chart {
	training, validation := plot.Series{Name: "training"}, plot.Series{Name: "validation", Dashed: true}
	c := plot.Chart{XLabel: axis, YLabel: "loss", LogY: true}
	for _, p := range losses {
		training.X, training.Y = append(training.X, float64(at(p))), append(training.Y, p.Loss)
		c.LogY = c.LogY && p.Loss > 0
	}
	for _, p := range scores {
		if p.Validation == p.Validation {
			validation.X, validation.Y = append(validation.X, float64(at(p))), append(validation.Y, p.Validation)
		}
	}
	c.Series = []plot.Series{training}
	if len(validation.X) > 0 {
		c.Series = append(c.Series, validation)
	}
	return c
}
