package diagnosis

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

const (
	largeInput  = 30   // root mean square of an input, above which it is unscaled
	largeTarget = 100  // root mean square of the targets, above which they are unscaled
	smallInput  = 1e-3 // root mean square of the largest input, below which the inputs are unscaled
	halfLayer   = 0.5  // share of layer 0 that unscaled inputs have switched off
)

// rows looks for problems in the rows.
func (d *diagnosis[T]) rows() {
	d.targetRange()
	d.outliers()
	d.leaks()
	hurt := d.failed() || d.now.layers[0].dead > halfLayer || d.now.layers[0].saturated > halfLayer || d.gain < halfGain && d.fallsLate(d.history) > 0
	if !hurt {
		return
	}
	all := &d.data.Train
	n := min(1024, all.Rows())
	largest, at := 0.0, 0
	for j, size := range d.sizes(all.Cols(), n, func(row int, into []T) { all.Cells(row, 0, len(into), into) }) {
		if size > largest {
			largest, at = size, j
		}
	}
	switch {
	case largest > largeInput:
		d.add(UnscaledInputs, -1, 0, set("Scale", "auto"),
			"the inputs differ from the usual size of 1: %s has a root mean square of %s", d.inputName(at), num(largest))
	case largest < smallInput && largest > 0:
		d.add(UnscaledInputs, -1, 0, set("Scale", "auto"),
			"the inputs differ from the usual size of 1: none has a root mean square above %s", num(largest))
	}
	if f := d.net.Layer(d.net.Depth() - 1).Activation; f == nn.Identity {
		if sizes := d.sizes(all.Y.Cols, n, func(row int, into []T) { copy(into, all.Y.Row(row)) }); slices.Max(sizes) > largeTarget {
			d.add(UnscaledTargets, d.net.Depth()-1, 0, set("Scale", "auto"),
				"the targets have a root mean square of %s, which the net's outputs, of the size of 1 at the start, are far from", num(slices.Max(sizes)))
		}
	}
}

// sizes returns the root mean square of each column over n rows. read gives one row at a time.
func (d *diagnosis[T]) sizes(columns, n int, read func(row int, into []T)) []float64 {
	out, row := make([]float64, columns), make([]T, columns)
	for i := range n {
		read(d.row(i, n), row)
		for j, v := range row {
			out[j] += float64(float64(v) * float64(v))
		}
	}
	for j := range out {
		out[j] = math.Sqrt(out[j] / float64(n))
	}
	return out
}

func (d *diagnosis[T]) inputName(j int) string {
	if names := d.names.Inputs; j < len(names) {
		return fmt.Sprintf("%q", names[j])
	}
	return fmt.Sprintf("input %d", j)
}

func (d *diagnosis[T]) outputName(j int) string {
	if names := d.names.Outputs; j < len(names) {
		return fmt.Sprintf("%q", names[j])
	}
	return fmt.Sprintf("output %d", j)
}

// targetRange looks for targets that the output's activation cannot produce.
func (d *diagnosis[T]) targetRange() {
	last := d.net.Depth() - 1
	f := d.net.Layer(last).Activation
	low, high := nn.OutputRange(f)
	if math.IsInf(low, -1) && math.IsInf(high, 1) {
		return
	}
	y := d.data.Train.Y
	outside, worst, worstOff := 0, 0.0, 0.0
	for i := range y.Rows {
		for _, v := range y.Row(i) {
			v := float64(v)
			if off := max(low-v, v-high); off > 0.001 {
				outside++
				if off > worstOff {
					worst, worstOff = v, off
				}
			}
		}
	}
	if outside == 0 {
		return
	}
	to := num(high)
	if math.IsInf(high, 1) {
		to = "infinity"
	}
	d.add(TargetOutOfRange, last, 0, set("OutputActivation", "identity"),
		"%s gives outputs between %s and %s, and %s outside, such as %s", f, num(low), to, lie(outside), num(worst))
}

func lie(n int) string {
	if n == 1 {
		return "1 target lies"
	}
	return fmt.Sprintf("%d targets lie", n)
}

const (
	outlierRows  = 20   // with fewer rows, a target may be anywhere
	outlierFar   = 100  // times the interquartile range of the targets, from their median
	smallSpan    = 1e-3 // interquartile range of the targets in the network's units, below which it is too small to learn
	outlierShare = 0.9  // of the squared distances from the median, for all outliers together
)

