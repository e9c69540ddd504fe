package option

import (
	"errors"
	"strings"
	"unicode"

	"github.com/gradus-ml/gradus/model"
)

// Words returns an error's text. A refused option has the name that called gives to its field.
func Words(err error, called func(field string) string) string {
	var refused *model.OptionError
	if !errors.As(err, &refused) {
		return err.Error()
	}
	name := called(refused.Option)
	if refused.Value != "" {
		name += " " + refused.Value
	}
	return strings.Replace(err.Error(), refused.Error(), name+": "+refused.Reason, 1)
}

// Flag is the flag for a field of options: of model.Options as the table has it, else the field's name
// in small letters with dashes.
func Flag(field string) string {
	if p := OfField(field); p != nil {
		if p.Off {
			return "--no-" + p.Name
		}
		return "--" + p.Name
	}
	var b strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return "--" + b.String()
}
