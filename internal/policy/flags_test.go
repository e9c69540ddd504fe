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

// flag matches the name of a command line flag in a sentence, also one that is filled in.
var flag = regexp.MustCompile(`(^|[\s"'(])--([a-z][a-z-]+|%s)`)

// TestLibrarySpeaksNoFlags: programs without flags use the library too. So its messages name options
// and fields, and only the command line names flags.
func TestLibrarySpeaksNoFlags(t *testing.T) {
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
					where[slashed] = append(where[slashed], files.Position(lit.Pos()).String()+": "+text)
				}
			}
			return true
		})
	}
	for path, texts := range where {
		t.Errorf("%s names flags; name the option instead, as a data.Part or in an OptionError:\n%s", path, strings.Join(texts, "\n"))
	}
}
