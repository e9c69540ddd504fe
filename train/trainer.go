package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// Set is rows to train or validate on: inputs X and targets Y, one row per sample, and each
// row's weight W. If W is nil, all weights are 1. A weight multiplies the row's loss and its
// gradient; a mean divides by the sum of the weights. A row of weight 2 counts as two rows, one
// of weight 0 as none, but batch normalization uses every row alike in its statistics. Inputs
// that are mostly zeros may be in Packed instead of X, but not those of a Stream.
//
// Parts, if not nil, divides validation rows: it has the number of each row's part, from 0. CrossFitted then has outputs for each
// row that do not depend on the rows of its part. Rows that are alike, such as those of one person, belong in the same
// part; otherwise each row is best in a part of its own. Training rows have none.
type Set[T nn.Float] struct {
	X, Y   nn.Matrix[T]
	W      []float64
	Packed Packed[T]
	Parts  []int

	lists *nn.Input[T] // the rows without their zeros, if a prefetch has made them
}

// Rows returns the number of samples.
func (s Set[T]) Rows() int {
	if s.Packed.parts != nil {
		return s.Packed.Rows()
	}
	return s.X.Rows
}

// Weight returns the total weight of the rows: their number if there are no weights.
func (s Set[T]) Weight() float64 {
	if s.W == nil {
		return float64(s.Rows())
	}
	sum := 0.0
	for _, w := range s.W {
		sum += w
	}
	return sum
}

// slice returns the rows from (inclusive) to to (exclusive) as a view.
func (s Set[T]) slice(from, to int) Set[T] {
	part := Set[T]{Y: s.Y.Slice(from, to)}
	if from == 0 && to == s.Rows() {
		part.lists = s.lists
	}
	if s.Packed.parts != nil {
		part.Packed = s.Packed.slice(from, to)
	} else {
		part.X = s.X.Slice(from, to)
	}
	if s.W != nil {
		part.W = s.W[from:to]
	}
	return part
}

// Data is the rows of a run. Validation may be empty. Its rows train nothing, but may choose
// the epoch.
type Data[T nn.Float] struct {
	Train, Validation Set[T]
}

// Trainer is one run of gradient descent over a network. It changes the network's parameters.
// It belongs to one goroutine.
type Trainer[T nn.Float] struct {
	net     *nn.Network[T]
	average *nn.Network[T] // the running average of net's values, or nil
	cfg     Config
	data    Data[T]

	tape     *nn.Tape[T]
	room     nn.Matrix[T]   // memory for unpacked rows, as many as the tape takes
	crew     *crew[T]       // divides a step among cores; tape and room are its first hand's
	prefetch *prefetch[T]   // prepares batches, or nil
	latest   *nn.Tape[T]    // that of the last rows of the last pass
	gather   *gather[T]     // of shuffled batches; nil without shuffling
	out      []float64      // the outputs for the validation rows, if Config.Score or cross uses them
	grad     []T            // the gradient
	tree     *tree[T]       // adds the gradients of shards
	fold     *fold[T]       // adds the last few sums
	summed   summed[T]      // what sumShards is summing
	losses   []float64      // of the shards that were summed
	slots    [][]T          // what the optimizer or the solver remembers
	parts    [][][]T        // what the optimizer works on, by part: see updater; nil if the optimizer is not separable
	rows     int            // training rows in an epoch
	stream   *streamRows[T] // the source of the training rows, if they are not in data
	whole    bool           // the gradient is wanted whole, not part by part
	course   course[T]      // how updates go through the rows
	tiny     *tiny[T]       // nil if the course makes the epochs
	now      optim.Step     // the update that updater makes
	order    []int32        // the rows in this epoch's order
	good     []T            // the network's last finite values; if the run ended with its average, the last values before that
	best     []T            // the values with the best validation score
	cross    crossFit       // outputs for the validation rows at epochs that others chose
	lonely   int            // 1 if a last batch of one row joins the one before it
	tied     bool           // batch normalization ties shards together: they are on the tape at the same time
	ends     []int          // ends of the shards on the tape
	first    int            // the first of these shards
	norms    []float64      // lengths of the weights of a layer's units, for MaxNorm
	scores   optim.Scores   // the schedule's state

	numbers []float64 // the solver's other state
	// Methods, made once so that a step allocates nothing. They are made in the loop, since More replaces the Trainer.
	objective func(grad []T) float64      // evaluate
	addShard  func(h *hand[T], shard int) // sumShard
	applyPart func(part int)              // apply with t.grad

	together *together[T] // nil in one process
	result   Result

	observer   Observer[T]
	divergence *DivergedError // how the run ended, if it diverged

	epoch    int // epochs done
	position int // rows done in this epoch; per-sample: updates made on this sample
	finished bool

	lossSum   float64 // this epoch's batch losses, each times its rows' weight
	weight    float64 // of the training rows
	epochLoss float64 // the last epoch's
	fullLoss  float64 // see FullLoss
	lossAt    int     // number of updates when fullLoss was computed; -1: never
	bestScore float64
	bestLoss  float64 // the validation loss of the same epoch
	bestEpoch int
	elapsed   time.Duration
	since     time.Time // when the loop was entered; zero outside it

	failure     DivergedError // what ended the run, if the reason is ReasonDiverged
	batchSize   int           // as configured; may be more than the number of rows
	back        retreats      // see retreat
	checkpoints int           // written so far
	sum         string        // see dataSum
}

