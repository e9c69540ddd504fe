package cli

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// rows returns a CSV table with n rows. Each column's function makes its cells.
func rows(n int, header string, cell ...func(i int) string) string {
	var b strings.Builder
	fmt.Fprintln(&b, header)
	for i := range n {
		for j, f := range cell {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(f(i))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// These functions make the cells of a column.
func number(i int) string { // a pseudorandom number between 0 and 1
	return fmt.Sprintf("%.4f", rand.New(rand.NewPCG(uint64(i), 7)).Float64())
}
func always(s string) func(int) string   { return func(int) string { return s } }
func cycle(s ...string) func(int) string { return func(i int) string { return s[i%len(s)] } }
func numbered(prefix string) func(int) string {
	return func(i int) string { return prefix + fmt.Sprint(i) }
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

func zstandard(s string) string {
	z, _ := zstd.NewWriter(nil)
	return string(z.EncodeAll([]byte(s), nil))
}

// accepted lists tables that look odd but are accepted. The report must contain words.
var accepted = []struct {
	name  string
	file  string // "" reads standard input
	text  string
	args  string
	words []string
}{
	{"one row", "t.csv", "a,b,y\n1,2,3\n", "",
		[]string{"1 row, 3 columns", "Columns  2 number: a, b", "1 training\n", "With 1 row none is held out for validation"}},
	{"one row, as the notebook has it", "t.csv", "a,b,y\n0.2,0.4,0.8\n", "--hidden 4 --no-bias --activation sigmoid --output-activation sigmoid --loss half-squared --reduction sum --optimizer sgd --lr 80 --tolerance 0.001 --epochs 2000",
		[]string{"every output is within the tolerance"}},
	{"no hidden layer", "t.csv", rows(60, "a,b,y", number, number, number), "--hidden 0",
		[]string{" - 1 identity, "}},
	{"a byte-order mark", "t.csv", "\ufeff" + rows(60, "a,b,y", number, number, number), "--target y --ignore a",
		[]string{"byte-order mark", "Dropped  a: ignored, as asked"}},
	{"CRLF", "t.csv", strings.ReplaceAll(rows(60, "a,b,y", number, number, cycle("u", "v")), "\n", "\r\n"), "",
		[]string{"CRLF", "binary: u, v"}},
	{"missing cells", "t.csv", rows(60, "a,b,y", cycle("1", "NA", "2", "", "3"), cycle("u", "v", "?"), number), "--validation none",
		[]string{"b (20 missing)", "a (24 missing)", "Missing in the training rows: 44 cells"}},
	{"missing cells of all members", "t.csv", rows(60, "a,b,y", cycle("1", "", "2", "3"), cycle("yes", "no", "?"), number), "--members 2",
		[]string{"Missing in the training rows: 35 cells (a 15, b 20)", "a missing boolean lies halfway"}},
	{"missing targets", "t.csv", rows(60, "a,y", number, cycle("1.5", "2.5", "NA")), "",
		[]string{"20 left out, their target is missing"}},
	{"columns of no use", "t.csv", rows(60, "id,name,const,empty,a,y", numbered(""), numbered("name"), always("7"), always(""), number, number), "",
		[]string{"Dropped  id: counts the rows", "Dropped  name: id-like text", `Dropped  const: constant: every cell is "7"`, "Dropped  empty: all cells are missing", "1 number: a\n"}},
	{"a constant target", "t.csv", rows(60, "a,y", number, always("5")), "",
		[]string{`The target "y" is 5 in every training row`}},
	{"a class with one row", "t.csv", rows(60, "a,y", number, func(i int) string {
		if i == 7 {
			return "lone"
		}
		return cycle("u", "v")(i)
	}), "--test 0.2 --validation 0.2", []string{`The class "lone" has a single row, which is kept in training`, "multiclass: lone, u, v"}},
	{"a batch larger than the data", "t.csv", rows(60, "a,y", number, number), "--method mini-batch --batch-size 1000 --validation none",
		[]string{"The batch size 1000 is larger than the 60 training rows and was clamped to them", "mini-batch of 60"}},
	{"patience without validation", "t.csv", rows(60, "a,y", number, number), "--validation none --patience 5",
		[]string{"patience has no effect"}},
	{"no header", "t.csv", "1,2,3.5\n4,5,6.5\n7,1,1.5\n", "", []string{"no header", "2 number: c0, c1"}},
	{"semicolons", "t.csv", strings.ReplaceAll(rows(60, "a,b,y", number, number, number), ",", ";"), "", []string{"3 columns (semicolons)"}},
	{"tabs", "t.tsv", strings.ReplaceAll(rows(60, "a,b,y", number, number, number), ",", "\t"), "", []string{"3 columns (tabs)"}},
	{"gzip", "t.csv.gz", gzipped(rows(60, "a,y", number, number)), "", []string{"t.csv.gz: 60 rows", "gzip"}},
	{"zstandard", "t.csv.zst", zstandard(rows(60, "a,y", number, number)), "", []string{"t.csv.zst: 60 rows", "zstd"}},
	{"standard input", "", rows(60, "a,y", number, number), "", []string{"standard input: 60 rows"}},
	{"several targets", "t.csv", rows(60, "a,p,q", number, number, number), "--target p,q", []string{"Target   p, q, regression", "2 identity"}},
	{"several labels", "t.csv", rows(60, "a,p,q", number, cycle("0", "1"), cycle("0", "0", "1")), "--target p,q", []string{"Target   p, q, multilabel", "label_accuracy", "2 sigmoid"}},
	{"a comma in a name", "t.csv", rows(60, `a,"p,q"`, number, number), `--members 1 --target p\,q`, []string{"Target   \"p,q\", regression", `--target 'p\,q'`}},
	{"numbers as classes", "t.csv", rows(60, "a,y", number, cycle("0", "1", "2")), "", []string{"multiclass: 0, 1, 2", "--task regression treats them as amounts"}},
	{"dates and booleans", "t.csv", rows(60, "d,b,y", cycle("2024-01-31", "2024-06-15"), cycle("yes", "no"), number), "", []string{"1 boolean: b", "1 date: d"}},
}

func TestAccepted(t *testing.T) {
	for _, c := range accepted {
		t.Run(c.name, func(t *testing.T) {
			place(t, nil)
			path, stdin := c.file, ""
			if path == "" {
				path, stdin = "-", c.text
			} else {
				writeFile(t, path, c.text)
			}
			args := append([]string{"train", path, "--quiet", "-o", "m.safetensors"}, strings.Fields(c.args)...)
			if !strings.Contains(c.args, "--epochs") {
				args = append(args, "--epochs", "2")
			}
			if !strings.Contains(c.args, "--hidden") {
				args = append(args, "--hidden", "4")
			}
			r := callWith(stdin, args...)
			if r.code != 0 || r.err != "" {
				t.Fatalf("got exit status %d and the message %q, want 0 and no message", r.code, r.err)
			}
			for _, w := range c.words {
				if !strings.Contains(r.out, w) {
					t.Errorf("the report lacks %q:\n%s", w, r.out)
				}
			}
			if r := callWith(stdin, "predict", "m.safetensors", path); r.code != 0 {
				t.Errorf("predict: %s", r.err)
			}
		})
	}
}

// TestWide trains on a table of 60 rows with 50,001 columns.
func TestWide(t *testing.T) {
	var b strings.Builder
	b.WriteString("y")
	for j := range 50000 {
		fmt.Fprintf(&b, ",c%d", j)
	}
	for i := range 60 {
		fmt.Fprintf(&b, "\n%d", i%2)
		for j := range 50000 {
			b.WriteByte(',')
			b.WriteByte(byte('0' + (i*i+j*j+i*j)%10))
		}
	}
	place(t, map[string]string{"wide.csv": b.String()})
	r := must(t, 0, "train", "wide.csv", "--target", "y", "--epochs", "1", "--hidden", "4", "--quiet", "-o", "m.safetensors")
	if !strings.Contains(r.out, "60 rows, 50001 columns") {
		t.Errorf("the text is %q, want it to contain %q", r.out, "60 rows, 50001 columns")
	}
}

// TestAcceptedAtPrediction: prediction accepts columns in another order, additional columns, categories
// that are not in the training rows, and missing cells.
func TestAcceptedAtPrediction(t *testing.T) {
	place(t, map[string]string{
		"t.csv": rows(60, "a,b,y", number, cycle("u", "v"), cycle("x", "y")),
		"p.csv": "a,b\n0.5,u\n0.25,v\n",
		"q.csv": "more,b,a,rest\n?,u,0.5,1\n,v,0.25,2\n",
		"r.csv": "a,b\n,u\n0.25,w\n0.5,z\nNA,\n",
	})
	must(t, 0, "train", "t.csv", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	plain, reordered, holes := must(t, 0, "predict", "m.safetensors", "p.csv"), must(t, 0, "predict", "m.safetensors", "q.csv"), must(t, 0, "predict", "m.safetensors", "r.csv")
	if plain.out != reordered.out || plain.err+reordered.err != "" {
		t.Errorf("got\n%swith the columns in another order, want\n%sand no message; got %q", reordered.out, plain.out, plain.err+reordered.err)
	}
	want := `gradus: column "a": 2 missing cells, encoded as in training
gradus: column "b": a category that was not in the training rows in 2 cells, such as "w"
gradus: column "b": 1 missing cell, encoded as in training
`
	if holes.err != want || strings.Count(holes.out, "\n") != 5 {
		t.Errorf("got %d lines and the messages\n%s\nwant 5 lines and\n%s", strings.Count(holes.out, "\n"), holes.err, want)
	}
}
