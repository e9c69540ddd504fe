package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/model"
)

// rows are the rows of one request, and their predictions.
type rows struct {
	m               *loaded
	n               int
	values          []data.Value // a value for each column, row by row
	numbers         []float64    // or a number for each column, if all columns are numbers
	out             []float64    // Outputs numbers a row
	missing, unseen []int64      // cells by column
	seen            []int        // by column, the last row in which a scanner found the column
}

// newRows returns n rows of a model, whose cells are to be set.
func (x *exchange) newRows(m *modelFile, n int) (*rows, error) {
	if n > x.s.o.MaxRows {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the request has %d rows, and this server takes %d at once; send them in parts", n, x.s.o.MaxRows)
	}
	x.model, x.rows = m, n
	r := x.empty(m.now())
	r.n = n
	return r, nil
}

// empty returns no rows, in the exchange's memory.
func (x *exchange) empty(l *loaded) *rows {
	r, columns := &x.memory.rows, len(l.columns)
	r.m, r.n = l, 0
	r.values, r.numbers = r.values[:0], r.numbers[:0]
	r.missing, r.unseen, r.seen = zeroed(r.missing, columns), zeroed(r.unseen, columns), zeroed(r.seen, columns)
	return r
}

// sized returns n elements of any value, in the same memory if it is large enough.
func sized[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// zeroed returns n zeros, in the same memory if it is large enough.
func zeroed[T any](s []T, n int) []T {
	s = sized(s, n)
	clear(s)
	return s
}

// add adds a row of missing values and returns its cells.
func (r *rows) add() []data.Value {
	before, columns := len(r.values), len(r.m.columns)
	r.n++
	r.values = slices.Grow(r.values, columns)[:before+columns]
	cells := r.values[before:]
	clear(cells)
	return cells
}

// scanned reads rows by a scanner and predicts them. If it returns neither rows nor an
// error, encoding/json must read the body.
func (x *exchange) scanned(m *modelFile, body []byte, read func(s *scanner, r *rows, most int) bool) (*rows, error) {
	r, s := x.empty(m.now()), scanner{b: body}
	if x.s.o.plain || !read(&s, r, x.s.o.MaxRows) || !s.end() {
		return nil, nil
	}
	x.model, x.rows = m, r.n
	return r, r.run(x)
}

// run predicts the rows and counts their missing and unseen cells.
func (r *rows) run(x *exchange) error {
	r.out = sized(r.out, r.n*r.m.Outputs())
	columns := len(r.m.columns)
	err := r.predict(r.m.Model, r.out, model.PredictOptions{Strict: x.s.o.Strict})
	if errors.Is(err, model.ErrRow) {
		return bad("%w", err)
	}
	if err != nil {
		return err
	}
	for row := range slices.Chunk(r.values, columns) {
		r.m.Tally(row, r.missing, r.unseen)
	}
	for row := range slices.Chunk(r.numbers, columns) {
		for i, v := range row {
			if v != v {
				r.missing[i]++
			}
		}
	}
	for i := range columns {
		if r.missing[i] > 0 {
			x.model.missing[i].Add(r.missing[i])
		}
		if r.unseen[i] > 0 {
			x.model.unseen[i].Add(r.unseen[i])
		}
	}
	return nil
}

// predict predicts the rows by a model with the same columns.
func (r *rows) predict(m *model.Model, out []float64, with model.PredictOptions) error {
	if len(r.numbers) > 0 {
		return m.PredictNumbers(r.numbers, out, with)
	}
	return m.PredictRows(r.values, out, with)
}

// outputs returns the numbers of row i.
func (r *rows) outputs(i int) []float64 {
	n := r.m.Outputs()
	return r.out[i*n:][:n]
}

// set puts a JSON value into a cell.
func (r *rows) set(row, column int, v any) error {
	switch v.(type) {
	case map[string]any, []any:
		return bad("row %d: column %q holds an object or a list: give a number, a text, true, false or null", row, r.m.columns[column])
	}
	value, err := data.ValueOf(v)
	if err != nil {
		return bad("row %d: column %q: %w", row, r.m.columns[column], err)
	}
	r.values[row*len(r.m.columns)+column] = value
	return nil
}

// setObject sets a row by the names of its columns. Names that are not columns are ignored.
func (r *rows) setObject(row int, object map[string]any) error {
	for i, name := range r.m.columns {
		v, ok := object[name]
		if !ok {
			return bad("row %d has no value for the column %q; give null for a missing value", row, name)
		}
		if err := r.set(row, i, v); err != nil {
			return err
		}
	}
	return nil
}

// setList sets a row by the positions of its columns.
func (r *rows) setList(row int, list []any, columns []int) error {
	if len(list) != len(columns) {
		return bad("row %d has %d values, and there are %d columns", row, len(list), len(columns))
	}
	for i, v := range list {
		if columns[i] < 0 {
			continue
		}
		if err := r.set(row, columns[i], v); err != nil {
			return err
		}
	}
	return nil
}

// fromJSON reads rows that are objects, or lists in the model's column order.
func (x *exchange) fromJSON(m *modelFile, list []any) (*rows, error) {
	r, err := x.newRows(m, len(list))
	if err != nil {
		return nil, err
	}
	r.values = zeroed(r.values, r.n*len(r.m.columns))
	order := make([]int, len(r.m.columns))
	for i := range order {
		order[i] = i
	}
	for i, row := range list {
		switch row := row.(type) {
		case map[string]any:
			err = r.setObject(i, row)
		case []any:
			err = r.setList(i, row, order)
		default:
			if len(order) == 1 { // a model of one column
				err = r.set(i, 0, row)
			} else {
				err = bad("row %d is neither an object by column nor a list of %d values", i, len(order))
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return r, r.run(x)
}

// decode reads one JSON value into v.
func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return bad("the body is empty, and JSON was expected")
		}
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			if number, is := strings.CutPrefix(wrong.Value, "number "); is {
				return bad("the number %s is out of range: give at most 1.8e308 in magnitude", number)
			}
			return bad("the body is not the JSON that was expected: it has a value of the wrong type, %s, at byte %d", wrong.Value, wrong.Offset)
		}
		return bad("the body is not the JSON that was expected: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad("something follows the JSON in the body")
	}
	return nil
}

// writeJSON responds with a value as JSON.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, fmt.Appendf(nil, `{"error":%q}`, err.Error())
	}
	writeBytes(w, status, append(b, '\n'))
}

func writeBytes(w http.ResponseWriter, status int, b []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	w.Write(b) // a failed write means that the client has disconnected
}

// appendFloat writes a number as JSON; a number that is not finite becomes null.
func appendFloat(b []byte, x float64) []byte {
	if !float.Finite(x) {
		return append(b, "null"...)
	}
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, x, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, x, 'f', -1, 64)
}

// appendText writes a text as JSON.
func appendText(b []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&':
			plain = false
		}
	}
	if plain {
		return append(append(append(b, '"'), s...), '"')
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic("serve: " + err.Error()) // marshaling a string cannot fail
	}
	return append(b, text...)
}
