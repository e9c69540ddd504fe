package lab

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
)

// mostReasons is the maximum number of columns that a picture of Shapley values shows.
const mostReasons = 20

// byImportance returns the indices of the columns, with the largest value of size first.
func byImportance(size []float64) []int {
	order := make([]int, len(size))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size[b], size[a]) })
	return order
}

// Explained says what the Shapley values of an output add up to.
func Explained(m *model.Model, s *model.Shapley, output int) string {
	name := s.Outputs[output]
	if m.Classes() == nil && m.Encoding.Targets[output].Classes == nil {
		return name
	}
	if m.Classes() != nil {
		name = m.Targets()[0] + " = " + name
	}
	if s.LogOdds {
		return "log-odds of " + name
	}
	return "probability of " + name
}

// WaterfallFigure shows how the columns of one row lead from the mean prediction to its own.
func WaterfallFigure(m *model.Model, s *model.Shapley, row, output int) plot.Waterfall {
	r := s.Rows[row]
	size := make([]float64, len(s.Columns))
	for c, v := range r.Values[output] {
		size[c] = math.Abs(v)
	}
	w := plot.Waterfall{
		Title:  fmt.Sprintf("Why row %d: %s", r.Row, Explained(m, s, output)),
		XLabel: fmt.Sprintf("%s (Shapley values against %s)", Explained(m, s, output), plural.Of(s.BackgroundRows, "background row")),
		Base:   s.Base[output], From: "mean prediction", To: "prediction",
	}
	others, left := plot.Bar{}, 0
	for i, c := range byImportance(size) {
		bar := plot.Bar{Name: fmt.Sprintf("%s = %s", s.Columns[c], cmp.Or(r.Cells[c], "(missing)")), Value: r.Values[output][c]}
		if r.Errors != nil {
			bar.Spread = r.Errors[output][c]
		}
		if i < mostReasons-1 || len(size) == mostReasons {
			w.Steps = append(w.Steps, bar)
			continue
		}
		others.Value += bar.Value
		left++
	}
	if left > 0 {
		others.Name = plural.Of(left, "other column")
		w.Steps = append(w.Steps, others)
	}
	return w
}

// SwarmFigure shows the Shapley values of many rows, with the most important columns first.
func SwarmFigure(m *model.Model, s *model.Shapley, output int) plot.Swarm {
	fig := plot.Swarm{
		Title:  "What moves the " + Explained(m, s, output),
		XLabel: fmt.Sprintf("Shapley value: how much the cell moves the %s", Explained(m, s, output)),
		Low:    "low cell", High: "high cell",
	}
	if m.Task() == data.Regression {
		fig.Title = "What moves " + Explained(m, s, output)
		fig.XLabel = fmt.Sprintf("Shapley value: how much the cell moves %s", Explained(m, s, output))
	}
	order := byImportance(s.Importance[output])
	for _, c := range order[:min(mostReasons, len(order))] {
		var values, shades []float64
		for _, r := range s.Rows {
			values, shades = append(values, r.Values[output][c]), append(shades, r.Levels[c])
		}
		fig.Names, fig.Values, fig.Shades = append(fig.Names, s.Columns[c]), append(fig.Values, values), append(fig.Shades, shades)
	}
	return fig
}

// PartialFigure shows how the model's predictions depend on one column. Given an output, it also shows that
// output's lines of single rows. Given -1, with several outputs, it shows a curve for each of up to eight. There is
// nothing between two levels of a category or a boolean, so these have dots instead of lines.
func PartialFigure(m *model.Model, p *model.Partial, output int) plot.Chart {
	c := plot.Chart{XLabel: p.Column, Width: smallWidth, Height: smallHeight}
	if output < 0 && len(p.Outputs) == 1 {
		output = 0
	}
	levels := p.Kind == data.KindCategory || p.Kind == data.KindBoolean
	if output < 0 {
		c.YLabel = "mean prediction"
		if m.Task() != data.Regression {
			c.YLabel = "mean probability"
		}
		shown := min(mostCurves, len(p.Outputs))
		for k, name := range p.Outputs[:shown] {
			at := p.At
			if levels {
				at = make([]float64, len(p.At)) // next to the other outputs' dots
				for i, x := range p.At {
					at[i] = x + 0.06*(float64(k)-float64(shown-1)/2)
				}
			}
			c.Series = append(c.Series, plot.Series{Name: name, X: at, Y: p.Mean[k], Dots: levels})
		}
	} else {
		c.YLabel = Explained(m, &model.Shapley{Outputs: p.Outputs}, output)
		for _, line := range p.Lines[output] {
			c.Series = append(c.Series, plot.Series{Name: "single rows", X: p.At, Y: line, Faint: true, Dots: levels})
		}
		c.Series = append(c.Series, plot.Series{Name: fmt.Sprintf("mean of %s", plural.Of(p.Rows, "row")), X: p.At, Y: p.Mean[output], Dots: levels})
	}
	if p.Kind != data.KindNumber {
		for i, at := range p.At {
			c.XTicks = append(c.XTicks, plot.Mark{X: at, Label: p.Cells[i]})
		}
	}
	return c
}
