package policy

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The README's Go compiles. In it, and in every example, an error is checked before the result that comes
// with it is used.
func TestExamplesLookAtErrors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	blocks := strings.Split(string(text), "```go\n")[1:]
	if len(blocks) < 2 {
		t.Fatalf("the README has only %d pieces of Go", len(blocks))
	}
	for i, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		source := "package readme\nimport (\n"
		for _, pkg := range []string{"context", "fmt", module + "data", module + "model", module + "nn", module + "train"} {
			if name := filepath.Base(pkg); name == "context" || strings.Contains(code, name+".") {
				source += "\"" + pkg + "\"\n"
			}
		}
		source += ")\nfunc example(ctx context.Context) error {\n" + code + "\nreturn nil\n}\n"
		file, err := parser.ParseFile(fset, "README.md", source, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("piece %d of the README's Go: %v\n%s", i+1, err, code)
			continue
		}
		if _, err := (&types.Config{Importer: importer.ForCompiler(fset, "source", nil)}).Check("readme", fset, []*ast.File{file}, nil); err != nil {
			t.Errorf("piece %d of the README's Go: %v\n%s", i+1, err, code)
		}
		looksAtErrors(t, fset, file)
	}
	for _, path := range goFiles(t) {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(root, path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Example") {
				looksAtErrors(t, fset, f)
			}
		}
	}
}

// looksAtErrors reports statements that set err and another variable if the next statement
// does not check err.
func looksAtErrors(t *testing.T, fset *token.FileSet, in ast.Node) {
	ast.Inspect(in, func(n ast.Node) bool {
		block, ok := n.(*ast.BlockStmt)
		if !ok {
			return true
		}
		for i, s := range block.List {
			set, ok := s.(*ast.AssignStmt)
			if !ok || len(set.Lhs) < 2 || !isErr(set.Lhs[len(set.Lhs)-1]) {
				continue
			}
			looks := false
			if i+1 < len(block.List) {
				ast.Inspect(block.List[i+1], func(n ast.Node) bool {
					looks = looks || isErr(n)
					return true
				})
			}
			if !looks {
				t.Errorf("%s: the next statement does not check err", fset.Position(set.Pos()))
			}
		}
		return true
	})
}

func isErr(n ast.Node) bool {
	id, ok := n.(*ast.Ident)
	return ok && id.Name == "err"
}
