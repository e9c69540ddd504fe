package model

import (
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
)

// AutoMembers, as Options.Members, lets Prepare choose how many networks a model has, as gradus train does
// by default. It is 8 for a table of up to 100,000 input cells, 5 for one of up to 2 million, and one
// network for a larger one. It is also one network if an ensemble would be refused or would not be what was
// requested; then a note says why.
const AutoMembers = -1

// The number of networks chosen by AutoMembers, by the number of input cells.
const (
	smallCells   = 100_000 // largest table for mostFolds networks
	someMembers  = 5       // for a larger table, up to mostCells
	shortOfFolds = FewRows // rows below which no folds are dealt
)

// chooseMembers chooses the number of networks for AutoMembers, of a fold unless own is nil. If it is one for another reason than the
// table's size, why is a sentence that gives the reason.
func (o *Options) chooseMembers(tables Tables, own *fold, s *data.Schema, start *Weights) (n int, why string) {
	rows := len(s.Rows)
	if own != nil {
		rows = len(own.train)
	} else if tables.Test == nil && o.Test != nil {
		rows -= int(float64(rows) * *o.Test)
	}
	switch {
	case start != nil:
		return 1, "One network is trained, not an ensemble: it continues from the given weights."
	case o.Loss == nn.Hinge.String():
		return 1, "One network is trained, not an ensemble: hinge gives decision values, which have no mean that could be judged."
	case o.perSample():
		return 1, "One network is trained, not an ensemble: per-sample descent trains one network."
	case o.Tolerance != nil || o.TargetLoss != nil:
		return 1, "One network is trained, not an ensemble: a tolerance or a loss to reach is for one network."
	case rows < shortOfFolds:
		return 1, "One network is trained, not an ensemble: fewer than 50 rows are too few for folds."
	}
	switch cells := rows * len(s.Columns); {
	case cells <= smallCells:
		return mostFolds, ""
	case cells <= mostCells:
		return someMembers, ""
	}
	return 1, ""
}
