package plural

import "testing"

func Test(t *testing.T) {
	for n, want := range map[int]string{0: "0 rows", 1: "1 row", 2: "2 rows", 1234567: "1234567 rows"} {
		if got := Of(n, "row"); got != want {
			t.Errorf("Of(%d, row) = %q, want %q", n, got, want)
		}
		if got := Irregular(n, "row", "rows"); got != want {
			t.Errorf("Irregular(%d, row, rows) = %q, want %q", n, got, want)
		}
	}
	if one, two := Noun(1, "column"), Noun(2, "column"); one != "column" || two != "columns" {
		t.Errorf("got %q for 1 and %q for 2, want column and columns", one, two)
	}
}
