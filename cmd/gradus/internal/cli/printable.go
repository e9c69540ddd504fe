package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// printable writes text for people. Names and cells of a table can hold characters that would color a terminal, move its
// cursor or reverse its text; it writes them as escapes, such as \x1b, except tabs and line ends.
type printable struct{ w io.Writer }

func (p printable) Write(text []byte) (int, error) {
	if _, err := io.WriteString(p.w, escaped(string(text), "\n\t")); err != nil {
		return 0, err
	}
	return len(text), nil
}

// text returns a writer of text on standard output. On a terminal it wraps long lines.
func (e *env) text() io.Writer {
	if out, ok := e.Out.(*output); ok && out.width > 0 {
		return printable{wrapped{out}}
	}
	return printable{e.Out}
}

// remarks returns a writer of text on standard error.
func (e *env) remarks() io.Writer { return printable{e.Err} }

// escaped replaces control characters, and characters that change the direction of text, by escapes, except those in but.
func escaped(s, but string) string {
	is := func(r rune) bool {
		return (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) && !strings.ContainsRune(but, r)
	}
	if strings.IndexFunc(s, is) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if is(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// printf writes text to standard output.
func (e *env) printf(format string, args ...any) { fmt.Fprintf(e.text(), format, args...) }

// say writes a message to standard error.
func (e *env) say(format string, args ...any) {
	fmt.Fprintf(e.remarks(), "gradus: "+format+"\n", args...)
}
