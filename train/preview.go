package train

import (
	"slices"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/rng"
)

// Next returns the training rows of the next update in the order in which it uses them, or nil
// after the last update. It looks ahead and changes nothing.
func (t *Trainer[T]) Next() []int {
	if t.finished {
		return nil
	}
	epoch, from, to := t.course.coming(t)
	rows := make([]int, to-from)
	if t.order == nil {
		for i := range rows {
			rows[i] = from + i
		}
		return rows
	}
	order := make([]int32, len(t.order))
	rng.Perm(order, t.cfg.Seed, rng.Shuffle, uint64(epoch))
	for i, row := range order[from:to] {
		rows[i] = int(row)
	}
	return rows
}

// Preview is the effect of the next update on one parameter.
type Preview struct {
	N      int     `json:"n"`    // the update's number, from 1
	Loss   float64 `json:"loss"` // the loss of its batch, before the update, reduced as in the configuration
	Rate   float64 `json:"rate"` // the learning rate; with a solver, the distance along its direction
	Before float64 `json:"before"`
	After  float64 `json:"after"`

	// Gradient is that of Loss. Shaped is what the optimizer gets: the gradient with penalties,
	// clipped. With a solver both are 0.
	Gradient float64 `json:"gradient"`
	Shaped   float64 `json:"shaped"`

	// The optimizer's state for the parameter, slot by slot, before and after the update.
	State      []float64 `json:"state,omitempty"`
	StateAfter []float64 `json:"state_after,omitempty"`
}

// MarshalJSON writes null for a number that is not finite.
func (p Preview) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(p) }

// UnmarshalJSON reads null as NaN.
func (p *Preview) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, p) }

// Preview makes the next update as the trainer will, records its effect on the parameter with
// that index in Params, and undoes everything. ok is false after the last update.
func (t *Trainer[T]) Preview(index int) (p Preview, ok bool) {
	look := func() (value float64, state []float64) {
		for _, s := range t.slots {
			state = append(state, float64(s[index]))
		}
		return float64(t.net.Params()[index]), state
	}
	ok = t.ahead(func(b Set[T]) {
		p.Before, p.State = look()
		if t.cfg.Solver == nil {
			t.gradient(b, t.cfg.Reduction.Scale(b.Rows(), b.W))
			p.Gradient = float64(t.grad[index])
		}
	}, func(s Step) {
		p.N, p.Loss, p.Rate = s.N, s.Loss, s.LearningRate
		p.After, p.StateAfter = look()
		if t.cfg.Solver == nil {
			p.Shaped = float64(t.grad[index])
		} else {
			p.State, p.StateAfter = nil, nil
		}
	})
	return p, ok
}

// Ahead returns the parameters after the next update, or nil after the last update.
func (t *Trainer[T]) Ahead() (params []T) {
	t.ahead(func(Set[T]) {}, func(Step) { params = slices.Clone(t.net.Params()) })
	return params
}

// NextRate returns the learning rate of the next update.
func (t *Trainer[T]) NextRate() float64 { return t.rate(t.place()) }

// ahead makes the next update, calls before and after around it, and undoes everything. It
// returns false after the last update.
func (t *Trainer[T]) ahead(before func(batch Set[T]), after func(Step)) bool {
	if t.finished || t.stream != nil {
		return false
	}
	defer t.keep()()
	whole, together := t.whole, t.together
	defer func() { t.whole, t.together = whole, together }()
	t.together = nil // look ahead without the other ranks
	if t.cfg.Solver != nil {
		before(t.data.Train)
		after(t.iterate())
		return true
	}
	if t.position == 0 {
		t.drawOrder()
	}
	_, from, to := t.course.coming(t)
	b, _ := t.batch(from, to) // there is no stream
	before(b)
	t.whole = true
	s, _ := t.update(b, t.place())
	after(s)
	return true
}

// keep copies the part of the run's state that an update changes, and returns a function that restores
// it. That part is the vectors of a fixed length and the numbers. The vectors that grow do so only
// after an epoch.
func (t *Trainer[T]) keep() (restore func()) {
	state := t.state()
	kept := make([]any, len(state))
	for i, e := range state {
		switch v := e.value.(type) {
		case []T:
			kept[i] = slices.Clone(v)
		case []float64:
			kept[i] = slices.Clone(v)
		case *int:
			kept[i] = *v
		case *float64:
			kept[i] = *v
		}
	}
	return func() {
		for i, e := range state {
			switch v := e.value.(type) {
			case []T:
				copy(v, kept[i].([]T))
			case []float64:
				copy(v, kept[i].([]float64))
			case *int:
				*v = kept[i].(int)
			case *float64:
				*v = kept[i].(float64)
			}
		}
	}
}
