package cli

import (
	"encoding/json"
	"fmt"
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
		t.Errorf("got %v from info --json, want the values of train --json", i)
	}
}

// gradus info --schema describes every input column with the JSON type of its kind.
func TestInfoSchema(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(60, "n,c,b,d,y", number, cycle("red", "green"), cycle("yes", "no", "NA"), cycle("2024-01-05", "2024-03-01", "2023-02-02"), number)})
	must(t, 0, "train", "t.csv", "--epochs", "1", "--quiet", "-o", "m.safetensors")
	var s struct {
		Type       string
		Required   []string
		Properties map[string]struct {
			Type     []string
			Format   string
			Examples []any
		}
	}
	if err := json.Unmarshal([]byte(must(t, 0, "info", "m.safetensors", "--schema").out), &s); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(s.Type, s.Required, s.Properties["n"].Type, s.Properties["c"].Examples, s.Properties["b"].Type, s.Properties["d"].Format)
	if want := "object [n c b d] [number null] [green red] [boolean string null] date\n"; got != want {
		t.Errorf("the schema says %s, want %s", got, want)
	}
}
