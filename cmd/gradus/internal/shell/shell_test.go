package shell

import "testing"

func TestWordsAndNames(t *testing.T) {
	for s, want := range map[string][2]string{
		"age":        {"age", "age"},
		"Unnamed: 0": {"'Unnamed: 0'", "'Unnamed: 0'"},
		"a, b":       {"'a, b'", `'"a, b"'`},
		"a,b":        {"a,b", `'"a,b"'`},
		`5"`:         {`'5"'`, `'"5"""'`},
		"it's":       {`'it'\''s'`, `'it'\''s'`},
		"身長=number":  {"身長=number", "身長=number"},
		"":           {"''", "''"},
	} {
		if got := [2]string{Word(s), Name(s)}; got != want {
			t.Errorf("%q is written %q, want %q", s, got, want)
		}
	}
}
