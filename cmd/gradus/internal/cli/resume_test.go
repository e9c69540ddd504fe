package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// callFor runs gradus with a context that ends after limit, as a signal ends it.
func callFor(t *testing.T, limit time.Duration, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var out, errs strings.Builder
	code := run(ctx, args, Std{In: strings.NewReader(""), Out: &out, Err: &errs})
	return outcome{code, out.String(), errs.String()}
}

// callUntil runs gradus until a file exists, and then ends its context, as a signal does. The run then writes
// a second checkpoint.
func callUntil(t *testing.T, file string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(file); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var out, errs strings.Builder
	code := run(ctx, args, Std{In: strings.NewReader(""), Out: &out, Err: &errs})
	return outcome{code, out.String(), errs.String()}
}

// reached lists the keys of train's JSON that must be equal in a resumed run and in one that was never
// interrupted. Times are not among them.
var reached = []string{"weights_sha256", "stop_reason", "converged", "epochs", "steps", "loss", "best_epoch", "metrics", "rows", "seed", "columns", "diagnosis", "notes"}

// differences compares two results of train --json.
func differences(got, want object) (out []string) {
	for _, key := range reached {
		if g, w := fmt.Sprint(got[key]), fmt.Sprint(want[key]); g != w {
			out = append(out, fmt.Sprintf("%s is %s, want %s", key, g, w))
		}
	}
	return out
}

