package lock

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary be another process that takes a lock and waits to be killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("GRADUS_TEST_LOCK"); path != "" {
		_, err := Take(path)
		fmt.Println("took it:", err)
		select {}
	}
	os.Exit(m.Run())
}

func TestTake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(path); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), fmt.Sprint("in use by process ", os.Getpid())) {
		t.Errorf("a second lock: got %v, want ErrHeld and this process", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Take(path)
	if err != nil {
		t.Fatalf("after the lock was released: %v", err)
	}
	again.Close()
}

// A process that is killed leaves no lock behind.
func TestKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "GRADUS_TEST_LOCK="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 100)
	n, _ := out.Read(line)
	if !strings.HasPrefix(string(line[:n]), "took it: <nil>") {
		t.Fatalf("the process says %q", line[:n])
	}
	if _, err := Take(path); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), fmt.Sprint(cmd.Process.Pid)) {
		t.Errorf("while the process runs: got %v, want ErrHeld and its number", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	f, err := Take(path)
	if err != nil {
		t.Fatalf("after it was killed: %v", err)
	}
	f.Close()
}
