package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"pgregory.net/rapid"

	"github.com/gradus-ml/gradus/data"
)

// stored writes a database with one table t that has one column v.
func stored(t interface{ Fatal(...any) }, path string, values []any) {
	os.Remove(path)
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec("create table t (v)"); err != nil {
		t.Fatal(err)
	}
	stmt, _, err := db.Prepare("insert into t values (?)")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			err = stmt.BindNull(1)
		case int64:
			err = stmt.BindInt64(1, v)
		case float64:
			err = stmt.BindFloat(1, v)
		case string:
			err = stmt.BindText(1, v)
		}
		if err == nil {
			err = errors.Join(stmt.Exec(), stmt.Reset())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// SQLite may mix types in a column. Each cell has the value that was stored.
func TestValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	value := rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Custom(func(t *rapid.T) any { return rapid.Int64().Draw(t, "integer") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Float64().Draw(t, "float") }),
		rapid.Custom(func(t *rapid.T) any {
			return rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), 0, 5e-324, 1e300, 0.1, -3}).Draw(t, "float")
		}),
		rapid.Custom(func(t *rapid.T) any { return strings.ReplaceAll(rapid.String().Draw(t, "text"), "\x00", "") }),
		rapid.Custom(func(t *rapid.T) any {
			return rapid.SampledFrom([]string{"", "007", "1e5", " a ", "NA", "2024-02-29", "true", "-0"}).Draw(t, "text")
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(value, 1, 8).Draw(t, "values")
		stored(t, path, values)
		table, err := data.Read("sqlite:"+path, data.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			cell := table.Cell(i, 0)
			ok := false
			switch v := v.(type) {
			case nil:
				ok = cell == ""
			case int64:
				ok = cell == strconv.FormatInt(v, 10)
				if f, err := strconv.ParseFloat(cell, 64); err == nil && f == float64(v) {
					ok = true // one that float64 rounds
				}
			case float64:
				f, _ := strconv.ParseFloat(cell, 64) // the only error is one of range
				ok = f == v
			case string:
				ok = strings.TrimSpace(cell) == strings.TrimSpace(strings.ToValidUTF8(v, "")) || cell == strings.TrimSpace(v)
			}
			if !ok {
				t.Fatalf("%#v of %#v became %q", v, values, cell)
			}
		}
	})
}

// A damaged database is read as a table or refused with one sentence. It takes little more memory than an undamaged one.
func TestDamaged(t *testing.T) {
	good, err := os.ReadFile(people)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "d.db")
	allocated := func(f func()) uint64 { // bytes
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	sound := allocated(func() { check(t, "sound", people) })
	try := func(what string, raw []byte) {
		t.Helper()
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		if took := allocated(func() { check(t, what, path) }); took > sound+16<<20 {
			t.Errorf("%s: reading allocates %d bytes, want at most 16 MiB more than the %d of the sound file", what, took, sound)
		}
	}
	for n := 0; n < len(good); n += 511 {
		try(fmt.Sprint("cut to ", n), good[:n])
	}
	for _, size := range []uint16{0, 1, 3, 256, 512, 513, 1024, 8192, 32768, 65535} {
		raw := bytes.Clone(good)
		binary.BigEndian.PutUint16(raw[16:], size)
		try(fmt.Sprint("pages of ", size), raw)
	}
	for at := range 100 { // the header
		for _, b := range []byte{0, 0x7f, 0xff} {
			raw := bytes.Clone(good)
			raw[at] = b
			try(fmt.Sprintf("byte %d is %d", at, b), raw)
		}
	}
	for at := 100; at < len(good); at += 37 {
		raw := bytes.Clone(good)
		raw[at] ^= 0xff
		try(fmt.Sprint("byte ", at, " is flipped"), raw)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := bytes.Clone(good)
		for range rapid.IntRange(1, 30).Draw(t, "bytes") {
			raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		check(t, "some bytes", path)
	})
}

// check reads a database that may be damaged.
func check(t interface{ Errorf(string, ...any) }, what, path string) {
	_, err := data.Read("sqlite:"+path, data.ReadOptions{})
	if err == nil {
		return
	}
	kinds := []error{data.ErrDamaged, data.ErrEmpty, data.ErrFormat, data.ErrOption, data.ErrLarge, data.ErrColumn, data.ErrText}
	known := false
	for _, k := range kinds {
		known = known || errors.Is(err, k)
	}
	if text := err.Error(); !known || strings.ContainsAny(text, "\n") || !strings.Contains(text, "d.db: ") && !strings.Contains(text, "f.db: ") {
		t.Errorf("%s: got %v, want one line of a known kind that names the file", what, err)
	}
}

func FuzzRead(f *testing.F) {
	good, err := os.ReadFile(people)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:5000])
	path := filepath.Join(f.TempDir(), "f.db")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		check(t, "fuzzed", path)
	})
}
