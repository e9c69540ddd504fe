package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// trainCmd is "gradus train DATA".
type trainCmd struct {
	Data       paths `arg:"" optional:"" sep:"none" help:"A table in a file, several files, a folder of them, or a database; see gradus help reading."`
	tableFlags `embed:""`
	startFlag  `embed:""`
	presetFlag `embed:""`
	queueFlags `embed:""`
	diskFlags  `embed:""`
	Out        string `short:"o" placeholder:"FILE" help:"The model. Default: the data's name, ending in .safetensors, in this folder."`
	RunDir     string `name:"run" placeholder:"DIR" help:"Keep the run in this folder: config.json, checkpoints, history.csv, curves.svg. gradus resume DIR continues it."`

	CheckpointEvery time.Duration `default:"10s" placeholder:"DURATION" help:"How often a run with --run writes a checkpoint; the result has the same bits."`
	TensorBoard     bool          `name:"tensorboard" help:"Write event files for TensorBoard into the folder of --run."`

	Config     configFlag `placeholder:"FILE" help:"Flags, and the data, from a run's config.json; the command line wins."`
	ConfigData names      `name:"data" hidden:""`
	JSON       bool       `name:"json" help:"One JSON object on standard output, and nothing else there."`
	Quiet      bool       `help:"No progress."`

	resumed *resumed // nil if the run is new
	ranks   *ranks   // the ranks that train; nil: one process
	work    sent     // the members' training, with --queue
	told    int      // number of notes that were printed before training

	within func(trainJSON) any // with --json, what another command prints around the result; nil: nothing
}

func (c *trainCmd) Run(e *env) error {
	if err := e.join(); err != nil {
		return err
	}
	if err := c.complete(e); err != nil {
		return err
	}
	c.ranks = e.ranks
	disk, closeDisk, err := c.diskFlags.open(c.Out)
	if err == nil {
		defer closeDisk()
		c.disk = disk
	}
	f, err := c.prepareAll(e, err)
	defer func() {
		if f != nil {
			f.Release()
		}
	}()
	if err := e.agree(f, err); err != nil {
		return err
	}
	f, dir, err := c.begin(e, f)
	if c.resumed == nil && dir != nil {
		defer dir.close()
	}
	if err := e.agree(f, err); err != nil {
		return err
	}
	if !c.JSON {
		notes := f.Said()
		writeData(e.text(), f.Table(), f.Schema, notes)
		c.told = len(notes)
	}
	if c.Queue != "" {
		if c.work, err = c.send(e, &bagging{f, func() {}}, blocksOf(f)); err != nil {
			return err
		}
	}
	if dir, err = c.follow(e, f, dir); err != nil {
		return err
	}
	if c.ranks == nil {
		f.StartLinear(e.ctx)
	}
	failed := c.loop(e, f, dir)
	if errors.Is(failed, train.ErrRanks) {
		return failed
	}
	if e.ranks != nil && errors.Is(failed, train.ErrStream) {
		return e.ranks.alone(failed)
	}
	if c.work.end(errors.Join(failed, e.ctx.Err())); failed != nil && c.Queue != "" {
		return fmt.Errorf("%w; %s was not written", failed, c.Out)
	}
	unsaved := dir.end(f) // also after a run that diverged, so that resume reports it again
	if f.Members() > 1 {  // each rank has saved its own
		unsaved = e.agree(nil, unsaved)
	}
	if e.follows() { // rank 0 does the rest
		return failed
	}
	return c.save(e, f, dir, failed, unsaved)
}

