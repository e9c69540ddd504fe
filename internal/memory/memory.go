package memory

import (
	"fmt"
	"os"
	"path/filepath"
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
	if left, limited := controlGroup("/sys/fs/cgroup"); limited && (!ok || left < l.Bytes) {
		l, ok = Limit{left, "this container"}, true
	}
	return l, ok
}

// controlGroup returns what is left of a control group's limit, version 2 or 1, as a
// container sees it.
func controlGroup(root string) (left uint64, limited bool) {
	for _, f := range [][2]string{
		{"memory.max", "memory.current"},
		{"memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"},
	} {
		limit, err := readNumber(filepath.Join(root, f[0]))
		if err != nil || limit >= 1<<62 { // version 1 writes a huge number for "no limit"
			continue
		}
		used, err := readNumber(filepath.Join(root, f[1]))
		if err != nil || used > limit {
			used = 0
		}
		return limit - used, true
	}
	return 0, false
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
