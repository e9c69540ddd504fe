package serve

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/gradus-ml/gradus/data"
)

// scanner reads the usual JSON of requests without reflection. If it returns false, the text is
// something else, valid or not, and encoding/json then reads it from the beginning. What a
// scanner reads has the same meaning as in encoding/json, and tests verify this.
type scanner struct {
	b []byte
	i int
}

// peek skips blanks and returns the character after them, or 0.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// next skips blanks, and then c if it follows. It reports whether it did.
func (s *scanner) next(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

// end reports whether only blanks are left.
func (s *scanner) end() bool { return s.peek() == 0 && s.i == len(s.b) }

// list calls f before each element of a list.
func (s *scanner) list(f func() bool) bool {
	if !s.next('[') {
		return false
	}
	if s.next(']') {
		return true
	}
	for f() {
		if !s.next(',') {
			return s.next(']')
		}
	}
	return false
}

// object calls f with each name of an object, before its value.
func (s *scanner) object(f func(name []byte) bool) bool {
	if !s.next('{') {
		return false
	}
	if s.next('}') {
		return true
	}
	for {
		name, ok := s.text()
		if !ok || !s.next(':') || !f(name) {
			return false
		}
		if !s.next(',') {
			return s.next('}')
		}
	}
}

// text returns a string. It is part of b if it has no escapes.
func (s *scanner) text() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	from, ascii, plain := s.i, true, true
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			raw := s.b[from:s.i]
			s.i++
			if plain {
				return raw, ascii || utf8.Valid(raw)
			}
			var text string
			err := json.Unmarshal(s.b[from-1:s.i], &text)
			return []byte(text), err == nil
		case c == '\\':
			plain = false
			s.i++
		case c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// word skips a word such as null.
func (s *scanner) word(word string) bool {
	if !bytes.HasPrefix(s.b[s.i:], []byte(word)) {
		return false
	}
	s.i += len(word)
	return true
}

// number returns the text of a number.
func (s *scanner) number() ([]byte, bool) {
	from := s.i
	digits := func() bool {
		before := s.i
		for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
			s.i++
		}
		return s.i > before
	}
	at := func(c byte) bool {
		if s.i < len(s.b) && s.b[s.i] == c {
			s.i++
			return true
		}
		return false
	}
	at('-')
	if !at('0') && !digits() {
		return nil, false
	}
	if at('.') && !digits() {
		return nil, false
	}
	if at('e') || at('E') {
		if !at('+') {
			at('-')
		}
		if !digits() {
			return nil, false
		}
	}
	return s.b[from:s.i], true
}

