package train

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/gradus-ml/gradus/internal/safetensors"
	"github.com/gradus-ml/gradus/nn"
)

// ErrCheckpoint is wrapped by every error about a checkpoint.
var ErrCheckpoint = errors.New("checkpoint")

// ErrDamaged is wrapped as well if a checkpoint is not as it was written: cut short, or with a
// changed byte. An older checkpoint may still be good.
var ErrDamaged = errors.New("damaged")

// entry is one thing that a checkpoint holds, with its name.
type entry struct {
	name string
	// value is a vector whose length follows from the configuration ([]float32, []float64); a pointer to one that
	// grows (*[]byte, *History, *[]Sample, *[]Retreat); the observer (remembering); or a pointer to something written
	// as text (*int, *float64, *bool, *string, *[]Remedy, *time.Duration).
	value any
	scope scope
}

// A scope says what a retreat and More do with an entry. With 0 a retreat sets it back, and More keeps it.
type scope uint8

const (
	stays scope = 1 << iota // a retreat to an earlier epoch does not change it
	anew                    // More starts over with it
)

// remembering is what a checkpoint needs from an Observer.
type remembering interface {
	State() []float64
	SetState(state []float64) error
}

// state lists everything that a run is between two updates, apart from its configuration and
// its data. Both writing and restoring use this one list. A field that is not in it must follow
// from those that are. TestCheckpointHoldsEverything knows both kinds.
func (t *Trainer[T]) state() []entry {
	s := []entry{
		{"observer", remembering(t.observer), anew}, // read first, since it may refuse
		{"values", t.net.Values(), 0},
		{"good", t.good, stays},
		{"best", t.best, anew},
		{"cross.best", t.cross.best, anew},
		{"cross.kept", t.cross.kept, anew},
		{"cross.outputs", t.cross.outputs, anew},
		{"average", t.averaged(), 0},
		{"solver", t.numbers, 0},
		{"scores.epochs", &t.scores.Epochs, 0},
		{"scores.best", &t.scores.Best, 0},
		{"scores.since", &t.scores.Since, 0},
		{"scores.cuts", &t.scores.Cuts, 0},
		{"steps", &t.result.Steps, 0},
		{"rows", &t.result.Rows, 0},
		{"reason", &t.result.Reason, anew},
		{"converged", &t.result.Converged, anew},
		{"history", &t.result.History, stays},
		{"samples", &t.result.Samples, anew},
		{"epoch", &t.epoch, 0},
		{"position", &t.position, anew},
		{"finished", &t.finished, anew},
		{"loss_sum", &t.lossSum, 0},
		{"epoch_loss", &t.epochLoss, 0},
		{"best_score", &t.bestScore, anew},
		{"best_epoch", &t.bestEpoch, anew},
		{"best_loss", &t.bestLoss, anew},
		{"elapsed", &t.elapsed, stays},
		{"diverged.epoch", &t.failure.Epoch, anew},
		{"diverged.step", &t.failure.Step, anew},
		{"diverged.loss", &t.failure.Loss, anew},
		{"diverged.rate", &t.failure.LearningRate, anew},
		{"diverged.halved", &t.failure.Halved, anew},
		{"retreats", &t.result.Retreats, stays},
		{"retreat.loss", &t.back.goodLoss, stays | anew},
		{"retreat.good", &t.back.good, stays | anew},
		{"retreat.begun", &t.back.begun, stays | anew},
		{"retreat.fresh", &t.back.fresh, stays | anew},
		{"diverged.layer", &t.failure.Layer, anew},
		{"diverged.remedies", &t.failure.Remedies, anew},
		{"checkpoints", &t.checkpoints, stays},
	}
	for i, slot := range t.slots {
		s = append(s, entry{fmt.Sprintf("slots.%d", i), slot, 0})
	}
	return s
}

// Checkpoint writes the whole state of the run, so that Restore continues it to the bit. Call
// it between two updates, or after the loop. The output is a safetensors file: the vectors as
// tensors, the numbers and the configuration as JSON in its metadata under "gradus_checkpoint",
// and as the last tensor the SHA-256 of all bytes before it. Writing takes almost no memory. When it is called does not affect
// the run.
func (t *Trainer[T]) Checkpoint(w io.Writer) error {
	if err := t.together.failed(); err != nil {
		return err
	}
	if !t.since.IsZero() {
		t.elapsed, t.since = t.Elapsed(), time.Now()
	}
	t.checkpoints++
	return writeEntries(w, t.describe(t.dataSum()), t.state())
}

