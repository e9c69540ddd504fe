package policy

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floor returns a package's layer: 0 for internal packages, 1 for the library and 2 for the program. Packages
// that measure, show or test the code belong to no layer: -1.
func floor(pkg string) int {
	switch {
	case strings.HasPrefix(pkg, "cmd/"):
		return 2
	case strings.HasPrefix(pkg, "bench/"), strings.HasPrefix(pkg, "examples/"), pkg == "docs", pkg == "internal/policy", strings.HasPrefix(pkg, "internal/kernel/gen"):
		return -1
	case strings.HasPrefix(pkg, "internal/"):
		return 0
	}
	return 1
}

// No package imports a package of a higher layer. Only the kernels may have more than 30 % of the code.
func TestTheHouseStands(t *testing.T) {
	const most = 0.3
	lines, all := map[string]int{}, 0
	arrows := map[string]bool{}
	for _, file := range goFiles(t) {
		pkg := filepath.ToSlash(filepath.Dir(file))
		if strings.HasSuffix(file, "_test.go") || floor(pkg) < 0 {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		n := strings.Count(string(text), "\n")
		lines[pkg] += n
		all += n
		for _, spec := range parsed.Imports {
			if to, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module); ours {
				arrows[pkg+" "+to] = true
			}
		}
	}
	for arrow := range arrows {
		if from, to, _ := strings.Cut(arrow, " "); floor(from) < floor(to) {
			t.Errorf("%s imports %s, which is in a higher layer", from, to)
		}
	}
	var rooms []string
	for pkg, n := range lines {
		rooms = append(rooms, pkg)
		if share := float64(n) / float64(all); share > most && pkg != "internal/kernel" {
			t.Errorf("%s has %.0f %% of the code, and at most %.0f %% are allowed: divide it by what its parts do", pkg, 100*share, 100*most)
		}
	}
	slices.SortFunc(rooms, func(a, b string) int { return lines[b] - lines[a] })
	t.Logf("%d packages, %d imports between them, %d lines", len(rooms), len(arrows), all)
	for _, pkg := range rooms[:6] {
		t.Logf("%s has %.1f %%", pkg, 100*float64(lines[pkg])/float64(all))
	}
}
