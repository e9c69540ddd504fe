package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
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
	*n = name(unquoted(text))
	return nil
}

// unquoted is the name that stands in double quotes as among others, or the text itself.
func unquoted(text string) string {
	if strings.HasPrefix(text, `"`) {
		if names, err := data.SplitNames(text); err == nil && len(names) == 1 {
			return names[0]
		}
	}
	return text
}

// pairs are NAME=VALUE with commas between them. The last = of each is the one that counts, so a
// name may have others; quotes are as with names.
type pairs map[string]string

// Decode is called by kong for every time the flag is given.
func (p *pairs) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("pairs", &text); err != nil {
		return err
	}
	items, err := data.SplitNames(text)
	if err != nil {
		return err
	}
	if *p == nil {
		*p = pairs{}
	}
	for _, item := range items {
		at := strings.LastIndexByte(item, '=')
		if at < 0 {
			return fmt.Errorf("%q is no COL=VALUE", item)
		}
		(*p)[item[:at]] = item[at+1:]
	}
	return nil
}
