package data

import (
	"os"
	"path/filepath"
	"testing"
)

// The fingerprint covers every cell, every name and every border between cells. It does not cover the file's
// name, compression or delimiter.
func TestFingerprint(t *testing.T) {
	print := func(text string) string { return readText(t, text).Fingerprint() }
	base := print("a,b\n1,23\n4,5\n")
	for _, same := range []string{"a;b\n1;23\n4;5\n", "a,b\r\n1,\"23\"\r\n4,5"} {
		if print(same) != base {
			t.Errorf("%q has another fingerprint, want that of the same cells", same)
		}
	}
	for _, other := range []string{"a,c\n1,23\n4,5\n", "a,b\n12,3\n4,5\n", "a,b\n1,23\n4,6\n", "a,b\n4,5\n1,23\n", "a,b\n1,23\n"} {
		if print(other) == base {
			t.Errorf("%q has the same fingerprint, want another", other)
		}
	}

	dir := t.TempDir()
	image := func(name string, pixels, labels []byte) string {
		for ending, b := range map[string][]byte{
			"-images-idx3-ubyte": idx(idxUint8, []uint32{2, 1, 2}, pixels), "-labels-idx1-ubyte": idx(idxUint8, []uint32{2}, labels),
		} {
			if err := os.WriteFile(filepath.Join(dir, name+ending), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		table, err := Read(filepath.Join(dir, name+"-images-idx3-ubyte"), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return table.Fingerprint()
	}
	first := image("a", []byte{1, 2, 3, 4}, []byte{0, 1})
	if image("b", []byte{1, 2, 3, 4}, []byte{0, 1}) != first {
		t.Error("the same images under another name have another fingerprint")
	}
	if image("c", []byte{1, 2, 3, 5}, []byte{0, 1}) == first || image("d", []byte{1, 2, 3, 4}, []byte{1, 1}) == first {
		t.Error("other images have the same fingerprint")
	}
}
