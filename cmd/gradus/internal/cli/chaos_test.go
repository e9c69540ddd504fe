//go:build !windows

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/need"
	"github.com/gradus-ml/gradus/optim"
)

// chaosRuns returns the runs that TestChaos kills. They cover every optimizer, schedule, method and precision,
// and everything else in a run's state. Each trains for a few tenths of a second.
func chaosRuns() [][]string {
	var runs [][]string
	add := func(data, flags string) { // adds a run of one network, unless flags have --members or --preset
		if !strings.Contains(flags, "--members") && !strings.Contains(flags, "--preset") {
			flags += " --members 1"
		}
		runs = append(runs, append([]string{data}, strings.Fields(flags)...))
	}
	schedules := optim.Schedules()
	for i, o := range optim.Optimizers() {
		add(diabetes, fmt.Sprintf("--optimizer %s --schedule %s --epochs 150 --lr 0.001 --precision float%d", o, schedules[i%len(schedules)], 32+32*(i%2)))
	}
	for i, s := range schedules {
		add(iris, fmt.Sprintf("--optimizer %s --schedule %s --method stochastic --epochs 80 --lr 0.001", optim.Optimizers()[i%len(optim.Optimizers())], s))
	}
	for _, o := range optim.Solvers() {
		add(diabetes, "--optimizer "+o+" --epochs 300 --l2 0.01")
	}
	add(iris, "--norm batch --dropout 0.2 --input-dropout 0.1 --ema 0.99 --epochs 100")
	add(cancer, "--norm layer --l1 0.001 --max-norm 2 --clip-norm 1 --clip-value 0.5 --label-smoothing 0.1 --warmup 3 --schedule plateau:1:0.5 --epochs 60")
	add(penguins, "--class-weight balanced --metric f1_macro --epochs 100 --patience 40")
	add(cancer, "--epochs 100 --test 0.2")
	add(cancer, "--method batch --shards 3 --epochs 600")
	add(penguins, "--patience 30 --epochs 500 --no-shuffle")
	add(diabetes, "--tolerance 1e-9 --epochs 150 --validation none --reduction sum --lr 0.0001 --optimizer momentum")
	add(seed, "--method per-sample --hidden 4 --activation sigmoid --tolerance 1e-7 --epochs 20000")
	add(seed, "--method batch --hidden 4 --activation sigmoid --optimizer sgd --lr 0.1 --epochs 3000000")
	add(diabetes, "--optimizer sgd --lr 1e30 --epochs 20000 --schedule exponential:0.9") // diverges
	add(iris, "--preset default --epochs 60")
	add(iris, "--members 3 --epochs 120 --test 0.2")
	add(diabetes, "--members 4 --epochs 100 --optimizer adam --schedule step:2:0.9 --precision float64")
	add(cancer, "--members 2 --epochs 40 --validation 0.2 --norm batch --dropout 0.2 --threshold auto:f1")
	add(diabetes, "--optimizer sgd --lr 10 --on-divergence halve-lr --epochs 150")
	return runs
}

