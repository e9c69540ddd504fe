package cli

import (
	"fmt"
	"strings"
	"testing"
)

// rowsFor writes a table of that many rows with a header.
func rowsFor(header string, rows int, row func(i int) string) string {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range rows {
		b.WriteString(row(i) + "\n")
	}
	return b.String()
}

// TestColumnNames: every flag can name a column with commas, quotes, =, blanks or other letters.
func TestColumnNames(t *testing.T) {
	place(t, nil)
	writeFile(t, "odd.csv", rowsFor(`"a, b",c=d,"say ""hi""",Unnamed: 0,身長,"w, w","g=g","t, =t"`, 60, func(i int) string {
		return fmt.Sprintf("%d.5,%d,%d,%d.25,%d,%d,g%d,%d", i*i%17, i%5, i*7%13, i%7, i%3, 1+i%4, i%6, i)
	}))
	for _, flags := range [][]string{
		{"--target", `"a, b"`, "--task", "regression"},
		{"--target", `a\, b,c=d`, "--task", "regression"},
		{"--target", "身長", "--ignore", `"say ""hi""",Unnamed: 0`},
		{"--target", "身長", "--types", `c=d=category,"a, b=number","say ""hi""=category"`, "--ignore", `"w, w"`},
		{"--target", "c=d", "--sample-weight", "w, w", "--group", "g=g", "--class-weight", "1=2"},
		{"--target", "c=d", "--split", "time:t, =t", "--test", "0.2"},
		{"--target", "c=d", "--sample-weight", `"w, w"`, "--group", `"g=g"`},
		{"--target", "c=d", "--split", `time:"t, =t"`, "--test", "0.2"},
	} {
		args := append([]string{"odd.csv", "--epochs", "1", "-o", "m.safetensors"}, flags...)
		trainQuietly(t, 0, args...)
	}
	for _, column := range []string{`"a, b"`, "a, b"} {
		must(t, 0, "plot", "m.safetensors", "odd.csv", "--column", column, "-o", "a.svg")
	}
	if r := must(t, 1, "inspect", "odd.csv", "--target", "a, b"); !strings.Contains(r.err, `the column "a, b" has commas in its name: say --target '"a, b"'`) {
		t.Errorf("the text is %q, want it to contain %q", r.err, `the column "a, b" has commas in its name: say --target '"a, b"'`)
	}
	if r := must(t, 0, "inspect", "odd.csv", "--sample-weight", `"w, w"`, "--group", "g=g"); !strings.Contains(r.out, "Dropped  w, w: weighs the rows\n") ||
		!strings.Contains(r.out, "Dropped  g=g: groups the rows\n") || !strings.Contains(r.out, `5 number: "a, b", c=d, `) {
		t.Error(r.out)
	}
	o := parseJSON(t, must(t, 0, "inspect", "odd.csv", "--ignore", `"say ""hi""",Unnamed: 0`, "--types", `c=d=category`, "--json").out)
	roles := ""
	for _, c := range o["columns"].([]any) {
		c := c.(map[string]any)
		roles += fmt.Sprint(c["name"], " ", c["role"], " ", c["kind"], "; ")
	}
	if want := `a, b input number; c=d input category; say "hi" dropped <nil>; Unnamed: 0 dropped <nil>; 身長 input number; w, w input number; g=g input category; t, =t target number; `; roles != want {
		t.Errorf("got %s\nwant %s", roles, want)
	}
}

// TestReadsAlike: predict and evaluate read cells as training did.
func TestReadsAlike(t *testing.T) {
	place(t, nil)
	plain := func(i int) []string {
		return []string{fmt.Sprintf("%d.5", i*i%17), fmt.Sprintf("2020-%02d-%02d", 1+i%12, 1+i%28), fmt.Sprint(i * 3 % 11), []string{"low", "high"}[(i*i%17+i%3)/10]}
	}
	messy := func(i int) string {
		c := plain(i)
		if c[2] == "5" {
			c[2] = "-999"
		}
		return fmt.Sprintf("%s kg;%s/%s/%s;%s;%s", strings.Replace(c[0], ".", ",", 1), c[1][8:], c[1][5:7], c[1][:4], c[2], c[3])
	}
	writeFile(t, "plain.csv", rowsFor("x,when,n,y", 120, func(i int) string {
		c := plain(i)
		if c[2] == "5" {
			c[2] = ""
		}
		return strings.Join(c, ",")
	}))
	writeFile(t, "messy.csv", rowsFor("x;when;n;y", 120, messy))
	writeFile(t, "part.csv", rowsFor("x;when;n;y", 3, messy)) // these few rows alone do not decide how to read them
	writeFile(t, "plainpart.csv", rowsFor("x,when,n,y", 3, func(i int) string { return strings.Join(plain(i), ",") }))
	a := trainQuietly(t, 0, "plain.csv", "--epochs", "3", "-o", "plain.safetensors")
	b := trainQuietly(t, 0, "messy.csv", "--missing", "-999", "--epochs", "3", "-o", "messy.safetensors")
	if a["weights_sha256"] != b["weights_sha256"] {
		t.Error("the same cells in another spelling give different weights")
	}
	if x, y := must(t, 0, "predict", "plain.safetensors", "plainpart.csv").out, must(t, 0, "predict", "messy.safetensors", "part.csv").out; x != y {
		t.Errorf("the same cells have the predictions\n%sand\n%swant equal ones", x, y)
	}
	if x, y := must(t, 0, "evaluate", "plain.safetensors", "plain.csv", "--json").out, must(t, 0, "evaluate", "messy.safetensors", "messy.csv", "--json").out; x != y {
		t.Errorf("the same cells have the scores %s and %s, want equal ones", x, y)
	}
}

