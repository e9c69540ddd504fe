package cli

import (
	"regexp"
	"testing"
)

func TestVersion(t *testing.T) {
	if r := must(t, 0, "version"); !regexp.MustCompile(`^gradus \S+ \w+/\w+ go1\.\S+.*\n$`).MatchString(r.out) || r.err != "" {
		t.Errorf("%q", r.out)
	}
}
