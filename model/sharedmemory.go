package model

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/gradus-ml/gradus/internal/memory"
	"github.com/gradus-ml/gradus/nn"
)

// SharedMemory is the memory shared by several runs at the same time. Each run waits in Prepare until
// the memory it needs is free next to the others, and gives it back with Fit.Release. The
// zero value is ready to use.
type SharedMemory struct {
	lock  sync.Mutex
	free  *sync.Cond // signals that memory was given back
	have  memory.Limit
	known bool
	runs  int     // runs that are prepared
	soon  int     // runs in Prepare that have not asked for their memory yet
	left  bool    // waiting has ended for all
	taken float64 // bytes that the runs need
}

// available is replaced by tests.
var available = memory.Available

// enter says that a run is being prepared. Until it asks for its memory, it holds an unknown amount: copies of columns, to
// learn their scales.
func (r *SharedMemory) enter() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.soon++
}

// exit says that such a run has failed before it got its memory.
func (r *SharedMemory) exit() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.soon--
	r.signal()
}

// signal wakes the runs that wait.
func (r *SharedMemory) signal() {
	if r.free != nil {
		r.free.Broadcast()
	}
}

// take waits until need bytes are free, and takes them. If no other run is active or about to ask, and they still do not fit,
// it returns the available memory. The run must have called enter. less says that the run can do with less: it then does not
// wait for more than would be free without the others.
func (r *SharedMemory) take(need float64, less bool) (have memory.Limit, ok bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.free == nil {
		r.free = sync.NewCond(&r.lock)
	}
	r.soon--
	r.signal()
	defer func() {
		if !ok {
			r.soon++
		}
	}()
	for {
		if r.runs == 0 {
			r.taken = 0
			r.have, r.known = available()
			if r.known && need > float64(r.have.Bytes) { // memory left by earlier runs may not be freed yet
				debug.FreeOSMemory()
				r.have, r.known = available()
			}
		}
		switch {
		case !r.known || r.taken+need <= float64(r.have.Bytes):
			r.runs++
			r.taken += need
			return r.have, true
		case r.runs == 0 && r.soon == 0 || r.left || less && need > float64(r.have.Bytes):
			return r.have, false
		}
		r.free.Wait()
	}
}

// leave ends all waiting, without success, until reopen.
func (r *SharedMemory) leave() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.left = true
	r.signal()
}

func (r *SharedMemory) reopen() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.left = false
}

// give gives back all bytes except those that are kept.
func (r *SharedMemory) give(need, kept float64) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.runs--
	r.taken -= need - kept
	r.signal()
}

// numberSize returns the bytes of a number in the run's precision.
func (f *Fit) numberSize() float64 {
	if f.Options.Precision == "float64" {
		return 8
	}
	return 4
}

// scoredBytes are the bytes that scoring a row takes in memory: its prediction, target and errors, sorted and not.
const scoredBytes = 48.0

