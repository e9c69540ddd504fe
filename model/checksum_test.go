package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
)

// smallModel returns a model with a short file.
func smallModel(t *testing.T) (m *Model, raw []byte) {
	t.Helper()
	table, err := data.NewTable("t", []string{"x", "c", "y"}, [][]string{{"1", "a", "2"}, {"2", "b", "4"}, {"4", "a", "5"}, {"3", "b", "7"}})
	if err != nil {
		t.Fatal(err)
	}
	m, _ = mustTrain(t, table, Options{Task: data.Regression, Hidden: []int{2}, Epochs: 1, Seed: 1, Norm: "batch"})
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return m, b.Bytes()
}

// A file with one changed bit is refused, whichever bit it is.
func TestEveryFlippedBitIsFound(t *testing.T) {
	m, raw := smallModel(t)
	load := func(raw []byte) (*Model, error) {
		w, err := readWeights("m.safetensors", raw)
		if err != nil {
			return nil, err
		}
		net, bad := nn.New[float32](m.Encoding.Width(), nn.Seed(0), m.Network32().Layers()...)
		if bad != nil {
			t.Fatal(bad)
		}
		from := setWeights(net, w) // as --from does
		loaded, err := w.model(nil)
		if (from == nil) != (err == nil) {
			t.Errorf("as weights to start from: %v; as a model: %v", from, err)
		}
		return loaded, err
	}
	loaded, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.WeightsSHA256() != m.WeightsSHA256() {
		t.Error("the loaded weights differ")
	}
	bits := []int{0, 1, 2, 3, 4, 5, 6, 7}
	if testing.Short() {
		bits = []int{0, 5} // these change a digit, or the case of a letter
	}
	for at := range raw {
		for _, bit := range bits {
			raw[at] ^= 1 << bit
			if _, err := load(raw); !errors.Is(err, ErrFile) {
				t.Errorf("bit %d of byte %d of %d is flipped: got %v, want ErrFile", bit, at, len(raw), err)
			}
			raw[at] ^= 1 << bit
		}
	}
	for n := range raw {
		if _, err := load(raw[:n]); !errors.Is(err, ErrFile) {
			t.Errorf("cut to %d of %d bytes: got %v, want ErrFile", n, len(raw), err)
		}
	}
	if _, err := load(append(raw, 0)); !errors.Is(err, ErrFile) {
		t.Errorf("with an extra byte: got %v, want ErrFile", err)
	}
	// The error for a flipped bit of a weight says that the file was changed.
	raw[len(raw)-1] ^= 1
	if _, err := load(raw); err == nil || !strings.Contains(err.Error(), "its checksum does not match") {
		t.Errorf("a flipped bit of a weight: got %v, want an error about the checksum", err)
	}
}

// A file that is older than checksums loads, and a file of bare tensors has no checksum.
func TestLoadsWithoutAChecksum(t *testing.T) {
	m, raw := smallModel(t)
	older := withHeader(t, raw, func(header map[string]any) {
		metadata := header["__metadata__"].(map[string]any)
		delete(metadata, "gradus_sha256")
		metadata["gradus"] = strings.Replace(metadata["gradus"].(string), `"checksum":true,`, "", 1)
	})
	path := filepath.Join(t.TempDir(), "older.safetensors")
	if err := os.WriteFile(path, older, 0o666); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.WeightsSHA256() != m.WeightsSHA256() {
		t.Error("the loaded weights differ")
	}
	bare := withHeader(t, raw, func(header map[string]any) { delete(header, "__metadata__") })
	if w, err := readWeights("bare.safetensors", bare); err != nil || w.tensors.Count() != m.Parameters()+4 { // and 2 means and 2 variances
		t.Errorf("bare tensors: %+v, %v", w, err)
	}
	// A file that claims to have a checksum must have one.
	lost := withHeader(t, raw, func(header map[string]any) { delete(header["__metadata__"].(map[string]any), "gradus_sha256") })
	if w, err := readWeights("lost.safetensors", lost); err != nil || !w.tensors.Damaged {
		t.Errorf("without its checksum: got %v, want a damaged file", err)
	} else if _, err := w.model(nil); err == nil || !strings.Contains(err.Error(), "its checksum does not match") {
		t.Errorf("without its checksum: got %v, want a damaged file", err)
	}
}

// withHeader returns the file with its header changed.
func withHeader(t *testing.T, raw []byte, change func(map[string]any)) []byte {
	t.Helper()
	n := binary.LittleEndian.Uint64(raw)
	var header map[string]any
	if err := json.Unmarshal(raw[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	change(header)
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), raw[8+n:]...)
}
