package cli

import (
	"os"
	"strings"
	"testing"
)

// gradus export writes a file in the format of its ending, and says so.
func TestExport(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", "--members", "1", penguins, "--epochs", "2", "--quiet", "-o", "m.safetensors")
	for _, c := range []struct {
		args []string
		file string
	}{
		{nil, "m.onnx"},
		{[]string{"--net"}, "net.onnx"},
		{[]string{"--package", "penguin"}, "m.go"},
		{nil, "m.npz"},
		{nil, "m.c"},
		{[]string{"--bare"}, "bare.safetensors"},
	} {
		r := must(t, 0, append([]string{"export", "m.safetensors", "-o", c.file}, c.args...)...)
		if r.out != c.file+"\n" {
			t.Errorf("%s: got the output %q, want the name of the file", c.file, r.out)
		}
		if info, err := os.Stat(c.file); err != nil || info.Size() < 500 {
			t.Errorf("%s: got %v %v, want no error and info.Size() >= 500", c.file, info, err)
		}
		// A second export replaces a file of the same kind, and no other file.
		must(t, 0, append([]string{"export", "m.safetensors", "-o", c.file}, c.args...)...)
		if err := os.WriteFile(c.file, []byte("something else"), 0o666); err != nil {
			t.Fatal(err)
		}
		if r := must(t, 2, append([]string{"export", "m.safetensors", "-o", c.file}, c.args...)...); !strings.Contains(r.err, "not overwritten") {
			t.Errorf("%s: got the message %q, want it to contain %q", c.file, r.err, "not overwritten")
		}
	}
}

// gradus export does not overwrite a model with bare tensors, or another file with its test or its header.
func TestExportKeepsOthers(t *testing.T) {
	place(t, map[string]string{"m_test.go": "package m\n", "m.h": "int x;\n"})
	must(t, 0, "train", "--members", "1", iris, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	must(t, 0, "train", "--members", "1", iris, "--epochs", "1", "--quiet", "-o", "other.safetensors")
	for _, args := range [][]string{{"other.safetensors", "--bare"}, {"m.safetensors", "--bare"}, {"m.go"}, {"m.c"}} {
		must(t, 2, append([]string{"export", "m.safetensors", "-o"}, args...)...)
	}
	if raw, err := os.ReadFile("m_test.go"); err != nil || string(raw) != "package m\n" {
		t.Errorf("got m_test.go as %q and the error %v, want it unchanged", raw, err)
	}
	if _, err := os.Stat("m.go"); err == nil {
		t.Error("m.go was written without its test")
	}
}