// outliers looks for targets so far from the others that they dominate the loss.
func (d *diagnosis[T]) outliers() {
	y := d.data.Train.Y
	if y.Rows < outlierRows || d.classes() > 0 {
		return
	}
	for j := range y.Cols {
		sorted := make([]float64, y.Rows)
		for i := range sorted {
			sorted[i] = float64(y.At(i, j))
		}
		slices.Sort(sorted)
		low, median, high := sorted[y.Rows/4], sorted[y.Rows/2], sorted[y.Rows*3/4]
		far := outlierFar * (high - low)
		if nn.Facts(d.cfg.Loss).Robust && high-low > smallSpan { // a far target does not dominate a robust loss unless its scale leaves the others too close together
			continue
		}
		if !(far > 0) || max(sorted[y.Rows-1]-median, median-sorted[0]) <= far {
			continue
		}
		n, row, most := 0, 0, 0.0
		var all, theirs float64
		for i := range y.Rows {
			off := math.Abs(float64(y.At(i, j)) - median)
			all += float64(off * off)
			if off > far {
				n++
				theirs += float64(off * off)
			}
			if off > most {
				row, most = i, off
			}
		}
		if theirs < outlierShare*all {
			continue
		}
		which := "1 training target is"
		if n > 1 {
			which = fmt.Sprintf("%d training targets are", n)
		}
		if y.Cols > 1 {
			which = d.outputName(j) + ": " + which
		}
		d.add(TargetOutlier, -1, 0, []train.Remedy{advice("correct the cell or leave the row out"), {Option: "Scale", Value: "robust", Advice: "if it is right"}, {Option: "Loss", Value: "absolute", Advice: "if it is right"}},
			"%s far from the others: %s has %s, and the middle half of the targets lies between %s and %s. The loss sees little else", which,
			d.rowName(row), num(d.ownUnits(j, float64(y.At(row, j)))), num(d.ownUnits(j, low)), num(d.ownUnits(j, high)))
		return
	}
}

// ownUnits returns a value of an output in the units of its target.
func (d *diagnosis[T]) ownUnits(j int, v float64) float64 {
	if d.names.Scale == nil {
		return v
	}
	return float64(v*d.names.Scale[j]) + d.names.Center[j]
}

const (
	leak      = 0.9999 // AUC, accuracy or R2 of a column alone, above which it leaks
	leakRows  = 20     // rows that the test needs
	leakFirst = 0.99   // the same score in the first look, above which there is a second
	fewLeak   = 256    // rows of the first look
	mostLeak  = 20000  // rows of the second look
)

// leaks looks for columns that predict the target without any others.
func (d *diagnosis[T]) leaks() {
	all := &d.data.Train
	names := d.names.Inputs
	if all.Rows() < leakRows {
		return
	}
	columns := 0
	var found []string
	var what, name string
	for from := 0; from < all.Cols(); columns++ {
		to := from + 1
		for to < all.Cols() && to < len(names) && names[to] == names[from] {
			to++
		}
		score, kind := d.alone(from, to, min(fewLeak, all.Rows()))
		if score > leakFirst {
			score, kind = d.alone(from, to, min(mostLeak, all.Rows()))
		}
		if score > leak {
			if found = append(found, d.inputName(from)); len(found) == 1 && names != nil {
				name = names[from]
			}
			what = fmt.Sprintf("%s %.5f", kind, score)
		}
		from = to
	}
	if len(found) == 0 || columns < 2 || len(found) == columns {
		return
	}
	try := []train.Remedy{advice("leave " + found[0] + " out")}
	if d.names.Inputs != nil {
		try = set("Ignore", name)
	}
	d.add(LeakingColumn, -1, 0, try, "alone, %s tells the target (%s), and may not be known when predictions are made", found[0], what)
}

