package model

import (
	"fmt"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// Imported is the Training's Reason of a model that New made without the result of a run.
const Imported = "imported"

// NewOptions describe the model that New makes; the zero value is the default.
type NewOptions struct {
	Loss      nn.Loss       // the loss that Evaluate uses; default: squared for a regression, else nn.DefaultLoss
	Threshold float64       // of two classes; default 0.5
	Result    *train.Result // the result of the run that trained the network, for the model's record of its training

	Diagnosis []diagnosis.Finding // of that run; stored next to Result
}

// New makes a Model of a network that was trained by your own loop. The Model predicts rows, evaluates
// tables, and can be saved and served like any other. The encoding describes the columns and the
// targets. It comes from data.Schema's Fit or from another model. The model takes a copy of the
// network, so training may continue. It keeps the encoding, which must not be changed afterwards.
//
// The model has no scores. Those of Evaluate may be put into Training.Metrics before it is saved. If
// the arguments do not match, for example in the number of inputs, the error wraps ErrOptions.
func New[T nn.Float](e *data.Encoding, net *nn.Network[T], with ...NewOptions) (*Model, error) {
	o, err := atMostOne(with)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fmt.Errorf("%w: a model needs an encoding of its columns, and there is none", ErrOptions)
	}
	if net == nil {
		return nil, fmt.Errorf("%w: a model needs a network, and there is none", ErrOptions)
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	layers := net.Layers()
	hidden, out := layers[:len(layers)-1], layers[len(layers)-1]
	m := &Model{Encoding: e, Loss: o.Loss}
	if m.Loss == nil {
		m.Loss = nn.Squared
		if e.Task != data.Regression {
			m.Loss = nn.DefaultLoss(out.Activation)
		}
	}
	if err := m.agree(net.Inputs(), out, o.Threshold); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	for i, v := range net.Values() {
		if !float.Finite(v) {
			return nil, fmt.Errorf("%w: value %d of the network is %v, not a finite number", ErrOptions, i, v)
		}
	}
	m.engine = newEngine(net.Clone())
	m.Training = Training{Reason: Imported, Metrics: Metrics{Train: &metrics.Report{}}}
	if r := o.Result; r != nil {
		m.Training = Training{
			Reason: r.Reason, Converged: r.Converged, Epochs: r.Epochs, Steps: r.Steps, Seconds: r.Seconds, Loss: r.Loss,
			BestEpoch: r.BestEpoch, Metrics: m.Training.Metrics, Diagnosis: o.Diagnosis, History: r.History,
		}
	}
	rate, patience := optim.DefaultLearningRate("sgd"), 0
	m.Options = Options{
		Targets: m.Targets(), Task: e.Task, Scale: data.ScaleNone, Hidden: []int{}, OutputActivation: out.Activation.String(),
		Precision: m.Precision(), Loss: m.Loss.String(), Method: string(train.MiniBatch), Optimizer: "sgd", Schedule: "constant",
		LearningRate: &rate, Patience: &patience,
	}
	for _, l := range hidden {
		m.Options.Hidden = append(m.Options.Hidden, l.Units)
		m.Options.Activation = l.Activation.String()
	}
	return m, nil
}
