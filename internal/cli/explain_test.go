package cli

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", iris, "--hidden", "5", "--activation", "tanh", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	r := must(t, 0, "explain", "m.safetensors", iris, "--row", "0", "--weight", "0.1.2", "-o", "net.svg")
	if !strings.Contains(r.out, "0.1.2") || !strings.Contains(readFile(t, "net.svg"), "</svg>") {
		t.Error(r.out)
	}
	parseJSON(t, must(t, 0, "explain", "m.safetensors", iris, "--row", "149", "--weight", "1.b.2", "--json").out)
	before := listing(t)
	for args, words := range map[string][]string{
		"--row 150":               {"150"},
		"--row -1":                {"-1"},
		"--row 0 --weight 2.0.0":  {"layer 2"},
		"--row 0 --weight 0.99.0": {"input 99"},
		"--row 0 --weight 0.0.99": {"unit 99"},
		"--row 0 --weight x":      {"--weight"},
		"--row 0 -o net.pdf":      {"net.pdf"},
		"--row x":                 {"--row"},
	} {
		r := call(append([]string{"explain", "m.safetensors", iris}, strings.Fields(args)...)...)
		for _, problem := range refused(r, r.code, words) {
			t.Errorf("%s: %s", args, problem)
		}
		if r.code != 1 && r.code != 2 {
			t.Errorf("%s: exit status %d", args, r.code)
		}
	}
	if changed := changes(before, listing(t)); changed != nil {
		t.Errorf("written: %q", changed)
	}
}
