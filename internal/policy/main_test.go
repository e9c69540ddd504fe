package policy

import (
	"os"
	"strings"
	"testing"
)

// TestMain has the copies of the repository built without their folders' names, so that what was
// compiled in one, or by .ci/run for a platform, serves in the next.
func TestMain(m *testing.M) {
	os.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath"))
	os.Exit(m.Run())
}
