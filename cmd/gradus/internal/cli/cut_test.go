package cli

import (
	"slices"
	"testing"
)

// Names that differ stay different when they are cut.
func TestCutApart(t *testing.T) {
	for _, c := range []struct{ names, want []string }{
		{[]string{"abcdef", "b"}, []string{"abc…", "b"}},
		{[]string{"9007199254740992", "9007199254740993"}, []string{"…992", "…993"}},
		{[]string{"aaaaXbbbb", "aaaaYbbbb"}, []string{"aaaaXbbbb", "aaaaYbbbb"}},
	} {
		if got := cutApart(c.names, 4); !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