// TestChaos kills training processes at random moments, and sometimes also damages the newest
// checkpoint. It resumes with another number of threads and another instruction set, and
// compares the result with that of a run without kills. It prints its seed.
// GRADUS_CHAOS=KILLS[:SEED] sets the number of kills, otherwise 20 or 5 with -short, and repeats a seed.
func TestChaos(t *testing.T) {
	usual := 20
	if testing.Short() {
		usual = 5
	}
	kills, seed := chaos(t, usual)
	random := rand.New(rand.NewPCG(seed, 0))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	place(t, nil)
	runs := chaosRuns()
	if kills < len(runs) { // there are too few kills for all runs
		random.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		runs = runs[:max(1, kills/3)]
	}
	each := (kills + len(runs) - 1) / len(runs)
	done, damages, resumes, used := 0, 0, 0, map[string]bool{}
	counts := map[syscall.Signal]int{}
	for n := 0; done < kills; n++ {
		args := runs[n%len(runs)]
		what := strings.Join(args, " ")
		used[what] = true
		dir := fmt.Sprintf("run%d", n)
		train := append([]string{"train", "--json", "--quiet", "--checkpoint-every", "15ms", "-o", dir + ".safetensors"}, args...)
		r := outcomeOf(t, process(self, append(train, "--run", dir+"whole")...))
		whole := parseJSON(t, r.out)
		took := time.Duration(whole.number(t, "seconds") * 1e9)

		call := append(train, "--run", dir)
		here := 0
		for {
			cmd := process(self, call...)
			var out, errs strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errs
			cmd.Env = append(cmd.Env, "GRADUS_ISA="+kernel.ISAs()[random.IntN(len(kernel.ISAs()))])
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { cmd.Wait(); close(ended) }()
			if done < kills && here < each {
				select {
				case <-ended:
				case <-time.After(20*time.Millisecond + time.Duration(random.Int64N(int64(took)/2+1))):
					signal := []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT}[random.IntN(5)]
					cmd.Process.Signal(signal)
					<-ended
					if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() || status.ExitStatus() == statusInterrupted {
						counts[signal]++
						done++
						here++
					}
				}
			}
			<-ended
			if code := cmd.ProcessState.ExitCode(); code != -1 && code != statusInterrupted {
				if code != r.code || !strings.Contains(errs.String(), strings.TrimSpace(r.err)) {
					t.Fatalf("%s: got exit status %d after %d kills, want %d\n%s", what, code, here, r.code, errs.String())
				}
				for _, d := range differences(parseJSON(t, out.String()), whole) {
					t.Errorf("%s: after %d kills %s", what, here, d)
				}
				if course(t, dir) != course(t, dir+"whole") {
					t.Errorf("%s: after %d kills the history differs", what, here)
				}
				break
			}
			if random.IntN(4) == 0 && damage(t, random, dir) {
				damages++
			}
			call = []string{"resume", dir, "--json", "--quiet", "--threads", strconv.Itoa(1 + random.IntN(3))}
			if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
				call = append(train, "--run", dir) // it was killed before it began
			} else {
				resumes++
			}
		}
		if t.Failed() {
			t.Fatalf("GRADUS_CHAOS=%d:%d", kills, seed)
		}
		os.RemoveAll(dir)
		os.RemoveAll(dir + "whole")
	}
	t.Logf("%d kills (%v), %d resumed, %d checkpoints damaged, %d configurations", done, counts, resumes, damages, len(used))
}

// chaos returns the number of processes to kill and the seed. GRADUS_CHAOS overrides the usual number and a new seed.
func chaos(t *testing.T, usual int) (kills int, seed uint64) {
	t.Helper()
	kills, seed = usual, uint64(time.Now().UnixNano())
	if s := os.Getenv("GRADUS_CHAOS"); s != "" {
		n, given, has := strings.Cut(s, ":")
		var err error
		if kills, err = strconv.Atoi(n); err == nil && has {
			seed, err = strconv.ParseUint(given, 10, 64)
		}
		if err != nil {
			t.Fatalf("GRADUS_CHAOS=%s: give KILLS or KILLS:SEED", s)
		}
	}
	t.Logf("GRADUS_CHAOS=%d:%d", kills, seed)
	return kills, seed
}

