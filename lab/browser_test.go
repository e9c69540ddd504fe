package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"go.uber.org/goleak"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/need"
	"github.com/gradus-ml/gradus/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// go test ./lab -run Point -screens ../docs/images makes the pictures of docs/lab.md.
var screens = flag.String("screens", "", "write a picture of the page at each point to this folder")

// browser is one Chromium for all tests, started when the first needs it.
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
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		code = 1
	}
	os.Exit(code)
}

// tabPage is a tab of the browser on a lab of its own.
type tabPage struct {
	t      *testing.T
	ctx    context.Context
	server *Server
	url    string
	mu     sync.Mutex
	errors []string // of the page's console
}

// openTab opens the page of a new server.
func openTab(t *testing.T, o Options) *tabPage {
	t.Helper()
	s := NewServer(o)
	web := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); web.Close() })
	return openURL(t, s, web.URL+"/")
}

func openURL(t *testing.T, s *Server, url string) *tabPage {
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
	tab, stop := context.WithTimeout(tab, 2*time.Minute)
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
			t.Errorf("the page's console: %s", e)
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
		if time.Since(begun) > 60*time.Second {
			p.t.Fatalf("%s never becomes true; the page says %q", expression, js[string](p, "document.getElementById('note').textContent"))
		}
	}
}

// settled waits until the page has shown the answer to all that was asked.
func (p *tabPage) settled() {
	p.t.Helper()
	p.until("latest === 0 || document.body.dataset.done == latest")
}

// click clicks as a person does, and waits for the answer.
func (p *tabPage) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(selector, chromedp.NodeVisible))
	p.settled()
}

// tab opens a panel.
func (p *tabPage) tab(name string) {
	p.t.Helper()
	p.click("#tab-" + name)
	p.until("document.getElementById('panel').dataset.tab === '" + name + "'")
}

// choose takes an entry of a list, type writes into a field.
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

// text is what an element says, value the number behind it.
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

// session is the tab's own.
func (p *tabPage) session() *Session {
	id := js[string](p, "id")
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	return p.server.sessions[id].Session
}

// get fetches what a link of the page leads to.
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
		p.t.Fatalf("%s: %v %s %s", path, err, resp.Status, b)
	}
	return b
}

// fitted reports whether the page at 1280 x 800 needs no scrolling, and shows nothing cut off
// at its sides.
func (p *tabPage) fitted() {
	p.t.Helper()
	if size := js[[]float64](p, "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"); size[0] > 1280 || size[1] > 800 {
		p.t.Errorf("the page takes %v of 1280 x 800", size)
	}
}

// screen takes a picture for the documents.
func (p *tabPage) screen(name string) {
	p.t.Helper()
	p.fitted()
	if *screens == "" {
		return
	}
	raw, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screens, "lab-"+name+".png"), small(p.t, raw), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// small writes a picture with 256 colours, a third of the size.
