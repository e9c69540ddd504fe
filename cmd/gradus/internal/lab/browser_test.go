package lab

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/need"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// browser is one Chromium for all tests. It starts when the first test needs it.
var browser struct {
	once   sync.Once
	ctx    context.Context
	cancel func()
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if browser.cancel != nil {
		browser.cancel()
	}
	if built.path != "" {
		os.RemoveAll(filepath.Dir(built.path))
	}
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		code = 1
	}
	os.Exit(code)
}

// tabPage is a tab of the browser with a separate lab.
type tabPage struct {
	t      testing.TB
	ctx    context.Context
	server *Server
	url    string
	mu     sync.Mutex
	errors []string // of the page's console
	cut    bool     // the test kills the server, so requests may fail
}

// openTab opens the page of a new server.
func openTab(t testing.TB, o Options) *tabPage {
	t.Helper()
	s := NewServer(o)
	web := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); web.Close() })
	if o.Table != nil {
		return openURL(t, s, web.URL+"/")
	}
	return openURL(t, s, web.URL+"/?c="+Examples()[0].Setup.Link())
}

func openURL(t testing.TB, s *Server, url string) *tabPage {
	t.Helper()
	if testing.Short() {
		t.Skip("drives a browser; not with -short")
	}
	need.Tool(t, "chromium")
	browser.once.Do(func() {
		alloc, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
		ctx, end2 := chromedp.NewContext(alloc)
		if err := chromedp.Do(ctx); err != nil {
			t.Fatal(err)
		}
		browser.ctx, browser.cancel = ctx, func() { chromedp.Cancel(ctx); end2(); end() }
	})
	tab, closeTab := chromedp.NewContext(browser.ctx)
	tab, stop := context.WithTimeout(tab, 9*time.Minute) // ends a test that hangs; a slow test on a loaded machine must pass
	p := &tabPage{t: t, ctx: tab, server: s, url: url}
	p.do(chromedp.EmulateViewport(1280, 800))
	var listening sync.WaitGroup
	listening.Go(func() {
		for m, err := range chromedp.Console(tab) {
			if err != nil {
				return
			}
			if kind := fmt.Sprint(m.Type); kind == "error" || kind == "warning" || kind == "exception" {
				p.mu.Lock()
				p.errors = append(p.errors, fmt.Sprint(m))
				p.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() {
		p.mu.Lock()
		for _, e := range p.errors {
			if !p.cut || !strings.Contains(e, "Failed to load resource: net::") {
				t.Errorf("the page's console: %s", e)
			}
		}
		p.mu.Unlock()
		stop()
		closeTab()
		listening.Wait()
	})
	p.do(chromedp.Navigate(url), chromedp.WaitVisible("#controls button"))
	return p
}

func (p *tabPage) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// js evaluates an expression.
func js[T any](p *tabPage, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for an expression to be true.
func (p *tabPage) until(expression string) {
	p.t.Helper()
	for begun := time.Now(); !js[bool](p, "!!("+expression+")"); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 3*time.Minute {
			p.t.Fatalf("%s never becomes true; the page says %q", expression, js[string](p, "document.getElementById('note').textContent"))
		}
	}
}

// settled waits until the page has shown the answers to all requests.
func (p *tabPage) settled() {
	p.t.Helper()
	p.until("latest === 0 || document.body.dataset.done == latest")
}

// wait waits for a promise of the page.
func (p *tabPage) wait(promise string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[any]("("+promise+").then(() => null)", chromedp.EvalAwaitPromise)); err != nil {
		p.t.Fatalf("%s: %v", promise, err)
	}
}

// frame waits until the page has been laid out and painted.
func (p *tabPage) frame() {
	p.t.Helper()
	p.wait("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
}

// size sets the size of the window, and waits until the page has told the program whether it is narrow.
func (p *tabPage) size(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
	p.until(fmt.Sprintf("innerWidth === %d", width))
	p.frame()
	p.settled()
}

// click clicks as a person does, and waits for the answer. While a run goes on, a frame may replace the node that was
// found before the mouse has reached it. Then click looks for it again.
func (p *tabPage) click(selector string) {
	p.t.Helper()
	err := chromedp.Do(p.ctx, chromedp.Click(selector, chromedp.NodeVisible))
	for tries := 0; err != nil && tries < 9 && strings.Contains(err.Error(), "Could not find node with given id"); tries++ {
		err = chromedp.Do(p.ctx, chromedp.Click(selector, chromedp.NodeVisible))
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.settled()
}

// tab opens a panel.
func (p *tabPage) tab(name string) {
	p.t.Helper()
	i := slices.IndexFunc(groups, func(g group) bool { return g.Has(name) })
	if button := "#group-" + groups[i].Name; js[string](p, `document.querySelector("`+button+`").getAttribute('aria-selected')`) != "true" {
		p.click(button)
	}
	if len(groups[i].Tabs) > 1 {
		p.click("#tab-" + name)
	}
	p.until("document.getElementById('panel').dataset.tab === '" + name + "'")
}

// choose selects an entry of a list, and write types into a field.
func (p *tabPage) choose(id, value string) {
	p.t.Helper()
	js[any](p, fmt.Sprintf(`{ const e = document.getElementById(%q); e.value = %q; e.dispatchEvent(new Event('change', { bubbles: true })); null }`, id, value))
	p.settled()
}

func (p *tabPage) write(id, value string) {
	p.t.Helper()
	js[any](p, fmt.Sprintf(`document.getElementById(%q).select(); null`, id))
	p.do(chromedp.SendKeys("#"+id, value+"\r"))
	p.settled()
}

// text returns an element's text, and value returns the number behind it.
func (p *tabPage) text(selector string) string {
	p.t.Helper()
	return js[string](p, fmt.Sprintf(`document.querySelector(%q).textContent.trim()`, selector))
}

func (p *tabPage) value(selector string) float64 {
	p.t.Helper()
	s := js[string](p, fmt.Sprintf(`document.querySelector(%q).dataset.value`, selector))
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// session returns the tab's session.
func (p *tabPage) session() *Session {
	id := js[string](p, "id")
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	return p.server.sessions[id].Session
}

// get fetches the target of a link on the page.
func (p *tabPage) get(path string) []byte {
	p.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	resp, err := http.Get(strings.TrimSuffix(strings.SplitN(p.url, "?", 2)[0], "/") + path + sep + "s=" + js[string](p, "id"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: got %v %s %s, want no error and status http.StatusOK", path, err, resp.Status, b)
	}
	return b
}

// fitted fails the test if the page at 1280 x 800 needs scrolling, or shows something cut off
// at its sides.
func (p *tabPage) fitted() {
	p.t.Helper()
	if size := js[[]float64](p, "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"); size[0] > 1280 || size[1] > 800 {
		p.t.Errorf("the page is %v pixels large, want at most 1280 x 800", size)
	}
}

// library prepares the run that the page should show, with the library alone.
func library(t *testing.T, s Setup, table *data.Table) *model.Fit {
	t.Helper()
	none := 0
	s.Options.Patience = &none
	f, err := model.Prepare(model.Tables{Train: table}, s.Options, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func forward(t *testing.T, f *model.Fit, updates int) (last train.Step) {
	t.Helper()
	for range updates {
		for step, err := range f.Steps(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			last = step
			break
		}
	}
	return last
}

func exampleRun(t *testing.T, name string) *model.Fit {
	t.Helper()
	e := ExampleOf(name)
	table, err := e.Table()
	if err != nil {
		t.Fatal(err)
	}
	return library(t, e.Setup, table)
}

// same compares a number on the page with the library's, digit for digit.
func same(t *testing.T, what string, page, lib float64) {
	t.Helper()
	if math.Float64bits(page) != math.Float64bits(lib) {
		t.Errorf("%s is %v on the page and %v in the library", what, page, lib)
	}
}

// drawn compares a picture on the page with the library's drawing.
func (p *tabPage) drawn(selector, want string) {
	p.t.Helper()
	if len(want) < 500 || !js[bool](p, fmt.Sprintf(`(() => { const d = document.querySelector(%q).cloneNode(false); d.innerHTML = %s; return d.isEqualNode(document.querySelector(%[1]q)); })()`, selector, strconv.Quote(want))) {
		p.t.Errorf("%s is not what the library draws", selector)
	}
}
