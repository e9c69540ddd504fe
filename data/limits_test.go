package data

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// A table that is larger than allowed is refused, even if its file is small.
func TestLimits(t *testing.T) {
	text := "a,b\n" + strings.Repeat("1,2\n", 1000)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(text))
	z.Close()
	for name, body := range map[string]string{"plain": text, "gzip": packed.String()} {
		read := func(most int64) error {
			table, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader(body), MaxBytes: most, MaxColumns: 2})
			if err == nil && table.Rows() != 1000 {
				t.Errorf("%s: got %d rows, want 1000", name, table.Rows())
			}
			return err
		}
		if err := read(int64(len(text))); err != nil {
			t.Errorf("%s, exactly at the limit: %v", name, err)
		}
		if err := read(int64(len(text)) - 1); !errors.Is(err, ErrLarge) || !strings.Contains(err.Error(), "4003 bytes") {
			t.Errorf("%s, one byte over the limit: got %v, want ErrLarge that names 4003 bytes", name, err)
		}
	}
	_, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader("a,b,c\n1,2,3\n"), MaxColumns: 2})
	if !errors.Is(err, ErrLarge) || !strings.Contains(err.Error(), "3 columns") {
		t.Errorf("three columns with a limit of two: got %v, want ErrLarge that names 3 columns", err)
	}
}

func TestNamed(t *testing.T) {
	table, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader("a,b\n1,2\n")})
	if err != nil {
		t.Fatal(err)
	}
	named := table.Named("x.csv")
	if named.Name() != "x.csv" || table.Name() != StdinName || named.Fingerprint() != table.Fingerprint() {
		t.Errorf("got the tables %s and %s, want the second named x.csv, with the fingerprint of the first", table.Name(), named.Name())
	}
}
