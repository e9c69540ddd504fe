package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// spelled draws a number in one of the ways that people write numbers.
func spelled(r *rand.Rand) string {
	switch r.IntN(12) {
	case 0:
		return strconv.FormatFloat(r.NormFloat64()*math.Pow(10, float64(r.IntN(40)-20)), 'g', -1, 64)
	case 1:
		return strconv.FormatUint(r.Uint64(), 10)
	case 2:
		return fmt.Sprintf("%0*d", 1+r.IntN(20), r.IntN(1000))
	case 3:
		return fmt.Sprintf("%.*e", r.IntN(20), r.NormFloat64())
	case 4:
		return []string{"-0", "-0.00", "0", "+3", ".5", "5.", "1e5", "-.5", "00", "007", "0.0000000000000001", "999999999999999", "1000000000000000", "2147483647", "2147483648", "-2147483648", "9007199254740993", "1e-400"}[r.IntN(18)]
	}
	return strconv.FormatFloat(r.NormFloat64()*math.Pow(10, float64(r.IntN(14)-4)), 'f', r.IntN(12), 64)
}

// A number keeps the value that strconv parses, bit for bit, and the text that it had in the file.
// This does not depend on the other cells of its column, nor on how the column was made.
func TestNumbersKeepValueAndText(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		var c column
		var want []string
		for range 1 + r.IntN(4) {
			var part column
			draw := func() string { return spelled(r) }
			switch r.IntN(3) {
			case 0:
				draw = func() string { return strconv.FormatFloat(r.NormFloat64(), 'f', 2, 64) }
			case 1:
				words := []string{"NA", "", "?", "inf", "1e999", "3.5"}
				draw = func() string { return words[r.IntN(len(words))] }
			}
			for range r.IntN(20) {
				s := draw()
				if r.IntN(400) == 0 {
					s = "word"
				}
				want = append(want, s)
				part.add([]byte(s))
			}
			c.join(&part)
		}
		c.finish()
		for row, s := range want {
			if got := c.text(row); got != s {
				t.Fatalf("%q is stored as %q, in a column with the cells %q", s, got, want)
			}
			x, what := c.number(row)
			wantX, wantWhat := parseCell(s)
			if math.Float64bits(x) != math.Float64bits(wantX) || what != wantWhat {
				t.Fatalf("%q is %v (%d), want %v (%d)", s, x, what, wantX, wantWhat)
			}
		}
		view := c.levels()
		for row, s := range want {
			if got := view.dict.at(view.codes.at(row)); got != s {
				t.Fatalf("%q has the level %q, want the text of the cell", s, got)
			}
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0.0", "12.50", "123456789012345", "0.000000000000001", "1e5", "9007199254740993"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := append([]byte(s), ',')
		m, decimals, negative, n := scanDecimal(b)
		if n == 0 {
			return
		}
		want, err := strconv.ParseFloat(s[:n], 64)
		if err != nil {
			t.Fatalf("%q: %v", s[:n], err)
		}
		var c column
		c.addDecimal(m, decimals, negative)
		if x, _ := c.number(0); math.Float64bits(x) != math.Float64bits(want) {
			t.Fatalf("%q is read as %v, want %v", s[:n], x, want)
		}
		c.widen()
		if x, _ := c.number(0); math.Float64bits(x) != math.Float64bits(want) || c.text(0) != s[:n] {
			t.Fatalf("%q is stored as %v and %q, want %v and the same text", s[:n], x, c.text(0), want)
		}
	})
}

// anything returns the text of a table with that many rows. Its cells hold everything that cells can hold.
func anything(rows int) string {
	r := rand.New(rand.NewPCG(9, 10))
	var b strings.Builder
	b.WriteString("n,id,text,quoted,late,holes,y\n")
	for i := range rows {
		late := strconv.Itoa(i)
		if i == rows*2/3 {
			late = "late"
		}
		fmt.Fprintf(&b, "%s,%05d,w%d,\"a \"\"%d\"\"\nb, c\",%s,%s,%d\n", spelled(r), i, r.IntN(50), r.IntN(9), late, []string{"1.5", "NA", ""}[r.IntN(3)], r.IntN(3))
		if r.IntN(20) == 0 {
			b.WriteString("\r\n")
		}
	}
	return b.String()
}

// A table is the same in chunks of any size, on any number of cores.
func TestChunksAndCores(t *testing.T) {
	text := anything(500)
	was, cores := chunkSize, runtime.GOMAXPROCS(0)
	defer func() { chunkSize = was; runtime.GOMAXPROCS(cores) }()
	whole := readText(t, text)
	want, print := cells(whole), whole.Fingerprint()
	for _, chunkSize = range []int{16, 61, 200, 1000, 5000} {
		for _, n := range []int{1, 2, 7} {
			runtime.GOMAXPROCS(n)
			table := readText(t, text)
			if table.Fingerprint() != print {
				t.Errorf("chunks of %d on %d cores: the fingerprint differs from that of one chunk", chunkSize, n)
			}
			got := cells(table)
			for row := range want {
				if strings.Join(got[row], "|") != strings.Join(want[row], "|") {
					t.Fatalf("chunks of %d on %d cores: row %d is %q, want %q", chunkSize, n, row, got[row], want[row])
				}
				if row > 0 && table.Line(row-1) != whole.Line(row-1) {
					t.Fatalf("chunks of %d on %d cores: row %d is said to be on line %d, want %d", chunkSize, n, row, table.Line(row-1), whole.Line(row-1))
				}
			}
		}
	}
}

// The error is the first one in the file, with chunks of any size.
func TestChunksAndErrors(t *testing.T) {
	was := chunkSize
	defer func() { chunkSize = was }()
	for _, bad := range []string{"1,2,3\n", "1\n", "1,\"x\"y\n", "1,x\"y\n", "1,\"open\n", "é,\xff\n", "é,\"a\n\xff\"\n", "1,\x00\n"} {
		for _, behind := range []string{"", "2,\"b\nc\"\n", "1,2,3,4\n", "2,b\"c\n"} {
			text := "a,b\n" + strings.Repeat("1,\"x\n y\"\n", 20) + bad + strings.Repeat(behind, 30)
			want := ""
			for _, chunkSize = range []int{1 << 20, 16, 40, 333} {
				_, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader(text)})
				if err == nil {
					t.Fatalf("%q is accepted, want an error", bad)
				}
				if want == "" {
					want = err.Error()
				}
				if err.Error() != want {
					t.Errorf("%q, then %q, in chunks of %d:\n%v\nwant\n%s", bad, behind, chunkSize, err, want)
				}
			}
		}
	}
}
