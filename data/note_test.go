package data

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func texts(notes []Note) []string {
	out := make([]string, len(notes))
	for i, n := range notes {
		out[i] = n.String()
	}
	return out
}

func TestNoteNamesOptions(t *testing.T) {
	n := noteOf("the cells are words; say ", typed("a, b", KindCategory), ", or give another ", named("Encoding"))
	if got, want := n.String(), "the cells are words; say Types a, b=category, or give another Encoding"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	flag := func(option, value string) string { return "--" + strings.ToLower(option) + " '" + value + "'" }
	if got, want := n.Text(flag), "the cells are words; say --types 'a, b=category', or give another --encoding ''"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	text, err := json.Marshal(struct {
		Some Note `json:"some"`
		None Note `json:"none,omitempty"`
	}{Some: n})
	if want := `{"some":"the cells are words; say Types a, b=category, or give another Encoding"}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v, want its JSON and no error", text, err)
	}
	var back Note
	if err := json.Unmarshal([]byte(`"a sentence"`), &back); err != nil || back.String() != "a sentence" {
		t.Errorf(`got %v, %v, want no error and back.String() = "a sentence"`, back, err)
	}
}

// An error keeps the options that its sentence names apart from the words. So does the remark about a title above the header.
func TestErrorNamesOptions(t *testing.T) {
	_, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader("A report,,\nx,y,z\n" + strings.Repeat("1,2,a\n", 9) + "1,2\n")})
	reason := rowError(t, err)
	if strings.Contains(reason.Error(), "--") {
		t.Errorf(`got %v, want no "--" in reason.Error()`, reason.Error())
	}
	table, err := Read(Stdin, ReadOptions{Header: "yes", Stdin: strings.NewReader("A report,,\nx,y,\n1,2,\n3,4,\n")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Infer(table, SchemaOptions{Targets: []string{"c2"}})
	var f *failure
	if !errors.As(err, &f) || f.note[len(f.note)-1] != set("SkipRows", "1") {
		t.Errorf(`got %q, want an error of the type of f and f.note[len(f.note)-1] = set("SkipRows", "1")`, err)
	}
}
