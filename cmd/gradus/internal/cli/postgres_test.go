package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

// startPostgres starts a PostgreSQL server with the password secret, and fills its table people from a CSV file.
// It returns the address without the password.
func startPostgres(t *testing.T, secret, csv string) (host string) {
	t.Helper()
	host = need.Postgres(t, secret).Address()
	psql := need.Tool(t, "psql")
	load := exec.Command(psql, "-q", "postgres://postgres@"+host,
		"-c", "create type color as enum ('1', '2'); create table people (num double precision, whole bigint, single real, price numeric(8,2), cat text, flag boolean, day date, moment timestamp, y double precision)",
		"-c", `\copy people from '`+csv+`' csv header`)
	load.Env = append(os.Environ(), "PGPASSWORD="+secret)
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return host
}

// TestPostgres: a real PostgreSQL gives the weights of the CSV, and its password is neither shown nor kept.
func TestPostgres(t *testing.T) {
	const secret = "Xyzzy-42"
	csv := formatFile(t, "people.csv")
	place(t, nil)
	host := startPostgres(t, secret, csv)
	address := "postgres://postgres:" + secret + "@" + host
	want := sum(t, csv, "--target", "y")
	if got := sum(t, address, "--target", "y"); got != want {
		t.Errorf("got weights with the SHA-256 %.12s, want %.12s as from the CSV", got, want)
	}
	query := []string{"--query", "select *, '1'::color as color from people", "--target", "y"}
	if o := must(t, 0, append([]string{"inspect", address}, query...)...); !strings.Contains(o.out, "color") || !strings.Contains(o.out, "constant") {
		t.Errorf("the text is %q, want it to contain %q and %q", o.out, "color", "constant")
	}

	o := must(t, 0, append([]string{"train", "--members", "1", address, "--run", "run", "--epochs", "3", "-o", "m.safetensors", "--test", "0.2"}, query...)...)
	said := o.out + o.err
	for name, text := range listing(t) {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds the password", name)
		}
	}
	filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if raw, err := os.ReadFile(path); err != nil || strings.Contains(string(raw), secret) {
				t.Errorf("%s holds the password (%v)", path, err)
			}
		}
		return err
	})
	o = call("resume", "run")
	if said += o.out + o.err; o.code == 0 || !strings.Contains(o.err, "PGPASSWORD") {
		t.Errorf("without a password: got exit status %d and %s, want an error that names PGPASSWORD", o.code, o.err)
	}
	t.Setenv("PGPASSWORD", secret)
	o = must(t, 0, "resume", "run")
	said += o.out + o.err
	for _, c := range []struct{ words, want string }{
		{"select nothing from people", "the query is refused: column \"nothing\" does not exist"},
		{"select * from people limit 0", "the query returned no rows"},
		{"delete from people", "the query is refused: cannot execute DELETE in a read-only transaction"},
		{"select array[1, 2] as a, 1 as b", `a: holds lists, which are not read`},
		{"select '\\x00'::bytea as a, 1 as b", `a: holds bytes, which are not read`},
	} {
		o := call("inspect", address, "--query", c.words)
		if said += o.out + o.err; o.code == 0 || !strings.Contains(o.err, c.want) {
			t.Errorf("%s: got %d %s, want o.code != 0 and c.want in o.err", c.words, o.code, o.err)
		}
	}
	for _, wrong := range []string{"postgres://postgres:wrong-" + secret + "@" + host, "postgres://postgres:" + secret + "@127.0.0.1:1/x", "postgres://postgres:" + secret + "@127.0.0.1:bad/x"} {
		o := call("inspect", wrong)
		if said += o.out + o.err; o.code == 0 {
			t.Errorf("%s was read, want an error", wrong)
		}
	}
	if strings.Contains(said, secret) {
		t.Errorf("the password is shown:\n%s", said)
	}
}

// TestPostgresOnTheDisk: the rows of a query that do not fit in memory go to the disk as they come, with the weights of memory.
func TestPostgresOnTheDisk(t *testing.T) {
	notShort(t)
	csv := formatFile(t, "people.csv")
	place(t, nil)
	const secret = "Xyzzy-42"
	address := "postgres://postgres:" + secret + "@" + startPostgres(t, secret, csv)
	query := "select sin(i) as a, cos(i * 0.7) as b, (i % 11)::bigint as c, 'w' || (i % 3) as word, case when i % 5 > 0 then sin(i) + i % 3 end as y from generate_series(1, 500000) as i"
	var sums []any
	for _, how := range [][]string{nil, {"--memory", "30MiB"}} {
		o := outcomeOf(t, process(os.Args[0], append(append([]string{"train", address, "--query", query, "--members", "1", "--hidden", "8"}, inBlocks...), how...)...))
		if o.code != 0 || strings.Contains(o.out, "its cells are on the disk") != (how != nil) {
			t.Fatalf("with %q: got exit status %d, %s and %.2000s, want 0 and the cells on the disk: %v", how, o.code, o.err, o.out, how != nil)
		}
		sums = append(sums, parseJSON(t, o.out)["weights_sha256"])
	}
	if sums[0] != sums[1] {
		t.Errorf("got the weights %v on the disk, want %v as in memory", sums[1], sums[0])
	}
}
