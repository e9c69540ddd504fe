package model

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// recipe is Options with every name resolved for one task.
type recipe struct {
	task     data.Task
	layers   []nn.Dense
	loss     nn.Loss
	config   train.Config
	scaleY   bool
	patience int

	balanced    bool      // classWeight is computed from the training rows
	classWeight []float64 // by class; nil for ones
	threshold   float64
	thresholdBy string // the metric that chooses the threshold, or ""
}

// resolve reads the names for a task with the given number of outputs.
func (o *Options) resolve(task data.Task, outputs int) (recipe, error) {
	r := recipe{task: task}
	out, err := o.hidden(&r)
	if err != nil {
		return r, err
	}
	out.Units = o.outputs(outputs)
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
	if err := o.descent(&r); err != nil {
		return r, err
	}
	return r, o.bound(&r)
}

// hidden reads the hidden layers, and the parts of the last layer that do not depend on the task.
func (o *Options) hidden(r *recipe) (out nn.Dense, err error) {
	activation, err := nn.ParseActivation(cmp.Or(o.Activation, "relu"), o.Custom.Activations...)
	if err != nil {
		return out, refuse("Activation", nil, "%w", err)
	}
	if activation == nn.Softmax {
		return out, refuse("Activation", nil, "softmax belongs to the output layer")
	}
	init, err := nn.ParseInit(cmp.Or(o.Init, "auto"))
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
	drop := o.InputDropout // on the input of the next layer
	for _, units := range sizes {
		if units < 1 {
			return out, refuse("Hidden", nil, "a layer cannot have %d units; give whole numbers of at least 1, or 0 alone for no hidden layer", units)
		}
		r.layers = append(r.layers, nn.Dense{
			Units: units, Activation: activation, Init: init, Norm: norm, Dropout: drop,
			NoBias: o.NoBias || norm == nn.BatchNorm, // the norm's beta is a bias
		})
		drop = o.Dropout
	}
	return nn.Dense{NoBias: o.NoBias, Init: init, Dropout: drop}, nil
}

// perSample reports whether the run is per-sample descent. It forgets the earlier samples, so no score chooses its
// weights: by default no rows are held out, the rate stays constant, no patience ends it, and it trains one network.
func (o *Options) perSample() bool { return o.Method == string(train.PerSample) }

// normed refuses a training method in which batch normalization has too few rows.
func normed(r *recipe) error {
	if nn.StateCount(r.layers...) == 0 {
		return nil
	}
	switch c := &r.config; {
	case c.Method.OneRow():
		return refuse("Norm", nil, "batch normalization needs at least 2 rows in a batch, and with the method %s it has 1; use mini-batch, or the norm layer", c.Method)
	case c.Method == train.MiniBatch && c.BatchSize == 1:
		return refuse("Norm", nil, "batch normalization needs at least 2 rows in a batch, and the batch size is 1; make that larger, or use the norm layer")
	}
	return nil
}

// regular reads the norm and checks the dropout of a network with that many hidden layers.
func (o *Options) regular(hidden int) (nn.Norm, error) {
	norm, err := nn.ParseNorm(cmp.Or(o.Norm, "none"))
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
	if name := cmp.Or(o.OutputActivation, "auto"); name != "auto" {
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
	case usual != nil && usual != nn.Softmax: // it is for classes, and numbers are not classes
		return usual, nil
	}
	return nn.Identity, nil
}

// named returns the given loss. It returns nil if none is given or if it is invalid, which is reported
// elsewhere.
func (o *Options) named() nn.Loss {
	loss, err := nn.ParseLoss(o.Loss, o.Custom.Losses...)
	if err != nil {
		return nil
	}
	return loss
}

// usualOutput returns the activation that usually comes before the loss; nil if it may be any.
func usualOutput(loss nn.Loss) nn.Activation {
	if loss == nil {
		return nil
	}
	if all := nn.Facts(loss).Outputs; len(all) > 0 {
		return all[0]
	}
	return nil
}

// outputFits reports whether an output activation gives what a task predicts. Classes and
// labels need probabilities, or with hinge loss the decision values of an identity.
func outputFits(task data.Task, out nn.Activation, hinge bool) bool {
	if hinge && out == nn.Identity {
		return true
	}
	return task == data.Regression || out == nn.Sigmoid || out == nn.Softmax && task == data.Multiclass
}