// save writes the model and tells how the run went. failed is the error of training, and unsaved that of the run's folder.
func (c *trainCmd) save(e *env, f *model.Fit, dir *runDir, failed, unsaved error) error {
	m, err := f.Model()
	if err != nil {
		return err
	}
	if m.Training.Steps == 0 && m.Training.Reason == train.ReasonInterrupted {
		return c.nothing(e)
	}
	if failed != nil {
		return errors.Join(c.diverged(e, f, m, failed), unsaved, dir.finish(m, c.result(f, m, "")))
	}
	var uncompared error
	if m.Training.Reason != train.ReasonInterrupted {
		uncompared = f.CompareLinear(e.ctx, m) // if a signal comes, the model is saved without the comparison
	}
	path := c.Out
	lost := c.write(e, m, path)
	if lost != nil {
		path = "" // the scores are told all the same
	}
	if unsaved == nil {
		unsaved = dir.finish(m, c.result(f, m, path))
	}
	if c.JSON {
		err = c.writeJSON(e, c.result(f, m, path))
	} else if writeReport(e, f, m, c); lost == nil {
		writeNext(e, m, c)
	}
	if err := errors.Join(lost, unsaved, err); err != nil {
		return err
	}
	return c.exit(e, m, uncompared)
}

// complete fills in what the call leaves to defaults, and refuses flags that do not go together.
func (c *trainCmd) complete(e *env) error {
	if e.ranks != nil && c.Queue != "" {
		return usagef("--queue has workers train the networks of an ensemble, and here %d ranks train: leave out either --queue or the launcher", e.ranks.Size())
	}
	if len(c.Data) == 0 {
		c.Data = paths(c.ConfigData)
	}
	if len(c.Data) == 0 {
		return usagef("name the data to train on: gradus train DATA")
	}
	if c.Out == "" {
		c.Out = defaultOut(c.Data)
	}
	if c.Out == "-" {
		return usagef("--out -: a model cannot go to standard output; name a file")
	}
	if c.TensorBoard && c.RunDir == "" {
		return usagef("--tensorboard writes into a run's folder: name one with --run DIR")
	}
	if c.RunDir != "" && c.CheckpointEvery <= 0 {
		return usagef("--checkpoint-every %v: give a duration greater than 0, such as 10s", c.CheckpointEvery)
	}
	return nil
}

// prepareAll prepares the run, unless something has failed. With a cache, rank 0 prepares first, so that the other ranks
// find the encoded rows there.
func (c *trainCmd) prepareAll(e *env, failed error) (f *model.Fit, err error) {
	if c.Cache != "" && e.follows() {
		e.wait()
	}
	if err = failed; err == nil && !e.follows() {
		err = checkOut(c.Out, kindModel, append(c.Data, c.text("test"), c.text("validation"), c.From)...)
	}
	if err == nil {
		f, err = c.prepare(e)
	}
	if c.Cache != "" && !e.follows() {
		e.wait()
	}
	return f, err
}

// begin begins the prepared run. With a run folder, it restores the run from it or begins the run in it. If the rows fit
// in memory here and are in blocks on another rank, it puts them in the same blocks: their order depends on the blocks,
// and not on where they are.
func (c *trainCmd) begin(e *env, f *model.Fit) (_ *model.Fit, dir *runDir, err error) {
	if r := e.ranks; r != nil && r.blocks != blocksOf(f) {
		f.Release()
		r.blocks.give(c)
		if f, err = c.prepare(e); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case c.resumed != nil:
		return f, c.resumed.dir, c.resumed.restore(f)
	case c.RunDir != "" && !e.follows():
		dir, err = newRunDir(c.RunDir, c, f)
	}
	return f, dir, err
}

// follow returns the folder in which this rank keeps the members that it trains: that of rank 0, which has it locked.
func (c *trainCmd) follow(e *env, f *model.Fit, dir *runDir) (*runDir, error) {
	if r := e.ranks; r != nil && r.odd > 0 {
		return nil, usagef("rank %d, on %s, trains a different number of networks than the ranks before it: give every rank the same flags", r.odd, r.hosts[r.odd])
	}
	if e.ranks == nil || c.RunDir == "" || f.Members() == 1 {
		return dir, nil
	}
	var err error
	if e.follows() {
		dir = &runDir{path: c.RunDir}
		if _, missing := os.Stat(dir.file("config.json")); missing != nil {
			err = fmt.Errorf("--run: %s is not the folder of rank 0, where each rank keeps the members that it trains: name one that all machines see at the same path", c.RunDir)
		}
	}
	return dir, e.agree(nil, err)
}

