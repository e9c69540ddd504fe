package lab

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// The number at the top, the curve, history.csv and a race's lane of the run's own method show
// one loss at one update.
func TestOneLoss(t *testing.T) {
	for _, example := range []string{"notebook", "notebook-stochastic", "circles"} {
		p := openTab(t, Options{})
		p.choose("example", example)
		shown := map[int]float64{0: p.value("#loss")}
		for range 3 {
			p.click("[data-do=epoch]")
			update, _ := strconv.Atoi(p.text("#update"))
			shown[update] = p.value("#loss")
		}
		p.tab("race")
		p.click("#race")
		p.until("document.getElementById('lanes')")
		f := p.session().Frame()
		raced := f.Jobs["race"].result.(*Raced)
		curve := f.Curve(0, 0).Series[0]
		rows := strings.Split(strings.TrimSpace(string(p.get("/history.csv"))), "\n")[1:]
		if len(rows) != 4 || len(curve.X) != 4 {
			t.Fatalf("%s: history.csv has %d rows, the curve %d points", example, len(rows), len(curve.X))
		}
		own := f.Fit.Config().Method
		for i, row := range rows {
			cells := strings.Split(row, ",")
			update, _ := strconv.Atoi(cells[1])
			loss, _ := strconv.ParseFloat(cells[2], 64)
			want, ok := shown[update]
			if !ok {
				t.Errorf("%s: history.csv has the update %d", example, update)
			}
			same(t, example+": history.csv's loss after update "+cells[1], loss, want)
			same(t, example+": the curve's loss after update "+cells[1], curve.Y[i], want)
			for k, lane := range raced.Lanes {
				if point := raced.Tracks[k].Points[i]; lane.Config.Method == own && math.Abs(point.Loss-want) > 1e-13*want {
					t.Errorf("%s: the lane %s has the loss %v after update %d, the page %v", example, lane.Name, point.Loss, point.Updates, want)
				}
			}
		}
	}
}
