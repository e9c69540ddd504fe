package model

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// These functions read what the options say about rows: their weights, which of them stay together, and how they are scored.

// kindOf returns the kind of predictions of a task.
func kindOf(task data.Task) metrics.Kind {
	switch task {
	case data.Binary:
		return metrics.OfTwo
	case data.Multiclass:
		return metrics.OfClasses
	case data.Multilabel:
		return metrics.OfLabels
	}
	return metrics.OfNumbers
}

// infer decides what the columns are. Columns that describe rows are not inputs. Rows of
// weight 0 are left out and counted before anything else, as if they did not exist.
func (o *Options) infer(t *data.Table) (s *data.Schema, weightless int, err error) {
	ignore := slices.Clone(o.Ignore)
	why := map[string]string{}
	for _, about := range []struct{ column, what string }{{o.SampleWeight, "weighs the rows"}, {o.Group, "groups the rows"}} {
		if about.column == "" {
			continue
		}
		if _, err := t.Column(about.column, "which "+about.what); err != nil {
			return nil, 0, asOption(err)
		}
		ignore = append(ignore, about.column)
		why[about.column] = about.what
	}
	how := data.SchemaOptions{
		Targets: o.Targets, Task: o.Task, Types: o.Types, Ignore: ignore,
		Missing: o.Missing, Decimal: o.Decimal, DateFormat: o.DateFormat, Positive: o.Positive,
	}
	if o.SampleWeight != "" {
		if how.Rows, weightless, err = data.Weighing(t, o.SampleWeight); err != nil {
			return nil, 0, asOption(err)
		}
		if weightless == t.Rows() {
			return nil, 0, allWeightless(t, o.SampleWeight, weightless)
		}
	}
	s, err = data.Infer(t, how)
	if err == nil && cmp.Or(o.Task, data.Auto) == data.Auto && s.Task != data.Regression && o.ofAmounts() && s.Amounts() {
		how.Task = data.Regression
		s, err = data.Infer(t, how)
	}
	if err != nil {
		return nil, 0, asOption(err)
	}
	if col := o.timeColumn(); slices.ContainsFunc(s.Targets, func(y data.Target) bool { return y.Name == col }) {
		return nil, 0, refuse("Split", o.Split, "%q is the target, and a split by it would give the parts different targets: name a column that says when each row was recorded", col)
	}
	if o.SampleWeight != "" {
		if _, err := data.Weights(t, o.SampleWeight, s.Rows); err != nil {
			return nil, 0, asOption(err)
		}
	}
	for i := range s.Dropped {
		if what, ok := why[s.Dropped[i].Name]; ok {
			s.Dropped[i].Reason = data.Notef("%s", what)
		}
	}
	return s, weightless, nil
}

// notes returns decisions about a table and its targets that may be unexpected.
func (o *Options) notes(t *data.Table, s *data.Schema) []data.Note {
	notes := t.Notes()
	for _, y := range s.Targets {
		if y.Note != nil {
			notes = append(notes, slices.Concat(data.Notef("%s: ", y.Name), y.Note))
		}
	}
	if s.Task == data.Regression && cmp.Or(o.Task, data.Auto) == data.Auto && o.ofAmounts() && s.Few(t) {
		notes = append(notes, data.Notef("The loss %s is for amounts, so %s is read as amounts, not as classes; the task binary or multiclass would read it as classes.", o.Loss, s.Targets[0].Name))
	}
	return notes
}

// Inspect decides what the columns of a table are, as Prepare does. The notes say what may be
// unexpected.
func Inspect(t *data.Table, o Options) (s *data.Schema, notes []data.Note, err error) {
	defer spill.Guard(&err)()
	if err := o.Validate(); err != nil {
		return nil, nil, err
	}
	s, weightless, err := o.infer(t)
	if err != nil {
		return nil, nil, err
	}
	notes = o.notes(t, s)
	if weightless > 0 {
		notes = append(notes, data.Notef("%s left out, their weight is 0.", plural.Of(weightless, "row")))
	}
	return s, notes, nil
}

