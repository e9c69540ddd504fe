package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// ErrConfig is wrapped by every error about a Config.
var ErrConfig = errors.New("training configuration")

// Method says how many rows an update uses.
type Method string

const (
	// Batch makes one update per epoch, from all rows in their own order.
	Batch Method = "batch"
	// Stochastic makes one update per row, in an order shuffled every epoch.
	Stochastic Method = "stochastic"
	// MiniBatch makes one update per BatchSize rows, in an order shuffled every epoch. The last
	// batch is smaller if BatchSize does not divide the number of rows.
	MiniBatch Method = "mini-batch"
	// PerSample trains on one sample until its outputs are within Tolerance or it has had Epochs
	// updates, then on the next. So it forgets the earlier ones, which Stochastic avoids. The order
	// of the samples is shuffled once.
	PerSample Method = "per-sample"
)

// OneRow reports whether every update uses one row.
func (m Method) OneRow() bool { return m == Stochastic || m == PerSample }

// AllRows reports whether the run needs all training rows at hand: batch and per-sample descent, and the solvers.
func (c *Config) AllRows() bool {
	return c.Solver != nil || c.Method == Batch || c.Method == PerSample
}

// Methods lists the methods by name.
func Methods() []string {
	return []string{string(Batch), string(Stochastic), string(MiniBatch), string(PerSample)}
}

// Config is what a run does. The zero value of each field is its default.
type Config struct {
	Loss      nn.Loss      // default: squared; cross-entropy after softmax, binary-cross-entropy after sigmoid, poisson after exp
	Reduction nn.Reduction // default: mean over the rows of a batch

	Optimizer    optim.Optimizer // default: adam
	LearningRate float64         // default: optim.DefaultLearningRate of the optimizer
	Schedule     optim.Schedule  // default: constant

	// Solver, if not nil, replaces the optimizer. It is an optimizer for the method batch, which is
	// then the default, and evaluates the loss itself. It finds its own rate; LearningRate, by
	// default 1, is where its search starts.
	Solver optim.Solver
	Warmup int // epochs in which the rate rises to the schedule's first rate, see optim.RateAt

	// The following change gradients and weights besides the optimizer. An update does this, in
	// order: the penalty's gradient is added, every element of the gradient is clipped to
	// ±ClipValue, the whole gradient is clipped to the length ClipNorm, the weights decay, the
	// optimizer is applied, and each unit's incoming weights are limited to the length MaxNorm.
	// 0 turns each of them off.
	Penalty     nn.Penalty // not part of any reported loss
	ClipValue   float64
	ClipNorm    float64 // if the gradient's length |g| is larger, it is multiplied by ClipNorm/|g|; PyTorch adds 1e-6 to |g|
	WeightDecay float64 // decoupled: all parameters times 1 - rate·WeightDecay, as in AdamW, for any optimizer
	MaxNorm     float64 // for every layer: Keras's MaxNorm(axis=0), which adds 1e-7; biases are not counted

	// LayerRates, if not nil, has a factor of the learning rate for each layer: the optimizer and the
	// weight decay use rate·LayerRates[l] for layer l. A layer whose factor is 0 is frozen: the optimizer,
	// penalties, weight decay and MaxNorm do not change it, its running statistics do not move, the
	// optimizer keeps no state for it, and its gradient does not count in ClipNorm. In training, its batch
	// normalization still uses the statistics of the batch.
	LayerRates []float64

	// GradientNorm makes every Step report the length of the gradient. This costs a pass over it.
	GradientNorm bool

	// EMA, for example 0.999, keeps a running average of the network's values (its parameters
	// and the statistics of batch normalization),
	//
	//	average = average + (1-EMA)/(1-EMAⁿ) · (values - average)
	//
	// The validation score and the criteria use the average, and the run ends with it. The division
	// corrects for the start, as Adam's does. PyTorch and Keras have no such correction, so the first
	// parameters count for a long time. The statistics are averaged as by PyTorch's AveragedModel
	// with use_buffers. Keras, and PyTorch without it, keep the statistics of the last parameters,
	// which do not belong to the average.
	EMA float64

	// LabelSmoothing s makes cross-entropy learn y·(1-s) + s/classes, and binary cross-entropy
	// y·(1-s) + s/2, instead of y. It applies to the training rows' loss, not to the validation score.
	LabelSmoothing float64

	Method    Method // default: mini-batch
	BatchSize int    // of mini-batch; default 32; at most the number of rows; at least 2 with nn.BatchNorm
	Epochs    int    // maximum; default 100. With per-sample: maximum for each sample
	NoShuffle bool   // rows in their own order in every epoch
	Shards    int    // number of pieces in which a batch is summed; default ceil(rows in the batch / 1024), with nn.BatchNorm 1
	Seed      uint64
	Threads   int // cores to use, if that pays; default: all. It changes no bit of the result.

	// Ranks, if not nil, are the processes that train this network together, each with the same configuration,
	// data and starting weights. A rank computes the gradient of its part of a batch's shards. The sums are
	// exchanged and added in the order that one process uses, and every rank makes the same update. So the
	// number of ranks changes no bit of the result. There must be at least as many shards as ranks. All ranks
	// enter and leave the loop at the same updates: do not break out of it on only some of them. If the ranks
	// differ or an exchange fails, the loop ends with an error that wraps ErrRanks.
	Ranks Ranks

	Stop Stop // when to end before Epochs; nil: never

	// Tolerance decides when per-sample is done with a sample, as in the Tolerance criterion.
	// The default is 0.001. The other methods take a Tolerance in Stop.
	Tolerance float64

	// Halvings is how often a run may go back when a value stops being finite. It goes back to
	// the beginning of the epoch with the lowest loss so far, with half the rate. After that
	// many times (with 0, the first time) it ends with a DivergedError.
	Halvings int

	// KeepBest ends the run with the weights of the epoch that had the best validation score. A
	// score must be better by MinDelta to count as better.
	KeepBest bool
	MinDelta float64

	// Score, if not nil, computes the score that chooses the epoch, instead of the validation loss. It gets the
	// network's outputs for the validation rows, row by row. A lower score is better, or with Higher a higher one; if
	// two are equal, the one with the lower loss is better. The score decides which weights are kept, so it must be
	// the same on every machine for the same outputs. Score must not keep the slice.
	Score  func(outputs []float64) float64
	Higher bool
}

