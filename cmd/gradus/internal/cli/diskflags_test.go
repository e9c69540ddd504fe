package cli

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data/parquet"
)

// largeTable returns a CSV table of that many rows. 400,000 rows take about 20 MB.
func largeTable(rows int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("a,b,c,d,e,f,color,y\n")
	for range rows {
		sum := 0.0
		for range 6 {
			x := r.NormFloat64()
			sum += math.Sin(2 * x)
			fmt.Fprintf(&b, "%.3f,", x)
		}
		fmt.Fprintf(&b, "c%d,%.3f\n", r.IntN(4), sum)
	}
	return b.String()
}

// inBlocks holds the flags of a run that reads its rows in blocks.
var inBlocks = []string{"--block-rows", "512", "--buffer-blocks", "16", "--epochs", "2", "--batch-size", "1024", "--json", "--quiet"}

func trainIn(t *testing.T, how ...string) outcome {
	t.Helper()
	return outcomeOf(t, process(os.Args[0], append(append([]string{"train", "big.csv"}, inBlocks...), how...)...))
}

func TestMemoryChangesNoBit(t *testing.T) {
	notShort(t)
	for _, c := range []struct {
		name       string
		how        []string
		checkpoint string // the folder of the first one
	}{
		{"one network", nil, ""},
		{"an ensemble", []string{"--members", "2", "--hidden", "8"}, "member-0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			place(t, map[string]string{"big.csv": largeTable(400_000)})
			whole := trainIn(t, c.how...)
			if whole.code != 0 {
				t.Fatalf("got %v, want exit status 0", whole.err)
			}
			want := parseJSON(t, whole.out)
			if strings.Contains(whole.out, "on the disk") {
				t.Fatal("the table does not fit in this machine's memory")
			}
			small := trainIn(t, append(c.how, "--memory", "30MiB")...)
			if small.code != 0 {
				t.Fatalf("got %v, want exit status 0", small.err)
			}
			got := parseJSON(t, small.out)
			if !strings.Contains(small.out, "its cells are on the disk") || !strings.Contains(small.out, "The encoded rows do not fit") {
				t.Errorf("the rows are in memory, want them on the disk; got the notes %v", got["notes"])
			}
			other := func(o object) { // removes the notes, which differ for a table on the disk
				delete(o, "notes")
			}
			other(got)
			other(want)
			for _, d := range differences(got, want) {
				t.Error(d)
			}

			// A run that is killed while it trains continues from its checkpoint, on the disk and in memory.
			for i, how := range [][]string{{"--memory", "30MiB"}, nil} {
				run := fmt.Sprintf("run%d", i)
				args := append(append([]string{"train", "big.csv"}, inBlocks...), "--run", run, "--checkpoint-every", "1ms")
				cmd := process(os.Args[0], append(append(args, c.how...), "--memory", "30MiB")...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				for range 600 {
					if _, err := os.Stat(filepath.Join(run, c.checkpoint, checkpointFiles[0])); err == nil {
						break
					}
					time.Sleep(50 * time.Millisecond)
				}
				cmd.Process.Kill()
				cmd.Wait()
				if how == nil { // the machine has more memory now
					config := strings.Replace(readFile(t, run+"/config.json"), `"memory": "30MiB",`, "", 1)
					writeFile(t, run+"/config.json", config)
				}
				again := outcomeOf(t, process(os.Args[0], "resume", run, "--json", "--quiet"))
				if again.code != 0 {
					t.Fatalf("got %v, want exit status 0", again.err)
				}
				got := parseJSON(t, again.out)
				other(got)
				for _, d := range differences(got, want) {
					t.Errorf("resumed: %s", d)
				}
			}
		})
	}
}

