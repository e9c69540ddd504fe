package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

// outcomeOf runs a process to its end.
func outcomeOf(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// TestReadOnly: folders and files without write permission. Root, whom no mode stops, calls
// gradus as nobody.
func TestReadOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "gradus-cli") // not t.TempDir, whose parents only root may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Chdir(dir)
	must(t, 0, "train", iris, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	writeFile(t, "data.csv", readFile(t, iris))
	if err := os.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "folder/old.safetensors", "old")
	writeFile(t, "folder/secret.csv", readFile(t, iris))
	binary := copyOfSelf(t, dir)
	before := listing(t)
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
			t.Errorf("written: %q", changed)
		}
	}
}

// copyOfSelf is the test binary where every user can start it.
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

// TestFullDisk writes to a disk of 64 kB with 4 kB left. Where none can be mounted,
// TestFullDevice has to do.
func TestFullDisk(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", iris, "--hidden", "64,64", "--epochs", "1", "--quiet", "-o", "m.safetensors")
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
	} {
		args = strings.NewReplacer("$IRIS", iris, "$DIABETES", diabetes).Replace(args)
		for _, problem := range refused(call(strings.Fields(args)...), 1, []string{"cannot write disk/", "no space left on device"}) {
			t.Errorf("gradus %s: %s", args, problem)
		}
		if changed := changes(before, listing(t)); changed != nil {
			t.Fatalf("gradus %s: left behind: %q", args, changed)
		}
	}
}
