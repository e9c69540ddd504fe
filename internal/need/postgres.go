package need

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
)

// Server is a PostgreSQL server for a test, in its own folder.
type Server struct {
	t         testing.TB
	bin, home string
	port      int
}

// Postgres starts a server of Debian's postgresql. Its superuser postgres has a password.
func Postgres(t testing.TB, password string) *Server {
	t.Helper()
	servers, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	That(t, len(servers) > 0, "PostgreSQL: install Debian's postgresql")
	dir, err := os.MkdirTemp("", "gradus-postgres-") // the user postgres can reach this folder
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, bin: filepath.Dir(servers[len(servers)-1]), home: filepath.Join(dir, "data")}
	if isRoot() {
		if out, err := exec.Command("chown", "-R", "postgres", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = free.Addr().(*net.TCPAddr).Port
	free.Close()
	s.run("initdb", "-D", s.home, "--auth=scram-sha-256", "--pwfile="+file, "-E", "UTF8", "--locale=C", "--no-sync")
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Address returns HOST:PORT/NAME of the database.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d/postgres", s.port) }

// Start starts the server and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	dir := filepath.Dir(s.home)
	s.run("pg_ctl", "-D", s.home, "-w", "-l", filepath.Join(dir, "log"), "-o", fmt.Sprintf("-p %d -h 127.0.0.1 -k %s -c fsync=off", s.port, dir), "start")
}

// Stop stops the server at once, as a crash would.
func (s *Server) Stop() {
	s.t.Helper()
	s.run("pg_ctl", "-D", s.home, "-m", "immediate", "stop")
}

// run runs one of the server's programs. They refuse to run as root.
func (s *Server) run(program string, args ...string) {
	s.t.Helper()
	words := append([]string{filepath.Join(s.bin, program)}, args...)
	if isRoot() {
		words = append([]string{Tool(s.t, "runuser"), "-u", "postgres", "--"}, words...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = filepath.Dir(s.home)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %v\n%s", words, err, out)
	}
}

func isRoot() bool {
	me, err := user.Current()
	return err == nil && me.Uid == "0"
}
