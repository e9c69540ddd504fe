package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// ErrConfig is wrapped by every complaint about a Config.
var ErrConfig = errors.New("training configuration")

// Method says how many rows an update looks at.
type Method string

const (
	// Batch makes one update an epoch, from all rows in their own order.
	Batch Method = "batch"
	// Stochastic makes one update a row, in an order shuffled every epoch.
	Stochastic Method = "stochastic"
	// MiniBatch makes one update per BatchSize rows, in an order shuffled every epoch. The
	// last batch is smaller when the rows do not divide.
	MiniBatch Method = "mini-batch"
	// PerSample trains on one sample until that sample is within Tolerance or has had Epochs updates,
	// then on the next, and so forgets the earlier ones: what Stochastic avoids. The samples'
	// order is shuffled once.
	PerSample Method = "per-sample"
)

// Methods lists the methods by name.
func Methods() []string {
	return []string{string(Batch), string(Stochastic), string(MiniBatch), string(PerSample)}
}

// Config is what a run does. The zero value of each field is its default.
type Config struct {
	Loss      nn.Loss      // default: squared; cross-entropy behind softmax, binary-cross-entropy behind sigmoid, poisson behind exp
	Reduction nn.Reduction // default: mean over the rows of a batch

	Optimizer    optim.Optimizer // default: adam
	LearningRate float64         // default: optim.DefaultLearningRate of the optimizer
	Schedule     optim.Schedule  // default: constant

	// Solver, if not nil, takes the place of the optimizer: an optimizer for the method batch, which
	// is then the default, that evaluates the loss itself. It finds its own rate; LearningRate,
	// by default 1, is where it starts to look.
	Solver optim.Solver
	Warmup int // epochs in which the rate rises to the schedule's first, see optim.RateAt

	// What is done to gradients and weights besides. In an update, in this order: the penalty's
	// gradient is added, every element of the gradient is kept within ±ClipValue, the whole
	// within the length ClipNorm, the weights decay, the optimizer is applied, and each unit's
	// incoming weights are kept within the length MaxNorm. 0 is none of it.
	Penalty     nn.Penalty // not part of any loss that is reported
	ClipValue   float64
	ClipNorm    float64 // the gradient is multiplied by ClipNorm/|g| where |g| is larger; PyTorch adds 1e-6 to |g|
	WeightDecay float64 // decoupled: all parameters times 1 - rate·WeightDecay, as AdamW has it, for any optimizer
	MaxNorm     float64 // of every layer: Keras's MaxNorm(axis=0), which adds 1e-7; biases are not counted

	// LayerRates, if not nil, has a factor of the learning rate for each layer: the optimizer and the
	// weight decay take rate·LayerRates[l] for layer l. A layer whose factor is 0 is frozen: neither
	// the optimizer, nor penalties, decay, MaxNorm or running statistics change it, the optimizer remembers
	// nothing of it, and its gradient does not count in ClipNorm. In training, its batch
	// normalization still takes the statistics of the batch.
	LayerRates []float64

	// GradientNorm has every Step say how long the gradient was. It costs a pass over it.
	GradientNorm bool

	// EMA, 0.999 say, has the run keep a running average of the network's values, which are its
	// parameters and the statistics of batch normalization,
	//
	//	average = average + (1-EMA)/(1-EMAⁿ) · (values - average)
	//
	// by which validation rows are scored and criteria judged, and with which the run ends. The
	// division makes up for the start, as Adam's does; PyTorch and Keras have none, and so
	// average the first parameters in for long. The statistics are averaged as by PyTorch's
	// AveragedModel with use_buffers; Keras, and PyTorch without it, keep the statistics of the last
	// parameters, which do not belong to the average.
	EMA float64

	// LabelSmoothing s has cross-entropy learn y·(1-s) + s/classes, and binary cross-entropy
	// y·(1-s) + s/2, in the place of y; so has the training rows' loss, not the validation score.
	LabelSmoothing float64

	Method    Method // default: mini-batch
	BatchSize int    // of mini-batch; default 32; more than the rows there are is clamped to them; 2 at least with nn.BatchNorm
	Epochs    int    // at most; default 100. With per-sample: at most for each sample
	NoShuffle bool   // rows in their own order in every epoch
	Shards    int    // pieces a batch's gradient is summed in; default ceil(rows in the batch / 1024), with nn.BatchNorm 1
	Seed      uint64
	Threads   int // cores to use, where that pays; default: all. It changes no bit of the result.

	// Ranks, if not nil, are the processes that train this network together, each with the same
	// configuration, data and starting weights. A rank computes the gradient of its part of a batch's shards;
	// the sums are exchanged, added as one process adds them, and every rank makes the same update. So the
	// number of ranks changes no bit of the result; there must be as many shards as ranks. All ranks enter and
	// leave the loop at the same updates: it must not be left by break on some of them alone. What differs
	// between the ranks, and an exchange that failed, ends the loop with an error that wraps ErrRanks.
	Ranks Ranks

	Stop Stop // when to end before Epochs; nil: never

	// Tolerance is when per-sample is done with a sample, as for the Tolerance criterion;
	// default 0.001. The other methods take a Tolerance in Stop.
	Tolerance float64

	// Halvings is how often a run in which a value stops being finite goes back to the
	// beginning of the epoch that had the lowest loss so far, with half the rate; then, and
	// with 0 at once, it ends with a DivergedError.
	Halvings int

	// KeepBest ends the run with the weights of the epoch that had the best validation
	// score. MinDelta is by how much a score must be better to count as better.
	KeepBest bool
	MinDelta float64

	// Score, if not nil, makes of the network's outputs for the validation rows, row by row,
	// the score that chooses the epoch, instead of their loss. A lower one is better, with
	// Higher a higher one, and of equal ones that with the lower loss. What it returns decides over weights: it must be the same on every
	// machine for the same outputs. It must not keep the slice.
	Score  func(outputs []float64) float64
	Higher bool
}

