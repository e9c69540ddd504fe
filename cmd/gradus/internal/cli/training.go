package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// training is a call of train under way, on one of the ranks or in the only process.
type training struct {
	*trainCmd
	env  *env
	fit  *model.Fit
	dir  *runDir // keeps the run; nil: nothing does
	work sent    // the members' training, with --queue
	told int     // number of notes that were printed before training

	closeDisk func()
}

// close releases what the steps before have taken. Whoever resumes a run closes its folder.
func (t *training) close() {
	if t.resumed == nil && t.dir != nil {
		t.dir.close()
	}
	if t.fit != nil {
		t.fit.Release()
	}
	if t.closeDisk != nil {
		t.closeDisk()
	}
}

// prepare reads the tables and prepares the run on every rank. With a cache, rank 0 does so first, so that the other ranks
// find the encoded rows there.
func (t *training) prepare() error {
	if t.Cache != "" && t.env.follows() {
		t.env.wait()
	}
	err := t.prepareHere()
	if t.Cache != "" && !t.env.follows() {
		t.env.wait()
	}
	return t.env.agree(t.fit, err)
}

// prepareHere is prepare on this rank.
func (t *training) prepareHere() (err error) {
	if t.disk, t.closeDisk, err = t.diskFlags.open(t.Out); err != nil {
		return err
	}
	if !t.env.follows() {
		if err := checkOut(t.Out, kindModel, append(t.Data, t.text("test"), t.text("validation"), t.From)...); err != nil {
			return err
		}
	}
	t.fit, err = t.read()
	return err
}

// read reads the tables and prepares the run.
func (t *training) read() (*model.Fit, error) {
	o, notes, err := t.settings()
	if err != nil {
		return nil, err
	}
	t.show(t.env, t.Quiet)
	tables, err := t.tables(t.env, t.Data, &o)
	if err != nil {
		return nil, err
	}
	tables.Spill, tables.Cache = t.disk, t.Cache
	start, err := t.start()
	if err != nil {
		return nil, err
	}
	f, err := t.tableFlags.prepare(tables, o, start)
	if err != nil {
		return nil, err
	}
	if t.Queue != "" && f.Members() < 2 {
		f.Release()
		return nil, errOneNetwork
	}
	f.Notes = append(f.Notes, notes...)
	return f, nil
}

// settings returns the options of the call, and notes on those that other flags decide.
func (t *training) settings() (o model.Options, notes []data.Note, err error) {
	if o, err = t.options(); err != nil {
		return o, nil, err
	}
	t.presetFlag.add(&o, &t.optionFlags)
	o.Ranks = t.env.ranks.asRanks()
	switch {
	case t.TensorBoard && o.Members == model.AutoMembers:
		o.Members = 1
		notes = append(notes, data.Notef("One network is trained, not an ensemble: --tensorboard logs only one."))
	case t.TensorBoard && o.Members > 1:
		return o, nil, usagef("--tensorboard logs one network, and --members %d trains several: leave one of them out", o.Members)
	}
	if t.Queue != "" {
		if err := t.queueable(o); err != nil {
			return o, nil, err
		}
		o.Elsewhere = func(ctx context.Context, k int) (*model.FoldRun, error) { return t.work.train(ctx, k) }
	}
	return o, notes, nil
}

// start reads the weights to start from. A checkpoint has weights of its own, and needs these only if their encoding is the run's.
func (t *training) start() (*model.Weights, error) {
	if r := t.resumed; r != nil && r.checkpoint != nil && !r.ownStart {
		return nil, nil
	}
	return t.startFlag.start()
}

// begin begins the prepared run on every rank, from its folder if it has one.
func (t *training) begin() error {
	err := t.beginHere()
	if err := t.env.agree(t.fit, err); err != nil {
		return err
	}
	return t.shareDir()
}

// beginHere is begin on this rank. If the rows fit in memory here and are in blocks on another rank, it puts them in the
// same blocks: their order depends on the blocks, and not on where they are.
func (t *training) beginHere() (err error) {
	if r := t.env.ranks; r != nil && r.blocks != blocksOf(t.fit) {
		t.fit.Release()
		r.blocks.give(t.trainCmd)
		if t.fit, err = t.read(); err != nil {
			return err
		}
	}
	switch {
	case t.resumed != nil:
		t.dir = t.resumed.dir
		return t.resumed.restore(t.fit)
	case t.RunDir != "" && !t.env.follows():
		t.dir, err = newRunDir(t.RunDir, t.trainCmd, t.fit)
	}
	return err
}

// shareDir makes the folder of rank 0, which has it locked, the folder in which every rank keeps the members that it trains.
func (t *training) shareDir() (err error) {
	r := t.env.ranks
	if r != nil && r.odd > 0 {
		return usagef("rank %d, on %s, trains a different number of networks than the ranks before it: give every rank the same flags", r.odd, r.hosts[r.odd])
	}
	if r == nil || t.RunDir == "" || t.fit.Members() == 1 {
		return nil
	}
	if t.env.follows() {
		t.dir = &runDir{path: t.RunDir}
		if _, missing := os.Stat(t.dir.file("config.json")); missing != nil {
			err = fmt.Errorf("--run: %s is not the folder of rank 0, where each rank keeps the members that it trains: name one that all machines see at the same path", t.RunDir)
		}
	}
	return t.env.agree(nil, err)
}

// writeData prints what the tables hold and what was done with their cells.
func (t *training) writeData() {
	if t.JSON {
		return
	}
	notes := t.fit.Said()
	writeData(t.env.text(), t.fit.Table(), t.fit.Schema, notes)
	t.told = len(notes)
}