// Result is the outcome of a run.
type Result struct {
	// Reason says what ended the run: the criterion that fired, or "epochs", "interrupted",
	// "diverged". It is empty while the loop can be continued.
	Reason string `json:"stop_reason"`
	// Converged means that the run reached its goal: a tolerance (with per-sample: each sample
	// in its own turn), a target loss, a validation score that stopped improving, or a minimum
	// found by its solver.
	Converged bool    `json:"converged"`
	Epochs    int     `json:"epochs"`     // done; with per-sample the total over all samples
	Steps     int     `json:"steps"`      // updates made
	Loss      float64 `json:"loss"`       // over all training rows with the final weights, reduced as in the configuration
	BestEpoch int     `json:"best_epoch"` // the epoch whose weights were kept, if KeepBest
	BestScore float64 `json:"best_score"` // its validation score: the loss, or the result of Config.Score
	// CrossFittedScore is the validation score of the outputs that Trainer.CrossFitted returns. BestScore is better than that
	// of new rows, since the rows chose their epoch; this one is not. Without Set.Parts it is BestScore.
	CrossFittedScore float64 `json:"cross_fitted_score"`

	Seconds  float64   `json:"seconds"`
	Rows     int       `json:"rows"` // samples seen, over all updates
	History  History   `json:"history"`
	Samples  []Sample  `json:"samples,omitempty"` // per-sample: the outcome of each sample, in order
	Retreats []Retreat `json:"retreats,omitempty"`

	// Exchange is the number of seconds this process spent in exchanges with the other ranks, including
	// waiting. ExchangeShare is the share of its time in the loop.
	Exchange      float64 `json:"exchange_seconds,omitempty"`
	ExchangeShare float64 `json:"exchange_share,omitempty"`
}

// MarshalJSON writes null for a number that is not finite.
func (r Result) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(r) }

// UnmarshalJSON reads null as NaN.
func (r *Result) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, r) }

// Step is one update.
type Step struct {
	N            int     `json:"n"`       // from 1
	Updates      int     `json:"updates"` // how many updates this step covers: 1, or more with Strides
	Epoch        int     `json:"epoch"`   // from 1
	Rows         int     `json:"rows"`    // of its batch
	Row          int     `json:"row"`     // per-sample and stochastic: the sample's row
	Loss         float64 `json:"loss"`    // of the batch, before the update, reduced as in the configuration
	LearningRate float64 `json:"rate"`

	// GradientNorm is the length of the gradient of the batch's loss and the penalty, over all
	// parameters that are not frozen, before clipping. It is 0 with a solver and unless
	// Config.GradientNorm asks for it.
	GradientNorm float64 `json:"gradient_norm,omitempty"`

	EpochEnd   bool    `json:"epoch_end"`  // this is the epoch's last update; the following are set only then
	EpochLoss  float64 `json:"epoch_loss"` // row-weighted mean of the epoch's batch losses
	Validation float64 `json:"validation"` // the loss over the validation rows; NaN without any
	Score      float64 `json:"score"`      // what decides Best: Validation, or the result of Config.Score
	Best       bool    `json:"best"`       // the best validation score so far

	weight      float64 // of its batch
	evaluations int     // number of evaluations that a solver needed
}

// MarshalJSON writes null for a number that is not finite.
func (s Step) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(s) }

// UnmarshalJSON reads null as NaN.
func (s *Step) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, s) }

