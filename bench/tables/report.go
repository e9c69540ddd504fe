package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// mean is the outcome of a program on a table, as the mean over its seeds.
type mean struct {
	result
	n int
}

// mean returns false if the program has no result for the table, or a failed one.
func (s *suite) mean(program string, t table) (m mean, ok bool) {
	add := func(to **float64, v *float64) {
		if v == nil {
			return
		}
		if *to == nil {
			*to = new(float64)
		}
		**to += *v
	}
	untimed := false
	for seed := 1; ; seed++ {
		r, have := s.results[key(program, t, seed, 0)]
		if !have {
			break
		}
		if r.Failed != "" {
			return m, false
		}
		add(&m.RMSE, r.RMSE)
		add(&m.LogLoss, r.LogLoss)
		add(&m.AUC, r.AUC)
		add(&m.Accuracy, r.Accuracy)
		untimed = untimed || r.Seconds == 0
		m.Seconds += r.Seconds
		m.RowUS += r.RowUS
		m.Bytes += r.Bytes
		m.n++
	}
	for _, v := range []*float64{m.RMSE, m.LogLoss, m.AUC, m.Accuracy, &m.Seconds, &m.RowUS} {
		if v != nil {
			*v /= float64(m.n)
		}
	}
	m.Bytes /= max(1, m.n)
	if untimed {
		m.Seconds, m.RowUS = 0, 0
	}
	return m, m.n > 0
}

