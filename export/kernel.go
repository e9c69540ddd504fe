package export

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// A file that predicts with the same bits must compute with the same functions. So it
// contains copies of those it needs, taken from the source of package kernel.

// copies returns the given functions of package kernel with the declarations they need, in the
// order of the files. It also returns the exported names among them, which goName changes.
func copies(roots []string) (text string, exported map[string]bool, err error) {
	var all []declaration
	files, err := fs.Glob(kernel.Source, "*.go")
	if err != nil {
		return "", nil, err
	}
	for _, file := range files {
		if all, err = appendDeclarations(all, file); err != nil {
			return "", nil, err
		}
	}
	of := map[string]int{} // name to declaration
	exported = map[string]bool{"Float": true}
	for i, d := range all {
		for _, name := range d.names {
			of[name] = i
			exported[name] = ast.IsExported(name)
		}
	}
	needed := make([]bool, len(all))
	for todo := slices.Clone(roots); len(todo) > 0; {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if i, ok := of[name]; ok && !needed[i] {
			needed[i] = true
			todo = append(todo, all[i].uses...)
		}
	}
	var b strings.Builder
	for i, d := range all {
		if needed[i] {
			fmt.Fprintf(&b, "%s\n\n", goName(d.text, exported))
		}
	}
	return b.String(), exported, nil
}

// A declaration is a declaration of functions, constants or variables.
type declaration struct {
	text  string   // with its comment
	names []string // that it declares
	uses  []string // all names in it
}

// appendDeclarations appends the declarations of one file of package kernel, without methods and types.
func appendDeclarations(all []declaration, file string) ([]declaration, error) {
	raw, err := kernel.Source.ReadFile(file)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, raw, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, decl := range parsed.Decls {
		names, doc := declared(decl)
		if names == nil {
			continue
		}
		from := decl.Pos()
		if doc != nil {
			from = doc.Pos()
		}
		d := declaration{names: names, text: string(raw[set.Position(from).Offset:set.Position(decl.End()).Offset])}
		ast.Inspect(decl, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				d.uses = append(d.uses, id.Name)
			}
			return true
		})
		all = append(all, d)
	}
	return all, nil
}

// declared returns the function, constants or variables that a declaration declares, and its comment.
func declared(decl ast.Decl) (names []string, doc *ast.CommentGroup) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			return []string{decl.Name.Name}, decl.Doc
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				for _, n := range v.Names {
					names = append(names, n.Name)
				}
			}
		}
		return names, decl.Doc
	}
	return nil, nil
}

var (
	word       = regexp.MustCompile(`(\.?)\b([A-Z]\w+)`)
	identifier = regexp.MustCompile(`[A-Za-z]\w+`)
)

// goName gives exported names of package kernel names that are not exported: kExp for Exp.
// Names after a dot belong to other packages and are not changed.
func goName(text string, exported map[string]bool) string {
	return word.ReplaceAllStringFunc(text, func(s string) string {
		if exported[s] {
			return "k" + s
		}
		return s
	})
}

// identifiers returns the names in a formula.
func identifiers(formula string) []string { return identifier.FindAllString(formula, -1) }