// New prepares a run. If a configuration makes no sense for the network, or the data have the
// wrong shape, the error wraps ErrConfig.
func New[T nn.Float](net *nn.Network[T], cfg Config, data Data[T]) (*Trainer[T], error) {
	return newTrainer(net, cfg, data, nil)
}

// newTrainer is New, or with a stream NewStream.
func newTrainer[T nn.Float](net *nn.Network[T], cfg Config, data Data[T], stream *streamRows[T]) (*Trainer[T], error) {
	if net == nil {
		return nil, fmt.Errorf("%w: there is no network to train: the first argument is nil", ErrConfig)
	}
	rows := data.Train.Rows()
	if stream != nil {
		rows = stream.Rows
	}
	cfg, err := resolve(net, cfg, data, rows, stream != nil)
	if err != nil {
		return nil, err
	}
	t := &Trainer[T]{batchSize: cfg.BatchSize, net: net, data: data, bestScore: math.Inf(1), lossAt: -1, whole: cfg.GradientNorm, rows: rows, stream: stream, observer: nobody[T]{}}
	t.back.goodLoss = math.Inf(1)
	cfg.BatchSize = min(cfg.BatchSize, rows)
	if t.lonely, err = cfg.normalize(net.Layers(), rows); err != nil {
		return nil, err
	}
	t.tied = nn.StateCount(net.Layers()...) > 0 && cfg.Shards > 1
	if cfg.Ranks != nil {
		if err := cfg.checkRanks(cfg.BatchSize, cfg.Ranks.Size()); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
	}
	t.cfg, t.course = cfg, newCourse[T](&cfg)
	t.together = newTogether[T](cfg.Ranks, len(net.Params()))
	if stream != nil && stream.all.Rows() > 0 {
		t.whole = true // an update needs the whole gradient
	}
	t.weight = t.all().Weight()
	t.allocate()
	return t, nil
}

