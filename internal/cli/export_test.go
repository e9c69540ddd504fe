package cli

import (
	"os"
	"testing"
)

// gradus export writes a file of the format that its ending names, and says so.
func TestExport(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", penguins, "--epochs", "2", "--quiet", "-o", "m.safetensors")
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
			t.Errorf("%s: it says %q", c.file, r.out)
		}
		if info, err := os.Stat(c.file); err != nil || info.Size() < 500 {
			t.Errorf("%s: %v %v", c.file, info, err)
		}
	}
}
