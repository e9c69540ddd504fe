//go:build !windows

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/need"
)

// A launcher is a program that starts ranks.
type launcher struct {
	name string
	with []string // its arguments that let ranks share cores
}

var launchers = []launcher{
	{"mpirun.openmpi", strings.Fields("--allow-run-as-root --map-by :OVERSUBSCRIBE --mca mpi_yield_when_idle 1")},
	{"mpirun.mpich", nil},
}

// call returns a command that runs a program on that many ranks.
func (l launcher) call(t *testing.T, ranks int, program string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(need.Tool(t, l.name), append(append(append([]string{}, l.with...), "-n", strconv.Itoa(ranks), program), args...)...)
}

// withMPI returns the path of gradus with MPI, which is built once for all tests. It skips the test with -short, and
// where GRADUS_RANKS is "apart". CI runs these tests in a separate step, because a package has 10 minutes.
func withMPI(t *testing.T) string {
	t.Helper()
	notShort(t)
	if os.Getenv("GRADUS_RANKS") == "apart" {
		t.Skip("GRADUS_RANKS=apart: runs in a step of its own")
	}
	need.Tool(t, "go")
	program, err := buildWithMPI()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

var buildWithMPI = sync.OnceValues(func() (string, error) {
	out := filepath.Join(scratch, "gradus-mpi")
	cmd := exec.Command("go", "build", "-tags", "mpi", "-o", out, "./cmd/gradus")
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, text)
	}
	return out, nil
})

// onLaunchers runs a test in an empty folder for each launcher. The test also gets the index of the launcher.
func onLaunchers(t *testing.T, test func(t *testing.T, i int, l launcher)) {
	t.Helper()
	for i, l := range launchers {
		t.Run(l.name, func(t *testing.T) {
			need.Tool(t, l.name)
			place(t, nil)
			test(t, i, l)
		})
	}
}

// unwrapped returns a report without the line breaks within its sentences. Open MPI gives the ranks a terminal, so
// they wrap their lines.
func unwrapped(text string) string {
	return regexp.MustCompile(`\n {9}(\S)`).ReplaceAllString(text, " $1")
}

// sumOf returns the weights_sha256 of a call's JSON.
func sumOf(t *testing.T, r outcome) string {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("got exit status %d, want 0: %s", r.code, r.err)
	}
	return fmt.Sprint(parseJSON(t, r.out)["weights_sha256"])
}

// TestRanks trains with real launchers. The number of ranks and the MPI library change no bit, with any
// optimizer. One rank prints and writes, and an error is printed once.
func TestRanks(t *testing.T) {
	with, without := withMPI(t), self(t)
	onLaunchers(t, func(t *testing.T, _ int, l launcher) {
		for i, flags := range []string{ // few updates, because a waiting rank keeps a core busy
			"--shards 4 --batch-size 64 --epochs 3 --optimizer adamw --hidden 16",
			"--shards 5 --optimizer lbfgs --epochs 4 --hidden 8",
			"--shards 8 --optimizer cg --epochs 3 --hidden 8 --precision float64",
			"--shards 4 --batch-size 64 --epochs 3 --norm layer --dropout 0.2 --patience 2 --ema 0.9 --clip-norm 1",
			"--shards 5 --batch-size 64 --epochs 3 --norm batch --hidden 16,8",
		} {
			args := append([]string{"train", diabetes, "--json", "--quiet", "--members", "1", "-o", "m.safetensors"}, strings.Fields(flags)...)
			want := sumOf(t, outcomeOf(t, process(without, args...)))
			if got := sumOf(t, outcomeOf(t, process(with, args...))); got != want {
				t.Errorf("%s: with MPI and no launcher: got the weights %s, want %s", flags, got, want)
			}
			sizes := []int{2}
			switch {
			case i == 0, strings.Contains(flags, "--norm batch"):
				sizes = []int{1, 2, 3, 4}
			case i == 1:
				sizes = []int{3}
			}
			for _, n := range sizes {
				os.Remove("m.safetensors")
				r := outcomeOf(t, l.call(t, n, with, args...))
				if got := sumOf(t, r); got != want {
					t.Errorf("%s: %d ranks: got the weights %s, want %s as in one process", flags, n, got, want)
				}
				if _, err := os.Stat("m.safetensors"); err != nil {
					t.Error(err)
				}
				said, several := parseJSON(t, r.out)["ranks"].(map[string]any)
				if several != (n > 1) || several && (fmt.Sprint(said["size"]) != strconv.Itoa(n) || said["exchange_share"].(float64) <= 0) {
					t.Errorf("%s: %d ranks: got %v, want the number of ranks and a share of exchanges", flags, n, said)
				}
			}
		}
		r := outcomeOf(t, l.call(t, 2, with, "train", diabetes, "--quiet", "--members", "1", "--shards", "2", "--epochs", "2"))
		if !regexp.MustCompile(`(?m)^Ranks    2 on 1 machine, by (Open MPI|MPICH) v\S+; \d+ % of the time went into exchanges$`).MatchString(unwrapped(r.out)) || strings.Count(r.out, "Trained ") != 1 {
			t.Errorf("two ranks: got the report\n%s\nwant one with a line about the ranks", r.out)
		}
	})
}