// programs returns the programs with a result, gradus's first.
func (s *suite) programs() []string {
	var own, others []string
	for k := range s.results {
		name, _, _ := strings.Cut(k, "/")
		list := &own
		for _, p := range peers {
			if p.name == name {
				list = &others
			}
		}
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	slices.Sort(own)
	slices.SortFunc(others, func(a, b string) int { return order(a) - order(b) })
	return append(own, others...)
}

func order(peer string) int {
	for i, p := range peers {
		if p.name == peer {
			return i
		}
	}
	return len(peers)
}

// report returns the results as Markdown.
func (s *suite) report() []byte {
	var b bytes.Buffer
	programs := s.programs()
	b.WriteString(`# gradus beside other programs on tables

Each program with its defaults, on the same rows: a fifth of a table, chosen by a hash of the row's number, is
held out and scored (adult: its own test file). Means over up to three seeds; a program that draws nothing has
one. The recipe of gradus was chosen on the development tables; the other half was looked at after that.
A dash: not measured, or it failed. Seconds depend on what else the machine does: only those of one calm run
compare. bench/tables makes this file.

`)
	if s.note != "" {
		fmt.Fprintf(&b, "%s\n\n", s.note)
	}
	for _, half := range []bool{true, false} {
		title := "The other half"
		if half {
			title = "The development half"
		}
		fmt.Fprintf(&b, "## %s\n\n", title)
		s.summary(&b, programs, half)
		s.scores(&b, programs, half, "RMSE, or log loss of classes: the lower, the better", func(m mean) *float64 {
			v := m.loss()
			return &v
		})
		s.scores(&b, programs, half, "AUC", func(m mean) *float64 { return m.AUC })
		s.scores(&b, programs, half, "Accuracy", func(m mean) *float64 { return m.Accuracy })
		s.scores(&b, programs, half, "Seconds of training", func(m mean) *float64 { return known(m.Seconds) })
		s.scores(&b, programs, half, "Microseconds of predicting a row, all test rows at once; of gradus the whole process, which reads the file and writes one", func(m mean) *float64 { return known(m.RowUS) })
		s.scores(&b, programs, half, "Kilobytes of the model", func(m mean) *float64 {
			v := float64(m.Bytes) / 1000
			return &v
		})
	}
	s.fifths(&b, programs)
	return b.Bytes()
}

// fifths writes the tables for which each fifth of the rows was held out in turn, by each program with seed 1.
func (s *suite) fifths(b *bytes.Buffer, programs []string) {
	const own = "gradus"
	programs = slices.DeleteFunc(slices.Clone(programs), func(p string) bool {
		return !slices.ContainsFunc(tables, func(t table) bool { _, ok := s.results[key(p, t, 1, 4)]; return ok })
	})
	title := false
	for _, t := range tables {
		losses := map[string][]float64{} // by program, of each fifth
		for _, p := range programs {
			for fifth := 0; fifth < 5; fifth++ {
				if r, ok := s.results[key(p, t, 1, fifth)]; ok && r.Failed == "" {
					losses[p] = append(losses[p], r.loss())
				}
			}
			if len(losses[p]) < 5 {
				delete(losses, p)
			}
		}
		best := "" // of the others
		for p := range losses {
			if !strings.HasPrefix(p, own) && (best == "" || average(losses[p]) < average(losses[best])) {
				best = p
			}
		}
		if losses[own] == nil || best == "" {
			continue
		}
		if !title {
			title = true
			fmt.Fprintf(b, "## Each fifth held out in turn\n\nOne fifth of a small table says little. Here each fifth is held out in turn, by each program with seed 1. RMSE or log loss, mean of the fifths. "+
				"The last column is the difference between gradus and the best of the others, with the standard error of the mean of five differences:\n\n"+
				"| table | %s | gradus against the best |\n| --- |%s --- |\n", strings.Join(programs, " | "), strings.Repeat(" --- |", len(programs)))
		}
		cells := make([]string, len(programs))
		for i, p := range programs {
			cells[i] = "-"
			if losses[p] != nil {
				cells[i] = fmt.Sprintf("%.4g", average(losses[p]))
			}
		}
		differences, squares := make([]float64, 5), 0.0
		for i, loss := range losses[own] {
			differences[i] = loss - losses[best][i]
		}
		for _, d := range differences {
			squares += (d - average(differences)) * (d - average(differences))
		}
		percent := 100 / average(losses[best])
		fmt.Fprintf(b, "| %s | %s | %+.1f ± %.1f %% (%s) |\n", t.name, strings.Join(cells, " | "), percent*average(differences), percent*math.Sqrt(squares/4/5), best)
	}
	if title {
		b.WriteByte('\n')
	}
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// known returns nil for 0: seconds of a busy machine are not kept.
func known(v float64) *float64 {
	if v == 0 {
		return nil
	}
	return &v
}

// summary writes ranks, wins, how far a program is behind the best, and on how many tables gradus is better. It
// covers the tables for which all of the programs have results.
func (s *suite) summary(b *bytes.Buffer, programs []string, half bool) {
	const own = "gradus"
	rank, wins, behind, n := map[string]float64{}, map[string]int{}, map[string]float64{}, 0
	worst, beaten, seeds := map[string]string{}, map[string]int{}, map[string]int{}
	var counted []string
	for _, p := range programs { // only those with a result for every table
		if !slices.ContainsFunc(tables, func(t table) bool {
			_, ok := s.mean(p, t)
			return t.development == half && !ok
		}) {
			counted = append(counted, p)
		}
	}
	for _, t := range tables {
		if t.development != half {
			continue
		}
		n++
		losses := map[string]float64{}
		best := math.Inf(1)
		for _, p := range counted {
			m, _ := s.mean(p, t)
			losses[p] = m.loss()
			if seeds[p] == 0 || m.n < seeds[p] {
				seeds[p] = m.n
			}
			best = min(best, m.loss())
		}
		for _, p := range counted {
			better, equal := 0, 0
			for _, v := range losses {
				if v < losses[p] {
					better++
				} else if v == losses[p] {
					equal++
				}
			}
			rank[p] += float64(better) + float64(equal+1)/2
			if better == 0 {
				wins[p]++
			}
			if b := losses[p]/best - 1; b >= behind[p] {
				behind[p], worst[p] = b, t.name
			}
			if losses[own] < losses[p] {
				beaten[p]++
			}
		}
	}
	if n == 0 || counted == nil {
		return
	}
	fmt.Fprintf(b, "By RMSE or log loss, over %d tables, of the programs that were measured on all of them:\n\n| program | seeds | average rank | best on | farthest behind the best | gradus is better on |\n| --- | --- | --- | --- | --- | --- |\n", n)
	slices.SortStableFunc(counted, func(x, y string) int {
		switch {
		case rank[x] < rank[y]:
			return -1
		case rank[x] > rank[y]:
			return 1
		}
		return 0
	})
	for _, p := range counted {
		won := "-"
		if p != own && slices.Contains(counted, own) {
			won = fmt.Sprint(beaten[p])
		}
		fmt.Fprintf(b, "| %s | %d | %.2f | %d | %.1f %% on %s | %s |\n", p, seeds[p], rank[p]/float64(n), wins[p], 100*behind[p], worst[p], won)
	}
	b.WriteByte('\n')
}

// scores writes a row for each table and a column for each program.
func (s *suite) scores(b *bytes.Buffer, programs []string, half bool, title string, of func(mean) *float64) {
	fmt.Fprintf(b, "%s:\n\n| table | %s |\n| --- |%s\n", title, strings.Join(programs, " | "), strings.Repeat(" --- |", len(programs)))
	for _, t := range tables {
		if t.development != half {
			continue
		}
		cells, any := make([]string, len(programs)), false
		for i, p := range programs {
			cells[i] = "-"
			if m, ok := s.mean(p, t); ok {
				if v := of(m); v != nil {
					cells[i], any = fmt.Sprintf("%.4g", *v), true
				}
			}
		}
		if any {
			fmt.Fprintf(b, "| %s | %s |\n", t.name, strings.Join(cells, " | "))
		}
	}
	b.WriteByte('\n')
}
