// Package npy reads and writes the header of a NumPy array file.
package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Magic is the beginning of an array file.
const Magic = "\x93NUMPY"

// A Header is the file's dictionary, in Python's notation:
//
//	{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
type Header struct {
	Fields  []Field // one without a name, or those of a record
	Record  bool    // the elements are records
	Fortran bool    // column by column
	Shape   []int64
	Size    int64 // of the header in the file, in bytes: the elements follow
}

// A Field is one component of an element. In a record, one without a name is bytes between two others. Records and arrays within a
// record have the Descr of that many bytes, such as |V16, or if they hold Python objects the one of these, |O.
type Field struct{ Name, Descr string }

// The errors of Read.
var (
	ErrMagic  = errors.New("it is not an .npy file")
	ErrCut    = errors.New("its header is cut short, or too long")
	ErrHeader = errors.New("its header is not one of an array")
)

// most is the largest header that is read, in bytes.
const most = 1 << 20

// Read reads the header.
func Read(r io.Reader) (Header, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:10]); err != nil || string(head[:6]) != Magic {
		return Header{}, ErrMagic
	}
	before, length := int64(10), int64(binary.LittleEndian.Uint16(head[8:]))
	if head[6] > 1 {
		if _, err := io.ReadFull(r, head[10:]); err != nil {
			return Header{}, ErrCut
		}
		before, length = 12, int64(binary.LittleEndian.Uint32(head[8:]))
	}
	if length > most {
		return Header{}, ErrCut
	}
	text, err := io.ReadAll(io.LimitReader(r, length)) // memory grows only as bytes arrive
	if err != nil || int64(len(text)) < length {
		return Header{}, ErrCut
	}
	h, err := parse(string(text))
	h.Size = before + length
	return h, err
}

// Append adds the version 1.0 header of an array with one element type, stored row by row. The numbers begin at a
// multiple of 64 bytes.
func Append(b []byte, descr string, shape ...int) []byte {
	list := ""
	for _, n := range shape {
		list += strconv.Itoa(n) + ", "
	}
	if len(shape) > 1 {
		list = strings.TrimSuffix(list, ", ")
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, strings.TrimSuffix(list, " "))
	text += strings.Repeat(" ", 63-(10+len(text))%64) + "\n"
	return append(binary.LittleEndian.AppendUint16(append(b, Magic+"\x01\x00"...), uint16(len(text))), text...)
}

func parse(s string) (h Header, err error) {
	p := &literal{s: s}
	value := p.value(0)
	dict, ok := value.(map[string]any)
	if !ok || p.bad {
		return h, ErrHeader
	}
	h.Fortran, _ = dict["fortran_order"].(bool)
	shape, ok := dict["shape"].([]any)
	if !ok {
		return h, ErrHeader
	}
	for _, n := range shape {
		x, ok := n.(int64)
		if !ok {
			return h, ErrHeader
		}
		h.Shape = append(h.Shape, x)
	}
	switch d := dict["descr"].(type) {
	case string:
		h.Fields = []Field{{"", d}}
	case []any:
		h.Record = true
		for _, f := range d {
			of, ok := f.([]any)
			if !ok || len(of) < 2 {
				return h, ErrHeader
			}
			name, _ := of[0].(string)
			if titled, ok := of[0].([]any); ok && len(titled) == 2 { // a title and a name
				name, _ = titled[1].(string)
			}
			descr, isText := of[1].(string)
			if !isText || len(of) > 2 {
				descr = bytesOf(of)
			}
			h.Fields = append(h.Fields, Field{name, descr})
		}
	}
	if len(h.Fields) == 0 {
		return h, ErrHeader
	}
	return h, nil
}

// bytesOf returns the Descr of a field that is a record or an array: its bytes.
func bytesOf(field []any) string {
	size, ok := sizeOf(field)
	switch {
	case !ok:
		return "|V"
	case size == 0:
		return "|O"
	}
	return "|V" + strconv.FormatInt(size, 10)
}

// mostBytes is the largest record that is read, in bytes.
const mostBytes = 1 << 24

// sizeOf returns how many bytes a field takes: a name, a type and, of an array, its shape. It returns 0 if there are Python objects
// in it, which have no bytes in the file.
func sizeOf(field []any) (size int64, ok bool) {
	switch of := field[1].(type) {
	case string:
		if len(of) < 3 {
			return 0, of == "|O"
		}
		digits, _, _ := strings.Cut(of[2:], "[")
		n, err := strconv.ParseInt(digits, 10, 64)
		if size = n; of[1] == 'U' {
			size *= 4
		}
		if of[1] == 'O' {
			size = 0
		} else if err != nil || n < 0 || n > mostBytes {
			return 0, false
		}
	case []any:
		objects := false
		for _, f := range of {
			part, isField := f.([]any)
			if !isField || len(part) < 2 {
				return 0, false
			}
			n, ok := sizeOf(part)
			if !ok {
				return 0, false
			}
			size, objects = size+n, objects || n == 0
		}
		if objects {
			size = 0
		}
	default:
		return 0, false
	}
	if len(field) > 2 {
		shape, _ := field[2].([]any)
		if one, is := field[2].(int64); is {
			shape = []any{one}
		}
		for _, n := range shape {
			times, ok := n.(int64)
			if !ok || times < 1 || times > mostBytes {
				return 0, false
			}
			if size *= times; size > mostBytes {
				return 0, false
			}
		}
	}
	return size, size <= mostBytes
}

// A literal reads a value in Python's notation: strings, integers, booleans, tuples, lists, dictionaries.
type literal struct {
	s   string
	bad bool
}

func (p *literal) fail() any {
	p.bad, p.s = true, ""
	return nil
}

// next consumes a character if it comes next.
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