// An error is printed once, in one sentence, and names the rank if the ranks differ.
func TestRanksRefuse(t *testing.T) {
	with, without := withMPI(t), self(t)
	onLaunchers(t, func(t *testing.T, _ int, l launcher) {
		text := readFile(t, diabetes)
		place(t, map[string]string{"a.csv": text, "b.csv": strings.Replace(text, "1", "2", 1)})
		other := with + "2"
		writeFile(t, other, readFile(t, with)+"\n")
		if err := os.Chmod(other, 0o777); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GRADUS_TEST_AS_MAIN", "1")
		good := []string{"train", "a.csv", "--members", "1", "--shards", "2", "--epochs", "2", "-o", "m.safetensors"}
		members := []string{"train", "a.csv", "--members", "2", "--epochs", "2", "-o", "m.safetensors"}
		apart := func(program string, args ...string) []string { // the second rank differs from the first
			return append([]string{":", "-n", "1", program}, args...)
		}
		for _, c := range []struct {
			name string
			call *exec.Cmd
			want string
		}{
			{"no MPI", l.call(t, 2, without, good...), "a launcher has started 2 processes of this call"},
			{"no shards", l.call(t, 2, with, "train", "a.csv", "--members", "1"), "so 2 ranks have nothing to share; set shards to 2 or more"},
			{"no file", l.call(t, 2, with, "train", "none.csv"), "gradus: none.csv: no such file"},
			{"no flag", l.call(t, 2, with, "train", "--none"), "gradus: unknown flag --none"},
			{"another number of networks", l.call(t, 1, with, append(good, apart(with, "train", "a.csv", "--members", "2")...)...), ", trains a different number of networks than the ranks before it: give every rank the same flags"},
			{"another flag of members", l.call(t, 1, with, append(members, apart(with, append(members, "--lr", "0.5")...)...)...), "the configuration of rank 1 differs from that of rank 0: give every rank the same flags and tables"},
			{"a member that diverges", l.call(t, 2, with, append(members, "--optimizer", "sgd", "--lr", "1e30")...), " of 2"},
			{"another folder", l.call(t, 1, with, slices.Concat(members, []string{"--run", "here"}, apart(with, slices.Concat(members, []string{"--run", "there"})...))...), "--run: there is not the folder of rank 0"},
			{"another table", l.call(t, 1, with, append(good, apart(with, "train", "b.csv", "--members", "1", "--shards", "2", "--epochs", "2")...)...), "the train table of rank 1, on "},
			{"another flag", l.call(t, 1, with, append(good, apart(with, append(good, "--lr", "0.5")...)...)...), "the configuration of rank 1 differs from that of rank 0: give every rank the same flags"},
			{"a missing file", l.call(t, 1, with, append(good, apart(with, "train", "none.csv")...)...), "none.csv: no such file"},
			{"another program", l.call(t, 1, with, append(good, apart(other, good...)...)...), "runs another program than the ranks before it"},
		} {
			r := outcomeOf(t, c.call)
			if r.code == 0 || strings.Count(r.err, "gradus: ") != 1 || !strings.Contains(r.err, c.want) {
				t.Errorf("%s: got exit status %d and\n%s\nwant one error with %q", c.name, r.code, r.err, c.want)
			}
		}
		if _, err := os.Stat("m.safetensors"); err == nil {
			t.Error("a model was written, want none")
		}
	})
}

