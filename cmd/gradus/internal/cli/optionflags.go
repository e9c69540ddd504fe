package cli

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/model"
)

// optionFlags are the flags of options, made from the table of options.
type optionFlags struct {
	Made kong.Plugins `embed:""` // one struct, with a field for each option: a texts, a bool, or a *bool that is nil if the flag is not given
	of   []*option.Option
}

// flagsOf makes the flags of some options.
func flagsOf(options ...[]*option.Option) optionFlags {
	all := slices.Concat(options...)
	fields := make([]reflect.StructField, len(all))
	for i, p := range all {
		kind := reflect.TypeFor[texts]()
		tag := fmt.Sprintf("name:%q group:%q help:%q", p.Name, p.Group, p.Help)
		switch placeholder := p.Placeholder; {
		case p.IsBool() && p.Off:
			kind, tag = reflect.TypeFor[bool](), tag+` default:"true" negatable:""`
		case p.Preset:
			kind, tag = reflect.TypeFor[*bool](), tag+` negatable:""`
		case p.IsBool():
			kind = reflect.TypeFor[bool]()
		default:
			if placeholder == "" {
				placeholder = p.Default
			}
			tag += fmt.Sprintf(" placeholder:%q", placeholder)
		}
		fields[i] = reflect.StructField{Name: p.Field, Type: kind, Tag: reflect.StructTag(tag)}
	}
	return optionFlags{Made: kong.Plugins{reflect.New(reflect.StructOf(fields)).Interface()}, of: all}
}

// texts are the values of a flag, one for each time that it is given.
type texts []string

// Decode is called by kong each time the flag is given.
func (t *texts) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("a", &text); err != nil { // "expected a value after the flag"
		return err
	}
	*t = append(*t, text)
	return nil
}

// field returns a pointer to the value that kong has filled in for an option.
func (f *optionFlags) field(p *option.Option) any {
	return reflect.ValueOf(f.Made[0]).Elem().FieldByName(p.Field).Addr().Interface()
}

// find returns the command's option with a name. There must be one.
func (f *optionFlags) find(name string) *option.Option {
	i := slices.IndexFunc(f.of, func(p *option.Option) bool { return p.Name == name })
	if i < 0 {
		panic("cli: the command has no option " + name)
	}
	return f.of[i]
}

// text returns the value that the call gives for an option, or "" if it gives none. If a flag is given
// more than once the last value counts. The values of a list are joined.
func (f *optionFlags) text(name string) string {
	p := f.find(name)
	switch at := f.field(p).(type) {
	case *bool:
		return strconv.FormatBool(*at)
	case **bool:
		if *at != nil {
			return strconv.FormatBool(**at)
		}
	case *texts:
		if p.IsList() {
			return strings.Join(*at, ",")
		}
		if n := len(*at); n > 0 {
			return (*at)[n-1]
		}
	}
	return ""
}

// give sets the value that the call gives for an option.
func (f *optionFlags) give(name, text string) {
	*f.field(f.find(name)).(*texts) = texts{text}
}

// giveAlso gives a flag once more, as a last --flag=text of the call does. The flag is an option's name, or no- and the name of one
// that can be on by default.
func (f *optionFlags) giveAlso(flag, text string) (err error) {
	p, negated := option.Named(flag), false
	if p == nil {
		name, no := strings.CutPrefix(flag, "no-")
		if p = option.Named(name); !no || p == nil || !(p.Off || p.Preset) {
			return fmt.Errorf("there is no flag --%s of an option", flag)
		}
		negated = true
	}
	switch at := f.field(p).(type) {
	case *texts:
		*at = append(slices.Clip(*at), text)
	case *bool:
		if *at, err = truth(text); err != nil {
			return fmt.Errorf("--%s %w", flag, err)
		}
		*at = *at != negated
	case **bool:
		on, err := truth(text)
		if err != nil {
			return fmt.Errorf("--%s %w", flag, err)
		}
		on = on != negated
		*at = &on
	}
	return nil
}

// truth reads what follows the flag of an option that is on or off.
func truth(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "no":
		return false, nil
	}
	return false, fmt.Errorf("%s: give true or false", text)
}

// clone returns a copy whose values can be changed.
func (f *optionFlags) clone() optionFlags {
	of := reflect.ValueOf(f.Made[0]).Elem()
	made := reflect.New(of.Type())
	made.Elem().Set(of)
	return optionFlags{Made: kong.Plugins{made.Interface()}, of: f.of}
}

// options reads the flags. It leaves out validation and test, which may name a file: heldOut reads those.
func (f *optionFlags) options() (model.Options, error) {
	var o model.Options
	for _, p := range f.of {
		text := f.text(p.Name)
		if text == "" {
			text = p.Default
		}
		if p.Part || text == "" {
			continue
		}
		if err := p.Set(&o, text); err != nil {
			return o, usagef("--%s %s: %w", p.Name, text, err)
		}
	}
	return o, asUsage(o.Validate()) // before a table is read
}
