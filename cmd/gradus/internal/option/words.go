package option

import (
	"errors"
	"strings"
	"unicode"

	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/shell"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// Words returns an error's text. An option that is refused, or that is to be tried, has the name that
// called gives to its field.
func Words(err error, called func(field string) string) string {
	var diverged *train.DivergedError
	if errors.As(err, &diverged) {
		return strings.Replace(err.Error(), diverged.Error(), diverged.Text(func(r train.Remedy) string { return remedy(r, called) }), 1)
	}
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

// Finding is a finding of a diagnosis with its remedies as flags.
type Finding struct {
	diagnosis.Finding
	Try string `json:"try"` // flags with values, or what to do
}

// Findings are the findings with their remedies as flags.
func Findings(found []diagnosis.Finding) []Finding {
	out := make([]Finding, len(found))
	for i, f := range found {
		var try []string
		for _, r := range f.Remedies {
			try = append(try, remedy(r, Flag))
		}
		out[i] = Finding{Finding: f, Try: strings.Join(try, ", or ")}
	}
	return out
}

// remedy writes a remedy with the name that called gives to its option's field.
func remedy(r train.Remedy, called func(field string) string) string {
	return r.Text(func(field, value string) string {
		switch p := OfField(field); {
		case field == "Ignore":
			value = shell.Name(value)
		case p != nil && p.Off && value == "false":
			return strings.Replace(called(field), "--no-", "--", 1)
		default:
			value = shell.Word(value)
		}
		return called(field) + " " + value
	})
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
