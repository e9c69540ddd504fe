package lab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// openFirst opens the page at the printed address, as a first visitor does.
func openFirst(t *testing.T) *tabPage {
	t.Helper()
	s, web := newServer(t, Options{})
	return openURL(t, s, web+"/")
}

// The page opens on a network that learns by itself, with a picture in every hidden unit, and
// with two buttons: for the lesson and for the visitor's own table.
func TestOpensOnSomethingThatMoves(t *testing.T) {
	p := openFirst(t)
	p.until("running && at > 2")
	before := js[string](p, "document.getElementById('panel').innerHTML + document.getElementById('picture').innerHTML")
	p.until(fmt.Sprintf("at > %d", js[int](p, "at")+5))
	if after := js[string](p, "document.getElementById('panel').innerHTML + document.getElementById('picture').innerHTML"); after == before {
		t.Error("the picture does not change while the run goes on")
	}
	if n, units := js[int](p, "document.querySelectorAll('#picture .learned').length"), 6; n != units {
		t.Errorf("%d of %d hidden units show what they have learned", n, units)
	}
	p.until("at > 600")
	p.click("#run")
	p.until("!running")
	p.screen("opens")
	// The small pictures are those of the current weights.
	f := p.session().Frame()
	width, height := f.View.netSize()
	want, err := f.learned(f.Picture(width, height).Places())
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(want, `"/>`)
	_, first, _ = strings.Cut(first, `href="`)
	if got := js[string](p, "document.querySelector('#picture .learned').getAttribute('href')"); got != first || len(got) < 100 {
		t.Error("a unit's picture does not show its weights")
	}
	p.click("#door-lesson")
	p.until("document.querySelector('#panel h2').textContent.startsWith('1. ')")
	if got := p.text("#update"); got != "0" {
		t.Errorf("the lesson begins at update %s, want 0", got)
	}
}

// A visitor who wants no motion finds the same page at rest.
func TestOpensAtRestForReducedMotion(t *testing.T) {
	p := openTab(t, Options{})
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	}); err != nil {
		t.Fatal(err)
	}
	base, _, _ := strings.Cut(p.url, "?")
	p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(base), chromedp.WaitVisible("#door-lesson"))
	if f := p.session().Frame(); f.Running || f.At != 0 {
		t.Errorf("the run moved by itself to update %d, want 0", f.At)
	}
}

// All groups of panels are visible and can be clicked, also on a phone and at a width of 1024 pixels.
func TestGroupsFit(t *testing.T) {
	p := openTab(t, Options{})
	for _, width := range []int64{1280, 1024, 390} {
		p.size(width, 800)
		for _, cut := range js[[]string](p, `[...document.querySelectorAll('#tabs button, #parts button, #controls button')].flatMap((e) => {
			const b = e.getBoundingClientRect(), at = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2);
			return b.left < 0 || b.right > innerWidth || b.height < 23.9 || b.width < 23.9 || b.top < innerHeight && at !== e && !e.contains(at) ? [e.textContent + ' ' + JSON.stringify(b)] : []; })`) {
			t.Errorf("at a width of %d pixels this is hidden or too small: %s", width, cut)
		}
		if wide := js[int64](p, "document.documentElement.scrollWidth"); wide > width {
			t.Errorf("the page is %d pixels wide, want at most %d", wide, width)
		}
	}
}

// The two buttons can be seen and clicked without scrolling, also below a complaint.
func TestDoorsStayInView(t *testing.T) {
	p := openFirst(t)
	for _, banner := range []bool{false, true} {
		if banner {
			js[any](p, `Object.assign(document.getElementById('lost'), { hidden: false, textContent: 'The program behind this page does not answer. The page tries again every second. If the program has ended, start gradus lab again.' }); null`)
		}
		for _, size := range [][2]int64{{1280, 800}, {1024, 768}, {800, 700}, {390, 844}} {
			p.size(size[0], size[1])
			for _, hidden := range js[[]string](p, `['door-lesson', 'door-table'].filter((id) => {
				const e = document.getElementById(id), b = e.getBoundingClientRect();
				return [[b.x + 5, b.top + 5], [b.right - 5, b.bottom - 2]].some(([x, y]) => { const at = document.elementFromPoint(x, y); return !at || !e.contains(at); }); })`) {
				t.Errorf("%v, with the banner %v: %s is not in view", size, banner, hidden)
			}
			if high := js[float64](p, "document.querySelector('#start-plane svg').getBoundingClientRect().height"); high < 120 {
				t.Errorf("%v, with the banner %v: the picture is %v pixels high, want at least 120", size, banner, high)
			}
		}
	}
}
