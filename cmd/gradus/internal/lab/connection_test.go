package lab

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// All pages that a visitor may have get answers, although a browser opens only six connections to a host.
func TestEightPages(t *testing.T) {
	first := openTab(t, Options{})
	pages := []*tabPage{first}
	for len(pages) < MaxSessionsOfVisitor {
		pages = append(pages, openURL(t, first.server, first.url))
	}
	for i, p := range pages {
		p.click("[data-do=batch]")
		if got := p.text("#update"); got != "1" {
			t.Errorf("page %d is at update %s after a click, want 1", i, got)
		}
	}
	streams := func() (n int) {
		first.server.mu.Lock()
		defer first.server.mu.Unlock()
		for _, list := range first.server.streams {
			n += len(list)
		}
		return n
	}
	if n := streams(); n > MaxStreams {
		t.Errorf("%d streams are open, want at most MaxStreams", n)
	}
	// A hidden page closes its stream, and opens it again when it is visible.
	last := pages[len(pages)-1]
	hide := func(hidden string) {
		js[any](last, `Object.defineProperty(document, 'hidden', { value: `+hidden+`, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); null`)
	}
	last.until("events")
	hide("true")
	if js[bool](last, "!!events") {
		t.Error("a hidden page keeps its stream")
	}
	hide("false")
	last.until("events && events.readyState === 1")
	// The page that lost its stream still follows a run.
	s := pages[0].session()
	s.Batch()
	pages[0].until("document.getElementById('update').textContent === '2'")
}

// restartable is a server that can be killed and started again at the same address.
type restartable struct {
	t       *testing.T
	address string
	lab     *Server
	web     *http.Server
}

func (r *restartable) start() {
	r.t.Helper()
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.address = listener.Addr().String()
	r.lab = NewServer(Options{})
	r.web = &http.Server{Handler: r.lab}
	go r.web.Serve(listener)
}

func (r *restartable) kill() {
	r.web.Close()
	r.lab.Close()
}

// Reload and back keep a run with its table, its place and its panel. The page notices a killed program
// without a click. After a restart, the page shows the run again or says that it is lost.
func TestReloadBackAndRestart(t *testing.T) {
	r := &restartable{t: t, address: "127.0.0.1:0"}
	r.start()
	t.Cleanup(func() { r.kill() })
	p := openURL(t, r.lab, "http://"+r.address+"/")
	p.cut = true
	p.tab("lesson")
	p.click("#lesson-open")
	p.click("[data-do=lesson][data-step='7']")
	for range 3 {
		p.click("[data-do=batch]")
	}
	at := func(what string) {
		t.Helper()
		p.until("document.getElementById('update') && document.getElementById('panel').dataset.tab")
		if update, tab, title := p.text("#update"), js[string](p, "document.getElementById('panel').dataset.tab"), p.text("#panel h2"); update != "3" || tab != "lesson" || title != "7. Batch" {
			t.Errorf("after %s the page is at update %s, panel %s, %q, want update 3, panel lesson, \"7. Batch\"", what, update, tab, title)
		}
	}
	p.do(chromedp.Navigate(js[string](p, "location.href")), chromedp.WaitVisible("#controls button"))
	at("following its address")
	id := js[string](p, "id")
	p.do(chromedp.Reload())
	p.until("typeof id === 'string' && id")
	at("a reload")
	if got := js[string](p, "id"); got != id {
		t.Error("a reload started another run")
	}
	p.do(chromedp.Navigate("about:blank"))
	p.do(chromedp.NavigateBack())
	p.until("typeof id === 'string' && id")
	at("going away and back")
	if got := js[string](p, "id"); got != id {
		t.Error("going back started another run")
	}

	r.kill()
	p.until("!document.getElementById('lost').hidden")
	r.start()
	p.server = r.lab
	p.until("document.getElementById('lost').hidden")
	p.until("document.getElementById('note').textContent.includes('started over')")
	at("a restart")
	p.click("[data-do=batch]")
	if got := p.text("#update"); got != "4" {
		t.Errorf("after a restart a click leads to update %s, want 4", got)
	}
	if js[bool](p, "!!document.querySelector('#note .bad')") {
		t.Errorf("after a restart a complaint stays: %s", p.text("#note"))
	}
}

// After a restart of the program, the page restores the visitor's own table, which it still has.
func TestRestartKeepsOwnTable(t *testing.T) {
	r := &restartable{t: t, address: "127.0.0.1:0"}
	r.start()
	t.Cleanup(func() { r.kill() })
	path := filepath.Join(t.TempDir(), "own.csv")
	if err := os.WriteFile(path, []byte("a,b,y\n1,2,3\n2,1,4\n3,5,9\n4,4,8\n5,1,7\n6,2,9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := openURL(t, r.lab, "http://"+r.address+"/")
	p.cut = true
	p.do(chromedp.SetUploadFiles("#file", []string{path}))
	p.until("document.getElementById('columns')")
	p.settled()
	p.tab("build")
	p.write("f-lr", "0.03")
	p.click("[data-do=batch]")
	print, id := p.session().Frame().Print, js[string](p, "id")
	p.until("location.pathname + location.search === address")
	r.kill()
	p.until("!document.getElementById('lost').hidden")
	r.start()
	p.server = r.lab
	p.until("id !== '" + id + "' && !attaching && document.getElementById('update').textContent === '1'")
	f := p.session().Frame()
	if f.Print != print || *f.Setup.Options.LearningRate != 0.03 || f.View.tab() != "build" {
		t.Errorf("got the table %s, want %s; got the rate %v, want 0.03; got the panel %s, want build", f.Print, print, *f.Setup.Options.LearningRate, f.View.tab())
	}
}
