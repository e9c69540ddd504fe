package cli

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// shap explains one row or several, as text, as JSON, as a table or as a picture.
func TestShap(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", penguins, "--hidden", "6", "--epochs", "5", "--quiet", "-o", "m.safetensors")
	one := must(t, 0, "shap", "m.safetensors", penguins, "--row", "200", "--class", "Gentoo", "-o", "why.svg")
	for _, w := range []string{"Row 200", "probability of species = Gentoo", "100 background rows, exact", "bill_length_mm", "island"} {
		if !strings.Contains(one.out, w) {
			t.Errorf("the text for one row lacks %q:\n%s", w, one.out)
		}
	}
	if text := svgText(t, readFile(t, "why.svg")); !strings.Contains(text, "mean prediction") || !strings.Contains(text, "Why row 200") {
		t.Errorf("the waterfall says %s", text)
	}
	several := must(t, 0, "shap", "m.safetensors", penguins, "--rows", "9", "--method", "permutation", "--background-rows", "7", "-o", "swarm.png")
	if !strings.Contains(several.out, "9 rows") || !strings.Contains(several.out, "7 background rows, 2 pairs of orders for each, seed 1") {
		t.Errorf("for several rows: got\n%s\nwant the numbers of rows and of background rows", several.out)
	}
	must(t, 0, "shap", "m.safetensors", penguins, "--row", "3,5", "--background", penguins, "-o", "values.csv")
	lines := strings.Split(strings.TrimSpace(readFile(t, "values.csv")), "\n")
	if len(lines) != 1+2*3 || !strings.HasPrefix(lines[0], "row,output,base,prediction,island,") || !strings.HasPrefix(lines[4], "5,Adelie,") {
		t.Fatalf("got the table\n%s\nwant 3 classes for each of 2 rows", strings.Join(lines, "\n"))
	}
	for _, line := range lines[1:] {
		sum := 0.0
		cells := strings.Split(line, ",")
		for i, cell := range cells[2:] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			if i == 1 {
				v = -v
			}
			sum += v
		}
		if math.Abs(sum) > 1e-6 {
			t.Errorf("the sum of the base and the values is %v from the prediction, want at most 1e-6: %s", sum, line)
		}
	}
	a := must(t, 0, "shap", "m.safetensors", penguins, "--row", "3", "--json", "--threads", "1").out
	if b := must(t, 0, "shap", "m.safetensors", penguins, "--row", "3", "--json", "--threads", "2").out; a != b {
		t.Error("the output with two threads differs from that with one")
	}
	found := parseJSON(t, a)
	if outputs := found["outputs"].([]any); len(outputs) != 3 || found["method"] != "exact" {
		t.Errorf("got the JSON %s, want 3 outputs and the method exact", a)
	}
	for _, c := range []struct {
		args string
		want string
	}{
		{"--class Emu", "--class Emu: the model has no such output; choose from Adelie, Chinstrap, Gentoo"},
		{"--row 400", "--row: " + penguins + " has no row 400; it has rows 0 to 343"},
		{"--rows 0", "--rows 0"}, {"--pairs 0", "--pairs 0"}, {"--background-rows -1", "--background-rows -1"}, {"--threads 0", "--threads 0"},
		{"--method tree", "--method"}, {"-o why.pdf", "--out why.pdf"}, {"-o m.safetensors", "--out m.safetensors"},
	} {
		if r := must(t, 2, append([]string{"shap", "m.safetensors", penguins}, strings.Fields(c.args)...)...); !strings.Contains(r.err, c.want) {
			t.Errorf("%s: the text is %q, want it to contain %q", c.args, r.err, c.want)
		}
	}
}

func TestPlotColumn(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", penguins, "--hidden", "6", "--epochs", "5", "--quiet", "-o", "m.safetensors", "--run", "run")
	for _, c := range []struct {
		args  string
		words []string
	}{
		{"--column island", []string{"Biscoe", "Torgersen", "Gentoo", "mean probability"}},
		{"--column bill_length_mm --class Adelie", []string{"bill_length_mm", "single rows", "mean of 344 rows", "probability of species = Adelie"}},
	} {
		must(t, 0, append([]string{"plot", "m.safetensors", penguins, "-o", "p.svg"}, strings.Fields(c.args)...)...)
		text := svgText(t, readFile(t, "p.svg"))
		for _, w := range c.words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the picture does not say %q", c.args, w)
			}
		}
	}
	must(t, 0, "report", "run", "-o", "r.html")
	if n := strings.Count(readFile(t, "r.html"), ">Dependence on "); n < 6 {
		t.Errorf("got the dependence on %d columns in the report, want at least 6", n)
	}
	for args, want := range map[string]string{
		"m.safetensors --column island":                                 "go together",
		"m.safetensors " + penguins:                                     "go together",
		"m.safetensors " + penguins + " --column x":                     `the model has no column "x"`,
		"m.safetensors " + penguins + " --column island --class Emu":    "--class Emu",
		"m.safetensors " + penguins + " --column island --what network": "two pictures",
		"m.safetensors --class Emu":                                     "--class is for --column",
	} {
		if r := must(t, 2, append([]string{"plot", "-o", "q.svg"}, strings.Fields(args)...)...); !strings.Contains(r.err, want) {
			t.Errorf("%s: the text is %q, want it to contain %q", args, r.err, want)
		}
	}
}
