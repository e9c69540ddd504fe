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
		{"v2, files that can be forgotten", map[string]string{"memory.max": "1000\n", "memory.current": "900\n", "memory.stat": "anon 300\ninactive_file 600\nfile 650\n"}, 700, true},
		{"v1, files that can be forgotten", map[string]string{"memory/memory.limit_in_bytes": "1000\n", "memory/memory.usage_in_bytes": "900\n", "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 600\n"}, 700, true},
		{"v2, over the limit", map[string]string{"memory.max": "1000\n", "memory.current": "1300\n"}, 0, true},
		{"v2, a deeper group", map[string]string{"self": "0::/a/b\n", "a/b/memory.max": "1000\n", "a/b/memory.current": "300\n"}, 700, true},
		{"v2, a tighter group above", map[string]string{"self": "0::/a/b\n", "a/memory.max": "500\n", "a/memory.current": "400\n", "a/b/memory.max": "1000\n"}, 100, true},
		{"v1, a deeper group", map[string]string{"self": "5:cpu,memory:/a\n4:pids:/b\n", "memory/a/memory.limit_in_bytes": "800\n", "memory/b/memory.limit_in_bytes": "3\n"}, 800, true},
		{"a group outside", map[string]string{"self": "0::/../../x\n", "memory.max": "900\n"}, 900, true},
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
		if left, limited := controlGroups(root, filepath.Join(root, "self")); left != c.left || limited != c.limited {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, left, limited, c.left, c.limited)
		}
	}
}

func TestAllow(t *testing.T) {
	defer Allow(0)
	Allow(1 << 40)
	if l, ok := Available(); !ok || l.Of == "the memory allowed" {
		t.Errorf("after allowing more than the machine has: got %+v", l)
	}
	Allow(100 << 20)
	if l, ok := Available(); !ok || l.Of != "the memory allowed" || l.Bytes > 100<<20 {
		t.Errorf("after allowing 100 MiB: got %+v", l)
	}
	Allow(1)
	if l, ok := Available(); !ok || l.Bytes != 0 {
		t.Errorf("after allowing 1 byte: got %+v, want 0 bytes", l)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]uint64{"2GiB": 2 << 30, "500MB": 500e6, "1.5G": 3 << 29, "64k": 64 << 10, "1000": 1000, "3 TiB": 3 << 40, "10B": 10} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v and no error", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GiB", "-1G", "0", "2X", "1iB2", "NaN", "1e30T", "2 bananas"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is parsed as %d, want an error", text, got)
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

func TestShare(t *testing.T) {
	defer Share(1)
	alone, ok := Available()
	Share(1 << 30)
	if l, also := Available(); ok != also || l.Bytes > 2*alone.Bytes>>30 || l.Of != alone.Of {
		t.Errorf("each of 2^30 processes has %+v, want its share of %+v", l, alone)
	}
	defer Allow(0)
	Allow(1)
	if l, _ := Available(); l.Of != "this machine" && l.Of != "this container" && l.Bytes > 0 {
		t.Errorf("after allowing 1 byte, each process has %+v, want 0 bytes", l)
	}
}
