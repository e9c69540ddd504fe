package model

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// Options is what to train and how. Names and defaults are those of the command line's
// flags; the zero value of a field is its default, and a pointer is nil for "not given". One default
// differs: Seed is 0, and the command line's --seed is 1, so that Options{Seed: 1} trains what
// gradus train does.
type Options struct {
	// The table.
	Targets []string             `json:"target,omitempty"` // default: the last column
	Task    data.Task            `json:"task,omitempty"`   // default: auto
	Types   map[string]data.Kind `json:"types,omitempty"`
	Ignore  []string             `json:"ignore,omitempty"`
	Scale   data.Scaling         `json:"scale,omitempty"` // default: auto

	// How its cells are written; see data.SchemaOptions.
	Missing    []string          `json:"missing,omitempty"`
	Decimal    string            `json:"decimal,omitempty"`
	DateFormat map[string]string `json:"date_format,omitempty"`

	Positive string `json:"positive,omitempty"` // of two classes the positive one; default: the second

	// Recipe says what is taken for layers, activation and scaling that are left open: auto, plain or
	// wide; see choose for which auto is.
	Recipe string `json:"recipe,omitempty"`

	// The network.
	Hidden           []int  `json:"hidden"` // nil: by the recipe; empty: none
	Activation       string `json:"activation,omitempty"`
	OutputActivation string `json:"output_activation,omitempty"`
	NoBias           bool   `json:"no_bias,omitempty"`
	Init             string `json:"init,omitempty"`
	Norm             string `json:"norm,omitempty"` // of the hidden layers: none, batch or layer

	// The share of what a layer sees that training sets to 0.
	Dropout      float64 `json:"dropout,omitempty"`       // of the hidden units
	InputDropout float64 `json:"input_dropout,omitempty"` // of the inputs

	Precision string `json:"precision,omitempty"` // float32 or float64

	// The loss.
	Loss      string `json:"loss,omitempty"`
	Reduction string `json:"reduction,omitempty"`

	// The descent.
	// Optimizer auto is AdamW as autoOptimizer has it, and Schedule auto is then cosine, unless a
	// tolerance or a loss to reach is asked for; behind any other optimizer it is constant.
	Method       string   `json:"method,omitempty"`
	BatchSize    int      `json:"batch_size,omitempty"` // 0: by the number of rows
	Optimizer    string   `json:"optimizer,omitempty"`
	LearningRate *float64 `json:"lr,omitempty"`
	Momentum     *float64 `json:"momentum,omitempty"`
	Beta1        *float64 `json:"beta1,omitempty"`
	Beta2        *float64 `json:"beta2,omitempty"`
	Epsilon      *float64 `json:"epsilon,omitempty"`
	WeightDecay  *float64 `json:"weight_decay,omitempty"` // decoupled: adamw's own, or the trainer's
	Schedule     string   `json:"schedule,omitempty"`
	Warmup       int      `json:"warmup,omitempty"` // epochs

	// What else is done to gradients, weights and targets; 0 is none of it. See train.Config.
	L1             float64 `json:"l1,omitempty"`
	L2             float64 `json:"l2,omitempty"`
	MaxNorm        float64 `json:"max_norm,omitempty"`
	ClipNorm       float64 `json:"clip_norm,omitempty"`
	ClipValue      float64 `json:"clip_value,omitempty"`
	EMA            float64 `json:"ema,omitempty"`
	LabelSmoothing float64 `json:"label_smoothing,omitempty"`

	// Members makes the model an ensemble of so many networks, whose predictions it averages; 0 and 1
	// are one network, AutoMembers as many as gradus train has by default. See Fit.Members for which rows
	// each is trained on.
	Members int `json:"members,omitempty"`

	// BlockRows and BufferBlocks shuffle in two steps, as a run does whose rows do not fit in memory: blocks of
	// so many rows come in an order of chance, and so many of them at a time are shuffled together. 0
	// for both: all rows are shuffled together, if they fit; for one: by the width of a row.
	BlockRows    int `json:"block_rows,omitempty"`
	BufferBlocks int `json:"buffer_blocks,omitempty"`

	NoShuffle bool   `json:"no_shuffle,omitempty"`
	Shards    int    `json:"shards,omitempty"`
	Threads   int    `json:"threads,omitempty"` // changes no bit of the result
	Seed      uint64 `json:"seed"`              // any number, 0 too; the command line has 1 by default

	// The end.
	Epochs     int           `json:"epochs,omitempty"`   // 0: by the number of rows
	MaxTime    time.Duration `json:"max_time,omitempty"` // nanoseconds in JSON
	Tolerance  *float64      `json:"tolerance,omitempty"`
	TargetLoss *float64      `json:"target_loss,omitempty"`
	Patience   *int          `json:"patience,omitempty"` // 0: off; default half the epochs
	MinDelta   float64       `json:"min_delta,omitempty"`

	OnDivergence string `json:"on_divergence,omitempty"` // stop or halve-lr; default: stop

	// The rows held out: nil is the default (see DefaultValidation), 0 is none.
	Validation *float64 `json:"validation,omitempty"`
	Test       *float64 `json:"test,omitempty"`

	// What rows are worth and which of them stay together.
	SampleWeight string   `json:"sample_weight,omitempty"` // a column of weights; it is no input
	ClassWeight  []string `json:"class_weight,omitempty"`  // balanced, or CLASS=X for some
	Split        string   `json:"split,omitempty"`         // random (default), or time:COL: the last rows are held out
	Group        string   `json:"group,omitempty"`         // a column whose equal cells stay together; it is no input

	// How predictions are scored.
	Metrics   []string `json:"metric,omitempty"`    // of reports; the first one chooses the epoch instead of the loss
	Calibrate bool     `json:"calibrate,omitempty"` // of classes: divide the logits by the temperature that suits the validation rows
	// Shrink moves a model towards a guess that never looks at the inputs, where rows that trained nothing are
	// told worse than by that guess; see Shrinkage.
	Shrink    bool   `json:"shrink,omitempty"`
	Threshold string `json:"threshold,omitempty"` // of two classes: a number (default 0.5), or auto:METRIC

	// Custom parts that names may refer to.
	Custom Custom `json:"-"`

	// Stage, if not nil, is told what Prepare is about to do: "types", "scales" or "encoding".
	// The folds of a CrossValidate call it at the same time.
	Stage func(what string) `json:"-"`

	// Encoded, if not nil, is told how many of the training rows have been encoded and written to the disk, where
	// they do not fit in memory.
	Encoded func(rows, of int) `json:"-"`

	// Ranks, if not nil, are the processes that train the network together: see train.Config.Ranks. An
	// ensemble is not trained so.
	Ranks train.Ranks `json:"-"`

	// Elsewhere, if not nil, has fold i of a CrossValidate, or member i of an ensemble, trained on another
	// machine, and returns what TrainFold or TrainMember with the same tables and options came to there.
	// All are asked for at the same time. One network does not call it.
	Elsewhere func(ctx context.Context, i int) (*FoldRun, error) `json:"-"`

	// Refuse, if not nil, is asked before the rows are encoded and the network is made; what it
	// returns is what Prepare returns.
	Refuse func(Size) error `json:"-"`
}

