package data

// Waves are cos and sin of a number's rank at several frequencies. From them a network learns what changes quickly along
// a column, such as the distance to the nearest of many places. It learns this only slowly from the rank alone (Rahaman and
// others, "On the Spectral Bias of Neural Networks", arXiv 1806.08734; Gorishniy, Rubachev, Babenko, "On Embeddings
// for Numerical Features", arXiv 2203.05556, periodic embeddings). The frequencies are fixed. The first wave makes half a
// turn while the rank grows by 1, which is 1.7 turns over the training rows, and the second makes twice as many.
//
// Waves stay constant beyond the range of the training rows. A column gets none if a straight line in it explains most of
// the targets, because a network that learned a trend from waves would not continue it.

const (
	someWaves = 2   // waves of a column
	mostLine  = 0.9 // largest share of the sum of squares around the mean that a line explains in a column with waves
)

// FirstWave is the number of turns that the first wave makes while the rank grows by 1.
const FirstWave = 0.5

// fitWaves gives a number its waves. y has the targets of the rows.
func (in *Input) fitWaves(c *column, rows []int, y targetMatrix) {
	if in.RankAt == nil {
		return
	}
	total := 0.0
	for j := range y.width {
		sum, square := 0.0, 0.0
		for i := range rows {
			v := y.y[i*y.width+j]
			sum += v
			square += float64(v * v)
		}
		total += square - float64(sum*sum)/float64(len(rows))
	}
	if in.lines(c, rows, y) <= float64(mostLine*total) {
		in.Waves = someWaves
	}
}

// writeWaves writes cos and sin of each wave of a number. Beyond the range of the training rows they stay constant.
func writeWaves[T Float](in *Input, x float64, dst []T) {
	turn := FirstWave * in.rank(min(max(x, in.Low), in.High))
	for k := range in.Waves {
		encodeCycle(dst[2*k:], turn)
		turn *= 2
	}
}

// wavesProblem returns what is wrong with the waves, or "".
func (in *Input) wavesProblem() string {
	switch {
	case in.Waves < 0 || in.Waves > 64:
		return "has a number of waves that is not from 0 to 64"
	case in.Waves > 0 && (in.RankAt == nil || !(in.Low < in.High)):
		return "has waves, but no ranks or no range"
	}
	return ""
}
