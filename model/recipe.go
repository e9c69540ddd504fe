package model

import (
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// What is done when nothing is asked for: a recipe found by experiment on some twenty
// tables of 300 to 50,000 rows. bench/scores measures what it is worth.

// autoRule is the optimizer auto: AdamW that forgets squares sooner than usual, with a
// rate that suits networks on scaled columns. What is given in h stays.
func autoRule(task data.Task, h *optim.Hyper) (name string, rate float64) {
	beta2, decay := 0.95, 0.1
	if h.Beta2 == nil {
		h.Beta2 = &beta2
	}
	if h.WeightDecay == nil {
		h.WeightDecay = &decay
	}
	if task == data.Regression {
		return "adamw", 0.01
	}
	return "adamw", 0.003
}

// autoBatch grows with the rows, so that an epoch has some hundred updates.
func autoBatch(rows int) int {
	size := 16
	for size < 256 && rows > 128*size {
		size *= 2
	}
	return size
}

// autoEpochs aims at 5,000 updates, in 40 to 300 epochs. Full-batch descent makes one
// update an epoch and gets 1,000; per-sample gets 2,000 for each sample, the notebook's.
func autoEpochs(method train.Method, rows, batch int) int {
	switch method {
	case train.Batch:
		return 1000
	case train.PerSample:
		return 2000
	}
	updates := (rows + batch - 1) / batch
	return min(300, max(40, 5000/updates))
}
