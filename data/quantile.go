package data

// quantile interpolates linearly between the values in their order, as numpy does. It moves the
// values about.
func quantile(values []float64, q float64) float64 {
	at := float64(q * float64(len(values)-1)) // rounded, lest it be fused with what follows
	i := int(at)
	a := nth(values, i)
	if i+1 >= len(values) {
		return a
	}
	b := values[i+1]
	for _, v := range values[i+2:] {
		b = min(b, v)
	}
	return a + float64((b-a)*(at-float64(i)))
}

// nth puts the values in front of place n that are not above the one that belongs there, and
// behind it those that are not below, and returns it (Hoare's quickselect, in three parts, since
// many values are often alike). None may be NaN.
func nth(values []float64, n int) float64 {
	low, high := 0, len(values) // the part that place n lies in
	for high-low > 1 {
		pivot := median3(values[low], values[low+(high-low)/2], values[high-1])
		less, more := low, high // values[low:less] < pivot, values[less:i] == pivot, values[more:high] > pivot
		for i := low; i < more; {
			switch v := values[i]; {
			case v < pivot:
				values[i], values[less] = values[less], v
				less++
				i++
			case v > pivot:
				more--
				values[i], values[more] = values[more], v
			default:
				i++
			}
		}
		switch {
		case n < less:
			high = less
		case n >= more:
			low = more
		default:
			return pivot
		}
	}
	return values[n]
}

func median3(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }
