package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/internal/memory"
	"github.com/gradus-ml/gradus/internal/mpi"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// ranks are the processes that an MPI launcher has started for one call. They train one network together, or each trains
// some members of an ensemble. Rank 0 reports and writes files; the others follow and are quiet.
type ranks struct {
	mpi.World
	err     io.Writer // where this rank writes an error that only it knows about
	hosts   []string  // by rank
	crowded bool      // there are more ranks than cores on this machine
	lost    bool      // the others cannot be reached any more, or wait in vain for this rank
	blocks  blocks    // of a rank whose rows are in blocks, if there is one
	odd     int       // a rank that is prepared for another number of networks than rank 0; 0: none
}

// blocks are the sizes that affect the order of rows in blocks. They are 0 if the rows are not in blocks.
type blocks struct{ Rows, Buffer int }

func blocksOf(f *model.Fit) blocks { return blocks{f.Options.BlockRows, f.Options.BufferBlocks} }

// give sets the sizes in a call, if the rows are in blocks.
func (b blocks) give(c *trainCmd) {
	if b.Rows > 0 {
		c.give("block-rows", strconv.Itoa(b.Rows))
		c.give("buffer-blocks", strconv.Itoa(b.Buffer))
	}
}

// flags returns the flags that set the sizes, if the rows are in blocks.
func (b blocks) flags() []string {
	if b.Rows == 0 {
		return nil
	}
	return []string{fmt.Sprintf("--block-rows=%d", b.Rows), fmt.Sprintf("--buffer-blocks=%d", b.Buffer)}
}

// Gather calls the World's Gather, and remembers if it failed.
func (r *ranks) Gather(all []byte, counts []int) error {
	err := r.World.Gather(all, counts)
	r.lost = r.lost || err != nil
	return err
}

// Exchange calls the World's Exchange, and remembers if it failed.
func (r *ranks) Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error {
	err := r.World.Exchange(in, inCounts, out, outCounts)
	r.lost = r.lost || err != nil
	return err
}

// asRanks returns nil for one process.
func (r *ranks) asRanks() train.Ranks {
	if r == nil {
		return nil
	}
	return r
}

// follows reports whether another process reports and writes.
func (e *env) follows() bool { return e.ranks != nil && e.ranks.Rank() > 0 }

// join makes this process one of the ranks that a launcher has started, if one has. A program without MPI
// then returns an error, because each process would train by itself and write the same file.
func (e *env) join() error {
	job, many := mpi.Launched()
	if !many || e.ranks != nil {
		return nil
	}
	if job.Rank > 0 && !mpi.Built { // rank 0 reports it, and a launcher ends the others when one exits with a status other than 0
		return status(statusDone)
	}
	if !mpi.Built {
		return usagef("a launcher has started %d processes of this call (%s is set), and this program was built without MPI, so each would train the same network and write the same file: start one process, or build with CGO_ENABLED=0 go build -tags mpi ./cmd/gradus", job.Size, job.By)
	}
	w, err := mpi.Start()
	if err != nil {
		return fmt.Errorf("rank %d of %d: %w", job.Rank, job.Size, err)
	}
	e.ranks = &ranks{World: w, err: e.Err}
	if e.follows() {
		e.Out, e.Err = io.Discard, io.Discard
	}
	return e.ranks.meet()
}

// A station describes where a rank runs, and which program it runs.
type station struct {
	Program string // its build
	System  string // the processor and operating system that it was built for
	Sum     string // of the program's file
	Host    string
	Cores   string // the host's cores that this process may use
}

// meet lets the ranks learn about each other. It compares their programs, and divides the cores and the memory of a
// machine among the ranks on it.
func (r *ranks) meet() error {
	mine := station{Program: build(), System: runtime.GOOS + "/" + runtime.GOARCH}
	mine.Host, _ = os.Hostname()
	if path, err := os.Executable(); err == nil {
		mine.Sum, _ = fileSum(path)
	}
	if text, err := os.ReadFile("/proc/self/status"); err == nil {
		_, cores, _ := strings.Cut(string(text), "\nCpus_allowed_list:")
		mine.Cores, _, _ = strings.Cut(strings.TrimSpace(cores), "\n")
	}
	raw, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	texts, err := mpi.Share(r, raw)
	if err != nil {
		return err
	}
	here, onHost := 0, 0
	places := make([]station, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal(text, &places[i]); err != nil {
			return fmt.Errorf("rank %d describes itself as %q, which cannot be read: %w", i, text, err)
		}
		p := places[i]
		r.hosts = append(r.hosts, p.Host)
		if p.Host == mine.Host {
			onHost++
		}
		if p.Host == mine.Host && p.Cores == mine.Cores {
			here++
		}
		j := slices.IndexFunc(places[:i+1], func(q station) bool { return q.System == p.System })
		if p.Program != places[0].Program || p.Sum != places[j].Sum {
			return fmt.Errorf("rank %d, on %s, runs another program than the ranks before it: put the same build on every machine", i, p.Host)
		}
	}
	r.crowded = here > runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/here))
	memory.Share(onHost)
	return nil
}

// build says what the program was built from, apart from the platform it was built for.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return runtime.Version()
	}
	text := info.GoVersion + " " + info.Main.Version
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs.") {
			text += " " + s.Value
		}
	}
	return text
}

