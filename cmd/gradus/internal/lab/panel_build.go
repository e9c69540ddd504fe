package lab

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
)

// The panel Build: the form with its values, and the examples to start from.

// Example returns the example that is loaded, or nil for the visitor's own table.
func (p panelData) Example() *Example { return ExampleOf(p.Setup.Example) }

// ExampleGroups returns the examples grouped under their headings.
func (p panelData) ExampleGroups() []exampleGroup {
	var out []exampleGroup
	for _, e := range examples {
		if n := len(out); n == 0 || out[n-1].Name != e.Group {
			out = append(out, exampleGroup{Name: e.Group})
		}
		g := &out[len(out)-1]
		g.Examples = append(g.Examples, e)
	}
	return out
}

type exampleGroup struct {
	Name     string
	Examples []*Example
}

// FormGroups returns the form's fields with their values.
func (p panelData) FormGroups() []formGroup {
	values := p.Setup.Values()
	var out []formGroup
	for _, f := range fields {
		if f.Group == option.Data || f.Group == option.Rows { // the data panel shows these
			continue
		}
		if !f.Applies(&p.Setup.Options) {
			continue
		}
		g := formField{Option: f, Value: values[f.Name], Choices: choices(f)}
		if g.Value == "" || g.Value == "auto" {
			g.Used = p.used(f)
		}
		if g.Choices != nil && !slices.Contains(g.Choices, g.Value) {
			g.Choices = append(g.Choices, g.Value)
		}
		if n := len(out); n == 0 || out[n-1].Name != f.Group {
			out = append(out, formGroup{Name: f.Group})
		}
		last := &out[len(out)-1]
		last.Fields = append(last.Fields, g)
	}
	return out
}

// used returns the value that the run uses for an option, or "" if it uses none.
func (p panelData) used(f *option.Option) string {
	if text, given := f.Given(&p.Fit.Options); given {
		return text
	}
	return ruleUses(p.Fit.Config().Optimizer, f)
}

type formGroup struct {
	Name   string
	Fields []formField
}

type formField struct {
	*option.Option
	Value   string
	Used    string   // the value that an empty or automatic value stands for
	Choices []string // the possible values of a field with one value; nil: free text
}

// choices returns the possible values of a field that holds one word.
func choices(f *option.Option) []string {
	if f.IsList() {
		return nil
	}
	return slices.Clone(f.Choices)
}

// FieldOf returns one field of the form.
func (p panelData) FieldOf(name string) formField {
	f := fieldOf(name)
	if f == nil {
		return formField{}
	}
	_, empty, _ := strings.Cut(f.Hint, "empty: ")
	used := cmp.Or(p.used(f), empty)
	if f.Field == "Task" {
		used = string(p.Fit.Schema.Task)
	}
	return formField{Option: f, Value: f.Text(&p.Setup.Options), Used: used, Choices: choices(f)}
}
