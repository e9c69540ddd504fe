package lab

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// visited returns a session at a step of the lesson.
func visited(t *testing.T, n int) (*Session, *Frame) {
	t.Helper()
	s := newSession(t, "notebook")
	if err := s.Visit(n); err != nil {
		t.Fatal(err)
	}
	return s, s.Frame()
}

// losses returns the losses at the start and after the first epochs of an example, and why its run ended.
func losses(t *testing.T, example string, epochs int) (out []float64, ended string) {
	t.Helper()
	f := exampleRun(t, example)
	out = append(out, f.Result().Loss)
	for step, err := range f.Steps(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if step.EpochEnd {
			if out = append(out, f.Result().Loss); len(out) > epochs {
				return out, ""
			}
		}
	}
	return out, f.Result().Reason
}

// rises counts the epochs after which the loss is larger than before, and returns the first of them.
func rises(l []float64) (n, first int) {
	for i := 1; i < len(l); i++ {
		if l[i] > l[i-1] {
			if n++; first == 0 {
				first = i
			}
		}
	}
	return n, first
}

// The answers that the lesson calls right hold for the run of each step. The test also checks what the
// texts say about a run.
func TestLessonSaysWhatIsSo(t *testing.T) {
	choices := func(n int, truth string) {
		t.Helper()
		stop := guide[n-1]
		if got := stop.Choices[stop.Right]; !strings.Contains(got, truth) {
			t.Errorf("step %d calls %q right, want an answer with %q", n, got, truth)
		}
		for i, c := range stop.Choices {
			if i != stop.Right && strings.Contains(c, truth) {
				t.Errorf("step %d: %q is right as well", n, c)
			}
		}
	}
	_, f := visited(t, 1)
	e, err := f.Explain()
	if err != nil {
		t.Fatal(err)
	}
	y, out := e.Outputs[0].Target, e.Outputs[0].Output
	if !strings.Contains(guide[0].Ask, fmt.Sprintf("ŷ = %.2f, and y = %.1f", out, y)) {
		t.Errorf("step 1 does not have the numbers %v and %v", out, y)
	}
	half := (y - (y-out)/2 - y) * (y - (y-out)/2 - y) / 2
	if math.Abs(half/e.Loss-0.25) > 1e-12 {
		t.Errorf("at half the error the loss is %v times as large, want 0.25", half/e.Loss)
	}
	choices(1, "quarter")
	if l, _ := losses(t, "notebook-one", 3); !(l[3] < l[2] && l[2] < l[1] && l[1] < l[0]) {
		t.Errorf("the losses of the first three updates are %v, want falling ones", l)
	}
	if a, b := nn.Sigmoid.F(3), nn.Sigmoid.F(300); !(a < b && b <= 1) {
		t.Errorf("the sigmoid of 3 and of 300 is %v and %v, want a rise to at most 1", a, b)
	}
	choices(2, "never beyond 1")
	if n := len(e.Paths[0].Factors); n != 3 || len(e.Paths) != 1 {
		t.Errorf("the output's weight has %d factors, want 3", n)
	}
	choices(3, "Three")
	answered := func(n int) string {
		s, _ := visited(t, n)
		if err := s.Answer(guide[n-1].Right); err != nil {
			t.Fatal(err)
		}
		return Render(s.Frame())["panel"]
	}
	_, f3 := visited(t, 3)
	links, text, product := []string{" times as much as a", " times as much as z", " times as much as the weight"}, answered(3), 1.0
	for i, factor := range e.Paths[0].Factors {
		if want := (panelData{f3}).D(factor.Value) + "</b>" + links[i]; !strings.Contains(text, want) {
			t.Errorf("step 3 lacks %q: %s", want, text)
		}
		product *= factor.Value
	}
	if math.Abs(product-e.Gradient) > 1e-15 || f3.View.Weight.String() != "1.0.0" {
		t.Errorf("step 3's factors multiply to %v; the derivative by %s is %v", product, f3.View.Weight, e.Gradient)
	}
	if !(e.Gradient < 0 && out < y && e.Layers[0].A[0] > 0) {
		t.Errorf("step 4: got the gradient %v, the output %v, the target %v and a = %v, want a gradient below 0, an output below the target and a > 0", e.Gradient, out, y, e.Layers[0].A[0])
	}
	choices(4, "Up")
	_, f5 := visited(t, 5)
	e5, err := f5.Explain()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(e5.Paths[0].Factors); n != 5 || len(e5.Paths) != 1 {
		t.Errorf("the hidden layer's weight has %d factors, want 5", n)
	}
	choices(5, "Five")
	if math.Abs(e5.Numeric-e5.Gradient) > 1e-7*math.Abs(e5.Gradient) || !strings.Contains(answered(5), `id="measured" data-value="`+full(e5.Numeric)+`"`) {
		t.Errorf("step 5 measures %v, want the chain rule's %v", e5.Numeric, e5.Gradient)
	}
	_, f6 := visited(t, 6)
	e6, err := f6.Explain()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{fmt.Sprintf("%.3f", e6.Update.Before), fmt.Sprintf("−%.4f", -e6.Gradient), fmt.Sprintf("η = %v", e6.Update.Rate)} {
		if !strings.Contains(guide[5].Ask, want) {
			t.Errorf("step 6 lacks %q", want)
		}
	}
	choices(6, fmt.Sprintf("%.2f", e6.Update.After))
	for a := 0.0; a <= 1; a += 1.0 / 64 {
		if slope := a * (1 - a); slope > 0.25 {
			t.Errorf("a sigmoid's slope is %v, want at most 0.25", slope)
		}
	}

	batch, ended := losses(t, "notebook", 10000)
	if n, first := rises(batch); n != 0 {
		t.Errorf("at rate 3 the batch loss rises in %d epochs, first in epoch %d, want no rise", n, first)
	}
	choices(7, "every epoch")
	if ended != "tolerance" || len(batch)-1 < 2000 || len(batch)-1 > 3000 {
		t.Errorf("the batch run ends by %q after %d epochs, want the tolerance after 2,000 to 3,000", ended, len(batch)-1)
	}
	choices(10, "2,000 and 3,000")
	for _, example := range []string{"notebook-stochastic", "notebook-mini-batch"} {
		l, _ := losses(t, example, 500)
		if n, _ := rises(l); n < 50 || !(l[len(l)-1] < l[0]) {
			t.Errorf("%s: the loss rises in %d of 500 epochs and goes from %v to %v, want 50 rises or more and a lower loss", example, n, l[0], l[len(l)-1])
		}
	}
	choices(8, "now and then")
	jump, _ := losses(t, "notebook-rate-5", 480)
	if n, first := rises(jump); n == 0 || first != 477 || !(jump[100] < batch[100]) {
		t.Errorf("at rate 5 the loss rises in %d epochs, first in epoch %d, want 477; after 100 epochs it is %v, want less than the %v at rate 3", n, first, jump[100], batch[100])
	}
	if _, f := visited(t, 9); len(f.Next) != 2 || f.Training.X.Rows != 4 {
		t.Errorf("an update looks at %d of %d rows, want 2 of 4", len(f.Next), f.Training.X.Rows)
	}
	choices(9, "Two")
	if _, ended := losses(t, "notebook-rate-50", 5000); ended == "tolerance" {
		t.Error("the batch run at rate 50 reaches the tolerance")
	}

	// Rate 3 for the sum over four rows is rate 12 for their mean.
	sum, mean := newSession(t, "notebook"), newSession(t, "notebook")
	if err := mean.Change(map[string]string{"reduction": "mean", "lr": "12"}); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		sum.Batch()
		mean.Batch()
	}
	a, b := sum.Frame().Net.Params(), mean.Frame().Net.Params()
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-12 {
			t.Errorf("weight %d is %v by the sum and %v by the mean", i, a[i], b[i])
		}
	}
	// Per-sample descent forgets the rows before the last.
	forgot := exampleRun(t, "notebook-per-sample")
	for _, err := range forgot.Steps(ctx) {
		if err != nil {
			t.Fatal(err)
		}
	}
	part, _, _, err := forgot.Parts()
	if err != nil {
		t.Fatal(err)
	}
	net := forgot.Network().Predict(part.X)
	off, right := []float64{}, 0
	for i := range net.Rows {
		off = append(off, math.Abs(part.Y.At(i, 0)-net.At(i, 0)))
		if off[i] < 0.001 {
			right++
		}
	}
	if right != 1 {
		t.Errorf("per-sample descent ended by %q with the errors %v, want one row within 0.001", forgot.Result().Reason, off)
	}
}

