package lab

import (
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// Frame is all that the page shows of a session at one moment. It is taken while the run
// is at rest and drawn while the run goes on: nothing in it changes afterwards.
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
	Goal            int            // the update that the run is moving to, if that is far away; 0: none
	Next            []int          // rows of the next update
	Preview         *train.Preview // what that update does to the chosen weight, if the page shows it
	Seen            int            // how many of those rows were already looked at
	Last            train.Step
	Rate            float64   // of the next update
	Ahead           []float64 // the parameters after the next update, if the page shows what it changes
	Loss            float64   // over all training rows after update LossAt; for a large network on many rows, the last measured
	LossAt          int
	Ended           string
	Note            string
	Failed          bool
	Running         bool
	Speed           Speed
	Breaks          Breakpoints
	Broke           string // the breakpoint that ended the last motion
	View            View
	History         train.History // by epochs
	Course          train.History // by updates
	Moved           []float64
	Trail           trail
	Jobs            map[string]job
	Findings        []option.Finding // the engine's diagnosis, if the page shows it and the run is at rest
	Sha             string           // of the weights, if the page shows it
	Revealed        string           // the outcome of a fault

	examined  *Health
	fitted    *Fitted
	explained *lesson.Explanation
	troubled  error
}

// far is the number of updates from which on the page shows the progress of a move.
const far = 200

// costly is the number of multiply-adds from which on a frame leaves out the pass over all rows.
const costly = 200e6

// Frame returns the frame of the present moment.
func (s *Session) Frame() *Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frame()
}

// frame is like Frame, but mu is held.
func (s *Session) frame() *Frame {
	r := &s.run
	f := &Frame{
		Version: s.version, Setup: s.setup, Table: s.table, Print: s.print, Fit: r.fit, Start: s.start, Net: r.fit.Network(),
		Training: s.training, Validation: s.validation, Test: s.test,
		At: r.at, Most: s.most, Next: r.fit.NextRows(), Seen: s.seen, Last: r.last, Ended: r.ended,
		Note: s.note, Failed: s.failed, Running: s.running && r.ended == "", Speed: s.speed, Breaks: s.breaks, Broke: s.broke, View: s.view,
		Moved: s.moved, Jobs: map[string]job{}, Revealed: s.revealed,
		Trail: trail{steps: append([]int(nil), s.trail.steps...), params: append([][]float64(nil), s.trail.params...)},
	}
	if s.running && s.goal > r.at+far {
		f.Goal = s.goal
	}
	f.Rate, f.Loss = r.fit.NextRate(), math.NaN()
	if passWork(f.Net, s.training) < costly {
		result := r.fit.Result()
		f.Loss, f.LossAt, f.Epoch = result.Loss, r.at, result.Epochs
	} else {
		if f.Epoch = r.last.Epoch; f.Epoch > 0 && !r.last.EpochEnd {
			f.Epoch--
		}
		for _, p := range s.history {
			if p.Steps <= r.at {
				f.Loss, f.LossAt = p.Loss, p.Steps
			}
		}
	}
	f.History, f.Course = s.history, s.course
	if len(f.Next) > 0 && len(f.Next) <= mostComputed && len(f.Next)*len(f.Net.Params()) < costly {
		switch s.view.tab() {
		case "weight", "lesson":
			w := s.view.Weight
			if i, err := f.Net.Index(w.Layer, w.In, w.Unit); err == nil {
				if p, ok := r.fit.Preview(i); ok {
					f.Preview = &p
				}
			}
		case "health":
			f.Ahead = r.fit.Ahead()
		}
	}
	if s.view.tab() == "health" && !s.running {
		f.Findings = option.Findings(r.fit.Diagnose())
		if r.ended == "" { // what a run failed to reach is reported when it has ended
			f.Findings = slices.DeleteFunc(f.Findings, func(found option.Finding) bool {
				return found.Code == diagnosis.Unfinished || found.Code == diagnosis.Plateau
			})
		}
	}
	if s.view.tab() == "share" && !s.running {
		f.Sha = r.fit.Unscored().WeightsSHA256()
	}
	for name, j := range s.jobs {
		f.Jobs[name] = *j
	}
	return f
}

// Explain returns the chain rule of the chosen weight on the chosen sample, as the engine computes it.
func (f *Frame) Explain() (*lesson.Explanation, error) {
	if f.explained == nil && f.troubled == nil {
		c := f.Fit.Config()
		w := f.View.Weight
		f.explained, f.troubled = lesson.Explain(f.Net, lesson.ExplainOptions{
			Loss: c.Loss, Rule: c.Optimizer, Rate: f.Rate, Weight: &w, Batch: f.batch(),
		}, f.Training.X.Row(f.View.Row), f.Training.Y.Row(f.View.Row))
	}
	return f.explained, f.troubled
}

// phases returns the number of pictures for the pass over a sample: the inputs, each layer forward,
// and each layer's deltas back.
func (f *Frame) phases() int { return 1 + 2*f.Net.Depth() }

// Picture draws the network with the chosen sample and weight. Phase 1 shows only the inputs. Each
// further phase adds the values of the next layer and then, from the last layer back, the deltas.
func (f *Frame) Picture(width, height int) plot.Net {
	fig := plot.Net{Bare: true, Width: width, Height: height, Inputs: f.Fit.Encoding.InputNames(), Outputs: f.guessNames()}
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
	e, err := f.Pass()
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
		fig.Layers[l].Signs = f.signs(l)
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

// guessNames returns the outputs' names as labels of predictions: ŷ replaces y, the symbol of the target.
func (f *Frame) guessNames() []string {
	names := slices.Clone(f.outputNames())
	for i, name := range names {
		if name == "y" {
			names[i] = "ŷ"
		}
	}
	return names
}

// Curve draws the loss over the whole run, update by update, with the present marked.
func (f *Frame) Curve(width, height int) plot.Chart {
	course := slices.Clip(f.Course)
	if n := len(course); n > 0 && f.LossAt == f.At && f.At > course[n-1].Steps {
		course = append(course, train.Point{Steps: f.At, Loss: f.Loss})
	}
	ch := lossChart("update", func(p train.Point) int { return p.Steps }, course, f.History)
	ch.Width, ch.Height = width, height
	if len(ch.Series) == 1 {
		ch.Series[0].Name = "" // the axis says it
	}
	if n := len(course); n > 0 {
		ch.Mark = &plot.Mark{X: float64(min(f.At, course[n-1].Steps)), Label: "now"}
	}
	return ch
}
