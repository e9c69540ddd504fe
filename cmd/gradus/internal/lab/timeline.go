package lab

import (
	"bytes"
	"slices"

	"github.com/gradus-ml/gradus/train"
)

// memories are checkpoints of a run at growing distances. To go back, the run is restored from
// the latest that is not too late, and repeats the updates from there. This is exact, because every
// random draw is a function of the seed and its place in the run.
type memories struct {
	at    []int
	state [][]byte
	every int // minimum number of updates between memories
	bytes int
}

const (
	mostMemories  = 24
	memoryBytes   = 32 << 20 // maximum number of bytes of all memories together
	memoriesBegin = 256      // number of updates between memories at first
)

// keep stores the run's state if a memory is due. When there are too many memories, it drops every second
// one, and from then on they are twice as far apart.
func (m *memories) keep(r *run) error {
	if m.every == 0 {
		m.every = memoriesBegin
	}
	if r.at%m.every != 0 || len(m.at) > 0 && m.at[len(m.at)-1] >= r.at {
		return nil
	}
	var b bytes.Buffer
	if err := r.fit.Checkpoint(&b); err != nil {
		return err
	}
	m.at, m.state = append(m.at, r.at), append(m.state, b.Bytes())
	m.bytes += b.Len()
	for len(m.at) > mostMemories || m.bytes > memoryBytes && len(m.at) > 2 {
		m.every *= 2
		kept := 0
		m.bytes = 0
		for i, at := range m.at {
			if at%m.every == 0 {
				m.at[kept], m.state[kept] = at, m.state[i]
				m.bytes += len(m.state[i])
				kept++
			}
		}
		clear(m.state[kept:])
		m.at, m.state = m.at[:kept], m.state[:kept]
	}
	return nil
}

// between reports whether there is a memory after update at that is not after update n.
func (m *memories) between(at, n int) bool {
	return slices.ContainsFunc(m.at, func(k int) bool { return k > at && k <= n })
}

// recall restores the run from the latest memory that is not after update n.
func (r *run) recall(n int) error {
	m := &r.memories
	i := len(m.at) - 1
	for i > 0 && m.at[i] > n {
		i--
	}
	c, err := train.ReadCheckpoint(bytes.NewReader(m.state[i]))
	if err != nil {
		return err
	}
	if err := r.fit.Restore(c); err != nil {
		return err
	}
	r.at, r.last, r.ended = m.at[i], train.Step{}, ""
	return nil
}

// trail is a run's trajectory through its parameters: at most mostTrail places, evenly spaced.
type trail struct {
	steps  []int
	params [][]float64
	every  int
}

const mostTrail = 200

// trailParams is the maximum number of parameters for which a trail is kept.
const trailParams = 20_000

func (t *trail) wants(step int) bool { return step%max(1, t.every) == 0 }

// add appends a place. When there are too many, it drops every second one.
func (t *trail) add(step int, params []float64) {
	if params == nil || len(params) > trailParams {
		return
	}
	t.steps = append(t.steps, step)
	t.params = append(t.params, params)
	if len(t.steps) < mostTrail {
		return
	}
	t.every = max(1, t.every) * 2
	kept := 0
	for i, s := range t.steps {
		if s%t.every == 0 {
			t.steps[kept], t.params[kept] = s, t.params[i]
			kept++
		}
	}
	t.steps, t.params = t.steps[:kept], t.params[:kept]
}
