package model

import (
	"encoding/json"
	"math"

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

// JSON has no number for what is not finite: null stands for it.

type trainingJSON struct {
	plainTraining
	Loss    *float64    `json:"loss"`
	History []pointJSON `json:"history"`
}

type plainTraining Training

type pointJSON struct {
	Epoch      int      `json:"epoch"`
	Steps      int      `json:"steps"`
	Loss       *float64 `json:"loss"`
	Validation *float64 `json:"validation,omitempty"`
	Rate       float64  `json:"rate"`
	Seconds    float64  `json:"seconds"`
}

// MarshalJSON implements json.Marshaler.
func (t Training) MarshalJSON() ([]byte, error) {
	out := trainingJSON{plainTraining: plainTraining(t), Loss: finite(t.Loss)}
	for _, p := range t.History {
		out.History = append(out.History, pointJSON{p.Epoch, p.Steps, finite(p.Loss), finite(p.Validation), p.Rate, p.Seconds})
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Training) UnmarshalJSON(b []byte) error {
	var in trainingJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*t = Training(in.plainTraining)
	t.Loss = orNaN(in.Loss)
	t.History = nil
	for _, p := range in.History {
		t.History = append(t.History, train.Point{
			Epoch: p.Epoch, Steps: p.Steps, Loss: orNaN(p.Loss), Validation: orNaN(p.Validation), Rate: p.Rate, Seconds: p.Seconds,
		})
	}
	return nil
}

// finite returns a pointer to x, or nil where x is not finite.
func finite(x float64) *float64 {
	if x-x != 0 {
		return nil
	}
	return &x
}

func orNaN(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}
