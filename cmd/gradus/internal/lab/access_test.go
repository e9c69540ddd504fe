package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/gradus-ml/gradus/internal/need"
)

// axe-core has no serious or critical finding on any panel, in the light and in the dark color scheme.
// GRADUS_AXE is the path of axe.min.js, from the npm package axe-core.
func TestAccessibility(t *testing.T) {
	path := os.Getenv("GRADUS_AXE")
	need.That(t, path != "", "axe-core: set GRADUS_AXE to its axe.min.js")
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := openTab(t, Options{})
	js[any](p, string(axe)+"; null")
	look := func(scheme, what string) {
		t.Helper()
		p.until("document.getAnimations().every((a) => !(a instanceof CSSTransition))") // colors in transition are not the page's final colors
		found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`axe.run(document, { resultTypes: ['violations'] }).then((r) =>
			r.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').flatMap((v) => v.nodes.map((n) => v.id + ': ' + n.html.slice(0, 160) + ' ' + (n.any[0] ? n.any[0].message : ''))))`, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			t.Errorf("%s, %s: %s", scheme, what, f)
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.choose("example", "notebook")
		p.click("[data-do=batch]")
		for _, tab := range tabs {
			p.tab(tab.Name)
			switch tab.Name {
			case "verify":
				p.click("#verify")
				p.until("document.getElementById('worst')")
			case "race":
				p.click("#race")
				p.until("document.getElementById('lanes')")
			case "surface":
				p.click("#surface")
				p.until("document.getElementById('surface-picture')")
			case "faults":
				p.click("#fault-zeros")
				p.click("#guess-0")
				p.until("document.getElementById('revealed')")
			}
			look(scheme, tab.Name)
		}
		p.choose("example", "notebook-one-2000")
		p.tab("health")
		p.click("[data-do=epoch]")
		look(scheme, "a dead unit")
		p.choose("example", "notebook")
		p.write("break-loss", "0.0945")
		p.click("#run")
		p.until("document.getElementById('clear-this')")
		look(scheme, "a breakpoint")
		p.choose("example", "circles")
		p.tab("build")
		p.write("f-lr", "fast")
		look(scheme, "a refused change")
		p.tab("fit")
		look(scheme, "a confusion matrix")
		for _, norm := range []string{"layer", "batch"} {
			p.tab("build")
			p.choose("f-norm", norm)
			p.tab("weight")
			look(scheme, "a "+norm+" norm")
			p.tab("unit")
			look(scheme, "a unit with a "+norm+" norm")
		}
		p.tab("share")
		p.click("#report")
		p.until("document.getElementById('get-report')")
		look(scheme, "a report that is made")
	}
}

// On a dark page, marks over a pale plane keep their colors and marks beside it do not. A
// hint is as easy to read as other small text.
func TestDarkPictures(t *testing.T) {
	p := openTab(t, Options{})
	p.choose("example", "circles")
	p.tab("fit")
	p.scheme("dark")
	style := func(selector, property string) string {
		t.Helper()
		return js[string](p, fmt.Sprintf("getComputedStyle(document.querySelector(%q)).%s", selector, property))
	}
	ground := style(".right", "backgroundColor")
	for _, c := range []struct{ selector, property, want string }{
		{`#fit-plane [fill="#0072B2"]`, "fill", "rgb(0, 114, 178)"},
		{`#fit-plane [fill="#D55E00"]`, "fill", "rgb(213, 94, 0)"},
		{`#fit-plane path`, "fill", ground},
		{`#fit-plane text[fill="#1F2328"]`, "fill", "rgb(232, 234, 237)"},
		{`#picture path`, "fill", ground},
		{`#picture [stroke="#0072B2"]`, "stroke", "rgb(92, 184, 240)"},
	} {
		if got := style(c.selector, c.property); got != c.want {
			t.Errorf("%s: %s is %s, want %s", c.selector, c.property, got, c.want)
		}
	}
	p.tab("surface")
	p.click("#surface")
	p.until("document.getElementById('surface-picture')")
	if got := js[[]string](p, `[...document.querySelectorAll('#surface-picture [fill="#FFFFFF"]')].map((e) => getComputedStyle(e).fill)`); len(got) < 2 || got[0] != ground || got[1] != "rgb(255, 255, 255)" {
		t.Errorf("the ground and the ring at the start of the run are %q, want the page's background and rgb(255, 255, 255)", got)
	}
	p.tab("data")
	if got := js[string](p, "getComputedStyle(document.getElementById('f-test'), '::placeholder').color"); got != style(".quiet", "color") {
		t.Errorf("a placeholder's color is %s, want the color of .quiet", got)
	}
	p.choose("example", "notebook")
	if got := style(`#picture text[fill="#C25400"]`, "fill"); got != "rgb(255, 154, 82)" {
		t.Errorf("a negative weight is written in %s, want rgb(255, 154, 82)", got)
	}
}

// Long names of columns and classes push nothing out of the page or out of the table of columns.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("temperature", 5)
	csv := long + "1," + long + "2,label_" + long + "\n"
	for i := range 40 {
		csv += fmt.Sprintf("%d,%d,%s\n", i%7, i%5, []string{"yes_" + long, "no_" + long, "так"}[i%3])
	}
	path := filepath.Join(t.TempDir(), "long.csv")
	if err := os.WriteFile(path, []byte(csv), 0o644); err != nil {
		t.Fatal(err)
	}
	p := openTab(t, Options{})
	p.do(chromedp.SetUploadFiles("#file", []string{path}))
	p.until("document.getElementById('columns')")
	p.settled()
	if size := js[[]float64](p, "(() => { const e = document.getElementById('columns').parentElement; return [e.scrollWidth, e.clientWidth]; })()"); size[0] > size[1] {
		t.Errorf("the table of columns is %v pixels wide, want at most the visible %v", size[0], size[1])
	}
	p.fitted()
	p.size(390, 844)
	for _, tab := range tabs {
		p.tab(tab.Name)
		if width := js[float64](p, "document.documentElement.scrollWidth"); width > 390 {
			t.Errorf("%s is %v pixels wide, want at most 390", tab.Name, width)
		}
	}
}

// On a phone the page is as wide as the screen, whatever it shows.
func TestPhone(t *testing.T) {
	p := openTab(t, Options{})
	p.size(390, 844)
	p.click("[data-do=batch]")
	for _, tab := range tabs {
		p.tab(tab.Name)
		switch tab.Name {
		case "verify":
			p.click("#verify")
			p.until("document.getElementById('worst')")
		case "race":
			p.click("#race")
			p.until("document.getElementById('lanes')")
		}
		if width := js[float64](p, "document.documentElement.scrollWidth"); width > 390 {
			t.Errorf("%s is %v pixels wide, want at most 390", tab.Name, width)
		}
	}
}

// scheme sets light or dark.
func (p *tabPage) scheme(name string) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}); err != nil {
		p.t.Fatal(err)
	}
}
