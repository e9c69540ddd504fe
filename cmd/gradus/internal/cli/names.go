package cli

import (
	"github.com/alecthomas/kong"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
)

// names are words separated by commas, as data.SplitNames reads them.
type names []string

// Decode is called by kong each time the flag is given.
func (n *names) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("names", &text); err != nil {
		return err
	}
	more, err := data.SplitNames(text)
	*n = append(*n, more...)
	return err
}

// A name is one word, with or without double quotes around it. Without quotes the word is taken as it is.
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
