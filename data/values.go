package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// valueRefused returns the error about a Go value that no cell can hold.
func valueRefused(table string, row int, column string, err error) error {
	return &RowError{Table: table, Row: row, Column: column, Reason: Notef("%v", err), Err: ErrOption, noCell: true}
}

// slice appends the elements of a slice. table is the table's name for errors.
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

// value appends a Go value; a nil pointer or interface is missing.
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
	switch v := v.Interface().(type) {
	case time.Time:
		s.Time(v)
		return nil
	case Value:
		s.take(v)
		return nil
	case json.Number:
		if _, err := v.Float64(); err != nil && !errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("the json.Number %q is not a number", v.String())
		}
		s.Number(v.String())
		return nil
	case time.Duration:
		return fmt.Errorf("a %T cannot be the value of a cell: give it as a number in the column's unit", v)
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
		return fmt.Errorf("a %s cannot be the value of a cell: a cell takes numbers, strings, booleans and times", v.Type())
	}
	return nil
}

// take appends a Value.
func (s *Series) take(v Value) {
	switch v.kind {
	case valueNumber:
		s.Float(v.x)
	case valueText:
		s.Text(v.s)
	case valueBool:
		s.Bool(v.x == 1)
	case valueTime:
		s.Seconds(int64(v.x))
	default:
		s.Null()
	}
}

// Value appends a Go value: a number, json.Number, string, boolean, time or Value, or a pointer to one. nil is
// missing.
func (s *Series) Value(v any) error {
	if v == nil {
		s.Null()
		return nil
	}
	return s.value(reflect.ValueOf(v))
}

// FromRecords makes a table of structs, one row each. Each exported field is a column. Its name is that of
// the field, or the one in the tag gradus. The tag "-" leaves a field out.
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
				return nil, &RowError{Table: name, Row: n, Reason: Notef("the record is nil"), Err: ErrOption}
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

// FromMaps makes a table of maps, one row each, as encoding/json reads objects. The columns are the keys of all rows,
// sorted by name. A cell is missing if its row lacks the key or the value is nil. json.Number is a number.
func FromMaps(name string, rows []map[string]any) (*Table, error) {
	of := map[string]*Series{}
	for _, row := range rows {
		for key := range row {
			if of[key] == nil {
				of[key] = NewSeries(key)
			}
		}
	}
	var columns []*Series
	for _, key := range slices.Sorted(maps.Keys(of)) {
		s := of[key]
		for n, row := range rows {
			if err := s.Value(row[key]); err != nil {
				return nil, valueRefused(name, n, key, err)
			}
		}
		columns = append(columns, s)
	}
	return TableOf(name, columns...)
}
