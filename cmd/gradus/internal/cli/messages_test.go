package cli

import (
	"strings"
	"testing"
)

// TestMessagesDoNotMislead checks the wording of messages that once misled readers.
func TestMessagesDoNotMislead(t *testing.T) {
	place(t, map[string]string{
		"t.csv":    rows(120, "a,b,c,y", number, number, number, number),
		"ab.csv":   "a,b\n1,2\n",
		"typo.csv": strings.Replace(rows(400, "a,b,y", number, number, number), "\n", "\n12abc,1,2\n", 1),
		"leak.csv": rows(200, "a,known,y", number, func(i int) string { return number(i + 1000) }, func(i int) string { return number(i + 1000) }),
		"flat.csv": rows(400, "a,y", number, func(i int) string { return number(i + 7777) }),
	})
	must(t, 0, "train", "t.csv", "--epochs", "1", "--quiet", "-o", "m.safetensors")
	for _, c := range []struct {
		args, want, not string
		code            int
	}{
		{"predict m.safetensors ab.csv", `there is no column "c" which the model needs: the columns are "a", "b"`, "did you mean", 1},
		{"train typo.csv --epochs 1 --quiet -o n.safetensors", "1 of 401 cells is not a number, at typo.csv:2", "are not numbers", 0},
		{"train leak.csv --epochs 20 --quiet -o n.safetensors", "and may not be known when predictions are made. Try --ignore known.", "?.", 0},
		{"train flat.csv --epochs 30 --quiet --hidden 2 --lr 0.01 --optimizer sgd -o n.safetensors", "over all training rows the weights that are kept have a loss of", "the loss is ", 0},
		{"cv t.csv --epochs 1 --quiet -o folds.csv", "Written  folds.csv", "Rows     folds.csv", 0},
	} {
		r := call(strings.Fields(c.args)...)
		text := strings.Join(strings.Fields(r.out+r.err), " ")
		want := strings.Join(strings.Fields(c.want), " ")
		if r.code != c.code || !strings.Contains(text, want) || strings.Contains(r.out+r.err, c.not) {
			t.Errorf("gradus %s: exit status %d, want %q and no %q in\n%s%s", c.args, r.code, c.want, c.not, r.out, r.err)
		}
	}
}
