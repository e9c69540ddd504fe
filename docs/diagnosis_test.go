package docs

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/diagnosis"
)

// diagnosis.md has a line for every code, in their order, and for no other.
func TestDiagnosisHasEveryCode(t *testing.T) {
	raw, err := os.ReadFile("diagnosis.md")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllSubmatch(raw, -1) {
		have = append(have, string(m[1]))
	}
	if want := diagnosis.Codes(); !slices.Equal(have, want) {
		t.Errorf("diagnosis.md has the codes\n%q\nand the trainer\n%q", have, want)
	}
}
