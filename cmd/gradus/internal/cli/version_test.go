package cli

import (
	"regexp"
	"testing"
)

func TestVersion(t *testing.T) {
	if r := must(t, 0, "version"); !regexp.MustCompile(`^gradus \S+ \w+/\w+ go1\.\S+.*\n$`).MatchString(r.out) || r.err != "" {
		t.Errorf("got the output %q and the message %q, want one line with the version", r.out, r.err)
	}
}

func TestVersionFlag(t *testing.T) {
	if flag, command := must(t, 0, "--version").out, must(t, 0, "version").out; flag != command {
		t.Errorf("--version: got %q, want %q as from version", flag, command)
	}
}
