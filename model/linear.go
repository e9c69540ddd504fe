package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/train"
)

// Linear is the result of a linear model on the rows that a model's most honest scores are for.
type Linear struct {
	Scores  metrics.Scores `json:"scores,omitempty"`
	Trained int            `json:"training_rows,omitempty"` // the rows it was trained on; out of fold, those of the first fold
	Of      int            `json:"of_rows,omitempty"`       // the rows available for training
	Lacking string         `json:"lacking,omitempty"`       // why there are no scores
}

// linearWork is the limit on the cost of a linear model: rows · inputs · (8 + outputs), which is about the cost of an
// iteration. Above it rows are left out. If fewer than leastLinear would remain, there is no model. Tests replace it.
var linearWork = 8_000_000

const (
	linearEpochs = 30
	leastLinear  = 500
)

// CompareLinear trains a linear model and sets m's Metrics.Linear to its scores. m is a scored model of the run, or one
// that an earlier run with the same tables and options made. The linear model has the training rows of m. Its scores
// are for the rows that Metrics.Best returns; for out-of-fold rows, one model is trained for each fold. It is linear or
// logistic regression on standardized inputs, trained by up to 30 iterations of L-BFGS. The penalty is ½·Σw², added to
// the losses of all rows, as in scikit-learn's LogisticRegression by default and its Ridge with alpha 0.5. Row weights
// and class weights are those of the run.
//
// If there are many rows, it uses an evenly spread part that keeps rows · inputs · (8 + outputs) within 8 million. So
// it takes a few hundredths of the training time.
//
// It does nothing for a model without hidden layers, and returns an error only if ctx ends.
func (f *Fit) CompareLinear(ctx context.Context, m *Model) error {
	best, what := m.Training.Metrics.Best()
	if best == nil || f.linearOnly() || m.Training.Metrics.OutOfFold != nil && f.bag == nil {
		return nil
	}
	l, err := f.linear(ctx, m, what)
	switch {
	case err != nil && ctx.Err() != nil:
		return ended(ctx)
	case err != nil:
		l = &Linear{Lacking: err.Error()}
	}
	m.Training.Metrics.Linear = l
	return nil
}

// A linearPart holds the rows of the training table that one linear model is trained on, and the rows it predicts.
type linearPart struct {
	train []int
	table *data.Table
	rows  []int
}

var errLinearWide = fmt.Errorf("with so many inputs it would be trained on fewer than %d rows", leastLinear)

// linearSays is what linear models predict for some rows of a table.
type linearSays struct {
	table       *data.Table
	rows        []int
	p           []float64 // the outputs, row by row
	trained, of int       // as in Linear
}

// A linearAhead is the work of CompareLinear that does not need the model, done while the network trains.
type linearAhead struct {
	what string // the rows
	says linearSays
	err  error
	stop context.CancelFunc
	done chan struct{} // closed when says and err are set
}

// StartLinear starts the training of the linear model that CompareLinear compares with, on another goroutine. So it is
// ready, or nearly so, when the network is. It does nothing if the run has one thread, or is an ensemble, whose members take
// all of them. The result is the same with and without it. Release ends it.
func (f *Fit) StartLinear(ctx context.Context) {
	if f.ahead != nil || f.bag != nil || f.linearOnly() || min(f.recipe.config.Threads, runtime.GOMAXPROCS(0)) < 2 {
		return
	}
	a := &linearAhead{what: "training", done: make(chan struct{})}
	if len(f.parts.test) > 0 {
		a.what = "test"
	} else if len(f.parts.validation) > 0 {
		a.what = "validation"
	}
	ctx, a.stop = context.WithCancel(ctx)
	f.ahead = a
	go func() {
		defer close(a.done)
		a.says, a.err = f.predictLinear(ctx, f.Encoding.Width(), a.what, 1)
	}()
}

// end ends the work and waits for it.
func (a *linearAhead) end() {
	if a != nil {
		a.stop()
		<-a.done
	}
}

// linearOnly reports whether the network itself is a linear model.
func (f *Fit) linearOnly() bool { return f.Options.Hidden != nil && len(f.Options.Hidden) == 0 }