// alone returns how well one column, the inputs from (inclusive) to to (exclusive), predicts
// the targets without the others: the AUC for two classes, the accuracy for more, R2 for
// numbers. The rows are sorted by the column. Rows with equal values, such as those of a
// category, are predicted by the mean of the others among them. Any other row is predicted by a
// straight line between its neighbors.
func (d *diagnosis[T]) alone(from, to, n int) (score float64, kind string) {
	all := &d.data.Train
	x, y := nn.NewMatrix[T](n, to-from), all.Y
	order := make([]int, n) // of these rows
	for i := range order {
		order[i] = i
		all.Cells(d.row(i, n), from, to, x.Row(i))
	}
	slices.SortFunc(order, func(a, b int) int { return slices.Compare(x.Row(a), x.Row(b)) })
	same := func(i, j int) bool { return slices.Equal(x.Row(order[i]), x.Row(order[j])) }
	if classes := d.classes(); classes > 0 {
		return d.aloneClasses(order, same, classes, to-from), map[bool]string{true: "AUC", false: "accuracy"}[classes == 2]
	}
	worst := 1.0
	for j := range y.Cols {
		at := func(i int) float64 { return float64(y.At(d.row(order[i], n), j)) }
		var mean, total, missed float64
		for i := range n {
			mean += at(i) / float64(n)
		}
		told := 0
		for i := 0; i < n; {
			end := i
			group := 0.0
			for end < n && same(i, end) {
				group += at(end)
				end++
			}
			for r := i; r < end; r++ {
				guess := 0.0
				switch {
				case end-i > 1:
					guess = (group - at(r)) / float64(end-i-1)
				case i > 0 && end < n:
					a, b, c := x.At(order[i-1], 0), x.At(order[i], 0), x.At(order[end], 0)
					part := 0.5
					if c > a {
						part = float64(b-a) / float64(c-a)
					}
					guess = at(i-1) + float64((at(end)-at(i-1))*part)
				default:
					continue
				}
				told++
				e, off := at(r)-guess, at(r)-mean
				missed += float64(e * e)
				total += float64(off * off)
			}
			i = end
		}
		if total == 0 || told < n/2 {
			return 0, ""
		}
		worst = min(worst, 1-missed/total)
	}
	return worst, "R2"
}

// aloneClasses is alone for classes. A numeric column must separate the classes by thresholds,
// one fewer than there are classes; a category by its levels.
func (d *diagnosis[T]) aloneClasses(order []int, same func(i, j int) bool, classes, width int) float64 {
	n := len(order)
	class := func(i int) int { return d.classOf(d.row(order[i], n)) }
	type group struct{ counts []int }
	var groups []group
	for i := 0; i < n; {
		g := group{make([]int, classes)}
		end := i
		for end < n && same(i, end) {
			g.counts[class(end)]++
			end++
		}
		groups = append(groups, g)
		i = end
	}
	if 3*len(groups) < n && width > 1 { // few values of a category: each predicts its most common class
		right := 0
		for _, g := range groups {
			right += slices.Max(g.counts)
		}
		if classes == 2 {
			slices.SortFunc(groups, func(a, b group) int {
				return cmp.Compare(a.counts[1]*(b.counts[0]+b.counts[1]), b.counts[1]*(a.counts[0]+a.counts[1]))
			})
		} else {
			return float64(right) / float64(n)
		}
	}
	if classes == 2 {
		var below, pairs, zeros, ones float64
		for _, g := range groups {
			z, o := float64(g.counts[0]), float64(g.counts[1])
			pairs += o * (zeros + z/2)
			zeros += z
			ones += o
		}
		if zeros == 0 || ones == 0 {
			return 0
		}
		below = pairs / (zeros * ones)
		return max(below, 1-below)
	}
	wrong, changes, now := 0, 0, -1
	for _, g := range groups {
		c, rows := 0, 0
		for k, v := range g.counts {
			if v > g.counts[c] {
				c = k
			}
			rows += v
		}
		wrong += rows - g.counts[c]
		if c != now {
			changes++
		}
		now = c
	}
	return 1 - float64(wrong+max(0, changes-classes))/float64(n)
}

// classes returns the number of classes in the targets. It is 0 if they are amounts or several labels.
func (d *diagnosis[T]) classes() int {
	f := d.net.Layer(d.net.Depth() - 1).Activation
	y := d.data.Train.Y
	if f != nn.Softmax && (f != nn.Sigmoid || y.Cols > 1) {
		return 0
	}
	n := min(fewLeak, y.Rows)
	for i := range n {
		for _, v := range y.Row(d.row(i, n)) {
			if v != 0 && v != 1 && d.cfg.LabelSmoothing == 0 {
				return 0
			}
		}
	}
	return max(2, y.Cols)
}

// classOf returns the class of a training row.
func (d *diagnosis[T]) classOf(row int) int { return classOf(d.data.Train.Y.Row(row)) }

// classOf returns the class with the largest share. For a single share it is 1 if that is above
// one half.
func classOf[T nn.Float](p []T) int {
	if len(p) == 1 {
		if p[0] > 0.5 {
			return 1
		}
		return 0
	}
	top := 0
	for j, v := range p {
		if v > p[top] {
			top = j
		}
	}
	return top
}
