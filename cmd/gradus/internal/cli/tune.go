package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/journal"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/tune"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// tuneCmd is "gradus tune DATA".
type tuneCmd struct {
	Data       paths `arg:"" sep:"none" help:"A table in a file, several files, a folder of them, or a database; see gradus help reading."`
	tableFlags `embed:""`
	startFlag  `embed:""`
	presetFlag `embed:""`
	queueFlags `embed:""`
	diskFlags  `embed:""`
	Search     []string `sep:"none" placeholder:"FLAG=SPEC" help:"What to search, once for each flag: FLAG=A|B|C, FLAG=LOW..HIGH, or FLAG=LOW..HIGH:log:int. Default: hidden, activation, lr and, with adamw, weight-decay, unless the call sets them."`
	Trials     int      `default:"27" placeholder:"N" help:"How many combinations of values to try."`
	Strategy   string   `default:"halving" enum:"halving,random" help:"halving: few epochs for all, three times as many for the best third, and so on; random: all epochs for all."`
	RunDir     string   `name:"run" placeholder:"DIR" help:"Keep the search in this folder; the same call continues it."`
	Out        string   `short:"o" placeholder:"FILE" help:"The model trained with the best flags. Default: the data's name, ending in .safetensors, in this folder."`
	JSON       bool     `name:"json" help:"One JSON object on standard output, and nothing else there."`
	Quiet      bool     `help:"No progress."`
}

func (c *tuneCmd) Run(e *env) error {
	if c.Data.isStdin() {
		return usagef("tune reads its data more than once: name a file, not standard input")
	}
	if c.Trials < 1 {
		return usagef("--trials %d: give a whole number of at least 1", c.Trials)
	}
	if c.Out == "" {
		c.Out = defaultOut(c.Data)
	}
	if err := checkOut(c.Out, kindModel, append(c.Data, c.text("test"), c.text("validation"), c.From)...); err != nil {
		return err
	}
	c.show(e, c.Quiet)
	t, err := c.begin(e)
	if err != nil {
		return err
	}
	defer t.close()
	return t.run()
}

// share reads the tables of another process's search.
func (c *tuneCmd) share(e *env, find func(path string) string) (pieces, error) {
	c.locate(c.Data, find)
	c.From = find(c.From)
	c.diskFlags = diskFlags{} // those of the caller's machine
	return c.begin(e)
}

