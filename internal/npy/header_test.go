package npy

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// Read reads what Append writes, and the numbers begin at a multiple of 64.
func TestHeader(t *testing.T) {
	for _, shape := range [][]int{{}, {3}, {3, 4}, {0, 1000000, 2}} {
		b := Append([]byte{}, "<f8", shape...)
		h, err := Read(bytes.NewReader(b))
		if err != nil || len(b)%64 != 0 || h.Size != int64(len(b)) || h.Fortran || len(h.Shape) != len(shape) || !reflect.DeepEqual(h.Fields, []Field{{"", "<f8"}}) {
			t.Errorf("%d: %q is read as %+v, %v", shape, b, h, err)
		}
		for i, n := range shape {
			if h.Shape[i] != int64(n) {
				t.Errorf("%d is read as %d", shape, h.Shape)
			}
		}
	}
	if got := string(Append(nil, "<f4", 3)); !strings.HasPrefix(got[10:], "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }  ") {
		t.Errorf(`got %q, want it to begin with "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }  " from byte 10 on`, got)
	}
}

// Version 2 has a longer length field, records have fields, and NumPy under Python 2 wrote an L after numbers.
func TestOtherHeaders(t *testing.T) {
	for text, want := range map[string]Header{
		"{'descr': [('a', '<i4'), ('', '|V4'), ('b', '|S3', (2,))], 'fortran_order': True, 'shape': (2L,)}": {
			Fields: []Field{{"a", "<i4"}, {"", "|V4"}, {"b", "|V6"}}, Record: true, Fortran: true, Shape: []int64{2},
		},
		"{'descr': [('a', [('b', '<M8[ns]'), (('title', 'c'), '<U2', (3, 2))]), (('t', 'd'), '<i4'), ('e', [('f', '|O')]), ('g', '<f8', (0,))], 'fortran_order': False, 'shape': (2,)}": {
			Fields: []Field{{"a", "|V56"}, {"d", "<i4"}, {"e", "|O"}, {"g", "|V"}}, Record: true, Shape: []int64{2},
		},
	} {
		b := append([]byte(Magic+"\x02\x00"), byte(len(text)), 0, 0, 0)
		want.Size = int64(len(b) + len(text))
		if h, err := Read(strings.NewReader(string(b) + text)); err != nil || !reflect.DeepEqual(h, want) {
			t.Errorf("%s is read as %+v, %v", text, h, err)
		}
	}
	good := string(Append(nil, "<f8", 3))
	for text, want := range map[string]error{
		"": ErrMagic, "PK\x03\x04......": ErrMagic, good[:20]: ErrCut, Magic + "\x02\x00\xff\xff\xff\xff": ErrCut, Magic + "\x02\x00\xff\x00\x00": ErrCut,
		strings.Replace(good, "'shape'", "'shope'", 1): ErrHeader, strings.Replace(good, "(3,)", "(-3,)", 1): ErrHeader,
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", text, err, want)
		}
	}
}
