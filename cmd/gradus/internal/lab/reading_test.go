package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gradus-ml/gradus/data"
)

// The lesson can be read from top to bottom. No formula is cut off at its side, and the text about arrows shows only with
// the arrows. At the end of a step, a button leads to the top of the next one.
func TestLessonIsReadToItsEnd(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("lesson")
	p.click("#lesson-open")
	for _, size := range [][2]int64{{1024, 768}, {390, 844}} {
		p.size(size[0], size[1])
		js[any](p, "act('lesson', { step: 1 }); null")
		p.settled()
		for n := 1; n <= stops; n++ {
			if !js[bool](p, "!!document.getElementById('because')") {
				js[any](p, fmt.Sprintf("act('answer', { answer: %d }); null", guide[n-1].Right))
				p.settled()
			}
			for _, cut := range js[[]string](p, `[...document.querySelectorAll('#panel .chain, #panel .formula, #panel .pairs, #panel table')].filter((e) => e.scrollWidth > e.clientWidth || [...e.querySelectorAll('math')].some((m) => m.getBoundingClientRect().right > document.getElementById('panel').getBoundingClientRect().right)).map((e) => e.textContent)`) {
				t.Errorf("%v, step %d: a formula is cut off: %s", size, n, cut)
			}
			if n == 2 && js[bool](p, "!!document.querySelector('.arrows').offsetHeight !== !!document.getElementById('phase').offsetHeight") {
				t.Errorf("%v: only one of the arrows and the text about them is visible", size)
			}
			if n < stops {
				p.do(chromedp.Click("#lesson-on", chromedp.NodeVisible))
				p.until(fmt.Sprintf("document.querySelector('#panel h2').textContent.startsWith('%d. ')", n+1))
				p.settled()
				p.until("document.getElementById('panel').scrollTop === 0")
			}
		}
	}
	// An aside has a separate run, and a way back.
	p.size(1280, 800)
	js[any](p, "act('lesson', { step: 7 }); null")
	p.settled()
	p.click("[data-example=notebook-rate-5]")
	if text := p.text("#panel"); text != "" && !js[bool](p, "document.getElementById('panel').textContent.includes('jumps up at epoch 477')") {
		t.Errorf("the aside says %q", text)
	}
	p.click("#lesson-open")
	p.until("document.getElementById('because') && document.getElementById('example').value === 'notebook'")
}

// The dots that move along the weights do not cover the numbers of weights and units.
func TestFlowLeavesNumbersAlone(t *testing.T) {
	p := openTab(t, Options{})
	js[any](p, "act('phase', { to: 2 }); null")
	p.settled()
	if n := js[int](p, `[...document.querySelectorAll('#picture text')].filter((text) => [...document.querySelectorAll('.flow')].some((flow) => text.compareDocumentPosition(flow) & Node.DOCUMENT_POSITION_FOLLOWING)).length`); n != 0 {
		t.Errorf("%d numbers lie under the moving dots", n)
	}
	// The dots move from rim to rim of the units' circles.
	if gap := js[float64](p, `(() => { const f = document.querySelector('.flow'), to = f.getScreenCTM(), u = document.getElementById('unit-x-0'), at = u.getScreenCTM(), x = to.a * f.x1.baseVal.value + to.e, y = to.d * f.y1.baseVal.value + to.f;
		return Math.abs(Math.hypot(x - at.a * u.cx.baseVal.value - at.e, y - at.d * u.cy.baseVal.value - at.f) - at.a * u.r.baseVal.value); })()`); !(gap < 1) {
		t.Errorf("the dots start %v pixels off the rim of their unit, want less than 1", gap)
	}
}

// The update's number is visible in full, also on a narrow page.
func TestUpdateIsSeenWhole(t *testing.T) {
	p := openTab(t, Options{})
	for _, size := range [][2]int64{{1280, 800}, {1024, 768}, {390, 844}} {
		p.size(size[0], size[1])
		for _, n := range []int{8, 2738, 123456} {
			if cut := js[float64](p, fmt.Sprintf("(() => { const e = document.getElementById('goto'); e.value = %d; const cut = e.scrollWidth - e.clientWidth; e.value = 0; return cut; })()", n)); cut > 0 {
				t.Errorf("%v: the number of update %d is cut off by %v pixels", size, n, cut)
			}
		}
	}
}

