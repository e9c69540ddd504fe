// Package policy holds the rules of the repository that are tests: which package may
// import which, that everything exported is documented, and that the README's commands run.
package policy

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/gradus-ml/gradus/"
	root   = "../.."
)

// allowed lists what each package may import besides the standard library. Tests may import more.
// Imports run one way: kernel < nn < optim, data < train < model < lesson, plot < cli.
var allowed = map[string][]string{
	"internal/kernel":           {"golang.org/x/sys/cpu"},
	"cmd/gradus/internal/bench": {"internal/kernel", "nn", "optim", "train", "github.com/shirou/gopsutil/v4/cpu"},
	"internal/kernel/gen":       {"internal/kernel/gen/asm", "github.com/mmcloughlin/avo/"}, // a module of its own
	"internal/kernel/gen/asm":   {"github.com/mmcloughlin/avo/"},

	"internal/kernel/gen/vector":   {"internal/kernel/gen/asm", "github.com/mmcloughlin/avo/"},
	"internal/rng":                 {},
	"internal/need":                {},
	"cmd/gradus/internal/shell":    {},
	"internal/atomicfile":          {},
	"internal/policy":              {},
	"internal/memory":              {"github.com/shirou/gopsutil/v4/mem"},
	"internal/team":                {},
	"internal/spill":               {"internal/memory", "internal/team", "golang.org/x/sys/unix"},
	"model/internal/blocks":        {"internal/memory", "internal/rng", "nn", "train"},
	"cmd/gradus/internal/tune":     {"internal/kernel", "internal/rng"},
	"cmd/gradus/internal/tfevents": {"google.golang.org/protobuf/encoding/protowire"},
	"internal/onnx":                {"google.golang.org/protobuf/encoding/protowire"},
	"internal/lock":                {"golang.org/x/sys/windows"},
	"internal/mpi":                 {"github.com/ebitengine/purego"},
	"cmd/gradus/internal/journal":  {"internal/atomicfile", "internal/lock"},
	"internal/float":               {},
	"internal/plural":              {},
	"internal/jsonfloat":           {},
	"internal/safetensors":         {},
	"nn":                           {"internal/jsonfloat", "internal/kernel", "internal/rng", "internal/safetensors", "internal/team"},
	"optim":                        {"internal/jsonfloat", "internal/kernel"},
	"metrics":                      {"internal/jsonfloat", "internal/kernel"},
	"data":                         {"internal/kernel", "internal/memory", "internal/rng", "internal/spill", "golang.org/x/text/unicode/norm", "github.com/klauspost/compress/"},
	"train":                        {"internal/jsonfloat", "internal/kernel", "internal/rng", "internal/safetensors", "internal/team", "nn", "optim"},
	"internal/flatbuf":             {},
	"internal/lz4":                 {},
	"data/arrow":                   {"data", "internal/flatbuf", "internal/lz4", "github.com/klauspost/compress/"},
	"data/excel":                   {"data"},
	"data/jsonl":                   {"data"},
	"internal/npy":                 {},
	"data/npy":                     {"data", "internal/npy"},
	"internal/pgerror":             {},
	"data/postgres":                {"data", "internal/pgerror", "github.com/jackc/pgx/v5"},
	"cmd/gradus/internal/queue":    {"internal/pgerror", "cmd/gradus/internal/journal", "github.com/jackc/pgx/v5"},
	"data/sqlite":                  {"data", "github.com/ncruces/go-sqlite3"},
	"data/internal/written":        {"data", "internal/memory"},
	"data/parquet":                 {"data", "internal/flatbuf", "internal/lz4", "github.com/klauspost/compress/"},
	"diagnosis":                    {"nn", "optim", "train"},
	"model": {
		"internal/atomicfile", "model/internal/blocks", "internal/jsonfloat", "internal/kernel", "internal/memory", "internal/mpi", "internal/rng", "internal/safetensors", "internal/spill", "internal/team",
		"nn", "optim", "data", "metrics", "train", "diagnosis",
	},
	"cmd/gradus/internal/lesson": {"cmd/gradus/internal/option", "diagnosis", "internal/jsonfloat", "internal/kernel", "internal/rng", "nn", "optim", "train"},
	"docs":                       {},
	"plot":                       {"gonum.org/v1/plot/", "codeberg.org/go-fonts/liberation/", "golang.org/x/image/"},
	"cmd/gradus/internal/option": {"cmd/gradus/internal/shell", "diagnosis", "nn", "optim", "data", "metrics", "train", "model"},
	"cmd/gradus/internal/lab":    {"cmd/gradus/internal/option", "diagnosis", "cmd/gradus/internal/shell", "internal/kernel", "internal/rng", "nn", "optim", "data", "metrics", "train", "model", "cmd/gradus/internal/lesson", "plot"},
	"export":                     {"internal/atomicfile", "internal/kernel", "internal/npy", "internal/onnx", "internal/safetensors", "nn", "data", "model"},
	"serve":                      {"data", "model"},
	"cmd/gradus/internal/cli": {
		"data/arrow", "data/excel", "data/jsonl", "data/npy", "data/parquet", "data/postgres", "data/sqlite",
		"docs", "cmd/gradus/internal/lab", "diagnosis", "export", "serve", "internal/memory", "cmd/gradus/internal/shell",
		"cmd/gradus/internal/option", "internal/atomicfile", "cmd/gradus/internal/bench", "cmd/gradus/internal/journal", "cmd/gradus/internal/queue", "internal/kernel", "internal/lock", "internal/mpi", "internal/spill", "cmd/gradus/internal/tfevents", "cmd/gradus/internal/tune", "nn", "optim", "data", "metrics", "train", "model", "cmd/gradus/internal/lesson", "plot",
		"github.com/alecthomas/kong", "github.com/vbauerster/mpb/v8", "golang.org/x/term",
	},
	"cmd/gradus":           {"cmd/gradus/internal/cli"},
	"examples/ownloop":     {"data", "metrics", "model", "nn", "train"},
	"examples/autoencoder": {"nn", "optim"},
	"examples/finetune":    {"data", "model", "nn", "train"},
	"examples/rowstream":   {"nn", "train"},
	"examples/service":     {"data", "model"},

	"bench/scores":    {},
	"bench/intervals": {"data", "metrics", "model"},
	"bench/outofcore": {},
	"bench/reading":   {},
	"bench/faults":    {"data", "diagnosis", "model", "train"},
	"bench/sklearn":   {},
	"bench/tables":    {},

	"bench/serve": {"data", "model", "fortio.org/"}, // a module of its own

	"bench/peers":       {"github.com/shirou/gopsutil/v4/cpu"},
	"bench/peers/mnist": {"data", "nn", "optim", "train"},

	"bench/peers/golang/serve":    {}, // a module of its own, with the peers in Go
	"bench/peers/golang/gomlx":    {"bench/peers/golang/serve", "github.com/gomlx/"},
	"bench/peers/golang/gorgonia": {"bench/peers/golang/serve", "gorgonia.org/"},
	"bench/peers/golang/spago":    {"bench/peers/golang/serve", "github.com/nlpodyssey/spago/"},
}

