package memory

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAvailable(t *testing.T) {
	if l, ok := Available(); !ok || l.Bytes < 1<<20 || l.Of == "" {
		t.Errorf("Available() = %+v, %v", l, ok)
	}
}

func TestControlGroup(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   map[string]string
		left    uint64
		limited bool
	}{
		{"none", nil, 0, false},
		{"v2 without a limit", map[string]string{"memory.max": "max\n", "memory.current": "5\n"}, 0, false},
		{"v2", map[string]string{"memory.max": "1000\n", "memory.current": "300\n"}, 700, true},
		{"v1", map[string]string{"memory/memory.limit_in_bytes": "1000\n", "memory/memory.usage_in_bytes": "100\n"}, 900, true},
		{"v1 without a limit", map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0, false},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if left, limited := controlGroup(root); left != c.left || limited != c.limited {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, left, limited, c.left, c.limited)
		}
	}
}

func TestSize(t *testing.T) {
	for b, want := range map[float64]string{12: "12 bytes", 1500: "1.5 kB", 4e12: "4.0 TB"} {
		if got := Size(b); got != want {
			t.Errorf("Size(%v) = %q, want %q", b, got, want)
		}
	}
}
