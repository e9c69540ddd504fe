package data

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

func TestParseCell(t *testing.T) {
	for _, test := range []struct {
		cell string
		x    float64
		want content
	}{
		{"", 0, missing}, {" ", 0, missing}, {"NA", 0, missing}, {"n/a", 0, missing}, {"NaN", 0, missing}, {" Null ", 0, missing}, {"?", 0, missing},
		{"1", 1, number}, {" -2.5 ", -2.5, number}, {"+3", 3, number}, {"1e3", 1000, number}, {".5", 0.5, number}, {"1e-400", 0, number},
		{"inf", 0, oddity}, {"-Infinity", 0, oddity}, {"+INF", 0, oddity}, {"1e400", 0, oddity}, {"0x1p-2", 0, oddity}, {"0xff", 0, oddity}, {"1_000", 0, oddity},
		{"x", 0, word}, {"nought", 0, word}, {"-", 0, word}, {"e", 0, word}, {"1.2.3", 0, word}, {"2020-01-01", 0, word}, {"x_y", 0, word}, {"1,5", 0, word}, {"surf", 0, word},
	} {
		if x, c := parseCell(test.cell); x != test.x || c != test.want {
			t.Errorf("parseCell(%q) = %v, %d, want %v, %d", test.cell, x, c, test.x, test.want)
		}
	}
}

// Whole numbers are parsed without strconv and have the value that strconv gives.
func TestParseWholeCell(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		var s []byte
		for range 1 + r.IntN(20) {
			s = append(s, byte('0'+r.IntN(10)))
		}
		want, err := strconv.ParseFloat(string(s), 64)
		if err != nil {
			t.Fatal(err)
		}
		if x, c := parseCell(string(s)); x != want || c != number {
			t.Fatalf("parseCell(%q) = %v, %d, want %v, %d", s, x, c, want, number)
		}
	}
}

func TestParseDate(t *testing.T) {
	for _, test := range []struct {
		cell   string
		want   string // "": not a date
		dotted bool
		clock  bool
	}{
		{"1999-12-31", "1999-12-31 00:00:00", false, false},
		{"1999/12/31", "1999-12-31 00:00:00", false, false},
		{"31.12.1999", "1999-12-31 00:00:00", true, false},
		{"1999-12-31 23:59", "1999-12-31 23:59:00", false, true},
		{"1999-12-31T23:59", "1999-12-31 23:59:00", false, true},
		{"1999-12-31 23:59:58", "1999-12-31 23:59:58", false, true},
		{"1999-12-31T23:59:58", "1999-12-31 23:59:58", false, true},
		{"1999-12-31T23:59:58.25", "1999-12-31 23:59:58", false, true},
		{"1999-12-31T23:59:58Z", "1999-12-31 23:59:58", false, true},
		{"1999-12-31T23:59:58+02:00", "1999-12-31 21:59:58", false, true},
		{"1999-02-30", "", false, false}, {"1999-1-1", "", false, false}, {"12/31/1999", "", false, false}, {"x999-12-31", "", false, false},
		{"1234567890", "", false, false}, {"1999-12-31x23:59", "", false, false}, {"", "", false, false},
	} {
		got, dotted, clock, ok := parseDate(test.cell)
		switch {
		case ok != (test.want != ""):
			t.Errorf("parseDate(%q): ok is %v, want the opposite", test.cell, ok)
		case ok && (got.Format(layoutSecond) != test.want || dotted != test.dotted || clock != test.clock || got.Location() != time.UTC):
			t.Errorf("parseDate(%q) = %v, %v, %v", test.cell, got, dotted, clock)
		}
	}
}
