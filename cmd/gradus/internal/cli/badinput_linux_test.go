package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gradus-ml/gradus/model"

	"github.com/gradus-ml/gradus/internal/need"
)

// TestReadOnly writes to folders and files without write permission. File permissions do not stop
// root, so a test that runs as root starts gradus as the user nobody.
func TestReadOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "gradus-cli") // not t.TempDir: only root may enter its parents
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Chdir(dir)
	must(t, 0, "train", "--members", "1", iris, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	writeFile(t, "data.csv", readFile(t, iris))
	if err := os.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "folder/old.safetensors", "old")
	writeFile(t, "folder/secret.csv", readFile(t, iris))
	binary := copyOfSelf(t, dir)
	must(t, 0, "train", "--members", "1", iris, "--epochs", "1", "--quiet", "--run", "kept", "-o", "m.safetensors")
	before := listing(t)
	if err := os.Chmod("kept", 0o555); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o755, "folder/old.safetensors": 0o444, "folder/secret.csv": 0, "folder": 0o555} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args  string
		words []string
	}{
		{"train data.csv --epochs 1 -o folder/m.safetensors", []string{"the folder folder cannot be written to", "permission denied", "--out"}},
		{"train data.csv --epochs 1 -o folder/old.safetensors", []string{"folder", "permission denied"}},
		{"train data.csv --epochs 1 --run folder/run -o /dev/null", []string{"--run", "folder/run", "permission denied"}},
		{"train folder/secret.csv -o /dev/null", []string{"folder/secret.csv", "permission denied"}},
		{"resume kept -o /dev/null", []string{"the folder kept cannot be written to", "permission denied"}},
		{"predict m.safetensors data.csv -o folder/p.csv", []string{"cannot write folder/p.csv", "permission denied"}},
		{"plot m.safetensors -o folder/net.svg", []string{"cannot write folder/net.svg", "permission denied"}},
	} {
		cmd := process(binary, strings.Fields(c.args)...)
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		for _, problem := range refused(outcomeOf(t, cmd), 1, c.words) {
			t.Errorf("gradus %s: %s", c.args, problem)
		}
	}
	if os.Getuid() == 0 {
		if changed := changes(before, listing(t)); changed != nil {
			t.Errorf("got the changed files %q, want none", changed)
		}
	}
}

// copyOfSelf copies the test binary to a place where every user can start it.
func copyOfSelf(t *testing.T, dir string) string {
	t.Helper()
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "self")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFullDisk writes to a disk of 64 kB with 4 kB left. If none can be mounted,
// only TestFullDevice runs.
func TestFullDisk(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", "--members", "1", iris, "--hidden", "64,64", "--epochs", "1", "--quiet", "-o", "m.safetensors")
	if err := os.Mkdir("disk", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", "disk", "tmpfs", 0, "size=64k"); err != nil {
		_, full := os.Stat("/dev/full")
		need.That(t, full == nil, "a disk that can be mounted, or /dev/full")
		return
	}
	t.Cleanup(func() { syscall.Unmount("disk", 0) })
	writeFile(t, "disk/old.safetensors", "old")
	writeFile(t, "disk/filler", strings.Repeat("x", 56<<10))
	before := listing(t)
	for _, args := range []string{
		"train $IRIS --hidden 64,64 --epochs 1 --quiet -o disk/m.safetensors",
		"train $IRIS --hidden 64,64 --epochs 1 --quiet -o disk/old.safetensors",
		"train $DIABETES --lr 1e30 --hidden 64,64 --epochs 1 --quiet -o disk/m.safetensors",
		"predict m.safetensors $IRIS -o disk/p.csv",
		"plot m.safetensors -o disk/net.svg",
		"plot m.safetensors -o disk/net.png",
		"export m.safetensors -o disk/m.go",
	} {
		args = strings.NewReplacer("$IRIS", iris, "$DIABETES", diabetes).Replace(args)
		r := call(strings.Fields(args)...)
		if strings.HasPrefix(args, "train") {
			r = begun(r)
		}
		if strings.HasPrefix(args, "train "+iris) { // the report has the scores, but no model, because none was written
			for _, part := range []string{"\nTrained  ", "commonest class", "\nTrue class"} {
				if !strings.Contains(r.out, part) {
					t.Errorf("gradus %s: the report lacks %q:\n%s", args, part, r.out)
				}
			}
			if strings.Contains(r.out, "Model  ") || strings.Contains(r.out, "gradus predict") {
				t.Errorf("gradus %s: the report names a model that was not written:\n%s", args, r.out)
			}
			r.out = ""
		}
		for _, problem := range refused(r, 1, []string{"cannot write disk/", "no space left on device"}) {
			t.Errorf("gradus %s: %s", args, problem)
		}
		if changed := changes(before, listing(t)); changed != nil {
			t.Fatalf("gradus %s: got the changed files %q, want none", args, changed)
		}
	}
}