// resolve fills the zero fields of a configuration and checks it against the network and the rows.
func resolve[T nn.Float](net *nn.Network[T], cfg Config, data Data[T], rows int, streamed bool) (Config, error) {
	cfg, err := cfg.withDefaults(net.Layer(net.Depth() - 1))
	if err != nil {
		return cfg, err
	}
	if err := cfg.CheckSolver(net.Layers()); err != nil {
		return cfg, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := cfg.checkLayerRates(net.Depth()); err != nil {
		return cfg, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	cfg.LayerRates = slices.Clone(cfg.LayerRates)
	if rows == 0 {
		return cfg, fmt.Errorf("%w: there are no training rows", ErrConfig)
	}
	if rows > math.MaxInt32 && !streamed {
		return cfg, fmt.Errorf("%w: there are %d training rows, and a run in memory has at most %d: train on a part of them, or from a stream", ErrConfig, rows, math.MaxInt32)
	}
	if streamed {
		cfg.NoShuffle = true
	} else if err := checkRows("training", net, cfg.Loss, data.Train); err != nil {
		return cfg, err
	}
	if data.Validation.Rows() > 0 {
		if err := checkRows("validation", net, cfg.Loss, data.Validation); err != nil {
			return cfg, err
		}
	}
	if cfg.Method == Batch {
		cfg.BatchSize = rows
	} else if cfg.Method.OneRow() {
		cfg.BatchSize = 1
	}
	return cfg, nil
}

// checkRows is checkSet for a set that must have a row with a weight above 0.
func checkRows[T nn.Float](name string, net *nn.Network[T], loss nn.Loss, s Set[T]) error {
	if err := checkSet(name, net, loss, s); err != nil {
		return err
	}
	if s.Weight() == 0 {
		return fmt.Errorf("%w: the weights of all %d %s rows are 0", ErrConfig, s.Rows(), name)
	}
	return nil
}

// allocate allocates all memory that training needs, so that a step allocates nothing.
func (t *Trainer[T]) allocate() {
	net, cfg, validation := t.net, &t.cfg, t.data.Validation
	params, values := len(net.Params()), len(net.Values())
	most := cfg.BatchSize + t.lonely // rows in a batch
	pass := cfg.shardRows(most)
	if t.tied {
		pass = most
	}
	hands := func() (h hand[T]) {
		h.tape = net.NewTape(max(pass, min(256, max(t.rows, validation.Rows()))))
		if t.data.Train.Packed.parts != nil || validation.Packed.parts != nil {
			h.room = nn.NewMatrix[T](h.tape.MaxRows(), net.Inputs())
		}
		return h
	}
	t.crew = newCrew(hands)
	t.tape, t.room = t.crew.hand[0].tape, t.crew.hand[0].room
	t.latest = t.tape
	t.grad, t.tree, t.fold = make([]T, params), &tree[T]{params: params}, newFold[T]()
	t.losses = make([]float64, 0, cfg.shards(most))
	t.slots = make([][]T, cfg.Slots())
	for i := range t.slots {
		t.slots[i] = make([]T, params)
	}
	if cfg.Solver != nil {
		t.numbers = make([]float64, cfg.Solver.Numbers())
	} else if optim.Separable(cfg.Optimizer) {
		t.parts = make([][][]T, net.Parts())
		for i := range t.parts {
			from, to := net.Part(i)
			t.parts[i] = append(t.parts[i], net.Params()[from:to])
			for _, s := range t.slots {
				t.parts[i] = append(t.parts[i], s[from:to])
			}
		}
	}
	t.good = make([]T, values)
	t.tiny = newTiny(net, cfg, t.data.Train)
	t.data.Train.Y = Smoothed(t.data.Train.Y, cfg.LabelSmoothing, cfg.Loss)
	if cfg.EMA > 0 {
		t.average = net.Clone()
		clear(t.average.Values())
	}
	if cfg.MaxNorm > 0 {
		for l := range net.Depth() {
			t.norms = append(t.norms, make([]float64, max(0, net.Layer(l).Units-len(t.norms)))...)
		}
	}
	if cfg.shuffles() {
		t.order = make([]int32, t.rows)
		t.gather = newGather(most, t.data.Train, t.crew)
	}
	if s := t.stream; s != nil {
		if s.all.Rows() > 0 { // they are read a shard at a time, or as many as the tape takes
			most = t.tape.MaxRows()
		}
		s.batch = Set[T]{X: nn.NewMatrix[T](most, net.Inputs()), Y: nn.NewMatrix[T](most, net.Outputs()), W: make([]float64, most)}
		s.check = func(set Set[T]) error { return checkSet("stream's", net, cfg.Loss, set) }
		s.smooth = func(y nn.Matrix[T]) { smooth(y, y, cfg.LabelSmoothing, cfg.Loss) }
	}
	if n := validation.Rows(); n > 0 && (cfg.Score != nil || validation.Parts != nil) {
		t.out = make([]float64, n*net.Outputs())
		t.cross = newCrossFit(validation, net.Outputs())
	}
	if cfg.KeepBest && validation.Rows() > 0 {
		t.best = make([]T, values)
	}
}

func checkSet[T nn.Float](what string, net *nn.Network[T], loss nn.Loss, s Set[T]) error {
	for i, m := range []nn.Matrix[T]{s.X, s.Y} {
		if err := m.Validate(); err != nil {
			return fmt.Errorf("%w: the %s of the %s rows: %w", ErrConfig, [2]string{"inputs", "targets"}[i], what, err)
		}
	}
	switch {
	case s.Packed.parts != nil && s.X.Rows > 0:
		return fmt.Errorf("%w: the %s rows have inputs in X and packed ones: give one of the two", ErrConfig, what)
	case s.Cols() != net.Inputs():
		return fmt.Errorf("%w: the %s rows have %d inputs, the network %d", ErrConfig, what, s.Cols(), net.Inputs())
	case s.Y.Cols != net.Outputs():
		return fmt.Errorf("%w: the %s rows have %d targets, the network %d outputs", ErrConfig, what, s.Y.Cols, net.Outputs())
	case s.Rows() != s.Y.Rows:
		return fmt.Errorf("%w: there are %d %s rows of inputs and %d of targets", ErrConfig, s.Rows(), what, s.Y.Rows)
	case s.W != nil && len(s.W) != s.Rows():
		return fmt.Errorf("%w: there are %d %s rows and %d weights", ErrConfig, s.Rows(), what, len(s.W))
	}
	if err := checkParts(what, s); err != nil {
		return err
	}
	for i, w := range s.W {
		if !(w >= 0) || math.IsInf(w, 1) {
			return fmt.Errorf("%w: %s row %d: the weight is %v; it must be finite and at least 0", ErrConfig, what, i, w)
		}
	}
	room := nn.NewMatrix[T](1, s.Cols())
	for i := range s.Rows() {
		for j, v := range s.Inputs(i, i+1, room).Row(0) {
			if v-v != 0 {
				return fmt.Errorf("%w: %s row %d: input %d is %v, not a finite number", ErrConfig, what, i, j, v)
			}
		}
		for _, v := range s.Y.Row(i) {
			if err := nn.CheckTarget(loss, float64(v)); err != nil {
				return fmt.Errorf("%w: %s row %d: %w", ErrConfig, what, i, err)
			}
		}
	}
	return nil
}

// shuffles reports whether batches must be gathered.
func (c *Config) shuffles() bool { return !c.NoShuffle && c.Method != Batch }

// Config returns the configuration with its defaults filled in.
func (t *Trainer[T]) Config() Config { return t.cfg }

// Network returns the network in training. While the loop can be continued, it has the
// parameters that the next update changes, even if the run keeps their running average.
func (t *Trainer[T]) Network() *nn.Network[T] { return t.net }

// judged returns the network by which the run is judged: the running average, if one is kept. A
// run that has ended has copied its final values into net.
func (t *Trainer[T]) judged() *nn.Network[T] {
	if t.average == nil || t.finished || t.result.Steps == 0 {
		return t.net
	}
	return t.average
}

// averaged returns the running average of the network's values, or nil if none is kept.
func (t *Trainer[T]) averaged() []T {
	if t.average == nil {
		return nil
	}
	return t.average.Values()
}

// Run trains until a criterion fires, the epochs are used up or ctx ends. When ctx ends, the
// result has the work so far, and the error wraps ErrInterrupted and what ended ctx. Calling
// Run again continues. A run that diverges returns its result and a *DivergedError.
func (t *Trainer[T]) Run(ctx context.Context) (Result, error) {
	var failed error
	t.run(ctx, tinyMost, func(_ Step, err error) bool {
		failed = err
		return true
	})
	return t.Result(), failed
}

// Result returns the outcome of the run so far. It is a copy and does not change as the run continues.
func (t *Trainer[T]) Result() Result {
	r := t.result
	r.Epochs = t.epoch
	r.Seconds = t.Elapsed().Seconds()
	if t.together != nil {
		r.Exchange = t.together.spent.Seconds()
		r.ExchangeShare = r.Exchange / max(1e-9, (t.Elapsed()-t.together.before).Seconds())
	}
	r.BestEpoch, r.BestScore, r.CrossFittedScore = t.bestEpoch, t.bestScore, t.crossFittedScore()
	r.Loss = t.FullLoss()
	r.History, r.Samples, r.Retreats = t.History(), slices.Clone(r.Samples), t.Retreats()
	return r
}

// keepBest gives the network its final values: the weights with the best validation score, if the
// run keeps them, or the running average, if it keeps that.
func (t *Trainer[T]) keepBest() {
	if t.average != nil {
		copy(t.good, t.net.Values()) // More continues from these
		copy(t.net.Values(), t.average.Values())
	}
	if t.best != nil && t.bestEpoch > 0 {
		copy(t.net.Values(), t.best)
		if t.bestEpoch < t.epoch { // otherwise these are the weights whose loss was computed
			t.lossAt = -1
		}
	}
}

// BestNetwork returns a copy of the network with the weights that the run would end with now: those with
// the best validation score so far, with KeepBest, or the running average, with EMA, or the current ones.
func (t *Trainer[T]) BestNetwork() *nn.Network[T] {
	n := t.judged().Clone()
	if t.best != nil && t.bestEpoch > 0 {
		copy(n.Values(), t.best)
	}
	return n
}

// Epoch returns the number of epochs done.
func (t *Trainer[T]) Epoch() int { return t.epoch }

// Elapsed returns the time spent in the loop.
func (t *Trainer[T]) Elapsed() time.Duration {
	if t.since.IsZero() {
		return t.elapsed
	}
	return t.elapsed + time.Since(t.since)
}

// History returns a copy of the course of the run so far.
func (t *Trainer[T]) History() History { return slices.Clone(t.result.History) }

// Retreats returns every return to an earlier epoch with half the rate, as a copy.
func (t *Trainer[T]) Retreats() []Retreat { return slices.Clone(t.result.Retreats) }

// EpochLoss returns the row-weighted mean of the last epoch's batch losses, each before its
// update.
func (t *Trainer[T]) EpochLoss() float64 { return t.epochLoss }

// SinceBest returns the number of epochs since the best validation score so far.
func (t *Trainer[T]) SinceBest() int {
	if t.data.Validation.Rows() == 0 {
		return 0
	}
	return t.epoch - t.bestEpoch
}

// FullLoss returns the loss over all training rows with the current weights, or with their running average if one is
// kept. It is reduced as in the configuration and computed as in inference: with dropout or batch normalization it
// differs from the loss of the steps. For a stream it is EpochLoss, unless updates look at all rows and the stream does not fail. It
// is computed at most once per update.
func (t *Trainer[T]) FullLoss() float64 { return t.fullLossOn(nil) }

// fullLossOn is FullLoss with the rows divided among the ranks g, all of which call it, or in this process alone if g is nil.
func (t *Trainer[T]) fullLossOn(g *together[T]) float64 {
	if t.stream != nil && t.stream.all.Rows() == 0 {
		if t.epoch == 0 || !kernel.AllFinite(t.judged().Values()) {
			return math.NaN()
		}
		return t.epochLoss
	}
	if t.lossAt != t.result.Steps {
		all := t.all()
		loss := t.lossOf(all, nil, nil, g) * t.cfg.Reduction.Scale(all.Rows(), all.W)
		t.stream.close()
		if t.stream.failed() != nil { // the next update tells the error
			return t.epochLoss
		}
		t.fullLoss = loss
		t.lossAt = t.result.Steps
	}
	return t.fullLoss
}

// all returns all training rows. Those of a stream have no numbers: see slice.
func (t *Trainer[T]) all() Set[T] {
	if t.stream != nil {
		return t.stream.all
	}
	return t.data.Train
}

// Within reports whether every output of every training row is within 1e-8 + r·|output| of its target, with the
// weights of FullLoss. Rows of weight 0 do not count. For a stream, whose rows are not in memory, it is false.
func (t *Trainer[T]) Within(r float64) bool {
	return t.stream == nil && t.rowsWithin(t.judged(), 0, t.data.Train.Rows(), r)
}

// rowsWithin is Within for the training rows from (inclusive) to to (exclusive) and the given network.
func (t *Trainer[T]) rowsWithin(net *nn.Network[T], from, to int, r float64) bool {
	for ; from < to; from += t.tape.MaxRows() {
		n := min(from+t.tape.MaxRows(), to)
		out := net.Forward(t.tape, t.data.Train.Feed(t.tape, from, n, t.room))
		for i := range out.Rows {
			if w := t.data.Train.W; w != nil && w[from+i] == 0 {
				continue
			}
			y := t.data.Train.Y.Row(from + i)
			for j, a := range out.Row(i) {
				if !within(float64(y[j]), float64(a), r) {
					return false
				}
			}
		}
	}
	return true
}

// lossOf returns the sum of the losses over the rows of s, each times the row's weight. It sets out to the rows' outputs, and
// losses to those products, unless they are nil. The rows are taken in parts, which are divided among the ranks g, if there are any. The losses of the
// parts are added in their order. If the ranks cannot reach each other, it sets g.err and returns NaN.
func (t *Trainer[T]) lossOf(s Set[T], out, losses []float64, g *together[T]) (sum float64) {
	net, most := t.judged(), t.tape.MaxRows()
	parts := (s.Rows() + most - 1) / most
	t.losses = slices.Grow(t.losses[:0], parts)[:parts]
	first, end := g.ownParts(parts)
	t.crew.each(end-first, t.apart((end-first)*most), func(h *hand[T], i int) {
		i += first
		part := t.slice(s, i*most, min((i+1)*most, s.Rows()))
		if i == parts-1 {
			t.latest = h.tape
		}
		y := net.Forward(h.tape, part.Feed(h.tape, 0, part.Rows(), h.room))
		if out != nil {
			y.Float64s(out[i*most*y.Cols:])
		}
		h.tape.UseWeights(part.W)
		t.losses[i] = net.Loss(h.tape, t.cfg.Loss, part.Y)
		if losses != nil {
			net.RowLosses(h.tape, t.cfg.Loss, part.Y, losses[i*most:])
		}
	})
	g.complete(t.losses, parts, 1)
	g.complete(losses, parts, most)
	g.complete(out, parts, most*net.Outputs())
	if g.failed() != nil {
		return math.NaN()
	}
	for _, l := range t.losses {
		sum += l
	}
	return sum
}

// validate returns the loss over the validation rows and the score that chooses the epoch.
func (t *Trainer[T]) validate() (loss, score float64) {
	loss = t.lossOf(t.data.Validation, t.out, t.cross.losses, t.together) / t.data.Validation.Weight()
	if t.cfg.Score == nil || loss-loss != 0 {
		return loss, loss
	}
	return loss, t.cfg.Score(t.out)
}
