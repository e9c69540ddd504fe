package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
	"github.com/gradus-ml/gradus/internal/npy"
)

// array returns a .npy file with that header.
func array(header string, raw ...byte) []byte {
	b := append([]byte(npy.Magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(append(b, header...), raw...)
}

func zipped(t testing.TB, name string, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(raw)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestShapes(t *testing.T) {
	matrix, err := data.Read(filepath.Join(written.Dir, "matrix.npy"), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(matrix.Columns(), " ") + " " + matrix.Cell(1, 2); got != "c0 c1 c2 5" || matrix.Rows() != 4 {
		t.Errorf(`got %v %v, want got = "c0 c1 c2 5" and matrix.Rows() = 4`, got, matrix.Rows())
	}
	fortran, err := written.Read(array("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 2), }", 1, 2, 0xff, 4), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fortran.Cell(0, 1) + fortran.Cell(1, 0); got != "-12" {
		t.Errorf("got %q, want %q", got, "-12")
	}
}

// TestUnread: arrays and fields that cannot be columns are left out, and the others are read.
func TestUnread(t *testing.T) {
	for name, want := range map[string]map[string]string{
		"spoiled.npz": {"cube": "holds rows that are arrays, which are not read: reshape", "z": "complex numbers", "words": "Python objects", "span": "spans of time", "version": "one value and no rows"},
		"spoiled.npy": {"z": "holds complex numbers, which are not read: write the real", "place": "holds raw bytes, or several values in a row", "pair": "several values in a row"},
	} {
		table, err := written.Read(written.File(t, name), data.ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		written.Unread(t, table, want)
		if got := table.Cell(5, 0) + table.Cell(5, table.Index("y")); got != "55" {
			t.Errorf("%s: the cells of the last row are %q, want 55", name, got)
		}
	}
}

func TestRefuses(t *testing.T) {
	good := written.File(t, "numpy.npy")
	for name, c := range map[string]struct {
		raw  []byte
		kind error
		want string
	}{
		"cut short":      {good[:len(good)-5], data.ErrDamaged, "it is cut short"},
		"too long":       {append(bytes.Clone(good), 0), data.ErrDamaged, "continues after the 60 rows"},
		"a cut header":   {good[:20], data.ErrDamaged, "cut short or damaged"},
		"no dictionary":  {array("[1, 2"), data.ErrDamaged, "cut short or damaged"},
		"deep":           {array(strings.Repeat("[", 5000)), data.ErrDamaged, "cut short or damaged"},
		"a bomb":         {array("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }", 1), data.ErrLarge, "memory"},
		"an overflow":    {array("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,), }", 1), data.ErrDamaged, "damaged"},
		"many columns":   {array("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 999999999), }", 1), data.ErrLarge, "columns"},
		"a cube":         {array("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1), }", 1), data.ErrFormat, "the array holds rows that are arrays, which are not read: reshape it from 3 dimensions"},
		"pickled":        {written.File(t, "pickled.npz"), data.ErrFormat, "holds Python objects, which are not read: they are pickled"},
		"complex":        {array("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", 1), data.ErrFormat, "complex numbers"},
		"nested objects": {array("{'descr': [('a', [('b', '|O')])], 'fortran_order': False, 'shape': (1,), }", 1), data.ErrFormat, "Python objects"},
		"nested fields":  {array("{'descr': [('a', [('b', '<f8')])], 'fortran_order': False, 'shape': (1,), }", 1), data.ErrDamaged, "should hold 8 bytes and holds 1"},
		"a large record": {array("{'descr': [('a', '<f8', (99999, 99999))], 'fortran_order': False, 'shape': (1,), }", 1), data.ErrFormat, "several values in a row"},
		"only padding":   {array("{'descr': [('', '|V1')], 'fortran_order': False, 'shape': (1,), }", 1), data.ErrDamaged, "damaged"},
		"no rows":        {array("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }"), data.ErrEmpty, "no rows"},
		"a cut archive":  {written.File(t, "numpy.npz")[:3000], data.ErrDamaged, "the archive is cut short"},
		"a zip bomb":     {zipped(t, "a.npy", array("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", make([]byte, 1<<20)...)), data.ErrDamaged, "continues after the 3 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := written.Read(c.raw, data.ReadOptions{})
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("got the error %v, want one that is %v and contains %q", err, c.kind, c.want)
			}
		})
	}
}

// FuzzRead: no bytes make the reader panic or take much memory.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"numpy.npy", "matrix.npy", "numpy.npz", "pickled.npz", "spoiled.npy", "spoiled.npz"} {
		f.Add(written.File(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !bytes.HasPrefix(raw, []byte("PK")) && !bytes.HasPrefix(raw, []byte(npy.Magic)) {
			raw = append([]byte(npy.Magic), raw...)
		}
		if table, err := written.Read(raw, data.ReadOptions{MaxBytes: 1 << 17, MaxColumns: 100}); err == nil {
			table.Fingerprint()
		}
	})
}
