package lab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// focused describes the element with the focus.
const focused = `(() => { const e = document.activeElement; return e === document.body ? 'nothing' : e.id || (e.dataset.do + ' ' + (e.getAttribute('aria-label') || e.textContent.trim())); })()`

// The keyboard keeps its place. The pressed element keeps the focus. If it can no longer be used, an element
// near it gets the focus.
func TestKeyboardKeepsItsPlace(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("lesson")
	p.click("#lesson-open")
	for _, selector := range []string{
		"[data-do=sample]", "[data-do=batch]", "[data-do=epoch]", "[data-do=back]", "[data-do=row][aria-label='next row']", "[data-do=row][aria-label='previous row']",
		"[data-do=phase][data-by='1']", ".stops [data-step='3']", "#lesson-next", "#group-look", "#tab-unit", "#tab-weight", "#digits", "#speed",
	} {
		js[any](p, `document.querySelector("`+selector+`").focus(); null`)
		before := js[string](p, focused)
		if selector == "#speed" || selector == "#digits" {
			js[any](p, `press(document.activeElement); null`)
		} else {
			p.do(chromedp.KeyEvent("\r"))
		}
		p.settled()
		after := js[string](p, focused)
		if after != before && !js[bool](p, `[...document.querySelectorAll("`+selector+`")].every((e) => e.disabled)`) || after == "nothing" {
			t.Errorf("%s: the focus goes from %q to %q", selector, before, after)
		}
	}
	// An element that can no longer be pressed gives the focus to one near it.
	p.click("[data-do=batch]")
	js[any](p, `document.querySelector("[data-do=goto]").focus(); null`)
	p.do(chromedp.KeyEvent("\r"))
	p.settled()
	p.until("document.getElementById('update').textContent === '0'")
	if now := js[string](p, focused); !js[bool](p, "document.getElementById('controls').contains(document.activeElement)") {
		t.Errorf("after going to the start the focus is on %q", now)
	}
}

// The tab key stops once at the tabs and once at the picture. The arrow keys move inside them, and
// the first stop leads past them.
func TestStopsOfTheTabKey(t *testing.T) {
	p := openTab(t, Options{})
	for _, group := range []string{"#tabs", "#parts", "#picture"} {
		if n := js[int](p, `document.querySelectorAll("`+group+` [tabindex='0']").length`); n != 1 {
			t.Errorf("%s has %d stops, want 1", group, n)
		}
	}
	js[any](p, `document.querySelector("#picture [tabindex='0']").focus(); null`)
	seen := map[string]bool{js[string](p, "document.activeElement.id"): true}
	for _, key := range []string{"ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"} {
		js[any](p, `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: '`+key+`', bubbles: true })); null`)
		now := js[string](p, "document.activeElement.id")
		if !strings.HasPrefix(now, "edge-") && !strings.HasPrefix(now, "unit-") {
			t.Errorf("%s leads to %q, want an edge or a unit", key, now)
		}
		seen[now] = true
	}
	if len(seen) < 3 {
		t.Errorf("the arrow keys reach only %v, want 3 elements or more", seen)
	}
	if n := js[int](p, `document.querySelectorAll("#picture [tabindex='0']").length`); n != 1 {
		t.Errorf("after the arrow keys the picture has %d stops, want 1", n)
	}
	if first := js[string](p, `document.querySelector("a, button, input, select").className`); first != "skip" {
		t.Errorf("the first stop is %q, want skip", first)
	}
}

// On every panel, everything that can be clicked is at least 24 pixels large.
func TestTargetsAreLargeEnough(t *testing.T) {
	p := openTab(t, Options{})
	p.click("[data-do=batch]")
	for _, tab := range tabs {
		p.tab(tab.Name)
		for _, small := range js[[]string](p, `[...document.querySelectorAll('button, a[href], input:not(#file), select, summary')].filter((e) => !e.matches('.skip') && e.checkVisibility()).flatMap((e) => {
			const b = e.getBoundingClientRect();
			return b.width < 23.9 || b.height < 23.9 ? [e.outerHTML.slice(0, 90) + ' ' + b.width + ' x ' + b.height] : []; })`) {
			t.Errorf("%s: %s", tab.Name, small)
		}
	}
}

// A screen reader announces the update and the loss.
func TestLiveRegion(t *testing.T) {
	p := openTab(t, Options{})
	p.click("[data-do=batch]")
	if got, want := p.text("#live"), "update 1, loss "+p.text("#loss"); got != want {
		t.Errorf("the live region says %q, want %q", got, want)
	}
}

// The tab key and Enter are enough for the whole lesson, from the printed address to the last tick. The element with the
// focus is always in view and at most a dozen stops away.
func TestLessonByKeyboardAlone(t *testing.T) {
	const most = 12
	p := openFirst(t)
	longest := 0
	to := func(id string) {
		t.Helper()
		ways := 0
		for js[string](p, "document.activeElement.id") != id {
			if ways++; ways > 60 {
				t.Fatalf("the tab key does not lead to #%s", id)
			}
			p.do(chromedp.KeyEvent("\t"))
		}
		if longest = max(longest, ways); ways > most {
			t.Errorf("it takes %d stops to reach #%s, want at most 12", ways, id)
		}
		p.frame()
		if !js[bool](p, `(() => { const e = document.activeElement, b = e.getBoundingClientRect(), at = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2); return !!at && e.contains(at); })()`) {
			t.Errorf("#%s has the focus and is not in view: %s", id, js[string](p, "JSON.stringify([document.activeElement.getBoundingClientRect(), document.getElementById('panel').getBoundingClientRect(), document.getElementById('panel').scrollTop])"))
		}
		p.do(chromedp.KeyEvent("\r"))
	}
	p.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r")) // past everything to the panel
	to("door-lesson")
	for n := 1; n <= stops; n++ {
		p.until(fmt.Sprintf("document.querySelector('#panel h2').textContent.startsWith('%d. ')", n))
		p.settled()
		to(fmt.Sprintf("answer-%d", guide[n-1].Right))
		p.until("document.getElementById('because')")
		p.settled()
		if n < stops {
			to("lesson-on")
		}
	}
	if done := js[int](p, "document.querySelectorAll('.stops .done').length"); done != stops {
		t.Errorf("%d of %d steps are ticked", done, stops)
	}
	t.Logf("the longest way took %d stops", longest)
}

// After a guess at a fault, the page shows what happened.
func TestGuessLeadsToWhatCame(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("faults")
	p.click("#fault-rate")
	js[any](p, "document.getElementById('guess-0').focus(); null")
	p.do(chromedp.KeyEvent("\r"))
	p.until("document.activeElement.id === 'revealed'")
}
