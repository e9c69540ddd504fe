package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/memory"
)

// spillText returns the text of a table with columns of every form. Some of them change their form in later rows.
func spillText(rows int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("whole,fraction,gaps,late wide,late word,odd,level,day,flag,y\n")
	for i := range rows {
		gap, wide, word := fmt.Sprint(r.IntN(50)), "7", fmt.Sprint(i%30)
		if i%17 == 0 {
			gap = "NA"
		}
		if i > rows*3/4 {
			wide = fmt.Sprintf("%.4f", 1e9*r.Float64())
			word = "w" + word
		}
		fmt.Fprintf(&b, "%d,%.3f,%s,%s,%s,%.2e,l%d,2024-%02d-%02d,%v,%.2f\n",
			r.IntN(1e6), r.NormFloat64(), gap, wide, word, r.ExpFloat64(), r.IntN(300), 1+r.IntN(12), 1+r.IntN(28), r.IntN(2) == 1, r.NormFloat64())
	}
	return b.String()
}

// scarce makes memory look scarce until the test ends.
func scarce(t *testing.T, bytes uint64) {
	was, size := available, chunkSize
	available = func() (memory.Limit, bool) { return memory.Limit{Bytes: bytes, Of: "this test"}, true }
	chunkSize = 1 << 14
	t.Cleanup(func() { available, chunkSize = was, size })
}

func newSpill(t *testing.T) *Spill {
	s, err := NewSpill(t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSpilledTableIsTheSame(t *testing.T) {
	const rows = 40_000
	path := filepath.Join(t.TempDir(), "t.csv")
	text := spillText(rows)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	half := strings.Index(text[len(text)/2:], "\n") + len(text)/2 + 1
	head := text[:strings.Index(text, "\n")+1]
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "a.csv"), []byte(text[:half]), 0o644)
	os.WriteFile(filepath.Join(dir, "b.csv"), []byte(head+text[half:]), 0o644)
	for _, c := range []struct{ name, path string }{{"a file", path}, {"a folder", dir}} {
		t.Run(c.name, func(t *testing.T) {
			plain, err := Read(c.path, ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			scarce(t, 1_800_000)
			if _, err := Read(c.path, ReadOptions{}); !errors.Is(err, ErrLarge) {
				t.Fatalf("without a disk: got %v, want ErrLarge", err)
			}
			spilled, err := Read(c.path, ReadOptions{Spill: newSpill(t)})
			if err != nil {
				t.Fatal(err)
			}
			if spilled.Spilled() == nil || plain.Spilled() != nil {
				t.Fatal("the wrong table is on the disk")
			}
			if plain.Fingerprint() != spilled.Fingerprint() {
				t.Fatal("the cells differ")
			}
			a, b := encodedAs(t, plain), encodedAs(t, spilled)
			if a != b {
				t.Errorf("the encodings differ: in memory %.300s, on the disk %.300s", a, b)
			}
		})
	}
}

// encodedAs returns everything that is made from a table, as text.
func encodedAs(t *testing.T, table *Table) string {
	t.Helper()
	s, err := Infer(table, SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var keep, held []int
	for i := range s.Rows {
		if i%5 == 0 {
			held = append(held, i)
		} else {
			keep = append(keep, i)
		}
	}
	out := fmt.Sprint(s.Strata(), s.Columns)
	for _, scale := range []Scaling{ScaleAuto, ScalePieces, ScaleTrees, ScaleWaves, ScaleStandard} {
		e, err := s.Fit(table, keep, scale, true)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		bound, err := e.Bind(table)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, 1000*e.Width())
		if _, err := Inputs(bound, held[:1000], x); err != nil {
			t.Fatal(err)
		}
		out += string(text) + fmt.Sprint(x)
	}
	return out
}

func TestSpillRefusesTextsThatDiffer(t *testing.T) {
	var b strings.Builder
	b.WriteString("name,y\n")
	for i := range 30_000 {
		fmt.Fprintf(&b, "a long name that is another one in each row %d,%d\n", i, i%7)
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	os.WriteFile(path, []byte(b.String()), 0o644)
	scarce(t, 1<<18)
	_, err := Read(path, ReadOptions{Spill: newSpill(t)})
	if !errors.Is(err, ErrLarge) || !strings.Contains(err.Error(), "differ from row to row") {
		t.Error(err)
	}
}

func TestSpillOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	os.WriteFile(path, []byte(spillText(20_000)), 0o644)
	s := newSpill(t)
	s.Close() // it fails from here on, like a full disk
	scarce(t, 1<<18)
	if _, err := Read(path, ReadOptions{Spill: s}); !errors.Is(err, ErrSpill) {
		t.Error(err)
	}
}
