package cli

import (
	"fmt"
	"strings"
	"testing"
)

func TestEvaluate(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(60, "a,num,two,l1,l2", number, number, cycle("no", "yes"), cycle("0", "1"), cycle("1", "0", "0"))})
	for target, metrics := range map[string]string{
		"num":   "loss rmse mae r2",
		"two":   "loss accuracy balanced_accuracy auc log_loss",
		"l1,l2": "loss accuracy label_accuracy auc log_loss",
	} {
		o := trainQuietly(t, 0, "t.csv", "--target", target, "--epochs", "2", "--validation", "none", "-o", "m.safetensors")
		r := must(t, 0, "evaluate", "m.safetensors", "t.csv", "--json")
		e := parseJSON(t, r.out)
		if e.number(t, "rows") != 60 || r.err != ownTable {
			t.Errorf(`got %s%s, want e.number(t, "rows") = 60 and r.err = ownTable`, r.out, r.err)
		}
		text := must(t, 0, "evaluate", "m.safetensors", "t.csv").out
		for _, m := range strings.Fields(metrics) {
			if e.number(t, "metrics", m) != o.number(t, "metrics", "train", m) {
				t.Errorf("%s: got %s %v on the training rows, want %v as from train", target, m, e.number(t, "metrics", m), o.number(t, "metrics", "train", m))
			}
			if !strings.Contains(text, " "+m) {
				t.Errorf("%s: the text lacks %s:\n%s", target, m, text)
			}
		}
	}
}

// A threshold that would have no effect is refused.
func TestThresholdIsUsed(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(60, "a,num,two", number, number, cycle("no", "yes"))})
	trainQuietly(t, 0, "t.csv", "--target", "two", "--epochs", "2", "-o", "two.safetensors")
	trainQuietly(t, 0, "t.csv", "--target", "num", "--epochs", "2", "-o", "num.safetensors")
	for _, command := range []string{"evaluate", "importance"} {
		for args, want := range map[string]string{
			"two.safetensors t.csv --threshold 0":   `--threshold: "0" is not a probability`,
			"two.safetensors t.csv --threshold 1":   `--threshold: "1" is not a probability`,
			"num.safetensors t.csv --threshold 0.5": "--threshold: it is for two classes, and the task is regression",
		} {
			if r := must(t, 2, append([]string{command}, strings.Fields(args)...)...); !strings.Contains(r.err, want) {
				t.Errorf("%s %s says %q, want %q", command, args, r.err, want)
			}
		}
	}
}

