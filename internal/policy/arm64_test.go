package policy

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

// TestKernelsOnARM64 runs the tests of package kernel on an emulated arm64. There they compare
// NEON with the Go code.
func TestKernelsOnARM64(t *testing.T) {
	if !everywhere {
		t.Skip("emulates a processor for minutes; with GRADUS_BITS=all")
	}
	qemu := need.Tool(t, "qemu-aarch64-static")
	cmd := exec.Command("go", "test", "-short", "-v", "-exec", qemu, "./internal/kernel")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GRADUS_ISA=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestElementwise/float32/neon") {
		t.Errorf("%v did not test neon:\n%s", cmd.Args, out)
	}
}