// checkLayerRates refuses factors that do not fit the network.
func (c *Config) checkLayerRates(depth int) error {
	switch {
	case c.LayerRates == nil:
		return nil
	case len(c.LayerRates) != depth:
		return fmt.Errorf("there are %d layer rates and the network has %d layers; give one factor for each", len(c.LayerRates), depth)
	case c.Solver != nil:
		return fmt.Errorf("%s finds one rate for all parameters, so layers cannot have rates of their own; leave them out, or use another optimizer", c.Solver)
	case !optim.Separable(c.Optimizer):
		return fmt.Errorf("the optimizer %s sees all parameters at once, so layers cannot have rates of their own; give it a method Separable, if it treats every parameter by itself", c.Optimizer)
	}
	trains := false
	for l, f := range c.LayerRates {
		if !(f >= 0) || math.IsInf(f, 0) {
			return fmt.Errorf("the rate's factor of layer %d is %v; it must be a finite number of at least 0", l, f)
		}
		trains = trains || f > 0
	}
	if !trains {
		return errors.New("the rate's factor of every layer is 0, so nothing would train; give one of them a factor greater than 0")
	}
	return nil
}

// layerRate returns the factor of the rate for layer l.
func (c *Config) layerRate(l int) float64 {
	if c.LayerRates == nil {
		return 1
	}
	return c.LayerRates[l]
}

