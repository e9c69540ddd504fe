package model

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/safetensors"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/nn"
)

// An ensemble is a Model of several members. Each member is a Model with its own encoding and
// network. The ensemble's prediction is the mean of theirs: of probabilities, or of values in the
// targets' units.

// ensemble holds the members of a model, and buffers for their predictions.
type ensemble struct {
	members []*Model
	room    sync.Pool // of *[]float64
}

// newEnsemble makes a model of members. It takes what all have in common from the first.
func newEnsemble(members []*Model) *Model {
	first := members[0]
	e := &ensemble{members: members}
	e.room.New = func() any { return new([]float64) }
	m := &Model{
		Encoding: first.Encoding, Options: first.Options, Loss: first.Loss, Threshold: first.Threshold, Temperature: 1,
		engine: first.engine, whole: first.whole, ofBounds: first.ofBounds, ensemble: e,
	}
	if first.bounds != nil {
		var bounds []*Model
		for _, one := range members {
			bounds = append(bounds, one.bounds)
		}
		m.bounds = newEnsemble(bounds)
	}
	return m
}

// Members returns the members of an ensemble, each as a separate model. It is nil for a model
// of one network. The members must not be changed.
func (m *Model) Members() []*Model {
	if m.ensemble == nil {
		return nil
	}
	return m.ensemble.members
}

// borrow returns a buffer for n numbers, to be given back.
func (e *ensemble) borrow(n int) *[]float64 {
	room := e.room.Get().(*[]float64)
	if cap(*room) < n {
		*room = make([]float64, n)
	}
	*room = (*room)[:n]
	return room
}

// predictValues is Model.PredictValues. Like the other methods, it sums in the order of the members. So
// a prediction has the same bits whichever method makes it, for any number of rows.
func (e *ensemble) predictValues(row []data.Value, out []float64) error {
	room := e.borrow(len(out))
	defer e.room.Put(room)
	for k, m := range e.members {
		if k == 0 {
			if err := m.PredictValues(row, out); err != nil {
				return err
			}
			continue
		}
		if err := m.PredictValues(row, *room); err != nil {
			return err
		}
		for i, v := range *room {
			out[i] += v
		}
	}
	e.divide(out)
	return nil
}

// predictCells is Model.predictCells.
func (e *ensemble) predictCells(rows cells, out []float64) error {
	room := e.borrow(len(out))
	defer e.room.Put(room)
	for k, m := range e.members {
		if k == 0 {
			if err := m.predictCells(rows, out, nil); err != nil {
				return err
			}
			continue
		}
		if err := m.predictCells(rows, *room, nil); err != nil {
			return err
		}
		for i, v := range *room {
			out[i] += v
		}
	}
	e.divide(out)
	return nil
}

// predictRows is Model.predictRows.
func (e *ensemble) predictRows(b *data.Binding, rows []int) (out []float64, counts data.Counts, err error) {
	for k, m := range e.members {
		own, err := b.As(m.Encoding)
		if err != nil {
			return nil, nil, err
		}
		p, c, err := m.predictRows(own, rows, nil)
		if err != nil {
			return nil, nil, err
		}
		if k == 0 {
			out, counts = p, c
			continue
		}
		for i, v := range p {
			out[i] += v
		}
		spill.Free(b.Spilled(), p)
		counts = fewest(counts, c)
	}
	e.divide(out)
	return out, counts, nil
}

// divide turns sums into means.
func (e *ensemble) divide(sums []float64) {
	n := float64(len(e.members))
	for i := range sums {
		sums[i] /= n
	}
}

// fewest returns, for each column, the counts of the member that knows the most of it. A category
// is new to the model only if no member knows it.
func fewest(a, b data.Counts) data.Counts {
	var out data.Counts
	for _, x := range a {
		for _, y := range b {
			if y.Column != x.Column {
				continue
			}
			if y.Imputed+y.Unseen+y.Bad < x.Imputed+x.Unseen+x.Bad {
				x = y
			}
			out = append(out, x)
			break
		}
	}
	return out
}