// In a race of the methods from the lesson's weights, only the loss of batch descent never rises.
func TestRaceShowsWhatTheLessonSays(t *testing.T) {
	_, f := visited(t, 9)
	result, err := race(raceMethods)(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	r := result.(*Raced)
	for i, track := range r.Tracks {
		up := 0
		for j := 1; j < len(track.Points); j++ {
			if track.Points[j].Loss > track.Points[j-1].Loss {
				up++
			}
		}
		if batch := r.Lanes[i].Config.Method == train.Batch; batch != (up == 0) {
			t.Errorf("the loss of the lane %s rises %d times, want 0 for batch and more for the others", track.Name, up)
		}
	}
}

// In the lesson the net, the controls and the question are in view together, also on a phone. The
// keyboard alone is enough for the whole lesson.
func TestLessonStaysInView(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("lesson")
	p.click("#lesson-open")
	for _, size := range [][2]int64{{1280, 800}, {1024, 768}, {390, 844}} {
		p.size(size[0], size[1])
		for _, hidden := range js[[]string](p, `['#picture svg', '#run', '#loss', '.question', '#answer-0'].filter((s) => {
			const b = document.querySelector(s).getBoundingClientRect(); return b.height === 0 || b.top < 0 || b.bottom > innerHeight || b.left < 0 || b.right > innerWidth; })`) {
			t.Errorf("%v: %s is not in view", size, hidden)
		}
	}
	js[any](p, "document.getElementById('answer-1').focus(); null")
	for n := 1; n <= stops; n++ {
		for range 30 { // to the first answer, or past them to the next step
			if js[bool](p, "document.activeElement.dataset.do === 'answer'") {
				break
			}
			p.do(chromedp.KeyEvent("\t"))
		}
		p.do(chromedp.KeyEvent("\r"))
		p.settled()
		if !js[bool](p, "!!document.getElementById('because')") {
			t.Fatalf("step %d takes no answer from the keyboard; the focus is on %s", n, js[string](p, focused))
		}
		// On a phone the answer is in view at once.
		p.until("(() => { const b = document.getElementById('because').getBoundingClientRect(); return b.top >= document.getElementById('panel').getBoundingClientRect().top - 1 && b.bottom <= innerHeight; })()")
		if n < stops {
			js[any](p, "document.getElementById('lesson-next').focus(); null")
			p.do(chromedp.KeyEvent("\r"))
			p.settled()
			p.until(fmt.Sprintf("document.querySelector('#panel h2').textContent.startsWith('%d. ')", n+1))
		}
	}
	if n := js[int](p, "document.querySelectorAll('.stops .done').length"); n != stops {
		t.Errorf("%d of %d steps have a tick", n, stops)
	}
}
