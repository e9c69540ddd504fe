package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// file writes a file into the test's temporary folder and returns its path.
func file(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// readText reads a table from text, as from standard input.
func readText(t testing.TB, text string) *Table {
	t.Helper()
	table, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// cells returns a table's column names and its cells.
func cells(table *Table) [][]string {
	out := [][]string{table.Columns()}
	for row := range table.Rows() {
		var line []string
		for col := range table.Columns() {
			line = append(line, table.Cell(row, col))
		}
		out = append(out, line)
	}
	return out
}

func TestReadCSV(t *testing.T) {
	for _, test := range []struct {
		name, text string
		opt        ReadOptions
		want       [][]string
		lines      []int
	}{
		{name: "commas", text: "a,b\n1,x\n2,y\n", want: [][]string{{"a", "b"}, {"1", "x"}, {"2", "y"}}, lines: []int{2, 3}},
		{name: "no newline at the end", text: "a,b\n1,x", want: [][]string{{"a", "b"}, {"1", "x"}}},
		{name: "byte-order mark and CRLF", text: "\ufeffa,b\r\n1,x\r\n", want: [][]string{{"a", "b"}, {"1", "x"}}},
		{name: "semicolons", text: "a;b\n1,5;2\n", want: [][]string{{"a", "b"}, {"1,5", "2"}}},
		{name: "tabs", text: "a\tb\n1\tx, y\n", want: [][]string{{"a", "b"}, {"1", "x, y"}}},
		{name: "bars", text: "a|b\n1|x\n", want: [][]string{{"a", "b"}, {"1", "x"}}},
		{name: "one column", text: "a\n1\n", want: [][]string{{"a"}, {"1"}}},
		{name: "a delimiter in quotes", text: "a,b\n\"x;y\",\"p;q\"\n", want: [][]string{{"a", "b"}, {"x;y", "p;q"}}},
		{name: "a cell of two lines", text: "a,b\n1,\"x\ny\"\n2,z\n", want: [][]string{{"a", "b"}, {"1", "x\ny"}, {"2", "z"}}, lines: []int{2, 4}},
		{name: "empty lines", text: "a,b\n\n1,x\n\n\n2,y\n\n", want: [][]string{{"a", "b"}, {"1", "x"}, {"2", "y"}}, lines: []int{3, 6}},
		{name: "no header", text: "1,x\n2,y\n", want: [][]string{{"c0", "c1"}, {"1", "x"}, {"2", "y"}}, lines: []int{1, 2}},
		{name: "a header of numbers", text: "2019,2020\n1,2\n", opt: ReadOptions{Header: "yes"}, want: [][]string{{"2019", "2020"}, {"1", "2"}}},
		{name: "text without a header", text: "p,q\nr,s\n", opt: ReadOptions{Header: "no"}, want: [][]string{{"c0", "c1"}, {"p", "q"}, {"r", "s"}}},
		{name: "an empty name", text: ",a\n1,2\n", want: [][]string{{"c0", "a"}, {"1", "2"}}},
		{name: "a delimiter that is given", text: "a:b\n1:2\n", opt: ReadOptions{Delimiter: ':'}, want: [][]string{{"a", "b"}, {"1", "2"}}},
		{name: "empty cells", text: "a,b\n,\n", want: [][]string{{"a", "b"}, {"", ""}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.opt.Stdin = strings.NewReader(test.text)
			table, err := Read(Stdin, test.opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, cells(table)); diff != "" {
				t.Errorf("cells(table) mismatch (-want +got):\n%s", diff)
			}
			for row, line := range test.lines {
				if table.Line(row) != line {
					t.Errorf("the line of row %d is %d, want %d", row, table.Line(row), line)
				}
			}
		})
	}
}

func packed(t testing.TB, how string, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	switch how {
	case "gzip":
		z := gzip.NewWriter(&buf)
		z.Write(b)
		z.Close()
	case "zstd":
		z, err := zstd.NewWriter(&buf)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(b)
		z.Close()
	}
	return buf.Bytes()
}

func TestReadCompressed(t *testing.T) {
	want := [][]string{{"a", "b"}, {"1", "x"}}
	text := []byte("a\tb\n1\tx\n")
	for _, test := range []struct {
		name string
		b    []byte
	}{
		{"t.tsv", text},
		{"t.tsv.gz", packed(t, "gzip", text)},
		{"t.tsv.zst", packed(t, "zstd", text)},
		{"misnamed.csv", packed(t, "zstd", text)},
	} {
		table, err := Read(file(t, test.name, test.b), ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if diff := cmp.Diff(want, cells(table)); diff != "" {
			t.Errorf("%s: cells(table) mismatch (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestReadRefuses: every bad file is refused. PATH stands for the file's path.
func TestReadRefuses(t *testing.T) {
	long := []byte("a,b\n" + strings.Repeat("1,x\n2,yy\n3,zzz\n", 20000))
	gz, zst := packed(t, "gzip", long), packed(t, "zstd", long)
	for _, test := range []struct {
		name, text string
		kind       error
		want       string
	}{
		{"empty file", "", ErrEmpty, "PATH: the file is empty: it takes a header and at least one row"},
		{"only blanks", " \n\n", ErrEmpty, "PATH: the file is empty: it takes a header and at least one row"},
		{"header only", "a,b\n", ErrEmpty, "PATH: the file has a header and no rows: it takes at least one row"},
		{"short row", "a,b,c\n1,2,3\n1,2\n", ErrRagged, "PATH:3: row has 2 cells, the header has 3: leave a missing cell empty, but keep its delimiter"},
		{"long row", "a,b\n1,2,3\n", ErrRagged, "PATH:2: row has 3 cells, the header has 2: quote cells that hold the delimiter"},
		{"a title", "Sales of 2020\nby me\na,b\n1,2\n", ErrRagged, "PATH:3: row has 2 cells, the header has 1: quote cells that hold the delimiter, or say SkipRows 2 if the lines above are not rows"},
		{"remarks above", "# by me\n# today\na,b\n1,2\n", ErrRagged, "PATH:3: row has 2 cells, the header has 1: quote cells that hold the delimiter, or say Comment # if the lines above are remarks"},
		{"a title above two columns of numbers", "Sales of 2020\nx,y\n1,2\n2,3\n4,5\n", ErrRagged, "PATH:2: row has 2 cells, the header has 1: quote cells that hold the delimiter, or say SkipRows 1 if the lines above are not rows"},
		{"a remark above two columns of numbers", "# of 2020\nx,y\n1,2\n2,3\n4,5\n", ErrRagged, "PATH:2: row has 2 cells, the header has 1: quote cells that hold the delimiter, or say Comment # if the lines above are remarks"},
		{"a remark below", "a,b\n1,2\n# so far\n", ErrRagged, "PATH:3: row has 1 cell, the header has 2: say Comment # if it is a remark"},
		{"ragged without header", "1,2\n3\n", ErrRagged, "PATH:2: row has 1 cell, the first row has 2: leave a missing cell empty, but keep its delimiter"},
		{"NUL byte", "a,b\n1,2\n3,x\x00y\n", ErrText, `PATH:3: column "b" holds a NUL byte: the file is not text, or is not in UTF-8`},
		{"broken UTF-8", "a,b\né,caf\xe9\n", ErrText, `PATH:2: column "b" holds the byte 0xe9, which is not valid UTF-8: save the file in UTF-8, or name its Encoding`},
		{"broken UTF-8 on the cell's second line", "a,b\né,\"x\ncaf\xe9\"\n", ErrText, `PATH:3: column "b" holds the byte 0xe9, which is not valid UTF-8: save the file in UTF-8`},
		{"a rune in two cells", "a,b\né,1\n\xc3,\xa9\n", ErrText, `PATH:3: column "a" holds the byte 0xc3, which is not valid UTF-8: save the file in UTF-8`},
		{"broken UTF-8 in the header", "a,\xff\n1,é\n", ErrText, `PATH:1: column 2 of the header holds the byte 0xff, which is not valid UTF-8: save the file in UTF-8`},
		{"half a pair of UTF-16", "\xff\xfea\x00\n\x00\x00\xd8\n\x00", ErrText, `PATH:2: column "a" holds bytes that are not text in the file's encoding: name another Encoding, or save the file in UTF-8`},
		{"UTF-16 cut short", "\xff\xfea\x00\n\x00b", ErrText, `PATH:2: column "a" holds bytes that are not text in the file's encoding`},
		{"a spreadsheet", "PK\x03\x04....", ErrFormat, "PATH: is a spreadsheet, which is not read here: import _ \"github.com/gradus-ml/gradus/data/excel\""},
		{"unterminated quote", "a,b\n1,\"x\n2,y\n", ErrQuote, `PATH:2: a cell starts with a " that is not closed, or not before the delimiter: close it, and double each " in it`},
		{"bare quote", "a,b\n1,5\"\n", ErrQuote, `PATH:2: there is a " inside a cell that does not start with one: write the cell as "..." with each " in it doubled`},
		{"truncated gzip", string(gz[:len(gz)/2]), ErrCompressed, "PATH: the gzip data is cut short or damaged after line "},
		{"truncated zstd", string(zst[:len(zst)/2]), ErrCompressed, "PATH: the zstd data is cut short or damaged after line "},
		{"gzip header only", "\x1f\x8b\x08", ErrCompressed, "PATH: the gzip data is cut short or damaged after line 1 (unexpected EOF): fetch the file again"},
		{"IDX without dimensions", "\x00\x00\x08\x03\x00\x00", ErrIDX, "PATH: the header is cut short: fetch the file again"},
		{"IDX too short", "\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03abcde", ErrIDX,
			"PATH: the header declares 2 x 3 elements (6 bytes), and the file holds 5 bytes of them: it is cut short, fetch it again"},
		{"IDX too long", "\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03abcdefg", ErrIDX,
			"PATH: the file continues after the 2 x 3 elements that its header declares: it is damaged"},
		{"IDX that tells of terabytes", "\x00\x00\x0e\x02\xff\xff\xff\xff\x00\xff\xff\xffabc", ErrIDX,
			"PATH: the header declares 4294967295 x 16777215 elements (576460717809467400 bytes), and the file holds 3 bytes of them: it is cut short, fetch it again"},
		{"IDX with huge images", "\x00\x00\x08\x03\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xffabc", ErrIDX,
			"PATH: the header declares images of 4294967295 x 4294967295 elements: expected 1 to 16777216"},
		{"IDX without images", "\x00\x00\x08\x02\x00\x00\x00\x00\x00\x00\x00\x03", ErrEmpty, "PATH: the header declares no images: it takes at least one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := file(t, "data.csv", []byte(test.text))
			_, err := Read(path, ReadOptions{})
			refuses(t, err, test.kind, strings.ReplaceAll(test.want, "PATH", path))
		})
	}
	t.Run("no file", func(t *testing.T) {
		_, err := Read("none.csv", ReadOptions{})
		refuses(t, err, ErrNoFile, "none.csv: no such file: check the path")
		refuses(t, err, fs.ErrNotExist, "none.csv: no such file: check the path")
	})
	t.Run("a file that is there", func(t *testing.T) {
		// Root may read everything, so the test makes the system's error itself.
		err := openError("secret.csv", &fs.PathError{Op: "open", Path: "secret.csv", Err: syscall.EACCES})
		refuses(t, err, ErrUnreadable, "secret.csv: cannot be read: permission denied: ask for the right to read it")
		refuses(t, err, fs.ErrPermission, "secret.csv: cannot be read")
		if errors.Is(err, ErrNoFile) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v is taken for the error of a missing file", err)
		}
		path := filepath.Join(file(t, "data.csv", []byte("a,b\n1,2\n")), "in-a-file.csv")
		_, err = Read(path, ReadOptions{})
		refuses(t, err, ErrUnreadable, path+": cannot be read: not a directory")
		if errors.Is(err, ErrNoFile) {
			t.Errorf("%v is taken for the error of a missing file", err)
		}
		_, err = Read(Stdin, ReadOptions{Stdin: iotest.ErrReader(fs.ErrPermission)})
		refuses(t, err, ErrUnreadable, "standard input: cannot be read: permission denied")
		refuses(t, err, fs.ErrPermission, "standard input: cannot be read: permission denied")
	})
	t.Run("a folder", func(t *testing.T) {
		dir := t.TempDir()
		_, err := Read(dir, ReadOptions{})
		refuses(t, err, ErrFolder, dir+": is a folder without a table: name a file")
	})
	t.Run("options", func(t *testing.T) {
		_, err := Read(Stdin, ReadOptions{Header: "maybe"})
		refuses(t, err, ErrOption, `the header option "maybe" is not one of auto, yes and no`)
		_, err = Read(Stdin, ReadOptions{Delimiter: '"'})
		refuses(t, err, ErrOption, `'"' cannot be a delimiter`)
	})
	t.Run("from memory", func(t *testing.T) {
		_, err := NewTable("mem", []string{"a", "b"}, [][]string{{"1", "2"}, {"1"}})
		refuses(t, err, ErrRagged, "mem: row 1: it has 1 cell, the table has 2 columns: make them agree")
		_, err = NewTable("mem", []string{"a"}, nil)
		refuses(t, err, ErrEmpty, "mem: the table has no rows")
		_, err = NewTable("mem", []string{"a", "a"}, nil)
		refuses(t, err, ErrDuplicateColumn, `mem: columns 1 and 2 are both named "a"`)
		_, err = NewTable("mem", []string{"a"}, [][]string{{"\xff"}})
		refuses(t, err, ErrText, `mem: row 0: column "a": the cell "\xff" is not UTF-8 text`)
	})
}

// refuses checks an error's kind and the beginning of its sentence.
func refuses(t *testing.T, err, kind error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("got no error, want %q", want)
	case !errors.Is(err, kind):
		t.Errorf("got the error %q, want one that is %q", err, kind)
	case !strings.HasPrefix(err.Error(), want):
		t.Errorf("got the error\n%s\nwant\n%s", err, want)
	case strings.ContainsRune(err.Error(), '\n'):
		t.Errorf("error %q is more than one line", err)
	}
}

// TestWide reads and encodes 50,000 columns of 20 rows.
func TestWide(t *testing.T) {
	const cols, rows = 50000, 20
	var b strings.Builder
	for c := range cols {
		fmt.Fprintf(&b, "x%d,", c)
	}
	b.WriteString("y\n")
	for r := range rows {
		for c := range cols {
			fmt.Fprintf(&b, "%d.%d,", (c*7+r*13)%101, r)
		}
		fmt.Fprintf(&b, "%d.5\n", r)
	}
	start := time.Now()
	table := readText(t, b.String())
	e, _ := fit(t, table, SchemaOptions{}, ScaleAuto)
	if e.Width() != cols {
		t.Errorf("width %d, want %d", e.Width(), cols)
	}
	inputs(t, e, table)
	if d := time.Since(start); d > time.Minute { // an algorithm that is quadratic in the columns takes longer
		t.Errorf("took %v, want at most a minute", d)
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"", "a,b\n1,2\n", "\ufeffa;b\r\n\"x\ny\";?\r\n", "1\t2\n3\t4", "a,a\n1", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := Read(Stdin, ReadOptions{Stdin: bytes.NewReader(b)})
		if err != nil {
			return
		}
		s, err := Infer(table, SchemaOptions{})
		if err != nil {
			return
		}
		e, err := s.Fit(table, nil, ScaleAuto, true)
		if err != nil {
			return
		}
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		bound, err := e.Bind(table)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Inputs(bound, nil, make([]float64, table.Rows()*e.Width())); err != nil {
			t.Fatal(err)
		}
		if err := Targets(bound, s.Rows, make([]float64, len(s.Rows)*e.Outputs())); err != nil {
			t.Fatal(err)
		}
	})
}

// generated returns the text of a table with that many rows. It has 8 numbers, 3 categories and a target.
func generated(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("n0,n1,n2,n3,n4,n5,n6,n7,c0,c1,c2,y\n")
	for r := range rows {
		for c := range 8 {
			fmt.Fprintf(&b, "%d.%04d,", (r*31+c*17)%1000, (r*7919+c)%10000)
		}
		fmt.Fprintf(&b, "red%d,green%d,blue%d,%d\n", r%5, r%17, r%101, r*r%3)
	}
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	text := generated(10000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(Stdin, ReadOptions{Stdin: bytes.NewReader(text)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInputs(b *testing.B) {
	text := generated(10000)
	table, err := Read(Stdin, ReadOptions{Stdin: bytes.NewReader(text)})
	if err != nil {
		b.Fatal(err)
	}
	e, _ := fit(b, table, SchemaOptions{}, ScaleAuto)
	bound, err := e.Bind(table)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, table.Rows()*e.Width())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Inputs(bound, nil, dst); err != nil {
			b.Fatal(err)
		}
	}
}

// Progress is reported before the first mebibyte of a slow source has arrived. At its end, all of its rows are
// reported.
func TestProgressOfSlowSource(t *testing.T) {
	in, out := io.Pipe()
	told := make(chan Progress, 100_000)
	go func() {
		io.WriteString(out, "x,y\n"+strings.Repeat("1,2\n", peekSize/4))
		<-told // while the source is still open
		io.WriteString(out, "3,4\n")
		out.Close()
	}()
	var last Progress
	table, err := Read(Stdin, ReadOptions{Stdin: in, Progress: func(p Progress) {
		if p.Bytes < last.Bytes || p.Rows < last.Rows {
			t.Errorf("the progress %+v is reported after %+v", p, last)
		}
		last = p
		told <- p
	}})
	if err != nil || table.Rows() != peekSize/4+1 || last.Rows != table.Rows() {
		t.Errorf("got the error %v and the last progress %+v, want no error and all rows", err, last)
	}
}

// A cell of a column of letters is stored in one byte, its code. Reading takes little more memory than that.
func TestMemoryOfLetters(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // each core has separate memory
	const rows, columns = 100000, 20
	text := bytes.Repeat([]byte("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t\nb,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u\n"), rows/2)
	text = append([]byte("c0,c1,c2,c3,c4,c5,c6,c7,c8,c9,d0,d1,d2,d3,d4,d5,d6,d7,d8,d9\n"), text...)
	path := file(t, "letters.csv", text)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table, err := Read(path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := float64(after.HeapAlloc-before.HeapAlloc) / (rows * columns)
	taken := float64(after.TotalAlloc-before.TotalAlloc) / (rows * columns)
	if t.Logf("%.1f bytes per cell are kept, %.1f are allocated", kept, taken); kept > 1.5 || taken > 8 {
		t.Errorf("%.1f bytes per cell are kept and %.1f allocated, want at most 1.5 and 8", kept, taken)
	}
	runtime.KeepAlive(table)
}
