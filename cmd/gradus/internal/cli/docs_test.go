package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// agreed lists flags that documents may name before gradus train has them.
var agreed = []string{
	"--l1", "--l2", "--max-norm", "--clip-norm", "--clip-value", "--dropout", "--ema", "--warmup",
	"--sample-weight", "--class-weight", "--metric", "--checkpoint-every", "--label-smoothing", "--norm", "--on-divergence",
}

// Every flag that a document names is a flag of gradus, or in agreed.
func TestDocumentedFlagsExist(t *testing.T) {
	help := strings.ReplaceAll(must(t, 0, "help", "train").out, "--[no-]shuffle", "--shuffle --no-shuffle")
	flag := regexp.MustCompile(`--[a-z][a-z0-9-]*`)
	known := append(flag.FindAllString(help, -1), agreed...)
	for _, doc := range []string{"scikit-learn.md", "diagnosis.md"} {
		raw, err := os.ReadFile(filepath.Join(repository+"docs", doc))
		if err != nil {
			t.Fatal(err)
		}
		named := flag.FindAllString(string(raw), -1)
		if len(named) < 5 {
			t.Errorf("%s: got the flags %q, want at least 5", doc, named)
		}
		for _, f := range named {
			if !slices.Contains(known, f) {
				t.Errorf("%s names the flag %s, which gradus train does not have", doc, f)
			}
		}
	}
}
