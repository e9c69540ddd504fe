package data

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// A text is converted to the same bytes, whatever pieces it arrives in.
func TestRewriters(t *testing.T) {
	for name, c := range map[string]struct {
		how        func() func(dst, src []byte, end bool) (out, rest []byte)
		text, want string
	}{
		"UTF-16":       {func() func(dst, src []byte, end bool) (out, rest []byte) { return fromUTF16(false) }, utf16Of("aé𝄞\n", false), "aé𝄞\n"},
		"half a pair":  {func() func(dst, src []byte, end bool) (out, rest []byte) { return fromUTF16(true) }, "\xd8\x34\x00a\xd8\x34", "\xffa\xff"},
		"half a unit":  {func() func(dst, src []byte, end bool) (out, rest []byte) { return fromUTF16(true) }, "\x00ab", "a\xff"},
		"Windows-1252": {func() func(dst, src []byte, end bool) (out, rest []byte) { return fromWindows1252 }, "a\x80\xe9\x81", "a€é\x81"},
		"CR":           {func() func(dst, src []byte, end bool) (out, rest []byte) { return fromCR }, "a\rb\r", "a\nb\n"},
		"blanks":       {fromBlanks, "  a \"b  c\"\t d \r\n\n e", "a\t\"b  c\"\td\r\n\ne"},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.text), iotest.OneByteReader(strings.NewReader(c.text)), iotest.DataErrReader(strings.NewReader(c.text))} {
			got, err := io.ReadAll(&rewriter{r: r, rewrite: c.how()})
			if err != nil || string(got) != c.want {
				t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
			}
		}
	}
}
