package policy

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestReadmeCommands runs every command of the README's sh blocks, in order, as a new user would. It runs them in
// a copy of the files that git tracks. The command that runs the tests is left out, since this
// test is part of it.
func TestReadmeCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the README's commands, which takes half a minute; not with -short")
	}
	commands := readmeCommands(t)
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash to run the README's commands with")
	}
	clone := t.TempDir()
	copyTree(t, root, clone)
	bin := t.TempDir()
	for _, c := range commands {
		if strings.HasPrefix(c, "go test") {
			continue
		}
		cmd := exec.Command(bash, "-euo", "pipefail", "-c", c)
		cmd.Dir = clone
		cmd.Env = append(os.Environ(), "GOBIN="+bin, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", c, err, out)
		}
		t.Logf("$ %s\n%s", c, out)
	}
	checkStatic(t, filepath.Join(bin, "gradus"))
}

// readmeCommands returns the lines of the README's sh blocks.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	in := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			in = line == "```sh"
		case in && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#"):
			commands = append(commands, line)
		}
	}
	if len(commands) < 6 {
		t.Fatalf("the README has only %d commands", len(commands))
	}
	return commands
}

// checkStatic refuses an ELF file that needs a loader or a library. A file built with cgo needs
// them, and cgo is on if a C compiler is installed.
func checkStatic(t *testing.T, file string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return // other systems have no static programs
	}
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC || len(libraries) > 0 {
			t.Fatalf("the README's commands make a program that is not static: it has a part %v and needs %v", p.Type, libraries)
		}
	}
}

// copyTree copies the files that git tracks. Without git, it copies the Go files and what the commands need.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = from
	var files []string
	if out, err := cmd.Output(); err == nil {
		files = strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	} else {
		t.Logf("git ls-files: %v; copying the whole folder", err)
		files = goFiles(t)
		files = append(files, "go.mod", "go.sum", "README.md")
		data, err := filepath.Glob(filepath.Join(from, "examples/data/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range data {
			rel, err := filepath.Rel(from, d)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, rel)
		}
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(from, f))
		if os.IsNotExist(err) {
			continue // deleted, not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		dst := filepath.Join(to, f)
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dst, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Git ignores the files that the README's commands leave in the clone.
func TestReadmeLeavesNothing(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	ignored := strings.Split(string(text), "\n")
	exports := 0
	for _, command := range readmeCommands(t) {
		words := strings.Fields(command)
		for i, word := range words[:len(words)-1] {
			if file := words[i+1]; word == "-o" && !strings.Contains(file, "/") {
				exports++
				if !slices.Contains(ignored, "/*"+filepath.Ext(file)) && !slices.Contains(ignored, "/"+file) {
					t.Errorf("%s leaves %s, which .gitignore does not know", command, file)
				}
			}
		}
	}
	if exports < 3 {
		t.Errorf("got only %d commands with -o, want 3 or more", exports)
	}
	for _, file := range goFiles(t) {
		if !strings.Contains(filepath.ToSlash(file), "/") {
			t.Errorf("%s is taken for a package of the repository", file)
		}
	}
}