// loss chooses the loss by the task and the output activation. After sigmoid, focal is
// binary-focal.
func (o *Options) loss(task data.Task, out nn.Activation) (nn.Loss, error) {
	if name := cmp.Or(o.Loss, "auto"); name != "auto" {
		if name == nn.Hinge.String() && task != data.Binary && task != data.Multilabel {
			return nil, refuse("Loss", nil, "hinge tells two classes apart, and the task is %s: take auto, or another loss", task)
		}
		usual := usualOutput(o.named())
		if usual == nn.Softmax && task == data.Regression && out != nn.Sigmoid && out != nn.Softmax {
			return nil, refuse("Loss", nil, "%s is for classes, and the task is regression: take auto, or another loss; the task says what the target is", name)
		}
		if usual == nn.Exp && task != data.Regression {
			return nil, refuse("Loss", nil, "%s is for amounts, and the target has classes (the task is %s): take auto, or another loss, or name another target", name, task)
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

// descent reads the settings of the trainer.
func (o *Options) descent(r *recipe) error {
	var err error
	c := &r.config
	c.Loss, c.NoShuffle, c.Shards, c.Seed, c.MinDelta = r.loss, o.NoShuffle, o.Shards, o.Seed, o.MinDelta
	c.Threads, c.Ranks = o.Threads, o.Ranks
	if c.Reduction, err = nn.ParseReduction(cmp.Or(o.Reduction, "mean")); err != nil {
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

// optimizer reads the optimizer or the solver, with its default learning rate and method. auto reports that none was
// given.
func (o *Options) optimizer(r *recipe) (auto bool, method train.Method, err error) {
	c := &r.config
	name := o.Optimizer
	hyper := optim.Hyper{Momentum: o.Momentum, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, WeightDecay: o.WeightDecay}
	c.LearningRate = optim.DefaultLearningRate(name)
	if cmp.Or(name, "auto") == "auto" {
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
	if name != "adamw" && hyper.WeightDecay != nil { // with another optimizer the trainer applies it
		c.WeightDecay, hyper.WeightDecay = *hyper.WeightDecay, nil
	}
	if c.Solver == nil {
		if c.Optimizer, err = optim.ParseOptimizer(name, hyper, o.Custom.Optimizers...); err != nil {
			return auto, method, refuse("Optimizer", nil, "%w", err)
		}
	}
	return auto, method, nil
}

// rate reads the learning rate and its schedule. The schedule is a cosine if auto says that the optimizer is the
// default.
func (o *Options) rate(c *train.Config, auto bool) (err error) {
	if o.LearningRate != nil {
		c.LearningRate = *o.LearningRate
		if !(c.LearningRate > 0) || math.IsInf(c.LearningRate, 0) {
			return refuse("LearningRate", c.LearningRate, "give a finite number greater than 0")
		}
	}
	schedule := cmp.Or(o.Schedule, "auto")
	if schedule == "auto" {
		schedule = "constant"
		if auto && o.Tolerance == nil && o.TargetLoss == nil && !o.perSample() {
			schedule = "cosine"
		}
	}
	if c.Schedule, err = optim.ParseSchedule(schedule, o.Custom.Schedules...); err != nil {
		return refuse("Schedule", nil, "%w", err)
	}
	if v, ok := c.Schedule.(interface{ Validate() error }); ok { // a custom one may be invalid
		if err := v.Validate(); err != nil {
			return refuse("Schedule", nil, "%w", err)
		}
	}
	return nil
}

// extent reads the method and the counts: warmup, batch, epochs, shards, threads, halvings.
func (o *Options) extent(r *recipe, method train.Method) error {
	c := &r.config
	if c.Warmup = o.Warmup; c.Warmup < 0 {
		return refuse("Warmup", o.Warmup, "give a whole number of at least 0")
	}
	if c.Method = train.Method(o.Method); cmp.Or(o.Method, "auto") == "auto" {
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
	switch cmp.Or(o.OnDivergence, "stop") {
	case "stop":
	case "halve-lr":
		c.Halvings = halvings
	default:
		return refuse("OnDivergence", o.OnDivergence, "choose stop or halve-lr")
	}
	return nil
}

// stops reads what can end a run before its last epoch.
func (o *Options) stops(r *recipe) error {
	c := &r.config
	var stop train.Any
	if o.Tolerance != nil {
		if !(*o.Tolerance > 0) || math.IsInf(*o.Tolerance, 0) {
			return refuse("Tolerance", *o.Tolerance, "give a finite number greater than 0")
		}
		if o.perSample() {
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
	case o.Tolerance == nil && o.TargetLoss == nil && !o.perSample():
		r.patience = -1 // chosen by the number of epochs, see settle
	}
	c.Stop = stop
	return nil
}

// checkShares checks the shares of rows to hold out, and the precision.
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

// shape reads the changes to gradients, weights and targets besides the optimizer.
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