// A limit on the size of files imitates a full disk. First the columns of the table do not fit,
// then the encoded rows.
func TestMemoryOnAFullDisk(t *testing.T) {
	notShort(t)
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	place(t, map[string]string{"big.csv": largeTable(400_000)})
	before := listing(t)
	for _, c := range []struct {
		blocks int // of 512 bytes
		says   string
		how    []string
	}{
		{2000, "temporary files", nil},
		{20_000, "the encoded rows, which take", nil},
		{20_000, "file too large", []string{"--members", "2", "--hidden", "8"}},
	} {
		args := append(append(append([]string{"train", "big.csv"}, inBlocks...), "--memory", "30MiB"), c.how...)
		cmd := process(sh, append([]string{"-c", fmt.Sprintf(`ulimit -f %d; exec "$@"`, c.blocks), "sh", os.Args[0]}, args...)...)
		o := outcomeOf(t, cmd)
		if o.code != 1 || !strings.Contains(o.err, c.says) || !strings.Contains(o.err, "larger disk") || strings.Count(o.err, "\n") != 1 {
			t.Errorf("files of up to %d blocks: got exit status %d and %q, want 1 and one line with %q", c.blocks, o.code, o.err, c.says)
		}
		if left := changes(before, listing(t)); len(left) > 0 {
			t.Errorf("files of up to %d blocks: got the changed files %v, want none", c.blocks, left)
		}
	}
}

// TestMemoryOfParquet: a Parquet file goes to the disk one row group at a time, and no bit of the weights changes.
func TestMemoryOfParquet(t *testing.T) {
	notShort(t)
	place(t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	const rows = 600_000
	columns := []parquet.Column{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "color", Missing: make([]bool, rows)}, {Name: "y"}}
	for i := range rows {
		a, b := r.NormFloat64(), r.NormFloat64()
		columns[0].Numbers = append(columns[0].Numbers, a)
		columns[1].Numbers = append(columns[1].Numbers, math.Round(10*b))
		columns[2].Numbers = append(columns[2].Numbers, float64(i%7))
		columns[3].Texts = append(columns[3].Texts, fmt.Sprint("c", r.IntN(4)))
		columns[3].Missing[i] = i%11 == 3
		columns[4].Numbers = append(columns[4].Numbers, math.Sin(2*a)+b)
	}
	var file bytes.Buffer
	if err := parquet.Write(&file, columns); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "big.parquet", file.String())
	var sums []any
	for _, how := range [][]string{nil, {"--memory", "30MiB"}} {
		o := outcomeOf(t, process(os.Args[0], append(append([]string{"train", "big.parquet"}, inBlocks...), how...)...))
		if o.code != 0 {
			t.Fatalf("got %v, want exit status 0", o.err)
		}
		if strings.Contains(o.out, "its cells are on the disk") != (how != nil) {
			t.Errorf("with %q: the cells are on the disk: got %v, want %v\n%.2000s", how, how == nil, how != nil, o.out)
		}
		sums = append(sums, parseJSON(t, o.out)["weights_sha256"])
	}
	if sums[0] != sums[1] {
		t.Errorf("got the weights %v on the disk, want %v as in memory", sums[1], sums[0])
	}
}

func TestPredictAndEvaluateOnTheDisk(t *testing.T) {
	notShort(t)
	place(t, map[string]string{"big.csv": largeTable(400_000)})
	if o := outcomeOf(t, process(os.Args[0], "train", "big.csv", "--epochs", "1", "--quiet", "-o", "m.safetensors")); o.code != 0 {
		t.Fatalf("got %v, want exit status 0", o.err)
	}
	for _, command := range [][]string{{"predict", "m.safetensors", "big.csv", "--keep", "color"}, {"evaluate", "m.safetensors", "big.csv", "--json"}} {
		whole := outcomeOf(t, process(os.Args[0], command...))
		small := outcomeOf(t, process(os.Args[0], append(command, "--memory", "30MiB")...))
		if whole.code != 0 || small.code != 0 || !strings.Contains(small.err, "on the disk") {
			t.Fatalf("%v: got exit status %d and %s in memory, and %d and %s on the disk, want 0 for both", command, whole.code, whole.err, small.code, small.err)
		}
		if whole.out != small.out {
			t.Errorf("%v: the output with the table on the disk differs from that in memory", command)
		}
	}
}

func TestMemoryIsRead(t *testing.T) {
	place(t, map[string]string{"t.csv": "a,y\n1,2\n2,3\n"})
	o := call("train", "t.csv", "--memory", "much")
	if o.code != 2 || !strings.Contains(o.err, "--memory") || !strings.Contains(o.err, "2GiB") {
		t.Errorf(`got %d %s, want exit status 2 and "--memory" in o.err and "2GiB" in o.err`, o.code, o.err)
	}
	if o := call("train", "t.csv", "--block-rows", "8", "--method", "per-sample"); o.code != 2 || !strings.Contains(o.err, "mini-batch") {
		t.Errorf(`got %d %s, want exit status 2 and "mini-batch" in o.err`, o.code, o.err)
	}
}

