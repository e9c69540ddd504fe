package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
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

// plain returns the value that a Go value is or points to, as nil, float64, float32, int64, uint64, bool, string, time.Time, json.Number or
// Value.
func plain(v reflect.Value) (any, error) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem() // of nil: not valid
	}
	if !v.IsValid() {
		return nil, nil
	}
	switch x := v.Interface().(type) {
	case time.Time, Value:
		return x, nil
	case json.Number:
		if _, err := x.Float64(); err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, fmt.Errorf("the json.Number %q is not a number", x.String())
		}
		return x, nil
	case time.Duration: // its unit is unknown
		return nil, fmt.Errorf("a %T cannot be the value of a cell: give it as a number in the column's unit", x)
	}
	switch {
	case v.Kind() == reflect.Float32:
		return float32(v.Float()), nil
	case v.CanFloat():
		return v.Float(), nil
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint():
		return v.Uint(), nil
	case v.Kind() == reflect.Bool:
		return v.Bool(), nil
	case v.Kind() == reflect.String:
		return v.String(), nil
	}
	return nil, fmt.Errorf("a %s cannot be the value of a cell: give a number, string, bool, time.Time or nil", v.Type())
}

// value appends a Go value; a nil pointer or interface is missing.
func (s *Series) value(v reflect.Value) error {
	x, err := plain(v)
	if err != nil {
		return err
	}
	switch x := x.(type) {
	case nil:
		s.Null()
	case float64:
		s.Float(x)
	case float32:
		s.Float32(x)
	case int64:
		s.Int(x)
	case uint64:
		s.Uint(x)
	case bool:
		s.Bool(x)
	case string:
		s.Text(x)
	case time.Time:
		s.Time(x)
	case json.Number:
		s.Number(x.String())
	case Value:
		s.take(x)
	}
	return nil
}

// ValueOf converts any Go value that a cell can hold: numbers of any Go type, strings as they would
// be in a file, booleans, time.Time, json.Number, Value, a pointer to one of these, or nil for a missing one.
func ValueOf(v any) (Value, error) {
	x, err := plain(reflect.ValueOf(v))
	if err != nil {
		return Value{}, err
	}
	switch x := x.(type) {
	case float64:
		return Number(x), nil
	case float32: // its shortest decimal, as Series.Float32
		y, _ := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
		return Number(y), nil
	case int64:
		return wholeValue(float64(x), strconv.FormatInt(x, 10)), nil
	case uint64:
		return wholeValue(float64(x), strconv.FormatUint(x, 10)), nil
	case bool:
		return Bool(x), nil
	case string:
		return Text(x), nil
	case time.Time:
		return Time(x), nil
	case json.Number:
		y, err := x.Float64()
		switch {
		case err != nil: // out of range: refused by the column, or the name of a level
			return Text(x.String()), nil
		case !strings.ContainsAny(x.String(), ".eE"):
			return wholeValue(y, x.String()), nil
		}
		return Number(y), nil
	case Value:
		return x, nil
	}
	return Missing(), nil
}

// wholeValue returns an integer as a value. One that a float64 may not hold exactly is kept as text,
// since it may be the name of a level.
func wholeValue(x float64, text string) Value {
	if math.Abs(x) >= 1e15 {
		return Text(text)
	}
	return Number(x)
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
func (s *Series) Value(v any) error { return s.value(reflect.ValueOf(v)) }

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
