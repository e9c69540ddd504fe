package nn

import (
	"fmt"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Poisson is L = yhat - y·log yhat for counts y >= 0 and a positive output (exp or softplus).
// The term log y! is left out, as in PyTorch: no weight changes it.
var Poisson Loss = poisson{}

type poisson struct{}

func (poisson) String() string            { return "poisson" }
func (poisson) L(y, yhat float64) float64 { return yhat - xlogy(y, yhat) }
func (poisson) D(y, yhat float64) float64 { return 1 - y/yhat }
func (poisson) Piece(_, _ float64) int    { return 0 }
func (poisson) CheckTarget(y float64) error {
	if y < 0 {
		return fmt.Errorf("poisson counts cannot be negative; the target is %v", y)
	}
	return nil
}
func (poisson) Facts() LossFacts { return amountFacts("poisson_deviance") }

// expPoisson: L = e^z - y·z, dL/dz = yhat - y.
func expPoisson[T Float](y, z, a, delta []T) float64 {
	loss := 0.0
	for j, v := range z {
		loss += float64(kernel.FMA(-v, y[j], a[j]))
	}
	for j := range delta {
		delta[j] = a[j] - y[j]
	}
	return loss
}

// farBelow is a value of z below which softplus(z) is e^z in both precisions.
const farBelow = -40

// softplusPoisson: L = yhat - y·log yhat, dL/dz = sigmoid(z)·(1 - y/yhat). For a very negative
// z, yhat and sigmoid(z) are both e^z and may underflow. Then log yhat is z and sigmoid(z)/yhat is 1.
func softplusPoisson[T Float](y, z, a, delta []T) float64 {
	loss := 0.0
	for j, v := range z {
		logYhat := v
		if v > farBelow {
			logYhat = kernel.Log(a[j])
		}
		loss += float64(kernel.FMA(-logYhat, y[j], a[j]))
		if delta != nil {
			s := kernel.Sigmoid(v)
			if v > farBelow {
				delta[j] = s * (1 - y[j]/a[j])
			} else {
				delta[j] = s - y[j]
			}
		}
	}
	return loss
}

// Tweedie is L = yhat^(2-p)/(2-p) - y·yhat^(1-p)/(1-p) with 1 < p < 2, for a positive output
// (exp or softplus) and amounts that are often exactly 0 (claims, rainfall). It is half the
// Tweedie deviance without the term that no weight changes, as in scikit-learn's
// HalfTweedieLoss and XGBoost's reg:tweedie. It lies between Poisson (p = 1) and Gamma (p = 2).
func Tweedie(p float64) Loss { return tweedie{p} }

type tweedie struct{ p float64 }

func (t tweedie) String() string { return "tweedie:" + number(t.p) }
func (t tweedie) Validate() error {
	return within(t.p, 1, 2, "the power must lie between 1, which is poisson, and 2, which is gamma")
}
func (t tweedie) L(y, yhat float64) float64 { return amountLoss(t.p, y, kernel.Log(yhat)) }
func (t tweedie) D(y, yhat float64) float64 { return amountSlope(t.p, y, kernel.Log(yhat)) / yhat }
func (t tweedie) Piece(_, _ float64) int    { return 0 }
func (t tweedie) CheckTarget(y float64) error {
	if y < 0 {
		return fmt.Errorf("the amounts of %s cannot be negative; the target is %v", t, y)
	}
	return nil
}
func (t tweedie) Facts() LossFacts { return amountFacts("tweedie_deviance:" + number(t.p)) }

// Gamma is L = y/yhat + log yhat for amounts y > 0 and a positive output, exp or softplus:
// half the gamma deviance without the term that no weight changes (scikit-learn's
// HalfGammaLoss). It measures errors relative to the amount.
var Gamma Loss = gamma{}

type gamma struct{}

func (gamma) String() string            { return "gamma" }
func (gamma) L(y, yhat float64) float64 { return amountLoss(2, y, kernel.Log(yhat)) }
func (gamma) D(y, yhat float64) float64 { return amountSlope(2, y, kernel.Log(yhat)) / yhat }
func (gamma) Piece(_, _ float64) int    { return 0 }
func (gamma) CheckTarget(y float64) error {
	if y <= 0 {
		return fmt.Errorf("the amounts of gamma must be greater than 0; the target is %v: use tweedie:1.5 where some are 0", y)
	}
	return nil
}
func (gamma) Facts() LossFacts { return amountFacts("gamma_deviance") }

// amountLoss is the loss of power p, 1 < p <= 2, with l = log yhat:
//
//	L = e^((2-p)·l)/(2-p) + y·e^((1-p)·l)/(p-1)    for p = 2 the first term is l
func amountLoss(p, y, l float64) float64 {
	first := l
	if p != 2 {
		first = kernel.Exp((2-p)*l) / (2 - p)
	}
	if y == 0 { // also where the power is infinite
		return first
	}
	return first + float64(y*kernel.Exp((1-p)*l))/(p-1)
}

// amountSlope is dL/dl = e^((2-p)·l) - y·e^((1-p)·l).
func amountSlope(p, y, l float64) float64 {
	first := 1.0
	if p != 2 {
		first = kernel.Exp((2 - p) * l)
	}
	if y == 0 {
		return first
	}
	return first - float64(y*kernel.Exp((1-p)*l))
}

// amounts is sampleLoss for Tweedie and Gamma after exp and softplus, from l = log yhat:
//
//	exp:       l = z          dL/dz = dL/dl
//	softplus:  l = log yhat   dL/dz = dL/dl · sigmoid(z)/yhat
//
// For a very negative z, softplus(z) and sigmoid(z) are both e^z and may underflow. Then log
// yhat is z and sigmoid(z)/yhat is 1.
func amounts[T Float](p float64, out Activation, y, z, a, delta []T) float64 {
	loss := 0.0
	for j := range z {
		l, ratio := float64(z[j]), 1.0
		if out == Softplus && l > farBelow {
			l, ratio = kernel.Log(float64(a[j])), kernel.Sigmoid(l)/float64(a[j])
		}
		loss += amountLoss(p, float64(y[j]), l)
		if delta != nil {
			delta[j] = T(amountSlope(p, float64(y[j]), l) * ratio)
		}
	}
	return loss
}
