package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Data returns the path of a file in the folder that GRADUS_DATA names, such as
// "small/titanic.csv".
func Data(t testing.TB, rel string) string {
	t.Helper()
	dir := os.Getenv("GRADUS_DATA")
	if dir == "" {
		miss(t, "needs "+rel+": set GRADUS_DATA to the folder of tables")
	}
	path := filepath.Join(dir, filepath.FromSlash(rel))
	if _, err := os.Stat(path); err != nil {
		miss(t, "needs "+rel+" in the folder GRADUS_DATA: "+err.Error())
	}
	return path
}

// Tool returns the path of a program that is on the PATH.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		miss(t, "needs the program "+name+": "+err.Error())
	}
	return path
}

// That ends the test if there is false. what names what is missing.
func That(t testing.TB, there bool, what string) {
	t.Helper()
	if !there {
		miss(t, "needs "+what)
	}
}

// miss skips or fails the test.
func miss(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("GRADUS_MUST_RUN") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