// Restore sets the trainer to the state in a checkpoint. The trainer must have been made with
// the same network, configuration and data; Threads, Ranks and Stop may differ. A checkpoint of
// another run is refused with an error that names the difference. After a refusal the trainer
// is unchanged, unless the file could not be read to its end.
func (t *Trainer[T]) Restore(c *Checkpoint) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrCheckpoint}, args...)...)
	}
	if !t.since.IsZero() {
		return bad("it cannot be restored inside the loop")
	}
	run := t.describe(t.dataSum())
	for _, name := range slices.Sorted(mapKeys(run, c.run)) {
		if run[name] == c.run[name] {
			continue
		}
		if name == "data" {
			return bad("it was written with other rows than these: the data has changed since; put the old data back, or start a new run")
		}
		return bad("it is from another run: %s is %s here and was %s", name, none(run[name]), none(c.run[name]))
	}
	state := t.state()
	if err := c.plausible(t, state); err != nil {
		return err
	}
	for _, e := range state {
		if err := c.read(e); err != nil {
			return err
		}
	}
	if t.together != nil {
		t.together.agreed = -1
	}
	t.lossAt = -1
	t.drawOrder()
	if t.divergence = nil; t.result.Reason == ReasonDiverged {
		t.divergence = &t.failure
	}
	return nil
}

func none(s string) string {
	if s == "" {
		return "not given"
	}
	return s
}

func mapKeys(maps ...map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, m := range maps {
			for k := range m {
				if !seen[k] && !yield(k) {
					return
				}
				seen[k] = true
			}
		}
	}
}

// describe says what the run is, on data with that checksum. A checkpoint must agree with it. Every field of Config is in
// it except Threads and Ranks, which change no bit, and Stop, which only says when to end.
func (t *Trainer[T]) describe(data string) map[string]string {
	var zero T
	run := map[string]string{"precision": fmt.Sprintf("%T", zero), "inputs": strconv.Itoa(t.net.Inputs()), "data": data}
	if t.stream != nil {
		run["stream"] = fmt.Sprintf("%d rows", t.rows)
	}
	for l := range t.net.Depth() {
		d := t.net.Layer(l)
		d.Init = nn.Init{} // the weights are in the checkpoint
		run[fmt.Sprintf("layer %d", l)] = fmt.Sprintf("%+v", d)
	}
	v := reflect.ValueOf(t.cfg)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "Threads" && name != "Stop" && name != "Ranks" {
			run[name] = describeValue(v.Field(i).Interface())
		}
	}
	return run
}

// describeValue writes the value's name, if it has one, and its exported fields.
func describeValue(v any) string {
	s, named := v.(fmt.Stringer)
	text, err := json.Marshal(v)
	switch {
	case !named && err != nil: // a function, or a number that is not finite
		return fmt.Sprintf("a %T", v)
	case !named:
		return string(text)
	case err != nil || string(text) == "{}" || text[0] != '{':
		return s.String()
	}
	return s.String() + " " + string(text)
}

// dataSum returns the SHA-256 of the training and validation rows, their weights and parts.
func (t *Trainer[T]) dataSum() string {
	if t.sum == "" {
		h := sha256.New()
		w := bufio.NewWriterSize(h, 1<<15)
		t.writeData(w)
		w.Flush()
		t.sum = hex.EncodeToString(h.Sum(nil))
	}
	return t.sum
}

// writeData writes the training and validation rows, their weights and parts.
func (t *Trainer[T]) writeData(w *bufio.Writer) {
	for _, s := range []Set[T]{t.data.Train, t.data.Validation} {
		room := nn.NewMatrix[T](1, s.Cols())
		fmt.Fprintf(w, "%d x %d\n", s.Rows(), s.Cols())
		for i := range s.Rows() {
			safetensors.WriteFloats(w, s.Inputs(i, i+1, room).Row(0))
		}
		fmt.Fprintf(w, "%d x %d\n", s.Y.Rows, s.Y.Cols)
		for i := range s.Y.Rows {
			safetensors.WriteFloats(w, s.Y.Row(i))
		}
		fmt.Fprintf(w, "%d weights\n", len(s.W))
		safetensors.WriteFloats(w, s.W)
		if s.Parts != nil {
			fmt.Fprintf(w, "parts %d\n", s.Parts)
		}
	}
}

// possible refuses a position that no run of this configuration can reach.
func (t *Trainer[T]) possible(position int, samples []Sample) error {
	rows, ok := t.rows, t.course.reaches(t, position, len(samples))
	for _, s := range samples {
		ok = ok && s.Row >= 0 && s.Row < rows
	}
	if !ok {
		return fmt.Errorf("%w: an epoch of %d rows has no position %d with %d samples done", ErrCheckpoint, rows, position, len(samples))
	}
	return nil
}
