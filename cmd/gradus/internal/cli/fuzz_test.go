package cli

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzConfig: for any text of config.json, --config and resume give an error, or flags and options. Nothing
// panics.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"", "[1]", "{}", `{"nope": 1}`, `{"data": "t.csv", "epochs": 2, "hidden": [4, 4], "lr": 0.01, "seed": 5, "no_shuffle": true}`,
		`{"target": ["a,b"], "types": {"a": "number"}, "max_time": 9000000000, "test": "x.csv", "folder": "/", "fingerprint": {"train": "0"}}`,
		`{"hidden": [], "patience": 0, "validation": 0.2, "on_divergence": "halve-lr", "checkpoint_every": "1s"}`,
		`{"lr": 1e999}`, `{"max_time": "1h"}`, `{"hidden": {"a": [null]}}`, `{"config": "config.json"}`, `{"help": true}`, `{"data": "-", "quiet": 7}`,
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "config.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		call, err := newParser(Std{Out: io.Discard, Err: io.Discard}).Parse([]string{"train", "--config", path})
		if err == nil {
			c := call.Selected().Target.Addr().Interface().(*trainCmd)
			c.options()
		} else if s := oneLine(wrongCall(err)); s == "" || strings.Contains(s, "\n") {
			t.Errorf("got the error %q, want one line", s)
		}
		var config runConfig
		if json.Unmarshal(text, &config) == nil {
			for _, name := range config.Data {
				config.found(name)
			}
		}
	})
}

// FuzzHistory: a history that is read, written and read again stays the same.
func FuzzHistory(f *testing.F) {
	f.Add("epoch,steps,loss,validation,rate,seconds\n1,2,0.5,,0.1,3\n")
	f.Add("epoch,steps,loss,validation,rate,seconds\n1,2,NaN,+Inf,0x1p-2,1e308\n")
	f.Add("epoch\n\"")
	path := filepath.Join(f.TempDir(), "history.csv")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		h, err := readHistory(path)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		var first, second strings.Builder
		if err := writeHistory(&first, h); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(first.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		again, err := readHistory(path)
		if err != nil {
			t.Fatal(err)
		}
		if writeHistory(&second, again); second.String() != first.String() {
			t.Errorf("%q became %q, want no change", first.String(), second.String())
		}
	})
}
