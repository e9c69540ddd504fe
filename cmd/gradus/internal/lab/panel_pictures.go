package lab

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

	"github.com/gradus-ml/gradus/plot"
)

// The panels with pictures: Verify, Race and Surface, which show background work, and Fit and
// Health.

// Job returns the state of background work, or "" if it was never requested.
func (p panelData) Job(name string) string {
	j, ok := p.Jobs[name]
	switch {
	case !ok:
		return ""
	case j.busy:
		return "busy"
	case j.err != nil:
		return "failed"
	}
	return "done"
}

// JobError says what went wrong with a job.
func (p panelData) JobError(name string) string { return p.Jobs[name].err.Error() }

// JobAt returns the update whose weights a job examined.
func (p panelData) JobAt(name string) int { return p.Jobs[name].at }

// Verified, Raced and Surface are the results of the jobs that are done.
func (p panelData) Verified() *Verified { v, _ := p.Jobs["verify"].result.(*Verified); return v }
func (p panelData) Raced() *Raced       { r, _ := p.Jobs["race"].result.(*Raced); return r }
func (p panelData) Surface() *Surface   { s, _ := p.Jobs["surface"].result.(*Surface); return s }
func (p panelData) Written() *Written   { w, _ := p.Jobs["report"].result.(*Written); return w }

// VerifiedCurve and the similar methods draw the panels' pictures.
func (p panelData) VerifiedCurve() template.HTML {
	return template.HTML(svg(p.Verified().Curve(p.View.size(sideWidth, 300))))
}

func (p panelData) RaceChart() template.HTML {
	width, height := p.View.size(sideWidth, sideHeight)
	return template.HTML(svg(p.Raced().Chart(p.View.Axis, width, height)))
}

func (p panelData) SurfacePicture() template.HTML {
	fig := p.Surface().Field
	fig.Width, fig.Height = p.View.size(sideWidth, 520)
	return template.HTML(svg(fig))
}

func (p panelData) PlanePicture() (template.HTML, error) {
	fig, err := p.Plane(p.View.size(sideWidth, 440))
	if err != nil || fig == nil {
		return "", err
	}
	return template.HTML(svg(fig)), nil
}

func (p panelData) PredictedPicture(r *Fitted) template.HTML {
	return template.HTML(svg(r.Predicted(p.View.size(sideWidth, 330))))
}

func (p panelData) ResidualsPicture(r *Fitted) template.HTML {
	return template.HTML(svg(r.Residuals(p.View.size(sideWidth, 260))))
}

// Counted says how rows count in the scores, unless each row counts once in both the scores and the
// loss.
func (p panelData) Counted(r *Fitted) string {
	classes := len(p.Setup.Options.ClassWeight) > 0
	switch {
	case r.Weights != "" && classes:
		return "Here a row counts as much as " + r.Weights + " says; the class weights count only in the loss."
	case r.Weights != "":
		return "Here, as in the loss, a row counts as much as " + r.Weights + " says."
	case classes:
		return "Here every row counts once; the class weights count only in the loss."
	}
	return ""
}

// Sliced reports whether the plane is a slice: the network sees columns that the plane does not show.
func (p panelData) Sliced() bool {
	at := p.PlaneColumns()
	return at[1] != "" && len(p.others(at[0], at[1])) > 0
}

// ManyClasses reports whether a confusion matrix is too large for the page.
func (p panelData) ManyClasses(f *Fitted) bool { return len(f.Classes) > mostClasses }

// PlaneColumns returns the columns that the plane shows.
func (p panelData) PlaneColumns() (out [2]string) {
	columns := p.NumericColumns()
	for i, name := range []string{p.View.AxisX, p.View.AxisY} {
		if slices.Contains(columns, name) && name != out[0] {
			out[i] = name
			continue
		}
		for _, c := range columns {
			if c != out[0] {
				out[i] = c
				break
			}
		}
	}
	return out
}

// RaceKind, RaceAxis and PlaneKind return the visitor's choice, or the first of the possible ones.
func (p panelData) RaceKind() string { return cmp.Or(p.View.Race, raceMethods) }

func (p panelData) RaceAxis() string { return cmp.Or(p.View.Axis, "epochs") }

func (p panelData) PlaneKind() string { return cmp.Or(p.View.Plane, "principal") }

// choice is one of several buttons. One of them is pressed.
type choice struct{ Name, Label string }

func (p panelData) RaceKinds() []choice {
	return []choice{{raceMethods, "methods"}, {raceOptimizers, "optimizers"}, {raceRates, "rates"}}
}

func (p panelData) RaceAxes() []choice {
	return []choice{{"epochs", "epochs"}, {"updates", "updates"}, {"gradients", "gradient evaluations"}, {"seconds", "seconds"}}
}

func (p panelData) Planes() []choice {
	return []choice{{"principal", "principal directions"}, {"random", "random directions"}, {"weights", "two weights"}}
}

// HealthBars compares the layers.
func (p panelData) HealthBars(h Health) template.HTML {
	b := plot.Profile{Log: true}
	b.Width, _ = p.View.size(sideWidth, sideHeight)
	gradient, weight, activation := plot.Measure{Name: "gradient"}, plot.Measure{Name: "weights"}, plot.Measure{Name: "mean |a|"}
	for _, l := range h.Layers {
		b.Labels = append(b.Labels, fmt.Sprintf("layer %d", l.Layer))
		gradient.Values, weight.Values = append(gradient.Values, l.Gradient), append(weight.Values, l.Weight)
		activation.Values = append(activation.Values, l.MeanA)
	}
	b.Measures = []plot.Measure{gradient, weight, activation}
	return template.HTML(svg(b))
}

// Pictures lists the pictures that can be downloaded.
func (p panelData) Pictures() []choice {
	out := []choice{{"network", "network with the chosen row"}, {"loss", "loss"}}
	if len(p.NumericColumns()) > 0 {
		out = append(out, choice{"fit", "fit"})
	}
	if r := p.Raced(); r != nil {
		out = append(out, choice{"race", "race"})
	}
	if p.Surface() != nil {
		out = append(out, choice{"surface", "surface"})
	}
	if p.Verified() != nil {
		out = append(out, choice{"check", "error over h"})
	}
	return out
}
