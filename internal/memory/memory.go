package memory

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v4/mem"
)

// Limit is an amount of memory and what sets it.
type Limit struct {
	Bytes uint64
	Of    string // "this machine" or "this container"
}

// Available returns how much memory can be taken now: what the machine has available, or
// what is left of the container's limit if that is less. ok is false where neither is known.
func Available() (l Limit, ok bool) {
	if v, err := mem.VirtualMemory(); err == nil && v.Available > 0 {
		l, ok = Limit{v.Available, "this machine"}, true
	}
	if left, limited := controlGroups("/sys/fs/cgroup", "/proc/self/cgroup"); limited && (!ok || left < l.Bytes) {
		l, ok = Limit{left, "this container"}, true
	}
	return l, ok
}

// controlGroups returns what is left of the tightest limit on the way from this process's
// control group up to the root, version 2 or 1. A container usually sees its own group as the
// root; a service of systemd, or a container that shares the machine's view, stands deeper.
// The file self names the groups: "0::/a/b" in version 2, "4:memory:/a/b" in version 1.
func controlGroups(root, self string) (left uint64, limited bool) {
	look := func(base, path string, v version) {
		for dir := filepath.Join("/", path); ; dir = filepath.Dir(dir) {
			if l, has := v.left(filepath.Join(base, dir)); has && (!limited || l < left) {
				left, limited = l, true
			}
			if dir == "/" {
				return
			}
		}
	}
	look(root, "/", version2)
	look(filepath.Join(root, "memory"), "/", version1)
	text, _ := os.ReadFile(self)
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case parts[1] == "":
			look(root, parts[2], version2)
		case slices.Contains(strings.Split(parts[1], ","), "memory"):
			look(filepath.Join(root, "memory"), parts[2], version1)
		}
	}
	return left, limited
}

// version names the files of a version of control groups.
type version struct{ limit, used, cache string }

var (
	version2 = version{"memory.max", "memory.current", "inactive_file"}
	version1 = version{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
)

// left is what may still be taken in a group. Of what is used, files that were read and can
// be forgotten do not count, as the kernel's own estimate for a machine does not count them.
func (v version) left(dir string) (uint64, bool) {
	limit, err := readNumber(filepath.Join(dir, v.limit))
	if err != nil || limit >= 1<<62 { // version 1 writes a huge number for "no limit"
		return 0, false
	}
	used, _ := readNumber(filepath.Join(dir, v.used))
	stat, _ := os.ReadFile(filepath.Join(dir, "memory.stat"))
	for line := range strings.Lines(string(stat)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == v.cache {
			cache, _ := strconv.ParseUint(f[1], 10, 64)
			used -= min(used, cache)
		}
	}
	return limit - min(used, limit), true
}

func readNumber(path string) (uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}

// Size writes a number of bytes as people read it: "4.0 TB".
func Size(bytes float64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB", "EB"}
	i := 0
	for bytes >= 1000 && i < len(units)-1 {
		bytes /= 1000
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f bytes", bytes)
	}
	return fmt.Sprintf("%.1f %s", bytes, units[i])
}
