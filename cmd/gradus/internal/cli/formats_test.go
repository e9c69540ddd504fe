package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// written is the folder of the tables that other programs wrote. make.py in that folder had them do so.
const written = "../../../../data/internal/written/testdata"

// formatFile returns the path of one of these tables.
func formatFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(written, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSameWeights: a table gives the same weights in every format, whichever program wrote it.
func TestSameWeights(t *testing.T) {
	at := func(name string) string { return formatFile(t, name) }
	calls := map[string][]string{
		"pyarrow": {at("pyarrow.parquet")}, "pages of version 2, zstd": {at("plain-v2-zstd.parquet")},
		"delta encodings, gzip": {at("delta-gzip.parquet")}, "lengths, LZ4": {at("length-lz4.parquet")}, "INT96": {at("int96-none.parquet")},
		"pandas": {at("pandas.parquet")}, "fastparquet": {at("fastparquet.parquet")}, "polars": {at("polars.parquet")}, "DuckDB": {at("duckdb.parquet")},
		"JSON lines of Python": {at("python.jsonl")}, "a list in JSON": {at("records.json")}, "JSON lines of polars": {at("polars.ndjson")}, "JSON lines of DuckDB": {at("duckdb.jsonl")},
		"openpyxl": {at("openpyxl.xlsx"), "--sheet", "people"}, "Excel by pandas": {at("pandas.xlsx")},
		"npz": {at("numpy.npz")}, "npy": {at("numpy.npy")},
		"SQLite": {"sqlite:" + at("people.db")}, "SQLite with a query": {at("people.db"), "--query", "select * from people order by rowid"},
		"Feather, zstd": {at("pyarrow.arrow")}, "Feather, LZ4": {at("lz4.arrow")}, "an Arrow stream": {at("stream.arrows")}, "Arrow by polars": {at("polars.arrow")},
		"two files, columns in another order": {at("part1.csv"), at("part2.csv")},
		"a folder":                            {"folder"},
	}
	csv, err := os.ReadFile(at("people.csv"))
	if err != nil {
		t.Fatal(err)
	}
	part1, err1 := os.ReadFile(at("part1.csv"))
	part2, err2 := os.ReadFile(at("part2.csv"))
	if err1 != nil || err2 != nil {
		t.Fatalf("got %v %v, want err1 = nil and err2 = nil", err1, err2)
	}
	place(t, map[string]string{"people.csv": string(csv)})
	if err := os.Mkdir("folder", 0o777); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "folder/1.csv", string(part1))
	writeFile(t, "folder/2.csv", string(part2))
	writeFile(t, "folder/_SUCCESS", "")
	want := sum(t, "people.csv", "--target", "y")
	for name, words := range calls {
		if got := sum(t, append(words, "--target", "y")...); got != want {
			t.Errorf("%s: the weights have the SHA-256 %.12s, those of the CSV %.12s\n%s\n%s", name, got, want,
				call(append([]string{"inspect", "--target", "y"}, words...)...).out, call("inspect", "people.csv", "--target", "y").out)
		}
	}
}

// In every format, a flag for text files has an effect or is refused.
func TestFlagsOfTextAreNotIgnored(t *testing.T) {
	flags := [][]string{{"--delimiter", ";"}, {"--encoding", "latin-1"}, {"--header", "yes"}, {"--skip-rows", "1"}, {"--comment", "#"}, {"--keep-total"}}
	for _, name := range []string{"pyarrow.parquet", "polars.arrow", "stream.arrows", "numpy.npy", "numpy.npz", "python.jsonl", "people.db", "pandas.xlsx"} {
		for _, flag := range flags {
			r := call(append([]string{"inspect", formatFile(t, name)}, flag...)...)
			if name == "pandas.xlsx" && flag[0] != "--delimiter" && flag[0] != "--encoding" {
				if r.code != 0 {
					t.Errorf("%s %s: got exit status %d, want 0: %s", name, flag[0], r.code, r.err)
				}
			} else if want := flag[0] + " has no effect: leave it out"; r.code != 1 || !strings.Contains(r.err, want) {
				t.Errorf("%s %s exits with %d and says %q, want %q", name, flag[0], r.code, r.err, want)
			}
		}
	}
}

// The ending of an output file sets its format. An ending whose format the command cannot write is refused.
func TestEndingOfOutput(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(60, "a,num", number, number)})
	trainQuietly(t, 0, "t.csv", "--epochs", "2", "-o", "m.safetensors")
	must(t, 0, "predict", "m.safetensors", "t.csv", "--keep", "a", "-o", "p.tsv")
	if text := readFile(t, "p.tsv"); !strings.HasPrefix(text, "a\tnum\n") {
		t.Errorf("p.tsv begins with %.20q, want tabs", text)
	}
	must(t, 0, "cv", "t.csv", "--epochs", "2", "--quiet", "-o", "cv.tsv")
	if text := readFile(t, "cv.tsv"); !strings.HasPrefix(text, "row\tfold\tnum\n") {
		t.Errorf("cv.tsv begins with %.20q, want tabs", text)
	}
	for _, c := range [][]string{
		{"predict", "m.safetensors", "t.csv", "-o", "p.xlsx"}, {"predict", "m.safetensors", "t.csv", "-o", "p.csv.gz"},
		{"predict", "m.safetensors", "t.csv", "-o", "p.json"}, {"cv", "t.csv", "-o", "p.parquet"}, {"cv", "t.csv", "-o", "p.jsonl"},
	} {
		r := must(t, 2, c...)
		out := c[len(c)-1]
		if want := "--out " + out + ": this command does not write tables with the ending " + filepath.Ext(out); !strings.Contains(r.err, want) {
			t.Errorf("%s says %q, want %q", c[0], r.err, want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s wrote %s", c[0], out)
		}
	}
}

