package lab

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"
)

// At each update, the number at the top, the curve, history.csv and the race's lane with the run's own
// method show the same loss.
func TestOneLoss(t *testing.T) {
	for _, example := range []string{"notebook", "notebook-stochastic", "circles"} {
		p := openTab(t, Options{})
		p.choose("example", example)
		shown := map[int]float64{0: p.value("#loss")}
		ends := map[int]bool{0: true}
		for i, step := range []string{"epoch", "batch", "batch", "epoch", "epoch", "batch"} {
			p.click("[data-do=" + step + "]")
			update, _ := strconv.Atoi(p.text("#update"))
			shown[update] = p.value("#loss")
			ends[update] = step == "epoch" || example == "notebook"
			if got := p.text("#curve"); i == 0 && !strings.Contains(got, "update") {
				t.Errorf("%s: the curve has the labels %q, want an axis of updates", example, got)
			}
		}
		p.tab("race")
		p.click("#race")
		p.until("document.getElementById('lanes')")
		f := p.session().Frame()
		raced := f.Jobs["race"].result.(*Raced)
		curve := f.Curve(0, 0).Series[0]
		rows := strings.Split(strings.TrimSpace(string(p.get("/history.csv"))), "\n")[1:]
		if want := f.At + 1; len(curve.X) != want {
			t.Fatalf("%s: after update %d the curve has %d points", example, f.At, len(curve.X))
		}
		for update, loss := range shown {
			same(t, fmt.Sprintf("%s: the curve's loss after update %d", example, update), curve.Y[update], loss)
			if curve.X[update] != float64(update) {
				t.Errorf("%s: at update %d the curve has %v", example, update, curve.X[update])
			}
		}
		maps.DeleteFunc(ends, func(_ int, end bool) bool { return !end })
		if len(rows) != len(ends) {
			t.Fatalf("%s: history.csv has %d rows, want %d", example, len(rows), len(ends))
		}
		own := f.Fit.Config().Method
		for i, row := range rows {
			cells := strings.Split(row, ",")
			update, _ := strconv.Atoi(cells[1])
			loss, _ := strconv.ParseFloat(cells[2], 64)
			want, ok := shown[update]
			if !ok {
				t.Errorf("%s: history.csv has update %d, which the page did not show", example, update)
			}
			same(t, example+": history.csv's loss after update "+cells[1], loss, want)
			for k, lane := range raced.Lanes {
				if point := raced.Tracks[k].Points[i]; lane.Config.Method == own && math.Abs(point.Loss-want) > 1e-13*want {
					t.Errorf("%s: the lane %s has the loss %v after update %d, the page %v", example, lane.Name, point.Loss, point.Updates, want)
				}
			}
		}
	}
}
