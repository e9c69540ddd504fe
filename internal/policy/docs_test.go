package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// Every exported name outside internal/ has a doc comment, and every package has one.
func TestExportedIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, filepath.Join(root, file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		pkg := filepath.Dir(file)
		documented[pkg] = documented[pkg] || f.Doc != nil
		if strings.HasPrefix(file, "internal") {
			continue
		}
		report := func(pos token.Pos, what, name string) {
			t.Errorf("%s:%d: %s %s has no comment", file, set.Position(pos).Line, what, name)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && !implements(d) {
					report(d.Pos(), "func", d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
							report(s.Pos(), "type", s.Name.Name)
						}
					case *ast.ValueSpec:
						for _, n := range s.Names {
							if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil && !d.Lparen.IsValid() {
								report(n.Pos(), "value", n.Name)
							}
						}
					}
				}
			}
		}
	}
	for pkg, has := range documented {
		if !has {
			t.Errorf("package %s has no comment", pkg)
		}
	}
}

// implements reports whether an interface of the package, or of the standard
// library, already documents the method.
func implements(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	switch d.Name.Name {
	case "String", "Error", "Unwrap", "MarshalJSON", "UnmarshalJSON", // everywhere
		"F", "D", "L", "Piece", // nn.Activation, nn.Loss
		"Slots", "Validate", "Update32", "Update64", "Rate", // optim.Optimizer, optim.Schedule
		"Met", "Reason": // train.Stop
		return true
	}
	star, _ := d.Recv.List[0].Type.(*ast.StarExpr)
	var name string
	if star != nil {
		if id, ok := star.X.(*ast.Ident); ok {
			name = id.Name
		}
	} else if id, ok := d.Recv.List[0].Type.(*ast.Ident); ok {
		name = id.Name
	}
	return name != "" && !ast.IsExported(name)
}
