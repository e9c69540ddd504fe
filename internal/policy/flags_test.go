package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// flag matches the name of a command line flag in a sentence.
var flag = regexp.MustCompile(`(^|[\s"'(])--[a-z][a-z-]+`)

// speaksFlags has how many texts of a file name a flag. The library speaks to programs as well, which have no
// flags: a number here becomes smaller, or goes.
var speaksFlags = map[string]int{
	"data/chunks.go":  1,
	"data/csv.go":     1,
	"data/look.go":    7,
	"data/opening.go": 1,
	"data/parse.go":   6,
	"data/profile.go": 1,
	"data/schema.go":  8,
	"data/sniff.go":   1,
}

// TestLibrarySpeaksNoFlags: messages of the library's packages name options and fields; flags are for the
// command line to name.
func TestLibrarySpeaksNoFlags(t *testing.T) {
	found := map[string]int{}
	where := map[string][]string{}
	files := token.NewFileSet()
	for _, path := range goFiles(t) {
		slashed := filepath.ToSlash(path)
		switch top, _, _ := strings.Cut(slashed, "/"); top {
		case "data", "metrics", "optim", "nn", "train", "model", "plot", "export", "serve":
		default:
			continue
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, filepath.Join(root, path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && flag.MatchString(text) {
					found[slashed]++
					where[slashed] = append(where[slashed], files.Position(lit.Pos()).String()+": "+text)
				}
			}
			return true
		})
	}
	for path, n := range found {
		if n > speaksFlags[path] {
			t.Errorf("%s has %d texts that name a flag, and %d are known; name the option instead:\n%s", path, n, speaksFlags[path], strings.Join(where[path], "\n"))
		}
	}
	for path, n := range speaksFlags {
		if found[path] < n {
			t.Errorf("%s has %d texts that name a flag: write that number into the list, or take it out at 0", path, found[path])
		}
	}
}
