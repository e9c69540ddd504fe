package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// upload receives the visitor's own table.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, e *entry) {
	name := baseName(r.URL.Query().Get("name"))
	var t *data.Table
	var refused error
	err := s.receive(w, r, func(raw []byte) { t, refused = readTable(name, raw) })
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		err = fmt.Errorf("%s is larger than the %d MB that the page takes; use a part of it, or gradus train", name, MaxUpload>>20)
	case err != nil:
		err = fmt.Errorf("%s did not arrive whole: %w; choose it again", name, err)
	case refused != nil:
		err = refused
	default:
		err = e.take(t) // others may read their tables meanwhile
	}
	if err != nil {
		e.tell(err)
	}
	reply(w, r, e.since(r))
}

// A table is received whole. At most mostReceiving tables are received at once, each within mostReceived. The others wait.
const (
	mostReceiving = 4
	mostReceived  = 30 * time.Second
)

// receive waits for its turn, receives a table's bytes, and passes them to take.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, take func([]byte)) error {
	select {
	case s.receiving <- struct{}{}:
	case <-r.Context().Done():
		return r.Context().Err()
	case <-time.After(mostReceived):
		return errors.New("other tables are on their way")
	}
	defer func() { <-s.receiving }()
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(mostReceived))
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), MaxUpload) + bytes.MinRead))
	if _, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, MaxUpload)); err != nil {
		return err
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	take(b.Bytes())
	return nil
}

// readTable reads a table that the page can show.
func readTable(name string, raw []byte) (*data.Table, error) {
	t, err := data.Read(data.Stdin, data.ReadOptions{Stdin: bytes.NewReader(raw), MaxBytes: MaxUpload, MaxColumns: MaxColumns})
	if err != nil {
		if m, no := model.Read(bytes.NewReader(raw)); no == nil {
			return nil, NoTable(name, m)
		}
		return nil, fmt.Errorf("%s%s", name, strings.TrimPrefix(err.Error(), data.StdinName))
	}
	t = t.Named(name)
	return t, plainCells(t)
}

// NoTable returns an error for a model file that is given in place of a table. A model holds only the final weights of
// a run, or those of several runs on different rows for an ensemble. The page shows one run from its first update.
func NoTable(name string, m *model.Model) error {
	what, which := "a model file", ""
	if n := len(m.Members()); n > 1 {
		what, which = fmt.Sprintf("a model file, an ensemble of %d networks", n), fmt.Sprintf(", with --member 0 to %d for which", n-1)
	}
	return fmt.Errorf("%s is %s, and the lab shows the run of one network from its first update, which a model does not hold; open the table instead, or look at a trained network with gradus explain and gradus plot%s", name, what, which)
}

// take starts over with the visitor's own table.
func (e *entry) take(t *data.Table) error {
	var err error
	pending := e.asked()
	if pending != nil && t.Fingerprint()[:16] == pending.Fingerprint {
		if err = e.Load(*pending, t); err == nil {
			e.mu.Lock()
			p := e.awaited
			e.mu.Unlock()
			e.ask(nil, place{})
			e.Look(func(v *View) { v.Tab = "data" })
			return e.goTo(context.Background(), p)
		}
	} else {
		err = e.loadOwn(t)
	}
	if err != nil {
		return err
	}
	e.Look(func(v *View) { v.Tab = "data" })
	if print := t.Fingerprint()[:16]; pending != nil && print != pending.Fingerprint {
		e.mention(fmt.Sprintf("This is not the table of the link: its fingerprint is %s, the link's %s. It gets its own setup; the link's setup still waits for its table.", print, pending.Fingerprint))
	}
	return nil
}

// baseName returns a table's name without its folders, so that the page and what is shared from it do not
// reveal where the table came from.
func baseName(path string) string {
	name := filepath.Base(strings.ReplaceAll(path, `\`, "/"))
	if name == "." || name == "/" || name == data.StdinName || !utf8.ValidString(name) {
		return "table.csv"
	}
	if runes := []rune(name); len(runes) > mostName {
		return string(runes[len(runes)-mostName:])
	}
	return name
}

const mostName = 100 // maximum number of characters of a table's name
