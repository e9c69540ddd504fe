package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// bigTable returns the CSV text of a table with the given numbers of rows and columns.
func bigTable(rows, columns int, cell func(r, c int) string) string {
	var b strings.Builder
	for c := range columns {
		fmt.Fprintf(&b, "c%d,", c)
	}
	b.WriteString("y\n")
	for r := range rows {
		for c := range columns {
			b.WriteString(cell(r, c) + ",")
		}
		fmt.Fprintf(&b, "%s\n", cell(r, columns))
	}
	return b.String()
}

// newEntry adds a session to the server. Requests find it by its name.
func newEntry(t *testing.T, s *Server, name string) *entry {
	t.Helper()
	e := &entry{watchers: map[chan struct{}]bool{}}
	session, err := NewSession(e.wake)
	if err != nil {
		t.Fatal(err)
	}
	e.Session = session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[name] = e
	return e
}

// A reply is bounded for any table. Long texts are cut.
func TestRepliesAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("renders every tab of large tables")
	}
	const most = 1 << 20 // bytes
	s, _ := newServer(t, Options{})
	for what, text := range map[string]string{
		"9,999 columns": bigTable(12, 9999-1, func(r, c int) string { return fmt.Sprint((r*7 + c) % 10) }),
		"300 classes": bigTable(1200, 3, func(r, c int) string {
			if c == 3 {
				return fmt.Sprintf("class-%d", r%300)
			}
			return fmt.Sprint(r * (c + 3) % 17)
		}),
		"long cells": bigTable(40, 3, func(r, c int) string {
			if c == 3 {
				return strings.Repeat("z", 9000) + fmt.Sprint(r%8)
			}
			return strings.Repeat("w", 9000) + fmt.Sprint(r%4)
		}),
	} {
		e := newEntry(t, s, what)
		if err := take(e, "t.csv", []byte(text)); err != nil {
			t.Logf("%s: %v", what, err)
		}
		for _, tab := range tabs {
			e.Look(func(v *View) { v.Tab = tab.Name })
			m := e.whole()
			out, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if len(out) > most {
				for name, part := range m.HTML {
					if len(part) > most/8 {
						t.Errorf("%s, %s: %s has %d KB of %d", what, tab.Name, name, len(part)>>10, len(out)>>10)
					}
				}
			}
		}
	}
	e := newEntry(t, s, "cell")
	if err := take(e, "t.csv", []byte("a,y\n1,2\n"+strings.Repeat("x", 14<<20)+",3\n4,5\n")); err == nil || len(err.Error()) > 500 || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("a cell of 14 MB: got %.600v, want a short error that names line 3", err)
	}
}