// TestSeveralFiles: if files that are read as one table differ, the error names the difference and the file.
func TestSeveralFiles(t *testing.T) {
	place(t, nil)
	for _, dir := range []string{"mixed", "deep/a"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"a.csv": "x,y\n1,2\n3,4\n", "b.csv": "y,z\n1,2\n3,4\n", "c.csv": "x,y,z\n1,2,3\n", "d.csv": "x,y\n1,oops\n",
		"mixed/a.csv": "x,y\n1,2\n", "mixed/b.parquet": "PAR1", "deep/a/b.csv": "x\n1\n",
	} {
		writeFile(t, name, text)
	}
	for _, c := range []struct{ call, want string }{
		{"inspect a.csv b.csv", `b.csv: there is no column "x" as in a.csv`},
		{"inspect a.csv c.csv", `c.csv: has the column "z", which a.csv lacks`},
		{"inspect a.csv d.csv --types y=number", `d.csv:2: column "y": the cell "oops" is not a number`},
		{"inspect a.csv a.csv", "a file is named twice"},
		{"inspect mixed", "files of several kinds, such as a.csv and b.parquet"},
		{"inspect deep", "holds a folder, a"},
		{"inspect a.csv --query select", "a.csv: is not a database"},
		{"inspect a.csv --sheet s", "a.csv: is not a spreadsheet"},
	} {
		if o := call(strings.Fields(c.call)...); o.code == 0 || !strings.Contains(o.err, c.want) {
			t.Errorf("gradus %s: got exit status %d and %q, want an error with %q", c.call, o.code, o.err, c.want)
		}
	}
	if o := must(t, 0, "inspect", "a.csv", "./d.csv"); !strings.Contains(o.out, "3 rows") {
		t.Errorf("the text is %q, want it to contain %q", o.out, "3 rows")
	}
}

// TestPredictFormats: predictions are the same in every format in which they are written, and so are the columns that are kept.
func TestPredictFormats(t *testing.T) {
	people := formatFile(t, "pyarrow.parquet")
	place(t, nil)
	for _, target := range []string{"y", "cat"} {
		must(t, 0, "train", "--members", "1", people, "--target", target, "--epochs", "2", "-o", "m.safetensors", "--quiet")
		cells := map[string]string{}
		for _, name := range []string{"p.csv", "p.parquet", "p.jsonl"} {
			must(t, 0, "predict", "m.safetensors", people, "--keep", "num,flag,day", "-o", name)
			table, err := data.Read(name, data.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			for row := range table.Rows() {
				for col := range table.Columns() {
					if x, ok := table.Number(row, col); ok {
						fmt.Fprint(&all, x, "|")
					} else {
						all.WriteString(table.Cell(row, col) + "|")
					}
				}
			}
			cells[name] = strings.Join(table.Columns(), ",") + fmt.Sprint(table.Rows()) + all.String()
		}
		if cells["p.parquet"] != cells["p.csv"] || cells["p.jsonl"] != cells["p.csv"] {
			t.Errorf(`got %.300s %.300s %.300s, want cells["p.parquet"] = cells["p.csv"] and cells["p.jsonl"] = cells["p.csv"]`, cells["p.csv"], cells["p.parquet"], cells["p.jsonl"])
		}
	}
	writeFile(t, "other.parquet", "x,y\n1,2\n")
	if o := call("predict", "m.safetensors", people, "-o", "other.parquet"); o.code != statusUsage || !strings.Contains(o.err, "is no Parquet file, so it is not overwritten") {
		t.Errorf(`got %v %v, want exit status statusUsage and "is no Parquet file, so it is not overwritten" in o.err`, o.code, o.err)
	}
}

// A column of a type that gradus does not read is dropped, and the output says so. With --ignore it is ignored as asked. A call
// that needs the column is refused.
func TestUnreadColumns(t *testing.T) {
	path := formatFile(t, "spoiled.parquet")
	place(t, nil)
	r := call("train", path, "--epochs", "1", "--preset", "quick", "-o", "m.safetensors")
	if r.code != 0 || !strings.Contains(r.out, "Dropped  map: holds maps, which are not read: flatten") {
		t.Fatalf("got exit status %d and %s%s, want 0 and the dropped column map", r.code, r.out, r.err)
	}
	if r := call("inspect", path); !strings.Contains(r.out, "struct: dropped, not read\n  holds structs") {
		t.Errorf("inspect says %s", r.out)
	}
	if r := call("inspect", path, "--ignore", "map"); !strings.Contains(r.out, "map: ignored, as asked") {
		t.Errorf("inspect --ignore says %s", r.out)
	}
	for _, words := range [][]string{{"predict", "m.safetensors", path, "--keep", "list"}, {"train", path, "--target", "list"}, {"train", path, "--sample-weight", "list"}, {"train", path, "--group", "list"}, {"train", path, "--types", "list=category"}} {
		if r := call(words...); r.code == 0 || !strings.Contains(r.err, `the column "list", which `) || !strings.Contains(r.err, "holds lists, which are not read") {
			t.Errorf("%v: got exit status %d and %q, want an error about the column list", words, r.code, r.err)
		}
	}
}
