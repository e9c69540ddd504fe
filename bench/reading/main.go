// Reading times gradus on a large table and programs that only read the table. It times whole
// processes, in turns, with the file in the page cache. It writes the table itself.
//
//	go run ./bench/reading -python /path/to/venv/bin/python
//
// The Python needs pandas, polars and pyarrow. What is missing is left out, and reported. The
// flag -beside FILE measures another build of gradus as well.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("reading: ")
	rows := flag.Int("rows", 1_000_000, "rows of the table")
	columns := flag.Int("columns", 20, "columns of numbers with 4 decimals; the last is a noisy sum of the others")
	rounds := flag.Int("rounds", 5, "how often each program runs; the median counts")
	python := flag.String("python", "python3", "for the programs in Python")
	beside := flag.String("beside", "", "another gradus to measure beside this one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rows, *columns, *rounds, *python, *beside); err != nil {
		log.Fatal(err)
	}
}

// program is one line of the printed table.
type program struct {
	name  string
	call  []string
	times []float64 // seconds
	most  int64     // bytes of peak memory
}

func run(ctx context.Context, rows, columns, rounds int, python, beside string) error {
	if rows < 1 || columns < 2 || rounds < 1 {
		return errors.New("it takes at least 1 row, 2 columns and 1 round")
	}
	dir, err := os.MkdirTemp("", "reading")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	gradus, table := filepath.Join(dir, "gradus"), filepath.Join(dir, "table.csv")
	build := exec.CommandContext(ctx, "go", "build", "-o", gradus, "./cmd/gradus")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("go build, which must run in the repository's root: %w", err)
	}
	size, err := writeTable(table, rows, columns)
	if err != nil {
		return err
	}
	fmt.Printf("%d rows, %d columns, %.0f MB; median of %d turns\n\n", rows, columns, float64(size)/1e6, rounds)

	var programs []*program
	add := func(name string, call ...string) { programs = append(programs, &program{name: name, call: call}) }
	builds := []string{gradus}
	if beside != "" {
		builds = append(builds, beside)
	}
	for i, binary := range builds {
		name := []string{"gradus", "gradus beside it"}[i]
		model := filepath.Join(dir, strconv.Itoa(i)+".safetensors")
		add(name+": train --epochs 1", binary, "train", table, "--members", "1", "--epochs", "1", "--quiet", "-o", model)
		add(name+": predict -o", binary, "predict", model, table, "-o", filepath.Join(dir, "predictions.csv"))
		add(name+": evaluate", binary, "evaluate", model, table)
	}
	for _, p := range []struct{ name, module, call string }{
		{"pandas: read_csv", "pandas", "pandas.read_csv(%q)"},
		{"pandas: read_csv by pyarrow", "pandas, pyarrow", "pandas.read_csv(%q, engine='pyarrow')"},
		{"polars: read_csv", "polars", "polars.read_csv(%q)"},
		{"pyarrow: read_csv", "pyarrow.csv", "pyarrow.csv.read_csv(%q)"},
	} {
		if err := exec.CommandContext(ctx, python, "-c", "import "+p.module).Run(); err != nil {
			fmt.Printf("without %s: %s cannot import %s\n", p.name, python, p.module)
			continue
		}
		add(p.name, python, "-c", "import "+p.module+"; "+fmt.Sprintf(p.call, table))
	}
	for range rounds {
		for _, p := range programs {
			cmd := exec.CommandContext(ctx, p.call[0], p.call[1:]...)
			start := time.Now()
			out, err := cmd.CombinedOutput()
			took := time.Since(start).Seconds()
			if err != nil {
				return fmt.Errorf("%s: %w: %s", p.name, err, strings.TrimSpace(string(out)))
			}
			p.times = append(p.times, took)
			p.most = max(p.most, peakMemory(cmd.ProcessState))
		}
	}
	fmt.Println("| program | seconds | million rows/s | memory / file |")
	fmt.Println("| --- | --- | --- | --- |")
	for _, p := range programs {
		slices.Sort(p.times)
		median := p.times[len(p.times)/2]
		memory := ""
		if p.most > 0 {
			memory = fmt.Sprintf("%.2f", float64(p.most)/float64(size))
		}
		fmt.Printf("| %s | %.2f | %.2f | %s |\n", p.name, median, float64(rows)/median/1e6, memory)
	}
	return nil
}

// writeTable writes numbers that depend only on their positions. It returns the size in bytes.
func writeTable(path string, rows, columns int) (int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range columns - 1 {
		fmt.Fprintf(w, "x%d,", i)
	}
	fmt.Fprintln(w, "y")
	var line []byte
	for range rows {
		line = line[:0]
		sum := r.NormFloat64()
		for i := range columns - 1 {
			x := r.NormFloat64()
			sum += x * float64(i%5-2)
			line = append(strconv.AppendFloat(line, x, 'f', 4, 64), ',')
		}
		line = append(strconv.AppendFloat(line, sum, 'f', 4, 64), '\n')
		if _, err := w.Write(line); err != nil {
			return 0, err
		}
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
