package policy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

// processor is a kind of processor. It is emulated if this machine has another one.
type processor struct {
	name    string
	env     []string // for the go command
	isa     string   // what gradus uses there
	threads int
	through func(t *testing.T) []string // the program that runs its binaries, and arguments
}

var processors = []processor{
	{"Haswell, AVX2 without AVX-512", []string{"GOOS=linux", "GOARCH=amd64"}, "avx2", 2, tool("qemu-x86_64-static", "-cpu", "Haswell")},
	{"Nehalem, without AVX2", []string{"GOOS=linux", "GOARCH=amd64"}, "generic", 2, tool("qemu-x86_64-static", "-cpu", "Nehalem")},
	{"arm64 with NEON", []string{"GOOS=linux", "GOARCH=arm64"}, "neon", 2, tool("qemu-aarch64-static")},
	{"arm64 without NEON", []string{"GOOS=linux", "GOARCH=arm64"}, "generic", 3, tool("qemu-aarch64-static")},
	{"386, 32 bits", []string{"GOOS=linux", "GOARCH=386"}, "generic", 2, i386},
	{"arm, 32 bits", []string{"GOOS=linux", "GOARCH=arm"}, "generic", 2, tool("qemu-arm-static")},
	{"WebAssembly in Node", []string{"GOOS=js", "GOARCH=wasm"}, "generic", 1, wasm},
}

// tool runs a program that has to be installed.
func tool(name string, args ...string) func(t *testing.T) []string {
	return func(t *testing.T) []string { return append([]string{need.Tool(t, name)}, args...) }
}

// i386 returns no emulator on a system that runs programs of 32 bits itself.
func i386(t *testing.T) []string {
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		return nil
	}
	return []string{need.Tool(t, "qemu-i386-static")}
}

// wasm runs Go's own script for WebAssembly, which needs Node.
func wasm(t *testing.T) []string {
	need.Tool(t, "node")
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return []string{filepath.Join(strings.TrimSpace(string(out)), "lib", "wasm", "go_js_wasm_exec")}
}

// TestFirstCommandOnHaswell runs README's first command, with one network, to its end, on a processor with AVX2
// and without AVX-512, and compares its weights with this machine's.
func TestFirstCommandOnHaswell(t *testing.T) {
	if !everywhere {
		t.Skip("emulates a processor for a minute; with GRADUS_BITS=all")
	}
	need.That(t, runtime.GOARCH == "amd64", "an amd64 processor to compare with")
	p := processors[0]
	binary := filepath.Join(t.TempDir(), "gradus")
	build := exec.Command("go", "build", "-o", binary, "./cmd/gradus")
	build.Dir = root
	build.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0"}, p.env...)...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := readmeCommands(t)[0]
	args, ok := strings.CutPrefix(first, "go run ./cmd/gradus ")
	if !ok {
		t.Fatalf("README's first command is %q, not one of go run ./cmd/gradus", first)
	}
	var sums []string
	for _, through := range [][]string{nil, p.through(t)} {
		call := append(append(slices.Clone(through), binary), strings.Fields(args)...)
		call = append(call, "--members", "1", "--json", "--quiet", "--out", filepath.Join(t.TempDir(), "model.safetensors"))
		cmd := exec.Command(call[0], call[1:]...)
		cmd.Dir = root
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		var result struct {
			Sum string `json:"weights_sha256"`
		}
		if err == nil {
			err = json.Unmarshal(out, &result)
		}
		if err != nil || len(result.Sum) != 64 {
			t.Fatalf("%v: got %v\n%s, want no error and len(result.Sum) = 64", call, err, out)
		}
		sums = append(sums, result.Sum)
	}
	if sums[0] != sums[1] {
		t.Errorf("README's first command ends with the weights %s here and %s on %s", sums[0], sums[1], p.name)
	}
}
