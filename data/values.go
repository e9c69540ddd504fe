package data

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// valueRefused is the error about a value of Go that no cell can hold.
func valueRefused(table string, row int, column string, err error) error {
	return &RowError{Table: table, Row: row, Column: column, Reason: err.Error(), Err: ErrOption, noCell: true}
}

// slice appends the elements of a slice, for a table of that name.
func (s *Series) slice(table string, values any) error {
	v := reflect.ValueOf(values)
	if v.Kind() != reflect.Slice {
		return fail(ErrOption, "%s: column %s: a %T is not a slice", table, quote(s.name), values)
	}
	for i := range v.Len() {
		if err := s.value(v.Index(i)); err != nil {
			return valueRefused(table, i, s.name, err)
		}
	}
	return nil
}

// value appends a value of Go; a nil pointer or interface is missing.
func (s *Series) value(v reflect.Value) error {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			s.Null()
			return nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		s.Null()
		return nil
	}
	if t, ok := v.Interface().(time.Time); ok {
		s.Time(t)
		return nil
	}
	switch v.Kind() {
	case reflect.Float64:
		s.Float(v.Float())
	case reflect.Float32:
		s.Float32(float32(v.Float()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.Int(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.Uint(v.Uint())
	case reflect.Bool:
		s.Bool(v.Bool())
	case reflect.String:
		s.Text(v.String())
	default:
		return fmt.Errorf("a %s is no value of a cell: it takes numbers, strings, booleans and times", v.Type())
	}
	return nil
}

// Value appends a value of Go: a number, string, boolean or time, a pointer to one, or nil, which is
// missing.
func (s *Series) Value(v any) error {
	if v == nil {
		s.Null()
		return nil
	}
	return s.value(reflect.ValueOf(v))
}

// FromRecords makes a table of structs, a row each. A column is an exported field; its name is that of the
// field, or what the tag gradus says; the tag "-" leaves a field out.
//
//	type Person struct {
//		Height float64 `gradus:"height"`
//		Born   time.Time
//		Smokes *bool // nil is missing
//	}
//	t, err := data.FromRecords("people", people)
func FromRecords[T any](name string, records []T) (*Table, error) {
	of := reflect.TypeFor[T]()
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return nil, fail(ErrOption, "%s: a record is a %s: it takes a struct", name, of)
	}
	var columns []*Series
	var fields []int
	for i := range of.NumField() {
		f := of.Field(i)
		column, tagged := f.Tag.Lookup("gradus")
		if !f.IsExported() || column == "-" {
			continue
		}
		if !tagged {
			column = f.Name
		}
		columns, fields = append(columns, NewSeries(strings.TrimSpace(column))), append(fields, i)
	}
	for n := range records {
		v := reflect.ValueOf(&records[n]).Elem()
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return nil, &RowError{Table: name, Row: n, Reason: "the record is nil", Err: ErrOption}
			}
			v = v.Elem()
		}
		for i, field := range fields {
			if err := columns[i].value(v.Field(field)); err != nil {
				return nil, valueRefused(name, n, columns[i].name, err)
			}
		}
	}
	return TableOf(name, columns...)
}
