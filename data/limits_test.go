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
				t.Errorf("%s: %d rows", name, table.Rows())
			}
			return err
		}
		if err := read(int64(len(text))); err != nil {
			t.Errorf("%s, just as large as is taken: %v", name, err)
		}
		if err := read(int64(len(text)) - 1); !errors.Is(err, ErrLarge) || !strings.Contains(err.Error(), "4003 bytes") {
			t.Errorf("%s, a byte larger: %v", name, err)
		}
	}
	_, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader("a,b,c\n1,2,3\n"), MaxColumns: 2})
	if !errors.Is(err, ErrLarge) || !strings.Contains(err.Error(), "3 columns") {
		t.Errorf("three columns where two are taken: %v", err)
	}
}

func TestNamed(t *testing.T) {
	table, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader("a,b\n1,2\n")})
	if err != nil {
		t.Fatal(err)
	}
	named := table.Named("x.csv")
	if named.Name() != "x.csv" || table.Name() != StdinName || named.Fingerprint() != table.Fingerprint() {
		t.Errorf("%s is named %s", table.Name(), named.Name())
	}
}
