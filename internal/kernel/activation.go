package kernel

import "math"

// An Activation is one of nn's built-in activation functions. Apply and TimesSlope work on
// whole slices of any length. F and D are their specification, one number at a time.
type Activation uint8

const (
	Identity     Activation = iota // z
	ReLU                           // max(z, 0)
	LeakyReLU                      // z for z > 0, else p·z
	ELU                            // z for z > 0, else p·(e^z - 1)
	SELU                           // λ·z for z > 0, else λα·(e^z - 1)
	LogisticUnit                   // Sigmoid(z)
	TanhUnit                       // Tanh(z)
	SoftplusUnit                   // Softplus(z)
	ExpUnit                        // Exp(z)
	GELU                           // z·Φ(z)
	SiLU                           // z·Sigmoid(z)
	Mish                           // z·tanh(Softplus(z))
)

const (
	seluAlpha  = 1.6732632423543772848170429916717
	seluLambda = 1.0507009873554804934193349852946
)

// F returns f(z); p is the parameter of LeakyReLU and ELU.
func F[T Float](f Activation, z, p T) T {
	switch f {
	case ReLU:
		return relu(z)
	case LeakyReLU:
		return leaky(z, p)
	case ELU:
		return elu(z, p, 1)
	case SELU:
		return elu(z, seluLambda*seluAlpha, seluLambda)
	case LogisticUnit:
		return Sigmoid(z)
	case TanhUnit:
		return Tanh(z)
	case SoftplusUnit:
		return Softplus(z)
	case ExpUnit:
		return Exp(z)
	case GELU:
		return z * normalCDF(z)
	case SiLU:
		return z * Sigmoid(z)
	case Mish:
		return mish(z)
	}
	return z
}

// D returns f'(z), where a is f(z).
func D[T Float](f Activation, z, a, p T) T {
	switch f {
	case ReLU:
		if z > 0 {
			return 1
		}
		return 0
	case LeakyReLU:
		if z > 0 {
			return 1
		}
		return p
	case ELU:
		return eluSlope(z, a, p, 1)
	case SELU:
		return eluSlope(z, a, seluLambda*seluAlpha, seluLambda)
	case LogisticUnit:
		return a * (1 - a)
	case TanhUnit:
		return (1 - a) * (1 + a)
	case SoftplusUnit:
		return Sigmoid(z)
	case ExpUnit:
		return a
	case GELU:
		return geluSlope(z)
	case SiLU:
		return siluSlope(z, a)
	case Mish:
		return mishSlope(z)
	}
	return 1
}

// relu returns NaN for NaN, and never -0.
func relu[T Float](z T) T {
	if z <= 0 {
		return 0
	}
	return z
}

func leaky[T Float](z, p T) T {
	if z > 0 {
		return z
	}
	return p * z
}

// elu is s·z for z > 0, else p·(e^z - 1).
func elu[T Float](z, p, s T) T {
	if z > 0 {
		return s * z
	}
	return p * Expm1(z)
}

func eluSlope[T Float](z, a, p, s T) T {
	if z > 0 {
		return s
	}
	return a + p
}

func siluSlope[T Float](z, a T) T {
	s := Sigmoid(z)
	return FMA(a, 1-s, s)
}

// normalCDF is Φ, the normal distribution function.
func normalCDF[T Float](z T) T { return Erfc(-z/math.Sqrt2) / 2 }

// geluSlope is Φ(z) + z·φ(z), with φ the normal density.
func geluSlope[T Float](z T) T {
	const density0 = 0.39894228040143267794 // 1/√(2π)
	return FMA(z*density0, Exp(-(z*z)/2), normalCDF(z))
}

// mishParts returns e = e^z, n = e·(e + 2) and m = n + 2. Then tanh(softplus(z)) is n/m,
// without a logarithm. Above z = 20 it is 1; a larger z could overflow.
func mishParts[T Float](z T) (e, n, m T) {
	e = Exp(z)
	n = T(e * (e + 2))
	return e, n, n + 2
}

// mish is z·n/m.
func mish[T Float](z T) T {
	_, n, m := mishParts(min(z, 20))
	return z * (n / m)
}

// mishSlope is n/m + z·4e·(1 + e)/m².
func mishSlope[T Float](z T) T {
	z = max(-746, min(z, 20)) // e^-746 is 0
	e, n, m := mishParts(z)
	i := 1 / m
	return FMA(T(z*T(2*i*e)), T(2*i*(e+1)), T(n*i))
}

