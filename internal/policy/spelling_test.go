package policy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// british matches words that American English spells differently.
var british = regexp.MustCompile(`(?i)(normal|optim|regular|initial|standard|summar|minim|maxim|recogn|general|vector|random)is(e[rds]?|ing|ation)\b|(behavi|col|neighb|fav)our|\bgrey|\bcentre|labell(ed|ing)\b|cancell(ed|ing)`)

// TestSpelling checks that names and texts have American spelling.
func TestSpelling(t *testing.T) {
	files := goFiles(t)
	for _, pattern := range []string{"*.md", "docs/*.md", "bench/*.md", "cmd/gradus/internal/lab/page/*"} {
		more, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(more) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		for _, path := range more {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, rel)
		}
	}
	for _, path := range files {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if word := british.FindString(line); word != "" && path != filepath.Join("internal", "policy", "spelling_test.go") {
				t.Errorf("%s:%d: %q is not the American spelling", path, i+1, word)
			}
		}
	}
}