// Each rank trains some members of an ensemble. The weights and the scores are those of one process, and rank 0 reports
// them all. A note says if a rank had no member to train.
func TestRanksMembers(t *testing.T) {
	with, without := withMPI(t), self(t)
	onLaunchers(t, func(t *testing.T, i int, l launcher) {
		args := []string{"train", diabetes, "--members", "3", "--epochs", "20", "--test", "0.2", "--json", "-o", "m.safetensors"}
		want := parseJSON(t, outcomeOf(t, process(without, append(args, "--run", "one")...)).out)
		for n, members := range []string{"<nil>", "[2 1]", "[1 1 1]", "[1 1 1 0]"} {
			dir := fmt.Sprint("run", n+1)
			r := outcomeOf(t, l.call(t, n+1, with, append(args, "--run", dir)...))
			if r.code != 0 {
				t.Fatalf("%d ranks: got exit status %d, want 0\n%s", n+1, r.code, r.err)
			}
			got := parseJSON(t, r.out)
			for _, d := range differences(got, want) {
				t.Errorf("%d ranks: %s", n+1, d)
			}
			said, _ := got["ranks"].(map[string]any)
			if fmt.Sprint(said["members"]) != members || strings.Count(r.err, " of 3 members)") != 3 {
				t.Errorf("%d ranks: got %v, want the members %s; the progress is\n%s", n+1, said, members, r.err)
			}
			if course(t, dir) != course(t, "one") {
				t.Errorf("%d ranks: the history differs from that of one process", n+1)
			}
		}
		r := outcomeOf(t, l.call(t, 4-i, with, "train", diabetes, "--quiet", "--members", "3", "--epochs", "2"))
		report := []string{`each trained 0 or 1 of the 3 members\nNote     1 of the ranks had no member to train: start at most as many ranks as --members\.\n`, `each trained 1 of the 3 members\n`}[i]
		if !regexp.MustCompile(`(?m)^Ranks    \d on 1 machine, by (Open MPI|MPICH) v\S+; `+report).MatchString(unwrapped(r.out)) || strings.Count(r.out, "Trained ") != 1 {
			t.Errorf("%d ranks: got the report\n%s%s\nwant a line about the ranks and their members", 4-i, r.out, r.err)
		}
	})
}

// kindsOnRanks lists the kinds of runs on ranks: one network, and an ensemble.
var kindsOnRanks = []struct {
	name, checkpoint string
	flags            string
}{
	{"one network", checkpointFiles[0], "--members 1 --shards 6 --batch-size 128 --epochs 500 --patience 0 --hidden 16"},
	{"members", filepath.Join("member-1", checkpointFiles[0]), "--members 4 --batch-size 64 --epochs 2000 --patience 0 --hidden 16"},
}

// If a rank is killed, the job ends. Another number of ranks resumes the run and gets the same weights. After
// SIGTERM, all ranks stop and the model so far is saved. That run can be resumed too.
func TestRanksKilled(t *testing.T) {
	with, without := withMPI(t), self(t)
	onLaunchers(t, func(t *testing.T, i int, l launcher) {
		for _, kind := range kindsOnRanks {
			for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
				name := fmt.Sprintf("%s, %v", kind.name, signal)
				place(t, nil)
				flags := append([]string{"--json", "--quiet", "-o", "m.safetensors"}, strings.Fields(kind.flags)...)
				want := sumOf(t, outcomeOf(t, process(without, append([]string{"train", diabetes}, flags...)...)))
				os.Remove("m.safetensors")
				// The shell prints the number of the process that it becomes.
				args := append([]string{"-c", `echo $$ >pid.${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; exec "$@"`, "sh", with, "train", diabetes, "--run", "run", "--checkpoint-every", "1ms"}, flags...)
				cmd := l.call(t, 3, need.Tool(t, "sh"), args...)
				var said strings.Builder
				cmd.Stderr, cmd.Stdout = &said, &said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				deadline := time.Now().Add(time.Minute)
				for {
					if _, err := os.Stat(filepath.Join("run", kind.checkpoint)); err == nil {
						break
					}
					if time.Now().After(deadline) {
						t.Fatalf("%s: no checkpoint was written in a minute", name)
					}
					time.Sleep(5 * time.Millisecond)
				}
				pid, err := strconv.Atoi(strings.TrimSpace(readFile(t, fmt.Sprint("pid.", i%2))))
				if err != nil {
					t.Fatal(err)
				}
				if err := syscall.Kill(pid, signal); err != nil {
					t.Fatal(err)
				}
				err = cmd.Wait()
				if err == nil || said.Len() == 0 {
					t.Fatalf("%s: the job ends with the error %v and the output %q, want an error and a message", name, err, said.String())
				}
				_, missing := os.Stat("m.safetensors")
				if wrote := missing == nil; wrote != (signal == syscall.SIGTERM) || wrote && !strings.Contains(said.String(), `"stop_reason":"interrupted"`) {
					t.Errorf("%s: a model was written: got %v, want %v\n%s", name, wrote, signal == syscall.SIGTERM, said.String())
				}
				copied := exec.Command("cp", "-r", "run", "again")
				if err := copied.Run(); err != nil {
					t.Fatal(err)
				}
				if got := sumOf(t, outcomeOf(t, l.call(t, 2, with, "resume", "run", "--json", "--quiet"))); got != want {
					t.Errorf("%s: resumed on two ranks: got the weights %s, want %s", name, got, want)
				}
				if got := sumOf(t, outcomeOf(t, process(without, "resume", "again", "--json", "--quiet"))); got != want {
					t.Errorf("%s: resumed in one process: got the weights %s, want %s", name, got, want)
				}
			}
		}
	})
}

