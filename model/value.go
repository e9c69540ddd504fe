package model

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/data"
)

// valueOf takes any Go value that can stand in a cell.
func valueOf(v any) (data.Value, error) {
	switch v := v.(type) {
	case nil:
		return data.Missing(), nil
	case data.Value:
		return v, nil
	case string:
		return data.Text(v), nil
	case json.Number:
		return data.Text(v.String()), nil
	case bool:
		return data.Bool(v), nil
	case time.Time:
		return data.Time(v), nil
	case float64:
		return data.Number(v), nil
	case float32:
		return data.Number(float64(v)), nil
	case int:
		return data.Number(float64(v)), nil
	case int8:
		return data.Number(float64(v)), nil
	case int16:
		return data.Number(float64(v)), nil
	case int32:
		return data.Number(float64(v)), nil
	case int64:
		return data.Number(float64(v)), nil
	case uint:
		return data.Number(float64(v)), nil
	case uint8:
		return data.Number(float64(v)), nil
	case uint16:
		return data.Number(float64(v)), nil
	case uint32:
		return data.Number(float64(v)), nil
	case uint64:
		return data.Number(float64(v)), nil
	}
	return data.Value{}, fmt.Errorf("a %T cannot stand in a cell; give a number, string, bool, time.Time or nil", v)
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