// leastShare keeps a mean probability away from 0 and 1 before taking its logarithm: next to
// 1, float32 rounds smaller differences to 0.
const leastShare = 0x1p-25

// meanLoss returns the loss of an ensemble's predictions, summed by the rows' weights, in the units
// that the first member was trained in.
func (m *Model) meanLoss(p, targets, w []float64) float64 {
	width := m.Encoding.Outputs()
	sum := 0.0
	for i, y := range targets {
		v := 0.0
		if m.Task() == data.Binary {
			v = p[2*i+1]
		} else {
			v = p[i]
		}
		switch m.Task() {
		case data.Regression:
			t := &m.Encoding.Targets[i%width]
			v = (v - t.Center) / t.Scale
		default:
			v = min(max(v, leastShare), 1-leastShare)
		}
		weight := 1.0
		if w != nil {
			weight = w[i/width]
		}
		sum += float64(weight * m.Loss.L(y, v))
	}
	return sum
}

// shapley is Model.Shapley. of computes the numbers of a member, and every number is their mean over the members.
func (e *ensemble) shapley(o ShapleyOptions, of func(*Model) (*Shapley, error)) (*Shapley, error) {
	if o.LogOdds {
		return nil, refuse("LogOdds", nil, "the model predicts the mean of %d networks' probabilities, and log-odds have no such mean: leave them out, or explain one of the members", len(e.members))
	}
	var out *Shapley
	for _, m := range e.members {
		own, err := of(m)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = own
			continue
		}
		e.add(out.Base, own.Base)
		out.Notes = slices.DeleteFunc(out.Notes, func(note string) bool { return !slices.Contains(own.Notes, note) })
		for i, r := range own.Rows {
			e.add(out.Rows[i].Prediction, r.Prediction)
			for k := range r.Values {
				e.add(out.Rows[i].Values[k], r.Values[k])
			}
			for k := range r.Errors {
				e.add(out.Rows[i].Errors[k], r.Errors[k])
			}
		}
	}
	e.divide(out.Base)
	for _, r := range out.Rows {
		e.divide(r.Prediction)
		for _, values := range slices.Concat(r.Values, r.Errors) {
			e.divide(values)
		}
	}
	out.weigh()
	return out, nil
}

// partial is Model.Partial. Every number is the mean over the members, which are evaluated at the same
// cells.
func (e *ensemble) partial(ctx context.Context, t *data.Table, column string, o PartialOptions) (*Partial, error) {
	var out *Partial
	for _, m := range e.members {
		own, err := m.Partial(ctx, t, column, o)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = own
			continue
		}
		for k := range out.Mean {
			e.add(out.Mean[k], own.Mean[k])
			for i := range out.Lines[k] {
				e.add(out.Lines[k][i], own.Lines[k][i])
			}
		}
	}
	for k := range out.Mean {
		for _, curve := range append(out.Lines[k], out.Mean[k]) {
			e.divide(curve)
		}
	}
	return out, nil
}

// add adds the numbers of one member to the sums.
func (e *ensemble) add(sums, predictions []float64) {
	for i, v := range predictions {
		sums[i] += v
	}
}

// memberTensors returns the weights of all members under their names in a file.
func memberTensors[T nn.Float](members []*Model, network func(*Model) *nn.Network[T]) []safetensors.Tensor[T] {
	var all []safetensors.Tensor[T]
	for k, m := range members {
		all = append(all, memberTensor(k, network(m))...)
	}
	return all
}

// trained32 and trained64 return a member's network as it is in the file.
func trained32(m *Model) *nn.Network[float32] { return m.stored().Network32() }
func trained64(m *Model) *nn.Network[float64] { return m.stored().Network64() }

// memberTensor returns the weights of one member. The names are those of a network's tensors,
// prefixed with the member's number.
func memberTensor[T nn.Float](k int, net *nn.Network[T]) []safetensors.Tensor[T] {
	own := tensorsOf(net)
	for i := range own {
		own[i].Name = fmt.Sprintf("members.%d.%s", k, own[i].Name)
	}
	return own
}