// prepare reads the tables and prepares the run.
func (c *trainCmd) prepare(e *env) (*model.Fit, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	c.presetFlag.add(&o)
	o.Ranks = e.ranks.asRanks()
	one := c.TensorBoard && o.Members == model.AutoMembers
	switch {
	case one:
		o.Members = 1
	case c.TensorBoard && o.Members > 1:
		return nil, usagef("--tensorboard logs one network, and --members %d trains several: leave one of them out", o.Members)
	}
	if c.Queue != "" {
		if err := c.queueable(o); err != nil {
			return nil, err
		}
		o.Elsewhere = func(ctx context.Context, k int) (*model.FoldRun, error) { return c.work.train(ctx, k) }
	}
	c.show(e, c.Quiet)
	tables, err := c.tables(e, c.Data, &o)
	if err != nil {
		return nil, err
	}
	tables.Spill, tables.Cache = c.disk, c.Cache
	var start *model.Weights
	if c.resumed == nil || c.resumed.checkpoint == nil || c.resumed.ownStart { // a checkpoint needs the encoding of these weights
		if start, err = c.start(); err != nil {
			return nil, err
		}
	}
	f, err := c.tableFlags.prepare(tables, o, start)
	if err == nil && c.Queue != "" && f.Members() < 2 {
		return nil, errOneNetwork
	}
	if err == nil && one {
		f.Notes = append(f.Notes, data.Notef("One network is trained, not an ensemble: --tensorboard logs only one."))
	}
	return f, err
}

// nothing reports that a signal ended the run before its first update.
func (c *trainCmd) nothing(e *env) error {
	again := ""
	if c.RunDir != "" {
		again = "; gradus resume " + shellWord(c.RunDir) + " starts it"
	}
	fmt.Fprintf(e.remarks(), "gradus: interrupted before the first update; %s was not written%s\n", c.Out, again)
	return status(statusInterrupted)
}

// loop trains to the end, shows the progress, and writes checkpoints.
func (c *trainCmd) loop(e *env, f *model.Fit, dir *runDir) error {
	var p progress = silent{}
	if !c.Quiet && !e.follows() {
		p = newProgress(e.Err, f)
	}
	defer p.done()
	f.OnMember(func(k int, member *model.Fit) error {
		if c.resumed == nil {
			return nil
		}
		return dir.restoreMember(e, k, member)
	}, func(k int, member *model.Fit) error {
		if l, ok := p.(*memberLines); ok {
			l.end(k, member)
		}
		if !member.Distant() {
			dir.endMember(k, member)
		}
		return nil
	})
	dir.begin(f, c.CheckpointEvery, c.TensorBoard)
	e.watch()
	for step, err := range f.Strides(e.ctx) {
		if errors.Is(err, train.ErrInterrupted) {
			return nil // the work so far is saved, and the exit status says that it was interrupted
		}
		if err != nil {
			return err
		}
		if !e.follows() {
			p.show(step)
		}
		dir.look(e, f)
	}
	return nil
}

