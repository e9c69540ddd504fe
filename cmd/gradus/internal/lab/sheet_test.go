package lab

import (
	"net/http"
	"strings"
	"testing"
)

// A sheet has the given numbers and leaves out those to compute. Its solution has the engine's numbers.
func TestSheetLeavesNumbersOut(t *testing.T) {
	_, f := visited(t, 5)
	e, err := f.Explain()
	if err != nil {
		t.Fatal(err)
	}
	blank, err := f.Sheet(false)
	if err != nil {
		t.Fatal(err)
	}
	solved, err := f.Sheet(true)
	if err != nil {
		t.Fatal(err)
	}
	if n, want := len(blank.Given), 3+1+1+len(f.Net.Params()); n != want {
		t.Errorf("%d numbers are given, want %d", n, want)
	}
	for _, lines := range [][]sheetLine{blank.Forward, blank.Back, blank.Gradient} {
		for _, line := range lines {
			if line.Number != "" {
				t.Errorf("the sheet gives %s away", line.Symbol)
			}
		}
	}
	var want []string
	for _, layer := range e.Layers {
		for j := range layer.Z {
			want = append(want, short(layer.Z[j]), short(layer.A[j]))
		}
	}
	want = append(want, short(e.Loss))
	for l := len(e.Layers) - 1; l >= 0; l-- {
		for _, d := range e.Layers[l].Delta {
			want = append(want, short(d))
		}
	}
	want = append(want, short(e.Gradient), short(e.Update.After))
	var got []string
	for _, lines := range [][]sheetLine{solved.Forward, solved.Back, solved.Gradient} {
		for _, line := range lines {
			got = append(got, line.Number)
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the solution has %v, want %v", got, want)
	}
	for _, number := range want {
		if strings.Contains(string(blank.Picture), ">"+number+"<") {
			t.Errorf("the picture of the sheet gives %s away", number)
		}
	}
	s := newSession(t, "spirals")
	if _, err := s.Frame().Sheet(false); err == nil || !strings.Contains(err.Error(), "smaller net") {
		t.Errorf("a sheet of a large network: got %v, want an error that asks for a smaller net", err)
	}
}

// A teacher's link opens at the step, the update, the row and the weight of the page that made it. The
// sheet is a separate page.
func TestLinkOpensAtThePlace(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("lesson")
	p.click("#lesson-open")
	p.click("[data-do=lesson][data-step='7']")
	for range 3 {
		p.click("[data-do=batch]")
	}
	js[any](p, "act('weight', { weight: '0.1.2' }); null")
	p.settled()
	p.click("[data-do=row][aria-label='next row']")
	p.tab("share")
	link := p.text("#place")
	if page := string(p.get("/sheet.html?solved=1")); !strings.Contains(page, "the solution") || !strings.Contains(page, "/page/sheet.css") {
		t.Errorf("the sheet is %.200s", page)
	}
	q := openURL(t, p.server, link)
	q.until("document.getElementById('panel').dataset.tab === 'lesson'")
	f := q.session().Frame()
	if title := q.text("#panel h2"); title != "7. Batch" || f.At != 3 || f.View.Row != 1 || f.View.Weight.String() != "0.1.2" {
		t.Errorf("the link opens at %q, update %d, row %d, weight %s, want \"7. Batch\", 3, 1, 0.1.2", title, f.At, f.View.Row, f.View.Weight)
	}
	resp, err := http.Get(strings.SplitN(p.url, "?", 2)[0] + "page/sheet.css")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the sheet's style sheet: got %s, want 200 OK", resp.Status)
	}
}
