package memory

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/shirou/gopsutil/v4/mem"
)

// Limit is an amount of memory and what sets it.
type Limit struct {
	Bytes uint64
	Of    string // "this machine", "this container" or "the memory allowed"
}

// Available returns how much memory can be used now: what the machine has available, or what is
// left of the container's limit or of Allow's if that is less. Of the first two it counts this process's share: see Share. ok
// is false if no limit is known.
func Available() (l Limit, ok bool) {
	if v, err := mem.VirtualMemory(); err == nil && v.Available > 0 {
		l, ok = Limit{v.Available, "this machine"}, true
	}
	if left, limited := controlGroups("/sys/fs/cgroup", "/proc/self/cgroup"); limited {
		if left = usable(left); !ok || left < l.Bytes {
			l, ok = Limit{left, "this container"}, true
		}
	}
	l.Bytes /= max(1, sharers.Load())
	if most := allowed.Load(); most > 0 {
		if left := most - min(most, used()); !ok || left < l.Bytes {
			l, ok = Limit{left, "the memory allowed"}, true
		}
	}
	return l, ok
}

// sharers is the number set by Share; 0: one process.
var sharers atomic.Uint64

// Share sets the number of processes, including this one, that do the same work on this machine. Each may use an equal part of
// the memory.
func Share(processes int) { sharers.Store(uint64(processes)) }

// allowed is the limit set by Allow, in bytes; 0: none.
var allowed atomic.Uint64

// Allow limits the total memory of this process. Available and the garbage collector respect the limit. 0
// means no limit other than that of the machine or the container.
func Allow(bytes uint64) {
	allowed.Store(bytes)
	debug.SetMemoryLimit(collectorLimit(bytes))
}

// usable returns how many of the bytes that a container has left may be filled. The rest is for garbage, for the program's own
// code and for files on their way to the disk: the kernel kills a process that fills all, without a message.
func usable(left uint64) uint64 { return left - left/10 }

// collectorLimit returns the garbage collector's limit in bytes if the process may use that many; 0: no limit of its own. Without
// a limit, the collector lets garbage grow to the size of what is in use, also where a container ends before that.
func collectorLimit(bytes uint64) int64 {
	most := uint64(math.MaxInt64)
	if bytes > 0 {
		most = min(most, bytes)
	} else if os.Getenv("GOMEMLIMIT") != "" {
		return debug.SetMemoryLimit(-1)
	}
	if left, limited := controlGroups("/sys/fs/cgroup", "/proc/self/cgroup"); limited {
		most = min(most, usable(left+used()))
	}
	return int64(most)
}

// used returns the memory in bytes that this process has taken and not returned.
func used() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64() - s[2].Value.Uint64()
}

// Parse reads an amount of memory: "2GiB", "500MB", "1.5G". K, M, G and T without B are powers of 1024, like KiB. KB
// is 1000 bytes.
func Parse(text string) (uint64, error) {
	number := strings.TrimRight(text, "bBiIkKmMgGtT")
	unit := strings.ToLower(text[len(number):])
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	base, power := 1024.0, 0
	if strings.HasSuffix(unit, "b") && !strings.HasSuffix(unit, "ib") {
		base = 1000
	}
	switch strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i") {
	case "":
	case "k":
		power = 1
	case "m":
		power = 2
	case "g":
		power = 3
	case "t":
		power = 4
	default:
		err = strconv.ErrSyntax
	}
	size := x * math.Pow(base, float64(power))
	if err != nil || !(size >= 1 && size < 1<<62) {
		return 0, fmt.Errorf("%q is not an amount of memory; give one such as 2GiB or 500MB", text)
	}
	return uint64(size), nil
}

// controlGroups returns what is left of the tightest limit between this process's control group
// and the root, in version 2 or 1. A container usually sees its own group as the root. A
// service of systemd, or a container that shares the machine's view, is deeper in the tree.
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

// version has the file names of a version of control groups.
type version struct{ limit, used, cache string }

var (
	version2 = version{"memory.max", "memory.current", "inactive_file"}
	version1 = version{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
)

// left returns how many more bytes a group may use. Cached files that can be dropped do not
// count as used, as in the kernel's own estimate for a machine.
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

// Size formats a number of bytes for people: "4.0 TB".
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

// Leave calls Allow with the least whole number of MiB that leaves more than that many bytes available, and reports
// whether the memory available is known. Tests use it to make a table too large.
func Leave(bytes uint64) bool {
	for most := uint64(1 << 20); ; most += 1 << 20 {
		Allow(most)
		runtime.GC()
		if have, ok := Available(); !ok || have.Bytes > bytes {
			return ok
		}
	}
}