// chunk is the most elements that one call of a vector kernel gets. slowChunk is the same for
// kernels that compute an exp or more per element. A call is less than 20 µs of work, during
// which assembly cannot be preempted.
const chunk, slowChunk = callElements, callElements / 2

// few is the length up to which the cheapest kernels are faster in Go than as a call of assembly.
const few = 4

// Apply sets dst[i] = F(f, src[i], p). dst may be src. It is as long as src.
func Apply[T Float](f Activation, dst, src []T, p T) {
	dst = dst[:len(src)]
	if f == Identity {
		copy(dst, src)
		return
	}
	if !vectors() || len(src) <= few && f == ReLU {
		applyGo(f, dst, src, p)
		return
	}
	for len(src) > 0 {
		n := min(len(src), slowChunk)
		d, s := &dst[0], &src[0]
		switch f {
		case ReLU:
			reluVector(d, s, n)
		case LeakyReLU:
			leakyVector(d, s, n, p)
		case ELU:
			eluVector(d, s, n, p, 1)
		case SELU:
			eluVector(d, s, n, seluLambda*seluAlpha, seluLambda)
		case LogisticUnit:
			sigmoidVector(d, s, n)
		case TanhUnit:
			tanhVector(d, s, n)
		case SoftplusUnit:
			softplusVector(d, s, n)
		case ExpUnit:
			expVector(d, s, n)
		case GELU:
			geluVector(d, s, n)
		case SiLU:
			siluVector(d, s, n)
		case Mish:
			mishVector(d, s, n)
		default: // no assembly for this one
			applyGo(f, dst[:n], src[:n], p)
		}
		dst, src = dst[n:], src[n:]
	}
}

func applyGo[T Float](f Activation, dst, src []T, p T) {
	switch f {
	case ReLU:
		for i, z := range src {
			dst[i] = relu(z)
		}
	case LogisticUnit:
		for i, z := range src {
			dst[i] = Sigmoid(z)
		}
	case TanhUnit:
		for i, z := range src {
			dst[i] = Tanh(z)
		}
	default:
		for i, z := range src {
			dst[i] = F(f, z, p)
		}
	}
}

// TimesSlope turns g = dL/da into dL/dz: g[i] *= D(f, z[i], a[i], p), where a[i] = f(z[i]). It
// does not multiply by a slope of 0 or 1: ReLU sets g[i] = 0 where z[i] is not above 0. All
// three slices are as long as g. None may partly overlap another.
func TimesSlope[T Float](f Activation, g, z, a []T, p T) {
	z, a = z[:len(g)], a[:len(g)]
	if f == Identity {
		return
	}
	if !vectors() || len(g) <= few && (f == ReLU || f == LogisticUnit || f == TanhUnit) {
		timesSlopeGo(f, g, z, a, p)
		return
	}
	for len(g) > 0 {
		n := min(len(g), slowChunk)
		g0, z0, a0 := &g[0], &z[0], &a[0]
		switch f {
		case ReLU:
			reluBackVector(g0, z0, a0, n)
		case LeakyReLU:
			leakyBackVector(g0, z0, a0, n, p)
		case ELU:
			eluBackVector(g0, z0, a0, n, p, 1)
		case SELU:
			eluBackVector(g0, z0, a0, n, seluLambda*seluAlpha, seluLambda)
		case LogisticUnit:
			sigmoidBackVector(g0, z0, a0, n)
		case TanhUnit:
			tanhBackVector(g0, z0, a0, n)
		case SoftplusUnit:
			softplusBackVector(g0, z0, a0, n)
		case ExpUnit:
			expBackVector(g0, z0, a0, n)
		case GELU:
			geluBackVector(g0, z0, a0, n)
		case SiLU:
			siluBackVector(g0, z0, a0, n)
		case Mish:
			mishBackVector(g0, z0, a0, n)
		default:
			timesSlopeGo(f, g[:n], z[:n], a[:n], p)
		}
		g, z, a = g[n:], z[n:], a[n:]
	}
}

func timesSlopeGo[T Float](f Activation, g, z, a []T, p T) {
	switch f {
	case ReLU:
		for i, z := range z {
			if !(z > 0) {
				g[i] = 0
			}
		}
	case LogisticUnit:
		for i, a := range a {
			g[i] *= a * (1 - a)
		}
	case TanhUnit:
		for i, a := range a {
			g[i] *= (1 - a) * (1 + a)
		}
	default:
		for i := range g {
			g[i] *= D(f, z[i], a[i], p)
		}
	}
}
