// Command outofcore measures training on a table larger than the allowed memory, compared with the same run in
// memory.
//
//	go build ./cmd/gradus
//	go run ./bench/outofcore -rows 20000000 -limit 1073741824 -gradus ./gradus
//
// It writes a table with eight numbers, a category and a target. It trains one epoch on it with all available memory
// and then in a control group with that limit. For both it prints the peak memory, the samples per second and the
// weights' checksum, which must be the same. Creating a control group requires root. Without root the only limit is
// that of --memory, and the program says so.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	rows := flag.Int("rows", 20_000_000, "rows of the table")
	limit := flag.Int("limit", 1<<30, "bytes of memory that the second run may take")
	gradus := flag.String("gradus", "gradus", "the program")
	dir := flag.String("dir", os.TempDir(), "the folder of the table, some 75 bytes a row, and of temporary files")
	only := flag.String("only", "", "memory or disk: only this one of the two runs")
	flag.Parse()
	if err := measure(*rows, *limit, *gradus, *dir, *only); err != nil {
		fmt.Fprintln(os.Stderr, "outofcore:", err)
		os.Exit(1)
	}
}

func measure(rows, limit int, gradus, dir, only string) error {
	table := filepath.Join(dir, fmt.Sprintf("outofcore-%d.csv", rows))
	if _, err := os.Stat(table); err != nil {
		if err := write(table, rows); err != nil {
			return err
		}
	}
	args := []string{"train", table, "--epochs", "1", "--block-rows", "2048", "--buffer-blocks", "256", "--json", "--quiet", "-o", filepath.Join(dir, "outofcore.safetensors")}
	fmt.Printf("%-10s %12s %12s %12s %10s  %s\n", "rows in", "process MB", "group MB", "samples/s", "seconds", "weights_sha256")
	var sums []string
	for _, where := range []string{"memory", "disk"} {
		if only != "" && only != where {
			continue
		}
		g, most := group{}, args
		if where == "disk" {
			var err error
			if g, err = newGroup(limit); err != nil {
				fmt.Printf("no control group can be made here (%v): the limit is that of --memory\n", err)
				most = append(most, "--memory", strconv.Itoa(limit))
			}
		}
		r, err := g.run(gradus, most)
		g.close()
		if err != nil {
			return fmt.Errorf("rows in %s: %w", where, err)
		}
		fmt.Printf("%-10s %12.0f %12s %12.0f %10.0f  %.16s\n", where, r.process/1e6, r.group, r.Rate, r.seconds, r.Weights)
		sums = append(sums, r.Weights)
	}
	if len(sums) == 2 && sums[0] != sums[1] {
		return fmt.Errorf("the weights differ")
	}
	return nil
}

// write writes the table. y is the sum of sines of the first four numbers, a shift by category, and noise.
func write(path string, rows int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	r := rand.New(rand.NewPCG(1, 1))
	w.WriteString("a,b,c,d,e,f,g,h,color,y\n")
	var b []byte
	for range rows {
		b = b[:0]
		y := 0.0
		for j := range 8 {
			x := r.NormFloat64()
			if j < 4 {
				y += math.Sin(x * float64(j+1))
			}
			b = append(strconv.AppendFloat(b, x, 'f', 4, 64), ',')
		}
		color := r.IntN(5)
		b = append(append(b, "color"...), byte('0'+color), ',')
		y += 0.3*float64(color) + 0.1*r.NormFloat64()
		b = append(strconv.AppendFloat(b, y, 'f', 4, 64), '\n')
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// result is the outcome of a run.
type result struct {
	Weights string  `json:"weights_sha256"`
	Rate    float64 `json:"samples_per_second"`

	process float64 // bytes: the peak memory of the process, including mapped files
	group   string  // the peak memory of its control group, in MB
	seconds float64 // from start to end
}

// group is a control group with a memory limit, version 1 or 2. The zero value is none.
type group struct{ dir, peak string }

func newGroup(limit int) (group, error) {
	name := fmt.Sprintf("gradus-%d", os.Getpid())
	for _, v := range []struct{ root, limit, peak string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes"},
		{"/sys/fs/cgroup", "memory.max", "memory.peak"},
	} {
		if _, err := os.Stat(filepath.Join(v.root, "cgroup.procs")); err != nil {
			continue
		}
		g := group{filepath.Join(v.root, name), v.peak}
		if err := os.Mkdir(g.dir, 0o755); err != nil {
			return group{}, err
		}
		if err := os.WriteFile(filepath.Join(g.dir, v.limit), []byte(strconv.Itoa(limit)), 0o644); err != nil {
			g.close()
			return group{}, err
		}
		return g, nil
	}
	return group{}, fmt.Errorf("the system shows none")
}

// close removes the group. It is empty once its process has ended.
func (g group) close() {
	if g.dir != "" {
		os.Remove(g.dir)
	}
}

func (g group) run(program string, args []string) (r result, err error) {
	cmd := exec.Command(program, args...)
	if g.dir != "" {
		cmd = exec.Command("sh", append([]string{"-c", `echo $$ > "$0"; exec "$@"`, filepath.Join(g.dir, "cgroup.procs"), program}, args...)...)
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return r, err
	}
	r.seconds = time.Since(start).Seconds()
	r.process, r.group = peak(cmd), "-"
	if g.dir != "" {
		text, err := os.ReadFile(filepath.Join(g.dir, g.peak))
		if n, wrong := strconv.ParseFloat(strings.TrimSpace(string(text)), 64); err == nil && wrong == nil {
			r.group = fmt.Sprintf("%.0f", n/1e6)
		}
	}
	return r, json.Unmarshal([]byte(out.String()), &r)
}
