package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

func TestCV(t *testing.T) {
	place(t, nil)
	r := must(t, 0, "cv", iris, "--members", "1", "--folds", "4", "--epochs", "3", "--json", "-o", "oof.csv", "--metric", "accuracy,log-loss")
	o := parseJSON(t, r.out)
	folds := o.at(t, "folds").([]any)
	if len(folds) != 4 || strings.Count(r.err, "\n") != 4 {
		t.Fatalf("got %d folds and the progress\n%s\nwant 4 folds and a line for each", len(folds), r.err)
	}
	sum, rows := 0.0, 0.0
	for i, f := range folds {
		f := object(f.(map[string]any))
		sum += f.number(t, "metrics", "accuracy") / 4
		rows += f.number(t, "rows", "test")
		if f.number(t, "fold") != float64(i+1) || f.number(t, "epochs") != 3 || len(f.at(t, "weights_sha256").(string)) != 64 {
			t.Errorf("got fold %d as %v, want its number, 3 epochs and a checksum", i+1, f)
		}
	}
	if rows != 150 || o.number(t, "rows") != 150 || math.Abs(sum-o.number(t, "mean", "accuracy")) > 1e-12 || o.number(t, "sd", "log_loss") <= 0 {
		t.Errorf(`got %v, want rows = 150 and o.number("rows") = 150 and math.Abs(sum-o.number("mean", "accuracy")) <= 1e-12 and o.number("sd", "log_loss") > 0`, o)
	}
	// The pooled accuracy is that of these predictions.
	header, records := predictions(t, readFile(t, "oof.csv"))
	_, table := predictions(t, readFile(t, iris))
	right := 0.0
	for i, record := range records {
		row, err := strconv.Atoi(record[0])
		if err != nil || row != i {
			t.Fatalf("got the row number %q, want %d", record[0], i)
		}
		if record[2] == table[row][4] {
			right++
		}
	}
	if strings.Join(header, ",") != "row,fold,species,p_setosa,p_versicolor,p_virginica" || math.Abs(right/150-o.number(t, "out_of_fold", "accuracy")) > 1e-12 {
		t.Errorf("got the columns %v and the scores %v, want an accuracy of %v/150", header, o["out_of_fold"], right)
	}
	text := must(t, 0, "cv", iris, "--members", "1", "--folds", "4", "--epochs", "3", "--quiet").out
	if !strings.HasPrefix(o.at(t, "compared").(string), fmt.Sprintf("mean accuracy of the folds %.4g, of a linear model %.4g, ",
		o.number(t, "mean", "accuracy"), o.number(t, "linear", "scores", "accuracy"))) {
		t.Errorf("got the sentence %q, want the figures of %v and %v", o.at(t, "compared"), o["mean"], o["linear"])
	}
	for _, want := range []string{"linear model ", "Compared mean log_loss of the folds", "fold 4", "mean ", "standard deviation", "commonest class", "all together"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--folds", "1"}, "--folds 1: give a whole number of at least 2"},
		{[]string{"--test", "0.2"}, "--test: every row is a test row once"},
		{[]string{"--validation", iris}, "each fold takes its validation rows from its own training rows"},
		{[]string{"--from", "m.safetensors"}, "--from: the weights were trained on rows"},
		{[]string{"--metric", "rmse"}, `there is no metric "rmse"`},
		{[]string{"--json", "-o", "-"}, "--json writes to standard output"},
	} {
		for _, problem := range refused(call(append([]string{"cv", iris, "--epochs", "1", "--quiet"}, c.args...)...), 2, []string{c.want}) {
			t.Error(problem)
		}
	}
}

func TestImportance(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", "--members", "1", penguins, "--epochs", "20", "--quiet", "-o", "m.safetensors")
	o := parseJSON(t, must(t, 0, "importance", "m.safetensors", penguins, "--json", "--metric", "log-loss", "--repeats", "3").out)
	columns := o.at(t, "columns").([]any)
	if o.at(t, "metric") != "log_loss" || len(columns) != 6 || o.number(t, "rows") != 344 {
		t.Fatalf(`got %v, want o.at("metric") = "log_loss" and len(columns) = 6 and o.number("rows") = 344`, o)
	}
	last := math.Inf(1)
	for _, c := range columns {
		c := object(c.(map[string]any))
		if v := c.number(t, "importance"); v > last || len(c.at(t, "drops").([]any)) != 3 {
			t.Errorf(`got %v, want v <= last and len(c.at(t, "drops").([]any)) = 3`, c)
		} else {
			last = v
		}
	}
	text := must(t, 0, "importance", "m.safetensors", penguins, "--threads", "1")
	again := must(t, 0, "importance", "m.safetensors", penguins, "--threads", "2")
	other := must(t, 0, "importance", "m.safetensors", penguins, "--seed", "2")
	if text.out != again.out || text.out == other.out || !strings.Contains(text.out, "bill_length_mm") {
		t.Errorf(`got %s %s %s, want text.out = again.out and text.out != other.out and "bill_length_mm" in text.out`, text.out, again.out, other.out)
	}
	must(t, 0, "importance", "m.safetensors", penguins, "-o", "bars.svg")
	if svg := readFile(t, "bars.svg"); !strings.Contains(svg, "flipper_length_mm") || !strings.Contains(svg, "how much worse accuracy") {
		t.Error("the picture does not show the columns")
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-o", "bars.gif"}, "expected .svg or .png"},
		{[]string{"--repeats", "0"}, "--repeats 0: give a whole number of at least 1"},
		{[]string{"--threads", "0"}, "--threads 0: give a whole number of at least 1"},
		{[]string{"--metric", "rmse"}, `there is no metric "rmse"`},
		{[]string{"--threshold", "0.3"}, "--threshold: it is for two classes"},
		{[]string{"--metric", "rmse", "--run", "kept"}, `there is no metric "rmse"`},
	} {
		for _, problem := range refused(call(append([]string{"importance", "m.safetensors", penguins}, c.args...)...), 2, []string{c.want}) {
			t.Error(problem)
		}
	}
}

