package lab

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// TestRaceOnThePage races lanes from identical weights and shows them against four measures of work.
func TestRaceOnThePage(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("race")
	p.click("#race")
	p.until("document.getElementById('lanes')")
	f := p.session().Frame()
	lanes, _, err := f.lanes(raceMethods)
	if err != nil {
		t.Fatal(err)
	}
	tracks, err := lesson.Race(ctx, f.Start, f.data(), lanes, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := js[[][]string](p, `[...document.querySelectorAll('#lanes tbody tr')].map((r) => [...r.children].map((c) => c.dataset.value || c.textContent))`)
	if len(rows) != 3 {
		t.Fatalf("got %d lanes, want 3", len(rows))
	}
	for i, track := range tracks {
		last := track.Points[len(track.Points)-1]
		want := []string{track.Name, full(4 * last.Loss), track.Reason, strconv.Itoa(last.Epoch), strconv.Itoa(last.Updates), strconv.Itoa(last.Rows), rows[i][6]} // the page has the sum over the four rows, as at the top
		if !slices.Equal(rows[i], want) {
			t.Errorf("lane %d is %v on the page and %v in the library", i, rows[i], want)
		}
	}
	for _, axis := range []choice{{"updates", "updates"}, {"gradients", "gradient evaluations"}, {"seconds", "seconds"}, {"epochs", "epochs"}} {
		p.click("#axis-" + axis.Name)
		if text := p.text("#race-chart svg"); !strings.Contains(text, axis.Label) {
			t.Errorf("the axis %s is not labeled %q", axis.Name, axis.Label)
		}
	}
	p.drawn("#race-chart", svg(p.session().Frame().Jobs["race"].result.(*Raced).Chart("epochs", sideWidth, sideHeight)))
	p.screen("race")
	p.click("#race-optimizers")
	p.until("document.getElementById('lanes') && document.querySelector('#lanes tbody').rows.length === 4")
}
