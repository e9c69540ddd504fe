package data

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// idx returns the bytes of an IDX file.
func idx(element byte, dims []uint32, elements any) []byte {
	var b bytes.Buffer
	b.Write([]byte{0, 0, element, byte(len(dims))})
	binary.Write(&b, binary.BigEndian, dims)
	binary.Write(&b, binary.BigEndian, elements)
	return b.Bytes()
}

func TestReadIDX(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	images := idx(idxUint8, []uint32{3, 2, 2}, []byte{0, 1, 2, 3, 10, 11, 12, 13, 252, 253, 254, 255})
	labels := idx(idxUint8, []uint32{3}, []byte{7, 0, 9})
	want := [][]string{{"p0", "p1", "p2", "p3", "label"}, {"0", "1", "2", "3", "7"}, {"10", "11", "12", "13", "0"}, {"252", "253", "254", "255", "9"}}

	path := write("train-images-idx3-ubyte.gz", packed(t, "gzip", images))
	if table, err := Read(path, ReadOptions{}); err != nil {
		t.Error(err)
	} else if diff := cmp.Diff([]string{"p0", "p1", "p2", "p3"}, table.Columns()); diff != "" {
		t.Error("without labels, columns mismatch (-want +got): ", diff)
	}
	write("train-labels-idx1-ubyte", labels)
	table, err := Read(path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, cells(table)); diff != "" {
		t.Errorf("cells(table) mismatch (-want +got):\n%s", diff)
	}
	if v, ok := table.Number(2, 3); v != 255 || !ok {
		t.Errorf("Number(2, 3) = %v, %v, want 255, true", v, ok)
	}

	write("train-labels-idx1-ubyte.gz", packed(t, "gzip", idx(idxUint8, []uint32{2}, []byte{7, 0})))
	_, err = Read(path, ReadOptions{})
	refuses(t, err, ErrIDX, filepath.Join(dir, "train-labels-idx1-ubyte.gz")+": holds 2 x 1 labels for the 3 images of "+path)

	for _, test := range []struct {
		element  byte
		elements any
		want     []string
	}{
		{idxInt8, []int8{-1, 127}, []string{"-1", "127"}},
		{idxInt16, []int16{-300, 300}, []string{"-300", "300"}},
		{idxInt32, []int32{-70000, 70000}, []string{"-70000", "70000"}},
		{idxFloat32, []float32{0.5, -1.5}, []string{"0.5", "-1.5"}},
		{idxFloat64, []float64{0.1, 1e300}, []string{"0.1", "1e+300"}},
	} {
		table, err := Read(write("x", idx(test.element, []uint32{1, 2}, test.elements)), ReadOptions{})
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(test.want, cells(table)[1]); diff != "" {
			t.Errorf("element type %#x: cells mismatch (-want +got):\n%s", test.element, diff)
		}
	}
	_, err = Read(write("x-idx3-ubyte", []byte{0x89, 'P', 'N', 'G'}), ReadOptions{})
	refuses(t, err, ErrIDX, filepath.Join(dir, "x-idx3-ubyte")+": is named like an IDX file")
}

func FuzzIDX(f *testing.F) {
	f.Add(idx(idxUint8, []uint32{2, 2}, []byte{1, 2, 3, 4}))
	f.Add(idx(idxFloat64, []uint32{1}, []float64{1}))
	f.Add([]byte{0, 0, 8, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 || !isIDX(b[:4]) {
			return
		}
		table, err := Read(Stdin, ReadOptions{Stdin: bytes.NewReader(b)})
		if err != nil {
			return
		}
		table.Cell(table.Rows()-1, len(table.Columns())-1)
		if s, err := Infer(table, SchemaOptions{}); err == nil {
			s.Fit(table, nil, ScaleAuto, true)
		}
	})
}
