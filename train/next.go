package train

import "github.com/gradus-ml/gradus/internal/rng"

// Next returns the training rows of the next update in the order in which it takes them, nil
// after the last. It looks ahead and changes nothing.
func (t *Trainer[T]) Next() []int {
	if t.finished {
		return nil
	}
	from, epoch := t.position, t.epoch
	to := min(from+t.cfg.BatchSize, t.data.Train.Rows())
	if t.cfg.Method == PerSample { // the order is drawn once; position counts this sample's updates
		from, to, epoch = len(t.result.Samples), len(t.result.Samples)+1, 0
	}
	rows := make([]int, to-from)
	if t.order == nil {
		for i := range rows {
			rows[i] = from + i
		}
		return rows
	}
	order := make([]int, len(t.order))
	rng.Perm(order, t.cfg.Seed, rng.Shuffle, uint64(epoch))
	copy(rows, order[from:to])
	return rows
}
