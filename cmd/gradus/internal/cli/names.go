package cli

import (
	"github.com/alecthomas/kong"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
)

// names are words with commas between them, as data.SplitNames takes them.
type names []string

// Decode is called by kong for every time the flag is given.
func (n *names) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("names", &text); err != nil {
		return err
	}
	more, err := data.SplitNames(text)
	*n = append(*n, more...)
	return err
}

// A name is one word, in double quotes or not: as it stands where it has no quotes around it.
type name string

// Decode is called by kong for the flag.
func (n *name) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("name", &text); err != nil {
		return err
	}
	*n = name(option.Unquoted(text))
	return nil
}