// TestEvaluateUnlabeled: rows without a target are left out. Rows of a single class have no AUC.
func TestEvaluateUnlabeled(t *testing.T) {
	place(t, map[string]string{
		"t.csv": rows(60, "a,y", number, cycle("u", "v")),
		"p.csv": "y,a\nu,0.5\nNA,0.5\n,0.1\nu,0.7\n",
		"n.csv": "y,a\nNA,0.5\n",
	})
	must(t, 0, "train", "t.csv", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	o := parseJSON(t, must(t, 0, "evaluate", "m.safetensors", "p.csv", "--json").out)
	if o.number(t, "rows") != 2 || o.number(t, "left_out", "unlabeled") != 2 {
		t.Errorf(`got %v, want o.number("rows") = 2 and o.number("left_out", "unlabeled") = 2`, o)
	}
	if auc, there := o.at(t, "metrics").(map[string]any)["auc"]; there && auc != nil {
		t.Errorf("got the AUC %v for a single class, want none", auc)
	}
	for _, problem := range refused(call("evaluate", "m.safetensors", "n.csv"), 1, []string{"n.csv", "no row has a target"}) {
		t.Error(problem)
	}
}

// TestEvaluateSaysWhatIsSo: evaluate and importance count missing cells, cells of a new category, rows of an unknown
// class and rows of weight 0. evaluate prints the confusion matrix, the scores of each class and those of a constant
// guess. Its JSON has the names of the classes.
func TestEvaluateSaysWhatIsSo(t *testing.T) {
	place(t, map[string]string{
		"t.csv": rows(90, "a,c,y", number, cycle("u", "v", "v"), cycle("cat", "dog", "ant")),
		"p.csv": "a,c,y,w\n0.5,u,cat,1\n,v,dog,2\n0.1,new,eel,1\n0.7,v,ant,1\n0.7,v,emu,1\n0.2,u,,1\n0.3,other,cat,0\n0.3,old,cat,1\n",
	})
	must(t, 0, "train", "t.csv", "--epochs", "3", "--quiet", "-o", "m.safetensors")
	r := must(t, 0, "evaluate", "m.safetensors", "p.csv", "--sample-weight", "w")
	want := `gradus: 1 row left out, their target is missing
gradus: 2 rows left out, their class was not in the training rows: the first is p.csv:4: column "y": the cell "eel"
gradus: 1 row left out, their weight is 0
gradus: column "a": 1 missing cell, encoded as in training
gradus: column "c": a category that was not in the training rows in 1 cell, such as "old"
`
	if r.err != want {
		t.Errorf("evaluate says\n%s, want\n%s", r.err, want)
	}
	if i := must(t, 0, "importance", "m.safetensors", "p.csv", "--sample-weight", "w", "--quiet"); i.err != want {
		t.Errorf("importance says\n%s, want\n%s", i.err, want)
	}
	for _, text := range []string{"4 rows of p.csv", "commonest class", "True class (down) by predicted class (across)", "precision  recall", "ant", "dog"} {
		if !strings.Contains(r.out, text) {
			t.Errorf("no %q in\n%s", text, r.out)
		}
	}
	o := parseJSON(t, must(t, 0, "evaluate", "m.safetensors", "p.csv", "--sample-weight", "w", "--json").out)
	if o.number(t, "rows") != 4 || o.number(t, "left_out", "unknown_class") != 2 || o.number(t, "left_out", "weightless") != 1 || len(o.at(t, "notes").([]any)) != 5 {
		t.Errorf(`got %v, want o.number("rows") = 4 and o.number("left_out", "unknown_class") = 2 and o.number("left_out", "weightless") = 1 and len(o.at("notes").([]any)) = 5`, o)
	}
	if got := fmt.Sprint(o.at(t, "classes")); got != "[ant cat dog]" {
		t.Errorf("got the classes %s, want [ant cat dog]", got)
	}
	if by := o.at(t, "by_class").([]any); len(by) != 3 || by[2].(map[string]any)["class"] != "dog" || by[2].(map[string]any)["rows"] != 2.0 {
		t.Errorf("got the scores by class %v, want 3, the last of 2 rows of dog", by)
	}
	o.number(t, "guess", "accuracy")
	if said := o.at(t, "compared").(string); !strings.HasPrefix(said, "log_loss of these rows ") || !strings.Contains(strings.Join(strings.Fields(r.out), " "), said) {
		t.Errorf("got the comparison %q in JSON and the text\n%s\nwant the same sentence in both", said, r.out)
	}
	m := parseJSON(t, must(t, 0, "evaluate", "m.safetensors", "p.csv", "--metric", "precision_macro,recall_macro", "--json").out)
	m.number(t, "metrics", "precision_macro")
	m.number(t, "metrics", "recall_macro")
	writeFile(t, "e.csv", "a,c,y\n1,u,eel\n")
	for _, problem := range refused(call("evaluate", "m.safetensors", "e.csv"), 1, []string{"e.csv", "no row has a class of the model", `"eel"`}) {
		t.Error(problem)
	}
}

// TestEvaluateSeveralTargets: each target has a separate line, in evaluate and in train.
func TestEvaluateSeveralTargets(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(60, "a,p,q,l1,l2", number, number, number, cycle("0", "1"), cycle("1", "0", "0"))})
	for _, target := range []string{"p,q", "l1,l2"} {
		trained := must(t, 0, "train", "t.csv", "--target", target, "--epochs", "2", "--quiet", "-o", "m.safetensors")
		evaluated := must(t, 0, "evaluate", "m.safetensors", "t.csv")
		for _, name := range strings.Split(target, ",") {
			for _, r := range []outcome{trained, evaluated} {
				if !strings.Contains(r.out, "of which "+name+" ") {
					t.Errorf("no line for %s in\n%s", name, r.out)
				}
			}
		}
	}
}

