package lesson

import (
	"testing"

	"github.com/gradus-ml/gradus/nn"
)

func TestParseAddress(t *testing.T) {
	for _, a := range []Address{{0, 2, 1}, {3, 0, 0}, {1, nn.OfBias, 12}, {0, nn.OfGamma, 4}, {2, nn.OfBeta, 0}} {
		if got, err := ParseAddress(" " + a.String() + " "); got != a || err != nil {
			t.Errorf("%s is parsed as %v, %v, want the same address", a, got, err)
		}
	}
	for _, text := range []string{"", "x", "0", "0.1", "0.1.", ".1.2", "0..1", "0.1.2.3", "-1.0.0", "0.-1.0", "0.0.-1", "0.c.1", "b.0.1", "0.0.b", "1e1.0.0"} {
		if a, err := ParseAddress(text); err == nil {
			t.Errorf("%q is parsed as %v, want an error", text, a)
		}
	}
}
