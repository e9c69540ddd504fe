package option

import (
	"reflect"
	"slices"

	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/optim"
)

// Option is one field of model.Options.
type Option struct {
	Field string // of model.Options
	Name  string // of the flag and of the page's field; the name of an Off option says what the option turns off
	Group string // the heading in help and on the page

	Help        string // of the flag
	Placeholder string // of the flag's value in help; default: Default
	Default     string // the text for no value; "" if it depends on other options, as Help says

	Choices []string // the only words it accepts; nil: it accepts other values
	Words   []string // words it accepts among other values
	Least   int      // the minimum, for a whole number
	Column  bool     // the value names a column, with or without double quotes, with or without time: before it
	Off     bool     // the field is true when the flag is off
	Preset  bool     // whether it is on or off follows from --preset, unless the flag says it
	Part    bool     // the value is a fraction of the rows, or none
	OfRule  bool     // a hyper-parameter of the optimizer

	Fixed  bool   // gradus tune cannot search it
	Search string // what gradus tune searches by default, in the syntax of its --search

	// The page of gradus lab shows the options that have a label.
	Label string
	Hint  string // a short help
	Shown string // the text for no value, if there is no Default

	applies func(*model.Options) bool // nil: always
}

// Applies reports whether the option has any effect, given the other options in o.
func (p *Option) Applies(o *model.Options) bool {
	switch {
	case p.OfRule:
		return p.taken(o)
	case p.applies != nil:
		return p.applies(o)
	}
	return true
}

// Whole reports whether the option's values are whole numbers, or lists of them.
func (p *Option) Whole() bool {
	f, ok := reflect.TypeFor[model.Options]().FieldByName(p.Field)
	if !ok {
		return false
	}
	of := f.Type
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	return of.Kind() == reflect.Int || of.Kind() == reflect.Uint64
}

// taken reports whether the optimizer uses the hyper-parameter.
func (p *Option) taken(o *model.Options) bool {
	rule := o.Optimizer
	if rule == "" || rule == "auto" {
		rule = optim.AdamW{}.String()
	}
	var h optim.Hyper
	reflect.ValueOf(&h).Elem().FieldByName(p.Field).Set(reflect.ValueOf(new(0.5))) // every optimizer that uses it accepts 0.5
	_, err := optim.ParseOptimizer(rule, h)
	return err == nil
}

// Named returns the option with a name, or nil if there is none.
func Named(name string) *Option {
	i := slices.IndexFunc(all, func(p *Option) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return all[i]
}

// OfField returns the option for a field of model.Options, or nil if there is none.
func OfField(field string) *Option {
	i := slices.IndexFunc(all, func(p *Option) bool { return p.Field == field })
	if i < 0 {
		return nil
	}
	return all[i]
}

// All returns the options, in the order of help and of the page.
func All() []*Option { return slices.Clone(all) }

// In returns the options of some groups.
func In(groups ...string) []*Option {
	return slices.DeleteFunc(All(), func(p *Option) bool { return !slices.Contains(groups, p.Group) })
}

// Pick returns the options with these names. There must be one for each.
func Pick(names ...string) []*Option {
	out := make([]*Option, len(names))
	for i, name := range names {
		if out[i] = Named(name); out[i] == nil {
			panic("option: there is no option " + name)
		}
	}
	return out
}

// Or returns a copy of the option with a command's own default.
func (p *Option) Or(fallback string) *Option {
	other := *p
	other.Default = fallback
	return &other
}
