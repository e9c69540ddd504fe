package tune

// Rung is a number of trials and the number of epochs of each.
type Rung struct{ Trials, Epochs int }

// Random gives every trial all epochs.
func Random(trials, epochs int) []Rung { return []Rung{{trials, epochs}} }

// Halving begins with few epochs. The best third of a rung's trials go on to the next rung, where they
// start over with three times the epochs. The last rung has all epochs. (Jamieson and Talwalkar
// 2016; their factor is 2, and that of Hyperband, Li et al. 2016, is 3.)
func Halving(trials, epochs int) []Rung {
	const factor = 3
	steps := 0 // the number of steps from one rung to the next
	for n := trials; n >= factor && epochs/pow(factor, steps+1) >= 1 && steps < 3; n /= factor {
		steps++
	}
	var rungs []Rung
	for i := range steps + 1 {
		rungs = append(rungs, Rung{max(1, trials/pow(factor, i)), max(1, epochs/pow(factor, steps-i))})
	}
	return rungs
}

func pow(x, n int) int {
	p := 1
	for range n {
		p *= x
	}
	return p
}