// TestSaidBeforeTraining: train says how it reads the cells before it trains. Its JSON says the same.
func TestSaidBeforeTraining(t *testing.T) {
	place(t, nil)
	writeFile(t, "none.csv", rowsFor("x,z,y", 100, func(i int) string {
		x := fmt.Sprint(i * i % 17)
		if i%5 == 0 {
			x = "None"
		}
		return fmt.Sprintf("%s,%d,%d.5", x, i%7, 2*(i*i%17))
	})+"Total,1,2\n")
	const note, total = `"None" in 20 cells taken for missing; if that is wrong, say --types x=category`, `the last line, 102, starts with "Total": it is left out`
	out := must(t, 0, "train", "none.csv", "--epochs", "2", "--quiet", "-o", "m.safetensors").out
	at, trained := strings.Index(out, "Note     x: "+note), strings.Index(out, "Trained ")
	if at < 0 || trained < at || !strings.Contains(out[:trained], "Note     "+total) {
		t.Errorf(`got %v, want at >= 0 and trained >= at and "Note     "+total in out[:trained]`, out)
	}
	o := parseJSON(t, must(t, 0, "train", "none.csv", "--epochs", "2", "--quiet", "--json", "-o", "m.safetensors").out)
	if fmt.Sprint(o["columns"].([]any)[0].(map[string]any)["note"]) != note || !strings.Contains(fmt.Sprint(o["notes"]), total) {
		t.Error(o["columns"], o["notes"])
	}
	if r := must(t, 0, "predict", "m.safetensors", "none.csv"); !strings.Contains(r.err, total) || strings.Count(r.out, "\n") != 101 {
		t.Errorf(`got %v %v, want total in r.err and strings.Count(r.out, "\n") = 101`, r.err, r.out)
	}
	if out := must(t, 0, "inspect", "none.csv").out; !strings.Contains(out, note) || !strings.Contains(out, "Note     "+total) || !strings.Contains(out, "x: input number, 9 distinct, 20 missing, from 0 to 16, median 8") {
		t.Errorf("the text is %q, want it to contain %q and %q and %q", out, note, "Note     "+total, "x: input number, 9 distinct, 20 missing, from 0 to 16, median 8")
	}
}

// TestAmounts: with a loss for amounts, the task of a numeric target is regression. --positive makes its class the second one.
func TestAmounts(t *testing.T) {
	place(t, nil)
	writeFile(t, "counts.csv", rowsFor("x,y", 100, func(i int) string { return fmt.Sprintf("%d.5,%d", i*i%17, (i*i%17)/6) }))
	for loss, want := range map[string]string{"poisson": "regression", "squared": "regression", "huber:1": "regression", "auto": "multiclass", "half-squared": "multiclass"} {
		o := trainQuietly(t, 0, "counts.csv", "--loss", loss, "--epochs", "1", "-o", "m.safetensors")
		if o["task"] != want {
			t.Errorf("--loss %s: the task is %v, want %s", loss, o["task"], want)
		}
		if said := strings.Contains(fmt.Sprint(o["notes"]), "is read as amounts, not as classes"); said != (want == "regression") {
			t.Errorf("--loss %s: got the notes %v, want one about amounts only for a regression", loss, o["notes"])
		}
	}
	trainQuietly(t, 0, cancer, "--positive", "benign", "--epochs", "1", "-o", "m.safetensors")
	if out := must(t, 0, "predict", "m.safetensors", cancer).out; !strings.HasPrefix(out, "diagnosis,p_malignant,p_benign\n") {
		t.Errorf(`got %.100s, want out to begin with "diagnosis,p_malignant,p_benign\n"`, out)
	}
}