// ofAmounts reports whether the loss is for amounts, so that a target of numbers is not classes.
func (o *Options) ofAmounts() bool {
	loss := o.named()
	return loss != nil && nn.Facts(loss).Amounts
}

// rows reads the options about rows.
func (o *Options) rows(r *recipe, s *data.Schema) error {
	var err error
	if o.Metrics, err = kindOf(s.Task).ParseNames(o.Metrics); err != nil {
		return refuse("Metrics", nil, "%w", err)
	}
	for _, name := range o.Metrics {
		if r.loss == nn.Hinge && metrics.NeedsProbabilities(name) {
			return refuse("Metrics", nil, "%s needs probabilities, and hinge gives decision values: choose another metric, or the loss binary-cross-entropy", name)
		}
	}
	if err := o.readThreshold(r, s.Task); err != nil {
		return err
	}
	if len(o.ClassWeight) == 0 {
		return nil
	}
	if s.Task != data.Binary && s.Task != data.Multiclass {
		return refuse("ClassWeight", nil, "%s has no classes to weigh; give the rows weights by a column", s.Task)
	}
	if len(o.ClassWeight) == 1 && o.ClassWeight[0] == "balanced" {
		r.balanced = true
		return nil
	}
	classes := s.Targets[0].Classes
	r.classWeight = slices.Repeat([]float64{1}, len(classes))
	for _, part := range o.ClassWeight {
		at := strings.LastIndex(part, "=")
		class := slices.Index(classes, part[:max(at, 0)])
		if class < 0 {
			return refuse("ClassWeight", nil, "%q names no class; give balanced, or CLASS=X of %s", part, quoteList(classes))
		}
		w, err := strconv.ParseFloat(part[at+1:], 64)
		if err != nil || !(w >= 0) || math.IsInf(w, 0) {
			return refuse("ClassWeight", nil, "%q: the weight is not a finite number of at least 0", part)
		}
		r.classWeight[class] = w
	}
	return nil
}

// timeColumn returns the column of the split time:COL, or "".
func (o *Options) timeColumn() string {
	col, ok := strings.CutPrefix(o.Split, "time:")
	if !ok {
		return ""
	}
	return col
}

// readThreshold reads the option Threshold.
func (o *Options) readThreshold(r *recipe, task data.Task) error {
	r.threshold = 0.5
	if o.Threshold == "" {
		return nil
	}
	if task != data.Binary {
		return refuse("Threshold", nil, "it is for two classes, and the task is %s", task)
	}
	if name, auto := strings.CutPrefix(o.Threshold, "auto:"); auto {
		r.thresholdBy = strings.ReplaceAll(name, "-", "_")
		if !slices.Contains(metrics.ThresholdNames(), r.thresholdBy) {
			return refuse("Threshold", nil, "no threshold is chosen by %q; choose auto: and one of %s", name, strings.Join(metrics.ThresholdNames(), ", "))
		}
		return nil
	}
	x, err := strconv.ParseFloat(o.Threshold, 64)
	if err != nil || !(x > 0 && x < 1) {
		return refuse("Threshold", nil, "%q is not a probability between 0 and 1, nor auto:METRIC", o.Threshold)
	}
	r.threshold = x
	return nil
}

// sampleWeights reads the weights of rows; nil if there are none.
func (f *Fit) sampleWeights(t *data.Table, rows []int) ([]float64, error) {
	if f.Options.SampleWeight == "" {
		return nil, nil
	}
	w, err := data.Weights(t, f.Options.SampleWeight, rows)
	return w, asOption(err)
}