// value returns the value of a cell: a number, a text, true, false or null.
func (s *scanner) value() (data.Value, bool) {
	switch s.peek() {
	case '"':
		raw, ok := s.text()
		return data.Text(string(raw)), ok
	case 'n':
		return data.Missing(), s.word("null")
	case 't':
		return data.Bool(true), s.word("true")
	case 'f':
		return data.Bool(false), s.word("false")
	}
	raw, ok := s.number()
	if !ok {
		return data.Value{}, false
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	return data.Number(x), err == nil
}

// whole returns an integer.
func (s *scanner) whole() (int, bool) {
	s.peek()
	raw, ok := s.number()
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(string(raw))
	return n, err == nil
}

// scalars returns an object of numbers, texts and booleans.
func (s *scanner) scalars() (map[string]any, bool) {
	m := map[string]any{}
	ok := s.object(func(name []byte) bool {
		switch s.peek() {
		case '"':
			raw, ok := s.text()
			m[string(name)] = string(raw)
			return ok
		case 't':
			m[string(name)] = true
			return s.word("true")
		case 'f':
			m[string(name)] = false
			return s.word("false")
		}
		raw, ok := s.number()
		if !ok {
			return false
		}
		x, err := strconv.ParseFloat(string(raw), 64)
		m[string(name)] = x
		return err == nil
	})
	return m, ok
}

// rows reads a list of rows, objects by column or lists in the model's order.
func (s *scanner) rows(r *rows, most int) bool {
	return s.list(func() bool { return r.n < most && s.row(r) })
}

// row reads one row and adds it to those of r.
func (s *scanner) row(r *rows) bool {
	cells := r.add()
	found := 0
	switch s.peek() {
	case '{':
		return s.object(func(name []byte) bool {
			v, ok := s.value()
			if place, known := r.m.places[string(name)]; known {
				if r.seen[place] != r.n {
					r.seen[place] = r.n
					found++
				}
				cells[place] = v
			}
			return ok
		}) && found == len(cells)
	case '[':
		return s.list(func() bool {
			v, ok := s.value()
			if !ok || found == len(cells) {
				return false
			}
			cells[found] = v
			found++
			return true
		}) && found == len(cells)
	}
	return false
}

// named reads an object with rows under one of the given names.
func (s *scanner) named(r *rows, most int, names ...string) bool {
	seen := 0
	return s.object(func(name []byte) bool {
		return slices.Contains(names, string(name)) && once(&seen, 0) && s.rows(r, most)
	}) && seen != 0
}

// split reads {"dataframe_split": {"columns": [...], "data": [[...], ...]}}.
func (s *scanner) split(r *rows, most int) bool {
	var places []int // index of the column for each position in a row; -1: not a column of the model
	left := len(r.m.columns)
	return s.object(func(name []byte) bool {
		return string(name) == "dataframe_split" && s.object(func(name []byte) bool {
			switch {
			case string(name) == "columns" && places == nil:
				places = []int{}
				return s.list(func() bool {
					name, ok := s.text()
					place, known := r.m.places[string(name)]
					if !known {
						place = -1
					} else if slices.Contains(places, place) {
						return false
					} else {
						left--
					}
					places = append(places, place)
					return ok
				}) && left == 0
			case string(name) == "data" && left == 0 && r.n == 0:
				return s.list(func() bool {
					if r.n == most || s.peek() != '[' {
						return false
					}
					cells, i := r.add(), 0
					return s.list(func() bool {
						v, ok := s.value()
						if !ok || i == len(places) {
							return false
						}
						if places[i] >= 0 {
							cells[places[i]] = v
						}
						i++
						return true
					}) && i == len(places)
				})
			}
			return false
		})
	}) && r.n > 0
}

// elements adds the elements of a tensor, whose lists may be nested, to list.
func (s *scanner) elements(list *[]data.Value, depth, most int) bool {
	return s.list(func() bool {
		if s.peek() == '[' {
			return depth > 1 && s.elements(list, depth-1, most)
		}
		v, ok := s.value()
		*list = append(*list, v)
		return ok && len(*list) <= most
	})
}

// once reports whether a name occurs for the first time. encoding/json decides what a repeated
// name means.
func once(seen *int, bit int) bool {
	before := *seen
	*seen |= 1 << bit
	return *seen != before
}

// infer reads an inference request. The elements of its tensors are added to list, whose
// length is limited to most.
func (s *scanner) infer(request *inferRequest, list *[]data.Value, most int) bool {
	seen := 0
	return s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "id":
			var raw []byte
			raw, ok = s.text()
			request.ID = string(raw)
			return ok && once(&seen, 0)
		case "parameters":
			request.Parameters, ok = s.scalars()
			return ok && once(&seen, 1)
		case "inputs":
			return once(&seen, 2) && s.list(func() bool {
				request.Inputs = append(request.Inputs, inferInput{})
				return s.input(&request.Inputs[len(request.Inputs)-1], list, most)
			})
		case "outputs":
			return once(&seen, 3) && s.list(func() bool {
				request.Outputs = append(request.Outputs, inferOutput{})
				return s.output(&request.Outputs[len(request.Outputs)-1])
			})
		}
		return false
	}) && s.end()
}

func (s *scanner) input(in *inferInput, list *[]data.Value, most int) bool {
	seen := 0
	return s.object(func(name []byte) (ok bool) {
		var raw []byte
		switch string(name) {
		case "name":
			raw, ok = s.text()
			in.Name = string(raw)
			return ok && once(&seen, 0)
		case "datatype":
			raw, ok = s.text()
			in.Datatype = string(raw)
			return ok && once(&seen, 1)
		case "shape":
			return once(&seen, 2) && s.list(func() bool {
				n, ok := s.whole()
				in.Shape = append(in.Shape, n)
				return ok
			})
		case "parameters":
			in.Parameters, ok = s.scalars()
			return ok && once(&seen, 3)
		case "data":
			const depth = 4 // of nested lists
			from := len(*list)
			if !once(&seen, 4) || !s.elements(list, depth, most) {
				return false
			}
			in.elements = (*list)[from:len(*list):len(*list)]
			return in.elements != nil
		}
		return false
	})
}

func (s *scanner) output(out *inferOutput) bool {
	seen := 0
	return s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "name":
			var raw []byte
			raw, ok = s.text()
			out.Name = string(raw)
			return ok && once(&seen, 0)
		case "parameters":
			out.Parameters, ok = s.scalars()
			return ok && once(&seen, 1)
		}
		return false
	})
}
