package cli

import (
	"strings"
	"testing"
)

// A result never overwrites what it is made from.
func TestOutIsNotAnInput(t *testing.T) {
	place(t, map[string]string{"a.csv": readFile(t, iris), "b.csv": readFile(t, iris)})
	must(t, 0, "train", "a.csv", "--epochs", "1", "--quiet", "-o", "m.safetensors")
	before := listing(t)
	for _, args := range []string{
		"train a.csv -o a.csv", "train a.csv --test b.csv -o ./b.csv", "train a.csv --from m.safetensors -o m.safetensors",
		"predict m.safetensors a.csv -o a.csv", "predict m.safetensors a.csv -o m.safetensors", "train a.csv -o -",
	} {
		r := must(t, 2, strings.Fields(args)...)
		if !strings.HasPrefix(r.err, "gradus: --out ") {
			t.Errorf("%s: %s", args, r.err)
		}
		if left := changes(before, listing(t)); len(left) > 0 {
			t.Errorf("%s changed %q", args, left)
		}
	}
}

// The report claims only what the rows decided.
func TestReportIsHonest(t *testing.T) {
	for args, want := range map[string]string{
		"--epochs 3":                               "The validation rows also chose the epoch",
		"--epochs 3 --patience 0":                  "The validation rows chose nothing.",
		"--epochs 3 --test 0.2":                    "The test rows chose nothing; the validation rows chose the epoch.",
		"--epochs 3 --test 0.2 --patience 0":       "The test rows chose nothing; the validation rows chose nothing.",
		"--epochs 3 --validation none":             "These are the rows it was trained on",
		"--epochs 3 --reduction sum --lr .01":      "(summed over the rows)",
		"--epochs 3 --method batch --batch-size 8": "The batch size 8 is for mini-batch descent; batch looks at 126 rows an update.",
	} {
		place(t, nil)
		r := must(t, 0, append([]string{"train", iris, "--quiet", "-o", "m.safetensors"}, strings.Fields(args)...)...)
		if !strings.Contains(r.out, want) {
			t.Errorf("%s: no %q in\n%s", args, want, r.out)
		}
	}
}