// submit puts the members' training into the queue, if the call names one.
func (t *training) submit() (err error) {
	if t.Queue != "" {
		t.work, err = t.send(t.env, &bagging{t.fit, func() {}}, blocksOf(t.fit))
	}
	return err
}

// train trains to the end. After an error in failed, the run and its last finite weights can still be saved; after one in
// err, nothing can.
func (t *training) train() (failed, err error) {
	if t.env.ranks == nil {
		t.fit.StartLinear(t.env.ctx)
	}
	failed = t.loop()
	if errors.Is(failed, train.ErrRanks) {
		return nil, failed
	}
	unreadable := errors.Is(failed, data.ErrSpill) // in the middle of an update
	if t.env.ranks != nil && (unreadable || errors.Is(failed, train.ErrStream)) {
		return nil, t.env.ranks.alone(failed)
	}
	t.work.end(errors.Join(failed, t.env.ctx.Err()))
	if failed != nil && (unreadable || t.Queue != "") {
		return nil, fmt.Errorf("%w; %s was not written", failed, t.Out)
	}
	return failed, nil
}

// loop trains to the end, shows the progress, and writes checkpoints.
func (t *training) loop() error {
	var p progress = silent{}
	if !t.Quiet && !t.env.follows() {
		p = newProgress(t.env.Err, t.fit)
	}
	defer p.done()
	t.fit.OnMember(func(k int, member *model.Fit) error {
		if t.resumed == nil {
			return nil
		}
		return t.dir.restoreMember(t.env, k, member)
	}, func(k int, member *model.Fit) error {
		if l, ok := p.(*memberLines); ok {
			l.end(k, member)
		}
		if !member.Distant() {
			t.dir.endMember(k, member)
		}
		return nil
	})
	t.dir.begin(t.fit, t.CheckpointEvery, t.TensorBoard)
	t.env.watch()
	for step, err := range t.fit.Strides(t.env.ctx) {
		if errors.Is(err, train.ErrInterrupted) {
			return nil // the work so far is saved, and the exit status says that it was interrupted
		}
		if err != nil {
			return err
		}
		if !t.env.follows() {
			p.show(step)
		}
		t.dir.look(t.env, t.fit)
	}
	return nil
}

// endRun writes what the run's folder still lacks. It does so after a run that diverged too, so that resume reports it again.
func (t *training) endRun() error {
	unsaved := t.dir.end(t.fit)
	if t.fit.Members() > 1 { // each rank has saved its own
		unsaved = t.env.agree(nil, unsaved)
	}
	return unsaved
}

// save writes the model and tells how the run went. failed is the error of training, and unsaved that of the run's folder.
func (t *training) save(failed, unsaved error) error {
	m, err := t.fit.Model()
	if err != nil {
		return err
	}
	if m.Training.Steps == 0 && m.Training.Reason == train.ReasonInterrupted {
		return t.nothing()
	}
	if failed != nil {
		return errors.Join(t.diverged(m, failed), unsaved, t.dir.finish(m, t.result(m, "")))
	}
	var uncompared error
	if m.Training.Reason != train.ReasonInterrupted {
		uncompared = t.fit.CompareLinear(t.env.ctx, m) // if a signal comes, the model is saved without the comparison
	}
	path := t.Out
	lost := t.write(m, path)
	if lost != nil {
		path = "" // the scores are told all the same
	}
	if unsaved == nil {
		unsaved = t.dir.finish(m, t.result(m, path))
	}
	if t.JSON {
		err = t.writeJSON(t.result(m, path))
	} else if writeReport(t, m); lost == nil {
		writeNext(t.env, m, t.trainCmd)
	}
	if err := errors.Join(lost, unsaved, err); err != nil {
		return err
	}
	return t.exit(m, uncompared)
}

// nothing reports that a signal ended the run before its first update.
func (t *training) nothing() error {
	again := ""
	if t.RunDir != "" {
		again = "; gradus resume " + shellWord(t.RunDir) + " starts it"
	}
	fmt.Fprintf(t.env.remarks(), "gradus: interrupted before the first update; %s was not written%s\n", t.Out, again)
	return status(statusInterrupted)
}

// diverged saves the last finite weights in a separate file and says why there is no model.
func (t *training) diverged(m *model.Model, failed error) error {
	aside := strings.TrimSuffix(t.Out, ".safetensors") + ".last-good.safetensors"
	if err := t.write(m, aside); err != nil {
		return errors.Join(failed, err)
	}
	if t.JSON {
		if err := t.writeJSON(t.result(m, "")); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w; %s was not written, the last finite weights are in %s", failed, t.Out, aside)
}

// exit returns the status for how a run ended. uncompared is not nil if a signal ended the comparison with a linear model.
func (t *training) exit(m *model.Model, uncompared error) error {
	end := m.Training
	if end.Reason == train.ReasonInterrupted || uncompared != nil {
		if !t.JSON {
			holds := "what was reached"
			if uncompared != nil {
				holds = "the trained model, without the comparison with a linear model"
			}
			t.env.printf("Interrupted: %s holds %s.\n", t.Out, holds)
			if t.RunDir != "" {
				t.env.printf("Next     gradus resume %s   continues\n", shellWord(t.RunDir))
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
	if len(asked) > 0 && end.Reason != "tolerance" && end.Reason != "target-loss" {
		fmt.Fprintf(t.env.remarks(), "gradus: stopped by %s after %d epochs without reaching %s; the model is saved anyway\n",
			end.Reason, end.Epochs, strings.Join(asked, " or "))
		return status(statusNotReached)
	}
	return nil
}

// write writes the model. A continued run replaces its own file, so only a new one says that it replaces a file.
func (t *training) write(m *model.Model, path string) error {
	if t.resumed != nil {
		return m.Save(path)
	}
	return t.env.saveModel(m, path)
}