// checkLayerRates refuses factors that do not go with the network.
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

// layerRate is the factor of the rate for layer l.
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
	if c.Optimizer == nil {
		c.Optimizer = optim.NewAdam()
	}
	if c.Schedule == nil {
		c.Schedule = optim.Constant{}
	}
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

// check reports the first field that has no meaning, for a network with that output layer.
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
	switch c.Method {
	case Batch, Stochastic, MiniBatch, PerSample:
	default:
		return bad("the method %q is not known; choose batch, stochastic, mini-batch or per-sample", c.Method)
	}
	switch {
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

// validate asks a part of a configuration for what is wrong with it, where it has a method Validate.
func validate(part any) error {
	if v, ok := part.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// CheckSolver refuses what does not go together with the solver, if there is one.
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
	if c.Method != Batch {
		return fmt.Errorf("%s looks at all rows in every evaluation of the loss: it goes with the method batch, not %s; use that, or another optimizer", s, c.Method)
	}
	if _, constant := c.Schedule.(optim.Constant); !constant {
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

// shards returns in how many pieces a batch of that many rows is summed.
func (c *Config) shards(rows int) int {
	if c.Shards > 0 {
		return min(c.Shards, rows)
	}
	return (rows + 1023) / 1024
}

// shardRows is the most rows a shard can have of a batch of that many.
func (c *Config) shardRows(rows int) int {
	if c.Shards > 0 {
		return (rows + c.Shards - 1) / c.Shards
	}
	return min(rows, 1024)
}

// normalize settles what batch normalization asks for, which ties the rows of a batch together:
// the batch is one shard, however large, and has at least 2 rows. A last batch of a single row
// joins the one before it: then lonely is 1, else 0.
func (c *Config) normalize(layers []nn.Dense, rows int) (lonely int, err error) {
	if nn.StateCount(layers...) == 0 {
		return 0, nil
	}
	const instead = "use layer normalization, which looks at one row at a time"
	switch {
	case rows < 2:
		return 0, fmt.Errorf("%w: batch normalization needs at least 2 rows to train on, and there is 1; %s", ErrConfig, instead)
	case c.BatchSize < 2 && (c.Method == Stochastic || c.Method == PerSample):
		return 0, fmt.Errorf("%w: batch normalization needs at least 2 rows in a batch, and %s descent has 1; use mini-batch, or %s", ErrConfig, c.Method, instead)
	case c.BatchSize < 2:
		return 0, fmt.Errorf("%w: batch normalization needs at least 2 rows in a batch, and the batch size is 1; make it larger, or %s", ErrConfig, instead)
	case c.Shards > 1:
		return 0, fmt.Errorf("%w: batch normalization takes its statistics over the whole batch, so the gradient cannot be summed in %d shards; leave shards at 1, or %s", ErrConfig, c.Shards, instead)
	}
	c.Shards = 1
	if rows%c.BatchSize == 1 {
		lonely = 1
	}
	return lonely, nil
}
