package cli

import (
	"math"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// writeJSON prints the result of a run with --json.
func (t *training) writeJSON(came trainJSON) error {
	if t.within != nil {
		return t.env.writeJSON(t.within(came))
	}
	return t.env.writeJSON(came)
}

// trainJSON is what --json prints.
type trainJSON struct {
	Converged        bool             `json:"converged"`
	StopReason       string           `json:"stop_reason"`
	Epochs           int              `json:"epochs"`
	Steps            int              `json:"steps"`
	Loss             *float64         `json:"loss"`
	Seconds          float64          `json:"seconds"`
	SamplesPerSecond *float64         `json:"samples_per_second"`
	Ranks            *ranksJSON       `json:"ranks,omitempty"` // of a run on several
	Metrics          model.Metrics    `json:"metrics"`
	Diagnosis        []option.Finding `json:"diagnosis"`
	WeightsSHA256    string           `json:"weights_sha256"`
	Members          []memberJSON     `json:"members,omitempty"` // of an ensemble
	Model            *string          `json:"model"`
	Seed             uint64           `json:"seed"`

	Task       data.Task        `json:"task"`
	Target     []string         `json:"target"`
	Rows       model.Rows       `json:"rows"`
	Inputs     int              `json:"inputs"`
	Parameters int              `json:"parameters"`
	BestEpoch  *int             `json:"best_epoch"`
	Threshold  *float64         `json:"threshold,omitempty"` // of two classes
	Shrinkage  *model.Shrinkage `json:"shrinkage,omitempty"`
	saidJSON
	Options model.Options `json:"options"`
}

// result returns the result of a run whose model is in a file, or in none if path is "".
func (t *training) result(m *model.Model, path string) trainJSON {
	end := m.Training
	out := trainJSON{
		Converged: end.Converged, StopReason: end.Reason, Epochs: end.Epochs, Steps: end.Steps,
		Loss: finite(end.Loss), Seconds: end.Seconds, SamplesPerSecond: finite(rate(t.fit)),
		Ranks: t.env.ranks.json(t.fit), Metrics: end.Metrics, Diagnosis: option.Findings(end.Diagnosis), WeightsSHA256: m.WeightsSHA256(), Members: membersJSON(m),
		Seed: m.Options.Seed, Task: m.Task(), Target: m.Targets(), Rows: end.Rows,
		Inputs: m.Encoding.Width(), Parameters: m.Parameters(), saidJSON: said(t.fit.Schema, t.fit.Said()),
		Options: m.Options, Shrinkage: m.Shrinkage,
	}
	if path != "" {
		out.Model = &path
	}
	if end.BestEpoch > 0 {
		out.BestEpoch = &end.BestEpoch
	}
	if m.Task() == data.Binary {
		out.Threshold = &m.Threshold
	}
	return out
}

// rate returns the number of samples per second.
func rate(f *model.Fit) float64 {
	r := f.Result()
	return float64(r.Rows) / r.Seconds
}

// finite returns a pointer to x, or nil (null in JSON) if x is not finite.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
