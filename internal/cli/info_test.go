package cli

import (
	"strings"
	"testing"
)

func TestInfo(t *testing.T) {
	place(t, nil)
	o := trainQuietly(t, 0, penguins, "--hidden", "6", "--epochs", "2", "-o", "m.safetensors")
	sum := o["weights_sha256"].(string)
	r := must(t, 0, "info", "m.safetensors")
	for _, w := range []string{"Predicts species (multiclass)\n", "Classes  Adelie, Chinstrap, Gentoo\n", "Columns  island, ", "6 relu - 3 softmax", "Trained  2 epochs", "sha256 " + sum, "validation"} {
		if !strings.Contains(r.out, w) {
			t.Errorf("info lacks %q:\n%s", w, r.out)
		}
	}
	i := parseJSON(t, must(t, 0, "info", "m.safetensors", "--json").out)
	if i["weights_sha256"] != sum || i["task"] != "multiclass" || i.number(t, "parameters") != o.number(t, "parameters") || i["precision"] != "float32" || i.at(t, "training", "stop_reason") != "epochs" {
		t.Error(i)
	}
}
