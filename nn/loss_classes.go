package nn

import (
	"errors"
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// BinaryCrossEntropy is L = -(y·log yhat + (1-y)·log(1-yhat)) for a sigmoid output and a
// target in [0, 1]. It also serves several labels at once, one output each.
var BinaryCrossEntropy Loss = binaryCrossEntropy{}

type binaryCrossEntropy struct{}

func (binaryCrossEntropy) String() string { return "binary-cross-entropy" }
func (binaryCrossEntropy) L(y, yhat float64) float64 {
	return -(xlogy(y, yhat) + xlogy(1-y, 1-yhat))
}
func (binaryCrossEntropy) D(y, yhat float64) float64     { return (yhat - y) / (yhat * (1 - yhat)) }
func (binaryCrossEntropy) Piece(_, _ float64) int        { return 0 }
func (b binaryCrossEntropy) CheckTarget(y float64) error { return checkShare(b, y) }
func (binaryCrossEntropy) Facts() LossFacts {
	f := sigmoidFacts
	f.Shares = true
	return f
}

// CrossEntropy is L = -y·log yhat summed over the classes, for a softmax output and
// targets that sum to 1.
var CrossEntropy Loss = crossEntropy{}

type crossEntropy struct{}

func (crossEntropy) String() string                { return "cross-entropy" }
func (crossEntropy) L(y, yhat float64) float64     { return 0 - xlogy(y, yhat) } // 0, not -0
func (crossEntropy) D(y, yhat float64) float64     { return 0 - y/yhat }
func (crossEntropy) Piece(_, _ float64) int        { return 0 }
func (c crossEntropy) CheckTarget(y float64) error { return checkShare(c, y) }
func (crossEntropy) Facts() LossFacts {
	f := softmaxFacts
	f.Shares = true
	return f
}

// checkShare reports a target that is not a probability.
func checkShare(loss Loss, y float64) error {
	if y < 0 || y > 1 {
		return fmt.Errorf("the targets of %s are probabilities in [0, 1]; the target is %v", loss, y)
	}
	return nil
}

// Focal is L = -y·(1-yhat)^gamma·log yhat summed over the classes, for a softmax output:
// cross-entropy that pays less attention to rows it gets right (Lin et al. 2017). gamma = 0
// is CrossEntropy. The paper's alpha is a class weight. It is not part of the loss.
func Focal(gamma float64) Loss { return focal{gamma} }

type focal struct{ gamma float64 }

func (f focal) String() string { return "focal:" + number(f.gamma) }
func (f focal) Validate() error {
	switch {
	case math.IsNaN(f.gamma) || math.IsInf(f.gamma, 0):
		return fmt.Errorf("gamma is %v; give a finite number >= 0", f.gamma)
	case f.gamma < 0:
		return errors.New("gamma is negative; give a number >= 0")
	}
	return nil
}
func (f focal) L(y, yhat float64) float64 {
	if y == 0 {
		return 0
	}
	return 0 - float64(float64(y*pow(1-yhat, f.gamma))*kernel.Log(yhat))
}
func (f focal) D(y, yhat float64) float64 {
	if y == 0 {
		return 0
	}
	return y * focalSlope(f.gamma, yhat, 1-yhat, -kernel.Log(yhat)) / yhat
}
func (f focal) Piece(_, _ float64) int      { return 0 }
func (f focal) CheckTarget(y float64) error { return checkShare(f, y) }
func (focal) Facts() LossFacts              { return softmaxFacts }

// BinaryFocal is L = -y·(1-yhat)^gamma·log yhat - (1-y)·yhat^gamma·log(1-yhat) for a sigmoid
// output: the sum of Focal for both classes. With gamma = 0 it is BinaryCrossEntropy. For
// targets between 0 and 1 this is the weighted mean of the two classes' losses, as in Keras.
// torchvision instead computes the factor from the mean.
func BinaryFocal(gamma float64) Loss { return binaryFocal{gamma} }

type binaryFocal struct{ gamma float64 }

func (f binaryFocal) String() string  { return "binary-focal:" + number(f.gamma) }
func (f binaryFocal) Validate() error { return focal(f).Validate() }
func (f binaryFocal) L(y, yhat float64) float64 {
	side := focal(f)
	return side.L(y, yhat) + side.L(1-y, 1-yhat)
}
func (f binaryFocal) D(y, yhat float64) float64 {
	side := focal(f)
	return side.D(y, yhat) - side.D(1-y, 1-yhat)
}
func (f binaryFocal) Piece(_, _ float64) int      { return 0 }
func (f binaryFocal) CheckTarget(y float64) error { return checkShare(f, y) }
func (binaryFocal) Facts() LossFacts              { return sigmoidFacts }

// focalSlope is p·d/dp(-q^gamma·log p) with q = 1-p and s = -log p:
//
//	-q^gamma·(1 + gamma·p·s/q)    where s/q is 1 for q = 0
func focalSlope(gamma, p, q, s float64) float64 {
	ratio := 1.0
	if q > 0 {
		ratio = s / q
	}
	return -pow(q, gamma) * (1 + float64(float64(gamma*p)*ratio))
}

// sigmoidFocal is sampleLoss for BinaryFocal after sigmoid. With p = sigmoid(z),
// q = sigmoid(-z), -log p = softplus(-z) and -log q = softplus(z), nothing is subtracted from 1:
//
//	L = y·q^gamma·softplus(-z) + (1-y)·p^gamma·softplus(z)
//	dL/dz = y·q·slope(p, q) - (1-y)·p·slope(q, p)
func sigmoidFocal[T Float](gamma float64, y, z, delta []T) float64 {
	loss := 0.0
	for j := range z {
		yj, zj := float64(y[j]), float64(z[j])
		p, q := kernel.Sigmoid(zj), kernel.Sigmoid(-zj)
		lossUp, lossDown := kernel.Softplus(-zj), kernel.Softplus(zj)
		var d float64
		if yj != 0 {
			loss += float64(float64(yj*pow(q, gamma)) * lossUp)
			d += float64(float64(yj*q) * focalSlope(gamma, p, q, lossUp))
		}
		if yj != 1 {
			loss += float64(float64((1-yj)*pow(p, gamma)) * lossDown)
			d -= float64(float64((1-yj)*p) * focalSlope(gamma, q, p, lossDown))
		}
		if delta != nil {
			delta[j] = T(d)
		}
	}
	return loss
}

// softmaxFocal is sampleLoss for Focal after softmax. For each class j with y_j ≠ 0, with
// p = a_j, q = Σ_{k≠j} a_k and h = y_j·slope(p, q):
//
//	L += y_j·q^gamma·(-log p)    dL/dz_j += h·q    dL/dz_k -= h·a_k for k ≠ j
//
// -log p is -log(1-q) where p is above 0.5. Otherwise it comes from z, as in CrossEntropy.
func softmaxFocal[T Float](gamma float64, y, z, a, delta []T) float64 {
	top, most := float64(z[0]), float64(a[0])
	for j := range z {
		top, most = max(top, float64(z[j])), max(most, float64(a[j]))
	}
	lse := -kernel.Log(most) // log Σ e^(z - top)
	clear(delta)
	loss := 0.0
	for j := range y {
		yj := float64(y[j])
		if yj == 0 {
			continue
		}
		q := 0.0
		for k := range a {
			if k != j {
				q += float64(a[k])
			}
		}
		q = min(q, 1)
		p, s := float64(a[j]), lse-(float64(z[j])-top)
		if p > 0.5 {
			s = -kernel.Log1p(-q)
		}
		loss += float64(float64(yj*pow(q, gamma)) * s)
		if delta == nil {
			continue
		}
		h := yj * focalSlope(gamma, p, q, s)
		for k := range a {
			if k == j {
				delta[k] += T(h * q)
			} else {
				delta[k] -= T(h * float64(a[k]))
			}
		}
	}
	return loss
}

// pow is x^e for x >= 0 and e >= 0; 0^0 is 1.
func pow(x, e float64) float64 {
	if e == 0 {
		return 1
	}
	return kernel.Exp(e * kernel.Log(x))
}

// Hinge is L = max(0, 1 - t·yhat) with t = 2y - 1, for two classes with targets 0 and 1 and an
// identity output. The output is a decision value, not a probability: its sign is the class. At
// the corner dL/dyhat is 0. scikit-learn and Keras code the classes as -1 and 1. The value is
// the same.
var Hinge Loss = hinge{}

type hinge struct{}

func (hinge) String() string { return "hinge" }
func (hinge) L(y, yhat float64) float64 {
	return max(0, 1-float64((2*y-1)*yhat))
}
func (hinge) D(y, yhat float64) float64 {
	t := 2*y - 1
	switch m := t * yhat; {
	case m < 1:
		return -t
	case m >= 1:
		return 0
	default:
		return m // NaN
	}
}
func (hinge) Piece(y, yhat float64) int { return step((2*y-1)*yhat >= 1) }
func (hinge) CheckTarget(y float64) error {
	if y < 0 || y > 1 {
		return fmt.Errorf("the targets of hinge are 0 for the one class and 1 for the other; the target is %v", y)
	}
	return nil
}
func (hinge) Facts() LossFacts {
	return LossFacts{Outputs: []Activation{Identity}, Needs: "an identity output, a decision value of either sign"}
}