// The program without MPI trains nothing if a launcher has started several processes of it.
func TestLaunchedWithoutMPI(t *testing.T) {
	place(t, nil)
	t.Setenv("SLURM_STEP_NUM_TASKS", "4")
	for rank, want := range []outcome{{2, "", "gradus: a launcher has started 4 processes of this call (SLURM_PROCID is set), and this program was built without MPI, so each would train the same network and write the same file: start one process, or build with CGO_ENABLED=0 go build -tags mpi ./cmd/gradus\n"}, {0, "", ""}} {
		t.Setenv("SLURM_PROCID", fmt.Sprint(rank))
		for _, call := range [][]string{{"train", iris}, {"resume", "run"}} {
			if got := outcomeOf(t, process(self(t), call...)); got != want {
				t.Errorf("rank %d, %v: got %+v, want %+v", rank, call, got, want)
			}
		}
	}
	if files := listing(t); len(files) != 1 {
		t.Errorf("got the files %v, want none", files)
	}
}

// self returns the path of the test binary.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// bench --mpi measures what it predicts, and refuses what it cannot measure.
func TestBenchRanks(t *testing.T) {
	with, without := withMPI(t), self(t)
	onLaunchers(t, func(t *testing.T, i int, l launcher) {
		args := []string{"bench", "--mpi", "--workload", "tabular", "--time", "2ms", "-o", "scaling.svg"}
		if i == 0 {
			args = append(args, "--json")
		}
		r := outcomeOf(t, l.call(t, 2, with, args...))
		if r.code != 0 {
			t.Fatalf("got exit status %d, want 0: %s", r.code, r.err)
		}
		if picture := readFile(t, "scaling.svg"); !strings.Contains(picture, "tabular, measured") {
			t.Error("the picture has no measured points")
		}
		if i > 0 {
			for _, want := range []string{
				`(?m)^.*: 2 ranks on 1 machine, by (Open MPI|MPICH) v\S+, \d+ threads? each$`,
				`(?m)^gather +64 +[\d.]+ +[\d.]+ +[\d.]+$`, `(?m)^exchange +2097152 `, `(?m)^measured +1 +1024 `, `(?m)^measured +2 +1024 `, `(?m)^measured +2 +2048 `,
				`(?m)^by model +16 +1024 `, `(?m)^by model +256 +1024 `, `(?m)^by model +1024 +1048576 `, `(?m)^By the model, with a fixed batch, `,
			} {
				if !regexp.MustCompile(want).MatchString(r.out) {
					t.Errorf("got\n%s\nwant a match of %s", r.out, want)
				}
			}
			return
		}
		o := parseJSON(t, r.out)
		net := o["workloads"].([]any)[0].(map[string]any)
		measured := net["measured"].([]any)
		if o["ranks"] != 2.0 || o["machines"] != 1.0 || len(o["exchanges"].([]any)) != 12 || len(o["verdicts"].([]any)) != 2 || len(measured) != 3 {
			t.Errorf(`got %s, want o["ranks"] = 2.0 and o["machines"] = 1.0 and len(o["exchanges"].([]any)) = 12 and len(o["verdicts"].([]any)) = 2 and len(measured) = 3`, r.out)
		}
		for i, m := range measured[1:] {
			p, model := m.(map[string]any)["measured"].(map[string]any), m.(map[string]any)["model"].(map[string]any)
			if p["ranks"] != 2.0 || p["batch_size"] != 1024.0*float64(1+i) || p["seconds"].(float64) <= p["exchange_seconds"].(float64) || p["exchange_seconds"].(float64) <= 0 {
				t.Errorf("got the measurement %v, want 2 ranks and an exchange shorter than the step", p)
			}
			if b, want := p["bytes"].(float64), model["bytes"].(float64); b < want || b > 1.1*want { // the weights' sums are compared as well
				t.Errorf("got %v bytes per step, want up to 1.1 times the %v of the model", b, want)
			}
		}
		r = outcomeOf(t, l.call(t, 2, with, "bench", "--mpi", "--workload", "notebook"))
		if r.code == 0 || strings.Count(r.err, "gradus: --workload notebook: --mpi measures only mnist and tabular; name one of them") != 1 {
			t.Errorf("got exit status %d, want an error about the workload\n%s", r.code, r.err)
		}
	})
	if r := outcomeOf(t, process(with, "bench", "--mpi")); r.code != statusUsage || !strings.Contains(r.err, "this process is alone: start it with mpirun") {
		t.Errorf(`got %+v, want exit status statusUsage and "this process is alone: start it with mpirun" in r.err`, r)
	}
	want := outcome{statusUsage, "", "gradus: --mpi: this program was built without MPI; build it with: CGO_ENABLED=0 go build -tags mpi ./cmd/gradus\n"}
	if r := outcomeOf(t, process(without, "bench", "--mpi")); r != want {
		t.Errorf("r = %v, want %v", r, want)
	}
}

