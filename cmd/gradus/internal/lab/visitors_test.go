package lab

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var minute = flag.Bool("minute", false, "have the visitors for a minute instead of some seconds")

// A crowd is visitors who each watch a page with a run at full speed.
type crowd struct {
	visitors []*visitor
	frames   []atomic.Int64 // how many frames each visitor has got
	leave    func()
}

// come creates the given number of visitors. They look at different tabs of different tables.
func come(t testing.TB, web string, visitors int) *crowd {
	t.Helper()
	c := &crowd{frames: make([]atomic.Int64, visitors)}
	for i := range visitors {
		v := &visitor{t: t, url: web, client: &http.Client{Transport: &http.Transport{}}}
		t.Cleanup(v.client.CloseIdleConnections)
		req, _ := http.NewRequest(http.MethodPost, web+"/session", nil)
		req.Header.Set("Origin", web)
		req.AddCookie(&http.Cookie{Name: "gradus-visitor-", Value: fmt.Sprint(i)})
		resp, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var made struct{ ID string }
		v.decode(resp, &made)
		v.id = made.ID
		c.visitors = append(c.visitors, v)
	}
	ctx, stop := context.WithCancel(context.Background())
	var pages sync.WaitGroup
	c.leave = sync.OnceFunc(func() { stop(); pages.Wait() })
	t.Cleanup(c.leave)
	tabs := []string{"weight", "fit", "health", "race", "build"}
	names := []string{"circles", "notebook", "spirals", "sine", "notebook-rate-50"}
	for i, v := range c.visitors {
		v.do("do", "example", "example", names[i%len(names)])
		v.do("do", "build", "epochs", "100000000", "tolerance", "")
		v.do("do", "tab", "tab", tabs[i/4%len(tabs)])
		v.do("do", "run", "speed", "full")
		pages.Go(func() {
			if err := v.watch(ctx, &c.frames[i]); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
	}
	return c
}

// watch gets frames, and answers as the page's script does, until the context ends.
func (v *visitor) watch(ctx context.Context, frames *atomic.Int64) error {
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, v.url+"/events?s="+v.id, nil)
	resp, err := v.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		switch {
		case bytes.HasPrefix(line, []byte("data: ")):
			frames.Add(1)
		case bytes.HasPrefix(line, []byte("event: beat")):
			here, _ := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/here?s="+v.id, nil)
			here.Header.Set("Origin", v.url)
			if answer, err := v.client.Do(here); err == nil {
				answer.Body.Close()
			}
		}
	}
}

// fewest returns the smallest number of frames that a visitor has got.
func (c *crowd) fewest() int64 {
	n := c.frames[0].Load()
	for i := range c.frames {
		n = min(n, c.frames[i].Load())
	}
	return n
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Twenty visitors at the same time, each with a run at full speed and a page that is drawn, cause no error
// and take bounded memory.
func TestTwentyVisitors(t *testing.T) {
	long := 2 * time.Second
	if *minute {
		long = time.Minute
	}
	_, web := newServer(t, Options{})
	c := come(t, web, 20)
	var peak uint64
	begin := heap()
	// With the race detector on a busy machine a frame can take seconds.
	for begun := time.Now(); time.Since(begun) < long || c.fewest() < 5 && time.Since(begun) < long+2*time.Minute; time.Sleep(long / 20) {
		peak = max(peak, heap())
	}
	for i, v := range c.visitors {
		if m := v.do("do", "pause"); m.At == 0 || strings.Contains(m.HTML["note"], "bad") {
			t.Errorf("visitor %d is at update %d with the note %q", i, m.At, m.HTML["note"])
		}
	}
	c.leave()
	if n := c.fewest(); n < 5 {
		t.Errorf("one visitor saw only %d frames, want 5 or more", n)
	}
	t.Logf("20 visitors for %v: the heap went from %d MB to %d MB at most; every visitor saw %d frames or more", long, begin>>20, peak>>20, c.fewest())
	if peak > begin+200<<20 {
		t.Errorf("the heap grew from %d MB to %d MB, want at most 200 MB more", begin>>20, peak>>20)
	}
}

// click lets each visitor click once a second, the given number of times, and returns how long the answers took. Each
// answer must be the requested panel of a run that goes on.
func (c *crowd) click(t testing.TB, times int) (took []time.Duration) {
	t.Helper()
	each := make([][]time.Duration, len(c.visitors))
	var clicks sync.WaitGroup
	for i, v := range c.visitors {
		clicks.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / time.Duration(len(c.visitors)))
			before := -1
			for n := range times {
				panel := []string{"weight", "unit"}[n%2]
				click := time.Now()
				m := v.do("do", "tab", "tab", panel)
				each[i] = append(each[i], time.Since(click))
				if !m.Running || m.At < before || !strings.Contains(m.HTML["panel"], `id="`+panel+`" class="address"`) {
					t.Errorf("visitor %d asked for the panel %s at update %d and got, with running = %v at update %d: %.80s", i, panel, before, m.Running, m.At, m.HTML["panel"])
				}
				before = m.At
				time.Sleep(time.Second - time.Since(click))
			}
		})
	}
	clicks.Wait()
	return slices.Concat(each...)
}

// thirty creates thirty visitors and returns how often each clicks: the given number of times, or 60 times with -minute.
func thirty(t testing.TB, times int) (*crowd, int) {
	t.Helper()
	if *minute {
		times = 60
	}
	_, web := newServer(t, Options{})
	return come(t, web, 30), times
}

// Thirty visitors, each with a run at full speed, get the answers to their clicks.
func TestThirtyVisitorsAreAnswered(t *testing.T) {
	c, times := thirty(t, 3)
	if got := len(c.click(t, times)); got != 30*times {
		t.Errorf("%d clicks of %d were answered", got, 30*times)
	}
}

// BenchmarkThirtyVisitors measures how long a click of one of thirty visitors waits for its answer: the
// median and the longest. Each visitor has a run at full speed and clicks once a second. With
// -args -minute it lasts a minute.
func BenchmarkThirtyVisitors(b *testing.B) {
	c, times := thirty(b, 5)
	time.Sleep(time.Second)
	for range b.N {
		took := c.click(b, times)
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "median-ms")
		b.ReportMetric(float64(took[len(took)-1].Microseconds())/1e3, "worst-ms")
	}
	b.ReportMetric(float64(heap()>>20), "heap-MB")
}
