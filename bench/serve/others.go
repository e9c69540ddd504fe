package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is the processor time that has been spent, in seconds.
type usage struct {
	all  float64 // by everyone
	ours float64 // by this program and the server
}

// used is the usage until now, with a server of a process.
func used(pid int) (usage, error) {
	const tick = 100.0 // a second, in /proc
	var u usage
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return u, err
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, field := range strings.Fields(line)[1:8] {
		if i == 3 || i == 4 { // idle, and waiting for a disk
			continue
		}
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return u, err
		}
		u.all += n / tick
	}
	raw, err = os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	for _, field := range fields[11:13] { // user and system
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return u, err
		}
		u.ours += n / tick
	}
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		return u, err
	}
	u.ours += time.Duration(self.Utime.Nano() + self.Stime.Nano()).Seconds()
	return u, nil
}

// disturbed is the share of a core that other programs take, from which on a measurement is made again.
const disturbed = 0.05

// quiet measures until other programs do not disturb, three times at most, and returns the
// measurement in which they took least.
func (s *suite) quiet(pid int, measure func() (figures, error)) (figures, error) {
	var best figures
	for i := range 3 {
		before, err := used(pid)
		if err != nil {
			return best, err
		}
		begun := time.Now()
		f, err := measure()
		if err != nil {
			return f, err
		}
		after, err := used(pid)
		if err != nil {
			return best, err
		}
		f.Others = max(0, (after.all-before.all)-(after.ours-before.ours)) / time.Since(begun).Seconds()
		if i == 0 || f.Others < best.Others {
			best = f
		}
		if best.Others < disturbed {
			break
		}
	}
	return best, nil
}