// course returns the rows of a history.csv without the column of times. For an ensemble it joins those of its members.
func course(t *testing.T, dir string) string {
	t.Helper()
	if members, _ := filepath.Glob(filepath.Join(dir, "member-*")); members != nil {
		text := ""
		for _, own := range members {
			text += course(t, own)
		}
		return text
	}
	rows, err := csv.NewReader(strings.NewReader(readFile(t, filepath.Join(dir, "history.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		rows[i] = r[:len(r)-1]
	}
	return fmt.Sprint(rows)
}

func TestResumeAfterAnInterruption(t *testing.T) {
	place(t, nil)
	args := []string{"train", "--members", "1", diabetes, "--test", "0.2", "--optimizer", "adam", "--schedule", "cosine", "--epochs", "800", "--patience", "0", "--quiet"}
	whole := parseJSON(t, must(t, 0, append(args, "--json", "--run", "whole", "-o", "w.safetensors")...).out)
	args = append(args, "--run", "parts", "-o", "m.safetensors", "--checkpoint-every", "5ms")
	r := callUntil(t, "parts/"+checkpointFiles[0], args...)
	if r.code != 130 || !strings.Contains(r.out, "gradus resume parts") {
		t.Fatalf("got exit status %d, want 130\n%s%s", r.code, r.out, r.err)
	}
	must(t, 0, "info", "m.safetensors")                    // the interrupted run has saved a model
	if err := os.Remove("parts/result.json"); err != nil { // as after kill -9
		t.Fatal(err)
	}
	must(t, 0, "plot", "parts", "-o", "curves.svg")
	for r.code == 130 {
		r = callFor(t, time.Duration(whole.number(t, "seconds")/3*1e9), "resume", "parts", "--json", "--quiet", "--threads", "1")
	}
	if r.code != 0 {
		t.Fatalf("got exit status %d, want 0\n%s%s", r.code, r.out, r.err)
	}
	o := parseJSON(t, r.out)
	for _, d := range differences(o, whole) {
		t.Error(d)
	}
	if course(t, "parts") != course(t, "whole") {
		t.Error("the histories differ")
	}
	if o["model"] != "m.safetensors" || readFile(t, "parts/result.json") != r.out {
		t.Errorf("got the model %v, want m.safetensors; result.json, which must equal the output, is\n%s", o["model"], readFile(t, "parts/result.json"))
	}
}

// A signal can come after the last update, during the comparison with a linear model. Then the trained model is saved, and
// resume makes the comparison.
func TestResumeComparesAgain(t *testing.T) {
	place(t, nil)
	var rows strings.Builder
	rows.WriteString("y")
	const columns = 50
	for c := range columns {
		fmt.Fprintf(&rows, ",x%d", c)
	}
	for r := range 4000 {
		fmt.Fprintf(&rows, "\n%d", r*r%97)
		for c := range columns {
			fmt.Fprintf(&rows, ",%d", (r+1)*(c+3)*(r+c)%101)
		}
	}
	writeFile(t, "wide.csv", rows.String()+"\n")
	// On one thread the linear model is trained after the network.
	args := []string{"train", "--members", "1", "wide.csv", "--target", "y", "--task", "regression", "--epochs", "2", "--quiet", "--threads", "1"}
	whole := parseJSON(t, must(t, 0, append(args, "--json", "--run", "whole", "-o", "w.safetensors")...).out)
	r := callUntil(t, "parts/"+checkpointFiles[0], append(args, "--run", "parts", "-o", "m.safetensors", "--checkpoint-every", "1h")...)
	if r.code != statusInterrupted || !strings.Contains(r.out, "m.safetensors holds the trained model, without the comparison with a linear model") || !strings.Contains(r.out, "gradus resume parts") {
		t.Fatalf("got exit status %d, want 130\n%s%s", r.code, r.out, r.err)
	}
	must(t, 0, "info", "m.safetensors")
	for _, d := range differences(parseJSON(t, must(t, 0, "resume", "parts", "--json", "--quiet").out), whole) {
		t.Error(d)
	}
}

// resume prints the notes on the flags again.
func TestResumeRepeatsNotes(t *testing.T) {
	place(t, nil)
	for i, flags := range []string{"--batch-size 5000 --validation none --patience 3", "--method batch --batch-size 7", "--class-weight balanced"} {
		dir := fmt.Sprint("run", i)
		args := append([]string{"train", "--members", "1", iris, "--epochs", "3", "--run", dir, "-o", "m.safetensors", "--quiet"}, strings.Fields(flags)...)
		first := must(t, 0, args...).out
		notes := func(out string) (lines []string) {
			for _, line := range strings.Split(out, "\n") {
				if strings.HasPrefix(line, "Note ") {
					lines = append(lines, line)
				}
			}
			return lines
		}
		if len(notes(first)) == 0 {
			t.Fatalf("%s: no notes in\n%s", flags, first)
		}
		for _, whole := range []bool{true, false} { // finished, and as if killed before the first checkpoint
			if !whole {
				for _, name := range checkpointFiles {
					os.Remove(filepath.Join(dir, name))
				}
			}
			if again := must(t, 0, "resume", dir, "--quiet").out; fmt.Sprint(notes(again)) != fmt.Sprint(notes(first)) {
				t.Errorf("%s: got the notes %q from resume, want %q", flags, notes(again), notes(first))
			}
		}
		must(t, 0, "train", "--config", dir+"/config.json", "--quiet")
	}
}

// resume reports a finished run again, from any folder. It obeys -o.
func TestResumeReports(t *testing.T) {
	place(t, nil)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	// The table is in the working folder, so its name is relative.
	writeFile(t, "iris.csv", readFile(t, iris))
	first := trainQuietly(t, 0, "iris.csv", "--epochs", "5", "--run", "run", "-o", "m.safetensors", "--test", "0.3")
	model := readFile(t, "m.safetensors")
	if err := os.Remove("m.safetensors"); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	again := parseJSON(t, must(t, 0, "resume", filepath.Join(here, "run"), "--json").out)
	for _, d := range differences(again, first) {
		t.Error(d)
	}
	if again["seconds"] != first["seconds"] {
		t.Errorf("got %v seconds, want %v as at first", again["seconds"], first["seconds"])
	}
	if readFile(t, filepath.Join(here, "m.safetensors")) != model {
		t.Error("the model of the resumed run differs")
	}
	r := must(t, 0, "resume", filepath.Join(here, "run"), "-o", "other.safetensors")
	if readFile(t, "other.safetensors") == "" || !strings.Contains(r.out, "Model    other.safetensors") || !strings.Contains(r.out, "5 epochs (all that were allowed)") {
		t.Errorf(`got %v, want readFile(t, "other.safetensors") != "" and "Model    other.safetensors" in r.out and "5 epochs (all that were allowed)" in r.out`, r.out)
	}
}

// resume starts a run that has only its configuration.
func TestResumeBegins(t *testing.T) {
	place(t, nil)
	trainQuietly(t, 0, iris, "--hidden", "5", "--epochs", "1", "-o", "start.safetensors")
	first := trainQuietly(t, 0, iris, "--hidden", "5", "--epochs", "5", "--from", "start.safetensors", "--run", "run", "-o", "m.safetensors")
	for _, name := range checkpointFiles {
		os.Remove("run/" + name)
	}
	for _, d := range differences(parseJSON(t, must(t, 0, "resume", "run", "--json", "--quiet").out), first) {
		t.Error(d)
	}
	// The run's folder has a copy of the model to start from.
	if err := os.Remove("start.safetensors"); err != nil {
		t.Fatal(err)
	}
	for _, d := range differences(parseJSON(t, must(t, 0, "resume", "run", "--json", "--quiet").out), first) {
		t.Error(d)
	}
}

func TestResumeOfOtherEnds(t *testing.T) {
	place(t, nil)
	for _, c := range []struct {
		args string
		code int
		word string
	}{
		{diabetes + " --lr 1e30 --optimizer sgd --epochs 5", 1, "training diverged"},
		{iris + " --max-time 1ns", 0, ""},
		{iris + " --tolerance 1e-9 --epochs 3", 3, "without reaching the tolerance"},
		{iris + " --target-loss 0.9 --lr 0.01", 0, ""},
		{seed + " --method per-sample --hidden 3 --activation sigmoid --tolerance 0.3 --epochs 50", 0, ""},
	} {
		os.RemoveAll("run")
		os.Remove("m.safetensors") // train says that it replaces a file, and resume does not
		r := call(append([]string{"train", "--members", "1", "--json", "--quiet", "--run", "run", "-o", "m.safetensors"}, strings.Fields(c.args)...)...)
		again := call("resume", "run", "--json", "--quiet")
		if r.code != c.code || again.code != c.code || !strings.Contains(again.err, c.word) || again.err != r.err {
			t.Errorf("%s: got exit status %d, and %d from resume, want %d and the same message\n%s%s", c.args, r.code, again.code, c.code, r.err, again.err)
		}
		for _, d := range differences(parseJSON(t, again.out), parseJSON(t, r.out)) {
			t.Errorf("%s: %s", c.args, d)
		}
	}
}

// A damaged checkpoint is named, and the one before it is used.
func TestResumeAfterDamage(t *testing.T) {
	notShort(t)
	place(t, nil)
	args := []string{"train", "--members", "1", diabetes, "--epochs", "1000", "--patience", "0", "--quiet", "--checkpoint-every", "3ms", "--run"}
	whole := parseJSON(t, must(t, 0, append(args, "whole", "--json", "-o", "w.safetensors")...).out)
	for name, damage := range map[string]func([]byte) []byte{
		"flipped": func(b []byte) []byte { b[len(b)/2] ^= 4; return b },
		"torn":    func(b []byte) []byte { return b[:len(b)/3] },
		"empty":   func(b []byte) []byte { return nil },
		"header":  func(b []byte) []byte { b[2] ^= 0xff; return b },
	} {
		if r := callUntil(t, name+"/"+checkpointFiles[0], append(args, name, "-o", "m.safetensors")...); r.code != 130 {
			t.Fatalf("got exit status %d, want 130\n%s", r.code, r.err)
		}
		d := &runDir{path: name}
		_, file, _, err := d.newest()
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		newest := filepath.Join(name, checkpointFiles[1-d.next])
		writeFile(t, newest, string(damage([]byte(readFile(t, newest)))))
		r := call("resume", name, "--json", "--quiet")
		if r.code != 0 || !strings.HasPrefix(r.err, "gradus: "+newest+": damaged: ") || !strings.Contains(r.err, "; continuing from the one before it, of update ") {
			t.Fatalf("%s: got exit status %d, want 0 and a note on the damage\n%s", name, r.code, r.err)
		}
		for _, d := range differences(parseJSON(t, r.out), whole) {
			t.Errorf("%s: %s", name, d)
		}
		for _, c := range checkpointFiles {
			writeFile(t, filepath.Join(name, c), "x")
		}
		both := []string{filepath.Join(name, checkpointFiles[0]) + " and " + filepath.Join(name, checkpointFiles[1]) + ": damaged: ", "remove both to start"}
		for _, problem := range refused(call("resume", name), 1, both) {
			t.Errorf("%s: both damaged: %s", name, problem)
		}
		if err := os.Remove(filepath.Join(name, checkpointFiles[0])); err != nil {
			t.Fatal(err)
		}
		for _, problem := range refused(call("resume", name), 1, []string{name, "damaged", "no other checkpoint", "remove it to start"}) {
			t.Errorf("%s: the only one damaged: %s", name, problem)
		}
	}
}

func TestResumeRefuses(t *testing.T) {
	place(t, nil)
	writeFile(t, "iris.csv", readFile(t, iris))
	writeFile(t, "test.csv", readFile(t, iris))
	trainQuietly(t, 0, "iris.csv", "--epochs", "2", "--test", "test.csv", "--run", "run", "-o", "m.safetensors")
	for _, c := range []struct {
		what  string
		make  func()
		words []string
	}{
		{"nofolder", nil, []string{"nofolder/config.json", "no such file", "gradus train --run"}},
		{"run", func() { writeFile(t, "test.csv", strings.Replace(readFile(t, iris), "5.1", "5.2", 1)) }, []string{"the test rows are not what they were", "put the old data back"}},
		{"run", func() { writeFile(t, "iris.csv", strings.Replace(readFile(t, iris), "5.1", "5.2", 1)) }, []string{"the table's rows are not what they were", "start a new run"}},
		{"run", func() { os.Remove("iris.csv") }, []string{"iris.csv", "no such file"}},
	} {
		if c.make != nil {
			c.make()
		}
		before := listing(t)
		for _, problem := range refused(call("resume", c.what), 1, c.words) {
			t.Errorf("%s: %s", c.words, problem)
		}
		if changed := changes(before, listing(t)); changed != nil {
			t.Errorf("%s: got the changed files %q, want none", c.words, changed)
		}
	}
}

// Two runs cannot be in one folder.
func TestOneRunInAFolder(t *testing.T) {
	place(t, nil)
	trainQuietly(t, 0, iris, "--epochs", "2", "--run", "run", "-o", "m.safetensors")
	config := readFile(t, "run/config.json")
	d, err := openRunDir("run")
	if err != nil {
		t.Fatal(err)
	}
	for args, word := range map[string]string{
		"resume run":                   "the run in run is in use by process",
		"train " + iris + " --run run": "run holds a run already; continue it with gradus resume run",
	} {
		for _, problem := range refused(call(strings.Fields(args)...), 1, []string{word}) {
			t.Errorf("%s: %s", args, problem)
		}
	}
	if err := os.Remove("run/config.json"); err != nil { // as if the first run had not written it yet
		t.Fatal(err)
	}
	for _, problem := range refused(call("train", "--members", "1", iris, "--run", "run"), 1, []string{"--run: the run in run is in use by process"}) {
		t.Error(problem)
	}
	writeFile(t, "run/config.json", config)
	d.close()
	must(t, 0, "resume", "run")
}

func TestCheckpointEveryRefuses(t *testing.T) {
	place(t, nil)
	for _, problem := range refused(call("train", "--members", "1", iris, "--run", "run", "--checkpoint-every", "0s"), 2, []string{"--checkpoint-every 0s", "greater than 0"}) {
		t.Error(problem)
	}
}

// TestHalveLR: a rate that is far too large is halved until the run no longer diverges, and the output says so.
func TestHalveLR(t *testing.T) {
	place(t, nil)
	args := strings.Fields(diabetes + " --members 1 --optimizer sgd --lr 10 --epochs 20 --quiet -o m.safetensors")
	for _, problem := range refused(begun(call(append([]string{"train"}, args...)...)), 1, []string{"diverged"}) {
		t.Error(problem)
	}
	args = append(args, "--on-divergence", "halve-lr", "--run", "run")
	r := must(t, 0, append([]string{"train"}, args...)...)
	if !strings.Contains(r.out, "Note     Diverged in epoch 1 ") || !strings.Contains(r.out, "with half the learning rate, 5.") {
		t.Errorf("the text is %q, want it to contain %q and %q", r.out, "Note     Diverged in epoch 1 ", "with half the learning rate, 5.")
	}
	o := parseJSON(t, must(t, 0, "resume", "run", "--json").out)
	notes := fmt.Sprint(o["notes"])
	if n := strings.Count(notes, "went back to the beginning of epoch"); n == 0 || n > 10 || n != strings.Count(r.out, "went back to the beginning of epoch") {
		t.Errorf("got the notes %s, want 1 to 10 halvings, as in the report", notes)
	}
	for _, problem := range refused(begun(call("train", "--members", "1", diabetes, "--optimizer", "sgd", "--lr", "1e30", "--on-divergence", "halve-lr", "--quiet")), 1, []string{"diverged", "after the rate was halved 10 times"}) {
		t.Error(problem)
	}
}
