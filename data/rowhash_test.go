package data

import (
	"slices"
	"strings"
	"testing"
)

// TestRowHashes: rows have the same hash if their cells say the same, in any table, and however they are written.
func TestRowHashes(t *testing.T) {
	text := "n,word,day,yes,y\n1.0,u,2024-01-02,yes,0.5\n1,u,2024-01-02,yes,0.5\n-0,v,2024-01-03,no,1\n0,v,2024-01-03,no,1\n,v,,no,1\n2,w,2024-01-03,no,2\n2,x,2024-01-03,no,2\n2,x,2024-01-03,no,3\n2,x,2024-01-03,yes,3\n3,x,2024-01-04,yes,3\n"
	table, err := ReadFrom(strings.NewReader(text), "t.csv", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Infer(table, SchemaOptions{Targets: []string{"y"}, Task: Regression, Types: map[string]Kind{"word": KindCategory}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Fit(table, nil, "", true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Bind(table)
	if err != nil {
		t.Fatal(err)
	}
	inputs, all := RowHashes(b, table.all())
	group := func(hashes []uint64) (of []int) {
		for _, h := range hashes {
			of = append(of, slices.Index(hashes, h))
		}
		return of
	}
	if got, want := group(inputs), []int{0, 0, 2, 2, 4, 5, 6, 6, 8, 9}; !slices.Equal(got, want) {
		t.Errorf("the first rows with the same inputs are %v, want %v", got, want)
	}
	if got, want := group(all), []int{0, 0, 2, 2, 4, 5, 6, 7, 8, 9}; !slices.Equal(got, want) {
		t.Errorf("the first rows with the same inputs and target are %v, want %v", got, want)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Reverse(lines[1:])
	other, err := ReadFrom(strings.NewReader(strings.Join(lines, "\n")), "u.csv", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if b, err = e.Bind(other); err != nil {
		t.Fatal(err)
	}
	_, reversed := RowHashes(b, other.all())
	if slices.Reverse(reversed); !slices.Equal(all, reversed) {
		t.Error("the rows of another table have other hashes, want the same")
	}
}
