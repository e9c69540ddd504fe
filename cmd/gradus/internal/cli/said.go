package cli

import (
	"io"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// Every command that trains on a table describes the table before it starts: in text with
// writeData, in JSON with saidJSON.

// saidJSON is what was decided about a table and the run on it.
type saidJSON struct {
	Notes   []string      `json:"notes"`
	Columns []columnJSON  `json:"columns"`
	Dropped []droppedJSON `json:"dropped"`
}

type columnJSON struct {
	Name    string    `json:"name"`
	Kind    data.Kind `json:"kind"`
	Missing int       `json:"missing"`
	Note    string    `json:"note,omitempty"`
}

type droppedJSON struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// said returns what the notes and the schema of a run say.
func said(s *data.Schema, notes []data.Note) saidJSON {
	out := saidJSON{Notes: option.Notes(notes), Columns: []columnJSON{}, Dropped: []droppedJSON{}}
	for _, col := range s.Columns {
		out.Columns = append(out.Columns, columnJSON{col.Name, col.Kind, col.Missing, option.Note(col.Note)})
	}
	for _, d := range s.Dropped {
		out.Dropped = append(out.Dropped, droppedJSON{d.Name, option.Note(d.Reason)})
	}
	return out
}

// plain makes notes from texts that are already complete.
func plain(texts []string) []data.Note {
	notes := make([]data.Note, len(texts))
	for i, s := range texts {
		notes[i] = data.Notef("%s", s)
	}
	return notes
}

// writeData says what was read and as what type each column was read.
func writeData(w io.Writer, t *data.Table, s *data.Schema, notes []data.Note) {
	writeSchema(w, t, s)
	writeNotes(w, notes)
}

// show makes the command show how far reading has come, unless quiet is true.
func (f *readFlags) show(e *env, quiet bool) { f.shown = newPreparing(e.Err, quiet) }

// prepare prepares a run on tables, and shows its progress.
func (f *tableFlags) prepare(tables model.Tables, o model.Options, start *model.Weights) (*model.Fit, error) {
	o.Stage = f.shown.stage(tables.Train.Rows())
	o.Encoded = f.shown.rows("encoding to the disk")
	defer f.shown.done()
	fit, err := model.Prepare(tables, o, start)
	return fit, asUsage(err)
}
