package jsonfloat

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"sync"

	"github.com/gradus-ml/gradus/internal/float"
)

// A twin is a copy of a struct type with pointers instead of numbers: nil is null. It has only the
// exported fields, with their names and tags, and no methods.
type twin struct {
	of     reflect.Type
	fields []int // their indices in the original type
}

var twins sync.Map // of the types seen so far

var (
	number  = reflect.TypeFor[float64]()
	pointer = reflect.TypeFor[*float64]()
)

// nullable returns the type with pointers instead of numbers: for float64, and slices and arrays of it, to any depth.
func nullable(t reflect.Type) (reflect.Type, bool) {
	if t == number {
		return pointer, true
	}
	switch t.Kind() {
	case reflect.Slice:
		if elem, ok := nullable(t.Elem()); ok {
			return reflect.SliceOf(elem), true
		}
	case reflect.Array:
		if elem, ok := nullable(t.Elem()); ok {
			return reflect.ArrayOf(t.Len(), elem), true
		}
	}
	return t, false
}

// convert sets to to the value of from. One is a float64, the other a *float64, or they are slices
// or arrays of these.
func convert(to, from reflect.Value) {
	switch {
	case from.Type() == number:
		to.Set(reflect.ValueOf(finite(from.Float())))
	case from.Type() == pointer:
		to.SetFloat(orNaN(from.Interface().(*float64)))
	case from.Kind() == reflect.Slice && from.IsNil():
		to.SetZero()
	default:
		if from.Kind() == reflect.Slice {
			to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		}
		for k := range from.Len() {
			convert(to.Index(k), from.Index(k))
		}
	}
}

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
		f.Type, _ = nullable(f.Type)
		fields = append(fields, reflect.StructField{Name: f.Name, Type: f.Type, Tag: f.Tag})
		w.fields = append(w.fields, i)
	}
	w.of = reflect.StructOf(fields)
	twins.Store(t, w)
	return w
}

// finite returns a pointer to x, or nil if x is not finite.
func finite(x float64) *float64 {
	if !float.Finite(x) {
		return nil
	}
	return &x
}

// Marshal is json.Marshal of a struct, with null for every float64 that is not finite, in a field or in slices
// of float64 to any depth. It does not call the struct's own method MarshalJSON, so that method can call
// Marshal.
func Marshal(v any) ([]byte, error) {
	from := reflect.ValueOf(v)
	w := twinOf(from.Type())
	to := reflect.New(w.of).Elem()
	for j, i := range w.fields {
		if f := from.Field(i); to.Field(j).Type() == f.Type() {
			to.Field(j).Set(f)
		} else {
			convert(to.Field(j), f)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the caller decides that
	err := e.Encode(to.Interface())
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// Unmarshal is json.Unmarshal into a struct. A float64 in a field or in slices of float64 becomes NaN
// if the text has null or nothing for it. It does not call the struct's own method UnmarshalJSON.
func Unmarshal(text []byte, v any) error {
	to := reflect.ValueOf(v).Elem()
	w := twinOf(to.Type())
	from := reflect.New(w.of)
	if err := json.Unmarshal(text, from.Interface()); err != nil {
		return err
	}
	for j, i := range w.fields {
		if f := from.Elem().Field(j); to.Field(i).Type() == f.Type() {
			to.Field(i).Set(f)
		} else {
			convert(to.Field(i), f)
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
