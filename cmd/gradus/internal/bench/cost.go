package bench

import (
	"math"
	"math/bits"
)

// Link is the cost of a kind of exchange: a cost for each turn in which messages go around, and a cost for each
// byte that a rank gets from others.
type Link struct {
	Turn float64 `json:"turn_seconds"`
	Byte float64 `json:"byte_seconds"`
}

// ringBytes is the size in bytes from which on MPI libraries gather by passing the parts around a ring, in P - 1 turns. They
// gather smaller sizes by doubling, in log2 P turns.
const ringBytes = 80 << 10

// gatherTurns returns the number of turns that it takes to gather the given number of bytes.
func gatherTurns(ranks, bytes int) float64 {
	if bytes < ringBytes {
		return float64(bits.Len(uint(ranks - 1)))
	}
	return float64(ranks - 1)
}

// exchangeTurns returns the number of turns that it takes to exchange parts in pairs.
func exchangeTurns(ranks int) float64 { return float64(ranks - 1) }

func (l Link) seconds(turns float64, bytes int) float64 {
	return l.Turn*turns + l.Byte*float64(bytes)
}

// Work is the cost of a step's computations.
type Work struct {
	Step  float64 `json:"step_seconds"`  // for the update of the weights, independent of the number of rows
	Shard float64 `json:"shard_seconds"` // for each shard: its own gradient, and the sum with the others
	Row   float64 `json:"row_seconds"`   // for each row, forward and backward
	Byte  float64 `json:"byte_seconds"`  // for each byte of a vector that is copied or added because of the exchange
}

// Traffic is the communication of one rank with the others in a step.
type Traffic struct {
	Gather   int // bytes that it gets from others in the last exchange
	Exchange int // bytes that it gets from others in the exchange before that, if there is one
	Moved    int // bytes that it copies or adds
}

// Cost is the whole model: step(P) = step + shard * shards per rank + row * rows per rank + exchanges.
type Cost struct {
	Work     Work `json:"work"`
	Gather   Link `json:"gather"`
	Exchange Link `json:"exchange"`
}

// Point is a step on a number of ranks, as predicted by the model or as measured.
type Point struct {
	Ranks    int     `json:"ranks"`
	Batch    int     `json:"batch_size"`
	Shards   int     `json:"shards"`
	Seconds  float64 `json:"seconds"`
	Exchange float64 `json:"exchange_seconds"` // the part of Seconds spent in exchanges
	Bytes    int     `json:"bytes"`            // that a rank gets from others
	Rate     float64 `json:"samples_per_second"`
	SpeedUp  float64 `json:"speed_up"` // in samples per second, relative to one rank with a batch of 1,024
}

// step returns the model's prediction for a step of the rank with the most shards.
func (c Cost) step(ranks, batch, shards int, t Traffic) Point {
	own := (shards + ranks - 1) / ranks
	p := Point{Ranks: ranks, Batch: batch, Shards: shards, Bytes: t.Gather + t.Exchange}
	p.Seconds = c.Work.Step + c.Work.Shard*float64(own) + c.Work.Row*float64(own*batch)/float64(shards)
	if ranks > 1 {
		p.Exchange = c.Gather.seconds(gatherTurns(ranks, t.Gather), t.Gather)
		if t.Exchange > 0 {
			p.Exchange += c.Exchange.seconds(exchangeTurns(ranks), t.Exchange)
		}
		p.Seconds += p.Exchange + c.Work.Byte*float64(t.Moved)
	}
	p.Rate = float64(batch) / p.Seconds
	return p
}

// fit finds the cost of each unit of x, so that x·cost is nearest to y in relative terms. No cost is negative: a cost that
// would be is set to 0.
func fit(x [][]float64, y []float64) []float64 {
	cost := make([]float64, len(x[0]))
	var open []int // the costs that are not held at 0
	for j := range cost {
		open = append(open, j)
	}
	for len(open) > 0 {
		clear(cost)
		solved := solve(x, y, open)
		worst := -1
		for i, j := range open {
			cost[j] = solved[i]
			if solved[i] < 0 && (worst < 0 || solved[i]*scale(x, j) < solved[worst]*scale(x, open[worst])) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		cost[open[worst]] = 0
		open = append(open[:worst], open[worst+1:]...)
	}
	return cost
}

// scale returns the sum of a column. It makes costs of different units comparable.
func scale(x [][]float64, j int) (sum float64) {
	for _, row := range x {
		sum += row[j]
	}
	return sum
}

// solve solves the normal equations of the relative errors over the columns open, by elimination with pivoting.
func solve(x [][]float64, y []float64, open []int) []float64 {
	n := len(open)
	a := make([][]float64, n) // the equations, with the right side as the last column
	for i := range a {
		a[i] = make([]float64, n+1)
		for r, row := range x {
			w := row[open[i]] / (y[r] * y[r])
			for k := range n {
				a[i][k] += w * row[open[k]]
			}
			a[i][n] += w * y[r]
		}
	}
	for i := range n {
		p := i
		for k := i + 1; k < n; k++ {
			if math.Abs(a[k][i]) > math.Abs(a[p][i]) {
				p = k
			}
		}
		a[i], a[p] = a[p], a[i]
		if a[i][i] == 0 {
			continue
		}
		for k := range n {
			if k == i {
				continue
			}
			f := a[k][i] / a[i][i]
			for m := i; m <= n; m++ {
				a[k][m] -= f * a[i][m]
			}
		}
	}
	cost := make([]float64, n)
	for i := range n {
		if a[i][i] != 0 {
			cost[i] = a[i][n] / a[i][i]
		}
	}
	return cost
}
