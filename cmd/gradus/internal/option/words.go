package option

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/shell"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// Words returns an error's text. It names an option that is refused or suggested by what called returns
// for the option's field.
func Words(err error, called func(field string) string) string {
	var diverged *train.DivergedError
	if errors.As(err, &diverged) {
		return strings.Replace(err.Error(), diverged.Error(), diverged.Text(func(r train.Remedy) string { return r.Text(setting(called)) }), 1)
	}
	text := err.Error()
	var of interface { // an error of package data
		error
		Text(setting func(option, value string) string) string
	}
	if errors.As(err, &of) {
		text = strings.Replace(text, of.Error(), of.Text(setting(called)), 1)
	}
	var refused *model.OptionError
	if !errors.As(err, &refused) {
		return text
	}
	name := called(refused.Option)
	if refused.Value != "" {
		name += " " + refused.Value
	}
	return strings.Replace(text, refused.Error(), name+": "+refused.Reason, 1)
}

// Note returns a note's text with options as flags.
func Note(n data.Note) string { return n.Text(setting(Flag)) }

// Notes returns the texts of notes with options as flags.
func Notes(notes []data.Note) []string {
	out := make([]string, len(notes))
	for i, n := range notes {
		out[i] = Note(n)
	}
	return out
}

// Finding is a finding of a diagnosis with its remedies as flags.
type Finding struct {
	diagnosis.Finding
	Try string `json:"try"` // flags with values, or advice
}

// Findings returns the findings with their remedies as flags.
func Findings(found []diagnosis.Finding) []Finding {
	out := make([]Finding, len(found))
	for i, f := range found {
		var try []string
		for _, r := range f.Remedies {
			try = append(try, r.Text(setting(Flag)))
		}
		out[i] = Finding{Finding: f, Try: strings.Join(try, ", or ")}
	}
	return out
}

// setting returns a function that writes an option and its value as they are typed in a shell. It names the
// option by what called returns for its field.
func setting(called func(field string) string) func(field, value string) string {
	return func(field, value string) string {
		name := called(field)
		switch p := OfField(field); {
		case value == "" || p == nil && value == "true":
			return name
		case p != nil && p.IsList(): // the value is one item of the list
			value = shell.Name(value)
		case p != nil && p.Off && value == "false":
			return strings.Replace(name, "--no-", "--", 1)
		default:
			value = shell.Word(value)
		}
		return name + " " + value
	}
}

// Flag returns the flag for a field of options. For a field of model.Options it is the table's; otherwise
// it is the field's name in lower case with dashes.
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

// Describe describes the descent in words: the method, the optimizer, the rate, the loss, and what else changes gradients or
// weights. The options are those that a run has resolved.
func Describe(o *model.Options) string {
	s := o.Method
	if s == string(train.MiniBatch) {
		s += fmt.Sprintf(" of %d", o.BatchSize)
	}
	var hyper, more []string
	for _, p := range all {
		text, given := p.Given(o)
		switch {
		case !given:
		case p.OfRule || p.Field == "WeightDecay":
			hyper = append(hyper, p.Name+" "+text)
		case p.Group == Regularization && !strings.HasSuffix(p.Field, "Dropout") || p.Field == "LabelSmoothing": // dropout is the network's
			more = append(more, p.Name+" "+text)
		}
	}
	rule := o.Optimizer
	if len(hyper) > 0 {
		rule += " (" + strings.Join(hyper, ", ") + ")"
	}
	schedule := o.Schedule
	switch {
	case o.Warmup == 1:
		schedule += " after a warm-up of 1 epoch"
	case o.Warmup > 1:
		schedule += fmt.Sprintf(" after a warm-up of %d epochs", o.Warmup)
	}
	rate := fmt.Sprintf("rate %g %s", *o.LearningRate, schedule)
	if slices.Contains(optim.Solvers(), o.Optimizer) {
		rate = "rates by line search"
	}
	s = fmt.Sprintf("%s, %s, %s, loss %s (%s)", s, rule, rate, o.Loss, o.Reduction)
	return strings.Join(append([]string{s}, more...), ", ")
}
