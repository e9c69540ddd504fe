package main

import (
	"fmt"
	"math"
	"strings"
)

// bar is a goal that gradus must reach.
type bar struct {
	what    string
	sign    string // ">=" or "<="
	limit   float64
	format  string
	measure func(b ledger) float64 // NaN: not measured
}

// ledger answers questions about the tables.
type ledger map[string]figures

// own returns gradus's line whose form has that prefix.
func (b ledger) own(table, form string) *line {
	for i, l := range b[table].Lines {
		if l.Name == "gradus" && l.Failed == "" && len(l.Ns) > 0 && strings.HasPrefix(l.Form, form) {
			return &b[table].Lines[i]
		}
	}
	return nil
}

// times returns the time of the fastest peer with one of these names and form prefixes, divided
// by gradus's time.
func (b ledger) times(table, form string, names ...string) float64 {
	own, best := b.own(table, ""), math.NaN()
	if own == nil {
		return best
	}
	for _, l := range b[table].Lines {
		for _, n := range names {
			if l.Name == n && l.Failed == "" && len(l.Ns) > 0 && strings.HasPrefix(l.Form, form) && !(median(l.Ns) > best) {
				best = median(l.Ns)
			}
		}
	}
	return best / median(own.Ns)
}

// share returns gradus's share of the peak in percent: the median of the rounds.
func (b ledger) share(table, form string) float64 {
	if own := b.own(table, form); own != nil {
		return 100 * median(own.Share)
	}
	return math.NaN()
}

var allBars = []bar{
	{"notebook: times as fast as numpy's loop, without np.isclose", ">=", 200, "%.0f", func(b ledger) float64 { return b.times("notebook", "the same without", "numpy") }},
	{"notebook: time through that of C -O3 -ffast-math", "<=", 1.1, "%.2f", func(b ledger) float64 { return 1 / b.times("notebook", "-O3 -march=native -ffast-math", "C") }},
	{"mnist, momentum: share of the peak, %", ">=", 85, "%.1f", func(b ledger) float64 { return b.share("mnist", "") }},
	{"mnist, plain sgd: share of the peak, %", ">=", 90, "%.1f", func(b ledger) float64 { return b.share("mnist-sgd", "") }},
	{"mnist, momentum: times as fast as C with OpenBLAS at its best", ">=", 1.1, "%.2f", func(b ledger) float64 { return b.times("mnist", "", "C + OpenBLAS") }},
	{"mnist, plain sgd: times as fast as C with OpenBLAS at its best", ">=", 1.1, "%.2f", func(b ledger) float64 { return b.times("mnist-sgd", "", "C + OpenBLAS") }},
	{"mnist, momentum: times as fast as PyTorch at its best", ">=", 1.5, "%.2f", func(b ledger) float64 { return b.times("mnist", "", "PyTorch") }},
	{"mnist, momentum, two threads: times as fast as PyTorch at its best", ">=", 1.5, "%.2f", func(b ledger) float64 { return b.times("mnist-2", "", "PyTorch") }},
	{"mnist, momentum: two threads, times as fast as one", ">=", 1.7, "%.2f", func(b ledger) float64 { return b.times("mnist-2", "one thread", "gradus") }},
	{"mnist, momentum, AVX2: share of AVX2's peak, %", ">=", 80, "%.1f", func(b ledger) float64 { return b.share("mnist-avx2", "AVX2") }},
	{"tabular: share of the peak, %", ">=", 37, "%.1f", func(b ledger) float64 { return b.share("tabular", "") }},
	{"tabular: times as fast as PyTorch eager", ">=", 15, "%.1f", func(b ledger) float64 { return b.times("tabular", "eager", "PyTorch") }},
	{"tabular: times as fast as the fastest Go peer", ">=", 20, "%.1f", func(b ledger) float64 { return b.times("tabular", "", "GoMLX", "Gorgonia", "spaGO") }},
	{"inference: ns a row", "<=", 300, "%.0f", func(b ledger) float64 {
		if own := b.own("inference", ""); own != nil {
			return median(own.Ns)
		}
		return math.NaN()
	}},
	{"inference: allocations a row", "<=", 0, "%.0f", func(b ledger) float64 {
		if own := b.own("inference", ""); own != nil {
			return own.Allocs
		}
		return math.NaN()
	}},
	{"adult, whole process: times as fast as scikit-learn", ">=", 15, "%.1f", func(b ledger) float64 { return b.times("adult", "", "scikit-learn") }},
	{"MNIST to 98 %, whole process: times as fast as PyTorch", ">=", 2, "%.2f", func(b ledger) float64 { return b.times("mnist98", "", "PyTorch") }},
}

// bars returns the table of goals and results.
func bars(book map[string]figures) string {
	var b strings.Builder
	b.WriteString("| what | bar | measured | |\n| --- | --- | --- | --- |\n")
	for _, x := range allBars {
		v := x.measure(book)
		shown, verdict := fmt.Sprintf(x.format, v), "not met"
		switch {
		case math.IsNaN(v):
			shown, verdict = "-", "not measured"
		case x.sign == ">=" && v >= x.limit || x.sign == "<=" && v <= x.limit:
			verdict = "met"
		}
		sign := map[string]string{">=": "≥", "<=": "≤"}[x.sign]
		fmt.Fprintf(&b, "| %s | %s %v | %s | %s |\n", x.what, sign, x.limit, shown, verdict)
	}
	return b.String()
}
