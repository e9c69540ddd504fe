package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/model"
	"time"

	"github.com/gradus-ml/gradus/internal/lock"
)

// A measurement of importance that is killed several times continues after the columns that it has finished. Its
// output is that of a measurement without kills.
func TestImportanceAfterKills(t *testing.T) {
	notShort(t)
	place(t, nil)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	must(t, 0, "train", "--members", "1", cancer, "--epochs", "3", "--quiet", "-o", "m.safetensors")
	args := []string{"importance", "m.safetensors", cancer, "--metric", "log_loss", "--repeats", "200", "--json"}
	whole := must(t, 0, append(args, "--quiet", "-o", "whole.svg")...)
	args = append(args, "--run", "kept", "-o", "kept.svg")
	columns := func() int {
		raw, _ := os.ReadFile("kept/columns.jsonl")
		return max(0, strings.Count(string(raw), "\n")-1)
	}
	kills := 0
	for before := -1; columns() > before && kills < 3; kills++ {
		before = columns()
		cmd := process(self, append(args, "--threads", fmt.Sprint(1+kills%2))...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for start := time.Now(); columns() <= before+1 && time.Since(start) < time.Minute; {
			time.Sleep(time.Millisecond)
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	have := columns()
	if have < 2 || have == 30 {
		t.Fatalf("got %d columns after %d kills, want 2 to 29", have, kills)
	}
	r := must(t, 0, args...)
	if r.out != whole.out || readFile(t, "kept.svg") != readFile(t, "whole.svg") {
		t.Errorf("after %d kills: got\n%s\nwant\n%s", kills, r.out, whole.out)
	}
	if made := strings.Count(r.err, "column "); made != 30-have || !strings.HasPrefix(r.err, fmt.Sprintf("column %d of 30: ", have+1)) {
		t.Errorf("after %d finished columns: got the progress\n%s\nwant only the other columns", have, r.err)
	}
	for column, n := range measuredOf(t) {
		if n != 1 {
			t.Errorf("%s was measured %d times, want once", column, n)
		}
	}
	if r := must(t, 0, args...); r.out != whole.out || r.err != ownTable {
		t.Errorf("the same call again: got\n%s%s\nwant the same output and no progress", r.err, r.out)
	}
}

// ownTable is the note that evaluate and importance print about the table that the model was trained on.
const ownTable = "gradus: this is the table that the model was trained on: its score says little about new rows\n"

// measuredOf counts the lines of each column in the folder kept.
func measuredOf(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	for i, line := range strings.Split(strings.TrimSpace(readFile(t, "kept/columns.jsonl")), "\n") {
		if i > 0 {
			n[parseJSON(t, line)["column"].(string)]++
		}
	}
	return n
}

func TestImportanceOfOther(t *testing.T) {
	place(t, nil)
	writeFile(t, "cancer.csv", readFile(t, cancer))
	must(t, 0, "train", "--members", "1", cancer, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	call := func(more ...string) []string {
		return append([]string{"importance", "m.safetensors", "cancer.csv", "--repeats", "1", "--run", "kept"}, more...)
	}
	for _, problem := range refused(must(t, 2, call("--metric", "rmse")...), 2, []string{`there is no metric "rmse"`}) { // the refused call uses no folder
		t.Error(problem)
	}
	must(t, 0, call()...)
	if r := must(t, 0, call("--threads", "1", "--json", "-o", "bars.png")...); r.err != ownTable {
		t.Errorf("the columns were measured again, want none:\n%s", r.err)
	}
	kept := readFile(t, "kept/columns.jsonl")
	other := func(want string, more ...string) {
		t.Helper()
		for _, problem := range refused(must(t, 1, call(more...)...), 1, []string{"--run: the measurement in kept is a different one", "(" + want + " differs)", "name another folder"}) {
			t.Errorf("%s: %s", want, problem)
		}
	}
	other("metric", "--metric", "auc")
	other("repeats", "--repeats", "2")
	other("seed", "--seed", "2")
	other("threshold", "--threshold", "0.3")
	writeFile(t, "cancer.csv", strings.Replace(readFile(t, cancer), "17.99", "17.98", 1))
	other("data")
	writeFile(t, "cancer.csv", readFile(t, cancer))
	must(t, 0, "train", "--members", "1", cancer, "--epochs", "2", "--quiet", "-o", "m.safetensors")
	other("model")
	held, err := lock.Take("kept/lock")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for _, problem := range refused(must(t, 1, call()...), 1, []string{"--run: the measurement in kept is in use by process"}) {
		t.Error(problem)
	}
	if readFile(t, "kept/columns.jsonl") != kept {
		t.Error("a refused call has changed the kept columns")
	}
}

// A signal ends a measurement of importance. With --run, the columns that it has are kept.
func TestImportanceInterrupted(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", "--members", "1", cancer, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	args := []string{"importance", "m.safetensors", cancer, "--repeats", "100000"}
	for want, more := range map[string][]string{
		"gradus: interrupted after 0 of 30 columns; nothing was kept; with --run DIR the same call would continue from here": nil,
		"gradus: interrupted after 0 of 30 columns; the same call continues from here":                                       {"--run", "kept"},
	} {
		r := callFor(t, 100*time.Millisecond, append(args, more...)...)
		if r.code != statusInterrupted || r.out != "" || strings.TrimSpace(r.err) != want {
			t.Errorf("got exit status %d and %s%s\nwant 130 and %s", r.code, r.out, r.err, want)
		}
	}
}

// TestImportanceFigureSaysWhatIsLeftOut: a picture of the most important columns says how many columns there are.
func TestImportanceFigureSaysWhatIsLeftOut(t *testing.T) {
	for n, want := range map[int]string{40: "What each column is worth", 41: "What columns are worth: the 40 most important of 41"} {
		found := &model.Importance{Metric: "r2", Columns: make([]model.ColumnImportance, n)}
		if b := lab.ImportanceFigure(found); b.Title != want || len(b.Bars) != 40 {
			t.Errorf("%d columns: got %q with %d bars, want %q with 40", n, b.Title, len(b.Bars), want)
		}
	}
}
