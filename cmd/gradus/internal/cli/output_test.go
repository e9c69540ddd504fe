package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// Lines are wrapped to the width of a terminal. A pipe gets them as they are.
func TestLinesFitTheTerminal(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("seven é words ", 4))
	for _, c := range []struct{ name, line, want string }{
		{"a short line", "all fits\n", "all fits\n"},
		{"a sentence", long + "\n", "seven é words seven é words\nseven é words seven é words\n"},
		{"an indented sentence", "  " + long + "\n", "  seven é words seven é words\n  seven é words seven é words\n"},
		{"a label", "Note     " + long + "\n", "Note     seven é words seven é\n         words seven é words\n         seven é words\n"},
		{"a call", "gradus train " + long + "\n", "gradus train " + long + "\n"},
		{"a table", "a  b  " + long + "\n", "a  b  " + long + "\n"},
		{"no end", long, "seven é words seven é words\nseven é words seven é words"},
	} {
		for _, width := range []int{0, 30} {
			var got bytes.Buffer
			out := &output{w: &got, width: width}
			e := &env{Std: Std{Out: out}}
			for _, letter := range strings.SplitAfter(c.line, " ") { // a line may be written in parts
				fmt.Fprint(e.text(), letter)
			}
			out.endLine()
			want := c.want
			if width == 0 {
				want = c.line
			}
			if got.String() != want {
				t.Errorf("%s on a terminal %d wide (0: a pipe): got %q, want %q", c.name, width, got.String(), want)
			}
			for line := range strings.Lines(c.want) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 30 && c.name != "a call" && c.name != "a table" {
					t.Errorf("%s: the line %q has %d characters, want at most 30", c.name, line, n)
				}
			}
		}
	}
}
