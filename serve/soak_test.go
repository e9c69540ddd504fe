package serve

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
)

// TestSoak sends good requests of every kind together with bad bodies, slow clients, clients that
// go away, and changes of the model's file. Half of the new files are damaged. Each good answer is
// compared, and the memory must not grow. GRADUS_SOAK is the duration, by default 2s.
func TestSoak(t *testing.T) {
	long := 2 * time.Second
	if text := os.Getenv("GRADUS_SOAK"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	header, tail := binaryRequest(t)
	ways := []func(url string) *http.Request{
		func(url string) *http.Request { return post(url+"/predict", text(t, someRows)) },
		func(url string) *http.Request {
			return post(url+"/v1/models/m:predict", text(t, map[string]any{"instances": someRows}))
		},
		func(url string) *http.Request {
			return post(url+"/v2/models/m/infer", text(t, map[string]any{"inputs": tensors()}))
		},
		func(url string) *http.Request {
			r := post(url+"/v2/models/m/infer", header+tail)
			r.Header.Set(headerLength, strconv.Itoa(len(header)))
			return r
		},
	}
	var files [2][]byte
	right := make([]map[string]bool, len(ways))
	for i := range files {
		train(t, data.Multiclass, uint64(i+1), path)
		var err error
		if files[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		s, err := New([]Source{{"m", "1", path}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for w, way := range ways {
			r := way("http://127.0.0.1")
			body, _ := io.ReadAll(r.Body)
			if right[w] == nil {
				right[w] = map[string]bool{}
			}
			right[w][call(t, s, r.Method, r.URL.Path, string(body), headerLength, r.Header.Get(headerLength)).Body.String()] = true
		}
	}
	s, err := New([]Source{{"m", "1", path}}, Options{MaxBody: 1 << 16, MaxRequests: 16, BodyTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	url := started(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	var work sync.WaitGroup
	var good, busy, bad, gone, changes atomic.Int64
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for client := range 6 {
		work.Go(func() { // good ones
			for i := client; ctx.Err() == nil; i++ {
				r, err := http.DefaultClient.Do(ways[i%len(ways)](url))
				if err != nil {
					t.Errorf("a good request failed: %v", err)
					return
				}
				body, err := io.ReadAll(r.Body)
				r.Body.Close()
				switch {
				case r.StatusCode == http.StatusServiceUnavailable && r.Header.Get("Retry-After") != "":
					busy.Add(1)
					time.Sleep(time.Millisecond)
				case err != nil || r.StatusCode != 200 || !right[i%len(ways)][string(body)]:
					t.Errorf("a good request got the wrong answer %d %v %.200s", r.StatusCode, err, body)
					return
				default:
					good.Add(1)
				}
			}
		})
	}
	work.Go(func() { // bad bodies
		random := rand.New(rand.NewPCG(seed, 1))
		for ctx.Err() == nil {
			body := []byte(text(t, someRows))
			for range 1 + random.IntN(8) {
				body[random.IntN(len(body))] = byte(random.IntN(256))
			}
			if random.IntN(4) == 0 {
				body = []byte(strings.Repeat("[", 1<<17))
			}
			r, err := http.Post(url+[]string{"/predict", "/invocations", "/v2/models/m/infer"}[random.IntN(3)], "application/json", strings.NewReader(string(body)))
			if err != nil {
				continue // a body that is too large may be cut off
			}
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			if r.StatusCode >= 500 && r.StatusCode != 503 {
				t.Errorf("a bad body got %d, want a status below 500 or 503: %.200q", r.StatusCode, body)
			}
			bad.Add(1)
		}
	})
	work.Go(func() { // slow clients, and clients that go away
		random := rand.New(rand.NewPCG(seed, 2))
		for ctx.Err() == nil {
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			request := fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\n%s", text(t, someRows))
			io.WriteString(c, request[:random.IntN(len(request))])
			switch random.IntN(3) {
			case 0:
				time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
			case 1:
				c.(*net.TCPConn).CloseWrite()
			}
			c.Close()
			gone.Add(1)
		}
	})
	work.Go(func() { // the file changes
		for i := 0; ctx.Err() == nil; i++ {
			raw := files[i/2%2]
			if i%2 == 1 {
				raw = raw[:len(raw)-1-i%64]
			}
			temporary := path + ".new"
			if err := os.WriteFile(temporary, raw, 0o666); err != nil {
				t.Error(err)
				return
			}
			when := time.Unix(int64(1e9+i), 0)
			os.Chtimes(temporary, when, when)
			if err := os.Rename(temporary, path); err != nil {
				t.Error(err)
				return
			}
			s.Reload()
			changes.Add(1)
			time.Sleep(5 * time.Millisecond)
		}
	})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	time.Sleep(long / 4)
	before := heap()
	work.Wait()
	http.DefaultClient.CloseIdleConnections()
	for begun := time.Now(); s.held.Load() != 0 || len(s.slots) != 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			t.Fatalf("%d bytes and %d places are held after all requests, want none", s.held.Load(), len(s.slots))
		}
	}
	after := heap()
	t.Logf("%v: %d good answers, each compared; %d refused for the time being; %d bad bodies, %d slow or lost clients, %d changes of the file; heap %.1f MB after a quarter, %.1f MB at the end",
		long, good.Load(), busy.Load(), bad.Load(), gone.Load(), changes.Load(), float64(before)/1e6, float64(after)/1e6)
	if after > before+16<<20 {
		t.Errorf("the heap grew from %d to %d bytes, want at most 16 MiB more", before, after)
	}
	if good.Load() < 100 || changes.Load() < 10 {
		t.Error("fewer than 100 good answers or fewer than 10 changes of the file")
	}
}

func post(url, body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	return r
}