// begin reads the tables and finds out what to search, and how.
func (c *tuneCmd) begin(e *env) (t *tuning, err error) {
	t = &tuning{tuneCmd: c, env: e}
	if t.disk, t.closeDisk, err = c.diskFlags.open(c.Out); err != nil {
		return nil, err
	}
	if err := t.plan(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// plan is begin with a disk for what does not fit in memory.
func (t *tuning) plan() error {
	base, err := t.with(nil, nil) // the flags as given
	if err != nil {
		return err
	}
	if err = t.read(base); err != nil {
		return err
	}
	if t.first, err = t.prepare(base, t.tables); err != nil {
		return err
	}
	if t.first.Rows.Validation == 0 {
		return usagef("tune compares trials by their validation rows and there are none: give --validation a fraction or a file")
	}
	t.fold(base)
	if t.blocks = blocksOf(t.first); t.blocks.Rows == 0 { // a trial on the disk would take its rows in another order
		t.tables.Spill = nil
	}
	t.epochs, t.higher = t.first.Config().Epochs, t.first.Config().Higher
	if err := t.fillSpace(); err != nil {
		return err
	}
	t.rungs = tune.Halving(t.Trials, t.epochs)
	if t.Strategy == "random" {
		t.rungs = tune.Random(t.Trials, t.epochs)
	}
	return nil
}

// If trials would have fewer than fewToCompare validation rows, a search compares them by searchFolds folds of the rows
// instead: the best of many trials on few rows is the one that chance favored on those rows.
const (
	fewToCompare = 1000
	searchFolds  = 5
)

// fold makes each trial train a network for each fold, if there are few validation rows, the call does not choose them,
// and folds can be made.
func (t *tuning) fold(base *trainCmd) {
	held := t.first.Rows.Validation
	if held >= fewToCompare || t.text("validation") != "" || t.text("members") == "1" || t.Preset == "quick" {
		return
	}
	t.folds = searchFolds
	f, err := t.prepare(base, t.tables)
	switch {
	case err != nil: // such as with starting weights, which have seen the rows of every fold
		t.folds = 0
	case f.Rows.Validation > 0: // rows split by time, few rows, or few groups
		t.folds = 0
		f.Release()
	default:
		t.first.Release()
		t.first, t.few = f, held
	}
}

// fillSpace finds out what to search.
func (t *tuning) fillSpace() error {
	specs := t.Search
	if len(specs) == 0 {
		decays := slices.Contains([]string{"", "auto", "adamw"}, t.text("optimizer"))
		for _, p := range option.All() {
			if p.Search != "" && t.text(p.Name) == "" && (p.Name != "weight-decay" || decays) {
				specs = append(specs, p.Name+"="+p.Search)
			}
		}
		if len(specs) == 0 {
			return usagef("the call sets every flag that is searched by default: say with --search what to search")
		}
	}
	seen := map[string]bool{}
	for _, s := range specs {
		d, err := tune.ParseDimension(s)
		if err != nil {
			return usagef("--search %w", err)
		}
		p := option.Named(strings.TrimPrefix(d.Flag, "no-"))
		if p == nil || p.Fixed {
			return usagef("--search %s: --%s cannot be searched", s, d.Flag)
		}
		if p.IsBool() && d.Choices == nil {
			return usagef("--search %s: --%s is on or off and has no range; give %s=true|false", s, d.Flag, d.Flag)
		}
		if seen[d.Flag] {
			return usagef("--search %s: --%s is searched already; give all its values at once, FLAG=A|B|C", s, d.Flag)
		}
		seen[d.Flag] = true
		if d.Choices == nil && p.Whole() {
			d.Integers = true
		}
		t.space = append(t.space, d)
		for _, value := range d.Ends() { // the flag must exist and accept such values
			c, err := t.with(tune.Space{d}, []string{value})
			if err == nil {
				err = t.try(c)
			}
			if err != nil {
				return usagef("--search %s: %w", s, err)
			}
		}
	}
	return nil
}

// with returns the call of train with some flags added to those of this call.
func (c *tuneCmd) with(space tune.Space, values []string) (*trainCmd, error) {
	t := &trainCmd{
		Data: slices.Clone(c.Data), tableFlags: c.tableFlags, startFlag: c.startFlag, presetFlag: c.presetFlag,
		diskFlags: c.diskFlags, Out: c.Out, JSON: c.JSON, Quiet: c.Quiet,
	}
	t.optionFlags = c.optionFlags.clone()
	for i, d := range space {
		if err := t.giveAlso(d.Flag, values[i]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// tuning is a search under way.
type tuning struct {
	*tuneCmd
	env    *env
	space  tune.Space
	tables model.Tables
	room   model.SharedMemory
	held   model.Options // only its fractions of held-out rows are set
	start  *model.Weights
	first  *model.Fit // with the flags as given
	blocks blocks     // of first: all trials take their rows in them
	rungs  []tune.Rung
	folds  int // how many folds trials are compared by; 0: they are compared by the validation rows
	few    int // how many validation rows there would be without folds
	epochs int
	higher bool // a higher score is the better one
	done   int

	closeDisk func()
}

// read reads the files of the call, which all trials share.
func (t *tuning) read(c *trainCmd) (err error) {
	c.disk = t.disk
	defer func() { t.tables.Spill, t.tables.Cache = t.disk, t.Cache }()
	if t.tables, err = c.tables(t.env, c.Data, &t.held); err != nil {
		return err
	}
	t.start, err = c.start()
	return err
}

// prepare prepares a trial: one network, or one for each fold.
func (t *tuning) prepare(c *trainCmd, tables model.Tables) (*model.Fit, error) {
	c.give("members", strconv.Itoa(max(1, t.folds)))
	return t.prepareAs(c, tables, nil)
}

func (t *tuning) prepareAs(c *trainCmd, tables model.Tables, refuse func(model.Size) error) (*model.Fit, error) {
	t.blocks.give(c)
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	c.presetFlag.add(&o, &c.optionFlags)
	o.Validation, o.Test, o.Refuse = t.held.Validation, t.held.Test, refuse
	f, err := model.Prepare(tables, o, t.start)
	return f, asUsage(err)
}

// errTried ends the preparation of a run that need not be trained, before its rows are encoded.
var errTried = errors.New("the run can be prepared")

// try finds out whether a trial can be prepared. If its rows may go to the disk, it does not encode them.
func (t *tuning) try(c *trainCmd) error {
	var refuse func(model.Size) error
	if t.blocks.Rows > 0 {
		refuse = func(model.Size) error { return errTried }
	}
	c.give("members", strconv.Itoa(max(1, t.folds)))
	f, err := t.prepareAs(c, t.tables, refuse)
	switch {
	case errors.Is(err, errTried):
		return nil
	case err == nil:
		f.Release()
	}
	return err
}

func (t *tuning) run() (err error) {
	first := t.first
	jobs := runtime.GOMAXPROCS(0)
	if n := first.Options.Threads; n > 0 {
		jobs = n
	}
	all := 0
	for _, r := range t.rungs {
		all += r.Trials
	}
	s := tune.Search{Space: t.space, Rungs: t.rungs, Seed: first.Options.Seed, Jobs: jobs, Higher: t.higher, Run: t.trial}
	var kept *journal.Journal[tune.Trial]
	var known []tune.Trial
	if t.RunDir != "" {
		if kept, known, err = t.open(); err != nil {
			return err
		}
		defer kept.Close()
	}
	var work sent
	if t.Queue != "" {
		if work, err = t.send(t.env, t, t.blocks); err != nil {
			return err
		}
		s.Jobs = t.rungs[0].Trials
		s.Run = func(ctx context.Context, tr *tune.Trial) error {
			seconds, err := work.do(ctx, tr, tr)
			tr.Seconds = seconds
			return err
		}
	}
	if !t.JSON {
		writeData(t.env.text(), first.Table(), first.Schema, first.Said())
		if t.folds > 0 {
			t.env.printf("Trials   compared on %d folds of the rows, because %d validation rows are few; --members 1 compares on those rows\n", first.Members(), t.few)
		}
		t.env.printf("\n")
	}
	t.done = len(known)
	s.Done = func(tr tune.Trial) error {
		t.done++
		if !t.Quiet {
			fmt.Fprintf(t.env.remarks(), "trial %d of %d: %s\n", t.done, all, t.line(tr))
		}
		if kept == nil {
			return nil
		}
		return kept.Add(tr)
	}
	t.env.watch()
	results, err := s.Do(t.env.ctx, known)
	work.end(err)
	if err != nil {
		if t.env.ctx.Err() == nil {
			return err
		}
		return t.env.interrupted(t.done, all, "trial", t.RunDir)
	}
	return t.finish(results)
}

// head returns all that the trials depend on.
func (t *tuning) head() (any, error) {
	head := struct {
		Data map[string]string `json:"data"`
		From string            `json:"from,omitempty"`
		model.Options
		Search tune.Space  `json:"search"`
		Trials []tune.Rung `json:"trials"`
	}{Data: t.first.Fingerprints(), Options: t.first.Options, Search: t.space, Trials: t.rungs}
	head.Threads = 0
	var err error
	if t.From != "" {
		head.From, err = fileSum(t.From)
	}
	return head, err
}

// open opens the search's journal.
func (t *tuning) open() (*journal.Journal[tune.Trial], []tune.Trial, error) {
	head, err := t.head()
	if err != nil {
		return nil, nil, err
	}
	j, known, err := journal.Open[tune.Trial](t.RunDir, "trials.jsonl", "search", head)
	if err != nil {
		return nil, nil, fmt.Errorf("--run: %w", err)
	}
	return j, known, nil
}

// piece runs a trial.
func (t *tuning) piece(ctx context.Context, work []byte) (any, string, error) {
	var tr tune.Trial
	if err := json.Unmarshal(work, &tr); err != nil {
		return nil, "", err
	}
	if err := t.trial(ctx, &tr); err != nil {
		return nil, "", err
	}
	same := tr.Failure
	if tr.Score != nil {
		same = strconv.FormatFloat(*tr.Score, 'g', -1, 64)
	}
	return tr, same, nil
}

func (t *tuning) close() {
	if t.first != nil {
		t.first.Release()
		t.first = nil
	}
	t.tables = model.Tables{}
	t.closeDisk()
}

// trial trains with one draw. If training is not possible, the draw counts as a failure.
func (t *tuning) trial(ctx context.Context, tr *tune.Trial) error {
	start := time.Now()
	defer func() { tr.Seconds = time.Since(start).Seconds() }()
	c, err := t.with(t.space, tr.Values)
	if err != nil {
		return err
	}
	c.give("epochs", strconv.Itoa(tr.Epochs))
	c.give("threads", "1")
	shared := t.tables
	shared.Memory = &t.room
	f, err := t.prepare(c, shared)
	if err != nil {
		tr.Failure = oneLine(err)
		return nil
	}
	defer f.Release()
	scores := make([]float64, 0, f.Members())
	scored := func(_ int, network *model.Fit) error {
		r := network.Result()
		score := r.CrossFittedScore // the best score favors settings that are better by chance on the rows that choose the epoch
		if !network.Config().KeepBest && len(r.History) > 0 {
			score = r.History[len(r.History)-1].Validation
		}
		scores = append(scores, score)
		return nil
	}
	f.OnMember(nil, scored) // on one thread, and so in the order of the members
	for _, err := range f.Strides(ctx) {
		if errors.Is(err, train.ErrInterrupted) {
			return err
		}
		if err != nil {
			tr.Failure = "diverged"
			return nil
		}
	}
	if f.Members() == 1 {
		err = scored(0, f)
	} else if len(scores) == 0 { // --max-time ended the first member
		err = f.EachRunning(scored)
	}
	if err != nil {
		return err
	}
	mean := 0.0
	for _, score := range scores {
		mean += score / float64(len(scores))
	}
	if tr.Score = finite(mean); tr.Score == nil || len(scores) == 0 {
		tr.Score = nil
		tr.Failure = "no finite score"
	}
	return nil
}

// finish trains again with the best flags, and reports. With --members 1 this gives exactly the weights of the best
// trial.
func (t *tuning) finish(results [][]tune.Trial) error {
	best := results[len(results)-1][0]
	if best.Score == nil {
		return fmt.Errorf("no trial of the last rung could be trained; the first one failed: %s", best.Failure)
	}
	c, err := t.with(t.space, best.Values)
	if err != nil {
		return err
	}
	command := t.command(best)
	call := shellWords(withoutPasswords(command))
	if c.JSON = t.JSON; t.JSON {
		notes := option.Notes(t.first.Notes)
		c.within = func(came trainJSON) any { return t.result(notes, results, call, came) }
	} else {
		t.table(results)
		t.env.printf("\nBest     %s\n\n", call)
	}
	as := *t.env
	as.args = command[1:]
	t.blocks.give(c)
	t.close() // its table is read again
	return c.Run(&as)
}

// result is what --json prints.
func (t *tuning) result(notes []string, results [][]tune.Trial, call string, came trainJSON) any {
	var flags []string
	for _, d := range t.space {
		flags = append(flags, d.Flag)
	}
	return struct {
		Notes   []string       `json:"notes,omitempty"` // decisions about the rows of the trials
		Flags   []string       `json:"flags"`
		Folds   int            `json:"folds,omitempty"` // how many folds trials were compared by
		Rungs   [][]tune.Trial `json:"rungs"`
		Best    tune.Trial     `json:"best"`
		Command string         `json:"command"`
		Train   trainJSON      `json:"train"`
	}{notes, flags, t.folds, results, results[len(results)-1][0], call, came}
}

// command returns the call of train with a trial's flags.
func (t *tuning) command(tr tune.Trial) []string {
	words := []string{"gradus", "train"}
	for _, a := range without(withoutQueue(t.env.args), "--search", "--trials", "--strategy", "--run")[1:] {
		if a != "--json" && a != "--quiet" {
			words = append(words, a)
		}
	}
	for i, d := range t.space {
		words = append(words, "--"+d.Flag+"="+tr.Values[i])
	}
	if t.text("block-rows") == "" && t.text("buffer-blocks") == "" {
		words = append(words, t.blocks.flags()...)
	}
	return words
}

// line describes a trial in words.
func (t *tuning) line(tr tune.Trial) string {
	var words []string
	for i, d := range t.space {
		words = append(words, d.Flag+" "+tr.Values[i])
	}
	came := tr.Failure
	if tr.Score != nil {
		came = t.rows() + " " + short(*tr.Score)
	}
	return fmt.Sprintf("%s; %s: %s", strings.Join(words, ", "), plural.Of(tr.Epochs, "epoch"), came)
}

// rows names the rows that trials are compared by.
func (t *tuning) rows() string {
	if t.folds > 0 {
		return "folds"
	}
	return "validation"
}

// table prints the best trials of each rung.
func (t *tuning) table(results [][]tune.Trial) {
	const most = 10
	for r, trials := range results {
		t.env.printf("%s of %s", plural.Of(len(trials), "trial"), plural.Of(trials[0].Epochs, "epoch"))
		if len(trials) > most {
			t.env.printf(", the best %d", most)
		}
		t.env.printf("\n")
		g := grid{rows: [][]string{{"trial", t.rows()}}, align: "r"}
		for _, d := range t.space {
			g.rows[0] = append(g.rows[0], d.Flag)
		}
		g.rows[0] = append(g.rows[0], "seconds")
		for _, tr := range trials[:min(most, len(trials))] {
			score := cut(tr.Failure, 20)
			if tr.Score != nil {
				score = short(*tr.Score)
			}
			g.add(slices.Concat([]string{strconv.Itoa(tr.Trial), score}, tr.Values, []string{fmt.Sprintf("%.2f", tr.Seconds)})...)
		}
		t.env.writeGrid(g)
		if r < len(results)-1 {
			t.env.printf("\n")
		}
	}
}
