package train

import (
	"runtime"
	"sync/atomic"

	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/nn"
)

// prefetch prepares the batches of a run on a second core, while the first one trains: it draws the order of the rows,
// gathers them and lists them without their zeros. It is for steps that are too small to be divided. A batch depends only on
// the data and on its place in the run, so who prepares it changes no bit.
//
// One goroutine fills slots, in the order of the updates, at most prefetched ahead. The loop takes a slot if it is ready, and
// otherwise prepares the batch itself; it waits only for the order of an epoch. So a handover costs a goroutine's wakeup
// once for many updates, and nothing if the other core is busy.
type prefetch[T nn.Float] struct {
	t      *Trainer[T] // its data, configuration and number of rows
	steps  int         // in an epoch
	end    int         // the update after the last; updates are counted from the first epoch's first, which is 0
	slots  []slot[T]
	orders [2][]int32 // that of epoch e is orders[e%2]

	at    atomic.Int64 // the update for which the loop has a batch; later ones may be prepared
	next  atomic.Int64 // the update that is prepared next
	drawn atomic.Int64 // the last epoch whose order is drawn
	idle  atomic.Bool  // the goroutine sleeps, or is about to
	wake  chan struct{}
	quit  atomic.Bool
	done  chan struct{}
}

// slot is memory for a batch.
type slot[T nn.Float] struct {
	gather *gather[T]
	room   nn.Matrix[T] // for packed rows that are not mostly zeros
	lists  nn.Input[T]
	batch  Set[T]
	ready  atomic.Int64 // the update whose batch this is
}

// prefetched is the number of slots. It is a few milliseconds of work, and fits in the L2 cache.
const prefetched = 16

// prefetches reports whether batches of this run can be prepared ahead.
func (t *Trainer[T]) prefetches() bool {
	_, inPasses := t.course.(passes[T])
	return inPasses && t.gather != nil && t.together == nil && t.cfg.Threads > 1 && runtime.GOMAXPROCS(0) > 1 &&
		t.cfg.shards(t.cfg.BatchSize+t.lonely) == 1 && t.stepsPerEpoch() >= 2*prefetched
}

// number returns the number of the next update, counted from the first epoch's first, which is 0.
func (t *Trainer[T]) number() int { return t.epoch*t.stepsPerEpoch() + t.position/t.cfg.BatchSize }

// startPrefetch begins to prepare the batches after the next one, if the last pass was too small for the team.
func (t *Trainer[T]) startPrefetch() {
	if t.tape.Shared(t.net) {
		return
	}
	p := &prefetch[T]{t: t, steps: t.stepsPerEpoch(), slots: make([]slot[T], prefetched), wake: make(chan struct{}, 1), done: make(chan struct{})}
	p.end = t.cfg.Epochs * p.steps
	alone, most := &crew[T]{size: 1}, t.cfg.BatchSize+t.lonely
	for i := range p.slots {
		s := &p.slots[i]
		s.gather = newGather(most, t.data.Train, alone)
		s.ready.Store(-1)
		if t.data.Train.Packed.parts != nil {
			s.room = nn.NewMatrix[T](most, t.net.Inputs())
		}
	}
	at := t.number()
	epoch := at / p.steps
	if t.position == 0 {
		t.drawOrder()
	}
	p.orders[epoch%2], p.orders[(epoch+1)%2] = t.order, make([]int32, t.rows)
	p.at.Store(int64(at))
	p.next.Store(int64(at + 1))
	p.drawn.Store(int64(epoch))
	t.prefetch = p
	go p.run()
}

// stopPrefetch ends the goroutine.
func (t *Trainer[T]) stopPrefetch() {
	if p := t.prefetch; p != nil {
		p.quit.Store(true)
		p.rouse()
		<-p.done
		t.prefetch = nil
	}
}

func (p *prefetch[T]) rouse() {
	select {
	case p.wake <- struct{}{}:
	default: // it has not taken the last call
	}
}

// follows reports whether an update is the one that the loop has, or the one after it.
func (p *prefetch[T]) follows(update int) bool {
	at := int(p.at.Load())
	return update == at || update == at+1
}

// order returns the order of the rows in an epoch, that of the loop's update or the one after it. It may have to wait.
func (p *prefetch[T]) order(epoch int) []int32 {
	for p.drawn.Load() < int64(epoch) {
		p.rouse()
		runtime.Gosched()
	}
	return p.orders[epoch%2]
}

// take returns the batch of an update, if it is ready. It is valid until the next call.
func (p *prefetch[T]) take(update int) (b Set[T], ok bool) {
	p.at.Store(int64(update))
	if p.idle.Load() && int(p.next.Load())-update <= prefetched/2 {
		p.rouse()
	}
	if s := &p.slots[update%prefetched]; s.ready.Load() == int64(update) {
		return s.batch, true
	}
	return b, false
}

func (p *prefetch[T]) run() {
	defer close(p.done)
	for !p.quit.Load() {
		at, next := int(p.at.Load()), int(p.next.Load())
		next = max(next, at+1) // the loop did not wait
		if next >= p.end {
			return
		}
		epoch, drawn := next/p.steps, int(p.drawn.Load())
		switch {
		case epoch > drawn, next-at >= prefetched && at/p.steps == drawn && (drawn+1)*p.steps < p.end:
			// The loop is in the epoch drawn, so nobody reads the order of the one before.
			rng.Perm(p.orders[(drawn+1)%2], p.t.cfg.Seed, rng.Shuffle, uint64(drawn+1))
			p.drawn.Store(int64(drawn + 1))
		case next-at >= prefetched:
			p.next.Store(int64(next))
			p.idle.Store(true)
			if int(p.at.Load()) == at && !p.quit.Load() {
				<-p.wake
			}
			p.idle.Store(false)
		default:
			p.fill(next, epoch)
			p.next.Store(int64(next + 1))
		}
	}
}

// fill prepares the batch of an update.
func (p *prefetch[T]) fill(update, epoch int) {
	s := &p.slots[update%prefetched]
	from := update % p.steps * p.t.cfg.BatchSize
	to := p.t.batchEnd(from)
	b := s.gather.take(p.t.data.Train, p.orders[epoch%2][from:to], 0, to-from)
	if p.t.net.Layer(0).Dropout == 0 {
		b.lists = &s.lists
		x := b.X
		if b.Packed.parts != nil {
			if x = (nn.Matrix[T]{Rows: b.Rows(), Cols: b.Cols()}); !b.Packed.sparse(0, b.Rows(), s.lists.Sparse()) {
				x = b.Inputs(0, b.Rows(), s.room)
				b.X, b.Packed = x, Packed[T]{}
			}
		}
		s.lists.Prepare(x)
	}
	s.batch = b
	s.ready.Store(int64(update))
}