// Size is how large a run is.
type Size struct {
	Parameters int
	Inputs     int // encoded
	Outputs    int
	Rows       int // of training, validation and test
	Training   int // rows of training
	Batch      int // rows of an update
}

// Custom holds implementations of one's own, found by their String.
type Custom struct {
	Activations []nn.Activation
	Losses      []nn.Loss
	Optimizers  []optim.Optimizer
	Schedules   []optim.Schedule
}

// add adds those of another.
func (c *Custom) add(o Custom) {
	c.Activations = append(c.Activations, o.Activations...)
	c.Losses = append(c.Losses, o.Losses...)
	c.Optimizers = append(c.Optimizers, o.Optimizers...)
	c.Schedules = append(c.Schedules, o.Schedules...)
}

// The defaults of the command line that are not simply a name.
const (
	DefaultValidation = 0.15 // of the rows that are not for testing
	halvings          = 10   // of the rate, at most, with halve-lr
	FewRows           = 50   // with fewer rows, none is held out for validation by default
)

// defaultHidden is the hidden layers of a network when none are asked for.
func defaultHidden() []int { return []int{64, 64} }

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// recipe is Options with every name resolved for one task.
type recipe struct {
	task     data.Task
	layers   []nn.Dense
	loss     nn.Loss
	config   train.Config
	scaleY   bool
	patience int

	balanced    bool      // classWeight follows from the training rows
	classWeight []float64 // of each class; nil for ones
	threshold   float64
	thresholdBy string // the metric that chooses it, or ""
}

