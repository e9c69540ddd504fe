package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
)

// TestChangingFiles: a file that changes while it is read is refused with one sentence, whatever its format. The test
// changes the file at the first report of progress.
func TestChangingFiles(t *testing.T) {
	files := map[string]string{"a.csv": "people.csv", "a.parquet": "pyarrow.parquet", "a.arrow": "pyarrow.arrow", "a.arrows": "stream.arrows"}
	for name, from := range files {
		raw, err := os.ReadFile(formatFile(t, from))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(raw)
	}
	var lines strings.Builder
	for i := range 20_000 { // progress is reported every 10,000 rows
		fmt.Fprintf(&lines, "{\"a\": %d, \"b\": \"x%d\"}\n", i, i%3)
	}
	files["a.jsonl"] = lines.String()
	for name, text := range files {
		n := len(text)
		for what, c := range map[string]struct {
			change func(path string) error
			says   string
		}{
			"grows": {func(path string) error {
				f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = f.WriteString("more\n")
				return err
			}, fmt.Sprintf("it grew from %d to %d bytes", n, n+5)},
			"shrinks": {func(path string) error { return os.Truncate(path, int64(n-7)) }, fmt.Sprintf("it shrank from %d to %d bytes", n, n-7)},
			"is written anew": {func(path string) error {
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				defer f.Close()
				if _, err := f.WriteAt([]byte(text[n/2:n/2+8]), int64(n/2)); err != nil {
					return err
				}
				return os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)) // clocks of file systems are coarse
			}, fmt.Sprintf("its %d bytes were written to", n)},
		} {
			place(t, map[string]string{name: text})
			changed := false
			_, err := data.Read(name, data.ReadOptions{Progress: func(data.Progress) {
				if !changed {
					changed = true
					if err := c.change(name); err != nil {
						t.Fatal(err)
					}
				}
			}})
			want := name + ": changed while it was read, " + c.says + ": wait until nothing writes to it, or read a copy"
			if !changed || !errors.Is(err, data.ErrChanged) || err.Error() != want {
				t.Errorf("%s %s: got %v\nwant %s", name, what, err, want)
			}
			place(t, map[string]string{name: text})
			if _, err := data.Read(name, data.ReadOptions{}); err != nil {
				t.Errorf("%s, which does not change: got %v, want no error", name, err)
			}
		}
	}
}
