package kernel

import "math"

// Tiny is gradient descent on a network with one hidden layer. The network is so small that a whole
// epoch is one piece of code. The epoch uses all rows at once and ends with
// w = FMA(Rate, g, w). It has the same bits as Gemm, Apply, Squares, TimesSlope, ColumnSums and SGD called one
// after the other.
//
// Vectors have four lanes. Most hold the hidden units. The output of all rows is one vector.
// The lanes beyond the network's sizes never mix with those within.
type Tiny[T Float] struct {
	TinyShape
	Rate   T       // negative
	Factor T       // of dL/dz: see Squares
	Half   float64 // the loss is Half·Σd²·Scale
	Scale  float64

	// Run stops before an epoch if its loss is at most Target, or if every output is within
	// 1e-8 + Tolerance·|output| of its target. It always runs the first epoch. A Target of -Inf and
	// a negative Tolerance stop nothing.
	Target, Tolerance float64

	mem []T
}

// TinyShape is the shape of a Tiny. Each size is at least 1. Inputs is at most 8, the others at
// most 4. The activations are Identity, ReLU, LogisticUnit or TanhUnit.
type TinyShape struct {
	Inputs, Hidden, Outputs, Rows int
	HiddenF, OutputF              Activation
	HiddenBias, OutputBias        bool
}

// The layout of Tiny.mem. gen/vector/tiny.go and tiny_neon_arm64.s have the same list.
const (
	tinyX      = 0   // [4 rows][8]
	tinyY      = 32  // [4 outputs][4 rows]
	tinyW1     = 48  // [8 inputs][4 units]
	tinyB1     = 80  // [4 units]
	tinyW2     = 84  // [4 outputs][4 units]
	tinyB2     = 100 // [4 outputs][4 times the same]
	tinyMask   = 116 // [4 rows], all ones for a row that exists
	tinyRate   = 120 // [4 times the same]
	tinyFactor = 124 // [4 times the same]
	// from 128 on: working memory of the assembly, initially zeros
	tinySize = 208
)

// tinyKind returns the number of an activation in the kernels.
func tinyKind(f Activation) int {
	switch f {
	case LogisticUnit:
		return 0
	case TanhUnit:
		return 1
	case ReLU:
		return 2
	case Identity:
		return 3
	}
	return -1
}

// Fits reports whether a Tiny can have this shape.
func (s TinyShape) Fits() bool {
	in := func(n, most int) bool { return n >= 1 && n <= most }
	return in(s.Inputs, 8) && in(s.Hidden, 4) && in(s.Outputs, 4) && in(s.Rows, 4) &&
		tinyKind(s.HiddenF) >= 0 && tinyKind(s.OutputF) >= 0
}

// NewTiny prepares a network of that shape. The rows of x and y follow each other.
func NewTiny[T Float](s TinyShape, x, y []T) *Tiny[T] {
	if !s.Fits() {
		panic("kernel: NewTiny: the net is too large")
	}
	t := &Tiny[T]{TinyShape: s, Half: 1, Scale: 1, Target: math.Inf(-1), Tolerance: -1, mem: make([]T, tinySize)}
	for r := range s.Rows {
		copy(t.mem[tinyX+8*r:], x[r*s.Inputs:][:s.Inputs])
		for o := range s.Outputs {
			t.mem[tinyY+4*o+r] = y[r*s.Outputs+o]
		}
		t.mem[tinyMask+r] = allOnes[T]()
	}
	for i := s.Rows * 8; i < 4*8; i++ {
		t.mem[tinyX+i] = T(math.Copysign(0, -1)) // adds nothing to a gradient, not even a sign
	}
	return t
}

func allOnes[T Float]() T {
	switch x := any(new(T)).(type) {
	case *float64:
		*x = math.Float64frombits(^uint64(0))
		return T(*x)
	case *float32:
		*x = math.Float32frombits(^uint32(0))
		return T(*x)
	}
	panic("unreachable")
}

// SetParams sets the parameters, laid out as in nn: W1 row by row, its bias, W2, its bias.
func (t *Tiny[T]) SetParams(p []T) {
	m := (*[tinySize]T)(t.mem)
	for i := range t.Inputs {
		copy(m[tinyW1+4*i:][:4], p[:t.Hidden])
		p = p[t.Hidden:]
	}
	if t.HiddenBias {
		copy(m[tinyB1:][:4], p[:t.Hidden])
		p = p[t.Hidden:]
	}
	for u := range t.Hidden {
		for o := range t.Outputs {
			m[tinyW2+4*o+u] = p[o]
		}
		p = p[t.Outputs:]
	}
	if t.OutputBias {
		for o := range t.Outputs {
			for i := range 4 {
				m[tinyB2+4*o+i] = p[o]
			}
		}
	}
}

