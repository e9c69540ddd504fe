package export

import (
	"fmt"

	"github.com/gradus-ml/gradus/data"
)

// A refusal is an error about Options or ImportOptions. It wraps ErrOption. Its Text names the options as the caller does.
type refusal struct{ data.Note }

func (r refusal) Error() string { return fmt.Sprintf("%v: %v", ErrOption, r.Note) }
func (r refusal) Unwrap() error { return ErrOption }

// refuse returns an error made of strings and options.
func refuse(parts ...any) error {
	var n data.Note
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			n = append(n, data.Part{Words: p})
		case data.Part:
			n = append(n, p)
		}
	}
	return refusal{n}
}

// option names a field of Options or ImportOptions.
func option(field string) data.Part { return data.Part{Option: field} }
