package train

import (
	"sync/atomic"
	"time"

	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
)

// crew divides the work of a step among the goroutines of a team. There are two ways. Parts that need a pass through the
// network (shards of a batch, rows that are scored) go to the goroutines as wholes, each with a tape of its own: see
// each. Between them there is nothing to wait for. What is left over, and a batch of one shard, is one pass that the whole
// team shares, product by product (nn.Tape's UseTeam). Neither changes a bit.
type crew[T nn.Float] struct {
	team *team.Team
	size int            // of the team, including the caller
	hand []hand[T]      // one for each goroutine; only the first is there before each needs the others
	more func() hand[T] // makes one

	shun int // how many times each does not divide its parts

	// What the pieces of the current work need to know. piece is made once, so that a step allocates nothing.
	next  atomic.Int64 // the next part
	end   int          // after the last one
	do    func(h *hand[T], part int)
	began time.Time
	piece func(i int)
}

// hand is what one goroutine needs for a pass through the network.
type hand[T nn.Float] struct {
	tape *nn.Tape[T]
	room nn.Matrix[T] // memory for unpacked rows, as many as the tape takes
	left time.Time    // when it had done its last part
}

// leastWork is the number of multiply-adds below which work is not divided: about 20 us. It is a variable for the tests.
var leastWork = 1 << 20

func newCrew[T nn.Float](more func() hand[T]) *crew[T] {
	c := &crew[T]{size: 1, hand: []hand[T]{more()}, more: more}
	c.piece = func(i int) {
		h := &c.hand[i]
		h.left = c.began
		for part := int(c.next.Add(1)) - 1; part < c.end; part = int(c.next.Add(1)) - 1 {
			c.do(h, part)
			h.left = time.Now()
		}
	}
	return c
}

// use sets the team that does the work from now on.
func (c *crew[T]) use(w *team.Team, size int) {
	c.team, c.size = w, size
	c.hand[0].tape.UseTeam(w, size)
}

// shunned is how many times each does not divide its parts after goroutines were idle for more than a quarter of the time.
const shunned = 32

// each calls do for the parts from 0 to n-1. If apart is set, as many of them as can be divided evenly go to the goroutines,
// which take one after another. Where other programs take the cores, all wait for the goroutine that was interrupted. The
// small pieces of a shared pass then lose less, so each does not divide the parts for a while.
func (c *crew[T]) each(n int, apart bool, do func(h *hand[T], part int)) {
	whole := 0
	if c.shun > 0 {
		c.shun--
	} else if c.size > 1 && apart {
		whole = n - n%c.size
	}
	if whole > 0 {
		for len(c.hand) < c.size {
			c.hand = append(c.hand, c.more())
		}
		c.next.Store(0)
		c.end, c.do, c.began = whole, do, time.Now()
		c.hand[0].tape.UseTeam(nil, 1)
		c.team.Do(c.size, c.piece)
		c.hand[0].tape.UseTeam(c.team, c.size)
		end, idle := time.Now(), time.Duration(0)
		for i := range c.hand[:c.size] {
			idle += end.Sub(c.hand[i].left)
		}
		if 4*idle > end.Sub(c.began)*time.Duration(c.size) {
			c.shun = shunned
		}
	}
	for part := whole; part < n; part++ {
		do(&c.hand[0], part)
	}
}

// spread calls f for the pieces from 0 to n-1, which take that many multiply-adds together.
func (c *crew[T]) spread(n, multiplyAdds int, f func(piece int)) {
	if c.size > 1 && multiplyAdds >= leastWork {
		c.team.Do(n, f)
		return
	}
	for i := range n {
		f(i)
	}
}
