package cli

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// The flags are grouped by subject. A command embeds the groups it takes.

// readFlags say how a table is read.
type readFlags struct {
	Delimiter string `placeholder:"C" group:"data" help:"What separates the cells of a line: a character, tab or blanks. Default: detected." json:"delimiter,omitempty"`
	Header    string `default:"auto" enum:"auto,yes,no" group:"data" help:"Whether the first line names the columns: auto, yes or no." json:"header,omitempty"`
	Encoding  string `default:"auto" enum:"auto,utf-8,utf-16,latin-1,windows-1252" group:"data" help:"The encoding of a text file: auto, utf-8, utf-16, latin-1 or windows-1252." json:"encoding,omitempty"`
	SkipRows  int    `default:"0" placeholder:"N" group:"data" help:"How many lines above the header to skip." json:"skip_rows,omitempty"`
	Comment   string `placeholder:"C" group:"data" help:"Skip lines that start with this." json:"comment,omitempty"`
	KeepTotal bool   `group:"data" help:"Keep a last line that starts with Total as a row." json:"keep_total,omitempty"`
	Sheet     string `placeholder:"NAME" group:"data" help:"The sheet of a spreadsheet to read. Default: the first." json:"sheet,omitempty"`
	Query     string `placeholder:"SQL" group:"data" help:"What to read from a database. Default: its only table." json:"query,omitempty"`

	shown *preparing  // shows how far reading has come; nil: shows nothing
	disk  *data.Spill // holds a table that does not fit in memory; nil: such a table is refused
}

// read reads a table, and writes to standard error what the reader decided.
func (f *readFlags) read(e *env, paths ...string) (*data.Table, error) {
	t, err := f.readSilently(e, paths...)
	if err == nil {
		for _, n := range t.Notes() {
			fmt.Fprintf(e.remarks(), "gradus: %s: %s\n", t.Name(), option.Note(n))
		}
	}
	return t, err
}

// With a table of so many cells or more, the garbage collector lets this percentage of the memory in use build up, not 100.
// Its work is small then, since the lists that are in use are few and long. The variable GOGC takes precedence.
const (
	largeCells   = 1 << 20
	largePercent = 10
)

// readSilently reads a table and leaves its notes to the caller.
func (f *readFlags) readSilently(e *env, paths ...string) (*data.Table, error) {
	opt := data.ReadOptions{
		Header: f.Header, Encoding: f.Encoding, SkipRows: f.SkipRows, Comment: f.Comment, KeepTotal: f.KeepTotal,
		Sheet: f.Sheet, Query: f.Query, Stdin: e.In, Progress: f.shown.read(strings.Join(withoutPasswords(paths), ", ")),
		Spill: f.disk,
	}
	if f.SkipRows < 0 {
		return nil, usagef("--skip-rows %d: give a number of at least 0", f.SkipRows)
	}
	defer f.shown.done()
	switch {
	case f.Delimiter == "":
	case f.Delimiter == "tab" || f.Delimiter == `\t`:
		opt.Delimiter = '\t'
	case f.Delimiter == "blanks":
		opt.Delimiter = ' '
	default:
		r, size := utf8.DecodeRuneInString(f.Delimiter)
		if size != len(f.Delimiter) || r == utf8.RuneError || r == '"' || r == '\n' || r == '\r' {
			return nil, usagef("--delimiter %q: give one character, tab or blanks", f.Delimiter)
		}
		opt.Delimiter = r
	}
	t, err := data.ReadAll(paths, opt)
	if err == nil && t.Rows()*len(t.Columns()) >= largeCells && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(largePercent)
	}
	return t, err
}

// tableFlags say how a table is read and how it is used.
type tableFlags struct {
	readFlags   `embed:""`
	optionFlags `embed:""`
}

// startFlag names the weights to start from.
type startFlag struct {
	From string `placeholder:"FILE" group:"network" help:"Start from these weights. A model also brings its network, columns, classes and encoding, for a warm start or a partial fit on further rows; flags that contradict it are refused. Bare tensors, layers.0.weight ... of shape [in, out], must fit the network."`
}

// start reads the weights to start from. It returns nil if the call names none.
func (f *startFlag) start() (*model.Weights, error) {
	if f.From == "" {
		return nil, nil
	}
	w, err := model.LoadWeights(f.From)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	return w, nil
}

// heldOut reads FRACTION|FILE|none. It sets a fraction of the rows in the options, or returns the table in a file.
func (f *tableFlags) heldOut(e *env, name string, o *model.Options) (*data.Table, error) {
	text := f.text(name)
	if text == "" {
		return nil, nil
	}
	if err := f.find(name).Set(o, text); err == nil {
		return nil, nil
	} else if _, wrong := strconv.ParseFloat(text, 64); wrong == nil { // NaN
		return nil, usagef("--%s %s: %w", name, text, err)
	}
	table, err := f.read(e, text)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("--%s: %w (or give a fraction of the rows such as 0.2, or none)", name, err)
	}
	return table, err
}

// tables reads the table to train on and the tables that are held out.
func (f *tableFlags) tables(e *env, path paths, o *model.Options) (t model.Tables, err error) {
	if t.Validation, err = f.heldOut(e, "validation", o); err != nil {
		return t, err
	}
	if t.Test, err = f.heldOut(e, "test", o); err != nil {
		return t, err
	}
	t.Train, err = f.readSilently(e, path...)
	return t, err
}

