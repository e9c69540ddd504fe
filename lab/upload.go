package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

// upload takes a table of one's own.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, e *entry) {
	name := filepath.Base(strings.ReplaceAll(or(r.URL.Query().Get("name"), "table.csv"), `\`, "/"))
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxUpload))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		err = fmt.Errorf("%s is larger than the %d MB that the page takes; use a part of it, or gradus train", name, MaxUpload>>20)
	case err == nil:
		err = e.take(name, raw)
	}
	if err != nil {
		e.tell(err)
	}
	reply(w, whole(e.Frame()))
}

// take reads a table and starts anew with it.
func (e *entry) take(name string, raw []byte) error {
	read, err := data.Read(data.Stdin, data.ReadOptions{Stdin: bytes.NewReader(raw)})
	if err != nil {
		return fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), data.StdinName+": "))
	}
	rows := make([][]string, read.Rows())
	for i := range rows {
		for j := range read.Columns() {
			rows[i] = append(rows[i], read.Cell(i, j))
		}
	}
	t, err := data.NewTable(name, read.Columns(), rows)
	if err != nil {
		return err
	}
	setup := ownSetup()
	if e.pending != nil && t.Fingerprint()[:16] == e.pending.Fingerprint {
		setup = *e.pending
	}
	if err := e.Load(setup, t); err != nil {
		return err
	}
	e.pending = nil
	e.Look(func(v *View) { v.Tab = "data" })
	return nil
}