// Too many layers are refused before any memory is taken for them.
func TestManyLayersAreRefused(t *testing.T) {
	s := newSession(t, "notebook")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := s.Change(map[string]string{"hidden": strings.TrimSuffix(strings.Repeat("1,", 16000), ",")})
	if err == nil || !strings.Contains(err.Error(), "16000 hidden layers") {
		t.Errorf("16,000 layers: got %v, want an error that names 16000 hidden layers", err)
	}
	setup := ExampleOf("notebook").Setup
	setup.Options.Hidden = make([]int, 90000)
	for i := range setup.Options.Hidden {
		setup.Options.Hidden[i] = 1
	}
	server, web := newServer(t, Options{})
	v := &visitor{t: t, url: web, client: &http.Client{Transport: &http.Transport{}}}
	defer v.client.CloseIdleConnections()
	resp := v.post("/session", map[string][]string{"link": {setup.Link()}})
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK || len(server.sessions) != 0 {
		t.Errorf("a link with 90,000 layers: got %s, want a refusal and no session", resp.Status)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 50<<20 {
		t.Errorf("the refusals allocated %d MB, want at most 50 MB", took>>20)
	}
}

// A session reports all the memory that it holds. So the bound on all sessions bounds real memory.
func TestHeldIsTrue(t *testing.T) {
	if testing.Short() {
		t.Skip("large tables")
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	s := NewServer(Options{})
	defer s.Close()
	for what, text := range map[string]string{
		"short cells": bigTable(240_000, 6, func(r, c int) string { return fmt.Sprint((r*7 + c*3) % 10) }),
		"levels":      bigTable(90_000, 3, func(r, c int) string { return fmt.Sprintf("level-%d", (r*7+c*3)%10) }),
		"long cells":  bigTable(60_000, 1, func(r, c int) string { return fmt.Sprintf("%d.%0120d", r%97, r*7919+c) }),
		"one column":  bigTable(1_600_000, 1, func(r, c int) string { return fmt.Sprint((r*7 + c*3) % 100) }),
	} {
		before := heap()
		e := newEntry(t, s, what)
		err := take(e, "t.csv", []byte(text))
		e.whole()
		grown := heap() - before
		e.mu.Lock()
		said := e.Session.held
		e.mu.Unlock()
		t.Logf("%s: a session with a table of %d MB reports %d MB and holds %d MB (%v)", what, len(text)>>20, said>>20, grown>>20, err)
		if grown > said+8<<20 {
			t.Errorf("%s: the session holds %d MB, want at most 8 MB more than the reported %d MB", what, grown>>20, said>>20)
		}
	}
}

// One visitor's work does not delay another visitor's new session or click.
func TestBusySessionHoldsUpNobody(t *testing.T) {
	s, web := newServer(t, Options{})
	busy := newEntry(t, s, "busy")
	busy.Session.mu.Lock() // as Prepare does for seconds with a large table
	defer busy.Session.mu.Unlock()
	var done sync.WaitGroup
	done.Go(func() { visit(t, web).do("do", "batch") })
	ended := make(chan struct{})
	go func() { done.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		t.Error("a page waits for another visitor's work")
	}
}

// Only a few tables are received at the same time.
func TestUploadsTakeTurns(t *testing.T) {
	s, web := newServer(t, Options{})
	body := "a,y\n1,2\n" + strings.Repeat("x", 15<<20) + ",3\n"
	var visitors []*visitor
	for range 6 {
		visitors = append(visitors, visit(t, web))
	}
	var peak uint64
	stop := make(chan struct{})
	var watch, work sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
		}
	})
	for i := range 30 {
		v := visitors[i%len(visitors)]
		work.Go(func() {
			begun := time.Now()
			req, _ := http.NewRequest(http.MethodPost, web+"/table?name=t.csv&s="+v.id, strings.NewReader(body))
			req.Header.Set("Origin", web)
			resp, err := v.client.Do(req)
			switch {
			case err == nil:
				resp.Body.Close()
			case time.Since(begun) < mostReceived || !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET):
				t.Error(err) // only a table that waited for mostReceived may be refused
			}
		})
	}
	work.Wait()
	close(stop)
	watch.Wait()
	t.Logf("30 tables of 15 MB at once: the heap had %d MB at most", peak>>20)
	if cap(s.receiving) != mostReceiving || peak > 800<<20 {
		t.Errorf("30 tables of 15 MB at once took %d MB, want at most 800 MB and mostReceiving tables at a time", peak>>20)
	}
}

// The server sends nothing more to a page that does not answer its beats.
func TestSilentReadersAreDropped(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a beat")
	}
	s, web := newServer(t, Options{})
	v := visit(t, web)
	resp, err := v.client.Get(web + "/events?s=" + v.id)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s.mu.Lock()
	e := s.sessions[v.id]
	s.mu.Unlock()
	e.audience.mu.Lock()
	e.audience.last = time.Now().Add(-2 * mostSilent)
	e.audience.mu.Unlock()
	eventually(t, "the server stops sending to a reader that answers nothing", func() bool { return e.Idle() > 0 })
}

// With any number of tables, the memory of all pages stays within its bound, and a visitor who gets no memory is told so. With
// -minute the test has 34 tables of 15 MB and the real bound. Without it, the tables are a tenth and the bound is a fiftieth as large.
func TestManyTablesAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("large tables")
	}
	const tables, slack = 34, 16 << 20 // slack is the bytes for everything but the tables
	rows, room := 2_500, int64(40<<20)
	if *minute {
		rows, room = 25_000, MaxBytes
	}
	text := bigTable(rows, 4, func(r, c int) string { return fmt.Sprintf("%d.%0120d", (r*7+c*3)%97, r*7919+c) })
	s := NewServer(Options{})
	defer s.Close()
	var entries []*entry
	for i := range tables {
		entries = append(entries, newEntry(t, s, fmt.Sprint(i)))
	}
	taken := MaxBytes - room
	held.Add(taken)
	defer held.Add(-taken)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most, refused := heap(), int64(0), 0
	for _, e := range entries {
		err := take(e, "t.csv", []byte(text))
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), "all pages together") && !strings.Contains(err.Error(), "too large for the lab") {
				t.Errorf("a table without room: got %v, want an error about the limit", err)
			}
		}
		most = max(most, heap()-before)
	}
	t.Logf("%d tables of %d MB, %d refused: the heap grew by %d MB at most, the bound is %d MB", tables, len(text)>>20, refused, most>>20, room>>20)
	if most > room+slack {
		t.Errorf("the heap grew by %d MB, want at most the slack more than the bound of %d MB", most>>20, room>>20)
	}
	if refused == tables || refused == 0 && !*minute {
		t.Errorf("%d of %d tables are refused: this tests nothing", refused, tables)
	}
}