// The flags about rows do on the command line what they do in the library.
func TestRowFlags(t *testing.T) {
	place(t, nil)
	o := trainQuietly(t, 0, cancer, "--epochs", "5", "--test", "0.2", "--metric", "f1,auc", "--threshold", "auto:f1", "--class-weight", "balanced", "--seed", "4", "-o", "m.safetensors")
	if o.number(t, "threshold") == 0.5 || len(o.at(t, "metrics", "test").(map[string]any)) != 4 { // loss, f1, auc, confusion
		t.Errorf("got the threshold %v and the scores %v, want another threshold than 0.5 and 4 scores", o["threshold"], o.at(t, "metrics", "test"))
	}
	evaluated := parseJSON(t, must(t, 0, "evaluate", "m.safetensors", cancer, "--json", "--metric", "accuracy").out)
	_, records := predictions(t, must(t, 0, "predict", "m.safetensors", cancer).out)
	_, table := predictions(t, readFile(t, cancer))
	right := 0.0
	for i, r := range records {
		if r[0] == table[i][len(table[i])-1] {
			right++
		}
		if p, err := strconv.ParseFloat(r[2], 32); err != nil || (p > o.number(t, "threshold")) != (r[0] == "malignant") {
			t.Fatalf("row %d: got the prediction %v, which does not fit the threshold %v", i, r, o["threshold"])
		}
	}
	if got := evaluated.number(t, "metrics", "accuracy"); math.Abs(got-right/float64(len(records))) > 1e-12 {
		t.Errorf("got the accuracy %v from evaluate, want %v as from the classes of predict", got, right/float64(len(records)))
	}
	text := must(t, 0, "train", "--members", "1", cancer, "--epochs", "5", "--metric", "f1", "--threshold", "auto:f1", "--quiet", "-o", "m.safetensors").out
	for _, want := range []string{"Decides  malignant above a probability of", "the best on the validation rows by f1", "The validation rows also chose the epoch and the threshold"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// On a real table with a rare class, balanced class weights find more rows of that class.
func TestRareClassOnARealTable(t *testing.T) {
	table := need.Data(t, "small/titanic.csv")
	place(t, nil)
	recall := func(flags ...string) float64 {
		o := trainQuietly(t, 0, append([]string{table, "--target", "survived", "--test", "0.25", "--epochs", "30", "-o", "m.safetensors"}, flags...)...)
		confusion := o.at(t, "metrics", "test", "confusion").([]any)[1].([]any)
		return confusion[1].(float64) / (confusion[0].(float64) + confusion[1].(float64))
	}
	if plain, weighted := recall(), recall("--class-weight", "balanced"); weighted <= plain {
		t.Errorf("got a recall of %v with balanced weights, want more than %v, as without weights", weighted, plain)
	}
}

// TestCVLackingScore: a score that does not exist for a fold is named, with its value over all rows.
func TestCVLackingScore(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(60, "a,g,y", number, func(i int) string { return fmt.Sprint(i / 20) }, func(i int) string {
		if i >= 20 && i%2 == 0 {
			return "yes"
		}
		return "no" // and so are all rows of group 0
	})})
	args := []string{"cv", "t.csv", "--members", "1", "--folds", "3", "--group", "g", "--epochs", "2", "--validation", "none", "--quiet"}
	o := parseJSON(t, must(t, 0, append(args, "--json")...).out)
	lacking := o.at(t, "lacking").([]any)[0].(map[string]any)
	fold := lacking["folds"].([]any)
	if lacking["score"] != "auc" || len(fold) != 1 {
		t.Fatalf("got the missing score %v, want auc in one fold", lacking)
	}
	pooled := o.number(t, "out_of_fold", "auc")
	text := must(t, 0, args...).out
	want := fmt.Sprintf("Note     auc is not defined in fold %v, so it has no mean; over all rows together it is %s.", fold[0], short(pooled))
	if !strings.Contains(text, want) || !strings.Contains(text, "  auc  ") {
		t.Errorf("no %q, or no column auc, in\n%s", want, text)
	}
}

// A fold reports its progress within a long epoch. Within a short epoch it does not.
func TestCVWithinAnEpoch(t *testing.T) {
	was := longEpoch
	t.Cleanup(func() { longEpoch = was })
	place(t, nil)
	args := []string{"cv", iris, "--members", "1", "--folds", "2", "--epochs", "3", "--batch-size", "4"}
	if r := must(t, 0, args...); strings.Contains(r.err, "left") {
		t.Errorf("got progress within short epochs, want none:\n%s", r.err)
	}
	longEpoch = 0
	r := must(t, 0, args...)
	for _, want := range []string{"fold 1: epoch 1 of 3: ", "fold 2: epoch 3 of 3: ", " samples/s, ", " left\n", "(2 of 2 folds)\n"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("%q is missing in\n%s", want, r.err)
		}
	}
	longEpoch = 0
	if r := must(t, 0, append(args, "--quiet")...); r.err != "" {
		t.Errorf("got the messages\n%s\nwith --quiet, want none", r.err)
	}
}