// Validate refuses options that no table suits: names that are not known, numbers out of range, and
// what does not go together. Prepare calls it first; what depends on the table is refused there.
func (o Options) Validate() error {
	switch {
	case o.Members < AutoMembers:
		return refuse("Members", o.Members, "give a whole number of at least 1")
	case !slices.Contains([]string{"", RecipeAuto, RecipePlain, RecipeWide}, o.Recipe):
		return refuse("Recipe", o.Recipe, "choose auto, plain or wide")
	case !slices.Contains([]string{"", ".", ","}, o.Decimal):
		return refuse("Decimal", o.Decimal, "give . or ,")
	case o.timeColumn() == "" && or(o.Split, "random") != "random":
		return refuse("Split", o.Split, "give random, which spreads classes evenly, or time:COL with a column of numbers or dates")
	case o.timeColumn() != "" && o.Group != "":
		return refuse("Group", nil, "rows are held out by groups or by time, not both: leave out one of the two")
	}
	var r recipe
	out, err := o.hidden(&r)
	if err != nil {
		return err
	}
	r.layers = append(r.layers, out)
	return o.descent(&r)
}

// resolve reads the names for a task with that many outputs.
func (o *Options) resolve(task data.Task, outputs int) (recipe, error) {
	r := recipe{task: task}
	out, err := o.hidden(&r)
	if err != nil {
		return r, err
	}
	out.Units = outputs
	if out.Activation, err = o.output(task); err != nil {
		return r, err
	}
	if r.loss, err = o.loss(task, out.Activation); err != nil {
		return r, err
	}
	if err := nn.Compatible(r.loss, out.Activation, outputs); err != nil {
		return r, refuse("Loss", nil, "%w", err)
	}
	if o.LabelSmoothing > 0 && !nn.Facts(r.loss).Shares {
		return r, refuse("LabelSmoothing", nil, "it is for the losses cross-entropy and binary-cross-entropy, and the loss is %s", r.loss)
	}
	r.layers = append(r.layers, out)
	r.scaleY = task == data.Regression && out.Activation == nn.Identity && o.Scale != data.ScaleNone
	return r, o.descent(&r)
}

// hidden reads the hidden layers, and what of the last layer depends on no task.
func (o *Options) hidden(r *recipe) (out nn.Dense, err error) {
	activation, err := nn.ParseActivation(or(o.Activation, "relu"), o.Custom.Activations...)
	if err != nil {
		return out, refuse("Activation", nil, "%w", err)
	}
	if activation == nn.Softmax {
		return out, refuse("Activation", nil, "softmax belongs to the output layer")
	}
	init, err := nn.ParseInit(or(o.Init, "auto"))
	if err != nil {
		return out, refuse("Init", nil, "%w", err)
	}
	sizes := o.Hidden
	if sizes == nil {
		sizes = defaultHidden()
	}
	norm, err := o.regular(len(sizes))
	if err != nil {
		return out, err
	}
	drop := o.InputDropout // of what the next layer sees
	for _, units := range sizes {
		if units < 1 {
			return out, refuse("Hidden", nil, "a layer cannot have %d units; give whole numbers of at least 1, or 0 alone for no hidden layer", units)
		}
		r.layers = append(r.layers, nn.Dense{
			Units: units, Activation: activation, Init: init, Norm: norm, Dropout: drop,
			NoBias: o.NoBias || norm == nn.BatchNorm, // its beta is one
		})
		drop = o.Dropout
	}
	return nn.Dense{NoBias: o.NoBias, Init: init, Dropout: drop}, nil
}

// normed refuses a descent in which batch normalization has too few rows.
func normed(r *recipe) error {
	if nn.StateCount(r.layers...) == 0 {
		return nil
	}
	switch c := &r.config; {
	case c.Method == train.Stochastic || c.Method == train.PerSample:
		return refuse("Norm", nil, "batch normalization needs at least 2 rows in a batch, and with the method %s it has 1; use mini-batch, or the norm layer", c.Method)
	case c.Method == train.MiniBatch && c.BatchSize == 1:
		return refuse("Norm", nil, "batch normalization needs at least 2 rows in a batch, and the batch size is 1; make that larger, or use the norm layer")
	case c.Shards > 1:
		return refuse("Norm", nil, "batch normalization takes its statistics over the whole batch, which %d shards would cut; leave those out, or use the norm layer", c.Shards)
	}
	return nil
}

