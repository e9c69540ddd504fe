package lab

import (
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/gradus-ml/gradus/internal/need"
)

// No panel has a serious finding of axe-core, in light or dark, and on a phone nothing is cut off.
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
	p.click("[data-do=batch]")
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
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
			found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`axe.run(document, { resultTypes: ['violations'] }).then((r) =>
				r.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').flatMap((v) => v.nodes.map((n) => v.id + ': ' + n.html.slice(0, 160) + ' ' + (n.any[0] ? n.any[0].message : ''))))`, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				t.Errorf("%s, %s: %s", scheme, tab.Name, f)
			}
		}
	}
}

// On a phone the page is as wide as the screen, whatever it shows.
func TestPhone(t *testing.T) {
	p := openTab(t, Options{})
	p.do(chromedp.EmulateViewport(390, 844))
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
			t.Errorf("%s is %v wide on a screen of 390", tab.Name, width)
		}
	}
}

// scheme is light or dark.
func (p *tabPage) scheme(name string) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}); err != nil {
		p.t.Fatal(err)
	}
}
