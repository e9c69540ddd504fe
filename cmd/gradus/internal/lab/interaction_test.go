package lab

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// middle scrolls an element into view and returns its middle.
func (p *tabPage) middle(selector string) (x, y float64) {
	p.t.Helper()
	at := js[[]float64](p, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({ block: 'nearest', behavior: 'instant' }); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()`, selector))
	return at[0], at[1]
}

// point moves the mouse to an element, where it stays.
func (p *tabPage) point(selector string) {
	p.t.Helper()
	x, y := p.middle(selector)
	p.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y))
}

// What a pointer or the focus highlights stays highlighted when a frame changes the picture, the
// formula or anything else, as long as pointer and focus stay.
func TestLightStays(t *testing.T) {
	p := openTab(t, Options{})
	p.click("[data-do=batch]")
	factor, unit := "[data-ties='unit-1-0']", "#unit-1-0"
	lit := func(what string) {
		t.Helper()
		p.until(fmt.Sprintf(`document.querySelector("%s").classList.contains('tied') && document.querySelector("%s").classList.contains('tied')`, factor, unit))
		for range 2 { // the browser reacts to a change with a frame
			p.frame()
			if !js[bool](p, fmt.Sprintf(`document.querySelector("%s").classList.contains('tied') && document.querySelector("%s").classList.contains('tied')`, factor, unit)) {
				t.Errorf("the highlight goes out after %s", what)
				return
			}
		}
	}
	frames := func(how string) {
		t.Helper()
		for what, act := range map[string]string{
			"a part of the pass": "act('phase', { to: 5 })", "an update": "act('batch')", "all digits": "act('digits', { on: true })",
		} {
			js[any](p, act+"; null")
			p.settled()
			lit(how + " and " + what)
		}
	}
	p.point(factor)
	lit("a pointer on the factor")
	frames("a pointer on the factor")
	p.point("#unit-1-0")
	lit("a pointer on the unit")
	frames("a pointer on the unit")
	p.point("h1")
	p.until("!document.querySelector('.tied')")
	js[any](p, "document.getElementById('unit-1-0').focus(); null")
	lit("the focus on the unit")
	p.point("h1")
	frames("the focus on the unit")
}

// A click works although frames come between pressing and releasing the button, as they do ten times a
// second in a run. This holds for a button in a panel that changes and for a weight in the picture.
func TestPressLastsOverFrames(t *testing.T) {
	p := openFirst(t)
	p.until("running && at > 2")
	press := func(selector string) {
		t.Helper()
		x, y := p.middle(selector)
		p.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y), chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonType(input.MouseButtonLeft), chromedp.ClickCount(1)))
		p.until(fmt.Sprintf("at > %d", js[int](p, "at")+3))
		p.do(chromedp.MouseEvent(chromedp.MouseReleased, x, y, chromedp.ButtonType(input.MouseButtonLeft), chromedp.ClickCount(1)))
		p.settled()
	}
	press("#unit-0-2")
	if tab := js[string](p, "document.getElementById('panel').dataset.tab"); tab != "unit" {
		t.Errorf("a press on a unit leads to the panel %q, want unit", tab)
	}
	press("#unit-in [data-weight='0.0.2']")
	if tab := js[string](p, "document.getElementById('panel').dataset.tab"); tab != "weight" {
		t.Errorf("a press in a panel leads to the panel %q, want weight", tab)
	}
	p.tab("start")
	press("#door-lesson")
	if tab := js[string](p, "document.getElementById('panel').dataset.tab"); tab != "lesson" {
		t.Errorf("a press on the lesson's button leads to the panel %q, want lesson", tab)
	}
}
