package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestShare compares the page's link, numbers, pictures and report with the library's run.
func TestShare(t *testing.T) {
	p := openTab(t, Options{})
	p.choose("example", "notebook-stochastic")
	p.tab("build")
	p.write("f-seed", "42")
	p.click("[data-do=epoch]")
	p.click("[data-do=epoch]")
	p.tab("share")
	sum := p.text("#sha")
	f := exampleRun(t, "notebook-stochastic")
	setup := ExampleOf("notebook-stochastic").Setup
	setup.Options.Seed = 42
	f = library(t, setup, f.Table())
	forward(t, f, 8)
	m, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	if sum != m.WeightsSHA256() {
		t.Errorf("the weights are %s on the page and %s in the library", sum, m.WeightsSHA256())
	}
	history := string(p.get("/history.csv"))
	f2 := library(t, setup, f.Table())
	for _, point := range f.Result().History {
		forward(t, f2, 4)
		point.Loss = f2.Result().Loss // over all rows, like the number at the top
		if want := fmt.Sprintf("%d,%d,%s,,%s\n", point.Epoch, point.Steps, exact(point.Loss), exact(point.LearningRate)); !strings.Contains(history, want) {
			t.Errorf("history.csv lacks %q:\n%s", want, history)
		}
	}
	for _, name := range []string{"network", "loss", "fit"} {
		if svg := p.get("/figure.svg?name=" + name); !bytes.Contains(svg, []byte("<svg")) {
			t.Errorf("%s.svg is %.60s", name, svg)
		}
	}
	p.click("#report")
	p.until("document.getElementById('get-report')")
	report := string(p.get("/report.html"))
	for _, want := range []string{m.WeightsSHA256(), "<svg", "--seed</span> 42"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", "src=", "href="} {
		if strings.Contains(report, bad) {
			t.Errorf("the report has %q: it should need nothing else", bad)
		}
	}
	p.screen("share")
	q := openURL(t, p.server, p.text("#link"))
	q.click("[data-do=epoch]")
	q.click("[data-do=epoch]")
	q.tab("share")
	if got := q.text("#sha"); got != sum {
		t.Errorf("the link leads to the weights %s, want %s", got, sum)
	}

	// A link for a visitor's own table holds the table's fingerprint and none of its cells.
	own := filepath.Join(t.TempDir(), "own.csv")
	if err := os.WriteFile(own, []byte("height,secret\n1.5,987654\n2.5,876543\n3.5,765432\n4.5,654321\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.SetUploadFiles("#file", []string{own}))
	p.until("document.getElementById('columns')")
	p.settled()
	p.tab("build")
	p.write("f-seed", "5")
	p.tab("share")
	link := p.text("#link")
	setup, err = ParseLink(strings.SplitN(link, "c=", 2)[1])
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(setup)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "987654") || setup.Fingerprint == "" || setup.Options.Seed != 5 {
		t.Errorf("the link holds %s, want a fingerprint, the seed 5 and no cell", text)
	}
	sum = p.text("#sha")
	q = openURL(t, p.server, link)
	if note := q.text("#note"); !strings.Contains(note, setup.Fingerprint) {
		t.Errorf("the link without its table says %q", note)
	}
	q.do(chromedp.SetUploadFiles("#file", []string{own}))
	q.until("document.getElementById('columns')")
	q.settled()
	q.tab("share")
	if got := q.text("#sha"); got != sum {
		t.Errorf("with its table the link leads to the weights %s, want %s", got, sum)
	}
}