// balance sets the weight of each class to rows / (classes · rows of the class), counted in
// the training rows. All classes then have the same total weight. This is scikit-learn's "balanced".
func balance[T nn.Float](f *Fit, y nn.Matrix[T]) {
	counts := make([]float64, len(f.Schema.Targets[0].Classes))
	for i := range y.Rows {
		counts[classOf(y.Row(i))]++
	}
	present := 0.0
	for _, n := range counts {
		if n > 0 {
			present++
		}
	}
	f.recipe.classWeight = make([]float64, len(counts))
	var text []string
	for c, n := range counts {
		if n > 0 {
			f.recipe.classWeight[c] = float64(y.Rows) / float64(present*n)
			text = append(text, fmt.Sprintf("%s %.4g", f.Schema.Targets[0].Classes[c], f.recipe.classWeight[c]))
		}
	}
	if len(text) <= 12 {
		f.note("Balanced class weights: %s.", strings.Join(text, ", "))
	}
}

// weigh sets the weights of rows in training: their own weights times those of their classes.
func weigh[T nn.Float](f *Fit, s *train.Set[T], t *data.Table, rows []int) error {
	var err error
	if s.W, err = f.sampleWeights(t, rows); err != nil || f.recipe.classWeight == nil {
		return err
	}
	if s.W == nil {
		s.W = slices.Repeat([]float64{1}, len(rows))
	}
	for i := range s.W {
		s.W[i] *= f.recipe.classWeight[classOf(s.Y.Row(i))]
	}
	return nil
}

// classOf returns the class of an encoded target: its value for two classes, otherwise
// the place of the 1.
func classOf[T nn.Float](y []T) int {
	if len(y) == 1 {
		return int(y[0])
	}
	best := 0
	for j, v := range y {
		if v > y[best] {
			best = j
		}
	}
	return best
}

// scorer returns a function from the outputs for the validation rows to the metric that
// chooses the epoch.
func (f *Fit) scorer(name string, t *data.Table, rows []int) (func(outputs []float64) float64, error) {
	b, err := f.Encoding.Bind(t)
	if err != nil {
		return nil, err
	}
	m := f.judged()
	targets := make([]float64, len(rows)*f.Encoding.Outputs())
	if err := data.Targets(b, rows, targets); err != nil {
		return nil, err
	}
	w, err := f.sampleWeights(t, rows)
	if err != nil {
		return nil, err
	}
	names := []string{name}
	score := func(outputs []float64) (float64, bool) {
		report, _, err := m.compare(m.finishRows(f.Options.predictions(outputs)), targets, w, names)
		if err != nil { // checked below
			return math.NaN(), false
		}
		return report.Get(name)
	}
	if _, ok := score(make([]float64, f.Options.outputs(len(targets)))); !ok {
		return nil, refuse("Metrics", nil, "%s cannot choose the epoch: it is not defined on the %s for validation", name, plural.Of(len(rows), "row"))
	}
	return func(outputs []float64) float64 {
		v, _ := score(outputs)
		return v
	}, nil
}

// chooseThreshold sets the model's threshold to the best one on the validation rows.
func (f *Fit) chooseThreshold(m *Model) error {
	if f.recipe.thresholdBy == "" {
		return nil
	}
	if f.bag != nil && f.bag.inFolds {
		return f.bestThreshold(m)
	}
	t := f.validationTable()
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return err
	}
	p, _, err := m.predictRows(b, f.parts.validation, &rowsLoss{encoded: f.runner.encoded("validation")})
	if err != nil {
		return err
	}
	y := make([]float64, len(f.parts.validation))
	if err := data.Targets(b, f.parts.validation, y); err != nil {
		return err
	}
	w, err := f.sampleWeights(t, f.parts.validation)
	if err != nil {
		return err
	}
	m.Threshold, err = metrics.BestThreshold(f.recipe.thresholdBy, y, second(p), w)
	return err
}

// second returns the second of every two numbers.
func second(p []float64) []float64 { return secondIn(nil, p) }

// secondIn is second with a list on a disk.
func secondIn(disk *data.Spill, p []float64) []float64 {
	out := spill.Must[float64](disk, len(p)/2)
	for i := range out {
		out[i] = p[2*i+1]
	}
	return out
}