// regular reads the norm and checks the dropout of a network of that many hidden layers.
func (o *Options) regular(hidden int) (nn.Norm, error) {
	norm, err := nn.ParseNorm(or(o.Norm, "none"))
	if err != nil {
		return norm, refuse("Norm", nil, "%w", err)
	}
	if hidden == 0 && norm != nn.NoNorm {
		return norm, refuse("Norm", nil, "there is no hidden layer to normalize; leave it none, or give hidden layers")
	}
	if hidden == 0 && o.Dropout != 0 {
		return norm, refuse("Dropout", nil, "there is no hidden layer whose units could be dropped; leave it 0, or give hidden layers")
	}
	for _, f := range []struct {
		option string
		share  float64
	}{{"Dropout", o.Dropout}, {"InputDropout", o.InputDropout}} {
		if !(f.share >= 0 && f.share < 1) {
			return norm, refuse(f.option, f.share, "give a number of at least 0 and less than 1, such as 0.2")
		}
	}
	return norm, nil
}

// output chooses the activation of the output layer.
func (o *Options) output(task data.Task) (nn.Activation, error) {
	if name := or(o.OutputActivation, "auto"); name != "auto" {
		out, err := nn.ParseActivation(name, o.Custom.Activations...)
		if err != nil {
			return nil, refuse("OutputActivation", nil, "%w", err)
		}
		if !outputFits(task, out, o.Loss == nn.Hinge.String()) {
			can := "sigmoid"
			if task == data.Multiclass {
				can = "softmax or sigmoid"
			}
			return nil, refuse("OutputActivation", nil, "the outputs of %s classification are probabilities, and %s gives none: use %s", task, name, can)
		}
		return out, nil
	}
	usual := usualOutput(o.named())
	switch {
	case usual == nn.Identity:
		return usual, nil
	case task == data.Binary || task == data.Multilabel:
		return nn.Sigmoid, nil
	case task == data.Multiclass:
		return nn.Softmax, nil
	case usual != nil && usual != nn.Softmax: // of classes, which numbers are not
		return usual, nil
	}
	return nn.Identity, nil
}

// named is the loss that is asked for; nil where none is, or it cannot be read, which is said elsewhere.
func (o *Options) named() nn.Loss {
	loss, err := nn.ParseLoss(o.Loss, o.Custom.Losses...)
	if err != nil {
		return nil
	}
	return loss
}

// usualOutput is the activation that the loss is usually behind; nil where it may be behind any.
func usualOutput(loss nn.Loss) nn.Activation {
	if loss == nil {
		return nil
	}
	if all := nn.Facts(loss).Outputs; len(all) > 0 {
		return all[0]
	}
	return nil
}

// outputFits reports whether an output activation gives what a task predicts: classes and
// labels take probabilities, or with hinge the decision values of an identity.
func outputFits(task data.Task, out nn.Activation, hinge bool) bool {
	if hinge && out == nn.Identity {
		return true
	}
	return task == data.Regression || out == nn.Sigmoid || out == nn.Softmax && task == data.Multiclass
}

// loss chooses the loss by the task and the output activation. Behind sigmoid focal is
// binary-focal.
func (o *Options) loss(task data.Task, out nn.Activation) (nn.Loss, error) {
	if name := or(o.Loss, "auto"); name != "auto" {
		if name == nn.Hinge.String() && task != data.Binary && task != data.Multilabel {
			return nil, refuse("Loss", nil, "hinge tells two classes apart, and the task is %s: take auto, or another loss", task)
		}
		usual := usualOutput(o.named())
		if usual == nn.Softmax && task == data.Regression && out != nn.Sigmoid && out != nn.Softmax {
			return nil, refuse("Loss", nil, "%s is for classes, and the task is regression: take auto, or another loss; the task says what the target is", name)
		}
		if usual == nn.Exp && task != data.Regression {
			return nil, refuse("Loss", nil, "%s is of amounts, and the target is of classes (the task is %s): take auto, or another loss, or name another target", name, task)
		}
		if kind, _, _ := strings.Cut(name, ":"); kind == "focal" && out == nn.Sigmoid {
			name = "binary-" + name
		}
		loss, err := nn.ParseLoss(name, o.Custom.Losses...)
		if err != nil {
			return nil, refuse("Loss", nil, "%w", err)
		}
		return loss, nil
	}
	if task == data.Regression {
		return nn.Squared, nil
	}
	return nn.DefaultLoss(out), nil
}