// withDefaults fills the zero fields and checks the rest.
func (c Config) withDefaults(out nn.Dense) (Config, error) {
	if c.Loss == nil {
		c.Loss = nn.DefaultLoss(out.Activation)
	}
	c.Optimizer = c.optimizer()
	c.Schedule = cmp.Or[optim.Schedule](c.Schedule, optim.Constant{})
	rate, method := 0.0, MiniBatch
	if c.Solver != nil {
		rate, method = 1, Batch
	}
	c.LearningRate = cmp.Or(c.LearningRate, rate, optim.DefaultLearningRate(c.Optimizer.String()))
	c.Method = cmp.Or(c.Method, method)
	c.BatchSize = cmp.Or(c.BatchSize, 32)
	c.Epochs = cmp.Or(c.Epochs, 100)
	c.Tolerance = cmp.Or(c.Tolerance, 0.001)
	c.Threads = cmp.Or(c.Threads, runtime.GOMAXPROCS(0))
	return c, c.check(out)
}

// check reports the first field that makes no sense, for a network with that output layer.
func (c *Config) check(out nn.Dense) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
	}
	if err := nn.Compatible(c.Loss, out.Activation, out.Units); err != nil {
		return bad("%w", err)
	}
	if err := c.Optimizer.Validate(); err != nil {
		return bad("%s: %w", c.Optimizer, err)
	}
	if err := validate(c.Schedule); err != nil {
		return bad("%w", err)
	}
	if err := validate(c.Stop); err != nil {
		return bad("%w", err)
	}
	switch {
	case !slices.Contains(Methods(), string(c.Method)):
		return bad("the method %q is not known; choose batch, stochastic, mini-batch or per-sample", c.Method)
	case c.Reduction > nn.Sum:
		return bad("there is no reduction number %d; choose nn.Mean or nn.Sum", c.Reduction)
	case !(c.LearningRate > 0) || math.IsInf(c.LearningRate, 0):
		return bad("the learning rate is %v; it must be a finite number greater than 0", c.LearningRate)
	case c.BatchSize < 1:
		return bad("the batch size is %d; it must be at least 1", c.BatchSize)
	case c.Epochs < 1:
		return bad("the number of epochs is %d; it must be at least 1", c.Epochs)
	case c.Threads < 0:
		return bad("the number of threads is %d; it must be at least 1", c.Threads)
	case c.Shards < 0:
		return bad("the number of shards is %d; it must be at least 1", c.Shards)
	case c.Halvings < 0:
		return bad("the number of halvings is %d; it must be at least 0", c.Halvings)
	case !(c.Tolerance > 0):
		return bad("the tolerance is %v; it must be greater than 0", c.Tolerance)
	case c.Warmup < 0:
		return bad("a warm-up cannot have %d epochs; give a whole number of at least 0", c.Warmup)
	case c.Warmup >= c.Epochs:
		return bad("a warm-up of %d epochs leaves none of the %d to train at the full rate", c.Warmup, c.Epochs)
	case !(c.EMA >= 0 && c.EMA < 1):
		return bad("the running average's factor is %v; it must be at least 0 and less than 1", c.EMA)
	case !(c.LabelSmoothing >= 0 && c.LabelSmoothing < 1):
		return bad("the label smoothing is %v; it must be at least 0 and less than 1", c.LabelSmoothing)
	case c.LabelSmoothing > 0 && !nn.Facts(c.Loss).Shares:
		return bad("label smoothing is for the losses cross-entropy and binary-cross-entropy, and the loss is %s", c.Loss)
	case !(c.MinDelta >= 0):
		return bad("min-delta is %v; it must be at least 0", c.MinDelta)
	}
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"l1", c.Penalty.L1}, {"l2", c.Penalty.L2}, {"weight-decay", c.WeightDecay},
		{"clip-value", c.ClipValue}, {"clip-norm", c.ClipNorm}, {"max-norm", c.MaxNorm},
	} {
		if !(f.value >= 0) || math.IsInf(f.value, 0) {
			return bad("%s is %v; it must be a finite number of at least 0", f.name, f.value)
		}
	}
	return nil
}

