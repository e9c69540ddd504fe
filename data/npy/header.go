package npy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A header is what stands before an array's numbers, a dictionary as Python writes it:
//
//	{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
type header struct {
	fields  []described // one without a name, or those of records
	fortran bool
	shape   []int64
}

type described struct{ name, descr string }

func (d described) in() string {
	if d.name == "" {
		return ""
	}
	return fmt.Sprintf(", field %q,", d.name)
}

var errHeader = errors.New("a header that is none")

func parseHeader(s string) (h header, err error) {
	p := &literal{s: s}
	value := p.value(0)
	dict, ok := value.(map[string]any)
	if !ok || p.bad {
		return h, errHeader
	}
	h.fortran, _ = dict["fortran_order"].(bool)
	shape, ok := dict["shape"].([]any)
	if !ok {
		return h, errHeader
	}
	for _, n := range shape {
		x, ok := n.(int64)
		if !ok {
			return h, errHeader
		}
		h.shape = append(h.shape, x)
	}
	switch d := dict["descr"].(type) {
	case string:
		h.fields = []described{{"", d}}
	case []any:
		for _, f := range d {
			of, ok := f.([]any)
			if !ok || len(of) < 2 {
				return h, errHeader
			}
			name, _ := of[0].(string)
			descr, isText := of[1].(string)
			if !isText || len(of) > 2 {
				descr = "|V"
			}
			if name == "" {
				continue // padding
			}
			h.fields = append(h.fields, described{name, descr + ""})
		}
	}
	if len(h.fields) == 0 {
		return h, errHeader
	}
	return h, nil
}

// A literal reads a value as Python writes it: texts, whole numbers, booleans, tuples, lists, dictionaries.
type literal struct {
	s   string
	bad bool
}

func (p *literal) fail() any {
	p.bad, p.s = true, ""
	return nil
}

// next takes a character, if that is what comes.
func (p *literal) next(c byte) bool {
	p.s = strings.TrimLeft(p.s, " \n\t")
	if p.s != "" && p.s[0] == c {
		p.s = p.s[1:]
		return true
	}
	return false
}

func (p *literal) value(depth int) any {
	if depth > 10 {
		return p.fail()
	}
	for _, pair := range []string{"()", "[]"} {
		if p.next(pair[0]) {
			list := []any{}
			for !p.next(pair[1]) {
				if list = append(list, p.value(depth+1)); p.bad {
					return nil
				}
				if !p.next(',') && (p.s == "" || p.s[0] != pair[1]) {
					return p.fail()
				}
			}
			return list
		}
	}
	if p.next('{') {
		dict := map[string]any{}
		for !p.next('}') {
			key, ok := p.value(depth + 1).(string)
			if !ok || !p.next(':') {
				return p.fail()
			}
			if dict[key] = p.value(depth + 1); p.bad {
				return nil
			}
			if !p.next(',') && (p.s == "" || p.s[0] != '}') {
				return p.fail()
			}
		}
		return dict
	}
	for _, quote := range []byte{'\'', '"'} {
		if p.next(quote) {
			end := strings.IndexByte(p.s, quote)
			if end < 0 {
				return p.fail()
			}
			s := p.s[:end]
			p.s = p.s[end+1:]
			return s
		}
	}
	for word, v := range map[string]any{"True": true, "False": false} {
		if rest, ok := strings.CutPrefix(p.s, word); ok {
			p.s = rest
			return v
		}
	}
	end := 0
	for end < len(p.s) && p.s[end] >= '0' && p.s[end] <= '9' {
		end++
	}
	x, err := strconv.ParseInt(p.s[:end], 10, 64)
	if err != nil {
		return p.fail()
	}
	p.s = strings.TrimPrefix(p.s[end:], "L")
	return x
}