// A rankState is what a rank tells the others after it has prepared a run.
type rankState struct {
	Error   string // what went wrong, in one line
	Usage   bool   // it is a mistake in the call
	Tables  map[string]string
	Blocks  blocks
	Members int
}

// agree tells all ranks what went wrong on any of them, and whose rows are in blocks, and compares their tables. An
// error of rank 0, or the same error on all ranks, is reported as in one process. Any other error names its rank.
func (e *env) agree(f *model.Fit, failed error) error {
	r := e.ranks
	if r == nil {
		return failed
	}
	var mine rankState
	if failed != nil {
		mine.Error, mine.Usage = oneLine(failed), errors.As(failed, new(usage))
	} else if f != nil {
		mine.Tables, mine.Blocks, mine.Members = f.Fingerprints(), blocksOf(f), f.Members()
	}
	raw, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	texts, err := mpi.Share(r, raw)
	if err != nil {
		return err
	}
	states := make([]rankState, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal(text, &states[i]); err != nil {
			return err
		}
	}
	first := states[0]
	for i, theirs := range states {
		switch {
		case theirs.Error != "" && i == 0:
			err = errors.New(theirs.Error)
		case theirs.Error != "" && theirs.Error != first.Error:
			err = fmt.Errorf("rank %d, on %s: %s", i, r.hosts[i], theirs.Error)
		case first.Error == "":
			for _, what := range []string{"train", "validation", "test"} {
				if theirs.Tables[what] != first.Tables[what] {
					return fmt.Errorf("the %s table of rank %d, on %s, differs from that of rank 0: put the same file on every machine", what, i, r.hosts[i])
				}
			}
		}
		if err != nil {
			if theirs.Usage {
				err = usage{err}
			}
			return err
		}
		if theirs.Blocks.Rows > 0 {
			r.blocks = theirs.Blocks
		}
		if theirs.Members != first.Members {
			r.odd = i
		}
	}
	return nil
}

// warn writes a message that does not end the call, on any rank.
func (e *env) warn(format string, args ...any) {
	if !e.follows() {
		e.say(format, args...)
		return
	}
	r := e.ranks
	fmt.Fprintf(printable{r.err}, "gradus: rank %d, on %s: %s\n", r.Rank(), r.hosts[r.Rank()], fmt.Sprintf(format, args...))
}

// alone returns an error that only this rank may have. The others wait for this rank, so leave ends the whole job.
func (r *ranks) alone(err error) error {
	r.lost = true
	return fmt.Errorf("rank %d, on %s: %w", r.Rank(), r.hosts[r.Rank()], err)
}

// wait returns when all ranks have called it, or if they cannot reach each other, which the next exchange reports.
func (e *env) wait() {
	if e.ranks != nil {
		mpi.Share(e.ranks, nil)
	}
}

// leave ends this rank's part. If the ranks can no longer reach each other, it ends the whole job.
func (e *env) leave(err error) error {
	r := e.ranks
	if r == nil {
		return err
	}
	if r.lost {
		complain(Std{Err: r.err}, err)
		r.Abort(statusFailed)
	}
	if e.follows() { // rank 0 reports it, and a launcher ends the others when one exits with a status other than 0
		err = nil
	}
	return errors.Join(err, r.Close())
}

// ranksJSON is what --json says about a run on several ranks.
type ranksJSON struct {
	Size     int     `json:"size"`
	Machines int     `json:"machines"`
	Library  string  `json:"library"`
	Members  []int   `json:"members,omitempty"`          // of an ensemble: how many each rank trained
	Exchange float64 `json:"exchange_seconds,omitempty"` // of one network: of rank 0, including waiting
	Share    float64 `json:"exchange_share,omitempty"`   // of the time in the loop
}

func (r *ranks) json(f *model.Fit) *ranksJSON {
	if r == nil {
		return nil
	}
	hosts := slices.Compact(slices.Sorted(slices.Values(r.hosts)))
	result := f.Result()
	j := &ranksJSON{Size: r.Size(), Machines: len(hosts), Library: r.Library(), Exchange: result.Exchange, Share: result.ExchangeShare}
	for rank := 0; rank < r.Size() && f.Members() > 1; rank++ {
		j.Members = append(j.Members, f.MembersOfRank(rank))
	}
	return j
}

// write says how the ranks shared the work. For one network it says what share of the time the exchange took, and adds a
// remark if it took most of it.
func (r *ranks) write(e *env, f *model.Fit) {
	j := r.json(f)
	if j == nil {
		return
	}
	at := fmt.Sprintf("Ranks    %d on %s, by %s", j.Size, plural.Of(j.Machines, "machine"), j.Library)
	if j.Members == nil {
		e.printf("%s; %.0f %% of the time went into exchanges\n", at, 100*j.Share)
		if j.Share > 0.5 {
			e.printf("Note     More than half of the time went into exchanges: for this network and batch one machine is better.\n")
		}
		return
	}
	most, least := j.Members[0], j.Members[j.Size-1]
	each := fmt.Sprint(most)
	if least < most {
		each = fmt.Sprintf("%d or %d", least, most)
	}
	e.printf("%s; each trained %s of the %d members\n", at, each, f.Members())
	if least == 0 {
		e.printf("Note     %d of the ranks had no member to train: start at most as many ranks as --members.\n", j.Size-f.Members())
	}
}
