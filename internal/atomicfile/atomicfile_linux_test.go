package atomicfile

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDevices(t *testing.T) {
	if err := Write("/dev/null", text("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode().IsRegular() {
		t.Error("/dev/null was replaced by a file")
	}
	err := Write("/dev/full", text("x"))
	if err == nil || err.Error() != "cannot write /dev/full: no space left on device" {
		t.Errorf("writing to a full device gives %v, want no space left on device", err)
	}
}

func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		f, err := os.Open(path)
		if err != nil {
			got <- err.Error()
			return
		}
		b, _ := io.ReadAll(f)
		got <- string(b)
	}()
	if err := Write(path, text("through the pipe")); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "through the pipe" {
		t.Errorf("the pipe gave %q, want through the pipe", s)
	}
}

// TestReadOnly runs as another user if this one is root, because no file mode stops root.
func TestReadOnly(t *testing.T) {
	if dir := os.Getenv("ATOMICFILE_READ_ONLY"); dir != "" {
		refused(t, filepath.Join(dir, "folder", "model"))
		refused(t, filepath.Join(dir, "old"))
		return
	}
	dir, err := os.MkdirTemp("", "atomicfile") // not t.TempDir, whose parents only root may enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	folder, old := filepath.Join(dir, "folder"), filepath.Join(dir, "old")
	for _, err := range []error{
		os.Mkdir(folder, 0o700), os.Chmod(folder, 0o555),
		os.WriteFile(old, []byte("old"), 0o444), os.Chmod(dir, 0o777),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() != 0 {
		refused(t, filepath.Join(folder, "model"))
		refused(t, old)
		return
	}
	// Another user may not be able to enter the folder of the test binary, so it starts
	// from a copy.
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(dir, "self")
	if err := os.WriteFile(self, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestReadOnly$")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ATOMICFILE_READ_ONLY="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}

func refused(t *testing.T, path string) {
	t.Helper()
	before, _ := os.ReadFile(path)
	err := Write(path, text("x"))
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write "+path+": permission denied") {
		t.Errorf("writing %s gives %v, want permission denied", path, err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Errorf("%s has changed", path)
	}
}
