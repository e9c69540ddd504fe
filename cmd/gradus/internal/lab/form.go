package lab

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/optim"
)

// fields are the fields of the form in its order: the options that have a label.
var fields = slices.DeleteFunc(option.All(), func(p *option.Option) bool { return p.Label == "" })

// fieldOf returns the field of that name, or nil if there is none.
func fieldOf(name string) *option.Option {
	if p := option.Named(name); p != nil && p.Label != "" {
		return p
	}
	return nil
}

// words returns an error's text for the page. It names options by their labels and leaves out the sentinel.
func words(err error) string {
	label := func(field string) string {
		if p := option.OfField(field); p != nil && p.Label != "" {
			return p.Label
		}
		return option.Flag(field)
	}
	return strings.TrimPrefix(option.Words(err, label), ErrSetup.Error()+": ")
}

// ruleUses returns the value of a hyper-parameter if none is given: the rule's field of that
// name. It returns "" if there is none.
func ruleUses(r optim.Optimizer, f *option.Option) string {
	if !f.OfRule || r == nil {
		return ""
	}
	v := reflect.Indirect(reflect.ValueOf(r)).FieldByName(f.Field)
	if !v.IsValid() || !v.CanFloat() {
		return ""
	}
	return exact(v.Float())
}

// Values returns the setup as the form shows it, with a text for each field.
func (s Setup) Values() map[string]string {
	out := map[string]string{}
	for _, f := range fields {
		out[f.Name] = f.Text(&s.Options)
	}
	return out
}

// With returns the setup with the given fields of the form changed, and the network that is shown. It drops
// hyper-parameters of the former optimizer that a new optimizer does not have.
func (s Setup) With(values map[string]string) (Setup, error) {
	o, before := s.Options, s.Options.Members
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := strings.TrimSpace(values[name])
		if f := fieldOf(name); f != nil {
			if err := setField(&o, f, v); err != nil {
				return s, fmt.Errorf("%w: %s is %q; %w", ErrSetup, f.Label, v, err)
			}
			continue
		}
		if name == "member" {
			var err error
			if s.Member, err = strconv.Atoi(v); err != nil {
				return s, fmt.Errorf("%w: the network is %q; give its number, counted from 0", ErrSetup, v)
			}
			continue
		}
		column, ok := strings.CutPrefix(name, "type:")
		if !ok {
			return s, fmt.Errorf("%w: there is no field %q", ErrSetup, name)
		}
		types := maps.Clone(o.Types)
		if v == "" || v == "auto" {
			delete(types, column)
		} else {
			kind, err := data.ParseKind(v)
			if err != nil {
				return s, fmt.Errorf("%w: column %q: %w", ErrSetup, column, err)
			}
			if types == nil {
				types = map[string]data.Kind{}
			}
			types[column] = kind
		}
		o.Types = types
	}
	for _, f := range fields {
		if _, given := values[f.Name]; f.OfRule && !given && !f.Applies(&o) {
			f.Set(&o, "")
		}
	}
	if _, given := values["member"]; o.Members != before && !given {
		s.Member = 0
	}
	s.Options = o
	return s, nil
}

// setField reads what a visitor wrote into a field. In a list there may be blanks around the commas.
func setField(o *model.Options, f *option.Option, text string) error {
	if f.IsList() && text != "" {
		names, err := data.SplitNames(text)
		if err != nil {
			return err
		}
		for i := range names {
			names[i] = strings.TrimSpace(names[i])
		}
		text = data.JoinNames(names)
	}
	return f.Set(o, text)
}
