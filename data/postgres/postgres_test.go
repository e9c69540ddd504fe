package postgres

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"pgregory.net/rapid"

	"github.com/gradus-ml/gradus/data"
)

// A refusal says each thing once, in one line and without the password.
func TestRefusesOnce(t *testing.T) {
	_, err := data.Read("postgres://ann:secret@127.0.0.1:1/shop", data.ReadOptions{})
	if !errors.Is(err, data.ErrUnreadable) || strings.Count(err.Error(), "connection refused") != 1 || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}

// one returns a table with one column of these values.
func one(t interface{ Fatal(...any) }, values ...any) *data.Table {
	s := data.NewSeries("v")
	for _, v := range values {
		if unread := put(s, v); unread != "" {
			t.Fatal(unread)
		}
	}
	table, err := data.TableOf("values", s)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Numerics of any size keep their value, whatever other numbers are in the column.
func TestNumerics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var values []any
		var want []*big.Rat
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			x := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "digits"))
			if rapid.Bool().Draw(t, "negative") {
				x.Neg(x)
			}
			exp := rapid.OneOf(rapid.Int32Range(-25, 5), rapid.Int32Range(-200, 200)).Draw(t, "exponent")
			values = append(values, pgtype.Numeric{Int: x, Exp: exp, Valid: true})
			ten := new(big.Int).Exp(big.NewInt(10), new(big.Int).Abs(big.NewInt(int64(exp))), nil)
			r := new(big.Rat).SetInt(x)
			if exp < 0 {
				r.Quo(r, new(big.Rat).SetInt(ten))
			} else {
				r.Mul(r, new(big.Rat).SetInt(ten))
			}
			want = append(want, r)
		}
		table := one(t, values...)
		for i, w := range want {
			got, ok := new(big.Rat).SetString(table.Cell(i, 0))
			if !ok {
				t.Fatalf("%v: the cell %q is not a number", values[i], table.Cell(i, 0))
			}
			// A cell has the number itself, or the float64 next to it.
			g, _ := got.Float64()
			if f, _ := w.Float64(); got.Cmp(w) != 0 && g != f {
				t.Fatalf("%v became %q, want the number itself or its float64", values[i], table.Cell(i, 0))
			}
		}
	})
}

// Values of the other types become cells. The values are those that pgx returns.
func TestValues(t *testing.T) {
	day := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, ""}, {int16(-3), "-3"}, {int64(-1 << 63), "-9223372036854775808"}, {float32(0.1), "0.1"}, {2.5, "2.5"}, {true, "true"}, {" a b ", "a b"}, {"007", "007"},
		{day, "2024-02-29"}, {pgtype.Numeric{NaN: true, Valid: true}, ""}, {pgtype.Numeric{}, ""},
		{pgtype.Numeric{InfinityModifier: pgtype.NegativeInfinity, Valid: true}, "-inf"}, {pgtype.Infinity, ""},
		{pgtype.Time{Microseconds: 3_723_000_001, Valid: true}, "01:02:03"}, {[16]byte{0x12, 15: 0xff}, "12000000-0000-0000-0000-0000000000ff"},
	} {
		if got := one(t, c.value).Cell(0, 0); got != c.want {
			t.Errorf("%#v became %q, want %q", c.value, got, c.want)
		}
	}
	for value, want := range map[any]string{"bytes": "bytes", "list": "lists", "object": "objects", "span": "spans of time", "other": "values of the type struct {}"} {
		v := map[any]any{"bytes": []byte{1}, "list": []any{1}, "object": map[string]any{}, "span": pgtype.Interval{}, "other": struct{}{}}[value]
		if unread := put(data.NewSeries("v"), v); unread != want {
			t.Errorf("%v: got %q, want %q", value, unread, want)
		}
	}
}
