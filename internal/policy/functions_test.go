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

// TestFunctionsAreShort: a function that fits on a page can be read without scrolling. Tests and programs
// that measure other programs are left out.
func TestFunctionsAreShort(t *testing.T) {
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
			if lines > mostLines {
				t.Errorf("%s %s has %d lines, and at most %d are allowed: divide it by what its parts do", slashed, f.Name.Name, lines, mostLines)
			}
		}
	}
}
