package docs

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// scikit-learn.md has a line for everything that scikit-learn's MLPs have and for every callback of
// Keras, by the libraries' own lists, and for nothing else.
func TestScikitLearnPageIsWhole(t *testing.T) {
	raw, err := os.ReadFile("testdata/sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var theirs struct{ Parameters, Attributes, Methods, Callbacks []string }
	if err := json.Unmarshal(raw, &theirs); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("scikit-learn.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(page), "\n## ")
	for _, s := range []struct {
		title string
		names []string
	}{
		{"Constructor parameters", theirs.Parameters}, {"Attributes", theirs.Attributes},
		{"Methods", theirs.Methods}, {"Keras callbacks", theirs.Callbacks},
	} {
		if len(s.names) < 10 {
			t.Fatalf("%s: only %q", s.title, s.names)
		}
		i := slices.IndexFunc(sections, func(text string) bool { return strings.HasPrefix(text, s.title) })
		if i < 0 {
			t.Fatalf("no section %q", s.title)
		}
		var have []string
		for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch(sections[i], -1) {
			have = append(have, m[1])
		}
		slices.Sort(have)
		want := slices.Sorted(slices.Values(s.names))
		if !slices.Equal(have, want) {
			t.Errorf("%s: the page has\n%q\nand the library\n%q", s.title, have, want)
		}
	}
}
