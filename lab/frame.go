package lab

import (
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// Frame is all that the page shows of a session at one moment. It is taken while the run
// stands still and drawn while it goes on: nothing in it changes any more.
type Frame struct {
	Version uint64
	Setup   Setup
	Table   *data.Table
	Print   string // the table's fingerprint
	Fit     *model.Fit
	Start   *nn.Network[float64]
	Net     *nn.Network[float64] // a copy

	Training, Validation, Test model.Part

	At, Most, Epoch int
	Next            []int // rows of the next update
	Seen            int   // of them, already looked at
	Last            train.Step
	Loss            float64 // over all training rows
	Ended           string
	Note            string
	Failed          bool
	Running         bool
	Speed           Speed
	Breaks          Breakpoints
	View            View
	History         train.History
	Moved           []float64
	Trail           trail
	Jobs            map[string]job
	Findings        []train.Finding // the engine's diagnosis, where the page shows it and the run stands
	Sha             string          // of the weights, where the page shows it
	Revealed        string          // what a fault came to

	explained *lesson.Explanation
	troubled  error
}

// costly is from how many multiply-adds on a frame does without the pass over all rows.
const costly = 200e6

// Frame returns what there is to see now.
func (s *Session) Frame() *Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.run
	f := &Frame{
		Version: s.version, Setup: s.setup, Table: s.table, Print: s.print, Fit: r.fit, Start: s.start, Net: r.fit.Network(),
		Training: s.training, Validation: s.validation, Test: s.test,
		At: r.at, Most: s.most, Next: r.fit.NextRows(), Seen: s.seen, Last: r.last, Ended: r.ended,
		Note: s.note, Failed: s.failed, Running: s.running, Speed: s.speed, Breaks: s.breaks, View: s.view,
		Moved: s.moved, Jobs: map[string]job{}, Revealed: s.revealed,
		Trail: trail{steps: append([]int(nil), s.trail.steps...), params: append([][]float64(nil), s.trail.params...)},
	}
	f.Loss = math.NaN()
	if work := 2 * len(f.Net.Params()) * s.training.X.Rows; work < costly {
		result := r.fit.Result()
		f.Loss, f.Epoch = result.Loss, result.Epochs
		if len(result.History) > len(s.history) {
			s.history = result.History
		}
	} else if r.at > 0 {
		f.Loss, f.Epoch = r.last.Loss, r.last.Epoch-1
		if r.last.EpochEnd {
			f.Loss, f.Epoch = r.last.EpochLoss, r.last.Epoch
		}
	}
	f.History = s.history
	if s.view.tab() == "health" && !s.running {
		f.Findings = r.fit.Diagnose()
	}
	if s.view.tab() == "share" && !s.running {
		if m, err := r.fit.Model(); err == nil {
			f.Sha = m.WeightsSHA256()
		}
	}
	for name, j := range s.jobs {
		f.Jobs[name] = *j
	}
	return f
}

// Rate is the learning rate of the next update.
func (f *Frame) Rate() float64 {
	c := f.Fit.Config()
	rows := f.Training.X.Rows
	return c.Schedule.Rate(c.Rate, optim.Position{
		Step: f.At, StepsPerEpoch: (rows + c.BatchSize - 1) / max(1, c.BatchSize), Epochs: c.Epochs,
	})
}

// Explain is the chain rule of the chosen weight on the chosen sample, by the engine.
func (f *Frame) Explain() (*lesson.Explanation, error) {
	if f.explained == nil && f.troubled == nil {
		c := f.Fit.Config()
		w := f.View.Weight
		f.explained, f.troubled = lesson.Explain(f.Net, lesson.ExplainOptions{
			Loss: c.Loss, Rule: c.Rule, Rate: f.Rate(), Weight: &w,
		}, f.Training.X.Row(f.View.Row), f.Training.Y.Row(f.View.Row))
	}
	return f.explained, f.troubled
}

// Coming is what the next update will be made of: each row's gradient of the chosen weight,
// and the gradient over the batch, reduced as in the configuration.
type Coming struct {
	Rows     []ComingRow
	More     int     // rows that are not listed
	Gradient float64 // of the batch
	Loss     float64
	After    float64 // of the weight, where the rule is sgd
	SGD      bool
}

// ComingRow is one row of the next update.
type ComingRow struct {
	Row      int // of the table
	Gradient float64
	Seen     bool
	Chosen   bool
}

const (
	mostComing   = 8    // rows listed
	mostComputed = 4096 // rows of a batch whose gradient is computed for the page
)

