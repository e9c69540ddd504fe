package option

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// A flag, a field of the page and a draw of gradus tune all hold an option as text.

// at returns a pointer to the option's field.
func (p *Option) at(o *model.Options) any {
	return reflect.ValueOf(o).Elem().FieldByName(p.Field).Addr().Interface()
}

// IsBool reports whether the option is on or off.
func (p *Option) IsBool() bool {
	_, is := p.at(&model.Options{}).(*bool)
	return is
}

// IsList reports whether the option holds several values, separated by commas.
func (p *Option) IsList() bool {
	switch p.at(&model.Options{}).(type) {
	case *[]string, *map[string]string, *map[string]data.Kind:
		return true
	}
	return false
}

// Text returns the option's value in the form that Set reads. With no value it returns the default.
func (p *Option) Text(o *model.Options) string {
	text := ""
	switch at := p.at(o).(type) {
	case *string:
		text = *at
	case *data.Task:
		text = string(*at)
	case *data.Scaling:
		text = string(*at)
	case *bool:
		if *at != p.Off {
			return "on"
		}
		return "off"
	case *int:
		if *at != 0 {
			text = strconv.Itoa(*at)
		}
	case **int:
		if *at != nil {
			text = strconv.Itoa(**at)
		}
	case *uint64:
		return strconv.FormatUint(*at, 10)
	case *float64:
		if *at != 0 {
			text = exact(*at)
		}
	case **float64:
		if *at != nil && p.Part && **at == 0 {
			text = "none"
		} else if *at != nil {
			text = exact(**at)
		}
	case *time.Duration:
		if *at != 0 {
			text = at.String()
		}
	case *[]int:
		text = units(*at)
	case *[]string:
		text = data.JoinNames(*at)
	case *map[string]string:
		text = pairs(*at)
	case *map[string]data.Kind:
		text = pairs(*at)
	}
	if text == "" {
		text = p.none()
	}
	return text
}

// none returns the text for no value.
func (p *Option) none() string {
	if p.Default != "" {
		return p.Default
	}
	return p.Shown
}

// Given returns the option's text, and whether it differs from the text for no value.
func (p *Option) Given(o *model.Options) (text string, given bool) {
	text = p.Text(o)
	if p.IsBool() {
		return text, (text == "on") != p.Off
	}
	return text, text != p.none()
}

// Set reads a text; "" means no value. An error says what to give.
func (p *Option) Set(o *model.Options, text string) (err error) {
	switch at := p.at(o).(type) {
	case *string:
		if *at = text; p.Column {
			kind, column, timed := strings.Cut(text, ":")
			if timed && kind == "time" {
				*at = kind + ":" + Unquoted(column)
			} else {
				*at = Unquoted(text)
			}
		}
	case *data.Task:
		if *at = ""; text != "" {
			*at, err = data.ParseTask(text)
		}
	case *data.Scaling:
		if *at = ""; text != "" {
			*at, err = data.ParseScaling(text)
		}
	case *bool:
		switch text {
		case "on", "true":
			*at = !p.Off
		case "off", "false", "":
			*at = p.Off
		default:
			err = errors.New("give on or off")
		}
	case *int:
		if *at = 0; text != "" {
			*at, err = p.whole(text)
		}
	case **int:
		if *at = nil; text != "" {
			var n int // model.Options.Validate checks its range
			if n, err = strconv.Atoi(text); err != nil {
				err = errors.New("give a whole number")
			}
			*at = &n
		}
	case *uint64:
		if *at, err = strconv.ParseUint(text, 10, 64); err != nil {
			err = errors.New("give a whole number of at least 0")
		}
	case *float64:
		if *at = 0; text != "" {
			*at, err = finite(text)
		}
	case **float64:
		if *at = nil; text != "" {
			var x float64 // model.Options.Validate checks its range
			x, err = p.number(text)
			*at = &x
		}
	case *time.Duration:
		if *at = 0; text != "" {
			if *at, err = time.ParseDuration(text); err != nil || *at <= 0 {
				err = errors.New("give a duration greater than 0, such as 30s or 5m")
			}
		}
	case *[]int:
		if *at = nil; text != "" {
			*at, err = model.ParseHidden(text)
		}
	case *[]string:
		if *at = nil; text != "" {
			*at, err = data.SplitNames(text)
		}
	case *map[string]string:
		*at, err = split(text, func(s string) (string, error) { return s, nil })
	case *map[string]data.Kind:
		*at, err = split(text, data.ParseKind)
	default:
		panic(fmt.Sprintf("option: the field %s is a %T, which has no text", p.Field, at))
	}
	return err
}

