package jsonl

import "bufio"

// A python is a reader that passes JSON on. It replaces the numbers that Python's json writes although JSON lacks them. NaN
// becomes null. Infinity becomes a string, which is refused in a column of numbers.
type python struct {
	in      *bufio.Reader
	out     string // to pass on before more is read
	quoted  bool   // within a string
	escaped bool   // after a backslash in it
	line    int    // of the next byte, from 0
	nans    int
	firstAt int // the line of the first NaN, from 1
}

func (r *python) Read(p []byte) (int, error) {
	if r.out == "" {
		if _, err := r.in.Peek(1); err != nil {
			return 0, err
		}
		b, _ := r.in.Peek(min(len(p), r.in.Buffered()))
		if n := r.plain(b); n > 0 {
			copy(p, b[:n])
			r.in.Discard(n)
			return n, nil
		}
		r.word()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// plain returns the number of bytes before what may be one of Python's numbers.
func (r *python) plain(b []byte) int {
	for i, c := range b {
		switch {
		case r.escaped:
			r.escaped = false
		case r.quoted:
			r.escaped = c == '\\'
			r.quoted = c != '"'
		case c == '"':
			r.quoted = true
		case c == 'N' || c == 'I' || c == '-' && (i+1 == len(b) || b[i+1] == 'I'):
			return i
		case c == '\n':
			r.line++
		}
	}
	return len(b)
}

// word takes the next word and sets out to what replaces it. If it is not one of Python's numbers, word takes its first
// byte.
func (r *python) word() {
	for word, as := range map[string]string{"NaN": "null", "Infinity": `"Infinity"`, "-Infinity": `"-Infinity"`} {
		b, _ := r.in.Peek(len(word))
		if string(b) != word {
			continue
		}
		r.out = as
		r.in.Discard(len(word))
		if word == "NaN" {
			if r.nans++; r.nans == 1 {
				r.firstAt = r.line + 1
			}
		}
		return
	}
	b, _ := r.in.Peek(1)
	r.out = string(b)
	r.in.Discard(1)
}
