// Command faults measures how often the diagnosis of a run is right. Some runs have a
// deliberate fault, and its code should come first. The others are healthy, and their diagnosis
// should be empty. All use real tables, found through GRADUS_DATA. No threshold was set using
// the tables of the set "test"; those of "tune" were used to set the thresholds. Run it from
// the repository's root:
//
//	GRADUS_DATA=/path/to/data go run ./bench/faults
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// run is one training run.
type run struct {
	name    string
	table   string // relative to GRADUS_DATA
	want    string // the code that should come first; "" for a healthy run
	options model.Options
	edit    func(*data.Table) (*data.Table, error) // changes the table first; nil: no change
	broken  bool                                   // start from weights whose hidden biases are -1000
}

func main() {
	set := flag.String("set", "test", "test or tune")
	only := flag.String("run", "", "only runs whose name contains this")
	seed := flag.Uint64("seed", 1, "the seed of all runs")
	flag.Parse()
	if err := all(*set, *only, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func all(set, only string, seed uint64) error {
	folder := os.Getenv("GRADUS_DATA")
	if folder == "" {
		return fmt.Errorf("GRADUS_DATA is not set; it names the folder with small/ and mid/")
	}
	runs, ok := map[string][]run{"test": append(testFaults, healthy(testTables)...), "tune": append(tuneFaults, healthy(tuneTables)...)}[set]
	if !ok {
		return fmt.Errorf("the set %q is not known; choose test or tune", set)
	}
	right, faults, silent, sound := 0, 0, 0, 0
	for _, r := range runs {
		if !strings.Contains(r.name, only) {
			continue
		}
		found, err := r.diagnose(folder, seed)
		if err != nil {
			return fmt.Errorf("%s on %s: %w", r.name, r.table, err)
		}
		codes, first := []string{}, ""
		for i, f := range found {
			codes = append(codes, f.Code)
			if i == 0 {
				first = f.Code
			}
		}
		verdict := "ok"
		if first != r.want {
			verdict = "WRONG"
		}
		if r.want == "" {
			sound++
			if verdict == "ok" {
				silent++
			}
		} else {
			faults++
			if verdict == "ok" {
				right++
			}
		}
		fmt.Printf("%-5s  %-42s  %-24s  %-21s  %s\n", verdict, r.name, strings.TrimSuffix(r.table, ".csv"), r.want, strings.Join(codes, " "))
		if verdict != "ok" && len(found) > 0 {
			fmt.Printf("       %s: %s\n", found[0].Code, found[0].Evidence)
		}
	}
	fmt.Printf("\nthe right code first: %d of %d faults; silence: %d of %d healthy runs\n", right, faults, silent, sound)
	return nil
}

func (r *run) diagnose(folder string, seed uint64) ([]diagnosis.Finding, error) {
	table, err := data.Read(filepath.Join(folder, filepath.FromSlash(r.table)), data.ReadOptions{})
	if err != nil {
		return nil, err
	}
	if r.edit != nil {
		if table, err = r.edit(table); err != nil {
			return nil, err
		}
	}
	o := r.options
	o.Seed = seed
	var start *model.Weights
	if r.broken {
		if start, err = brokenWeights(table, o); err != nil {
			return nil, err
		}
	}
	f, err := model.Prepare(model.Tables{Train: table}, o, start)
	if err != nil {
		return nil, err
	}
	for _, err := range f.Steps(context.Background()) {
		var diverged *train.DivergedError
		if err != nil && !errors.As(err, &diverged) {
			return nil, err
		}
	}
	return f.Diagnose(), nil
}

// brokenWeights returns the weights of an untrained network whose hidden units never fire.
func brokenWeights(table *data.Table, o model.Options) (*model.Weights, error) {
	o.Epochs = 1
	m, _, err := model.Train(context.Background(), table, o)
	if err != nil {
		return nil, err
	}
	for i := range m.Network32().Bias(0) {
		m.Network32().Bias(0)[i] = -1000
	}
	folder, err := os.MkdirTemp("", "gradus-faults-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "broken.safetensors")
	if err := m.Save(path); err != nil {
		return nil, err
	}
	return model.LoadWeights(path)
}

// withColumn adds a first column, computed from each row's target (the last column).
func withColumn(name string, of func(target string, row int) string) func(*data.Table) (*data.Table, error) {
	return func(t *data.Table) (*data.Table, error) {
		last := len(t.Columns()) - 1
		var rows [][]string
		for r := range t.Rows() {
			row := []string{of(t.Cell(r, last), r)}
			for c := range t.Columns() {
				row = append(row, t.Cell(r, c))
			}
			rows = append(rows, row)
		}
		return data.NewTable(t.Name(), append([]string{name}, t.Columns()...), rows)
	}
}

// keep selects rows by their target (the last column) and their number among the rows with that target.
func keep(which func(target string, nth int) bool) func(*data.Table) (*data.Table, error) {
	return func(t *data.Table) (*data.Table, error) {
		last := len(t.Columns()) - 1
		seen := map[string]int{}
		var rows [][]string
		for r := range t.Rows() {
			target := t.Cell(r, last)
			seen[target]++
			if !which(target, seen[target]) {
				continue
			}
			var row []string
			for c := range t.Columns() {
				row = append(row, t.Cell(r, c))
			}
			rows = append(rows, row)
		}
		return data.NewTable(t.Name(), t.Columns(), rows)
	}
}
