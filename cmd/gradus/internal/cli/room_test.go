package cli

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// largeTable is a table that takes some 20 MB in memory.
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

// inBlocks are the flags of a run whose rows come in blocks.
var inBlocks = []string{"--block-rows", "512", "--buffer-blocks", "16", "--epochs", "2", "--batch-size", "1024", "--json", "--quiet"}

func trainIn(t *testing.T, how ...string) outcome {
	t.Helper()
	return outcomeOf(t, process(os.Args[0], append(append([]string{"train", "big.csv"}, inBlocks...), how...)...))
}

func TestMemoryChangesNoBit(t *testing.T) {
	place(t, map[string]string{"big.csv": largeTable(400_000)})
	whole := trainIn(t)
	if whole.code != 0 {
		t.Fatal(whole.err)
	}
	want := parseJSON(t, whole.out)
	if strings.Contains(whole.out, "stand on the disk") {
		t.Fatal("the table does not fit in this machine's memory")
	}
	small := trainIn(t, "--memory", "30MiB")
	if small.code != 0 {
		t.Fatal(small.err)
	}
	got := parseJSON(t, small.out)
	if !strings.Contains(small.out, "its cells stand on the disk") || !strings.Contains(small.out, "The encoded rows do not fit") {
		t.Errorf("the rows stand in memory: %v", got["notes"])
	}
	delete(got, "notes")
	delete(want, "notes")
	for _, d := range differences(got, want) {
		t.Error(d)
	}

	// Killed while it trains, it goes on from its checkpoint, on the disk and in memory.
	for i, how := range [][]string{{"--memory", "30MiB"}, nil} {
		run := fmt.Sprintf("run%d", i)
		args := append(append([]string{"train", "big.csv"}, inBlocks...), "--run", run, "--checkpoint-every", "1ms")
		cmd := process(os.Args[0], append(args, "--memory", "30MiB")...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 600 {
			if _, err := os.Stat(filepath.Join(run, checkpointFiles[0])); err == nil {
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
			t.Fatal(again.err)
		}
		got := parseJSON(t, again.out)
		delete(got, "notes")
		for _, d := range differences(got, want) {
			t.Errorf("resumed: %s", d)
		}
	}
}

func TestMemoryIsRead(t *testing.T) {
	place(t, map[string]string{"t.csv": "a,y\n1,2\n2,3\n"})
	o := call("train", "t.csv", "--memory", "much")
	if o.code != 2 || !strings.Contains(o.err, "--memory") || !strings.Contains(o.err, "2GiB") {
		t.Errorf("%d %s", o.code, o.err)
	}
	if o := call("train", "t.csv", "--block-rows", "8", "--optimizer", "lbfgs"); o.code != 2 || !strings.Contains(o.err, "mini-batch") {
		t.Errorf("%d %s", o.code, o.err)
	}
}
