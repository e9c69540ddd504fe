package model

import (
	"fmt"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// Imported is the Reason of the Training of a model that Assemble made.
const Imported = "imported"

// Assemble makes a model of a network that was not trained by a Fit: made elsewhere, or from
// slices. The encoding says what the columns and the targets are. The loss is the usual one of
// the task and the output activation; the model knows nothing of a training and has no scores.
// It keeps the network, which must not be changed any more.
func Assemble[T nn.Float](net *nn.Network[T], e *data.Encoding) (*Model, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	layers := net.Layers()
	out := layers[len(layers)-1]
	switch {
	case net.Inputs() != e.Width():
		return nil, fmt.Errorf("%w: the network has %d inputs, its columns make %d", ErrOptions, net.Inputs(), e.Width())
	case out.Units != e.Outputs():
		return nil, fmt.Errorf("%w: the network has %d outputs, its targets take %d", ErrOptions, out.Units, e.Outputs())
	case !outputFits(e.Task, out.Activation, false):
		return nil, fmt.Errorf("%w: the outputs of %s classification are probabilities, and %s gives none", ErrOptions, e.Task, out.Activation)
	}
	rate, patience := optim.DefaultRate("sgd"), 0
	m := &Model{Encoding: e, Threshold: 0.5, Loss: nn.Squared, engine: newEngine(net)}
	if e.Task != data.Regression {
		m.Loss = train.DefaultLoss(out.Activation)
	}
	m.Training = Training{Reason: Imported, Metrics: Metrics{Train: &metrics.Report{}}}
	m.Options = Options{
		Targets: m.Targets(), Task: e.Task, Scale: data.ScaleNone, Hidden: []int{}, OutputActivation: out.Activation.String(),
		Precision: m.Precision(), Loss: m.Loss.String(), Method: string(train.MiniBatch), Optimizer: "sgd", Schedule: "constant", LR: &rate, Patience: &patience,
	}
	for _, l := range layers[:len(layers)-1] {
		m.Options.Hidden = append(m.Options.Hidden, l.Units)
		m.Options.Activation = l.Activation.String()
	}
	return m, nil
}
