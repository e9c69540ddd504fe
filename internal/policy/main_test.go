package policy

import (
	"os"
	"strings"
	"testing"
)

// TestMain lets copies of the repository be built without the names of their folders. So packages that were
// compiled in one copy, or by .ci/run for a platform, are used again in the next.
func TestMain(m *testing.M) {
	os.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath"))
	os.Exit(m.Run())
}
