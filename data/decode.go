package data

import (
	"bytes"
	"io"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Texts in other encodings, with other line ends, or with blanks as delimiters are rewritten
// while they are read.

// The encodings of a text.
const (
	encodingUTF8    = "utf-8"
	encodingUTF16   = "utf-16"
	encodingLatin1  = "latin-1" // read as Windows-1252, which assigns characters to bytes that Latin-1 leaves free
	encodingWindows = "windows-1252"
)

// windows1252 holds the characters of the bytes 0x80 to 0x9f; 0 means no character.
var windows1252 = [32]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
}

// findEncoding returns the encoding of the start of a text, and the size of its
// byte-order mark in bytes.
func findEncoding(start []byte) (encoding string, mark int) {
	switch {
	case bytes.HasPrefix(start, []byte("\ufeff")):
		return encodingUTF8, 3
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), bytes.HasPrefix(start, []byte{0xfe, 0xff}):
		return encodingUTF16, 2
	case len(start) >= 4 && (start[0] == 0) != (start[1] == 0) && (start[0] == 0) == (start[2] == 0) && (start[1] == 0) == (start[3] == 0):
		return encodingUTF16, 0
	}
	if foreign, sound := highBytes(start); foreign > 0 && sound == 0 && bytes.IndexByte(start, 0) < 0 {
		return encodingLatin1, 0
	}
	return encodingUTF8, 0
}

// LooksLikeText reports whether the start of a file looks like text in an encoding that Read detects: there is something, and no control
// character but blanks and line ends.
func LooksLikeText(start []byte) bool {
	if encoding, mark := findEncoding(start); encoding == encodingUTF16 {
		bigEndian := start[0] == 0xfe || start[0] == 0
		start, _ = fromUTF16(bigEndian)(nil, start[mark:len(start)&^1], true)
	}
	control := func(c byte) bool { return c < ' ' && !(c >= '\t' && c <= '\r') }
	return len(start) > 0 && !slices.ContainsFunc(start, control)
}

// highBytes counts the bytes above 0x7f that are not valid UTF-8, and the characters that are.
// The last character may be cut off.
func highBytes(b []byte) (foreign, sound int) {
	for len(b) > 0 {
		if b[0] < 0x80 {
			b = b[1:]
			continue
		}
		r, size := utf8.DecodeRune(b)
		switch {
		case r != utf8.RuneError || size > 1:
			sound++
		case len(b) >= utf8.UTFMax || utf8.FullRune(b):
			foreign++
		}
		b = b[size:]
	}
	return foreign, sound
}

// firstForeign returns the line of the first byte above 0x7f in a text that is not UTF-8, and the word that
// contains it.
func firstForeign(b []byte) (line int, word string) {
	at := bytes.IndexFunc(b, func(r rune) bool { return r >= 0x80 })
	letter := func(c byte) bool { return c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	from, to := at, at
	for from > 0 && letter(b[from-1]) {
		from--
	}
	for to < len(b) && letter(b[to]) {
		to++
	}
	read, _ := fromWindows1252(nil, b[from:to], true)
	return 1 + bytes.Count(b[:at], []byte{'\n'}), string(read)
}

// A rewriter reads a text and returns what rewrite makes of it, piece by piece. rewrite
// returns the unused rest, which comes back with the next piece. end says that no more follows.
type rewriter struct {
	r       io.Reader
	rewrite func(dst, src []byte, end bool) (out, rest []byte)
	raw     []byte
	out     []byte
	at      int
	err     error
}

func (w *rewriter) Read(p []byte) (int, error) {
	for w.at == len(w.out) {
		if w.err != nil {
			return 0, w.err
		}
		kept := len(w.raw)
		w.raw = append(w.raw, make([]byte, 1<<16)...)
		var n int
		n, w.err = w.r.Read(w.raw[kept:])
		var rest []byte
		w.out, rest = w.rewrite(w.out[:0], w.raw[:kept+n], w.err != nil)
		w.raw = append(w.raw[:0], rest...)
		w.at = 0
	}
	n := copy(p, w.out[w.at:])
	w.at += n
	return n, nil
}

// fromWindows1252 converts Windows-1252 to UTF-8. A byte without a character becomes an invalid
// byte, which is reported later.
func fromWindows1252(dst, src []byte, _ bool) (out, rest []byte) {
	for _, b := range src {
		r := rune(b)
		if b >= 0x80 && b < 0xa0 {
			if r = windows1252[b-0x80]; r == 0 {
				dst = append(dst, b)
				continue
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}

// fromLatin1Alone is fromWindows1252 for a text whose encoding was detected from its first chunk.
// A later UTF-8 character becomes an invalid byte: the text mixes encodings.
func fromLatin1Alone(dst, src []byte, end bool) (out, rest []byte) {
	for i := 0; i < len(src); i++ {
		if src[i] >= 0x80 {
			if r, size := utf8.DecodeRune(src[i:]); r != utf8.RuneError {
				dst = append(dst, 0xff)
				i += size - 1
				continue
			}
			if !end && !utf8.FullRune(src[i:]) {
				return dst, src[i:]
			}
		}
		dst, _ = fromWindows1252(dst, src[i:i+1], end)
	}
	return dst, nil
}

// fromUTF16 converts UTF-16 to UTF-8. Half a surrogate pair, or half a character at the end,
// becomes an invalid byte, which is reported later.
func fromUTF16(bigEndian bool) func(dst, src []byte, end bool) (out, rest []byte) {
	const bad = 0xff
	unit := func(b []byte) rune {
		if bigEndian {
			return rune(b[0])<<8 | rune(b[1])
		}
		return rune(b[1])<<8 | rune(b[0])
	}
	return func(dst, src []byte, end bool) (out, rest []byte) {
		for len(src) >= 2 {
			r := unit(src)
			switch {
			case !utf16.IsSurrogate(r):
				dst = utf8.AppendRune(dst, r)
			case len(src) < 4 && !end:
				return dst, src
			case len(src) < 4:
				dst = append(dst, bad)
			default:
				if r = utf16.DecodeRune(r, unit(src[2:])); r == utf8.RuneError {
					dst = append(dst, bad)
				} else {
					dst = utf8.AppendRune(dst, r)
					src = src[2:]
				}
			}
			src = src[2:]
		}
		if end && len(src) > 0 {
			return append(dst, bad), nil
		}
		return dst, src
	}
}

// fromCR replaces the line ends \r with \n.
func fromCR(dst, src []byte, _ bool) (out, rest []byte) {
	for _, b := range src {
		if b == '\r' {
			b = '\n'
		}
		dst = append(dst, b)
	}
	return dst, nil
}

// fromBlanks replaces the blanks between cells with a tab and removes those around a line.
func fromBlanks() func(dst, src []byte, end bool) (out, rest []byte) {
	quoted, begun, blank := false, false, false
	return func(dst, src []byte, _ bool) (out, rest []byte) {
		for _, b := range src {
			switch {
			case quoted:
				quoted = b != '"'
			case b == ' ' || b == '\t':
				blank = begun
				continue
			case b == '\n' || b == '\r':
				begun, blank = false, false
				dst = append(dst, b)
				continue
			default:
				if blank {
					dst = append(dst, '\t')
				}
				blank, begun = false, true
				quoted = b == '"'
			}
			dst = append(dst, b)
		}
		return dst, nil
	}
}
