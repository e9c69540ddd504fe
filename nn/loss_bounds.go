package nn

import "errors"

// BoundOutputs is the number of outputs that each target has with the loss of WithBounds.
const BoundOutputs = 3

// boundShare is the share of the bounds in the loss of WithBounds. With 1 the hidden layers serve the bounds more than
// the prediction where a target is predicted closely: the loss of a bound falls with the distance, a squared one
// with its square. An optimizer that divides by the size of the gradient, as Adam does, fits the outputs of the
// bounds as fast with a small share.
const boundShare = 0.1

// WithBounds returns the loss of a network that also predicts in which range each target lies. Each target y
// has three outputs, one after another: the prediction yhat, a lower bound l and an upper bound u. With the
// level c, such as 0.9,
//
//	L = loss(y, yhat) + (Quantile((1-c)/2)(y, l) + Quantile((1+c)/2)(y, u))/10
//
// The bounds are learned as the two quantiles that contain a share c of the targets between them (quantile
// regression; Koenker and Bassett 1978). The targets of a row are given three times, once for each output. L, D
// and Piece of the result are those of loss; LossOf has those of each output. A loss of classes has no bounds.
func WithBounds(loss Loss, level float64) Loss {
	return withBounds{loss, [BoundOutputs]Loss{loss, bound{Quantile((1 - level) / 2)}, bound{Quantile((1 + level) / 2)}}, level}
}

type withBounds struct {
	Loss
	of    [BoundOutputs]Loss
	level float64
}

func (l withBounds) String() string              { return l.Loss.String() + " with bounds:" + number(l.level) }
func (l withBounds) Of(output int) Loss          { return l.of[output%BoundOutputs] }
func (l withBounds) Facts() LossFacts            { return Facts(l.Loss) }
func (l withBounds) CheckTarget(y float64) error { return CheckTarget(l.Loss, y) }
func (l withBounds) Validate() error {
	if f := Facts(l.Loss); f.Shares || f.FromZ && !f.Amounts || l.Loss == Hinge {
		return errors.New("bounds are for amounts, and this loss is for classes")
	}
	if err := validate(l.Loss); err != nil {
		return err
	}
	return within(l.level, 0, 1, "the level of the bounds must lie between 0 and 1")
}

// bound is the loss of one bound: boundShare times its quantile loss.
type bound struct{ Loss }

func (l bound) L(y, yhat float64) float64 { return float64(boundShare * l.Loss.L(y, yhat)) }
func (l bound) D(y, yhat float64) float64 { return float64(boundShare * l.Loss.D(y, yhat)) }
