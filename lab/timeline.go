package lab

import (
	"context"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// memories would hold the run's state at growing distances; without any, a run goes back by
// starting anew, since the seed decides all of it.
type memories struct{}

// keep is called after every update.
func (m *memories) keep(*run) {}

// rewind takes the run back to the latest remembered state that is not after update n.
func (r *run) rewind(t *data.Table, n int) error {
	fit, err := model.Prepare(model.Tables{Train: t}, r.options, nil)
	if err != nil {
		return err
	}
	*r = run{fit: fit, options: r.options}
	for r.at < n && r.step(context.Background()) {
	}
	return nil
}

// trail is a run's way through its parameters: at most mostTrail places, evenly spaced.
type trail struct {
	steps  []int
	params [][]float64
	every  int
}

const mostTrail = 200

// trailParams is up to how many parameters a trail is kept.
const trailParams = 20_000

func (t *trail) wants(step int) bool { return step%max(1, t.every) == 0 }

// add appends a place; when there are too many, every second one goes.
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