// TestFullDiskWhileTraining: if a checkpoint does not fit on the disk, one message says so, and the previous
// checkpoint stays. When there is room again, the resumed run ends as a run without a full disk does.
func TestFullDiskWhileTraining(t *testing.T) {
	notShort(t)
	place(t, nil)
	if err := os.Mkdir("disk", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", "disk", "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("no disk can be mounted here: ", err)
	}
	t.Cleanup(func() { syscall.Unmount("disk", 0) })
	args := []string{"train", "--members", "1", diabetes, "--members", "1", "--epochs", "1000", "--patience", "0", "--quiet", "--checkpoint-every", "2ms"}
	whole := trainQuietly(t, 0, append(args[1:], "-o", "w.safetensors")...)
	if r := callUntil(t, "disk/run/"+checkpointFiles[0], append(args, "--run", "disk/run", "-o", "m.safetensors")...); r.code != 130 {
		t.Fatalf("got exit status %d, want 130\n%s", r.code, r.err)
	}
	// Fill the rest of the disk.
	filler, err := os.Create("disk/filler")
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 16; size > 0; size /= 2 {
		for err == nil {
			_, err = filler.Write(make([]byte, size))
		}
		err = nil
	}
	filler.Close()
	before := listing(t)
	r := call("resume", "disk/run", "--quiet", "-o", "m.safetensors")
	const complaint = "no space left on device; training continues, and the previous checkpoint is kept\n"
	if r.code != 1 || strings.Count(r.err, complaint) != 1 || strings.Count(r.err, "\n") != 2 || !strings.HasSuffix(r.err, ": no space left on device\n") {
		t.Errorf("got exit status %d and the messages\n%s\nwant 1, the end %q once, and one more line", r.code, r.err, complaint)
	}
	if changed := changes(before, listing(t)); len(changed) > 2 { // the lock, whose process number does not fit, and the model
		t.Errorf("got the changed files %q, want at most 2", changed)
	}
	if err := os.Remove("disk/filler"); err != nil {
		t.Fatal(err)
	}
	for _, d := range differences(parseJSON(t, must(t, 0, "resume", "disk/run", "--quiet", "--json").out), whole) {
		t.Error(d)
	}
}

// TestFullDiskAtAMembersEnd: the state of a finished member does not fit on the disk. The exit status is 1, but
// the model has all its members.
func TestFullDiskAtAMembersEnd(t *testing.T) {
	place(t, nil)
	if err := os.Mkdir("disk", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", "disk", "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no disk can be mounted here: ", err)
	}
	t.Cleanup(func() { syscall.Unmount("disk", 0) })
	r := call("train", diabetes, "--members", "2", "--epochs", "2", "--quiet", "--run", "disk/run", "-o", "m.safetensors")
	if r.code != 1 || !strings.Contains(r.err, "no space left on device") {
		t.Errorf("got exit status %d and the messages\n%s\nwant 1 and %q", r.code, r.err, "no space left on device")
	}
	if m, err := model.Load("m.safetensors"); err != nil || len(m.Members()) != 2 {
		t.Error("want a model of 2 members; the error is", err)
	}
}

// container makes a control group. The function runs a call of gradus in it, with so many bytes of memory. It ends the test
// where no group can be made.
func container(t *testing.T) func(bytes int, call string) outcome {
	t.Helper()
	group, limit := fmt.Sprintf("/sys/fs/cgroup/memory/gradus-test-%d", os.Getpid()), "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		group, limit = fmt.Sprintf("/sys/fs/cgroup/gradus-test-%d", os.Getpid()), "memory.max"
	}
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skip("no control group can be made here: ", err)
	}
	t.Cleanup(func() { os.Remove(group) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(bytes int, call string) outcome {
		if err := os.WriteFile(filepath.Join(group, limit), []byte(strconv.Itoa(bytes)), 0o644); err != nil {
			t.Skip("no limit can be set here: ", err)
		}
		return outcomeOf(t, process("/bin/sh", "-c", "echo $$ > "+group+"/cgroup.procs && exec "+self+" "+call))
	}
}

// TestContainerLimit: a run that needs more memory than its control group has left is refused, even if the
// machine has more. The error has the figures. A run that fits is not refused.
func TestContainerLimit(t *testing.T) {
	inside := container(t)
	place(t, nil)
	train := "train " + iris + " --epochs 1 --quiet -o m.safetensors "
	for _, problem := range refused(inside(300_000_000, train+"--hidden 4000,4000"), 1, []string{"not enough memory", "16,052,003 parameters", "this container has", "MB left"}) {
		t.Error(problem)
	}
	if r := inside(300_000_000, train+"--hidden 64,64"); r.code != 0 {
		t.Errorf("got exit status %d, want 0\n%s", r.code, r.err)
	}
}

// However little memory a control group has, the kernel does not kill a run in it: the run uses the disk, or is refused. The
// weights do not depend on it.
func TestSmallContainers(t *testing.T) {
	inside := container(t)
	place(t, nil)
	var b bytes.Buffer
	b.WriteString("a,b,c,d,e,f,g,h,y\n")
	for i := range 500_000 {
		x := uint64(i) * 0x9e3779b97f4a7c15
		for range 8 {
			x ^= x >> 29
			fmt.Fprintf(&b, "%d.%d,", x%97, x>>40%1000)
			x *= 0xbf58476d1ce4e5b9
		}
		fmt.Fprintf(&b, "%d\n", x%89)
	}
	if err := os.WriteFile("large.csv", b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	weights, trained := "", 0
	for size := 60; size <= 180; size += 10 {
		r := inside(size<<20, "train large.csv --epochs 1 --members 1 --hidden 8 --block-rows 512 --buffer-blocks 64 --quiet --json -o m.safetensors")
		switch r.code {
		case 1:
			if !strings.Contains(r.err, "memory") || trained > 0 {
				t.Errorf("%d MiB: got exit status 1 and %q after %d runs that had enough memory", size, r.err, trained)
			}
			continue
		case 0:
		default:
			t.Errorf("%d MiB: got exit status %d, want 0 or 1\n%s", size, r.code, r.err)
			continue
		}
		trained++
		var came struct {
			Weights string `json:"weights_sha256"`
		}
		if err := json.Unmarshal([]byte(r.out), &came); err != nil || came.Weights == "" || weights != "" && came.Weights != weights {
			t.Errorf("%d MiB: the weights are %q, want %q (%v)", size, came.Weights, weights, err)
		}
		weights = came.Weights
	}
	if trained < 8 {
		t.Errorf("only %d of 13 runs had enough memory, so the test holds little", trained)
	}
}
