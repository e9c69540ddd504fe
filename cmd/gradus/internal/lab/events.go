package lab

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// message is what the page's script gets: the parts that have changed.
type message struct {
	Version uint64            `json:"v"`
	At      int               `json:"at"`
	Most    int               `json:"most"`
	Running bool              `json:"running"`
	Example string            `json:"example"`
	Address string            `json:"address"` // of what is shown
	HTML    map[string]string `json:"html"`
	Have    uint64            `json:"have"` // the version that the page reports in its next request; 0: none
}

// drawn are the parts of the page as they were last drawn, each with the version that changed it.
type drawn struct {
	mu      sync.Mutex
	version uint64
	parts   map[string]piece
}

type piece struct {
	html  string
	since uint64
}

// draw draws a frame for a page that has the parts of version have. It leaves out the parts that have not
// changed since. A page without parts has version 0. If a later frame was drawn in the meantime, draw sends
// all parts, and the page counts as having none afterwards: it is not known what changed in between.
func (d *drawn) draw(f *Frame, have uint64) message {
	m := message{f.Version, f.At, f.Most, f.Running, f.Setup.Example, f.Address(), Render(f), f.Version}
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.Version < d.version {
		m.Have = 0
		return m
	}
	if d.parts == nil {
		d.parts = map[string]piece{}
	}
	d.version = f.Version
	for id, html := range m.HTML {
		if d.parts[id].html != html {
			d.parts[id] = piece{html, f.Version}
		}
		if have > 0 && d.parts[id].since <= have {
			delete(m.HTML, id)
		}
	}
	return m
}

// whole returns a frame with all its parts.
func (e *entry) whole() message { return e.drawn.draw(e.Frame(), 0) }

// since returns a frame with the parts that are new to the page that asks.
func (e *entry) since(r *http.Request) message {
	have, _ := strconv.ParseUint(r.URL.Query().Get("have"), 10, 64) // 0 if there is none
	return e.drawn.draw(e.Frame(), have)
}

// reply answers with JSON, compressed if the client accepts that.
func reply(w http.ResponseWriter, r *http.Request, v any) {
	w.Header().Set("Content-Type", "application/json")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		encode(w, v)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzips.Get().(*gzip.Writer)
	z.Reset(w)
	encode(z, v)
	z.Close()
	gzips.Put(z)
}

// gzips compress answers. Each needs a megabyte, so they are reused.
var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // a valid level
	return z
}}

// encode writes JSON for the page's script and ends the line. The HTML in it need not be escaped again.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// frameTurns limits how many frames of runs are drawn at once in all sessions, as turns does for runs. The
// answer to a click does not wait for a turn: with thirty pages open it would wait for thirty drawings.
var frameTurns = make(chan struct{}, cap(turns))

// events sends frames while the page is connected, at most ten a second. A frame is drawn
// when it can be sent: a slow page gets fewer frames, and holds up nothing.
func (s *Server) events(w http.ResponseWriter, r *http.Request, e *entry) {
	wake := make(chan struct{}, 1)
	wake <- struct{}{} // for the first frame
	e.mu.Lock()
	e.watchers[wake] = true
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.watchers, wake)
		e.mu.Unlock()
	}()
	defer e.Watch()()

	ctx, leave := s.admit(r.Context(), e.visitor)
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	to, flush := io.Writer(w), func() error { return nil }
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // a valid level
		to, flush = z, z.Flush
	}
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{}) // the server's deadline is for requests
	sent := uint64(0)                    // the version that the page has
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		var text bytes.Buffer
		select {
		case <-ctx.Done():
			if r.Context().Err() == nil { // another page of this visitor has the stream now
				control.SetWriteDeadline(time.Now().Add(time.Second))
				to.Write([]byte("event: taken\ndata:\n\n"))
				flush()
			}
			return
		case <-s.ctx.Done():
			return
		case <-e.Session.ctx.Done():
			return
		case <-beat.C:
			if e.silent() > mostSilent { // the page no longer reads: its script answers each beat
				return
			}
			text.WriteString("event: beat\ndata:\n\n") // each side finds out whether the other is still there
		case <-wake:
			select {
			case <-ctx.Done():
				continue
			case frameTurns <- struct{}{}:
			}
			m := e.drawn.draw(e.Frame(), sent)
			<-frameTurns
			sent = m.Have
			text.WriteString("data: ")
			if err := encode(&text, m); err != nil {
				return
			}
			text.WriteString("\n")
		}
		control.SetWriteDeadline(time.Now().Add(20 * time.Second))
		if _, err := to.Write(text.Bytes()); err != nil {
			return
		}
		if err := flush(); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-s.ctx.Done():
			return
		case <-time.After(frameEvery):
		}
	}
}
