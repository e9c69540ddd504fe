package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// What no format holds yet is refused by the column's name, and the network alone is written.
func TestMeansOfLevelsAreRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("store,y\n")
	for r := range 300 * 6 {
		fmt.Fprintf(&b, "s%03d,%d.5\n", r%300, r%300%7)
	}
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(b.String())})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, onnx := ONNX(m, Options{})
	_, _, inGo := Go(m, Options{Package: "p"})
	_, _, inC := C(m, "p.h", Options{Package: "p"})
	for what, err := range map[string]error{"ONNX": onnx, "Go": inGo, "C": inC} {
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), `column "store" has 300 levels`) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := ONNX(m, Options{Net: true}); err != nil {
		t.Error(err)
	}
}
