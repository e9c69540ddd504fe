// Command intervals measures, on tables of GRADUS_DATA, how often intervals and sets contain the truth, compared
// with their level, and how temperatures change probabilities. Each table is split, with a fifth of the rows for
// the test. A model is trained as gradus train does, and measured on the test rows.
//
//	GRADUS_DATA=DIR go run ./bench/intervals [-level 0.9] [-seeds 3] [-rows 20000] [TABLE...]
//
// It writes two tables of Markdown to standard output.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
)

// tables are measured if none is named. The target is the last column.
var tables = []string{
	"small/abalone", "small/airfoil", "small/auto_mpg", "small/concrete", "small/diabetes_lars", "small/energy_heating",
	"small/wine_quality_red", "small/wine_quality_white", "mid/ames_housing", "mid/bank32nh", "mid/california_housing", "mid/cpu_act",
	"mid/diamonds", "mid/elevators", "mid/kin8nm", "mid/naval", "mid/pol", "mid/power_plant_ccpp", "mid/protein_casp", "mid/puma32H",
	"small/attrition", "small/breast_cancer_wdbc", "small/car", "small/credit_data", "small/german_credit", "small/pima_diabetes",
	"small/segment", "small/semeion", "small/titanic", "small/vehicle", "small/vowel", "mid/adult_train", "mid/dry_bean", "mid/electricity",
	"mid/higgs7k_train", "mid/htru2", "mid/letter", "mid/mlc_churn", "mid/nursery", "mid/optdigits", "mid/page_blocks", "mid/phoneme",
	"mid/spambase", "mid/telco_churn", "mid/waveform5000",
}

func main() {
	level := flag.Float64("level", 0.9, "of intervals and sets")
	seeds := flag.Int("seeds", 3, "splits of each table")
	rows := flag.Int("rows", 20000, "of a table that are used at most")
	flag.Parse()
	if flag.NArg() > 0 {
		tables = flag.Args()
	}
	var amounts, classes []string
	var sums struct{ held, tables, fifths [5]float64 }
	var all, least, most float64
	n := 0
	var sets, plain, before, after float64
	m := 0
	for _, name := range tables {
		found, err := measure(name, *level, *seeds, *rows)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			continue
		}
		if found.regression {
			amounts = append(amounts, fmt.Sprintf("| %s | %d | %.3f | %s | %.2f |", filepath.Base(name), found.rows, found.held, fifths(found.fifths), found.size))
			all += found.held
			for i, f := range found.fifths {
				sums.fifths[i] += f
			}
			if n == 0 {
				least, most = found.held, found.held
			}
			least, most = min(least, found.held), max(most, found.held)
			n++
			fmt.Fprintln(os.Stderr, amounts[len(amounts)-1])
			continue
		}
		classes = append(classes, fmt.Sprintf("| %s | %d | %.3f | %.3f | %.2f | %.3f | %.3f | %.3f | %.4f | %.4f | %.3f | %.3f |", filepath.Base(name), found.rows,
			found.accuracy, found.held, found.size, found.plain, found.temperature, found.kept, found.loss, found.tempered, found.ece, found.temperedECE))
		fmt.Fprintln(os.Stderr, classes[len(classes)-1])
		sets += found.held
		plain += found.plain
		before += found.loss
		after += found.tempered
		m++
	}
	fmt.Printf("| table | test rows | in the interval | by fifths of the prediction, least first | width / sd of the target |\n|---|--:|--:|---|--:|\n%s\n", strings.Join(amounts, "\n"))
	if n > 0 {
		for i := range sums.fifths {
			sums.fifths[i] /= float64(n)
		}
		fmt.Printf("| mean of %d | | %.3f (%.3f to %.3f) | %s | |\n", n, all/float64(n), least, most, fifths(sums.fifths))
	}
	fmt.Printf("\n| table | test rows | accuracy | in the set | classes in a set | in the plain set | temperature | kept | log loss | with it | error | with it |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n%s\n", strings.Join(classes, "\n"))
	if m > 0 {
		k := float64(m)
		fmt.Printf("| mean of %d | | | %.3f | | %.3f | | | %.4f | %.4f | | |\n", m, sets/k, plain/k, before/k, after/k)
	}
}

func fifths(f [5]float64) string {
	return fmt.Sprintf("%.2f %.2f %.2f %.2f %.2f", f[0], f[1], f[2], f[3], f[4])
}

// found is what was measured on a table, as the mean over the splits.
type found struct {
	regression        bool
	rows              int
	held, size        float64 // share of the rows in their interval or set; the size of these
	fifths            [5]float64
	plain             float64 // share of the rows in their set, if the most probable class is not always added
	accuracy          float64
	temperature, kept float64
	loss, tempered    float64 // of the test rows, as trained and with the temperature if it was kept
	ece, temperedECE  float64
}