// Everywhere the target is y, the guess is ŷ and a hidden unit's value is a. No input of an example is called y, and
// no picture has a second letter for them.
func TestOneSymbolEach(t *testing.T) {
	for _, e := range Examples() {
		table, err := e.Table()
		if err != nil {
			t.Fatal(err)
		}
		if names := library(t, e.Setup, table).Encoding.InputNames(); slices.Contains(names, "y") {
			t.Errorf("%s has the inputs %q", e.Name, names)
		}
	}
	p := openTab(t, Options{})
	letters := func(where string) []string {
		return js[[]string](p, `[...document.querySelectorAll('`+where+` text')].map((e) => e.textContent).filter((s) => /^[a-zŷ]$/.test(s))`)
	}
	if got := letters("#output"); !slices.Equal(got, []string{"ŷ"}) {
		t.Errorf("got the letters %q beside the loss, want ŷ", got)
	}
	if got := letters("#picture"); !slices.Contains(got, "ŷ") || slices.Contains(got, "y") {
		t.Errorf("got the letters %q in the picture, want ŷ and no y", got)
	}
	js[any](p, "act('phase', { to: 1 }); null") // no unit has a value yet
	p.settled()
	got := letters("#picture")
	slices.Sort(got)
	if !slices.Equal(slices.Compact(got), []string{"a", "ŷ"}) {
		t.Errorf("got the letters %q for units without a value, want a and ŷ", got)
	}
	sheet := string(p.get("/sheet.html"))
	if strings.Contains(sheet, ">h<") || !strings.Contains(sheet, ">ŷ<") {
		t.Error("the letters in the sheet's picture differ from those in its lines")
	}
	p.tab("unit")
	p.write("unit", "1.0")
	if text := p.text("#panel"); !strings.Contains(text, "unit 0 of layer 1, ŷ") {
		t.Errorf("the output is called %.80q", text)
	}
}

// With ten classes, the true class and the predicted class are above the picture.
func TestClassesOfARow(t *testing.T) {
	table, err := data.Read("../../../../examples/data/digits.csv", data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := openTab(t, Options{Table: table})
	for row := range 3 {
		p.write("row", strconv.Itoa(row))
		f := p.session().Frame()
		pass, err := f.Pass()
		if err != nil {
			t.Fatal(err)
		}
		classes, right, guess := f.Fit.Encoding.Classes(), highest(f.Training.Y.Row(row)), 0
		for k, o := range pass.Outputs {
			if o.Output > pass.Outputs[guess].Output {
				guess = k
			}
		}
		text := p.text("#sample")
		for _, k := range []int{right, guess} {
			if want := fmt.Sprintf("%s: ŷ = %.4g, target y = %.4g", classes[k], pass.Outputs[k].Output, f.Training.Y.At(row, k)); !strings.Contains(text, want) {
				t.Errorf("row %d lacks %q: %s", row, want, text)
			}
		}
		if want := "true class " + classes[right]; !strings.Contains(text, want) || strings.Count(text, "ŷ") > 2 {
			t.Errorf("row %d has %q, want %q and at most two guesses", row, text, want)
		}
	}
}

// Wherever people read a number, in text, formula and picture, it has the same minus sign. In text to type or copy it has
// the hyphen, and a table's cell is as in its file.
func TestOneMinus(t *testing.T) {
	p := openTab(t, Options{})
	seen := map[string]bool{}
	for _, example := range []string{"notebook-hidden", "circles", "sine"} {
		p.choose("example", example)
		for range 3 {
			js[any](p, "act('epoch'); null")
		}
		p.settled()
		for _, tab := range tabs {
			js[any](p, "act('tab', { tab: '"+tab.Name+"' }); null")
			p.settled()
			switch tab.Name {
			case "verify", "race", "surface":
				p.click("#" + tab.Name)
				p.until("document.querySelector('#panel .figure svg')")
			}
			for _, text := range js[[]string](p, `(() => { const out = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
				while (walk.nextNode()) { const n = walk.currentNode; if (!n.parentElement.closest('pre, script, .hidden, .sample') && /(^|[\s(=])[-−]\d|\de[-−]\d/.test(n.data)) out.push(n.data); }
				return out; })()`) {
				if strings.Contains(text, "−") {
					seen[tab.Name] = true
				}
				if strings.Contains(text, "-") {
					t.Errorf("%s, panel %s: a number is written %q", example, tab.Name, text)
				}
			}
			if js[bool](p, `[...document.querySelectorAll('input[value]')].some((e) => e.value.includes('−')) || [...document.querySelectorAll('pre')].some((e) => e.textContent.includes('−'))`) {
				t.Errorf("%s, panel %s: a field or a line to copy has a sign that no program reads", example, tab.Name)
			}
		}
	}
	if len(seen) < len(tabs)/2 {
		t.Errorf("negative numbers were seen only in %v", seen)
	}
}
