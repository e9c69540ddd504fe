package model

import (
	"context"
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

// ValueOf takes any Go value that can stand in a cell: numbers of any Go type, strings as they would
// stand in a file, booleans, time.Time, json.Number, data.Value, or nil for a missing one.
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
	case time.Duration: // a number of which unit?
		return data.Value{}, fmt.Errorf("a %T cannot stand in a cell; give the number that it is in the column's unit", v)
	}
	switch r := reflect.ValueOf(v); {
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
	return data.Value{}, fmt.Errorf("a %T cannot stand in a cell; give a number, string, bool, time.Time or nil", v)
}

// whole is a whole number; one that a float64 may not hold stays as it is written, since it may be
// the name of a level.
func whole(x float64, text string) data.Value {
	if math.Abs(x) >= 1e15 {
		return data.Text(text)
	}
	return data.Number(x)
}

// jsonNumber is a number as JSON writes it.
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

// ended is the error of work that its context ended: ctx's own, and its cause.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// quoteList writes up to eight names, quoted, and how many more there are.
func quoteList(names []string) string {
	const most = 8
	q := make([]string, 0, most)
	for i, n := range names {
		if i == most {
			return strings.Join(q, ", ") + fmt.Sprintf(" and %d more", len(names)-most)
		}
		q = append(q, strconv.Quote(n))
	}
	return strings.Join(q, ", ")
}
