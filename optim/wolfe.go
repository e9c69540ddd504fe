package optim

import (
	"math"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// line searches for a point w = x + a·d that meets the strong Wolfe conditions
//
//	f(a) <= f(0) + low·a·f'(0)     and     |f'(a)| <= flatter·|f'(0)|
//
// by the method of Nocedal and Wright (Numerical Optimization, 2006, algorithms 3.5 and 3.6):
// steps that grow until they enclose such a point, then cubic interpolation within.
type line[T Float] struct {
	f           func(g []T) float64
	w, x, d, g  []T // the parameters, their start, the direction, the gradient at w
	start       point
	flatter     float64
	evaluations int
}

// point is a point on the line. slope is f', the slope along d.
type point struct{ a, f, slope float64 }

const (
	low             = 1e-4 // share of the slope at the start by which f must fall
	mostEvaluations = 30   // in one search
)

// at moves the parameters to a point on the line.
func (l *line[T]) at(a float64) point {
	copy(l.w, l.x)
	kernel.AddScaled(l.w, l.d, T(a))
	l.evaluations++
	f := l.f(l.g)
	return point{a, f, kernel.Dot(l.g, l.d)}
}

// lowEnough is the first condition. NaN does not meet it.
func (l *line[T]) lowEnough(p point) bool {
	return p.f <= l.start.f+float64(float64(low*p.a)*l.start.slope)
}

func (l *line[T]) flatEnough(p point) bool { return math.Abs(p.slope) <= -l.flatter*l.start.slope }

// search tries the step a first. It leaves the parameters at the point it returns, or at the
// start if it finds no lower one. The direction must go down.
func (l *line[T]) search(a float64) (p point, ok bool) {
	end := l.evaluations + mostEvaluations
	before := l.start
	for first := true; l.evaluations < end; first = false {
		p = l.at(a)
		switch {
		case !l.lowEnough(p) || !first && p.f >= before.f:
			return l.within(before, p, end)
		case l.flatEnough(p):
			return p, true
		case p.slope >= 0:
			return l.within(p, before, end)
		}
		next := cubic(before, p)
		if !(next > p.a+float64(0.01*(p.a-before.a))) || next > 10*p.a {
			next = 10 * p.a
		}
		before, a = p, next
	}
	return p, true // lower, and still going down
}

// within narrows an interval that holds such a point. lo is the end with the lower f, hi the other.
func (l *line[T]) within(lo, hi point, end int) (point, bool) {
	last := hi
	for l.evaluations < end && float64(math.Abs(hi.a-lo.a)*largest(l.d)) > 0 {
		from, to := min(lo.a, hi.a), max(lo.a, hi.a)
		margin := float64(0.1 * (to - from))
		a := cubic(lo, hi)
		if !(a >= from+margin && a <= to-margin) {
			a = float64(0.5 * (from + to))
		}
		if a == from || a == to {
			break
		}
		p := l.at(a)
		last = p
		if !l.lowEnough(p) || p.f >= lo.f {
			hi = p
			continue
		}
		if l.flatEnough(p) {
			return p, true
		}
		if float64(p.slope*(hi.a-lo.a)) >= 0 {
			hi = lo
		}
		lo = p
	}
	if lo.a == 0 { // nothing lower was found
		copy(l.w, l.x)
		return lo, false
	}
	if last.a != lo.a {
		lo = l.at(lo.a)
	}
	return lo, true
}

// cubic returns the minimum of the cubic through two points with their slopes, or NaN if it has none.
func cubic(p, q point) float64 {
	d1 := p.slope + q.slope - float64(3*(p.f-q.f))/(p.a-q.a)
	d2 := math.Sqrt(float64(d1*d1) - float64(p.slope*q.slope))
	if q.a < p.a {
		d2 = -d2
	}
	return q.a - float64((q.a-p.a)*((q.slope+d2-d1)/(q.slope-p.slope+float64(2*d2))))
}
