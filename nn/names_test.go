package nn

import (
	"slices"
	"testing"
)

// The lists of names are copies. A change to one changes nothing in the package.
func TestNamesAreCopies(t *testing.T) {
	for what, names := range map[string]func() []string{"Norms": Norms, "Losses": Losses, "Activations": Activations, "Inits": Inits} {
		want := slices.Clone(names())
		clear(names())
		if got := names(); !slices.Equal(got, want) {
			t.Errorf("%s lists %q after a caller emptied its list", what, got)
		}
	}
	if BatchNorm.String() != "batch" {
		t.Errorf("BatchNorm is called %q, want batch", BatchNorm)
	}
}