// TestChaosOfRanksAndDisk kills runs at random moments: a random rank of a run on several ranks, or a run whose rows are on
// the disk. It resumes a run on ranks with another number of ranks or without MPI. It compares the weights with those of a
// run without kills, in one process and in memory. GRADUS_CHAOS works as for TestChaos.
func TestChaosOfRanksAndDisk(t *testing.T) {
	with, self := withMPI(t), self(t)
	for _, l := range launchers {
		need.Tool(t, l.name)
	}
	sh := need.Tool(t, "sh")
	kills, seed := chaos(t, 1)
	random := rand.New(rand.NewPCG(seed, 1))
	place(t, map[string]string{"big.csv": largeTable(400_000)})
	kinds := []struct {
		name   string
		train  []string // in one process and in memory
		memory []string // flags that put the rows on the disk; without any, the run is on ranks
		sum    string   // the checksum of its weights
		took   time.Duration
		killed int
	}{
		{name: "ranks", train: append([]string{"train", diabetes}, strings.Fields("--members 1 --shards 6 --batch-size 128 --epochs 200 --patience 0 --hidden 16 --json --quiet")...)},
		{name: "members", train: append([]string{"train", diabetes}, strings.Fields("--members 4 --batch-size 64 --epochs 300 --patience 0 --hidden 16 --json --quiet")...)},
		{name: "disk", train: append([]string{"train", "big.csv"}, inBlocks...), memory: []string{"--memory", "30MiB"}},
	}
	const each = 4 // most kills of one run
	done, resumes := 0, 0
	for n := 0; done < kills; n++ {
		k := &kinds[random.IntN(len(kinds))]
		// This is the call of one attempt. Each rank prints which process it is.
		attempt := func(args []string) *exec.Cmd {
			pids, _ := filepath.Glob("pid.*")
			for _, p := range pids {
				os.Remove(p)
			}
			if k.memory != nil {
				return process(self, args...)
			}
			return launchers[random.IntN(len(launchers))].call(t, 2+random.IntN(2), sh,
				append([]string{"-c", `echo $$ >pid.${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; exec "$@"`, "sh", with}, args...)...)
		}
		dir := fmt.Sprintf("run%d", n)
		train := append(append(append([]string{}, k.train...), k.memory...), "-o", dir+".safetensors")
		if k.sum == "" {
			k.sum = sumOf(t, outcomeOf(t, process(self, append(append([]string{}, k.train...), "-o", "whole.safetensors")...)))
			start := time.Now()
			if got := sumOf(t, outcomeOf(t, attempt(train))); got != k.sum {
				t.Fatalf("%s: got the weights %s, want %s as in one process and in memory", k.name, got, k.sum)
			}
			k.took = time.Since(start)
		}
		train = append(train, "--run", dir, "--checkpoint-every", "1ms")
		call := train
		for here := 0; ; {
			last := done == kills || here == each
			cmd := attempt(call)
			if last && k.memory == nil && random.IntN(3) == 0 {
				cmd = process(self, call...)
			}
			var out, errs strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { cmd.Wait(); close(ended) }()
			struck := false
			if !last {
				within := k.took
				if random.IntN(4) > 0 { // mostly when there is a checkpoint to resume from
					within /= 8
					for waiting := true; waiting; {
						select {
						case <-ended:
							waiting = false
						case <-time.After(2 * time.Millisecond):
							one, _ := filepath.Glob(filepath.Join(dir, checkpointFiles[0]))
							members, _ := filepath.Glob(filepath.Join(dir, "member-*", checkpointFiles[0]))
							waiting = len(one)+len(members) == 0
						}
					}
				}
				select {
				case <-ended:
				case <-time.After(time.Duration(random.Int64N(int64(within)))):
					pid := cmd.Process.Pid
					if k.memory == nil { // kill a rank, not the launcher, which would leave the ranks running
						pids, _ := filepath.Glob("pid.*")
						pid = 0
						if len(pids) > 0 {
							pid, _ = strconv.Atoi(strings.TrimSpace(readFile(t, pids[random.IntN(len(pids))])))
						}
					}
					if pid > 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
						if <-ended; !cmd.ProcessState.Success() {
							struck = true
							done++
							here++
							k.killed++
						}
					}
				}
			}
			<-ended
			if cmd.ProcessState.Success() {
				if got := fmt.Sprint(parseJSON(t, out.String())["weights_sha256"]); got != k.sum {
					t.Fatalf("GRADUS_CHAOS=%d:%d: %s: after %d kills the weights are %s, want %s", kills, seed, k.name, here, got, k.sum)
				}
				break
			}
			if !struck {
				t.Fatalf("GRADUS_CHAOS=%d:%d: %s: after %d kills: %v\n%s", kills, seed, k.name, here, cmd.ProcessState, errs.String())
			}
			call = []string{"resume", dir, "--json", "--quiet"}
			if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
				call = train // it was killed before it began
			} else {
				resumes++
			}
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d kills (%d of ranks with one network, %d with members, %d with the rows on the disk), %d resumed", done, kinds[0].killed, kinds[1].killed, kinds[2].killed, resumes)
}

