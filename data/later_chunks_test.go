package data

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLaterChunks: what the first chunk shows about a text holds for the rest, or the error names the line where
// it does not.
func TestLaterChunks(t *testing.T) {
	defer func(size int) { chunkSize = size }(chunkSize)
	chunkSize = 256
	dir := t.TempDir()
	read := func(name, text string, opt ReadOptions) (*Table, error) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Read(path, opt)
	}
	lines := func(sep, first, late string) string {
		row := strings.Join([]string{"12", "plain", "no"}, sep) + "\n"
		return strings.Join([]string{"x", "c", "y"}, sep) + "\n" + strings.Join([]string{"1", first, "yes"}, sep) + "\n" +
			strings.Repeat(row, 100) + strings.Join([]string{"2", late, "yes"}, sep) + "\n" + strings.Repeat(row, 20)
	}
	for _, c := range []struct {
		name, sep, first, late string
		opt                    ReadOptions
		cell                   string // the later one, as it is read
		note                   string
		err                    error
		says                   string
	}{
		{name: "a.csv", sep: ",", first: "a", late: "\xe9t\xe9", err: ErrText, says: `a.csv:103: column "c" holds the byte 0xe9, which is not valid UTF-8: save the file in UTF-8, or name its Encoding, latin-1 for one`},
		{name: "b.csv", sep: ",", first: "a", late: "\xe9t\xe9", opt: ReadOptions{Encoding: "latin-1"}, cell: "été"},
		{name: "c.csv", sep: ",", first: "\xe9", late: "\xe9t\xe9", cell: "été", note: "read as Latin-1"},
		{name: "d.csv", sep: ",", first: "\xe9", late: "été", err: ErrText, says: `d.csv:103: column "c" holds text in UTF-8, and bytes above it are not: say Encoding latin-1`},
		{name: "e.csv", sep: ",", first: "\xe9", late: "été", opt: ReadOptions{Encoding: "latin-1"}, cell: "Ã©tÃ©"},
		{name: "f.csv", sep: ",", first: "é", late: "\xe9t\xe9", err: ErrText, says: "f.csv:103"},
		{name: "g.tsv", sep: "\t", first: "a", late: `7" pipe`, cell: `7" pipe`, note: rawQuotesNote},
		{name: "h.tsv", sep: "\t", first: "a", late: `"7 pipe`, cell: `"7 pipe`, note: rawQuotesNote},
		{name: "i.tsv", sep: "\t", first: `7" pipe`, late: `"a"`, cell: `"a"`, note: rawQuotesNote},
		{name: "j.tsv", sep: "\t", first: `"a"`, late: `"b ""c"""`, cell: `b "c"`},
		{name: "k.csv", sep: ",", first: "a", late: `7" pipe`, err: ErrQuote, says: "k.csv:103"},
		{name: "l.csv", sep: ",", first: "a", late: "a\x00b", err: ErrText, says: "l.csv:103"},
	} {
		for _, rows := range []string{lines(c.sep, c.first, c.late), strings.ReplaceAll(lines(c.sep, c.first, c.late), "\n", "\r\n")} {
			table, err := read(c.name, rows, c.opt)
			if c.err != nil {
				if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: got the error %v, want %q", c.name, err, c.says)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if got := table.Cell(101, 1); got != c.cell || table.Rows() != 122 {
				t.Errorf("%s: the cell is %q, want %q; there are %d rows, want 122", c.name, got, c.cell, table.Rows())
			}
			if notes := strings.Join(texts(table.Notes()), "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("%s: the notes are %q, want %q", c.name, notes, c.note)
			}
		}
	}
	// Standard input cannot be read twice, so the error names the line.
	if _, err := Read(Stdin, ReadOptions{Delimiter: '\t', Stdin: strings.NewReader(lines("\t", "a", `7" pipe`))}); !errors.Is(err, ErrQuote) || !strings.Contains(err.Error(), "standard input:103") {
		t.Error(err)
	}
}