// descent reads what the trainer needs.
func (o *Options) descent(r *recipe) error {
	var err error
	c := &r.config
	c.Loss, c.NoShuffle, c.Shards, c.Seed, c.MinDelta = r.loss, o.NoShuffle, o.Shards, o.Seed, o.MinDelta
	c.Threads, c.Ranks = o.Threads, o.Ranks
	if c.Reduction, err = nn.ParseReduction(or(o.Reduction, "mean")); err != nil {
		return refuse("Reduction", nil, "%w", err)
	}
	auto, method, err := o.optimizer(r)
	if err != nil {
		return err
	}
	if err := o.shape(c); err != nil {
		return err
	}
	if err := o.rate(c, auto); err != nil {
		return err
	}
	if err := o.extent(r, method); err != nil {
		return err
	}
	if err := o.stops(r); err != nil {
		return err
	}
	if err := o.checkShares(); err != nil {
		return err
	}
	if err := o.checkBlocks(c); err != nil {
		return err
	}
	return normed(r)
}

// optimizer reads the optimizer or the solver, with the learning rate and the method that it has by default; auto tells that
// nobody named it.
func (o *Options) optimizer(r *recipe) (auto bool, method train.Method, err error) {
	c := &r.config
	name := o.Optimizer
	hyper := optim.Hyper{Momentum: o.Momentum, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, WeightDecay: o.WeightDecay}
	c.LearningRate = optim.DefaultLearningRate(name)
	if or(name, "auto") == "auto" {
		auto = true
		name, c.LearningRate = autoOptimizer(r.task, &hyper)
	}
	o.Beta2, o.WeightDecay = hyper.Beta2, hyper.WeightDecay
	method = train.MiniBatch
	if slices.Contains(optim.Solvers(), name) {
		if c.Solver, err = optim.ParseSolver(name); err != nil {
			return auto, method, refuse("Optimizer", nil, "%w", err)
		}
		c.LearningRate, method = 1, train.Batch
		for _, f := range []struct {
			option string
			given  *float64
		}{{"momentum", o.Momentum}, {"beta1", o.Beta1}, {"beta2", o.Beta2}, {"epsilon", o.Epsilon}} {
			if f.given != nil {
				return auto, method, refuse("Optimizer", nil, "the optimizer %s has no %s", name, f.option)
			}
		}
	}
	if name != "adamw" && hyper.WeightDecay != nil { // any optimizer can have it, from the trainer
		c.WeightDecay, hyper.WeightDecay = *hyper.WeightDecay, nil
	}
	if c.Solver == nil {
		if c.Optimizer, err = optim.ParseOptimizer(name, hyper, o.Custom.Optimizers...); err != nil {
			return auto, method, refuse("Optimizer", nil, "%w", err)
		}
	}
	return auto, method, nil
}

// rate reads the learning rate and its schedule, which is a cosine where auto says that the optimizer is the default.
func (o *Options) rate(c *train.Config, auto bool) (err error) {
	if o.LearningRate != nil {
		c.LearningRate = *o.LearningRate
		if !(c.LearningRate > 0) || math.IsInf(c.LearningRate, 0) {
			return refuse("LearningRate", c.LearningRate, "give a finite number greater than 0")
		}
	}
	schedule := or(o.Schedule, "auto")
	if schedule == "auto" {
		schedule = "constant"
		if auto && o.Tolerance == nil && o.TargetLoss == nil && o.Method != string(train.PerSample) {
			schedule = "cosine"
		}
	}
	if c.Schedule, err = optim.ParseSchedule(schedule, o.Custom.Schedules...); err != nil {
		return refuse("Schedule", nil, "%w", err)
	}
	if v, ok := c.Schedule.(interface{ Validate() error }); ok { // a custom one may be wrong
		if err := v.Validate(); err != nil {
			return refuse("Schedule", nil, "%w", err)
		}
	}
	return nil
}

// extent reads the method, and the counts of what is done: warmup, batch, epochs, shards, threads, halvings.
func (o *Options) extent(r *recipe, method train.Method) error {
	c := &r.config
	if c.Warmup = o.Warmup; c.Warmup < 0 {
		return refuse("Warmup", o.Warmup, "give a whole number of at least 0")
	}
	if c.Method = train.Method(o.Method); or(o.Method, "auto") == "auto" {
		c.Method = method
	}
	if !slices.Contains(train.Methods(), string(c.Method)) {
		return refuse("Method", o.Method, "choose one of %s", strings.Join(train.Methods(), ", "))
	}
	if err := c.CheckSolver(r.layers); err != nil {
		return refuse("Optimizer", nil, "%w", err)
	}
	if c.BatchSize = o.BatchSize; c.BatchSize < 0 {
		return refuse("BatchSize", o.BatchSize, "give a whole number of at least 1")
	}
	if c.Epochs = o.Epochs; c.Epochs < 0 {
		return refuse("Epochs", o.Epochs, "give a whole number of at least 1")
	}
	if c.Shards < 0 {
		return refuse("Shards", o.Shards, "give a whole number of at least 1")
	}
	if c.Threads < 0 {
		return refuse("Threads", o.Threads, "give a whole number of at least 1")
	}
	switch or(o.OnDivergence, "stop") {
	case "stop":
	case "halve-lr":
		c.Halvings = halvings
	default:
		return refuse("OnDivergence", o.OnDivergence, "choose stop or halve-lr")
	}
	return nil
}

