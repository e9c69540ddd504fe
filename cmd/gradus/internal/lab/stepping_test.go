package lab

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestStepping steps by sample, batch and epoch, runs and pauses, and goes back along the timeline.
func TestStepping(t *testing.T) {
	p := openTab(t, Options{})
	p.choose("example", "notebook-mini-batch")
	check := func(updates int) {
		t.Helper()
		if got := p.text("#update"); got != strconv.Itoa(updates) {
			t.Fatalf("at update %s, want %d", got, updates)
		}
		f := exampleRun(t, "notebook-mini-batch")
		forward(t, f, updates)
		same(t, "the loss after update "+strconv.Itoa(updates), p.value("#loss"), f.Result().Loss)
	}
	check(0)
	p.click("[data-do=sample]")
	check(0)
	p.click("[data-do=sample]")
	check(1)
	p.click("[data-do=batch]")
	check(2)
	p.click("[data-do=epoch]")
	check(4)
	p.click("[data-do=back]")
	check(3)
	p.choose("speed", "full")
	p.click("#run")
	p.until("Number(document.getElementById('update').textContent) > 1000")
	p.click("#run")
	at, err := strconv.Atoi(p.text("#update"))
	if err != nil {
		t.Fatal(err)
	}
	check(at)
	scrub := func(n int) {
		t.Helper()
		js[any](p, fmt.Sprintf(`{ const e = document.getElementById('timeline'); e.value = %d; e.dispatchEvent(new Event('input', { bubbles: true })); null }`, n))
		p.until(fmt.Sprintf("scrubbing === 0 && document.getElementById('update').textContent === '%d'", n))
	}
	for _, n := range []int{at / 2, 17, 0, at, 3} {
		scrub(n)
		check(n)
	}
	if most := js[string](p, "document.getElementById('timeline').max"); most != strconv.Itoa(at) {
		t.Errorf("the timeline ends at %s, want the run's farthest update %d", most, at)
	}
	js[any](p, "document.getElementById('timeline').focus(); null")
	p.do(chromedp.KeyEvent(kb.ArrowLeft))
	p.until("scrubbing === 0 && document.getElementById('update').textContent === '2'")
	check(2)
	js[any](p, "document.activeElement.blur(); null")
	p.do(chromedp.KeyEvent("s"), chromedp.KeyEvent("s"))
	p.until("document.getElementById('update').textContent === '3'")
	check(3)

	p.tab("health")
	p.write("break-loss", "0.0945")
	p.click("#run")
	p.until("document.getElementById('note').textContent.includes('Breakpoint')")
	p.settled()
	if loss := p.value("#loss"); loss > 0.0945 {
		t.Errorf("the breakpoint at 0.0945 fired at %v", loss)
	}
	stopped, err := strconv.Atoi(p.text("#update"))
	if err != nil {
		t.Fatal(err)
	}
	check(stopped)
	p.screen("breakpoint")
	p.click("[data-do=epoch]") // the breakpoint lets it continue
	check(stopped + 2 - stopped%2)
	p.click("[data-do=back]")
	p.click("#break-none")
	if js[string](p, "document.getElementById('break-loss').value") != "" {
		t.Error("the breakpoint is not cleared")
	}
	p.write("break-weight", "2")
	p.click("#run")
	p.until("document.getElementById('note').textContent.includes('Breakpoint: the weight')")
	p.settled()
	p.click("#clear-this")
	if js[string](p, "document.getElementById('break-weight').value") != "" || p.text("#note") != "" {
		t.Error("the breakpoint is not cleared by the button in its note")
	}
}
