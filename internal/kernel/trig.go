package kernel

import "math"

// CosPi returns cos(πx). It is exact at multiples of one half.
func CosPi(x float64) float64 {
	x = math.Abs(x)
	x -= 2 * math.Floor(x/2)
	q := math.RoundToEven(2 * x)
	r := x - q/2 // in [-1/4, 1/4]
	switch int(q) & 3 {
	case 1:
		return -sinPi(r)
	case 2:
		return -cosPi(r)
	case 3:
		return sinPi(r)
	}
	return cosPi(r)
}

// SinPi returns sin(πx). It is exact at multiples of one half.
func SinPi(x float64) float64 {
	if x < 0 {
		return -SinPi(-x)
	}
	x -= 2 * math.Floor(x/2)
	q := math.RoundToEven(2 * x)
	r := x - q/2
	switch int(q) & 3 {
	case 1:
		return cosPi(r)
	case 2:
		return -sinPi(r)
	case 3:
		return -cosPi(r)
	}
	return sinPi(r)
}

// cosPi and sinPi are Taylor series in (πx)² for |x| <= 1/4.

func cosPi(x float64) float64 {
	t := math.Pi * x
	z := t * t
	s := 0.0
	for n := 18; n > 0; n -= 2 {
		s = math.FMA(-z/float64(n*(n-1)), s, -z/float64(n*(n-1)))
	}
	return 1 + s
}

func sinPi(x float64) float64 {
	t := math.Pi * x
	z := t * t
	s := 0.0
	for n := 19; n > 1; n -= 2 {
		s = math.FMA(-z/float64(n*(n-1)), s, -z/float64(n*(n-1)))
	}
	return math.FMA(t, s, t)
}
