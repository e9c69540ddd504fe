package export

import (
	"testing"

	"github.com/gradus-ml/gradus/nn"
)

// The table has every activation of nn, and nothing else, with an expression in each format that can have one.
func TestEveryActivationHasALine(t *testing.T) {
	lines := map[string]activation{}
	for _, a := range activations {
		lines[a.name] = a
	}
	none := map[string]bool{ // expressions that do not exist
		"softmax in Go": true, "softmax in C": true, // it takes a whole row: the templates have it
		"identity in PyTorch": true, "exp in PyTorch": true, // no modules
		"identity as an operation": true, "silu as an operation": true, // the first changes nothing, the second is two operations
	}
	for _, name := range nn.Activations() {
		a, found := lines[name]
		if !found {
			t.Errorf("the table has no %s", name)
			continue
		}
		delete(lines, name)
		for what, has := range map[string]bool{
			"in Go": a.inGo != "", "in C": a.inC != "", "in ONNX": a.inONNX != nil, "as an operation": a.op != "", "in PyTorch": a.torch != "",
		} {
			if has == none[name+" "+what] {
				t.Errorf("%s %s: whether the table has it is %v, want the opposite", name, what, has)
			}
		}
	}
	for name := range lines {
		t.Errorf("the table has %s, and nn does not", name)
	}
}