func small(t *testing.T, raw []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	type bucket struct {
		n     int
		count map[color.RGBA]int
	}
	buckets := map[[3]uint8]*bucket{} // of nearly equal colours
	box := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := at(x, y)
			key := [3]uint8{c.R >> 3, c.G >> 3, c.B >> 3}
			if buckets[key] == nil {
				buckets[key] = &bucket{count: map[color.RGBA]int{}}
			}
			buckets[key].n++
			buckets[key].count[c]++
		}
	}
	common := slices.SortedFunc(maps.Values(buckets), func(a, b *bucket) int { return b.n - a.n })
	var palette color.Palette
	for _, b := range common[:min(256, len(common))] { // each bucket's commonest colour
		best := color.RGBA{}
		for c, n := range b.count {
			if n > b.count[best] || n == b.count[best] && (c.R < best.R || c.R == best.R && c.B < best.B) {
				best = c
			}
		}
		palette = append(palette, best)
	}
	out := image.NewPaletted(box, palette)
	index := map[color.RGBA]uint8{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := at(x, y)
			i, ok := index[c]
			if !ok {
				i = uint8(palette.Index(c))
				index[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// library prepares the run that the page should show, by the library alone.
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

// Point 1: the page opens on the notebook's net, with a sample, a weight and its formula; examples
// and a table of one's own are a click away.
func TestPoint1OpensAndTakesTables(t *testing.T) {
	begun := time.Now()
	p := openTab(t, Options{})
	if n := js[int](p, "document.querySelectorAll('#panel math').length"); n < 8 {
		t.Errorf("the formula has %d parts", n)
	}
	p.click("[data-do=batch]")
	if took := time.Since(begun); took > time.Second && os.Getenv("GRADUS_MUST_RUN") == "" {
		t.Logf("the page took %v to its first step, the browser's start included", took)
	}
	f := exampleRun(t, "notebook")
	if p.text("#update") != "1" {
		t.Errorf("after a step the page is at update %s", p.text("#update"))
	}
	forward(t, f, 1)
	same(t, "the loss", p.value("#loss"), f.Result().Loss)
	p.screen("opens")

	p.choose("example", "spirals")
	if got := js[int](p, "document.querySelectorAll('.edge').length"); got < 100 {
		t.Errorf("the spirals' net shows %d weights", got)
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

	// The same table, dropped.
	js[any](p, `{ const d = new DataTransfer(); d.items.add(new File(["a,b\n1,2\n2,4\n3,6\n4,8\n5,10\n"], "drop.csv"));
		document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: d, bubbles: true, cancelable: true })); null }`)
	p.until("document.getElementById('panel').textContent.includes('drop.csv')")
	js[any](p, `{ const d = new DataTransfer(); d.items.add(new File(["a,b\n1\n"], "bad.csv"));
		document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: d, bubbles: true, cancelable: true })); null }`)
	p.until("document.querySelector('#note .bad')")
	if note := p.text("#note"); !strings.Contains(note, "bad.csv") {
		t.Errorf("a broken table is refused with %q", note)
	}
}

// Point 2: the net and the descent are built on the page; the command and the program follow.
func TestPoint2Build(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("build")
	p.choose("f-activation", "tanh")
	p.write("f-hidden", "5,3")
	p.choose("f-method", "mini-batch")
	p.write("f-batch-size", "3")
	p.choose("f-optimizer", "adam")
	p.write("f-lr", "0.02")
	p.write("f-beta1", "0.8")
	p.choose("f-norm", "layer")
	p.write("f-dropout", "0.25")
	p.write("f-l2", "0.01")
	p.choose("f-schedule", "cosine")
	p.write("f-seed", "7")
	p.click("#f-bias")
	e := ExampleOf("notebook")
	setup := e.Setup
	o := &setup.Options
	o.Activation, o.Hidden, o.Method, o.BatchSize, o.Optimizer, o.LR, o.Schedule, o.Seed, o.NoBias =
		"tanh", []int{5, 3}, "mini-batch", 3, "adam", new(0.02), "cosine", 7, false
	o.Beta1, o.Norm, o.Dropout, o.L2 = new(0.8), "layer", 0.25, 0.01
	table, err := e.Table()
	if err != nil {
		t.Fatal(err)
	}
	f := library(t, setup, table)
	same(t, "the loss", p.value("#loss"), f.Result().Loss)
	want := "gradus train notebook.csv --hidden 5,3 --activation tanh --output-activation sigmoid --norm layer --init uniform --seed 7 --loss half-squared --reduction sum --method mini-batch --batch-size 3 --optimizer adam --lr 0.02 --beta1 0.8 --schedule cosine --dropout 0.25 --l2 0.01 --epochs 10000 --tolerance 0.001 --scale none --validation none --precision float64"
	if got := p.text("#command"); got != want {
		t.Errorf("the command is\n%s, not\n%s", got, want)
	}
	p.screen("build")
	p.click("[data-do=epoch]")
	forward(t, f, 2)
	same(t, "the loss", p.value("#loss"), f.Result().Loss)
	p.write("f-lr", "fast")
	if note := p.text("#note"); !strings.Contains(note, "Rate is \"fast\"") {
		t.Errorf("a rate that is no number is refused with %q", note)
	}
	if p.text("#update") != "2" {
		t.Error("a refused change has changed the run")
	}
}

// Point 3: steps by sample, batch and epoch, run and pause, and back along the timeline.
func TestPoint3Steps(t *testing.T) {
	p := openTab(t, Options{})
	p.choose("example", "notebook-mini-batch")
	check := func(updates int) {
		t.Helper()
		if got := p.text("#update"); got != strconv.Itoa(updates) {
			t.Fatalf("at update %s, not %d", got, updates)
		}
		f := exampleRun(t, "notebook-mini-batch")
		forward(t, f, updates)
		same(t, "the loss after update "+strconv.Itoa(updates), p.value("#loss"), f.Result().Loss)
	}
	check(0)
	p.click("[data-do=sample]")
	check(0)
	p.click("[data-do=sample]")
	check(1)
	p.click("[data-do=batch]")
	check(2)
	p.click("[data-do=epoch]")
	check(4)
	p.click("[data-do=back]")
	check(3)
	p.choose("speed", "full")
	p.click("#run")
	p.until("Number(document.getElementById('update').textContent) > 1000")
	p.click("#run")
	at, err := strconv.Atoi(p.text("#update"))
	if err != nil {
		t.Fatal(err)
	}
	check(at)
	scrub := func(n int) {
		t.Helper()
		js[any](p, fmt.Sprintf(`{ const e = document.getElementById('timeline'); e.value = %d; e.dispatchEvent(new Event('input', { bubbles: true })); null }`, n))
		p.until(fmt.Sprintf("scrubbing === 0 && document.getElementById('update').textContent === '%d'", n))
	}
	for _, n := range []int{at / 2, 17, 0, at, 3} {
		scrub(n)
		check(n)
	}
	if most := js[string](p, "document.getElementById('timeline').max"); most != strconv.Itoa(at) {
		t.Errorf("the timeline ends at %s, the run has been at %d", most, at)
	}
	js[any](p, "document.getElementById('timeline').focus(); null")
	p.do(chromedp.KeyEvent(kb.ArrowLeft))
	p.until("scrubbing === 0 && document.getElementById('update').textContent === '2'")
	check(2)
	js[any](p, "document.activeElement.blur(); null")
	p.do(chromedp.KeyEvent("s"), chromedp.KeyEvent("s"))
	p.until("document.getElementById('update').textContent === '3'")
	check(3)

	p.tab("health")
	p.write("break-loss", "0.0945")
	p.click("#run")
	p.until("document.getElementById('note').textContent.includes('Breakpoint')")
	p.settled()
	if loss := p.value("#loss"); loss > 0.0945 {
		t.Errorf("the breakpoint at 0.0945 fired at %v", loss)
	}
	stopped, err := strconv.Atoi(p.text("#update"))
	if err != nil {
		t.Fatal(err)
	}
	check(stopped)
	p.screen("breakpoint")
	p.click("[data-do=epoch]") // which it lets go on
	check(stopped + 2 - stopped%2)
	p.click("[data-do=back]")
	p.click("#break-none")
	if js[string](p, "document.getElementById('break-loss').value") != "" {
		t.Error("the breakpoint is not cleared")
	}
	p.write("break-weight", "2")
	p.click("#run")
	p.until("document.getElementById('note').textContent.includes('Breakpoint: the weight')")
	p.settled()
	p.click("#clear-this")
	if js[string](p, "document.getElementById('break-weight').value") != "" || p.text("#note") != "" {
		t.Error("the breakpoint is not cleared from where it says so")
	}
}

// Point 4: the picture has the sample's values, the phases of its pass, and weights to click.
func TestPoint4Network(t *testing.T) {
	p := openTab(t, Options{})
	f := exampleRun(t, "notebook")
	training, _, _, err := f.Parts()
	if err != nil {
		t.Fatal(err)
	}
	explain := func(row int) *lesson.Explanation {
		e, err := lesson.Explain(f.Network(), lesson.ExplainOptions{Loss: f.Config().Loss}, training.X.Row(row), training.Y.Row(row))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	shown := func() string { return p.text("#picture svg") }
	check := func(row int) {
		t.Helper()
		e, text := explain(row), shown()
		for l, layer := range e.Layers {
			for j := range layer.A {
				for _, want := range []string{fmt.Sprintf("unit %d of layer %d: z = %s, a = %s, δ = %s", j, l, short(layer.Z[j]), short(layer.A[j]), short(layer.Delta[j]))} {
					if !strings.Contains(text, want) {
						t.Errorf("row %d: the picture lacks %q", row, want)
					}
				}
			}
		}
		same(t, "the sample's loss", p.value("#sample-loss"), e.Loss)
	}
	check(0)
	p.click("[data-row='1']")
	check(1)
	if n := js[int](p, "document.querySelectorAll('.edge').length"); n != 16 {
		t.Errorf("the picture has %d weights to click, not 16", n)
	}
	deltas := func() int { return strings.Count(shown(), "δ") - 5 } // five are in what a pointer reads
	if deltas() != 5 {
		t.Errorf("%d deltas are shown after the whole pass", deltas())
	}
	p.click("[data-do=phase][data-by='1']") // begins again, with the inputs
	if !strings.Contains(p.text("#phase"), "the inputs") || deltas() != 0 {
		t.Errorf("the pass begins with %q and %d deltas", p.text("#phase"), deltas())
	}
	for _, want := range []struct {
		phase  string
		deltas int
	}{{"forward: layer 0", 0}, {"forward: layer 1", 0}, {"back: layer 1", 1}, {"forward and back", 5}} {
		p.click("[data-do=phase][data-by='1']")
		if !strings.Contains(p.text("#phase"), want.phase) || deltas() != want.deltas {
			t.Errorf("then comes %q with %d deltas, not %q with %d", p.text("#phase"), deltas(), want.phase, want.deltas)
		}
		if want.phase == "back: layer 1" {
			p.screen("network")
		}
	}
	// A click in the middle of a line chooses that weight.
	middle := js[[]float64](p, "(() => { const b = document.getElementById('edge-1-3-0').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()")
	p.do(chromedp.MouseClickXY(middle[0], middle[1]))
	p.until("document.getElementById('weight').value === '1.3.0'")
	// So does the keyboard.
	js[any](p, "document.getElementById('edge-0-1-2').focus(); null")
	p.do(chromedp.KeyEvent("\r"))
	p.until("document.getElementById('weight').value === '0.1.2'")
	if on := js[string](p, "document.activeElement.id"); on != "edge-0-1-2" {
		t.Errorf("then the focus is on %q", on)
	}
	// A net too dense for numbers above and below its units lists those of the chosen one.
	p.choose("example", "spirals")
	js[any](p, "document.getElementById('unit-1-3').focus(); null")
	p.do(chromedp.KeyEvent("\r"))
	p.until("document.getElementById('unit-numbers') && document.getElementById('unit').value === '1.3'")
	f = exampleRun(t, "spirals")
	if training, _, _, err = f.Parts(); err != nil {
		t.Fatal(err)
	}
	e := explain(1)
	numbers := js[[]string](p, `[...document.querySelectorAll('#unit-numbers [data-value]')].map((d) => d.dataset.value)`)
	if want := []string{full(e.Layers[1].Z[3]), full(e.Layers[1].A[3]), full(e.Layers[1].Delta[3])}; !slices.Equal(numbers, want) {
		t.Errorf("unit 1.3 has %v on the page and %v in the library", numbers, want)
	}
	neighbours := js[[]string](p, `[...document.querySelectorAll('#unit-in tbody tr')].map((r) => r.children[1].dataset.value)`)
	for i, a := range e.Layers[0].A {
		if neighbours[i] != full(a) {
			t.Errorf("unit 0.%d has a = %s on the page and %v in the library", i, neighbours[i], a)
		}
	}
	p.screen("unit")
	p.click("#unit-in [data-weight='1.2.3']")
	p.until("document.getElementById('weight').value === '1.2.3'")
}

// Point 5: the chain rule of a weight of a 3-4-4-2 net, on a table of one's own, is what gradus
// explain prints of the model that the page gives away, and what the numeric derivative is.
func TestPoint5ChainRule(t *testing.T) {
	table, err := filepath.Abs(filepath.Join("..", "examples", "data", "diabetes.csv"))
	if err != nil {
		t.Fatal(err)
	}
	p := openTab(t, Options{})
	p.do(chromedp.SetUploadFiles("#file", []string{table}))
	p.until("document.getElementById('columns')")
	p.settled()
	for _, c := range []string{"sex", "s1", "s2", "s3", "s4", "s6"} {
		js[any](p, fmt.Sprintf(`{ const e = document.querySelector('[name="type:%s"]'); e.value = 'ignore'; e.dispatchEvent(new Event('change', { bubbles: true })); null }`, c))
		p.settled()
	}
	p.write("f-target", "s5,progression")
	p.tab("build")
	p.write("f-hidden", "4,4")
	p.tab("weight")
	if d := p.session().Frame(); model.Describe(d.Net.Inputs(), d.Net.Layers()) != "3 - 4 tanh - 4 tanh - 2 identity" {
		t.Fatalf("the net is %s", model.Describe(d.Net.Inputs(), d.Net.Layers()))
	}
	for range 3 {
		p.click("[data-do=batch]")
	}
	p.write("weight", "0.1.2")
	p.click("#digits")
	p.click("[data-row='1']")
	dir := t.TempDir()
	file := filepath.Join(dir, "lab.safetensors")
	if err := os.WriteFile(file, p.get("/model.safetensors"), 0o644); err != nil {
		t.Fatal(err)
	}
	row := p.session().Frame().Training.Rows[1]
	explain := func(flags ...string) []byte {
		cmd := exec.Command("go", append([]string{"run", "../cmd/gradus", "explain", file, table, "--row", strconv.Itoa(row), "--weight", "0.1.2"}, flags...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gradus explain: %v", err)
		}
		return out
	}
	var e lesson.Explanation
	if err := json.Unmarshal(explain("--json"), &e); err != nil {
		t.Fatal(err)
	}
	same(t, "the gradient", p.value("#gradient"), e.Gradient)
	same(t, "the numeric derivative", p.value("#numeric"), e.Numeric)
	same(t, "the sum of the paths", p.value("#sum"), e.Sum)
	if len(e.Paths) != 8 {
		t.Fatalf("there are %d paths", len(e.Paths))
	}
	paths := js[[]string](p, `[...document.querySelectorAll('.path')].map((el) => [...el.querySelectorAll('[data-value]')].map((n) => n.dataset.value).join(' '))`)
	for i, path := range e.Paths {
		var want []string
		for _, f := range path.Factors {
			want = append(want, full(f.Value))
		}
		want = append(want, full(path.Product))
		if got := paths[i]; got != strings.ReplaceAll(strings.Join(want, " "), "\u2212", "-") {
			t.Errorf("path %d has the factors\n%s on the page and\n%s by gradus explain", i+1, got, strings.Join(want, " "))
		}
	}
	text := string(explain()) // what it prints for people has the same digits
	for _, id := range []string{"#sum", "#gradient"} {
		if got := strings.Fields(p.text(id))[0]; !strings.Contains(text, "dL/dw = "+got) {
			t.Errorf("%s says %s, which gradus explain does not print:\n%s", id, got, text)
		}
	}
	if math.Abs(e.Gradient-e.Numeric) > 1e-7*math.Abs(e.Gradient) {
		t.Errorf("the gradient %v and the numeric derivative %v differ", e.Gradient, e.Numeric)
	}
	p.screen("chain-rule")
	// The next weight by Adam's own equations is the one after the next update.
	for range 3 {
		next := p.value("#next")
		p.click("[data-do=batch]")
		same(t, "the weight after the update", p.value("#moved"), next)
	}
}

// Point 6: every weight is checked, and the error shown over the step.
func TestPoint6Verify(t *testing.T) {
	p := openTab(t, Options{})
	p.click("[data-do=batch]")
	p.tab("verify")
	p.click("#verify")
	p.until("document.getElementById('worst')")
	f := exampleRun(t, "notebook")
	forward(t, f, 1)
	training, _, _, err := f.Parts()
	if err != nil {
		t.Fatal(err)
	}
	check := nn.CheckGradient(f.Network(), f.Config().Loss, training.X, training.Y, nn.CheckOptions{Reduction: nn.Sum})
	same(t, "the worst error", p.value("#worst"), check.Worst.Error)
	if text := p.text("#panel"); !strings.Contains(text, "16 of 16 parameters") {
		t.Errorf("it says %q", text)
	}
	p.drawn("#error-over-h", svg(p.session().Frame().Jobs["verify"].result.(*Verified).Curve(sideWidth, 300)))
	v := p.session().Frame().Jobs["verify"].result.(*Verified)
	best := math.Inf(1)
	for _, s := range v.Steps {
		best = math.Min(best, s.Error)
	}
	if first, last := v.Steps[0].Error, v.Steps[len(v.Steps)-1].Error; !(best < first/1e3 && best < last/1e3) {
		t.Errorf("the error over h is %v, %v at best, %v: no valley", first, best, last)
	}
	p.screen("verify")
	p.choose("example", "spirals")
	p.tab("build")
	p.write("f-hidden", "120,120")
	p.tab("verify")
	p.click("#verify")
	p.click("#cancel-verify")
	if js[bool](p, "!!document.getElementById('cancel-verify') || !!document.getElementById('verdict')") {
		t.Error("the check is not cancelled")
	}
}

// drawn holds a picture on the page to the library's drawing.
func (p *tabPage) drawn(selector, want string) {
	p.t.Helper()
	got := js[string](p, fmt.Sprintf(`document.querySelector(%q).innerHTML`, selector))
	parsed := js[string](p, fmt.Sprintf(`(() => { const d = document.createElement('div'); d.innerHTML = %s; return d.innerHTML; })()`, strconv.Quote(want)))
	if got != parsed || len(got) < 500 {
		p.t.Errorf("%s is not what the library draws", selector)
	}
}

// Point 7: lanes from identical weights, against four measures of work.
func TestPoint7Race(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("race")
	p.click("#race")
	p.until("document.getElementById('lanes')")
	f := p.session().Frame()
	lanes, _, err := f.lanes(raceMethods)
	if err != nil {
		t.Fatal(err)
	}
	tracks, err := lesson.Race(ctx, f.Start, f.data(), lanes, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := js[[][]string](p, `[...document.querySelectorAll('#lanes tbody tr')].map((r) => [...r.children].map((c) => c.dataset.value || c.textContent))`)
	if len(rows) != 3 {
		t.Fatalf("%d lanes", len(rows))
	}
	for i, track := range tracks {
		last := track.Points[len(track.Points)-1]
		want := []string{track.Name, strconv.Itoa(last.Epoch), strconv.Itoa(last.Updates), strconv.Itoa(last.Rows), rows[i][4], full(last.Loss), track.Reason}
		if !slices.Equal(rows[i], want) {
			t.Errorf("lane %d is %v on the page and %v in the library", i, rows[i], want)
		}
	}
	for _, axis := range []choice{{"updates", "updates"}, {"gradients", "gradient evaluations"}, {"seconds", "seconds"}, {"epochs", "epochs"}} {
		p.click("#axis-" + axis.Name)
		if text := p.text("#race-chart svg"); !strings.Contains(text, axis.Label) {
			t.Errorf("the axis %s is not labelled %q", axis.Name, axis.Label)
		}
	}
	p.drawn("#race-chart", svg(p.session().Frame().Jobs["race"].result.(*Raced).Chart("epochs", sideWidth, sideHeight)))
	p.screen("race")
	p.click("#race-optimisers")
	p.until("document.getElementById('lanes') && document.querySelector('#lanes tbody').rows.length === 4")
}

// Point 8: the loss over a plane, with every lane's way on it.
func TestPoint8Surface(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("race")
	p.click("#race")
	p.until("document.getElementById('lanes')")
	p.tab("surface")
	p.click("#surface")
	p.until("document.getElementById('surface-picture')")
	f := p.session().Frame()
	s := f.Jobs["surface"].result.(*Surface)
	if len(s.Field.Paths) != 3 {
		t.Errorf("%d ways for three lanes", len(s.Field.Paths))
	}
	fig := s.Field
	fig.Width, fig.Height = sideWidth, 520
	p.drawn("#surface-picture", svg(fig))
	p.screen("surface")
	for _, plane := range []string{"random", "weights"} {
		p.click("#plane-" + plane)
		p.until("document.getElementById('surface-picture') && document.getElementById('plane-" + plane + "').getAttribute('aria-pressed') === 'true'")
	}
	p.write("second", "1.2.0")
	p.click("#surface")
	p.until("document.querySelector('#surface-picture svg') && document.querySelector('#surface-picture svg').textContent.includes('weight 1.2.0')")
	// On a plane of two weights a point's height is the loss with just these two changed.
	f = p.session().Frame()
	s = f.Jobs["surface"].result.(*Surface)
	net := f.Start.Clone()
	a, _ := net.Index(f.View.Weight.Layer, f.View.Weight.In, f.View.Weight.Unit)
	b, _ := net.Index(1, 2, 0)
	net.Params()[a], net.Params()[b] = s.Field.X[7], s.Field.Y[31]
	if got, want := s.Field.Z[31][7], lossOf(net, f); math.Abs(got-want) > 1e-12 {
		t.Errorf("the surface is %v where the loss is %v", got, want)
	}
}

// Point 9: decision regions, the confusion matrix, and for a regression its curve, predictions
// against targets and residuals, live.
func TestPoint9Fit(t *testing.T) {
	p := openTab(t, Options{})
	p.choose("example", "circles")
	p.tab("fit")
	p.choose("speed", "full")
	p.click("#run")
	p.until("document.getElementById('note').textContent.includes('ended')")
	p.settled()
	f := exampleRun(t, "circles")
	forward(t, f, 1600)
	m, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	scores := js[map[string]string](p, `Object.fromEntries([...document.querySelectorAll('#scores > div')].map((d) => [d.children[0].textContent, d.children[1].dataset.value]))`)
	for _, s := range m.Training.Metrics.Train.Scores {
		if s.Name == "loss" {
			continue // stands above
		}
		if scores[s.Name] != exact(s.Value) {
			t.Errorf("%s is %s on the page and %v in the library", s.Name, scores[s.Name], s.Value)
		}
	}
	cells := js[[]float64](p, `[...document.querySelectorAll('#confusion td')].map((c) => Number(c.textContent))`)
	if want := slices.Concat(m.Training.Metrics.Train.Confusion...); !slices.Equal(cells, want) {
		t.Errorf("the confusion matrix is %v on the page and %v in the library", cells, want)
	}
	fig, err := p.session().Frame().Plane(sideWidth, 440)
	if err != nil {
		t.Fatal(err)
	}
	p.drawn("#fit-plane", svg(fig))
	p.screen("regions")

	p.choose("example", "sine")
	p.click("#run")
	p.until("document.getElementById('note').textContent.includes('ended')")
	p.settled()
	fig, err = p.session().Frame().Plane(sideWidth, 440)
	if err != nil {
		t.Fatal(err)
	}
	p.drawn("#fit-plane", svg(fig))
	for _, id := range []string{"#fit-predicted svg", "#fit-residuals svg"} {
		if len(p.text(id)) == 0 {
			t.Errorf("%s is missing", id)
		}
	}
	p.screen("curve")
}

// Point 10: what goes wrong is shown by layer and unit, and faults are predicted and seen.
func TestPoint10Health(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("health")
	f := exampleRun(t, "notebook")
	training, _, _, err := f.Parts()
	if err != nil {
		t.Fatal(err)
	}
	h := examine(f.Network(), f.Config().Loss, nn.Sum, training)
	gradients := js[[]string](p, `[...document.querySelectorAll('#layers td[data-value]')].map((c) => c.dataset.value)`)
	for l, layer := range h.Layers {
		if gradients[l] != full(layer.Gradient) {
			t.Errorf("the gradient of layer %d is %s on the page and %v in the library", l, gradients[l], layer.Gradient)
		}
	}
	p.choose("example", "notebook-rate-50")
	p.choose("speed", "full")
	p.click("#run")
	p.until("document.getElementById('diagnosis')") // the run has ended
	p.settled()
	findings := p.session().Frame().Findings
	if len(findings) == 0 {
		t.Error("the notebook's stalled run has no diagnosis")
	}
	for _, f := range findings {
		if text := p.text("#diagnosis"); !strings.Contains(text, f.Code) || !strings.Contains(text, f.Evidence) {
			t.Errorf("the page does not say %s: %s", f.Code, f.Evidence)
		}
	}
	p.screen("health")
	p.choose("example", "notebook-one-2000")
	p.click("[data-do=epoch]")
	p.click("[data-do=epoch]")
	frame := p.session().Frame()
	for l := range frame.Net.Depth() {
		for j, sign := range frame.signs(l) {
			says := p.text(fmt.Sprintf("#unit-%d-%d", l, j))
			if word := []string{"layer", "saturated", "dead"}[sign]; !strings.Contains(says, word) {
				t.Errorf("the picture says of unit %d.%d: %s", l, j, says)
			}
		}
	}

	p.tab("faults")
	for _, fault := range Faults() {
		p.click("#fault-" + fault.Name)
		for _, guess := range []int{fault.Right, (fault.Right + 1) % 3} {
			p.click("#fault-" + fault.Name)
			p.click(fmt.Sprintf("#guess-%d", guess))
			p.until("document.getElementById('revealed')")
			text := p.text("#revealed")
			if right := strings.HasPrefix(text, "Just so."); right != (guess == fault.Right) {
				t.Errorf("%s: to guess %d it says %q", fault.Name, guess, text)
			}
			if got := p.text("#update"); got != strconv.Itoa(fault.updates) {
				t.Errorf("%s: it was run for %s updates", fault.Name, got)
			}
		}
		if fault.Name == "derivative" {
			p.screen("faults")
		}
	}
}

// What the fault lab calls right is what happens.
func TestFaultsHappenAsTheySay(t *testing.T) {
	end := func(name string) (*Frame, *Session) {
		s := newSession(t, "notebook")
		if err := s.TryFault(name); err != nil {
			t.Fatal(err)
		}
		first := s.Frame().Loss
		if err := s.Guess(ctx, "0"); err != nil {
			t.Fatal(err)
		}
		f := s.Frame()
		t.Logf("%s: loss %v to %v; %s", name, first, f.Loss, f.Revealed)
		if name != "rate" && !(f.Loss < first) {
			t.Errorf("%s: the loss went from %v to %v", name, first, f.Loss)
		}
		return f, s
	}
	f, _ := end("derivative")
	c := f.Fit.Config()
	if check := nn.CheckGradient(f.Start.Clone(), c.Loss, f.Training.X, f.Training.Y, nn.CheckOptions{Reduction: c.Reduction}); check.OK() {
		t.Error("the wrong derivative passes the check")
	}
	f, _ = end("zeros")
	w := f.Net.Weights(0)
	for i := range w.Rows {
		for j := range w.Cols {
			if w.At(i, j) != w.At(i, 0) || w.At(i, j) == 0 {
				t.Errorf("weight %d.%d is %v, that of unit 0 is %v", i, j, w.At(i, j), w.At(i, 0))
			}
		}
	}
	f, _ = end("rate")
	if out := f.Net.Predict(f.Training.X).At(0, 0); out < 0.99 {
		t.Errorf("at rate 2000 the output is %v", out)
	}
}

// Point 11: a link, numbers, pictures and a report.
func TestPoint11Share(t *testing.T) {
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
	for _, point := range f.Result().History {
		if want := fmt.Sprintf("%d,%d,%s,,%s\n", point.Epoch, point.Steps, exact(point.Loss), exact(point.Rate)); !strings.Contains(history, want) {
			t.Errorf("history.csv lacks %q:\n%s", want, history)
		}
	}
	for _, name := range []string{"network", "loss", "fit"} {
		if svg := p.get("/figure.svg?name=" + name); !bytes.Contains(svg, []byte("<svg")) {
			t.Errorf("%s.svg is %.60s", name, svg)
		}
	}
	report := string(p.get("/report.html"))
	for _, want := range []string{m.WeightsSHA256(), "<svg", "--seed 42"} {
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
		t.Errorf("the link leads to the weights %s, not %s", got, sum)
	}

	// A link on a table of one's own holds its fingerprint and no cell.
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
		t.Errorf("the link holds %s", text)
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
		t.Errorf("with its table the link leads to %s, not %s", got, sum)
	}
}

// Point 12: ten steps through the notebook, each on the live net.
func TestPoint12Lesson(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("lesson")
	p.click(".lesson [data-do=lesson]") // step 1 is on another net: open it
	for n := 1; n <= 10; n++ {
		p.until(fmt.Sprintf("document.querySelector('#panel h2').textContent.startsWith('%d. ')", n))
		e, err := p.session().Frame().Explain()
		if err != nil {
			t.Fatal(err)
		}
		text := js[string](p, "document.querySelector('.lesson').innerHTML")
		var want float64
		switch n {
		case 1:
			want = e.Loss
		case 2:
			want = e.Layers[0].Z[0]
		case 4, 5:
			want = e.Paths[0].Product
		case 6:
			want = e.Update.After
		default:
			want = math.NaN()
		}
		if want == want && !strings.Contains(text, full(math.Abs(want))) && !strings.Contains(text, full(want)) {
			t.Errorf("step %d lacks the number %v:\n%s", n, want, text)
		}
		switch n {
		case 6: // the update is what was said
			p.click("[data-do=batch]")
			same(t, "the updated weight", p.session().Frame().Net.Params()[e.Index], e.Update.After)
			p.screen("lesson")
		case 7:
			for range 4 {
				p.click("[data-do=sample]")
			}
			if p.text("#update") != "1" {
				t.Error("after four rows the batch has made no update")
			}
		case 10:
			p.choose("speed", "full")
			p.click("#run")
			p.until("document.getElementById('note').textContent.includes('within the tolerance')")
			p.settled()
			if marks := strings.Count(p.text("#within"), "✓"); marks != 4 {
				t.Errorf("%d of 4 rows are within the tolerance at the end", marks)
			}
		}
		if n < 10 {
			p.click("#lesson-next")
		}
	}
}

// No panel has a serious finding of axe-core, in light or dark, and on a phone nothing is cut off.
// GRADUS_AXE is the path of axe.min.js, from the npm package axe-core.
func TestAccessibility(t *testing.T) {
	path := os.Getenv("GRADUS_AXE")
	if path == "" {
		t.Skip("needs axe-core: set GRADUS_AXE to its axe.min.js")
	}
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
