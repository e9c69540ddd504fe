package plot

import (
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// TestFrame: a tick without a label is half as long as one with a label, and the last label of the x axis stays on the canvas.
func TestFrame(t *testing.T) {
	l := lettering{size: 14, color: ink}
	f := &frame{
		x:     axis{span: span{0, 10}, ticks: []tick{{0, "0"}, {5, ""}, {10, "a long label"}}},
		y:     axis{span: span{0, 1}},
		label: l.style(draw.XCenter, draw.YBottom), xTick: l.style(draw.XCenter, draw.YTop), yTick: l.style(draw.XRight, draw.YCenter),
	}
	var picture recorder.Canvas
	f.draw(draw.NewCanvas(&picture, 300, 200))
	long, short := 0, 0
	for _, a := range picture.Actions {
		switch a := a.(type) {
		case *recorder.Stroke:
			from, to := a.Path[0].Pos, a.Path[1].Pos
			switch {
			case from.X != to.X: // an axis
			case math.Abs(float64(to.Y-from.Y)-tickLength) < 1e-9:
				long++
			case math.Abs(float64(to.Y-from.Y)-tickLength/2.0) < 1e-9:
				short++
			}
		case *recorder.FillString:
			if end := a.Point.X + l.width(a.String); end > vg.Length(300)+1e-9 {
				t.Errorf("the label %q ends at %v, beyond the canvas of 300", a.String, end)
			}
		}
	}
	if long != 2 || short != 1 {
		t.Errorf("%d long ticks and %d short ones; want 2 and 1", long, short)
	}
}
