package policy

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

// TestReadmeWalk follows the README's section on models elsewhere in a copy of the clone. It trains, serves
// and asks with the curl command, exports to ONNX and runs the Python. Both give the same number.
func TestReadmeWalk(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and trains; not with -short")
	}
	curl, bash := need.Tool(t, "curl"), need.Tool(t, "bash")
	python, _, _ := strings.Cut(os.Getenv("GRADUS_ONNX_PYTHON"), string(os.PathListSeparator))
	if python == "" {
		python = need.Tool(t, "python3")
	}
	need.That(t, exec.Command(python, "-c", "import onnxruntime").Run() == nil, "a python3 with onnxruntime, or GRADUS_ONNX_PYTHON that names one")
	raw, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	ask := regexp.MustCompile(`(?m)^\$ (curl -d .*)$`).FindStringSubmatch(string(raw))
	script := regexp.MustCompile("(?s)```python\n(.*?)```").FindStringSubmatch(string(raw))
	if ask == nil || script == nil {
		t.Fatal("the README has no curl command, or no Python")
	}
	clone := t.TempDir()
	copyTree(t, root, clone)
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = clone
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	gradus := filepath.Join(clone, "gradus")
	run("go", "build", "-o", gradus, "./cmd/gradus")
	for _, c := range readmeCommands(t) {
		if strings.Contains(c, "train examples/data/diabetes.csv") || strings.HasSuffix(c, "diabetes.onnx") {
			run(bash, "-c", strings.Replace(c, "gradus ", "./gradus ", 1))
		}
	}
	server := exec.Command(gradus, "serve", "diabetes.safetensors", "--listen", "127.0.0.1:0", "--drain", "0")
	server.Dir = clone
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Process.Kill()
		server.Wait()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://[0-9.:]+`).FindString(line)
	command := strings.NewReplacer("http://127.0.0.1:8080", url, "curl ", curl+" -sS ").Replace(ask[1])
	served, onnx := run(bash, "-c", command), run(python, "-c", script[1])
	t.Logf("$ %s\n%s\n$ python\n%s", ask[1], served, onnx)
	number := regexp.MustCompile(`\d+\.\d\d`) // two decimals, which do not depend on float32's rounding
	if a, b := number.FindString(served), number.FindString(onnx); a == "" || a != b {
		t.Errorf("curl says %s, onnxruntime says %s", served, onnx)
	}
}