// TestSameTableIsSaid: train, evaluate and importance say if a score is on the training rows, and if rows
// are on both sides of the split.
func TestSameTableIsSaid(t *testing.T) {
	table := rows(60, "a,b,y", number, number, number)
	half := strings.Join(strings.SplitAfter(table, "\n")[:31], "")
	place(t, map[string]string{
		"t.csv": table, "same.csv": table, "half.csv": half + "0.123,0.456,0.789\n",
		"new.csv": rows(20, "y,b,a", number, cycle("0.5"), number),
		"odd.csv": "a,b,y\n,0.5,1\n0.5,lots,1\n",
	})
	train := func(more ...string) string {
		return fmt.Sprint(trainQuietly(t, 0, append([]string{"t.csv", "--epochs", "2", "-o", "m.safetensors"}, more...)...).at(t, "notes"))
	}
	for flags, want := range map[string]string{
		"--test same.csv":                   "--test: same.csv is the table that is trained on: its score says nothing about new rows.",
		"--test half.csv --validation none": "Of the 31 test rows 30 repeat a training row, inputs and target",
		"--validation half.csv":             "Of the 31 validation rows 30 repeat a training row, inputs and target",
		"--test new.csv":                    "",
	} {
		got := train(strings.Fields(flags)...)
		if want != "" && !strings.Contains(got, want) || want == "" && strings.Contains(got, "repeat") {
			t.Errorf("%s: the notes are %s, want %q", flags, got, want)
		}
	}
	for _, problem := range refused(call("train", "t.csv", "--test", "odd.csv", "--quiet", "-o", "n.safetensors"), 1, []string{"odd.csv:3", `"lots"`}) {
		t.Error(problem)
	}
	train("--validation", "half.csv")
	for file, want := range map[string]string{"same.csv": ownTable, "new.csv": "", "half.csv": "gradus: this is the table of the validation rows of the training, which may have chosen the epoch: its score may be too good for new rows\n"} {
		for _, command := range []string{"evaluate", "importance"} {
			args := []string{command, "m.safetensors", file, "--json"}
			if command == "importance" {
				args = append(args, "--quiet")
			}
			if r := must(t, 0, args...); r.err != want {
				t.Errorf("%s %s says %q, want %q", command, file, r.err, want)
			}
		}
	}
}

// TestRareLevelsAreNoRepeats: rows that differ are not called repeats because they are encoded alike. If nothing tells
// training rows apart, there is no remark at all.
func TestRareLevelsAreNoRepeats(t *testing.T) {
	names := make([]string, 200)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i*7%120)
	}
	same := rows(80, "a,b,y", cycle(names...), cycle("u", "v", "w"), cycle("0", "1", "1", "0", "1"))
	place(t, map[string]string{
		"rare.csv":     rows(120, "name,y", cycle(names...), cycle("cat", "dog", "dog")),
		"twice.csv":    same + strings.SplitAfterN(same, "\n", 2)[1],
		"constant.csv": rows(120, "a,y", cycle("1"), cycle("cat", "dog")),
	})
	for call, want := range map[string]bool{"rare.csv --types name=category": false, "twice.csv": true, "constant.csv --types a=number": false} {
		args := append(strings.Fields(call), "--epochs", "2", "--test", "0.3", "--members", "1", "-o", "m.safetensors")
		notes := fmt.Sprint(trainQuietly(t, 0, args...).at(t, "notes"))
		if strings.Contains(notes, "a training row, inputs and target") != want {
			t.Errorf("%s: repeated rows are noted: %v, want %v; the notes are %s", call, !want, want, notes)
		}
	}
}

// TestHeldOutFilesAreLookedAt: train counts missing cells and new categories in the files of --validation and
// --test, as predict does for its table. Rows of a class that is not in the training table are left out.
func TestHeldOutFilesAreLookedAt(t *testing.T) {
	place(t, map[string]string{
		"t.csv": rows(60, "a,c,y", number, cycle("u", "v"), cycle("cat", "dog")),
		"h.csv": "a,c,y\n0.5,u,cat\n,v,dog\n0.1,new,dog\n0.1,u,eel\n",
	})
	for _, flag := range []string{"--validation", "--test"} {
		o := trainQuietly(t, 0, "t.csv", "--epochs", "2", "-o", "m.safetensors", flag, "h.csv")
		notes := fmt.Sprint(o.at(t, "notes"))
		for _, want := range []string{
			flag + `: 1 row left out, their class was not in the training rows: the first is h.csv:5: column "y": the cell "eel".`,
			flag + `: column "a": 1 missing cell, encoded as in training.`,
			flag + `: column "c": a category that was not in the training rows in 1 cell, such as "new".`,
		} {
			if !strings.Contains(notes, want) {
				t.Errorf("no %q in %s", want, notes)
			}
		}
		if n := o.number(t, "rows", strings.TrimPrefix(flag, "--")); n != 3 {
			t.Errorf("%s: got %v rows, want 3", flag, n)
		}
	}
}
