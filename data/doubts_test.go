package data

import (
	"fmt"
	"strings"
	"testing"
)

// TestDoubtsAreSaid: a column that could be read in another way has a remark with its cells and what to do; other columns do not.
func TestDoubtsAreSaid(t *testing.T) {
	percents := func(i int) string {
		if i%10 == 3 {
			return fmt.Sprintf("0.%d", 11+i)
		}
		return fmt.Sprintf("%d%%", 10+i)
	}
	permutation := func(i int) string { return fmt.Sprint(500 + i*7%40) }
	for _, c := range []struct {
		name string
		cell func(i int) string
		want []string // parts of the remark; nil: none
	}{
		{"share", percents, []string{"4 cells of at most 1 without a percent sign", `"0.14"`, "Types share=category"}},
		{"share", func(i int) string {
			return []string{fmt.Sprintf("%d%%", 10+i%12), fmt.Sprintf("0.%d", 11+i%13), fmt.Sprintf("0.%d", 11+i%13)}[i%3]
		},
			[]string{"different units", `"%" in 14 cells`, "none in 26 cells"}},
		{"region", func(i int) string { return []string{"East", "EAST", "West", "East "}[i%4] }, []string{`"EAST" in 10 cells`, `"East" in 20 cells`, "upper and lower case"}},
		{"region", func(i int) string { return []string{"East", "West"}[i%2] }, nil},
		{"customer", permutation, []string{"40 cells are whole numbers that are all different, such as 500", "Ignore customer", "Types customer=number"}},
		{"customer", func(i int) string { return fmt.Sprint(500 + i*7%39) }, nil},
		{"year", func(i int) string { return fmt.Sprint(1980 + i) }, nil},
		{"income", func(i int) string { return fmt.Sprint(30000 + i*7919%1009) }, nil},
		{"order_id", func(i int) string { return fmt.Sprint(30000 + i*7919%1009) }, []string{"all different", "Ignore order_id"}},
		{"at", func(i int) string { return fmt.Sprint(int64(1700000000000) + int64(i*i*1000)) }, []string{"milliseconds since 1970", "1700000000000 would be 2023-11-14 22:13:20", "Ignore at"}},
		{"at", func(i int) string { return fmt.Sprint(1700000000 + i*i) }, []string{" seconds since 1970", "2023-11-14 22:13:20"}},
		{"amount", func(i int) string { return fmt.Sprint(170000000 + i*i) }, nil},
	} {
		var csv strings.Builder
		csv.WriteString(c.name + ",y\n")
		numbers := true
		for i := range 40 {
			cell, y := c.cell(i), fmt.Sprintf("%d.5", i*i%17)
			fmt.Fprintf(&csv, "%s,%s\n", cell, y)
			numbers = numbers && allDigits(cell)
		}
		check := func(from string, table *Table) {
			s, err := Infer(table, SchemaOptions{})
			if err != nil {
				t.Fatalf("%s of %s: %v", c.name, from, err)
			}
			note := s.Columns[0].Note.String()
			if len(c.want) == 0 && note != "" {
				t.Errorf("%s of %s: the remark is %q, want none", c.name, from, note)
			}
			for _, part := range c.want {
				if !strings.Contains(note, part) {
					t.Errorf("%s of %s: the remark is %q, want %q in it", c.name, from, note, part)
				}
			}
			if strings.Contains(note, "Types") { // saying so silences it
				if s, err = Infer(table, SchemaOptions{Types: map[string]Kind{c.name: KindNumber}}); err == nil && strings.Contains(fmt.Sprint(s.Columns[0].Note), "read as amounts") {
					t.Errorf("%s of %s: the remark stays when the type is given", c.name, from)
				}
			}
		}
		table, err := ReadFrom(strings.NewReader(csv.String()), "t.csv", ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		check("a CSV", table)
		if numbers { // numbers that came as numbers
			x, y := NewSeries(c.name), NewSeries("y")
			for i := range 40 {
				n := 0.0
				fmt.Sscan(c.cell(i), &n)
				x.Float(n)
				y.Float(float64(i*i%17) + 0.5)
			}
			if table, err = TableOf("t", x, y); err != nil {
				t.Fatal(err)
			}
			check("a typed column", table)
		}
	}
	table, err := ReadFrom(strings.NewReader("a,y\n1.5,East\n2.5,EAST\n0.5,West\n3.5,East\n"), "t.csv", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Infer(table, SchemaOptions{})
	if err != nil || !strings.Contains(s.Targets[0].Note.String(), `"East" in 2 cells, "EAST" in 1 cell are different levels`) {
		t.Errorf("the remark on the classes is %q (%v), want that East and EAST are different", s.Targets[0].Note, err)
	}
}

// A target of many classes is not refused because two of them differ only in case, as hod and hOd among the vowels of the table vowel.
func TestManyClassesInTwoCases(t *testing.T) {
	var csv strings.Builder
	csv.WriteString("x,word\n")
	words := []string{"hid", "hId", "hEd", "hAd", "hYd", "had", "hOd", "hod", "hUd", "hud", "hed"}
	for i := range 110 {
		fmt.Fprintf(&csv, "%d.5,%s\n", i*i%31, words[i%len(words)])
	}
	table, err := ReadFrom(strings.NewReader(csv.String()), "t.csv", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Infer(table, SchemaOptions{})
	if err != nil || len(s.Targets[0].Classes) != len(words) {
		t.Fatalf("got %d classes (%v), want %d", len(s.Targets[0].Classes), err, len(words))
	}
	if !strings.Contains(s.Targets[0].Note.String(), "upper and lower case") {
		t.Errorf("the note is %q, want that some classes differ only in case", s.Targets[0].Note)
	}
}