// validate calls the Validate method of a part of a configuration, if it has one.
func validate(part any) error {
	if v, ok := part.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// CheckSolver refuses anything that does not work with the solver, if there is one.
func (c *Config) CheckSolver(layers []nn.Dense) error {
	s := c.Solver
	if s == nil {
		return nil
	}
	for l, d := range layers {
		if d.Dropout > 0 {
			return fmt.Errorf("%s needs the same loss whenever it asks for it, and layer %d drops inputs at random; leave dropout out, or use another optimizer", s, l)
		}
		if d.Norm == nn.BatchNorm {
			return fmt.Errorf("%s tries weights that it does not keep, and layer %d would keep running statistics of them; use layer normalization, or another optimizer", s, l)
		}
	}
	const other = "leave it out, or use another optimizer"
	if c.Method != Batch && c.Method != "" {
		return fmt.Errorf("%s looks at all rows in every evaluation of the loss: it goes with the method batch, not %s; use that, or another optimizer", s, c.Method)
	}
	if _, constant := c.Schedule.(optim.Constant); !constant && c.Schedule != nil {
		return fmt.Errorf("%s finds its own rate, and a schedule (%s) would have none to change; %s", s, c.Schedule, other)
	}
	if c.Warmup > 0 {
		return fmt.Errorf("%s finds its own rate, and a warm-up would have none to raise; %s", s, other)
	}
	if c.Penalty.L1 > 0 {
		return fmt.Errorf("%s needs a smooth loss, and l1 has a kink at every weight of 0; use l2, or another optimizer", s)
	}
	for _, given := range []struct {
		name  string
		value float64
	}{{"clip-value", c.ClipValue}, {"clip-norm", c.ClipNorm}, {"weight-decay", c.WeightDecay}, {"max-norm", c.MaxNorm}} {
		if given.value > 0 {
			return fmt.Errorf("%s follows the loss alone, and %s changes steps or weights apart from it; use l2, which is part of the loss, or another optimizer", s, given.name)
		}
	}
	return s.Validate()
}

// shards returns the number of pieces in which a batch with that many rows is summed.
func (c *Config) shards(rows int) int {
	if c.Shards > 0 {
		return min(c.Shards, rows)
	}
	return (rows + 1023) / 1024
}

// shardRows returns the largest number of rows in a shard of a batch with that many rows.
func (c *Config) shardRows(rows int) int {
	if c.Shards > 0 {
		return (rows + c.Shards - 1) / c.Shards
	}
	return min(rows, 1024)
}

// normalize applies the rules of batch normalization, which ties the rows of a batch together:
// the batch has at least 2 rows, and is one shard by default, however large. If the last batch would
// have only one row, that row joins the batch before it, and lonely is 1; otherwise it is 0.
func (c *Config) normalize(layers []nn.Dense, rows int) (lonely int, err error) {
	if nn.StateCount(layers...) == 0 {
		return 0, nil
	}
	const instead = "use layer normalization, which looks at one row at a time"
	switch {
	case rows < 2:
		return 0, fmt.Errorf("%w: batch normalization needs at least 2 rows to train on, and there is 1; %s", ErrConfig, instead)
	case c.BatchSize < 2 && c.Method.OneRow():
		return 0, fmt.Errorf("%w: batch normalization needs at least 2 rows in a batch, and %s descent has 1; use mini-batch, or %s", ErrConfig, c.Method, instead)
	case c.BatchSize < 2:
		return 0, fmt.Errorf("%w: batch normalization needs at least 2 rows in a batch, and the batch size is 1; make it larger, or %s", ErrConfig, instead)
	}
	c.Shards = max(1, c.Shards)
	if rows%c.BatchSize == 1 {
		lonely = 1
	}
	return lonely, nil
}
