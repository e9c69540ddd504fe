package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain runs the tests. If a test has started this binary as a process, it runs gradus instead.
func TestMain(m *testing.M) {
	if os.Getenv("GRADUS_TEST_AS_MAIN") != "" {
		os.Exit(Main(os.Args[1:], Std{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	var err error
	if scratch, err = os.MkdirTemp("", "gradus"); err != nil {
		log.Fatal(err)
	}
	status := m.Run()
	os.RemoveAll(scratch)
	os.Exit(status)
}

// scratch is a folder for files that several tests need, such as a program that is built once.
var scratch string

// notShort skips a test that starts many processes if -short is set. The race detector needs this, because it
// makes each process ten times slower.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts many processes; not with -short")
	}
}

// process returns a command whose environment makes a test binary run gradus.
func process(binary string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "GRADUS_TEST_AS_MAIN=1")
	return cmd
}

// outcomeOf runs a process to its end.
func outcomeOf(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// examples is the absolute path of the folder of the shipped tables.
var examples = func() string {
	dir, err := filepath.Abs(repository + "examples/data")
	if err != nil {
		panic(err)
	}
	return dir
}()

// These are the paths of shipped tables.
var (
	iris     = filepath.Join(examples, "iris.csv")
	penguins = filepath.Join(examples, "penguins.csv")
	diabetes = filepath.Join(examples, "diabetes.csv")
	cancer   = filepath.Join(examples, "breast_cancer.csv")
	seed     = filepath.Join(examples, "notebook.csv")
)

// place makes a new working folder and writes files into it.
func place(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		writeFile(t, name, text)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// listing returns the paths in the working folder, each with the SHA-256 of its file.
func listing(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			all[path] = "folder"
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = fmt.Sprintf("%x", sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// changes returns the names that differ between two listings.
func changes(before, after map[string]string) []string {
	var out []string
	for name, sum := range after {
		if before[name] != sum {
			out = append(out, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			out = append(out, name+" is gone")
		}
	}
	slices.Sort(out)
	return out
}

// outcome is the result of a call.
type outcome struct {
	code     int
	out, err string
}

// call runs gradus in this process.
func call(args ...string) outcome { return callWith("", args...) }

func callWith(stdin string, args ...string) outcome {
	var out, errs bytes.Buffer
	code := run(context.Background(), args, Std{In: strings.NewReader(stdin), Out: &out, Err: &errs})
	return outcome{code, out.String(), errs.String()}
}

// must runs gradus, and fails the test if the exit status is not code.
func must(t *testing.T, code int, args ...string) outcome {
	t.Helper()
	r := call(args...)
	if r.code != code {
		t.Fatalf("gradus %s: got exit status %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.out, r.err)
	}
	return r
}

// object is a decoded JSON object.
type object map[string]any

// at follows keys into an object.
func (o object) at(t *testing.T, keys ...string) any {
	t.Helper()
	var v any = map[string]any(o)
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("%v: got %v, want an object with the key %q", keys, v, k)
		}
		if v, ok = m[k]; !ok {
			t.Fatalf("there is no key %q of %v", k, keys)
		}
	}
	return v
}

func (o object) number(t *testing.T, keys ...string) float64 {
	t.Helper()
	x, ok := o.at(t, keys...).(float64)
	if !ok {
		t.Fatalf("%v: got %v, want a number", keys, o.at(t, keys...))
	}
	return x
}

// parseJSON reads one object, with nothing after it.
func parseJSON(t *testing.T, s string) object {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(s))
	var o object
	if err := dec.Decode(&o); err != nil {
		t.Fatalf("got the error %v, want one JSON object:\n%s", err, s)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("got text after the JSON object, want none:\n%s", s)
	}
	return o
}

// trainQuietly runs train --json with one network, unless args have --members. It fails the test if the exit status is not
// code.
func trainQuietly(t *testing.T, code int, args ...string) object {
	t.Helper()
	return parseJSON(t, must(t, code, append([]string{"train", "--members", "1", "--json", "--quiet"}, args...)...).out)
}

func TestHelp(t *testing.T) {
	place(t, nil)
	r := must(t, 0)
	for _, name := range []string{"train", "predict", "evaluate", "check", "explain", "compare", "notebook", "plot", "info", "version", "completion"} {
		if !strings.Contains(r.out, "\n  "+name+" ") {
			t.Errorf("help does not name %s:\n%s", name, r.out)
		}
		long, short := must(t, 0, name, "--help"), must(t, 0, "help", name)
		if !strings.Contains(long.out, "Usage: gradus "+name) || long.out != short.out {
			t.Errorf("%s --help prints\n%s\nand help %s\n%s\nwant the same text", name, long.out, name, short.out)
		}
		if r.err+long.err+short.err != "" {
			t.Errorf("got %s%s%s on standard error, want nothing", r.err, long.err, short.err)
		}
	}
}

// fullWriter is the number of bytes that it still accepts before it fails.
type fullWriter int

func (w *fullWriter) Write(p []byte) (int, error) {
	if *w -= fullWriter(len(p)); *w < 0 {
		return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: errors.New("no space left on device")}
	}
	return len(p), nil
}

// TestFullOutput: output that could not be printed is an error.
func TestFullOutput(t *testing.T) {
	place(t, nil)
	trainQuietly(t, 0, iris, "--epochs", "1", "-o", "m.safetensors")
	for _, args := range [][]string{
		{"train", iris, "--epochs", "1", "--quiet"},
		{"train", iris, "--epochs", "1", "--quiet", "--json", "-o", "new.safetensors"},
		{"predict", "m.safetensors", iris},
		{"evaluate", "m.safetensors", iris},
		{"evaluate", "m.safetensors", iris, "--json"},
		{"info", "m.safetensors"},
		{"check", iris, "--hidden", "0"},
		{"version"},
		{"completion", "bash"},
	} {
		var errs bytes.Buffer
		room := fullWriter(10)
		code := run(context.Background(), args, Std{In: strings.NewReader(""), Out: &room, Err: &errs})
		if want := "gradus: cannot write to standard output: no space left on device\n"; code != 1 || strings.TrimPrefix(errs.String(), ownTable) != want {
			t.Errorf("%s: got exit status %d and %q, want 1 and %q", args, code, errs.String(), want)
		}
	}
}

func TestJoinNegative(t *testing.T) {
	got := joinNegative([]string{"train", "-", "--lr", "-1", "--hidden", "-.5", "-o", "-1", "--x=1", "-2", "--quiet", "-o"})
	want := []string{"train", "-", "--lr=-1", "--hidden=-.5", "-o", "-1", "--x=1", "-2", "--quiet", "-o"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