// If one rank cannot read its rows any more, the job ends, and the message names that rank and the block. The other rank does not
// wait forever.
func TestRanksWithADamagedDisk(t *testing.T) {
	with := withMPI(t)
	onLaunchers(t, func(t *testing.T, _ int, l launcher) {
		place(t, map[string]string{"big.csv": largeTable(300_000)})
		args := strings.Fields("train big.csv --members 1 --shards 4 --epochs 100000 --batch-size 4096 --hidden 4 --quiet --memory 30MiB --block-rows 512 --buffer-blocks 16 --cache")
		var said strings.Builder
		cmd := l.call(t, 1, with, slices.Concat(args, []string{"a", ":", "-n", "1", with}, args, []string{"b"})...)
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if files, _ := filepath.Glob("b/*.rows"); len(files) == 1 {
				f, err := os.OpenFile(files[0], os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				f.WriteAt(make([]byte, 1<<20), 4096)
				f.Close()
			}
			select {
			case err := <-ended:
				if text := unwrapped(said.String()); err == nil || !strings.Contains(text, "gradus: rank 1, on ") || !strings.Contains(text, "is not what was written") {
					t.Errorf("got the error %v and the message %q, want one that names rank 1 and its block", err, text)
				}
				return
			default:
			}
			if time.Now().After(deadline) {
				cmd.Process.Kill()
				t.Fatal("rank 0 still waits for rank 1, whose rows are damaged")
			}
		}
	})
}

// If the rows of all or some ranks are on the disk, the weights are those of one process. With a cache the ranks share a file.
func TestRanksOnTheDisk(t *testing.T) {
	with, without := withMPI(t), self(t)
	onLaunchers(t, func(t *testing.T, i int, l launcher) {
		place(t, map[string]string{"big.csv": largeTable(300_000)})
		whole := strings.Fields("train big.csv --members 1 --shards 4 --epochs 1 --batch-size 4096 --hidden 16 --norm batch --json --quiet")
		blocks := append(slices.Clone(whole), "--block-rows", "512", "--buffer-blocks", "16")
		small := append(slices.Clone(blocks), "--memory", "30MiB")
		want := sumOf(t, outcomeOf(t, process(without, blocks...)))
		if other := sumOf(t, outcomeOf(t, process(without, whole...))); other == want {
			t.Fatal("the blocks do not change the weights, want another order of the rows")
		}
		hold := func(what string, cmd *exec.Cmd, onDisk bool) {
			r := outcomeOf(t, cmd)
			if got := sumOf(t, r); got != want || strings.Contains(r.out, "The encoded rows do not fit") != onDisk {
				t.Errorf("%s: got the weights %s, want %s as in one process in memory\n%.2000s", what, got, want, r.out)
			}
		}
		both := func(a, b []string) *exec.Cmd {
			return l.call(t, 1, with, slices.Concat(a, []string{":", "-n", "1", with}, b)...)
		}
		hold(fmt.Sprint(2+i, " ranks on the disk"), l.call(t, 2+i, with, small...), true)
		hold("a rank in memory and one on the disk", both(whole, small), false) // alone, the first rank reads the rows in another order
		hold("a rank on the disk and one in memory", both(small, whole), true)
		cached := append(slices.Clone(small), "--cache", "kept")
		for range 2 {
			hold("with a cache", l.call(t, 3-i, with, cached...), true)
			if files, err := filepath.Glob("kept/*"); err != nil || len(files) != 1 {
				t.Errorf("got the files %v in the cache and the error %v, want one file", files, err)
			}
		}
	})
}