// stops reads what ends a run before its last epoch.
func (o *Options) stops(r *recipe) error {
	c := &r.config
	var stop train.Any
	if o.Tolerance != nil {
		if !(*o.Tolerance > 0) || math.IsInf(*o.Tolerance, 0) {
			return refuse("Tolerance", *o.Tolerance, "give a finite number greater than 0")
		}
		if c.Method == train.PerSample {
			c.Tolerance = *o.Tolerance
		} else {
			stop = append(stop, train.Tolerance{R: *o.Tolerance})
		}
	}
	if o.TargetLoss != nil {
		if math.IsNaN(*o.TargetLoss) || math.IsInf(*o.TargetLoss, 0) {
			return refuse("TargetLoss", *o.TargetLoss, "give a finite number")
		}
		stop = append(stop, train.TargetLoss{L: *o.TargetLoss})
	}
	if o.MaxTime < 0 {
		return refuse("MaxTime", o.MaxTime, "give a duration such as 30s or 5m")
	}
	if o.MaxTime > 0 {
		stop = append(stop, train.MaxTime{D: o.MaxTime})
	}
	if !(o.MinDelta >= 0) || math.IsInf(o.MinDelta, 0) {
		return refuse("MinDelta", o.MinDelta, "give a finite number of at least 0")
	}
	switch {
	case o.Patience != nil:
		if r.patience = *o.Patience; r.patience < 0 {
			return refuse("Patience", *o.Patience, "give a whole number of epochs, 0 to switch early stopping off")
		}
	case o.Tolerance == nil && o.TargetLoss == nil && c.Method != train.PerSample:
		r.patience = -1 // by the number of epochs, see settle
	}
	c.Stop = stop
	return nil
}

// checkShares checks which parts of the rows are held out, and the precision.
func (o *Options) checkShares() error {
	for _, f := range []struct {
		option string
		value  *float64
	}{{"Validation", o.Validation}, {"Test", o.Test}} {
		if f.value != nil && !(*f.value >= 0 && *f.value < 1) {
			return refuse(f.option, *f.value, "give a part of the rows, at least 0 and less than 1, a file, or none")
		}
	}
	switch o.Precision {
	case "", "float32", "float64":
	default:
		return refuse("Precision", o.Precision, "choose float32 or float64")
	}
	return nil
}

// shape reads what is done to gradients, weights and targets besides applying the optimizer.
func (o *Options) shape(c *train.Config) error {
	for _, f := range []struct {
		option string
		value  float64
		to     *float64
		less   float64 // the value must be less
	}{
		{"L1", o.L1, &c.Penalty.L1, math.Inf(1)}, {"L2", o.L2, &c.Penalty.L2, math.Inf(1)},
		{"WeightDecay", c.WeightDecay, &c.WeightDecay, math.Inf(1)},
		{"MaxNorm", o.MaxNorm, &c.MaxNorm, math.Inf(1)},
		{"ClipNorm", o.ClipNorm, &c.ClipNorm, math.Inf(1)}, {"ClipValue", o.ClipValue, &c.ClipValue, math.Inf(1)},
		{"EMA", o.EMA, &c.EMA, 1}, {"LabelSmoothing", o.LabelSmoothing, &c.LabelSmoothing, 1},
	} {
		if !(f.value >= 0 && f.value < f.less) {
			expected := "a finite number of at least 0"
			if f.less == 1 {
				expected = "at least 0 and less than 1"
			}
			return refuse(f.option, f.value, "give %s, 0 for none", expected)
		}
		*f.to = f.value
	}
	return nil
}

// ParseHidden reads "64,64"; "0" and "" are no hidden layer.
func ParseHidden(s string) ([]int, error) {
	out := []int{}
	if s == "0" || s == "" {
		return out, nil
	}
	for _, part := range strings.Split(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a layer's number of units; give whole numbers of at least 1 such as 64,64, or 0 alone for no hidden layer", part)
		}
		out = append(out, n)
	}
	return out, nil
}
