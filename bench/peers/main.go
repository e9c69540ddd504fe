// Command peers measures gradus and other programs that train the same networks: numpy, C, C
// with OpenBLAS, PyTorch, JAX, scikit-learn, GoMLX, Gorgonia and spaGO. All programs of a table
// are pinned to the same cores and take turns, round after round. A figure is the median of the
// rounds. It builds and installs what it can into a cache folder, reports why it could not do
// the rest, and writes RESULTS.md. bench/README.md lists what is needed. From the repository's root:
//
//	GRADUS_DATA=/path/to/data go run ./bench/peers
//
// The tables are also kept in the cache folder, so -only can measure some of them again.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	var s suite
	only := flag.String("only", "", "tables to measure, separated by commas; default: all of "+strings.Join(tableNames(), ", "))
	out := flag.String("out", filepath.Join("bench", "RESULTS.md"), "the file to write")
	cores := flag.String("cores", "0,1", "cores to pin to; what uses one thread gets the first")
	flag.IntVar(&s.rounds, "rounds", 5, "how often each takes its turn")
	flag.Float64Var(&s.seconds, "seconds", 1, "how long a turn is")
	flag.StringVar(&s.cache, "cache", filepath.Join(cache, "gradus-peers"), "where what is built and installed is kept")
	flag.StringVar(&s.python, "python", "python3", "the Python that a new environment is made of")
	flag.StringVar(&s.cc, "cc", "gcc", "the C compiler")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; there are only flags", flag.Arg(0))
	}
	if s.rounds < 1 || s.seconds <= 0 {
		return fmt.Errorf("-rounds %d -seconds %v: both have to be greater than 0", s.rounds, s.seconds)
	}
	s.cores = strings.Split(*cores, ",")
	s.data = os.Getenv("GRADUS_DATA")
	wanted := tableNames()
	if *only != "" {
		wanted = strings.Split(*only, ",")
	}
	for _, w := range wanted {
		if !slices.Contains(tableNames(), w) {
			return fmt.Errorf("-only %s: there is no such table; there are %s", w, strings.Join(tableNames(), ", "))
		}
	}
	if _, err := os.Stat(filepath.Join("bench", "peers", "c")); err != nil {
		return fmt.Errorf("bench/peers/c is not here; run it from the repository's root")
	}
	if err := s.build(ctx); err != nil {
		return err
	}
	book := s.load()
	for _, t := range tables {
		if !slices.Contains(wanted, t.name) {
			continue
		}
		fmt.Printf("\n== %s\n", t.name)
		r := t.measure(&s, ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.stamp(&r)
		book[t.name] = r
		if err := s.save(book); err != nil {
			return err
		}
	}
	return os.WriteFile(*out, []byte(s.report(book)), 0o644)
}