// forAll lists what any package may import: small functions that import nothing of the module.
var forAll = []string{"internal/float", "internal/plural"}

func TestImportsRunOneWay(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		pkg := filepath.ToSlash(filepath.Dir(file))
		seen[pkg] = true
		may, known := allowed[pkg]
		if !known {
			t.Errorf("%s: the package %s is not in the table of allowed imports", file, pkg)
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if path == "C" {
				t.Errorf("%s uses cgo", file)
			}
			if !strings.Contains(path, ".") { // the standard library
				continue
			}
			path = strings.TrimPrefix(path, module)
			if !slices.ContainsFunc(slices.Concat(may, forAll), func(m string) bool {
				return path == m || strings.HasPrefix(path, strings.TrimSuffix(m, "/")+"/") && !strings.HasPrefix(m, "internal/") && strings.Contains(m, ".")
			}) {
				t.Errorf("%s: %s may not import %s", file, pkg, path)
			}
		}
	}
	for pkg := range allowed {
		if !seen[pkg] && pkg != "internal/policy" {
			t.Errorf("the table of allowed imports names %s, which does not exist", pkg)
		}
	}
}

// goFiles lists the module's Go files, relative to its root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") && filepath.Dir(path) != filepath.Clean(root) { // gradus export, as in README.md, may have left some in the root
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 30 {
		t.Fatalf("only %d Go files found under %s", len(files), root)
	}
	return files
}