// Unquoted returns the name in a text that is in double quotes, as in a list of names; otherwise it returns the text itself.
func Unquoted(text string) string {
	if strings.HasPrefix(text, `"`) {
		if names, err := data.SplitNames(text); err == nil && len(names) == 1 {
			return names[0]
		}
	}
	return text
}

func (p *Option) whole(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < p.Least {
		return 0, fmt.Errorf("give a whole number of at least %d", p.Least)
	}
	return n, nil
}

func (p *Option) number(text string) (float64, error) {
	if p.Part && text == "none" {
		return 0, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errors.New("give a finite number")
	}
	return x, nil
}

func finite(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, errors.New("give a finite number")
	}
	return x, nil
}

// pairs writes NAME=VALUE,...
func pairs[V ~string](m map[string]V) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+string(m[k]))
	}
	return data.JoinNames(out)
}

// split reads what pairs writes. It splits each pair at its last =, so a name may contain =.
func split[V any](text string, parse func(string) (V, error)) (map[string]V, error) {
	if text == "" {
		return nil, nil
	}
	items, err := data.SplitNames(text)
	if err != nil {
		return nil, err
	}
	out := map[string]V{}
	for _, item := range items {
		at := strings.LastIndexByte(item, '=')
		if at < 0 {
			return nil, fmt.Errorf("%q is not COL=VALUE", item)
		}
		if out[item[:at]], err = parse(item[at+1:]); err != nil {
			return nil, fmt.Errorf("column %q: %w", item[:at], err)
		}
	}
	return out, nil
}

// units writes the number of units of each layer; without layers it writes 0.
func units(layers []int) string {
	if layers != nil && len(layers) == 0 {
		return "0"
	}
	parts := make([]string, len(layers))
	for i, n := range layers {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ",")
}

// Code returns the option's value as Go code, or "" if the field has its zero value.
func (p *Option) Code(o *model.Options) string {
	v := reflect.ValueOf(p.at(o)).Elem()
	if v.Kind() == reflect.Slice && v.IsNil() || v.Kind() != reflect.Slice && v.IsZero() && v.Kind() != reflect.Uint64 || v.Kind() == reflect.Map && v.Len() == 0 {
		return ""
	}
	switch at := v.Interface().(type) {
	case *float64:
		return "new(" + goFloat(*at) + ")"
	case *int:
		return fmt.Sprintf("new(%d)", *at)
	case float64:
		return exact(at)
	case time.Duration:
		return fmt.Sprintf("%d", at)
	case map[string]data.Kind:
		return "map[string]data.Kind" + quotedPairs(at)
	case map[string]string:
		return "map[string]string" + quotedPairs(at)
	}
	if v.Kind() == reflect.String {
		return strconv.Quote(v.String())
	}
	if v.Kind() == reflect.Uint64 {
		return strconv.FormatUint(v.Uint(), 10)
	}
	return fmt.Sprintf("%#v", v.Interface())
}

// quotedPairs writes a map as gofmt does, sorted by key.
func quotedPairs[V ~string](m map[string]V) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, strconv.Quote(k)+": "+strconv.Quote(string(m[k])))
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// goFloat writes a number so that Go reads it as a float64.
func goFloat(x float64) string {
	s := exact(x)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// exact writes a number with the fewest digits that read back as the same float64.
func exact(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
