package lab

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// BenchmarkFrame measures an answer with a panel and everything beside it, drawn and compressed.
func BenchmarkFrame(b *testing.B) {
	for _, example := range []string{"circles", "spirals"} {
		for _, tab := range tabs {
			b.Run(example+"/"+tab.Name, func(b *testing.B) {
				s := newSession(b, example)
				s.Look(func(v *View) { v.Tab = tab.Name })
				e := &entry{Session: s}
				r := httptest.NewRequest(http.MethodPost, "/do", nil)
				r.Header.Set("Accept-Encoding", "gzip")
				var sent counter
				for b.Loop() {
					sent.n = 0
					reply(&sent, r, e.whole())
				}
				b.ReportMetric(float64(sent.n)/1000, "KB")
			})
		}
	}
}

// counter counts the bytes of an answer.
type counter struct {
	n      int
	header http.Header
}

func (c *counter) Header() http.Header {
	if c.header == nil {
		c.header = http.Header{}
	}
	return c.header
}
func (c *counter) Write(p []byte) (int, error) { c.n += len(p); return io.Discard.Write(p) }
func (c *counter) WriteHeader(int)             {}

const clickToPaint = `(async () => { const begun = performance.now();
	await press(document.querySelector('[data-do=batch]'));
	await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
	return performance.now() - begun; })()`

// BenchmarkClickToPaint measures the median time from a click on "batch" until the answer is painted,
// on each panel of the circles and of the lesson's net.
func BenchmarkClickToPaint(b *testing.B) {
	for _, panel := range []string{"notebook weight", "notebook lesson", "notebook health", "circles fit"} {
		b.Run(panel, func(b *testing.B) {
			var example, tab string
			fmt.Sscan(panel, &example, &tab)
			p := openTab(b, Options{})
			p.choose("example", example)
			p.tab(tab)
			if tab == "lesson" {
				p.click("#lesson-open")
				p.click("[data-do=lesson][data-step='7']")
				p.click("#answer-0")
			}
			p.wait("new Promise((later) => setTimeout(later, 1000))")
			var took []float64
			for b.Loop() {
				ms, err := chromedp.Run(p.ctx, chromedp.Evaluate[float64](clickToPaint, chromedp.EvalAwaitPromise))
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, ms)
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2], "ms")
		})
	}
}
