package jsonfloat

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"sync"
)

// A twin is a struct type with pointers in the place of another's numbers: nil is null. It has the
// exported fields alone, by their names and tags, and no methods.
type twin struct {
	of     reflect.Type
	fields []int // their indices in the other
}

var twins sync.Map // of the types seen so far

var (
	number  = reflect.TypeFor[float64]()
	pointer = reflect.TypeFor[*float64]()
	numbers = reflect.TypeFor[[]float64]()
)

func twinOf(t reflect.Type) twin {
	if known, ok := twins.Load(t); ok {
		return known.(twin)
	}
	var fields []reflect.StructField
	var w twin
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		switch f.Type {
		case number:
			f.Type = pointer
		case numbers:
			f.Type = reflect.TypeFor[[]*float64]()
		}
		fields = append(fields, reflect.StructField{Name: f.Name, Type: f.Type, Tag: f.Tag})
		w.fields = append(w.fields, i)
	}
	w.of = reflect.StructOf(fields)
	twins.Store(t, w)
	return w
}

// finite returns a pointer to x, or nil where x is not finite.
func finite(x float64) *float64 {
	if x-x != 0 {
		return nil
	}
	return &x
}

// Marshal is json.Marshal of a struct, with null for every float64 field, and element of a
// []float64 field, that is not finite. A method MarshalJSON of the struct is not called, so that
// it can be this.
func Marshal(v any) ([]byte, error) {
	from := reflect.ValueOf(v)
	w := twinOf(from.Type())
	to := reflect.New(w.of).Elem()
	for j, i := range w.fields {
		switch f := from.Field(i); f.Type() {
		case number:
			to.Field(j).Set(reflect.ValueOf(finite(f.Float())))
		case numbers:
			if f.IsNil() {
				continue
			}
			list := make([]*float64, f.Len())
			for k := range list {
				list[k] = finite(f.Index(k).Float())
			}
			to.Field(j).Set(reflect.ValueOf(list))
		default:
			to.Field(j).Set(f)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // which is for whoever asked to decide
	err := e.Encode(to.Interface())
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// Unmarshal is json.Unmarshal into a struct, whose float64 fields, and elements of []float64 fields,
// become NaN where the text has null or nothing. A method UnmarshalJSON of the struct is not called.
func Unmarshal(text []byte, v any) error {
	to := reflect.ValueOf(v).Elem()
	w := twinOf(to.Type())
	from := reflect.New(w.of)
	if err := json.Unmarshal(text, from.Interface()); err != nil {
		return err
	}
	for j, i := range w.fields {
		switch f := from.Elem().Field(j); to.Field(i).Type() {
		case number:
			to.Field(i).SetFloat(orNaN(f.Interface().(*float64)))
		case numbers:
			if f.IsNil() {
				to.Field(i).SetZero()
				continue
			}
			list := make([]float64, f.Len())
			for k := range list {
				list[k] = orNaN(f.Index(k).Interface().(*float64))
			}
			to.Field(i).Set(reflect.ValueOf(list))
		default:
			to.Field(i).Set(f)
		}
	}
	return nil
}

func orNaN(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}
