package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// mostLines is how long a function may be, from its first line to its last.
const mostLines = 80

// longer has the functions that are longer, with their lines. A number here becomes smaller, or goes.
var longer = map[string]int{
	"data/levels.go newLevelStats":             81,
	"data/pieces.go fitPieces":                 91,
}

// TestFunctionsAreShort: a function that can be read on a page needs no scrolling back. Tests and programs
// that measure other programs are left out.
func TestFunctionsAreShort(t *testing.T) {
	seen := map[string]bool{}
	files := token.NewFileSet()
	for _, path := range goFiles(t) {
		slashed := filepath.ToSlash(path)
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(slashed, "bench/peers/") {
			continue
		}
		file, err := parser.ParseFile(files, filepath.Join(root, path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1
			name := slashed + " " + f.Name.Name
			bound, known := longer[name]
			switch {
			case lines > max(bound, mostLines):
				t.Errorf("%s has %d lines, and at most %d are allowed: divide it by what its parts do", name, lines, max(bound, mostLines))
			case known && lines < bound:
				t.Errorf("%s has %d lines: write that number into the list, or take it out at %d", name, lines, mostLines)
			}
			seen[name] = seen[name] || known && lines > mostLines
		}
	}
	for name := range longer {
		if !seen[name] {
			t.Errorf("%s is not longer than %d lines any more, or not there: take it out of the list", name, mostLines)
		}
	}
}
