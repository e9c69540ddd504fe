package lab

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestLesson goes through the lesson's ten steps, each on the live network.
func TestLesson(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("lesson")
	p.click(".lesson [data-do=lesson]") // opens step 1, which is on another network
	for n := 1; n <= 10; n++ {
		p.until(fmt.Sprintf("document.querySelector('#panel h2').textContent.startsWith('%d. ')", n))
		if said := p.text("#panel"); strings.Contains(said, guide[n-1].Because) {
			t.Errorf("step %d tells the answer before the guess", n)
		}
		p.click(fmt.Sprintf("#answer-%d", guide[n-1].Right))
		if got := p.text("#because"); !strings.HasPrefix(got, "Just so.") {
			t.Errorf("step %d calls the right guess %q", n, got)
		}
		if done := js[string](p, `document.querySelector('.stops [aria-pressed=true]').className`); done != "done" {
			t.Errorf("step %d is answered and has no tick", n)
		}
		e, err := p.session().Frame().Explain()
		if err != nil {
			t.Fatal(err)
		}
		text := js[string](p, "document.querySelector('.lesson').innerHTML")
		var want float64
		switch n {
		case 1:
			want = e.Loss
		case 2:
			want = e.Layers[0].Z[0]
		case 4, 5:
			want = e.Paths[0].Product
		case 6:
			want = e.Update.After
		default:
			want = math.NaN()
		}
		if want == want && !strings.Contains(text, full(math.Abs(want))) && !strings.Contains(text, full(want)) {
			t.Errorf("step %d lacks the number %v:\n%s", n, want, text)
		}
		switch n {
		case 6: // the update is the announced one
			p.click("[data-do=batch]")
			same(t, "the updated weight", p.session().Frame().Net.Params()[e.Index], e.Update.After)
			p.screen("lesson")
		case 7:
			for range 4 {
				p.click("[data-do=sample]")
			}
			if p.text("#update") != "1" {
				t.Error("after four rows the batch has made no update")
			}
		case 10:
			p.choose("speed", "full")
			p.click("#run")
			p.until("document.getElementById('note').textContent.includes('within the tolerance')")
			p.settled()
			if marks := strings.Count(p.text("#within"), "✓"); marks != 4 {
				t.Errorf("%d of 4 rows are within the tolerance at the end", marks)
			}
		}
		if n < 10 {
			p.click("#lesson-next")
		}
	}
}
