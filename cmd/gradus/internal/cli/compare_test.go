package cli

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	place(t, nil)
	r := must(t, 0, "compare", iris, "--hidden", "5", "--epochs", "2", "--quiet", "-o", "c.svg")
	for _, w := range []string{"batch", "stochastic", "mini-batch"} {
		if !strings.Contains(r.out, w) {
			t.Errorf("the table lacks %q:\n%s", w, r.out)
		}
	}
	if !strings.Contains(readFile(t, "c.svg"), "</svg>") {
		t.Error("c.svg is not an SVG")
	}
	parseJSON(t, must(t, 0, "compare", iris, "--hidden", "5", "--epochs", "2", "--quiet", "-o", "none", "--json").out)
	before := listing(t)
	for args, words := range map[string][]string{
		"--methods nope": {"--methods", `"nope"`}, "--lr -1": {"--lr"}, "--lr NaN": {"--lr"}, "--batch-size 0": {"--batch-size"}, "--epochs 0": {"--epochs"},
		"--optimizer nope": {"--optimizer"}, "-o c.pdf": {"c.pdf"}, "--loss cross-entropy --output-activation sigmoid": {"--loss"}, "--tolerance 0": {"--tolerance"},
		"--norm batch": {"--norm", "stochastic", "--methods batch,mini-batch"}, "--norm nope": {"--norm", `"nope"`}, "--dropout 1": {"--dropout"},
	} {
		for _, problem := range refused(call(append([]string{"compare", iris}, strings.Fields(args)...)...), 2, words) {
			t.Errorf("%s: %s", args, problem)
		}
	}
	if changed := changes(before, listing(t)); changed != nil {
		t.Errorf("got the changed files %q, want none", changed)
	}
}
