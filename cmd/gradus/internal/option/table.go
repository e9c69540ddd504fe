package option

import (
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// The groups of options.
const (
	Data           = "data"    // the columns, and how their cells are written
	Rows           = "rows"    // which rows are held out, their weights, and how predictions are scored
	Network        = "network" // its layers
	Loss           = "loss"
	Descent        = "descent"
	Regularization = "regularization"
	Run            = "run" // when it ends, and what it runs on
	Ensemble       = "ensemble"
)

const auto = "auto"

// all is the table.
var all = []*Option{
	{Field: "Targets", Name: "target", Group: Data, Placeholder: "COL", Fixed: true,
		Help:  `The column to predict; several separated by commas. Default: the last. A name with commas stands in double quotes, here and wherever columns are named: '"a, b",c'.`,
		Label: "Target", Hint: "column to predict; several separated by commas"},
	{Field: "Task", Name: "task", Group: Data, Default: auto,
		Choices: []string{auto, string(data.Regression), string(data.Binary), string(data.Multiclass), string(data.Multilabel)},
		Help:    "What to predict: auto, regression, binary, multiclass or multilabel.",
		Label:   "Task", Hint: "what to predict; auto decides by the target's cells"},
	{Field: "Positive", Name: "positive", Group: Data, Placeholder: "CLASS",
		Help: "Which of two classes is the positive one. Default: the second in sorted order."},
	{Field: "Types", Name: "types", Group: Data, Placeholder: "COL=TYPE",
		Help: "What a column is: number, category, boolean, date or ignore."},
	{Field: "Ignore", Name: "ignore", Group: Data, Placeholder: "COL",
		Help: "Columns to leave out."},
	{Field: "Missing", Name: "missing", Group: Data, Placeholder: "WORD|none",
		Help: "Words that mean a missing cell, besides NA, N/A, NaN, null and ?; none if even these are values."},
	{Field: "Decimal", Name: "decimal", Group: Data, Placeholder: ".|,", Choices: []string{".", ","},
		Help: "The decimal sign. Default: detected, column by column."},
	{Field: "DateFormat", Name: "date-format", Group: Data, Placeholder: "COL=LAYOUT",
		Help: "How the dates of a column are written, as in '%d/%m/%Y %H:%M'. Default: detected."},
	{Field: "Scale", Name: "scale", Group: Data, Default: auto,
		Choices: []string{auto, string(data.ScaleStandard), string(data.ScaleMinMax), string(data.ScaleRobust), string(data.ScaleNone), string(data.ScalePieces), string(data.ScaleTrees), string(data.ScaleWaves)},
		Help:    "How numbers, and the targets of a regression, are scaled: auto, standard, min-max, robust, none, pieces, trees or waves. pieces adds piecewise linear inputs to auto, with knots that follow the target. trees adds more knots, at the splits of boosted trees, and the first layer starts as the leaves of these trees. waves adds cos and sin of the rank to auto.",
		Label:   "Scaling", Hint: "of columns with numbers; standard: mean 0, deviation 1"},

	{Field: "Recipe", Name: "recipe", Group: Network, Default: model.RecipeAuto,
		Choices: []string{model.RecipeAuto, model.RecipePlain, model.RecipeWide, model.RecipeTrees, model.RecipeWaves},
		Help:    "The layers, activation and scaling that no flag sets: plain (64,64 relu, --scale auto), wide (128,128 silu, --scale pieces), trees (128,128 silu, --scale trees), waves (128,128 silu, --scale waves), or auto. auto is plain if a flag sets one of these or the optimizer, or from 2 million numbers on. Otherwise it is trees from 1200 rows on, and plain with fewer; of 8 networks or more, every second one is then waves, and trees with fewer rows."},
	{Field: "Hidden", Name: "hidden", Group: Network, Placeholder: "N,N", Search: "64|128|256|64,64|128,128|256,256|128,64",
		Help:  "Units of each hidden layer; 0 for none. Default: by the recipe, or those of the model of --from.",
		Label: "Hidden layers", Hint: "units of each, such as 4 or 8,8; 0 for none", Shown: "64,64"},
	{Field: "Activation", Name: "activation", Group: Network, Placeholder: "NAME", Search: "relu|selu|silu|mish",
		Choices: without(nn.Activations(), nn.Softmax.String()),
		Help:    "The activation of the hidden layers: relu, sigmoid, tanh, identity, leaky-relu, elu, selu, gelu, silu, mish, softplus or exp; leaky-relu:0.01 sets a parameter. Default: by the recipe.",
		Label:   "Activation", Hint: "of the hidden units", Shown: "relu"},
	{Field: "OutputActivation", Name: "output-activation", Group: Network, Default: auto,
		Choices: with(auto, nn.Activations()),
		Help:    "The activation of the last layer; auto chooses by the task.",
		Label:   "Output", Hint: "of the last layer"},
	{Field: "NoBias", Name: "bias", Group: Network, Off: true,
		Help:  "Give each unit a bias.",
		Label: "Biases", Hint: "a number added to each unit's sum"},
	{Field: "Norm", Name: "norm", Group: Network, Placeholder: "NAME",
		Choices: nn.Norms(),
		Help:    "Normalize the hidden layers before their activation: none, batch or layer. Default: none, or that of the model of --from.",
		Label:   "Norm", Hint: "of the hidden layers, before their activation", Shown: "none"},
	{Field: "Init", Name: "init", Group: Network, Default: auto,
		Choices: nn.Inits(),
		Help:    "How the first weights are drawn: auto, he, glorot, lecun, uniform, normal or zeros.",
		Label:   "First weights", Hint: "uniform: evenly in [-1, 1)"},
	{Field: "Seed", Name: "seed", Group: Network, Default: "1", Fixed: true,
		Help:  "Decides everything that is drawn at random.",
		Label: "Seed", Hint: "decides everything that is random"},

	{Field: "Loss", Name: "loss", Group: Loss, Default: auto,
		Choices: with(auto, without(nn.Losses(), "binary-focal")), // focal becomes binary-focal
		Help:    "The loss: auto, half-squared, squared, absolute, huber:1, quantile:0.5, log-cosh, binary-cross-entropy, cross-entropy, focal:2, hinge, poisson, tweedie:1.5 or gamma.",
		Label:   "Loss", Hint: "a parameter follows a colon, as in huber:1"},
	{Field: "Reduction", Name: "reduction", Group: Loss, Default: "mean",
		Choices: []string{"mean", "sum"},
		Help:    "How the losses of a batch's rows are combined: mean or sum.",
		Label:   "Over a batch", Hint: "the loss of its rows: their mean or their sum"},
	{Field: "Interval", Name: "interval", Group: Loss, Placeholder: "X",
		Help: "For regression: also learn a lower and an upper bound that hold the target with this probability, such as 0.9. The intervals of predict --interval are then wide where the targets scatter. Default: 0, none."},
	{Field: "ClassWeight", Name: "class-weight", Group: Loss, Placeholder: "balanced|CLASS=X",
		Choices: []string{"balanced"},
		Help:    "The weight of each row of a class: balanced gives all classes the same total weight; CLASS=X, separated by commas, sets single classes.",
		Label:   "Class weights", Hint: "balanced, or CLASS=2 for some; empty: all alike"},
	{Field: "LabelSmoothing", Name: "label-smoothing", Group: Loss, Placeholder: "X",
		Help:  "Train classes toward 1-X and a share of X, instead of 1 and 0. Default: 0.",
		Label: "Label smoothing", Hint: "classes are trained toward 1 less this and a share of it; empty: toward 1 and 0"},

	{Field: "Method", Name: "method", Group: Descent, Default: auto,
		Choices: with(auto, train.Methods()),
		Help:    "Which rows an update uses: batch, stochastic, mini-batch, or per-sample, the notebook's variant. auto is mini-batch, and batch with lbfgs and cg.",
		Label:   "Method", Hint: "the rows that an update uses"},
	{Field: "BatchSize", Name: "batch-size", Group: Descent, Placeholder: "N", Least: 1,
		Help:  "How many rows an update of mini-batch uses. Default: by the number of rows.",
		Label: "Batch size", Hint: "empty: by the number of rows",
		applies: func(o *model.Options) bool {
			return o.Method == string(train.MiniBatch) || (o.Method == "" || o.Method == auto) && !slices.Contains(optim.Solvers(), o.Optimizer)
		}},
	{Field: "Optimizer", Name: "optimizer", Group: Descent, Default: auto,
		Choices: slices.Concat([]string{auto}, optim.Optimizers(), optim.Solvers()),
		Help:    "The optimizer: sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, amsgrad, nadam, adamw or lion; or lbfgs or cg, which use the whole batch and find their own rate. auto is adamw with beta2 0.95, weight decay 0.1 and a rate of 0.003, or 0.01 for regression.",
		Label:   "Optimizer", Hint: "turns gradients into updates"},
	{Field: "LearningRate", Name: "lr", Group: Descent, Placeholder: "X", Search: "1e-3..3e-2:log",
		Help:  "The learning rate; gradus lr suggests one. Default: 0.01; adam, amsgrad, adamw 0.001; nadam 0.002; adadelta 1; lion 0.0001.",
		Label: "Rate", Hint: "empty: the optimizer's own"},
	{Field: "Momentum", Name: "momentum", Group: Descent, Placeholder: "X", OfRule: true,
		Help:  "The momentum of momentum, nesterov and rmsprop. Default: 0.9; rmsprop 0.",
		Label: "Momentum", Hint: "of the velocity; empty: the optimizer's own"},
	{Field: "Beta1", Name: "beta1", Group: Descent, Placeholder: "X", OfRule: true,
		Help:  "The decay of the mean gradient in adam, amsgrad, nadam, adamw and lion. Default: 0.9.",
		Label: "Beta1", Hint: "how long gradients are remembered; empty: the optimizer's own"},
	{Field: "Beta2", Name: "beta2", Group: Descent, Placeholder: "X", OfRule: true,
		Help:  "The decay of the mean squared gradient, and in lion that of the momentum. Default: 0.999 in adam, amsgrad, nadam and adamw; 0.99 in lion and rmsprop (its alpha); 0.9 in adadelta (its rho).",
		Label: "Beta2", Hint: "how long squares are remembered; empty: the optimizer's own"},
	{Field: "Epsilon", Name: "epsilon", Group: Descent, Placeholder: "X", OfRule: true,
		Help:  "A small number that optimizers add to what they divide by. Default: 1e-8; adadelta 1e-6, adagrad 1e-10.",
		Label: "Epsilon", Hint: "added to the root; empty: the optimizer's own"},
	{Field: "Schedule", Name: "schedule", Group: Descent, Default: auto,
		Choices: with(auto, optim.Schedules()),
		Help:    "How the rate changes: constant, step:EVERY:FACTOR, exponential:FACTOR, inverse:POWER, polynomial:POWER:FLOOR, cosine:FLOOR, cosine-restarts:PERIOD:FACTOR:FLOOR, one-cycle:RISE:DIVIDE:FINAL or plateau:PATIENCE:FACTOR:FLOOR; auto is cosine with the optimizer auto, and constant otherwise.",
		Label:   "Schedule", Hint: "of the rate"},
	{Field: "Warmup", Name: "warmup", Group: Descent, Placeholder: "N",
		Help:  "Epochs in which the rate rises to the schedule's first value. Default: 0.",
		Label: "Warm-up", Hint: "epochs in which the rate rises; empty: none"},
	{Field: "NoShuffle", Name: "shuffle", Group: Descent, Off: true,
		Help:  "Visit the rows in a new order in every epoch.",
		Label: "Shuffle", Hint: "the rows, anew every epoch"},

	{Field: "BlockRows", Name: "block-rows", Group: Descent, Placeholder: "N", Least: 1,
		Help: "Shuffle in two steps, as is done with rows on disk: put blocks of N rows in random order, then shuffle the rows of --buffer-blocks blocks together. It changes the result's bits. Default: all rows together if they fit in memory, otherwise by the width of a row."},
	{Field: "BufferBlocks", Name: "buffer-blocks", Group: Descent, Placeholder: "N", Least: 1,
		Help: "How many blocks have their rows shuffled together. Default: 256 if rows are in blocks."},

	{Field: "Dropout", Name: "dropout", Group: Regularization, Placeholder: "X",
		Help:  "Share of the hidden units that training sets to 0 in each step, drawn anew. Default: 0.",
		Label: "Dropout", Hint: "share of the hidden units that a step leaves out; empty: none"},
	{Field: "InputDropout", Name: "input-dropout", Group: Regularization, Placeholder: "X",
		Help:  "Share of the inputs that training sets to 0 in each step, drawn anew. Default: 0.",
		Label: "Input dropout", Hint: "share of the inputs that a step leaves out; empty: none"},
	{Field: "L1", Name: "l1", Group: Regularization, Placeholder: "X",
		Help:  "Add X*sign(w) to the gradient of every weight, but not of biases. The reported loss leaves it out. Default: 0.",
		Label: "L1 penalty", Hint: "adds this times the sign of w to each weight's gradient; empty: none"},
	{Field: "L2", Name: "l2", Group: Regularization, Placeholder: "X",
		Help:  "Add X*w to the gradient of every weight, but not of biases. The reported loss leaves it out. PyTorch calls this weight_decay, except in AdamW. Default: 0.",
		Label: "L2 penalty", Hint: "adds this times w to each weight's gradient; empty: none"},
	{Field: "WeightDecay", Name: "weight-decay", Group: Regularization, Placeholder: "X", Search: "1e-3..1:log",
		Help:  "Shrink all parameters by the rate times X in each update, whatever the gradient. Default: 0; adamw 0.01.",
		Label: "Weight decay", Hint: "shrinks every parameter by the rate times this; empty: none, with adamw its own"},
	{Field: "MaxNorm", Name: "max-norm", Group: Regularization, Placeholder: "X",
		Help:  "Keep the weights that lead to each unit within this length. Default: 0, any length.",
		Label: "Max norm", Hint: "the longest that the weights into a unit may be; empty: any length"},
	{Field: "ClipNorm", Name: "clip-norm", Group: Regularization, Placeholder: "X",
		Help:  "Keep the gradient of all parameters together within this length. Default: 0, any length.",
		Label: "Clip norm", Hint: "the longest that the gradient may be; empty: any length"},
	{Field: "ClipValue", Name: "clip-value", Group: Regularization, Placeholder: "X",
		Help:  "Keep every element of the gradient within X and -X. Default: 0, any size.",
		Label: "Clip value", Hint: "the largest that an element of the gradient may be; empty: any size"},
	{Field: "EMA", Name: "ema", Group: Regularization, Placeholder: "X",
		Help: "Score and keep a running average of the weights, and of the statistics of --norm batch, with this decay, such as 0.999. Default: 0, none."},

	{Field: "Epochs", Name: "epochs", Group: Run, Placeholder: "N", Least: 1, Fixed: true,
		Help:  "The most epochs to train. Default: by the number of rows.",
		Label: "Epochs", Hint: "the most to train; empty: by the number of rows"},
	{Field: "MaxTime", Name: "max-time", Group: Run, Placeholder: "DURATION",
		Help: "Stop after the epoch in which this time ends, such as 30s or 5m."},
	{Field: "Tolerance", Name: "tolerance", Group: Run, Placeholder: "R",
		Help:  "Stop when every output is within 1e-8 + R*|output| of its target.",
		Label: "Tolerance", Hint: "stop when each output is this near; empty: never"},
	{Field: "TargetLoss", Name: "target-loss", Group: Run, Placeholder: "L",
		Help:  "Stop at this loss over all training rows.",
		Label: "Loss to reach", Hint: "stop when it is reached; empty: never"},
	{Field: "Patience", Name: "patience", Group: Run, Placeholder: "N",
		Help: "Stop when the validation score has not improved for N epochs, and keep the best weights; 0 means never. Default: half the epochs, at least 20."},
	{Field: "MinDelta", Name: "min-delta", Group: Run, Placeholder: "X",
		Help: "How much a score must improve to count. Default: 0."},
	{Field: "OnDivergence", Name: "on-divergence", Group: Run, Default: "stop",
		Choices: []string{"stop", "halve-lr"},
		Help:    "What to do when a value is no longer finite: stop, or halve-lr, which goes back to the epoch with the lowest loss and halves the rate, up to 10 times."},
	{Field: "Precision", Name: "precision", Group: Run, Default: "float32",
		Choices: []string{"float32", "float64"},
		Help:    "The precision of weights and sums: float32 or float64.",
		Label:   "Precision", Hint: "of weights and sums"},
	{Field: "Threads", Name: "threads", Group: Run, Placeholder: "N", Least: 1, Fixed: true,
		Help: "How many cores to use at most; the result has the same bits. Default: all."},
	{Field: "Shards", Name: "shards", Group: Run, Placeholder: "N", Least: 1,
		Help: "How many pieces a batch's gradient is summed in. It changes the result's bits. Default: by the rows in the batch; 1 with batch normalization."},

	{Field: "Validation", Name: "validation", Group: Rows, Placeholder: "FRACTION|FILE|none", Words: []string{"none"}, Part: true, Fixed: true,
		Help:  "Rows that may choose the epoch. Default: a fraction, or none of a few dozen rows.",
		Label: "Validation", Hint: "fraction of the rows, 0 for none; empty: by the number of rows"},
	{Field: "Test", Name: "test", Group: Rows, Placeholder: "FRACTION|FILE|none", Words: []string{"none"}, Part: true, Fixed: true,
		Help:  "Rows used only for the report. Default: none.",
		Label: "Test", Hint: "fraction of the rows; empty: none"},
	{Field: "Split", Name: "split", Group: Rows, Column: true, Placeholder: "random|time:COL", Words: []string{"random"},
		Help:  "Which rows are held out: random draws a share of each class by the seed; time:COL takes the last rows by a column of numbers or dates. Default: random.",
		Label: "Held out", Hint: "random, or time:COLUMN for the last rows by that column", Shown: "random"},
	{Field: "Group", Name: "group", Group: Rows, Column: true, Placeholder: "COL",
		Help:  "Rows with the same cell in this column stay together when rows are held out. It is not an input.",
		Label: "Groups", Hint: "a column; rows with the same cell are held out together; it is not an input; empty: none"},
	{Field: "SampleWeight", Name: "sample-weight", Group: Rows, Column: true, Placeholder: "COL",
		Help:  "A column of weights, one for each row. It is not an input.",
		Label: "Row weights", Hint: "a column with the weight of each row; it is not an input; empty: all alike"},
	{Field: "Metrics", Name: "metric", Group: Rows, Placeholder: "NAME,...",
		Choices: metricNames(),
		Help:    "The metrics to report, separated by commas; pinball and tweedie_deviance take a parameter: pinball:0.9. The first one chooses the epoch on the validation rows. Default: the usual metrics and what the loss measures, and the loss chooses."},
	{Field: "Calibrate", Name: "calibrate", Group: Rows, Preset: true,
		Help: "For classes: divide the logits by a temperature fitted on the validation rows, if that improves the probabilities. On by default with --preset quick."},
	{Field: "Shrink", Name: "shrink", Group: Rows, Preset: true,
		Help: "If held-out rows are predicted worse than by always guessing the class shares or the mean: move the predictions toward that guess. On by default, unless --members or --preset quick sets the number of networks."},
	{Field: "Threshold", Name: "threshold", Group: Rows, Placeholder: "X|auto:METRIC", Words: thresholdWords(),
		Help: "The probability of the second class above which it is predicted: a number, or auto:f1 (accuracy, balanced_accuracy, f1_macro) for the best on the validation rows. Default: 0.5."},

	{Field: "Members", Name: "members", Group: Ensemble, Placeholder: "K", Least: 1, Fixed: true,
		Help:  "Train K networks and average their predictions. Each network leaves out one of K folds of the rows; that fold chooses its epoch and scores it. Default: by --preset.",
		Label: "Networks", Hint: "how many; the model is their mean, and the page shows one of them; empty: one"},
}

func with(first string, names []string) []string { return append([]string{first}, names...) }

func without(names []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == one })
}

// metricNames returns the names of the metrics of all tasks.
func metricNames() []string {
	var names []string
	for _, k := range []metrics.Kind{metrics.OfNumbers, metrics.OfTwo, metrics.OfClasses, metrics.OfLabels} {
		names = append(names, k.Names()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// thresholdWords returns auto:METRIC for each metric that can choose a threshold.
func thresholdWords() []string {
	var words []string
	for _, name := range metrics.ThresholdNames() {
		words = append(words, "auto:"+name)
	}
	return words
}
