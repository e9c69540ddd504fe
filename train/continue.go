package train

import (
	"fmt"
	"reflect"
)

// More lets the run continue for the given number of epochs, with other rows or with the same
// ones again (partial fitting). The network, the optimizer's state, the count of epochs and
// updates, and the history stay. The best validation score and the stop criteria start over. If
// it returns an error, the run is unchanged.
//
// A schedule sees one run of all epochs so far and the new ones together, each with as many
// updates as the new rows take. With the same rows, a constant rate and no validation rows,
// twice three epochs end in the same bits as six.
//
// To start from given weights without the optimizer's state (a warm start), pass their network to New.
func (t *Trainer[T]) More(data Data[T], epochs int) error {
	if t.stream != nil {
		return fmt.Errorf("%w: a run over a stream cannot continue with other rows: make a new trainer for the further epochs", ErrConfig)
	}
	if epochs < 1 {
		return fmt.Errorf("%w: there are %d more epochs to train; give at least 1", ErrConfig, epochs)
	}
	cfg := t.cfg
	cfg.BatchSize, cfg.Epochs = t.batchSize, t.course.until(t, epochs)
	next, err := New(t.net, cfg, data)
	if err != nil {
		return err
	}
	kept := map[string]any{}
	for _, e := range t.state() {
		kept[e.name] = e.value
	}
	for _, e := range next.state() {
		if e.scope&anew != 0 {
			continue
		}
		from, to := reflect.ValueOf(kept[e.name]), reflect.ValueOf(e.value)
		if to.Kind() == reflect.Pointer {
			to.Elem().Set(from.Elem())
		} else {
			reflect.Copy(to, from)
		}
	}
	switch {
	case next.average == nil || !t.finished:
	case t.result.Reason == ReasonDiverged || t.best != nil && t.bestEpoch > 0: // it continues from the weights that were kept
		copy(next.average.Values(), next.net.Values())
	default: // here it continues from the last weights, not from their average
		copy(next.net.Values(), next.good)
	}
	next.observer = t.observer
	next.drawOrder()
	*t = *next
	return t.observer.SetState(nil)
}