func (f *Fit) linear(ctx context.Context, m *Model, what string) (l *Linear, err error) {
	defer spill.Guard(&err)()
	var says linearSays
	if a := f.ahead; a != nil && a.what == what {
		defer context.AfterFunc(ctx, a.stop)()
		<-a.done
		says, err = a.says, a.err
	} else {
		wide := m.Encoding.Width()
		for _, member := range m.Members() {
			wide = max(wide, member.Encoding.Width())
		}
		says, err = f.predictLinear(ctx, wide, what, f.Options.Threads)
	}
	if err != nil {
		return nil, err
	}
	b, err := m.Encoding.Bind(says.table)
	if err != nil {
		return nil, err
	}
	targets := spill.Must[float64](b.Spilled(), len(says.rows)*m.Encoding.Outputs())
	if err := data.Targets(b, says.rows, targets); err != nil {
		return nil, err
	}
	w, err := f.sampleWeights(says.table, says.rows)
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(slices.Clone(m.Options.Metrics), func(name string) bool { return name == "loss" })
	report, _, err := m.compareIn(b.Spilled(), says.p, targets, w, names)
	return &Linear{Scores: report.Scores, Trained: says.trained, Of: says.of}, err
}

// predictLinear trains the linear models and predicts the rows. wide is the largest number of inputs of a network.
func (f *Fit) predictLinear(ctx context.Context, wide int, what string, threads int) (says linearSays, err error) {
	defer spill.Guard(&err)()
	parts := f.linearParts(what)
	says = linearSays{table: parts[0].table, rows: parts[0].rows, of: len(parts[0].train)}
	var several *byRow
	for _, part := range parts {
		n, one, err := f.trainLinear(ctx, wide, part.train, threads)
		if err != nil {
			return says, err
		}
		if says.trained == 0 {
			says.trained = n
		}
		b, err := one.Encoding.Bind(part.table)
		if err != nil {
			return says, err
		}
		if says.p, _, err = one.predictRows(b, part.rows, nil); err != nil {
			return says, err
		}
		if len(parts) == 1 {
			return says, nil
		}
		width := len(says.p) / len(part.rows)
		if several == nil {
			several = newByRow(part.table, width)
			defer several.free()
		}
		for i, row := range part.rows {
			several.add(row, says.p[i*width:][:width])
		}
		spill.Free(b.Spilled(), says.p)
	}
	says.rows, says.p = several.means()
	return says, nil
}

// linearParts returns one part, or for out-of-fold rows one part for each fold.
func (f *Fit) linearParts(what string) (parts []linearPart) {
	t := f.tables.Train
	if what == "out-of-fold" {
		members := f.bag.taken
		if members == nil { // the model is of an earlier run
			members = f.bag.members
		}
		seen := make([]bool, len(f.Schema.Rows)) // more members than folds use further folds of the same rows
		for _, member := range members {
			own := member.tables.fold
			p := linearPart{train: f.pick(f.Schema.Rows, own.train), table: t, rows: spill.Must[int](t.Spilled(), len(own.validation))[:0]}
			for _, place := range own.validation {
				if !seen[place] {
					seen[place] = true
					p.rows = append(p.rows, f.Schema.Rows[place])
				}
			}
			if len(p.rows) > 0 {
				parts = append(parts, p)
			}
		}
		return parts
	}
	p := linearPart{train: f.parts.train, table: t, rows: f.parts.train}
	switch own := f.tables; what {
	case "test":
		p.rows = f.parts.test
		if own.Test != nil {
			p.table = own.Test
		}
	case "validation":
		p.rows = f.parts.validation
		if own.Validation != nil {
			p.table = own.Validation
		}
	}
	return []linearPart{p}
}

