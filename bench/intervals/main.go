// Command intervals measures, on tables of GRADUS_DATA, how often intervals and sets contain the truth, compared
// with their level, and how temperatures change probabilities. Each table is split, with a fifth of the rows for
// the test. A model is trained as gradus train does, and measured on the test rows. For a regression there is a
// second model, whose network also learns the bounds (gradus train --interval).
//
//	GRADUS_DATA=DIR go run ./bench/intervals [-level 0.9] [-learn LEVEL] [-seeds 3] [-rows 20000] [-members 1] [TABLE...]
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
	level := flag.Float64("level", 0.9, "the level of intervals and sets")
	learn := flag.Float64("learn", 0, "level for which bounds are learned; 0: the level")
	seeds := flag.Int("seeds", 3, "splits of each table")
	rows := flag.Int("rows", 20000, "the most rows of a table that are used")
	members := flag.Int("members", 1, "networks of a model; -1: as many as gradus train trains")
	flag.Parse()
	if flag.NArg() > 0 {
		tables = flag.Args()
	}
	if *learn == 0 {
		*learn = *level
	}
	var amounts, classes []string
	var all [2][]kept
	var sets, plain, before, after float64
	m := 0
	for _, name := range tables {
		found, err := measure(name, *level, *learn, *seeds, *rows, *members)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			continue
		}
		if found.regression {
			for i, k := range found.kept {
				all[i] = append(all[i], k)
			}
			amounts = append(amounts, line(filepath.Base(name), fmt.Sprint(found.rows), found.kept))
			fmt.Fprintln(os.Stderr, amounts[len(amounts)-1])
			continue
		}
		classes = append(classes, fmt.Sprintf("| %s | %d | %.3f | %.3f | %.2f | %.3f | %.3f | %.3f | %.4f | %.4f | %.3f | %.3f |", filepath.Base(name), found.rows,
			found.accuracy, found.held, found.size, found.plain, found.temperature, found.used, found.loss, found.tempered, found.ece, found.temperedECE))
		fmt.Fprintln(os.Stderr, classes[len(classes)-1])
		sets += found.held
		plain += found.plain
		before += found.loss
		after += found.tempered
		m++
	}
	fmt.Printf("| table | test rows | in the interval | by fifths of the prediction, least first | width | score | rmse |\n|---|--:|--:|---|--:|--:|--:|\n%s\n", strings.Join(amounts, "\n"))
	if n := len(amounts); n > 0 {
		fmt.Println(line(fmt.Sprintf("mean of %d", n), "", [2]kept{mean(all[0]), mean(all[1])}))
		better := 0
		for i := range n {
			if all[1][i].score < all[0][i].score {
				better++
			}
		}
		fmt.Printf("\nThe learned bounds have the lower score on %d of %d tables.\n", better, n)
	}
	fmt.Printf("\n| table | test rows | accuracy | in the set | classes in a set | in the plain set | temperature | kept | log loss | with it | error | with it |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n%s\n", strings.Join(classes, "\n"))
	if m > 0 {
		k := float64(m)
		fmt.Printf("| mean of %d | | | %.3f | | %.3f | | | %.4f | %.4f | | |\n", m, sets/k, plain/k, before/k, after/k)
	}
}

// kept is how a model's intervals did, as the mean over the splits.
type kept struct {
	held   float64    // share of the rows in their interval
	fifths [5]float64 // the same by fifths of the predictions
	width  float64    // mean width, in standard deviations of the target
	score  float64    // mean interval score, likewise
	rmse   float64    // of the predictions, likewise
}

// line writes how two methods did as a row of a table: from errors, then learned.
func line(name, rows string, k [2]kept) string {
	text := fmt.Sprintf("| %s | %s |", name, rows)
	for _, cell := range []func(k kept) string{
		func(k kept) string { return fmt.Sprintf("%.3f", k.held) },
		func(k kept) string { return fifths(k.fifths) },
		func(k kept) string { return fmt.Sprintf("%.2f", k.width) },
		func(k kept) string { return fmt.Sprintf("%.3f", k.score) },
		func(k kept) string { return fmt.Sprintf("%.4f", k.rmse) },
	} {
		text += fmt.Sprintf(" %s / %s |", cell(k[0]), cell(k[1]))
	}
	return text
}

func mean(all []kept) (m kept) {
	for _, k := range all {
		m.add(k, 1/float64(len(all)))
	}
	return m
}

func (m *kept) add(k kept, share float64) {
	m.held += share * k.held
	m.width += share * k.width
	m.score += share * k.score
	m.rmse += share * k.rmse
	for i, f := range k.fifths {
		m.fifths[i] += share * f
	}
}

func fifths(f [5]float64) string {
	return fmt.Sprintf("%.2f %.2f %.2f %.2f %.2f", f[0], f[1], f[2], f[3], f[4])
}

// found is what was measured on a table, as the mean over the splits.
type found struct {
	regression        bool
	rows              int
	kept              [2]kept // the intervals from errors, and the learned ones
	held, size        float64 // share of the rows in their set; the size of these
	plain             float64 // share of the rows in their set, if the most probable class is not always added
	accuracy          float64
	temperature, used float64
	loss, tempered    float64 // of the test rows, as trained and with the temperature if it was kept
	ece, temperedECE  float64
}

func measure(name string, level, learn float64, seeds, most, members int) (f found, err error) {
	t, err := data.Read(filepath.Join(os.Getenv("GRADUS_DATA"), name+".csv"), data.ReadOptions{})
	if err != nil {
		return f, err
	}
	if t.Rows() > most {
		t = head(t, most)
	}
	test := 0.2
	for seed := range seeds {
		o := model.Options{Seed: uint64(seed + 1), Test: &test, Calibrate: true, Members: members}
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
			if err = f.intervals(0, m, j, level, share); err != nil {
				return f, err
			}
			o.Interval = learn
			if m, fit, err = model.Train(context.Background(), t, o); err != nil {
				return f, err
			}
			if j, err = fit.Judge(m); err != nil {
				return f, err
			}
			err = f.intervals(1, m, j, level, share)
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

// intervals adds a run's share of one method: how many test rows are in their intervals, in total and by fifths of
// the predictions, how wide the intervals are, and their score (Gneiting and Raftery 2007).
func (f *found) intervals(method int, m *model.Model, j *model.Judged, level, share float64) error {
	says, by := j.Says, m.Bounds(level)
	if by != m {
		all, _, err := by.Predict(j.Table)
		if err != nil {
			return err
		}
		says = nil
		for _, row := range j.Rows {
			says = append(says, all[2*row:][:2]...)
		}
	}
	in, err := by.Intervals(says, level)
	if err != nil {
		return err
	}
	n := float64(len(in))
	var lower, upper []float64
	middle, squares, off := 0.0, 0.0, 0.0
	for i, y := range j.Truth {
		lower, upper = append(lower, in[i].Lower), append(upper, in[i].Upper)
		middle += y / n
		off += (y - j.Says[i]) * (y - j.Says[i]) / n
	}
	for _, y := range j.Truth {
		squares += (y - middle) * (y - middle) / n
	}
	c := metrics.Cover(level, lower, upper, j.Says, j.Truth, nil)
	sd := math.Sqrt(squares)
	f.kept[method].add(kept{c.Share, c.Fifths, c.Width / sd, c.Score / sd, math.Sqrt(off) / sd}, share)
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
			f.used += share
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