// diverged saves the last finite weights in a separate file and says why there is no model.
func (c *trainCmd) diverged(e *env, f *model.Fit, m *model.Model, failed error) error {
	aside := strings.TrimSuffix(c.Out, ".safetensors") + ".last-good.safetensors"
	if err := c.write(e, m, aside); err != nil {
		return errors.Join(failed, err)
	}
	if c.JSON {
		if err := c.writeJSON(e, c.result(f, m, "")); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w; %s was not written, the last finite weights are in %s", failed, c.Out, aside)
}

// exit returns the status for how a run ended. uncompared is not nil if a signal ended the comparison with a linear model.
func (c *trainCmd) exit(e *env, m *model.Model, uncompared error) error {
	t := m.Training
	if t.Reason == train.ReasonInterrupted || uncompared != nil {
		if !c.JSON {
			holds := "what was reached"
			if uncompared != nil {
				holds = "the trained model, without the comparison with a linear model"
			}
			e.printf("Interrupted: %s holds %s.\n", c.Out, holds)
			if c.RunDir != "" {
				e.printf("Next     gradus resume %s   continues\n", shellWord(c.RunDir))
			}
		}
		return status(statusInterrupted)
	}
	asked := []string{}
	if m.Options.Tolerance != nil {
		asked = append(asked, fmt.Sprintf("the tolerance %v", *m.Options.Tolerance))
	}
	if m.Options.TargetLoss != nil {
		asked = append(asked, fmt.Sprintf("the loss %v", *m.Options.TargetLoss))
	}
	if len(asked) > 0 && t.Reason != "tolerance" && t.Reason != "target-loss" {
		fmt.Fprintf(e.remarks(), "gradus: stopped by %s after %d epochs without reaching %s; the model is saved anyway\n",
			t.Reason, t.Epochs, strings.Join(asked, " or "))
		return status(statusNotReached)
	}
	return nil
}

// writeJSON prints the result of a run with --json.
func (c *trainCmd) writeJSON(e *env, came trainJSON) error {
	if c.within != nil {
		return e.writeJSON(c.within(came))
	}
	return e.writeJSON(came)
}

// trainJSON is what --json prints.
type trainJSON struct {
	Converged        bool             `json:"converged"`
	StopReason       string           `json:"stop_reason"`
	Epochs           int              `json:"epochs"`
	Steps            int              `json:"steps"`
	Loss             *float64         `json:"loss"`
	Seconds          float64          `json:"seconds"`
	SamplesPerSecond *float64         `json:"samples_per_second"`
	Ranks            *ranksJSON       `json:"ranks,omitempty"` // of a run on several
	Metrics          model.Metrics    `json:"metrics"`
	Diagnosis        []option.Finding `json:"diagnosis"`
	WeightsSHA256    string           `json:"weights_sha256"`
	Members          []memberJSON     `json:"members,omitempty"` // of an ensemble
	Model            *string          `json:"model"`
	Seed             uint64           `json:"seed"`

	Task       data.Task        `json:"task"`
	Target     []string         `json:"target"`
	Rows       model.Rows       `json:"rows"`
	Inputs     int              `json:"inputs"`
	Parameters int              `json:"parameters"`
	BestEpoch  *int             `json:"best_epoch"`
	Threshold  *float64         `json:"threshold,omitempty"` // of two classes
	Shrinkage  *model.Shrinkage `json:"shrinkage,omitempty"`
	saidJSON
	Options model.Options `json:"options"`
}

func (c *trainCmd) result(f *model.Fit, m *model.Model, path string) trainJSON {
	t := m.Training
	out := trainJSON{
		Converged: t.Converged, StopReason: t.Reason, Epochs: t.Epochs, Steps: t.Steps,
		Loss: finite(t.Loss), Seconds: t.Seconds, SamplesPerSecond: finite(rate(f)),
		Ranks: c.ranks.json(f), Metrics: t.Metrics, Diagnosis: option.Findings(t.Diagnosis), WeightsSHA256: m.WeightsSHA256(), Members: membersJSON(m),
		Seed: m.Options.Seed, Task: m.Task(), Target: m.Targets(), Rows: t.Rows,
		Inputs: m.Encoding.Width(), Parameters: m.Parameters(), saidJSON: said(f.Schema, f.Said()),
		Options: m.Options, Shrinkage: m.Shrinkage,
	}
	if path != "" {
		out.Model = &path
	}
	if t.BestEpoch > 0 {
		out.BestEpoch = &t.BestEpoch
	}
	if m.Task() == data.Binary {
		out.Threshold = &m.Threshold
	}
	return out
}

// rate returns the number of samples per second.
func rate(f *model.Fit) float64 {
	r := f.Result()
	return float64(r.Rows) / r.Seconds
}

// finite returns a pointer to x, or nil (null in JSON) if x is not finite.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// write writes the model. A continued run replaces its own file, so only a new one says that it replaces a file.
func (c *trainCmd) write(e *env, m *model.Model, path string) error {
	if c.resumed != nil {
		return m.Save(path)
	}
	return e.saveModel(m, path)
}
