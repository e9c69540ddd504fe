package data

import (
	"slices"
	"testing"
	"testing/quick"
)

// SplitNames returns the names as they were written, whatever characters they have.
func TestNames(t *testing.T) {
	for text, want := range map[string][]string{
		`a,b`:              {"a", "b"},
		`"a, b",c`:         {"a, b", "c"},
		`a\, b,c`:          {"a, b", "c"},
		`"say ""hi""",x=y`: {`say "hi"`, "x=y"},
		`5" pipe,b`:        {`5" pipe`, "b"},
		`Größe,身長, c`:      {"Größe", "身長", " c"},
	} {
		got, err := SplitNames(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %q (%v), want %q", text, got, err, want)
		}
	}
	if err := quick.Check(func(words []string) bool {
		if len(words) == 0 {
			return true
		}
		got, err := SplitNames(JoinNames(words))
		return err == nil && slices.Equal(got, words)
	}, nil); err != nil {
		t.Error(err)
	}
	if _, err := SplitNames(`"a`); err == nil {
		t.Error("a quote that is not closed is accepted")
	}
}
