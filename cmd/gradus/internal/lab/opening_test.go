package lab

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gradus-ml/gradus/data"
)

// TestPageOpensAndTakesTables opens the first example, which shows a network with a sample, a weight and its formula.
// Other examples and the visitor's own table are one click away.
func TestPageOpensAndTakesTables(t *testing.T) {
	begun := time.Now()
	p := openTab(t, Options{})
	if n := js[int](p, "document.querySelectorAll('#panel math').length"); n < 8 {
		t.Errorf("the formula has %d parts, want 8 or more", n)
	}
	p.click("[data-do=batch]")
	if took := time.Since(begun); took > time.Second && os.Getenv("GRADUS_MUST_RUN") == "" {
		t.Logf("the page took %v to its first step, the browser's start included", took)
	}
	f := exampleRun(t, "notebook")
	if p.text("#update") != "1" {
		t.Errorf("after a step the page is at update %s, want 1", p.text("#update"))
	}
	forward(t, f, 1)
	same(t, "the loss", p.value("#loss"), f.Result().Loss)
	p.screen("notebook")

	p.choose("example", "spirals")
	if got := js[int](p, "document.querySelectorAll('.edge').length"); got < 100 {
		t.Errorf("the spirals' network shows %d weights, want 100 or more", got)
	}
	same(t, "the loss", p.value("#loss"), exampleRun(t, "spirals").Result().Loss)

	csv := "age,city,when,label\n31,Rome,2024-01-02,no\n,Oslo,2024-02-03,yes\n54,Rome,2024-03-04,no\n18,Oslo,2024-04-05,yes\n77,Lima,2024-05-06,no\n"
	csv += strings.Repeat("40,Rome,2024-06-07,yes\n41,Oslo,2024-07-08,no\n42,Lima,,yes\n", 20)
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(csv), 0o644); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.SetUploadFiles("#file", []string{path}))
	p.until("document.getElementById('columns')")
	p.settled()
	table, err := data.Read(path, data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f = library(t, ownSetup(), table)
	same(t, "the loss", p.value("#loss"), f.Result().Loss)
	for id, want := range map[string]int{"rows-train": f.Rows.Train, "rows-validation": f.Rows.Validation} {
		if got := p.text("#" + id); got != strconv.Itoa(want) {
			t.Errorf("%s: %s on the page, %d in the library", id, got, want)
		}
	}
	columns := p.text("#columns")
	for _, want := range []string{"age", "city", "when", "1", "20", short(f.Encoding.Inputs[0].Center), "3 levels", "date"} {
		if !strings.Contains(columns, want) {
			t.Errorf("the columns' table lacks %q: %s", want, columns)
		}
	}
	p.screen("data")

	// A table can also be dropped on the page.
	js[any](p, `{ const d = new DataTransfer(); d.items.add(new File(["a,b\n1,2\n2,4\n3,6\n4,8\n5,10\n"], "drop.csv"));
		document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: d, bubbles: true, cancelable: true })); null }`)
	p.until("document.getElementById('panel').textContent.includes('drop.csv')")
	js[any](p, `{ const d = new DataTransfer(); d.items.add(new File(["a,b\n1\n"], "bad.csv"));
		document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: d, bubbles: true, cancelable: true })); null }`)
	p.until("document.querySelector('#note .bad')")
	if note := p.text("#note"); !strings.Contains(note, "bad.csv") {
		t.Errorf("a broken table: got the note %q, want one that names bad.csv", note)
	}
}
