// Package jsonl lets package data read JSON lines, and a list of objects in JSON. Importing it is
// enough:
//
//	import _ "github.com/gradus-ml/gradus/data/jsonl"
//
// Each object is a row and each key a column, in the order of their first appearance. The default target is the last key
// of the first object. A key that an object lacks is missing, and so are null and Python's NaN. A column with lists or
// objects as values is left out, with a note.
package jsonl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

func init() {
	data.Register(data.Format{
		Name: "JSON", Package: "jsonl", Read: read,
		Detect: func(head []byte, name string) bool {
			head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
			if len(head) == 0 || head[0] != '{' && head[0] != '[' {
				return false
			}
			for _, ending := range []string{".jsonl", ".ndjson", ".json"} {
				if strings.HasSuffix(name, ending) {
					return true
				}
			}
			if head[0] == '[' {
				head = bytes.TrimLeft(head[1:], " \t\r\n")
			}
			if len(head) == 0 || head[0] != '{' {
				return false
			}
			head = bytes.TrimLeft(head[1:], " \t\r\n")
			return len(head) > 0 && (head[0] == '"' || head[0] == '}')
		},
	})
}

// counter counts lines as they are decoded.
type counter struct {
	r    io.Reader
	ends []int64 // ends of lines that were read but not passed yet
	read int64
	line int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.ends = append(c.ends, c.read+int64(i))
		}
	}
	c.read += int64(n)
	return n, err
}

// at returns the line of a byte.
func (c *counter) at(offset int64) int {
	for len(c.ends) > 0 && c.ends[0] < offset {
		c.ends = c.ends[1:]
		c.line++
	}
	return c.line + 1
}

func read(f *data.File, opt data.ReadOptions) (*data.Table, error) {
	in := bufio.NewReader(f)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		in.Discard(3)
	}
	numbers := &python{in: in}
	c := &counter{r: numbers}
	d := json.NewDecoder(c)
	d.UseNumber()
	r := &rows{Growing: data.NewGrowing(f, opt), f: f, opt: opt, d: d, lines: c, index: map[string]int{}}
	t, err := d.Token()
	listed, closed := t == json.Delim('['), true
	if listed {
		closed = false
		t, err = d.Token()
	}
	for ; err == nil; t, err = d.Token() {
		if listed && t == json.Delim(']') {
			closed = true
			t, err = d.Token()
			if err == nil {
				return nil, r.fail(data.ErrDamaged, "something follows the list: %v", t)
			}
			break
		}
		if t != json.Delim('{') {
			return nil, r.fail(data.ErrFormat, "the row is not an object such as {\"height\": 1.75}: write one object per row")
		}
		if err := r.row(); err != nil {
			return nil, err
		}
	}
	if err != io.EOF || !closed {
		return nil, r.broken(err)
	}
	if r.Rows() == 0 {
		return nil, f.Fail(data.ErrEmpty, "holds no object: it takes at least one")
	}
	table, err := r.Table()
	if err != nil {
		return nil, err
	}
	if n := numbers.nans; n > 0 {
		table.AddNote(data.Notef("NaN, which JSON does not have, is missing: there are %d, the first on line %d", n, numbers.firstAt))
	}
	how := "JSON lines"
	if listed {
		how = "JSON"
	}
	if names := table.Columns(); r.first > 0 && r.first < len(names) {
		last, late := names[r.first-1], names[r.first]
		table.EndsIn(last)
		table.AddNote(data.Notef("the first object lacks keys of later ones, such as %q; where no target is named, it is the first object's last key, %q", late, last))
	}
	return table.Formatted(how), nil
}

type rows struct {
	*data.Growing
	f     *data.File
	opt   data.ReadOptions
	d     *json.Decoder
	lines *counter
	index map[string]int
	first int // the number of keys of the first object
}

// fail returns an error in the current row.
func (r *rows) fail(kind error, format string, args ...any) error {
	return data.Errorf(kind, "%s:%d: "+format, append([]any{r.f.Name, r.lines.at(r.d.InputOffset())}, args...)...)
}

// broken returns the error for a text that is not JSON.
func (r *rows) broken(err error) error {
	for _, known := range []error{data.ErrLarge, data.ErrCompressed, data.ErrUnreadable} {
		if errors.Is(err, known) {
			return err
		}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return r.fail(data.ErrDamaged, "the file ends within an object: it is cut short, fetch or write it again")
	}
	return r.fail(data.ErrDamaged, "this is not JSON: %v", err)
}

// unread records that the values of a column are not read.
func (r *rows) unread(i int, what string) {
	if r.Columns[i].IsUnread() {
		return
	}
	r.Columns[i].Unread(what, "flatten the column into keys of single values to use it")
	for range r.Held() {
		r.Columns[i].Null()
	}
}

// pass skips the rest of a list or an object after its opening bracket.
func (r *rows) pass() error {
	for depth := 1; depth > 0; {
		t, err := r.d.Token()
		if err != nil {
			return r.broken(err)
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}

// mostColumns is the largest number of columns a table may have.
const mostColumns = 1 << 17

// row reads an object after its opening brace.
func (r *rows) row() error {
	for {
		t, err := r.d.Token()
		if err != nil {
			return r.broken(err)
		}
		if t == json.Delim('}') {
			break
		}
		name := t.(string)
		i, known := r.index[name]
		if !known {
			i = len(r.Columns)
			if most := r.opt.MaxColumns; i == mostColumns || most > 0 && i == most {
				return r.fail(data.ErrLarge, "the objects have more than %d keys: leave some out", i)
			}
			if err := r.f.Need(5 * int64(r.Held()) * int64(i+1)); err != nil {
				return err
			}
			s := data.NewSeries(name)
			for range r.Held() {
				s.Null()
			}
			r.Columns, r.index[name] = append(r.Columns, s), i
		}
		s := r.Columns[i]
		if s.Len() > r.Held() {
			return r.fail(data.ErrDamaged, "the key %q appears twice in one object: keep one", name)
		}
		if t, err = r.d.Token(); err != nil {
			return r.broken(err)
		}
		switch v := t.(type) {
		case nil:
			s.Null()
		case bool:
			s.Bool(v)
		case json.Number:
			s.Number(v.String())
		case string:
			s.Text(v)
		case json.Delim:
			what := "lists"
			if v == '{' {
				what = "objects"
			}
			r.unread(i, fmt.Sprintf("%s, as on line %d", what, r.lines.at(r.d.InputOffset())))
			if err := r.pass(); err != nil {
				return err
			}
			s.Null()
		}
	}
	if r.Rows() == 0 {
		r.first = len(r.Columns)
	}
	if err := r.EndRow(); err != nil {
		return err
	}
	if r.opt.Progress != nil && r.Rows()%10000 == 0 {
		r.opt.Progress(data.Progress{Share: r.f.Share(), Bytes: r.d.InputOffset(), Rows: r.Rows()})
	}
	return nil
}
