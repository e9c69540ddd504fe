package model_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// FuzzLoad: whatever is in a file, Load returns an error or a model that predicts. It
// never panics, and allocates no more memory than the file's size explains. Files are long, so give
// the fuzzer -fuzzminimizetime 20x, or it minimizes them for minutes.
func FuzzLoad(f *testing.F) {
	for task := range tasks {
		raw, err := os.ReadFile(save(f, fit(f, task, "float32")))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)-4])
		f.Add(raw[:len(raw)/2])
		for from, to := range map[string]string{
			`"shape":[7,5]`: `"shape":[5,7]`, `"shape":[7]`: `"shape":[9223372036854775807]`, "F32": "F64",
			`units\":7`: `units\":9`, `units\":5`: `units\":500000000`, `\"format\":1`: `\"format\":9`,
			`\"missing\":true`: `\"missing\":false`, `\"scale\":`: `\"scale\":-`, `\"kind\":\"number\"`: `\"kind\":\"category\"`,
			"relu": "softmax", "sigmoid": "identity", `\"day_first\"`: `\"clock\"`, "float32": "float64",
			`\"red\"`: `\"blue\"`, `data_offsets":[0`: `data_offsets":[4`, "layers.0.weight": "layers.1.weight",
		} {
			f.Add(replaced(raw, from, to))
		}
		for _, n := range []uint64{0, 1, 8, 1 << 20, 1 << 40, 1 << 63, 1<<64 - 1} {
			long := bytes.Clone(raw)
			binary.LittleEndian.PutUint64(long, n)
			f.Add(long)
		}
	}
	m, _, err := model.Train(context.Background(), mixed(f), normedOptions("batch", "float32"))
	if err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(save(f, m))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	for from, to := range map[string]string{
		`\"norm\":\"batch\"`: `\"norm\":\"layer\"`, `\"dropout\":0.1}`: `\"dropout\":1}`, "norm.var": "norm.mean", "norm.mean": "norm.bias",
	} {
		f.Add(replaced(raw, from, to))
	}
	for task := range tasks {
		members, _ := fitMembers(f, memberOptions(task, 2))
		if raw, err = os.ReadFile(save(f, members)); err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)-4])
		for from, to := range map[string]string{
			"members.1.": "members.0.", `\"members\":[`: `\"members\":[{},`, `\"format\":2`: `\"format\":1`, `\"format\":1`: `\"format\":2`,
			`units\":7`: `units\":9`, `\"red\"`: `\"blue\"`, "float32": "float64", `\"threshold\"`: `\"x\"`,
		} {
			f.Add(replaced(raw, from, to))
		}
	}
	f.Add([]byte{})
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = sealed(raw)
		path := filepath.Join(dir, "m.safetensors")
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := model.Load(path)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+200*uint64(len(raw)) {
			t.Errorf("loading %d bytes allocated %d bytes", len(raw), took)
		}
		if err != nil {
			if !errors.Is(err, model.ErrFile) {
				t.Errorf("got %v, want a model.ErrFile", err)
			}
			return
		}
		row := make([]data.Value, len(m.Columns()))
		out := make([]float64, m.Outputs())
		for _, text := range []string{"", "1.5", "red", "yes", "2024-02-29"} {
			for i := range row {
				row[i] = data.Text(text)
			}
			if m.PredictValues(row, out) == nil { // a column may refuse such a value
				m.Describe(out)
			}
		}
		if err := m.Save(path); err != nil {
			t.Errorf("a model that was loaded cannot be saved: %v", err)
		}
		if _, err := model.Load(path); err != nil {
			t.Errorf("a model that was loaded and saved cannot be loaded: %v", err)
		}
	})
}

// sealed returns a file with the right checksum, if it has a place for one.
func sealed(raw []byte) []byte {
	const key = `"gradus_sha256":"`
	at := bytes.Index(raw, []byte(key)) + len(key)
	if at < len(key) || at+64 > len(raw) {
		return raw
	}
	raw = bytes.Clone(raw)
	copy(raw[at:], strings.Repeat("0", 64))
	copy(raw[at:], fmt.Sprintf("%x", sha256.Sum256(raw)))
	return raw
}

// replaced returns a model file with a text of its header replaced, and with the right length.
func replaced(raw []byte, from, to string) []byte {
	n := binary.LittleEndian.Uint64(raw)
	header := bytes.ReplaceAll(raw[8:8+n], []byte(from), []byte(to))
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), raw[8+n:]...)
}