// asUsage marks an error of options as an error of the call, unless the error depends on the table.
func asUsage(err error) error {
	for _, ofTable := range []error{data.ErrColumn, data.ErrTarget, data.ErrTask, data.ErrType, data.ErrNumber} {
		if errors.Is(err, ofTable) {
			return err
		}
	}
	if errors.Is(err, model.ErrOptions) {
		return usage{err}
	}
	return err
}

// defaultOut returns the data's name with the model's ending, in the current folder.
func defaultOut(from paths) string {
	path := from[0]
	if path == data.Stdin || strings.Contains(path, "://") {
		return "model.safetensors"
	}
	name := filepath.Base(strings.TrimPrefix(path, "sqlite:"))
	if ext := filepath.Ext(name); ext != "" { // .CSV counts as .csv
		name = strings.TrimSuffix(name, ext) + strings.ToLower(ext)
	}
	for _, ending := range []string{".gz", ".zst", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather", ".jsonl", ".ndjson", ".json", ".xlsx", ".npy", ".npz", ".db", ".sqlite", "-ubyte"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name + ".safetensors"
}

// A kind is a kind of file that a command writes.
type kind string

const (
	kindModel   kind = "model"
	kindTable   kind = "table of predictions"
	kindParquet kind = "Parquet file"
	kindReport  kind = "report"
	kindSVG     kind = "svg" // as plot.FormatOf returns it
	kindPNG     kind = "png"

	kindONNX    kind = "ONNX file"
	kindGo      kind = "Go file of gradus export"
	kindC       kind = "C file of gradus export"
	kindNPZ     kind = "file of arrays (.npz)"
	kindTensors kind = "file of bare tensors"
)

// checkOut returns an error, before any work is done, if the result would overwrite a file that it is made
// from, or an existing file of another kind. It also returns an error if the folder cannot be
// written to.
func checkOut(out string, k kind, inputs ...string) error {
	if err := notAnInput(out, inputs...); err != nil {
		return err
	}
	if info, err := os.Stat(out); err == nil && info.Mode().IsRegular() {
		is, err := isKind(out, k)
		if err != nil {
			return usagef("--out %s: that file exists and cannot be read (%w), so it may be no %s; name another file", out, err, k)
		}
		if !is {
			return usagef("--out %s: that file exists and is no %s, so it is not overwritten; remove it, or name another file", out, strings.Replace(strings.Replace(string(k), "svg", "SVG picture", 1), "png", "PNG picture", 1))
		}
	}
	return writableFolder(out)
}

// isKind reports whether a file begins like a file of that kind. An empty file is of every kind.
func isKind(path string, k kind) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return false, err
	}
	defer file.Close()
	head := make([]byte, 4096)
	n, err := io.ReadFull(file, head)
	if head = head[:n]; n == 0 {
		return true, nil
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	page := bytes.Contains(bytes.ToLower(head[:min(n, 256)]), []byte("<!doctype html"))
	picture := bytes.HasPrefix(head, []byte("<?xml")) || bytes.HasPrefix(head, []byte("<svg"))
	png := bytes.HasPrefix(head, []byte("\x89PNG"))
	switch k {
	case kindModel: // a length, and a JSON object; a damaged model may be replaced too
		return n > 8 && head[8] == '{' || strings.HasSuffix(path, ".safetensors"), nil
	case kindReport:
		return page && bytes.Contains(head, []byte(html.EscapeString(lab.ReportPolicy))), nil
	case kindSVG:
		return picture, nil
	case kindPNG:
		return png, nil
	case kindParquet:
		return bytes.HasPrefix(head, []byte("PAR1")), nil
	case kindONNX: // the first field of a model is the format's version
		return head[0] == 0x08, nil
	case kindGo:
		return bytes.HasPrefix(head, []byte("// Code generated by gradus export")), nil
	case kindC:
		return bytes.HasPrefix(head, []byte("/* Code generated by gradus export")), nil
	case kindNPZ:
		return bytes.HasPrefix(head, []byte("PK")), nil
	case kindTensors: // a model does not count as one
		return n > 8 && head[8] == '{' && !bytes.Contains(head, []byte(`"gradus":`)), nil
	}
	return !page && !picture && utf8.Valid(head[:max(0, n-utf8.UTFMax)]) && !bytes.ContainsRune(head, 0), nil
}

// saveModel writes a model, and says so if it replaces a file. Other results can be made again from the model, so they
// replace older ones silently.
func (e *env) saveModel(m *model.Model, path string) error {
	info, err := os.Stat(path)
	there := err == nil && info.Mode().IsRegular() && info.Size() > 0
	if err = m.Save(path); err == nil && there {
		e.say("%s replaces the file that was there", path)
	}
	return err
}

// notAnInput returns an error if the result would overwrite a file it is made from.
func notAnInput(out string, inputs ...string) error {
	to, err := os.Stat(out)
	if err != nil || !to.Mode().IsRegular() {
		return nil
	}
	for _, in := range inputs {
		if file, ok := strings.CutPrefix(in, "sqlite:"); ok {
			in = file
		}
		if from, err := os.Stat(in); err == nil && os.SameFile(to, from) {
			return usagef("--out %s: that is the input %s, which would be lost; name another file", out, in)
		}
	}
	return nil
}

// writableFolder returns an error, before any work is done, if the result's folder cannot be
// written to.
func writableFolder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder; name a file in it with --out", path)
	} else if err == nil && !info.Mode().IsRegular() {
		return nil // a device
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".gradus-*.tmp")
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot write %s: the folder %s does not exist; make it, or choose another place with --out", path, dir)
		}
		return fmt.Errorf("cannot write %s: the folder %s cannot be written to (%w); choose another place with --out", path, dir, err)
	}
	f.Close()
	return os.Remove(f.Name())
}
