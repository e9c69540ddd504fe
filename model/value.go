package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/data"
)

// ValueOf converts any Go value that a cell can hold: numbers of any Go type, strings as they would
// be in a file, booleans, time.Time, json.Number, data.Value, a pointer to one of these, or nil for a missing one.
func ValueOf(v any) (data.Value, error) {
	switch v := v.(type) {
	case nil:
		return data.Missing(), nil
	case data.Value:
		return v, nil
	case json.Number:
		return jsonNumber(v)
	case time.Time:
		return data.Time(v), nil
	case time.Duration: // its unit is unknown
		return data.Value{}, fmt.Errorf("a %T cannot be the value of a cell; give it as a number in the column's unit", v)
	}
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Pointer {
		if r.IsNil() {
			return data.Missing(), nil
		}
		return ValueOf(r.Elem().Interface())
	}
	switch {
	case r.Kind() == reflect.String:
		return data.Text(r.String()), nil
	case r.Kind() == reflect.Bool:
		return data.Bool(r.Bool()), nil
	case r.CanFloat():
		return data.Number(r.Float()), nil
	case r.CanInt():
		return whole(float64(r.Int()), strconv.FormatInt(r.Int(), 10)), nil
	case r.CanUint():
		return whole(float64(r.Uint()), strconv.FormatUint(r.Uint(), 10)), nil
	}
	return data.Value{}, fmt.Errorf("a %T cannot be the value of a cell; give a number, string, bool, time.Time or nil", v)
}

// whole returns an integer as a value. One that a float64 may not hold exactly is kept as text,
// since it may be the name of a level.
func whole(x float64, text string) data.Value {
	if math.Abs(x) >= 1e15 {
		return data.Text(text)
	}
	return data.Number(x)
}

// jsonNumber returns a JSON number as a value.
func jsonNumber(n json.Number) (data.Value, error) {
	x, err := n.Float64()
	switch {
	case errors.Is(err, strconv.ErrRange): // refused by the column, or the name of a level
		return data.Text(n.String()), nil
	case err != nil:
		return data.Value{}, fmt.Errorf("the json.Number %q is not a number", n.String())
	case !strings.ContainsAny(n.String(), ".eE"):
		return whole(x, n.String()), nil
	}
	return data.Number(x), nil
}
