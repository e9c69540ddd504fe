package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/docs"
)

// TestHelpHasExamples: help shows an example call of every command that takes data, and every example can be
// parsed.
func TestHelpHasExamples(t *testing.T) {
	calls := regexp.MustCompile(`(?m)^ +gradus (.*)$`)
	for _, command := range strings.Fields("train inspect resume predict evaluate check cv importance shap explain compare notebook tune lr lab serve work plot report export import bench info") {
		found := calls.FindAllStringSubmatch(must(t, 0, "help", command).out, -1)
		if len(found) == 0 {
			t.Errorf("help %s shows no call", command)
		}
		for _, c := range found {
			if len(c[0]) > 110 {
				t.Errorf("help %s: got a line of %d characters, want at most 110", command, len(c[0]))
			}
			words := strings.Fields(strings.ReplaceAll(c[1], "'", ""))
			if words[0] != command {
				t.Errorf("help %s shows a call of %s", command, words[0])
			}
			if _, err := newParser(Std{}).Parse(words); err != nil {
				t.Errorf("help %s: %s: %v", command, c[1], err)
			}
		}
	}
}

// TestHelpShowsPages: every page that help or a report names is in the binary.
func TestHelpShowsPages(t *testing.T) {
	if names := docs.Names(); len(helpPages()) != len(names) {
		t.Errorf("help shows the pages %v, want all of %v", helpPages(), names)
	}
	for _, page := range helpPages() {
		if command, ok := strings.CutSuffix(page, ".md"); ok && !strings.Contains(must(t, 0, "help", command).out, "gradus help "+page) {
			t.Errorf("help %s does not say how to see %s", command, page)
		}
		if r := must(t, 0, "help", page); !strings.HasPrefix(r.out, "# ") {
			t.Errorf("help %s: got %.80q, want a heading", page, r.out)
		}
		if !strings.Contains(must(t, 0, "help", "help").out, page) {
			t.Errorf("help does not name %s", page)
		}
	}
	if r := must(t, 0, "help", "diagnosis"); !strings.Contains(r.out, "| `target-outlier` |") {
		t.Error("help diagnosis lacks the codes")
	}
	if must(t, 0, "help", "bits.md").out != must(t, 0, "help", "bits").out {
		t.Error("help bits.md and help bits differ")
	}
	for _, name := range docs.Names() { // as other pages call it
		if r := must(t, 0, "help", "docs/"+name+".md"); !strings.HasPrefix(r.out, "# ") {
			t.Errorf("help docs/%s.md: got %.80q, want a heading", name, r.out)
		}
	}
	if r := must(t, 0, "help", "lab"); !strings.HasPrefix(r.out, "Usage: gradus lab") {
		t.Errorf("help lab: got %.80q, want the usage of the command", r.out)
	}
	place(t, map[string]string{"t.csv": rows(60, "a,y", number, always("-3"))})
	for _, command := range []string{"help", "help train", "train t.csv --output-activation sigmoid --epochs 1 --quiet -o m.safetensors"} {
		if r := call(strings.Fields(command)...); strings.Contains(r.out+r.err, "docs/") {
			t.Errorf("%s refers to docs/:\n%s", command, r.out)
		}
	}
}