// trainLinear trains a linear model on rows of the training table, or on as many as the limit allows.
func (f *Fit) trainLinear(ctx context.Context, wide int, all []int, threads int) (rows int, one *Model, err error) {
	n := len(all)
	if most := linearWork / (wide * (8 + outputsOf(f.Schema))); most < n {
		if n = most; n < leastLinear {
			return 0, nil, errLinearWide
		}
	}
	places := make([]int, n) // in the schema's rows
	for i := range places {
		places[i] = sort.SearchInts(f.Schema.Rows, all[i*len(all)/n])
	}
	o := Options{
		Task: f.Schema.Task, Recipe: RecipePlain, Hidden: []int{}, Scale: data.ScaleStandard, Precision: "float64",
		Optimizer: "lbfgs", Epochs: linearEpochs, L2: 1 / float64(len(places)),
		SampleWeight: f.Options.SampleWeight, ClassWeight: f.Options.ClassWeight, Threads: threads,
	}
	own, err := trained(ctx, Tables{
		Train: f.tables.Train, Memory: new(SharedMemory),
		fold: &fold{train: places, validation: []int{}, schema: f.Schema},
	}, o)
	if err != nil {
		var diverged *train.DivergedError
		if errors.As(err, &diverged) {
			err = errors.New("its training diverged")
		}
		return 0, nil, err
	}
	defer own.Release()
	return len(places), own.Unscored(), nil
}

// Compared says in one sentence how the model compares with a guess that ignores the inputs and with a linear model. It
// uses the first metric that was requested, otherwise rmse or log_loss, on the rows that Metrics.Best returns. It
// returns "" if there is nothing to compare.
func (m *Model) Compared() string {
	t := m.Training.Metrics
	best, rows := t.Best()
	if best == nil {
		return ""
	}
	_, text := m.compared(m.Options.Metrics, "%s of the "+rows+" rows", best.Scores, t.Linear, t.Baseline)
	return text
}

// compared says how scores compare with those of a linear model, if there is one, and of a guess. The first of the names that
// they have is compared, otherwise rmse, log_loss or accuracy. what says what its score is of, with the name for %s.
func (m *Model) compared(names []string, what string, scores metrics.Scores, l *Linear, guess metrics.Scores) (name, text string) {
	names = append(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "loss" }), "rmse", "log_loss", "accuracy")
	at := slices.IndexFunc(names, func(name string) bool { _, ok := scores.Get(name); return ok })
	if at < 0 {
		return "", ""
	}
	name = names[at]
	own, _ := scores.Get(name)
	text, verdict, ahead := fmt.Sprintf(what+" %.4g", name, own), []string{}, ""
	against := func(who, short string, score float64) {
		text += fmt.Sprintf(", of %s %.4g", who, score)
		change := own/score - 1
		if math.IsNaN(change) || math.IsInf(change, 0) || score <= 0 || own < 0 {
			return
		}
		way := "above"
		if change < 0 {
			way = "below"
		}
		switch {
		case math.Abs(change) < 0.0005:
			verdict = append(verdict, "the same as "+short)
		case change < 9:
			verdict = append(verdict, fmt.Sprintf("%.1f %% %s %s", 100*math.Abs(change), way, short))
		default:
			verdict = append(verdict, fmt.Sprintf("%.3g times %s", change+1, short))
		}
	}
	if l != nil && l.Lacking == "" {
		if score, ok := l.Scores.Get(name); ok {
			who := "a linear model"
			if l.Trained < l.Of {
				who += fmt.Sprintf(" trained on %d of the %s", l.Trained, plural.Of(l.Of, "row"))
			}
			against(who, "the linear model", score)
			if score != own && metrics.HigherIsBetter(name) == (score > own) {
				ahead = ". The linear model is better"
			}
		}
	}
	if score, ok := guess.Get(name); ok {
		who := "always guessing the most frequent class"
		switch {
		case m.Task() == data.Regression:
			who = "always guessing the mean"
		case slices.Contains([]string{"auc", "average_precision", "log_loss", "brier", "calibration_error"}, name):
			who = "always guessing the shares"
		}
		against(who, "that guess", score)
	}
	if len(verdict) > 0 {
		text += ": " + strings.Join(verdict, ", ")
	}
	text += ahead
	if l != nil && l.Lacking != "" {
		text += ". No linear model was trained: " + l.Lacking
	}
	return name, text + "."
}
