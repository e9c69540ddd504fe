package model

import (
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/train"
)

// Training is the record of its training that a model keeps.
type Training struct {
	Reason    string  `json:"stop_reason"` // what ended it, as in train.Result
	Converged bool    `json:"converged"`
	Epochs    int     `json:"epochs"`
	Steps     int     `json:"steps"`
	Seconds   float64 `json:"seconds"`
	Loss      float64 `json:"loss"`       // over the training rows, in the trained units
	BestEpoch int     `json:"best_epoch"` // the epoch of these weights; 0: the last one
	Rows      Rows    `json:"rows"`
	Metrics   Metrics `json:"metrics"`
	// CrossFitted means that the out-of-fold scores are of predictions at epochs that the row did not choose.
	CrossFitted bool `json:"cross_fitted,omitempty"`
	// Diagnosis says why the run did not reach its potential; empty for a healthy run.
	Diagnosis []diagnosis.Finding `json:"diagnosis,omitempty"`
	// Guess is a guess that ignores the inputs: each class's share of the training rows, or each
	// target's mean. It is nil in files of an earlier gradus.
	Guess []float64 `json:"guess,omitempty"`
	// Calibration is the effect of a temperature, if one was requested.
	Calibration *Calibration `json:"calibration,omitempty"`
	// Tables are the tables of the run by their use: train, and validation and test if those rows
	// had a separate table.
	Tables map[string]Source `json:"tables,omitempty"`

	History train.History `json:"history"`
}

// Source is a table that a model has seen.
type Source struct {
	Name   string `json:"name"` // the file name without its folder
	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"` // data.Table's Fingerprint
}

// known returns the use of the table in the training, or "".
func (t *Training) known(table *data.Table) string {
	sum := ""
	for _, what := range []string{"train", "validation", "test"} {
		s, ok := t.Tables[what]
		if !ok || s.Rows != table.Rows() {
			continue
		}
		if sum == "" {
			sum = table.Fingerprint()
		}
		if s.SHA256 == sum {
			return what
		}
	}
	return ""
}

// MarshalJSON writes null for a number that is not finite.
func (t Training) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(t) }

// UnmarshalJSON reads null as NaN.
func (t *Training) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, t) }