func measure(name string, level float64, seeds, most int) (f found, err error) {
	t, err := data.Read(filepath.Join(os.Getenv("GRADUS_DATA"), name+".csv"), data.ReadOptions{})
	if err != nil {
		return f, err
	}
	if t.Rows() > most {
		t = head(t, most)
	}
	test := 0.2
	for seed := range seeds {
		o := model.Options{Seed: uint64(seed + 1), Test: &test, Calibrate: true}
		m, fit, err := model.Train(context.Background(), t, o)
		if err != nil {
			return f, err
		}
		j, err := fit.Judge(m)
		if err != nil {
			return f, err
		}
		f.rows = len(j.Rows)
		share := 1 / float64(seeds)
		switch f.regression = m.Task() == data.Regression; {
		case f.regression:
			err = f.intervals(m, j, level, share)
		case m.Classes() == nil:
			err = fmt.Errorf("it has several labels")
		default:
			if err = f.sets(m, j, level, share); err == nil {
				err = f.calibration(m, fit, j, share)
			}
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// intervals adds a run's share: how many test rows are in their intervals, in total and by fifths of
// the predictions, and how wide the intervals are.
func (f *found) intervals(m *model.Model, j *model.Judged, level, share float64) error {
	in, err := m.Intervals(j.Says, level)
	if err != nil {
		return err
	}
	order := make([]int, len(in))
	mean, squares, wide := 0.0, 0.0, 0.0
	for i := range order {
		order[i] = i
		mean += j.Truth[i] / float64(len(in))
		wide += (in[i].Upper - in[i].Lower) / float64(len(in))
	}
	for _, y := range j.Truth {
		squares += (y - mean) * (y - mean) / float64(len(in))
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if j.Says[a] < j.Says[b] {
			return -1
		}
		return 1
	})
	var rows, inside [5]float64
	for at, i := range order {
		fifth := at * 5 / len(order)
		rows[fifth]++
		if j.Truth[i] >= in[i].Lower && j.Truth[i] <= in[i].Upper {
			inside[fifth]++
			f.held += share / float64(len(order))
		}
	}
	for k := range rows {
		f.fifths[k] += share * inside[k] / rows[k]
	}
	f.size += share * wide / math.Sqrt(squares)
	return nil
}

// sets adds a run's share: how many test rows have their class in their set, and the size of the sets.
func (f *found) sets(m *model.Model, j *model.Judged, level, share float64) error {
	sets, err := m.Sets(j.Says, level)
	if err != nil {
		return err
	}
	width := m.Outputs()
	for i, set := range sets {
		own := m.Classes()[int(j.Truth[i])]
		if slices.Contains(set, own) {
			f.held += share / float64(len(sets))
		}
		if m.Describe(j.Says[i*width:][:width]).Class == own {
			f.accuracy += share / float64(len(sets))
		}
		f.size += share * float64(len(set)) / float64(len(sets))
	}
	plain, err := m.Conformal.Limit(level)
	if err != nil {
		return err
	}
	for i := range sets {
		if 1-j.Says[i*width+int(j.Truth[i])] <= plain {
			f.plain += share / float64(len(sets))
		}
	}
	return nil
}

// calibration adds a run's share: how the temperature changes the loss and the calibration error.
func (f *found) calibration(m *model.Model, fit *model.Fit, j *model.Judged, share float64) error {
	before, err := fit.Judge(m.AsTrained())
	if err != nil {
		return err
	}
	width := m.Outputs()
	f.loss += share * logLoss(before, width)
	f.tempered += share * logLoss(j, width)
	f.ece += share * errorOf(before, width)
	f.temperedECE += share * errorOf(j, width)
	if c := m.Training.Calibration; c != nil {
		f.temperature += share * c.Temperature
		if c.Kept {
			f.kept += share
		}
	}
	return nil
}

func logLoss(j *model.Judged, width int) float64 {
	sum := 0.0
	for i, y := range j.Truth {
		sum -= math.Log(max(1e-15, j.Says[i*width+int(y)])) / float64(len(j.Truth))
	}
	return sum
}

// errorOf returns the expected calibration error of the predicted class.
func errorOf(j *model.Judged, width int) float64 {
	right, p := make([]float64, len(j.Truth)), make([]float64, len(j.Truth))
	for i, y := range j.Truth {
		best := 0
		for k := range width {
			if j.Says[i*width+k] > j.Says[i*width+best] {
				best = k
			}
		}
		if p[i] = j.Says[i*width+best]; best == int(y) {
			right[i] = 1
		}
	}
	return metrics.CalibrationError(right, p, nil)
}

// head returns a table with that many rows of another, evenly spread.
func head(t *data.Table, rows int) *data.Table {
	cells := make([][]string, rows)
	for i := range cells {
		for c := range t.Columns() {
			cells[i] = append(cells[i], t.Cell(i*t.Rows()/rows, c))
		}
	}
	out, err := data.NewTable(t.Name(), t.Columns(), cells)
	if err != nil {
		panic(err) // the columns are a table's
	}
	return out
}