// damage flips a bit of the newest checkpoint or truncates it. If there is no older checkpoint, it does nothing
// and returns false.
func damage(t *testing.T, random *rand.Rand, dir string) bool {
	t.Helper()
	if members, _ := filepath.Glob(filepath.Join(dir, "member-*")); members != nil {
		dir = members[random.IntN(len(members))]
	}
	d := &runDir{path: dir}
	_, file, damaged, err := d.newest()
	if err != nil {
		t.Fatal(err)
	}
	if file == nil {
		return false
	}
	file.Close()
	if damaged != nil {
		return false
	}
	if _, err := os.Stat(filepath.Join(dir, checkpointFiles[d.next])); err != nil {
		return false
	}
	newest := filepath.Join(dir, checkpointFiles[1-d.next])
	b := []byte(readFile(t, newest))
	if random.IntN(2) == 0 {
		b[random.IntN(len(b))] ^= 1 << random.IntN(8)
	} else {
		b = b[:random.IntN(len(b))]
	}
	writeFile(t, newest, string(b))
	return true
}

// TestTwoSignals: after the first signal the process is busy with a long step. The
// second ends it at once, and nothing is written.
func TestTwoSignals(t *testing.T) {
	place(t, nil)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := process(self, "train", cancer, "--members", "1", "--hidden", "3000,3000", "--method", "batch", "--epochs", "1000", "-o", "m.safetensors")
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1)
	if _, err := errs.Read(line); err != nil { // the line of the first epoch: training has begun
		t.Fatal(err)
	}
	go io.Copy(io.Discard, errs)
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != statusInterrupted {
		t.Errorf("got exit status %d, want %d", code, statusInterrupted)
	}
	if left := listing(t); len(left) != 1 {
		t.Errorf("got the files %v, want none", left)
	}
}

// TestOneSignal: after one signal the process finishes the step, saves and reports.
func TestOneSignal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		place(t, nil)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := process(self, "train", cancer, "--members", "1", "--epochs", "1000000", "--patience", "0", "--run", "run", "--json", "-o", "m.safetensors")
		var out strings.Builder
		cmd.Stdout = &out
		errs, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := errs.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		copied := make(chan struct{})
		go func() { io.Copy(io.Discard, errs); close(copied) }()
		cmd.Process.Signal(signal)
		<-copied
		cmd.Wait()
		o := parseJSON(t, out.String())
		if code := cmd.ProcessState.ExitCode(); code != statusInterrupted || o["stop_reason"] != "interrupted" || o.number(t, "steps") < 1 {
			t.Errorf("%v: got exit status %d and\n%s\nwant %d, the reason interrupted and at least 1 step", signal, code, out.String(), statusInterrupted)
		}
		must(t, 0, "evaluate", "m.safetensors", cancer)
		d := &runDir{path: "run"}
		c, file, _, err := d.newest()
		if err != nil || c == nil || float64(c.Steps) != o.number(t, "steps") {
			t.Fatalf("%v: got the checkpoint %+v and the error %v, want one of update %v", signal, c, err, o["steps"])
		}
		file.Close()
		var config map[string]any
		if err := json.Unmarshal([]byte(readFile(t, "run/config.json")), &config); err != nil {
			t.Error(err)
		}
	}
}
