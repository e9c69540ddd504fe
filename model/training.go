package model

import (
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/train"
)

// Training is what a model keeps of its training.
type Training struct {
	Reason    string  `json:"stop_reason"` // what ended it, as in train.Result
	Converged bool    `json:"converged"`
	Epochs    int     `json:"epochs"`
	Steps     int     `json:"steps"`
	Seconds   float64 `json:"seconds"`
	Loss      float64 `json:"loss"`       // over the training rows, in the trained units
	BestEpoch int     `json:"best_epoch"` // whose weights these are; 0: the last ones
	Rows      Rows    `json:"rows"`
	Metrics   Metrics `json:"metrics"`
	// Diagnosis says why the run did not come to what it could have; empty for a healthy one.
	Diagnosis []train.Finding `json:"diagnosis,omitempty"`

	History train.History `json:"history"`
}

// MarshalJSON writes null for a number that is not finite.
func (t Training) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(t) }

// UnmarshalJSON reads null as NaN.
func (t *Training) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, t) }
