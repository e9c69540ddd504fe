package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// checkpointFiles are written in turn, so that the last good one stays while the next is written.
var checkpointFiles = [2]string{"checkpoint-1.safetensors", "checkpoint-2.safetensors"}

// checkpoints says when a run's next checkpoint is due and where it goes.
type checkpoints struct {
	every  time.Duration
	timer  *time.Timer
	due    atomic.Bool
	next   int   // of checkpointFiles
	failed bool  // writing the last one failed, and that was reported
	lost   error // of an ensemble: why a member's final state could not be written
}

// begin starts the events and the timer for checkpoints. A nil runDir keeps nothing.
func (d *runDir) begin(f *model.Fit, every time.Duration, tensorboard bool) {
	if d != nil {
		d.events.begin(f, tensorboard)
		d.every = every
		d.timer = time.AfterFunc(every, func() { d.due.Store(true) })
	}
}

func (c *checkpoints) stop() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

// look is called between updates. It logs what is new, and writes a checkpoint if one is due. The
// longer a checkpoint takes, the longer look waits before the next, so that checkpoints never take
// more than a twentieth of the time. If a checkpoint cannot be written, training goes on: the
// previous one is still there.
func (d *runDir) look(e *env, f *model.Fit) {
	if d == nil {
		return
	}
	err := d.events.log(d.path, f)
	if err == nil && d.due.Load() {
		err = d.events.flush()
	}
	if err != nil {
		e.warn("%v; training continues without event files", err)
	}
	if !d.due.Load() || !f.Agreed() { // ranks agree once a second
		return
	}
	d.due.Store(false)
	start := time.Now()
	err = d.save(f)
	if err != nil && !d.failed {
		e.warn("%v; training continues, and the previous checkpoint is kept", err)
	}
	d.failed = err != nil
	d.timer.Reset(max(d.every, 20*time.Since(start)))
}

// save writes a checkpoint and the history so far. For an ensemble it does so for each member in
// training.
func (d *runDir) save(f *model.Fit) error {
	if f.Members() > 1 {
		return f.EachRunning(d.saveMember)
	}
	if err := d.write(checkpointFiles[d.next], f.Checkpoint); err != nil {
		return err
	}
	d.next = 1 - d.next
	return d.write("history.csv", func(w io.Writer) error { return writeHistory(w, f.History()) })
}

// end writes what remains to be written when the loop has ended.
func (d *runDir) end(f *model.Fit) error {
	if d == nil {
		return nil
	}
	return errors.Join(d.lost, d.save(f), d.events.log(d.path, f), d.events.flush())
}

// newest returns the newest intact checkpoint with its open file, and what is wrong with the other
// checkpoint. To have no checkpoint is no error; to have only damaged ones is.
func (d *runDir) newest() (newest *train.Checkpoint, file *os.File, damaged error, err error) {
	for i, name := range checkpointFiles {
		path := d.file(name)
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var c *train.Checkpoint
		if err == nil {
			c, err = train.ReadCheckpoint(f)
		}
		switch {
		case errors.Is(err, train.ErrDamaged):
			if damaged != nil {
				return nil, nil, nil, fmt.Errorf("%s and %w: remove both to start the run from the beginning", d.file(checkpointFiles[0]), fmt.Errorf("%s: %w", path, err))
			}
			damaged = fmt.Errorf("%s: %w", path, err)
		case err != nil:
			return nil, nil, nil, fmt.Errorf("%s: %w", path, err)
		case newest == nil || c.Number > newest.Number:
			if file != nil {
				file.Close()
			}
			newest, file, d.next = c, f, 1-i
			continue
		}
		f.Close()
	}
	if newest == nil && damaged != nil {
		return nil, nil, nil, fmt.Errorf("%w, and there is no other checkpoint: remove it to start the run from the beginning", damaged)
	}
	return newest, file, damaged, nil
}
