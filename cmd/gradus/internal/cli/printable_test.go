package cli

import (
	"strings"
	"testing"
	"unicode"
)

// Control characters in cells are shown as escapes. A tab or a line break in a class does not shift the columns of a table.
func TestControlCharactersAreShown(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(80, "x,\"na\x1b[31mme\",y", number, number, cycle("\"a\tb\"", "\"c\nd\"", "\"e\x1b[31mf\"", "\"g\u202eh\""))})
	r := must(t, 0, "train", "t.csv", "--preset", "quick", "--epochs", "2", "-o", "m.safetensors")
	for _, text := range []string{r.out, r.err, must(t, 0, "inspect", "t.csv").out, must(t, 0, "info", "m.safetensors").out,
		must(t, 0, "importance", "m.safetensors", "t.csv").out, must(t, 1, "train", "t.csv", "--target", "\x1b[31m").err} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || r == '\u202e') }); i >= 0 {
			t.Errorf("%q has the control character %q", text[max(0, i-40):i+10], text[i:i+1])
		}
	}
	_, matrix, found := strings.Cut(r.out, "True class (down)")
	lines := strings.Split(matrix, "\n")
	if !found || len(lines) < 6 {
		t.Fatalf("there is no confusion matrix:\n%s", r.out)
	}
	for i, name := range []string{`a\tb`, `c\nd`, `e\x1b[31mf`, `g\u202eh`} {
		head, row := strings.Fields(lines[1]), strings.Fields(lines[2+i])
		if head[i] != name || row[0] != name || len(row) != 9 {
			t.Errorf("class %d: got %q in the head and %q in its row of %d columns, want %q and 9 columns", i, head[i], row[0], len(row), name)
		}
	}
}
