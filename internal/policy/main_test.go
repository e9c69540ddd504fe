package policy

import (
	"os"
	"strings"
	"testing"
)

// TestMain builds copies of the repository without the names of their folders. So the go command reuses packages that
// it compiled in another copy, or in .ci/run for a platform.
func TestMain(m *testing.M) {
	os.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath"))
	os.Exit(m.Run())
}
