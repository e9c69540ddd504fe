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
	Name  string // of the flag and of the page's field, which of an Off option names what it takes away
	Group string // the heading in help and on the page

	Help        string // of the flag
	Placeholder string // of the flag's value in help; default: Default
	Default     string // what stands for no value; "" where that depends on others, as Help says

	Choices []string // the words that it takes; nil: something else
	Words   []string // some words that it takes beside others
	Least   int      // of a whole number
	Column  bool     // the value names a column, in double quotes or not, behind time: or not
	Off     bool     // the field is true where the flag is off
	Part    bool     // the value is a part of the rows, or none
	OfRule  bool     // a hyper-parameter of the optimizer

	Fixed  bool   // gradus tune cannot search it
	Search string // what gradus tune searches by default, as its --search has it

	// The page of gradus lab has the options with a label.
	Label string
	Hint  string // a short help
	Shown string // what stands for no value, where there is no Default

	applies func(*model.Options) bool // nil: always
}

// Applies reports whether the option changes anything beside the others.
func (p *Option) Applies(o *model.Options) bool {
	switch {
	case p.OfRule:
		return p.taken(o)
	case p.applies != nil:
		return p.applies(o)
	}
	return true
}

// taken reports whether the optimizer takes the hyper-parameter.
func (p *Option) taken(o *model.Options) bool {
	rule := o.Optimizer
	if rule == "" || rule == "auto" {
		rule = optim.AdamW{}.String()
	}
	var h optim.Hyper
	reflect.ValueOf(&h).Elem().FieldByName(p.Field).Set(reflect.ValueOf(new(0.5))) // each takes it
	_, err := optim.ParseOptimizer(rule, h)
	return err == nil
}

// Named is the option with a name, nil if there is none.
func Named(name string) *Option {
	i := slices.IndexFunc(all, func(p *Option) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return all[i]
}

// OfField is the option for a field of model.Options, nil if there is none.
func OfField(field string) *Option {
	i := slices.IndexFunc(all, func(p *Option) bool { return p.Field == field })
	if i < 0 {
		return nil
	}
	return all[i]
}

// All are the options, in the order of help and of the page.
func All() []*Option { return slices.Clone(all) }

// In are the options of some groups.
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

// Or is the option with another default, which a command has.
func (p *Option) Or(fallback string) *Option {
	other := *p
	other.Default = fallback
	return &other
}