// Coming looks at the next update; nil when there is none, or when its batch is large.
func (f *Frame) Coming() *Coming {
	if len(f.Next) == 0 || len(f.Next) > mostComputed {
		return nil
	}
	c := f.Fit.Config()
	w := f.View.Weight
	index, err := f.Net.Index(w.Layer, w.In, w.Unit)
	if err != nil {
		return nil
	}
	grad := make([]float64, len(f.Net.Params()))
	pass := func(rows []int, scale float64) float64 {
		x, y := nn.NewMatrix[float64](len(rows), f.Training.X.Cols), nn.NewMatrix[float64](len(rows), f.Training.Y.Cols)
		f.Training.X.Gather(x, rows)
		f.Training.Y.Gather(y, rows)
		tape := f.Net.NewTape(len(rows))
		f.Net.Forward(tape, x)
		return f.Net.Backprop(tape, c.Loss, y, scale, grad) * scale
	}
	out := &Coming{More: max(0, len(f.Next)-mostComing)}
	for i, row := range f.Next[:len(f.Next)-out.More] {
		pass([]int{row}, 1)
		out.Rows = append(out.Rows, ComingRow{
			Row: f.Training.Rows[row], Gradient: grad[index], Seen: i < f.Seen, Chosen: row == f.View.Row,
		})
	}
	out.Loss = pass(f.Next, c.Reduction.Scale(len(f.Next)))
	out.Gradient = grad[index]
	if _, ok := c.Rule.(optim.SGD); ok {
		out.SGD = true
		params := append([]float64(nil), f.Net.Params()...)
		optim.Update(c.Rule, optim.Step{Rate: f.Rate(), N: f.At + 1}, params, grad, nil)
		out.After = params[index]
	}
	return out
}

// phases is how many pictures the pass over a sample has: the inputs, each layer forwards,
// and each layer's deltas backwards.
func (f *Frame) phases() int { return 1 + 2*f.Net.Depth() }

// Picture draws the network with the chosen sample and weight: of phase 1 the inputs alone, then
// layer by layer their values, then from the last layer back their deltas.
func (f *Frame) Picture(width, height int) plot.Net {
	fig := plot.Net{Bare: true, Width: width, Height: height, Inputs: f.Fit.Encoding.InputNames(), Outputs: f.outputNames()}
	in := f.View.Weight.In
	if in < 0 {
		in = plot.Bias
	}
	fig.Highlight = &plot.Edge{Layer: f.View.Weight.Layer, In: in, Out: f.View.Weight.Unit}
	depth := f.Net.Depth()
	for l := range depth {
		w := f.Net.Weights(l)
		layer := plot.Layer{Bias: f.Net.Bias(l), Activation: f.Net.Layer(l).Activation.String()}
		for i := range w.Rows {
			layer.Weights = append(layer.Weights, w.Row(i))
		}
		fig.Layers = append(fig.Layers, layer)
	}
	e, err := f.Explain()
	if err != nil {
		return fig
	}
	fig.InputValues = e.Input
	phase := f.View.Phase
	if phase <= 0 || phase > f.phases() {
		phase = f.phases()
	}
	for l := range depth {
		if phase >= 2+l {
			fig.Layers[l].Z, fig.Layers[l].A = e.Layers[l].Z, e.Layers[l].A
		}
		if phase >= 2*depth+1-l {
			fig.Layers[l].Delta = e.Layers[l].Delta
		}
	}
	return fig
}

// Phase says in words what the picture shows.
func (f *Frame) Phase() string {
	depth, phase := f.Net.Depth(), f.View.Phase
	switch {
	case phase <= 0 || phase >= f.phases():
		return "forward and back"
	case phase == 1:
		return "the inputs"
	case phase <= depth+1:
		return fmt.Sprintf("forward: layer %d", phase-2)
	}
	return fmt.Sprintf("back: layer %d", 2*depth+1-phase)
}

func (f *Frame) outputNames() []string {
	e := f.Fit.Encoding
	if e.Task == data.Binary {
		return []string{e.Targets[0].Name + " = " + e.Targets[0].Classes[1]}
	}
	return e.OutputNames()
}

// Curve is the loss over the whole run, with the present marked.
func (f *Frame) Curve(width, height int) plot.Chart {
	ch := LossCurve(f.History, 0)
	ch.Width, ch.Height = width, height
	if len(ch.Series) == 1 {
		ch.Series[0].Name = "" // the axis says it
	}
	if len(f.History) > 0 {
		ch.Mark = &plot.Mark{X: float64(f.Epoch), Label: "now"}
	}
	return ch
}