// Params sets p to the parameters.
func (t *Tiny[T]) Params(p []T) {
	m := (*[tinySize]T)(t.mem)
	for i := range t.Inputs {
		copy(p[:t.Hidden], m[tinyW1+4*i:][:4])
		p = p[t.Hidden:]
	}
	if t.HiddenBias {
		copy(p[:t.Hidden], m[tinyB1:][:4])
		p = p[t.Hidden:]
	}
	for u := range t.Hidden {
		for o := range t.Outputs {
			p[o] = m[tinyW2+4*o+u]
		}
		p = p[t.Outputs:]
	}
	if t.OutputBias {
		for o := range t.Outputs {
			p[o] = m[tinyB2+4*o]
		}
	}
}

// Run trains for len(losses) epochs, or fewer if it stops, and returns their number. It sets losses to
// the loss of each, before its update. The parameters must be finite. If a loss or a parameter stops
// being finite, the results mean nothing.
func (t *Tiny[T]) Run(losses []float64) int {
	for i := range 4 {
		t.mem[tinyRate+i], t.mem[tinyFactor+i] = t.Rate, t.Factor
	}
	if len(losses) == 0 {
		return 0
	}
	if vectors() {
		flags := 0
		for i, set := range []bool{t.HiddenBias, t.OutputBias, !math.IsInf(t.Target, -1), t.Tolerance >= 0, t.Factor == 1} {
			if set {
				flags |= 1 << i
			}
		}
		return tinyVector(&t.mem[0], t.Inputs, t.Hidden, t.Outputs, t.Rows, tinyKind(t.HiddenF), tinyKind(t.OutputF), flags, 1<<t.Rows-1,
			&losses[0], len(losses), t.Half, t.Scale, t.Target, t.Tolerance)
	}
	return t.runGo(losses)
}

// runGo is Run in Go, the specification of the assembly.
func (t *Tiny[T]) runGo(losses []float64) int {
	m := (*[tinySize]T)(t.mem)

	var a1, d1, a2, d2 [4][4]T
	for e := range losses {
		var sum LossSum
		within := true
		for r := range t.Rows {
			for u := range t.Hidden {
				z := m[tinyB1+u]
				for i := range t.Inputs {
					z = FMA(m[tinyX+8*r+i], m[tinyW1+4*i+u], z)
				}
				a1[r][u] = F(t.HiddenF, z, 0)
			}
			for o := range t.Outputs {
				z := m[tinyB2+4*o]
				for u := range t.Hidden {
					z = FMA(a1[r][u], m[tinyW2+4*o+u], z)
				}
				a, y := F(t.OutputF, z, 0), m[tinyY+4*o+r]
				d := a - y
				a2[r][o] = a
				lane := &sum[(r*t.Outputs+o)%sumLanes]
				*lane = FMA(float64(d), float64(d), *lane)
				d2[r][o] = tinySlope(t.OutputF, d*t.Factor, a)
				within = within && Abs(float64(y)-float64(a)) <= 1e-8+float64(t.Tolerance*Abs(float64(a)))
			}
			for u := range t.Hidden {
				var d T
				for o := range t.Outputs {
					d = FMA(d2[r][o], m[tinyW2+4*o+u], d)
				}
				d1[r][u] = tinySlope(t.HiddenF, d, a1[r][u])
			}
		}
		loss := float64(sum.Total()*t.Half) * t.Scale
		if e > 0 && (loss <= t.Target || within && t.Tolerance >= 0) {
			return e
		}
		losses[e] = loss
		for o := range t.Outputs {
			for u := range t.Hidden {
				var g T
				for r := range t.Rows {
					g = FMA(a1[r][u], d2[r][o], g)
				}
				m[tinyW2+4*o+u] = FMA(t.Rate, g, m[tinyW2+4*o+u])
			}
			if t.OutputBias {
				var g T
				for r := range t.Rows {
					g += d2[r][o]
				}
				b := FMA(t.Rate, g, m[tinyB2+4*o])
				for i := range 4 {
					m[tinyB2+4*o+i] = b
				}
			}
		}
		for u := range t.Hidden {
			for i := range t.Inputs {
				var g T
				for r := range t.Rows {
					g = FMA(m[tinyX+8*r+i], d1[r][u], g)
				}
				m[tinyW1+4*i+u] = FMA(t.Rate, g, m[tinyW1+4*i+u])
			}
			if t.HiddenBias {
				var g T
				for r := range t.Rows {
					g += d1[r][u]
				}
				m[tinyB1+u] = FMA(t.Rate, g, m[tinyB1+u])
			}
		}
	}
	return len(losses)
}

// tinySlope is TimesSlope for one number.
func tinySlope[T Float](f Activation, g, a T) T {
	switch f {
	case LogisticUnit:
		return g * (a * (1 - a))
	case TanhUnit:
		return g * ((1 - a) * (1 + a))
	case ReLU:
		if !(a > 0) { // like z
			return 0
		}
	}
	return g
}