// TestImportanceAndFoldsOnTheDisk: importance and cv have the same numbers on the disk and in memory.
func TestImportanceAndFoldsOnTheDisk(t *testing.T) {
	notShort(t)
	place(t, map[string]string{"big.csv": largeTable(400_000)})
	if o := outcomeOf(t, process(os.Args[0], "train", "big.csv", "--epochs", "1", "--hidden", "4", "--quiet", "-o", "m.safetensors")); o.code != 0 {
		t.Fatalf("got %v, want exit status 0", o.err)
	}
	folds := append([]string{"cv", "big.csv", "--folds", "3", "--hidden", "4"}, inBlocks...)
	for _, command := range [][]string{{"importance", "m.safetensors", "big.csv", "--repeats", "1", "--json"}, folds} {
		whole := outcomeOf(t, process(os.Args[0], command...))
		small := outcomeOf(t, process(os.Args[0], append(command, "--memory", "30MiB")...))
		if whole.code != 0 || small.code != 0 {
			t.Fatalf("%v: got exit status %d and %s in memory, and %d and %s on the disk, want 0 for both", command, whole.code, whole.err, small.code, small.err)
		}
		if !strings.Contains(small.out+small.err, "on the disk") || strings.Contains(whole.out+whole.err, "on the disk") {
			t.Errorf("%v: want the table on the disk only with --memory", command)
		}
		want, got := parseJSON(t, whole.out), parseJSON(t, small.out)
		delete(want, "notes")
		delete(got, "notes")
		for _, d := range differences(got, want) {
			t.Errorf("%v: %s", command, d)
		}
	}
}

// TestTuneOnTheDisk: a search over a table that does not fit in memory has the trials and the weights of memory. Where the rows go
// to the disk by themselves, the command that it prints names the blocks, and gives the weights again. A killed search continues.
func TestTuneOnTheDisk(t *testing.T) {
	notShort(t)
	place(t, map[string]string{"big.csv": largeTable(400_000)})
	search := strings.Fields("tune big.csv --trials 3 --epochs 1 --batch-size 1024 --hidden 4 --members 1 --search lr=1e-3..1e-1:log --search activation=relu|tanh --strategy random --json")
	tuned := func(onDisk bool, more ...string) object {
		t.Helper()
		o := outcomeOf(t, process(os.Args[0], append(search, more...)...))
		if o.code != 0 {
			t.Fatalf("%v: got exit status %d and %s, want 0", more, o.code, o.err)
		}
		if strings.Contains(o.out, "The encoded rows do not fit") != onDisk {
			t.Errorf("%v: the rows on the disk: got %v, want %v", more, !onDisk, onDisk)
		}
		return parseJSON(t, o.out)
	}
	sum := func(o object) any { return o["train"].(map[string]any)["weights_sha256"] }
	blocks := []string{"--block-rows", "512", "--buffer-blocks", "16"}
	want := tuned(false, blocks...)
	got := tuned(true, append(blocks, "--memory", "30MiB")...)
	if a, b := sameTrials(want), sameTrials(got); a != b || sum(want) != sum(got) {
		t.Errorf("in memory\n%s\non the disk\n%s\nwith the weights %v and %v, want the same", a, b, sum(want), sum(got))
	}

	search = append(search, "--buffer-blocks", "4", "--memory", "30MiB")
	cmd := process(os.Args[0], append(search, "--run", "kept", "--cache", "cache")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 600 {
		if raw, err := os.ReadFile("kept/trials.jsonl"); err == nil && strings.Count(string(raw), "\n") > 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	cmd.Process.Kill()
	cmd.Wait()
	again, whole := tuned(true, "--run", "kept", "--cache", "cache"), tuned(true)
	if a, b := sameTrials(whole), sameTrials(again); a != b || sum(whole) != sum(again) {
		t.Errorf("continued after a kill\n%s\nuninterrupted\n%s\nwith the weights %v and %v, want the same", b, a, sum(again), sum(whole))
	}
	command := strings.Fields(whole["command"].(string))
	trained := outcomeOf(t, process(os.Args[0], append(command[1:], "--json", "--quiet")...))
	if trained.code != 0 || parseJSON(t, trained.out)["weights_sha256"] != sum(whole) {
		t.Errorf("%q: got exit status %d and %.300s, want the weights %v", command, trained.code, trained.out+trained.err, sum(whole))
	}
}
