package cli

import (
	"os"
	"strings"
	"testing"
)

func TestLR(t *testing.T) {
	place(t, nil)
	for _, c := range []struct {
		args    string
		updates float64 // at most
	}{
		{iris, 200}, {diabetes + " --optimizer sgd --updates 60 --low 1e-5 --high 1e3", 59}, {iris + " --method batch --optimizer momentum --l2 0.01 --updates 40", 40},
	} {
		r := call(append(strings.Fields("lr "+c.args), "--json", "-o", "lr.svg")...)
		if r.code != 0 {
			t.Fatalf("lr %s: got exit status %d, want 0: %s", c.args, r.code, r.err)
		}
		o := parseJSON(t, r.out)
		points := o.at(t, "points").([]any)
		if n := float64(len(points)); n < 10 || n > c.updates {
			t.Errorf("lr %s: got %v updates, want 10 to %v", c.args, n, c.updates)
		}
		first := points[0].(map[string]any)["rate"].(float64)
		last := points[len(points)-1].(map[string]any)["rate"].(float64)
		if s := o.number(t, "suggestion"); !(s > first && s < last && s == o.number(t, "lowest")/10 && o.number(t, "steepest") <= o.number(t, "lowest")) {
			t.Errorf("lr %s: got the suggestion %v of %v to %v, want a tenth of the lowest point %v", c.args, s, first, last, o.number(t, "lowest"))
		}
		if raw, err := os.ReadFile("lr.svg"); err != nil || !strings.Contains(string(raw), "suggested: ") {
			t.Errorf("lr %s: the picture does not mark the suggestion: %v", c.args, err)
		}
	}
	r := call("lr", diabetes)
	for _, want := range []string{"The loss falls fastest at a rate of", "a tenth of that is suggested. The default of train is 0.01", "Next     gradus train " + diabetes + " --lr 0.0"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the report lacks %q:\n%s", want, r.out)
		}
	}
	for args, want := range map[string]string{
		iris + " --low 0":             "--low 0",
		iris + " --low 2 --high 1":    "the higher one second",
		iris + " --high Inf":          "--high +Inf",
		iris + " --updates 3":         "--updates 3",
		iris + " --lr 0.1":            "it takes no --lr",
		iris + " --schedule cosine":   "--schedule",
		iris + " --method per-sample": "per-sample",
		iris + " --optimizer lbfgs":   "finds its own rate",
		iris + " -o lr.gif":           "gif",
	} {
		r := call(append([]string{"lr"}, strings.Fields(args)...)...)
		if r.code != 2 || !strings.Contains(r.err, want) {
			t.Errorf("lr %s: got exit status %d and %q, want 2 and %q", args, r.code, r.err, want)
		}
	}
}
