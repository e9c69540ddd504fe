package data

import (
	"fmt"
	"strings"
)

// A Note is a sentence about a table or a column, or the reason for an error. Options that it recommends are
// separate parts, so that a program can write them the way its users know them, with Text.
type Note []Part

// A Part of a note is either words or an option that can be set.
type Part struct {
	Words  string
	Option string // a field of ReadOptions, SchemaOptions or model.Options; "" for words
	Value  string // in the form that a flag for the option takes; "" if only the option is named
}

// Notef returns a note that has only words.
func Notef(format string, args ...any) Note { return Note{{Words: fmt.Sprintf(format, args...)}} }

// String returns the note with options in Go's names: "if it is a title, say SkipRows 1".
func (n Note) String() string {
	return n.Text(func(option, value string) string { return strings.TrimSpace(option + " " + value) })
}

// Text returns the note with options written by setting.
func (n Note) Text(setting func(option, value string) string) string {
	var b strings.Builder
	for _, p := range n {
		if p.Option != "" {
			b.WriteString(setting(p.Option, p.Value))
		}
		b.WriteString(p.Words)
	}
	return b.String()
}

// MarshalText returns String as bytes.
func (n Note) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText sets the note to a text without options.
func (n *Note) UnmarshalText(text []byte) error {
	*n = Note{{Words: string(text)}}
	return nil
}

// noteOf builds a note from strings, parts and notes.
func noteOf(parts ...any) Note {
	var n Note
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			n = append(n, Part{Words: p})
		case Part:
			n = append(n, p)
		case Note:
			n = append(n, p...)
		}
	}
	return n
}

// set returns an option with a value; named returns an option without one.
func set(option, value string) Part { return Part{Option: option, Value: value} }
func named(option string) Part      { return Part{Option: option} }

// typed returns the option that gives a column its kind.
func typed(column string, kind Kind) Part { return set("Types", column+"="+string(kind)) }
