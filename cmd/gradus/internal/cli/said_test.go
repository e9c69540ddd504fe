package cli

import (
	"fmt"
	"strings"
	"testing"
)

// Every command that learns from a table says the same about it before it starts: which
// columns it drops, and how it reads the cells.
func TestSaidAlike(t *testing.T) {
	place(t, nil)
	writeFile(t, "t.csv", rowsFor("id,x,day,k,x,y", 60, func(i int) string {
		x := fmt.Sprint(i * 7 % 30)
		if i%6 == 0 {
			x = "None"
		}
		return fmt.Sprintf("%d,%s,%02d/%02d/2020,%s,%d,%s", i, x, 1+i%28, 1+i%12, string(rune('p'+i%3)), i%5, []string{"no", "yes"}[i*5%7%2])
	}))
	said := []string{
		"Dropped  id: counts the rows",
		`Note     x: "None" in 10 cells taken for missing`,
		"Note     day: 60 cells read as a date",
		`Note     line 1: columns 2 and 5 are both named "x"`,
	}
	calls := [][]string{
		{"train", "t.csv", "--epochs", "1", "-o", "m.safetensors"},
		{"lr", "t.csv", "--updates", "10"},
		{"check", "t.csv", "--hidden", "2"},
		{"compare", "t.csv", "--epochs", "1", "-o", "none"},
		{"cv", "t.csv", "--epochs", "1", "--folds", "2"},
		{"tune", "t.csv", "--trials", "1", "--epochs", "1", "--search", "hidden=2|3", "-o", "n.safetensors"},
		{"inspect", "t.csv"},
	}
	for _, args := range calls {
		out := must(t, 0, args...)
		at := 0
		for _, s := range said {
			i := strings.Index(out.out, s)
			if i < 0 {
				t.Errorf("%s does not say %q:\n%s", args[0], s, out.out)
			}
			at = max(at, i)
		}
		if i := strings.Index(out.out, "Network"); i >= 0 && i < at {
			t.Errorf("%s says it after the network, want it before", args[0])
		}
		o := parseJSON(t, must(t, 0, append(args, "--json")...).out)
		if args[0] == "tune" {
			o = object(o["train"].(map[string]any))
		}
		text := fmt.Sprint(o["notes"], o["columns"], o["dropped"])
		for _, s := range said {
			_, s, _ = strings.Cut(s, "  ")
			_, s, _ = strings.Cut(strings.TrimSpace(s), ": ")
			if !strings.Contains(text, s) {
				t.Errorf("%s --json does not say %q: %s", args[0], s, text)
			}
		}
	}
	out := must(t, 0, "cv", "t.csv", "--epochs", "1", "--folds", "2", "-o", "-")
	if !strings.HasPrefix(out.out, "row,fold,") || !strings.Contains(out.err, said[0]) {
		t.Errorf("cv -o -: got the output %q and the messages %q, want the predictions and the notes", out.out, out.err)
	}
	// Commands with a model say which cells of their rows are missing or of a new category.
	writeFile(t, "new.csv", "id,x,day,k,x,y\n1,None,03/04/2020,odd,1,no\n2,5,13/04/2020,p,1,yes\n")
	for _, args := range [][]string{{"explain", "m.safetensors", "new.csv", "--row", "0"}, {"importance", "m.safetensors", "new.csv", "--repeats", "1"}} {
		out := must(t, 0, args...)
		for _, s := range []string{`column "x": 1 missing cell`, `column "k": a category that was not in the training rows in 1 cell, such as "odd"`, "both named"} {
			if !strings.Contains(out.err, s) {
				t.Errorf("%s does not say %q: %s", args[0], s, out.err)
			}
		}
	}
}
