package cli

import (
	"os"
	"testing"
)

// A call that ends by itself is not mistaken for one that a signal ended. Both end the wait for signals, and
// either may be seen first.
func TestExitIsNotASignal(t *testing.T) {
	notShort(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if out, err := process(self, "version").CombinedOutput(); err != nil {
			t.Fatalf("gradus version: %v\n%s", err, out)
		}
	}
}