// fits refuses a run that needs more memory than there is, before any of it is taken. If
// other runs have the memory, it waits.
func (f *Fit) fits() error {
	params, err := nn.ParamCount(f.Encoding.Width(), f.recipe.layers...)
	if err != nil {
		return refuse("Hidden", nil, "%w", err)
	}
	if f.Options.Refuse != nil {
		if err := f.Options.Refuse(Size{
			Parameters: params, Inputs: f.Encoding.Width(), Outputs: f.wide.Outputs(),
			Rows: f.Rows.Train + f.Rows.Validation + f.Rows.Test, Training: f.Rows.Train, Batch: f.recipe.config.BatchSize,
		}); err != nil {
			return err
		}
	}
	size := f.numberSize()
	fixed := size * (float64(f.vectors())*float64(params) + f.tapeNumbers())
	rows := f.Rows.Train + f.Rows.Validation + f.recipe.config.BatchSize
	if f.keepsTest() {
		rows += f.Rows.Test
	}
	row, _ := f.rowSize(rows)
	table := float64(rows) * (row + size*float64(f.wide.Outputs()))
	hands := float64(f.hands()-1) * size * (float64(params) + f.tapeNumbers())
	f.need = fixed + hands + table + scoredBytes*float64(rows)
	if f.Options.blocked() {
		f.need += size * f.bufferSize()
	}
	room := f.tables.Memory
	if room == nil {
		room = &SharedMemory{soon: 1}
	}
	have, ok := room.take(f.need, f.tables.Spill != nil)
	if ok {
		return nil
	}
	try := "use smaller hidden layers"
	if 2*table > f.need {
		try = fmt.Sprintf("the encoded rows take %s of that: use a part of the rows, or ignore columns that have many inputs", memory.Size(table))
	}
	full := fmt.Errorf("%w: a network of %s parameters on %d rows of %d inputs needs about %s and %s has %s left; %s",
		ErrMemory, thousands(params), f.Rows.Train, f.Encoding.Width(), memory.Size(f.need), have.Of, memory.Size(float64(have.Bytes)), try)
	if f.tables.Spill == nil {
		return full
	}
	if err := f.outOfCore(full); err != nil {
		return err
	}
	if f.recipe.config.AllRows() { // one goroutine reads them from the disk
		hands = 0
	}
	f.need = fixed + hands + size*f.bufferSize()
	if have, ok = room.take(f.need, false); !ok {
		return fmt.Errorf("%w: with the rows on the disk a network of %s parameters and buffers of %d blocks of %d rows of %d inputs still need about %s and %s has %s left; use fewer blocks in a buffer, or smaller hidden layers",
			ErrMemory, thousands(params), f.Options.BufferBlocks, f.Options.BlockRows, f.Encoding.Width(), memory.Size(f.need), have.Of, memory.Size(float64(have.Bytes)))
	}
	return nil
}

// hands returns how many goroutines take whole shards of a batch, each with a tape and a gradient of its own: see train.
func (f *Fit) hands() int {
	c := &f.recipe.config
	threads, batch := cmp.Or(c.Threads, runtime.GOMAXPROCS(0)), min(c.BatchSize, f.Rows.Train)
	if c.AllRows() {
		batch = f.Rows.Train
	}
	if shards := cmp.Or(c.Shards, (batch+1023)/1024); shards < threads || nn.StateCount(f.recipe.layers...) > 0 {
		return 1
	}
	return threads
}

// tapeNumbers returns the count of numbers in the tape of a batch.
func (f *Fit) tapeNumbers() float64 {
	c := &f.recipe.config
	perRow, batch := f.Encoding.Width(), min(c.BatchSize, 1024) // inputs that are mostly zeros are stored twice, without the zeros
	for i, l := range f.recipe.layers {
		perRow += 3 * l.Units
		if l.Norm != nn.NoNorm {
			perRow += 2 * l.Units
		}
		if l.Norm == nn.BatchNorm {
			batch = c.BatchSize // its rows are not independent
		}
		if l.Dropout > 0 && i == 0 {
			perRow += 2 * f.Encoding.Width()
		} else if l.Dropout > 0 {
			perRow += 2 * f.recipe.layers[i-1].Units
		}
	}
	return float64(max(batch, 256)) * float64(perRow)
}

// vectors returns the number of vectors of the length of the parameters that a run has.
func (f *Fit) vectors() int {
	c := &f.recipe.config
	n := 4 + c.Slots() // the parameters, their gradient, the last good ones, the model's
	if c.KeepBest {
		n++
	}
	if c.EMA > 0 {
		n++
	}
	if c.Halvings > 0 { // the states to go back to
		n += 2 * (1 + c.Slots())
		if c.KeepBest {
			n += 2
		}
		if c.EMA > 0 {
			n += 2
		}
	}
	if c.BatchSize > 1024 || c.Shards > 1 { // the open branches of the tree of sums
		n += 1 + int(math.Ceil(math.Log2(float64(max(c.BatchSize/1024, c.Shards, 2)))))
	}
	return n
}
