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

func TestVersionFlag(t *testing.T) {
	if flag, command := must(t, 0, "--version").out, must(t, 0, "version").out; flag != command {
		t.Errorf("--version prints %q, version %q", flag, command)
	}
}
