package data

import (
	"fmt"
	"strings"
)

// A Note is a sentence about a table or a column, or the reason of an error. Where it recommends options, these are
// parts of their own, so that a program can name them as its users know them: with Text.
type Note []Part

// A Part of a note is words, or an option that may be set.
type Part struct {
	Words  string
	Option string // a field of ReadOptions, SchemaOptions or model.Options; "" of words
	Value  string // as a flag for the option takes it; "" where only the option is named
}

// Notef is a note of words alone.
func Notef(format string, args ...any) Note { return Note{{Words: fmt.Sprintf(format, args...)}} }

// String writes the note with options in Go's names: "if it is a title, say SkipRows 1".
func (n Note) String() string {
	return n.Text(func(option, value string) string { return strings.TrimSpace(option + " " + value) })
}

// Text writes the note with options as setting writes them.
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

// MarshalText is String.
func (n Note) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText makes a note of words alone.
func (n *Note) UnmarshalText(text []byte) error {
	*n = Note{{Words: string(text)}}
	return nil
}

// noteOf puts a note together from strings, parts and notes.
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

// set is an option with a value, and named an option alone.
func set(option, value string) Part { return Part{Option: option, Value: value} }
func named(option string) Part      { return Part{Option: option} }

// typed is the type that a column may be given.
func typed(column string, kind Kind) Part { return set("Types", column+"="+string(kind)) }
