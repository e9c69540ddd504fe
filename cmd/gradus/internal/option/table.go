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
		Help:  `The column to predict; several with commas between them. Default: the last. A name with commas stands in double quotes, here and wherever columns are named: '"a, b",c'.`,
		Label: "Target", Hint: "column to predict; several with commas between them"},
	{Field: "Task", Name: "task", Group: Data, Default: auto,
		Choices: []string{auto, string(data.Regression), string(data.Binary), string(data.Multiclass), string(data.Multilabel)},
		Help:    "auto, regression, binary, multiclass or multilabel.",
		Label:   "Task", Hint: "what is said of the target; auto goes by its cells"},
	{Field: "Positive", Name: "positive", Group: Data, Placeholder: "CLASS",
		Help: "Which of two classes is the positive one. Default: the second in sorted order."},
	{Field: "Types", Name: "types", Group: Data, Placeholder: "COL=TYPE",
		Help: "What a column is: number, category, boolean, date or ignore."},
	{Field: "Ignore", Name: "ignore", Group: Data, Placeholder: "COL",
		Help: "Columns to leave out."},
	{Field: "Missing", Name: "missing", Group: Data, Placeholder: "WORD|none",
		Help: "Words that stand for nothing besides NA, N/A, NaN, null and ?; none if these are values too."},
	{Field: "Decimal", Name: "decimal", Group: Data, Placeholder: ".|,", Choices: []string{".", ","},
		Help: "The decimal sign. Default: found by looking, column by column."},
	{Field: "DateFormat", Name: "date-format", Group: Data, Placeholder: "COL=LAYOUT",
		Help: "How the dates of a column are written, as in '%d/%m/%Y %H:%M'. Default: found by looking."},
	{Field: "Scale", Name: "scale", Group: Data, Default: auto,
		Choices: []string{auto, string(data.ScaleStandard), string(data.ScaleMinMax), string(data.ScaleRobust), string(data.ScaleNone), string(data.ScalePieces), string(data.ScaleTrees), string(data.ScaleWaves)},
		Help:    "How numbers are scaled, and the targets of a regression: auto, standard, min-max, robust, none, pieces: auto with piecewise linear inputs whose knots follow the target, trees: pieces with more knots where boosted trees split, whose leaves the first layer starts as, or waves: auto with cos and sin of the rank.",
		Label:   "Scaling", Hint: "of columns with numbers; standard: mean 0, deviation 1"},

	{Field: "Recipe", Name: "recipe", Group: Network, Default: model.RecipeAuto,
		Choices: []string{model.RecipeAuto, model.RecipePlain, model.RecipeWide, model.RecipeTrees, model.RecipeWaves},
		Help:    "What layers, activation and scaling are that no flag names: plain (64,64 relu, --scale auto), wide (128,128 silu, --scale pieces), trees (128,128 silu, --scale trees), waves (128,128 silu, --scale waves), or auto, where none of them and no optimizer is named: from 8 members on trees and waves in turn from 1200 rows to 2 million numbers, plain and trees in turn with fewer rows, and the first of the two with fewer members; else plain."},
	{Field: "Hidden", Name: "hidden", Group: Network, Placeholder: "N,N", Search: "64|128|256|64,64|128,128|256,256|128,64",
		Help:  "Units of each hidden layer; 0 for none. Default: by the recipe, or those of the model of --from.",
		Label: "Hidden layers", Hint: "units of each, such as 4 or 8,8; 0 for none", Shown: "64,64"},
	{Field: "Activation", Name: "activation", Group: Network, Placeholder: "NAME", Search: "relu|selu|silu|mish",
		Choices: without(nn.Activations(), nn.Softmax.String()),
		Help:    "Of the hidden layers, default by the recipe: relu, sigmoid, tanh, identity, leaky-relu, elu, selu, gelu, silu, mish, softplus or exp; leaky-relu:0.01 sets a parameter.",
		Label:   "Activation", Hint: "of the hidden units", Shown: "relu"},
	{Field: "OutputActivation", Name: "output-activation", Group: Network, Default: auto,
		Choices: with(auto, nn.Activations()),
		Help:    "Of the last layer; auto goes by the task.",
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
		Help:    "auto, he, glorot, lecun, uniform, normal or zeros.",
		Label:   "First weights", Hint: "uniform: evenly in [-1, 1)"},
	{Field: "Seed", Name: "seed", Group: Network, Default: "1", Fixed: true,
		Help:  "Decides all that is drawn at random.",
		Label: "Seed", Hint: "decides all that is drawn"},

	{Field: "Loss", Name: "loss", Group: Loss, Default: auto,
		Choices: with(auto, without(nn.Losses(), "binary-focal")), // focal becomes binary-focal
		Help:    "auto, half-squared, squared, absolute, huber:1, quantile:0.5, log-cosh, binary-cross-entropy, cross-entropy, focal:2, hinge, poisson, tweedie:1.5 or gamma.",
		Label:   "Loss", Hint: "a parameter follows a colon, as in huber:1"},
	{Field: "Reduction", Name: "reduction", Group: Loss, Default: "mean",
		Choices: []string{"mean", "sum"},
		Help:    "Of a batch's losses: mean or sum.",
		Label:   "Over a batch", Hint: "the loss of its rows: their mean or their sum"},
	{Field: "Interval", Name: "interval", Group: Loss, Placeholder: "X",
		Help: "Of a regression: learn where each target lies with this probability, such as 0.9, as a lower and an upper output beside the prediction. predict --interval then has intervals that are wide where the targets scatter. Default: 0, none."},
	{Field: "ClassWeight", Name: "class-weight", Group: Loss, Placeholder: "balanced|CLASS=X",
		Choices: []string{"balanced"},
		Help:    "What rows of a class weigh: balanced for all classes the same together, or CLASS=X for some, with commas between them.",
		Label:   "Class weights", Hint: "balanced, or CLASS=2 for some; empty: all alike"},
	{Field: "LabelSmoothing", Name: "label-smoothing", Group: Loss, Placeholder: "X",
		Help:  "Train classes towards 1-X and a share of X, in the place of 1 and 0. Default: 0.",
		Label: "Label smoothing", Hint: "classes are trained towards 1 less this and a share of it; empty: towards 1 and 0"},

	{Field: "Method", Name: "method", Group: Descent, Default: auto,
		Choices: with(auto, train.Methods()),
		Help:    "batch, stochastic, mini-batch, or per-sample: the notebook's variant; auto is mini-batch, with lbfgs and cg batch.",
		Label:   "Method", Hint: "rows that an update looks at"},
	{Field: "BatchSize", Name: "batch-size", Group: Descent, Placeholder: "N", Least: 1,
		Help:  "Rows an update of mini-batch looks at. Default: by the number of rows.",
		Label: "Batch size", Hint: "empty: by the rows",
		applies: func(o *model.Options) bool {
			return o.Method == string(train.MiniBatch) || (o.Method == "" || o.Method == auto) && !slices.Contains(optim.Solvers(), o.Optimizer)
		}},
	{Field: "Optimizer", Name: "optimizer", Group: Descent, Default: auto,
		Choices: slices.Concat([]string{auto}, optim.Optimizers(), optim.Solvers()),
		Help:    "sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, amsgrad, nadam, adamw or lion; for the whole batch lbfgs or cg, which find their own rate; auto is adamw with beta2 0.95, weight decay 0.1 and the rate 0.003, for regression 0.01.",
		Label:   "Optimizer", Hint: "turns gradients into updates"},
	{Field: "LearningRate", Name: "lr", Group: Descent, Placeholder: "X", Search: "1e-3..3e-2:log",
		Help:  "Learning rate; gradus lr looks for one. Default: 0.01; adam, amsgrad, adamw 0.001; nadam 0.002; adadelta 1; lion 0.0001.",
		Label: "Rate", Hint: "empty: the optimizer's own"},
	{Field: "Momentum", Name: "momentum", Group: Descent, Placeholder: "X", OfRule: true,
		Help:  "Of momentum and nesterov, 0.9; of rmsprop, 0.",
		Label: "Momentum", Hint: "of the velocity; empty: the optimizer's own"},
	{Field: "Beta1", Name: "beta1", Group: Descent, Placeholder: "X", OfRule: true,
		Help:  "Of adam, amsgrad, nadam, adamw and lion; 0.9.",
		Label: "Beta1", Hint: "how long gradients are remembered; empty: the optimizer's own"},
	{Field: "Beta2", Name: "beta2", Group: Descent, Placeholder: "X", OfRule: true,
		Help:  "Of adam, amsgrad, nadam and adamw, 0.999; of lion and rmsprop (its alpha), 0.99; of adadelta (its rho), 0.9.",
		Label: "Beta2", Hint: "how long squares are remembered; empty: the optimizer's own"},
	{Field: "Epsilon", Name: "epsilon", Group: Descent, Placeholder: "X", OfRule: true,
		Help:  "Of the rules that divide; 1e-8, adadelta 1e-6, adagrad 1e-10.",
		Label: "Epsilon", Hint: "added to the root; empty: the optimizer's own"},
	{Field: "Schedule", Name: "schedule", Group: Descent, Default: auto,
		Choices: with(auto, optim.Schedules()),
		Help:    "Of the rate: constant, step:EVERY:FACTOR, exponential:FACTOR, inverse:POWER, polynomial:POWER:FLOOR, cosine:FLOOR, cosine-restarts:PERIOD:FACTOR:FLOOR, one-cycle:RISE:DIVIDE:FINAL or plateau:PATIENCE:FACTOR:FLOOR; auto is cosine with the optimizer auto, else constant.",
		Label:   "Schedule", Hint: "of the rate"},
	{Field: "Warmup", Name: "warmup", Group: Descent, Placeholder: "N",
		Help:  "Epochs in which the rate rises to the schedule's first. Default: 0.",
		Label: "Warm-up", Hint: "epochs in which the rate rises; empty: none"},
	{Field: "NoShuffle", Name: "shuffle", Group: Descent, Off: true,
		Help:  "Visit the rows in a new order in every epoch.",
		Label: "Shuffle", Hint: "the rows, anew every epoch"},

	{Field: "BlockRows", Name: "block-rows", Group: Descent, Placeholder: "N", Least: 1,
		Help: "Shuffle in two steps, as is done with rows on the disk: blocks of N rows in an order of chance, and --buffer-blocks of them together. Part of the result's bits. Default: all rows together where they fit in memory, else by the width of a row."},
	{Field: "BufferBlocks", Name: "buffer-blocks", Group: Descent, Placeholder: "N", Least: 1,
		Help: "Blocks whose rows are shuffled together. Default: 256 where rows are in blocks."},

	{Field: "Dropout", Name: "dropout", Group: Regularization, Placeholder: "X",
		Help:  "Share of the hidden units that training sets to 0 in each step, drawn anew. Default: 0.",
		Label: "Dropout", Hint: "share of the hidden units that a step leaves out; empty: none"},
	{Field: "InputDropout", Name: "input-dropout", Group: Regularization, Placeholder: "X",
		Help:  "The same of the inputs. Default: 0.",
		Label: "Input dropout", Hint: "share of the inputs that a step leaves out; empty: none"},
	{Field: "L1", Name: "l1", Group: Regularization, Placeholder: "X",
		Help:  "Adds X*sign(w) to the gradient of every weight; biases excepted, and not part of the loss reported. Default: 0.",
		Label: "L1 penalty", Hint: "adds this times the sign of w to each weight's gradient; empty: none"},
	{Field: "L2", Name: "l2", Group: Regularization, Placeholder: "X",
		Help:  "Adds X*w to the gradient of every weight; likewise. What PyTorch calls weight_decay outside AdamW. Default: 0.",
		Label: "L2 penalty", Hint: "adds this times w to each weight's gradient; empty: none"},
	{Field: "WeightDecay", Name: "weight-decay", Group: Regularization, Placeholder: "X", Search: "1e-3..1:log",
		Help:  "All parameters shrink by the rate times X an update, apart from the gradient. Default: 0; adamw 0.01.",
		Label: "Weight decay", Hint: "shrinks every parameter by the rate times this; empty: none, with adamw its own"},
	{Field: "MaxNorm", Name: "max-norm", Group: Regularization, Placeholder: "X",
		Help:  "Keep the weights that lead to each unit within this length. Default: 0, any length.",
		Label: "Max norm", Hint: "length of the weights into each unit at most; empty: any"},
	{Field: "ClipNorm", Name: "clip-norm", Group: Regularization, Placeholder: "X",
		Help:  "Keep the gradient of all parameters together within this length. Default: 0, any length.",
		Label: "Clip norm", Hint: "length of the gradient at most; empty: any"},
	{Field: "ClipValue", Name: "clip-value", Group: Regularization, Placeholder: "X",
		Help:  "Keep every element of the gradient within X and -X. Default: 0, any size.",
		Label: "Clip value", Hint: "size of each element of the gradient at most; empty: any"},
	{Field: "EMA", Name: "ema", Group: Regularization, Placeholder: "X",
		Help: "Score and keep a running average of the weights, and of the statistics of --norm batch, 0.999 say, in their place. Default: 0, none."},

	{Field: "Epochs", Name: "epochs", Group: Run, Placeholder: "N", Least: 1, Fixed: true,
		Help:  "At most. Default: by the number of rows.",
		Label: "Epochs", Hint: "at most; empty: by the rows"},
	{Field: "MaxTime", Name: "max-time", Group: Run, Placeholder: "DURATION",
		Help: "Stop after the epoch that passes it: 30s, 5m."},
	{Field: "Tolerance", Name: "tolerance", Group: Run, Placeholder: "R",
		Help:  "Stop when every output is within 1e-8 + R*|output| of its target.",
		Label: "Tolerance", Hint: "stop when each output is this near; empty: never"},
	{Field: "TargetLoss", Name: "target-loss", Group: Run, Placeholder: "L",
		Help:  "Stop at this loss over all training rows.",
		Label: "Loss to reach", Hint: "stop when it is reached; empty: never"},
	{Field: "Patience", Name: "patience", Group: Run, Placeholder: "N",
		Help: "Stop when the validation score has not become better for N epochs, and keep the best weights; 0 for never. Default: half the epochs, at least 20."},
	{Field: "MinDelta", Name: "min-delta", Group: Run, Placeholder: "X",
		Help: "By how much a score must be better to count. Default: 0."},
	{Field: "OnDivergence", Name: "on-divergence", Group: Run, Default: "stop",
		Choices: []string{"stop", "halve-lr"},
		Help:    "When a value stops being finite: stop, or halve-lr: go back to the epoch with the lowest loss, with half the rate, up to 10 times."},
	{Field: "Precision", Name: "precision", Group: Run, Default: "float32",
		Choices: []string{"float32", "float64"},
		Help:    "float32 or float64.",
		Label:   "Precision", Hint: "of weights and sums"},
	{Field: "Threads", Name: "threads", Group: Run, Placeholder: "N", Least: 1, Fixed: true,
		Help: "Cores to use where that pays; it changes no bit of the result. Default: all."},
	{Field: "Shards", Name: "shards", Group: Run, Placeholder: "N", Least: 1,
		Help: "Pieces a batch's gradient is summed in; part of the result's bits. Default: by the rows in the batch; 1 with batch normalization."},

	{Field: "Validation", Name: "validation", Group: Rows, Placeholder: "FRACTION|FILE|none", Words: []string{"none"}, Part: true, Fixed: true,
		Help:  "Rows that may choose the epoch. Default: a part, none of a few dozen rows.",
		Label: "Validation", Hint: "part of the rows, 0 for none; empty: by the rows"},
	{Field: "Test", Name: "test", Group: Rows, Placeholder: "FRACTION|FILE|none", Words: []string{"none"}, Part: true, Fixed: true,
		Help:  "Rows used for nothing but the report. Default: none.",
		Label: "Test", Hint: "part of the rows; empty: none"},
	{Field: "Split", Name: "split", Group: Rows, Column: true, Placeholder: "random|time:COL", Words: []string{"random"},
		Help:  "Which rows are held out: of each class a share drawn by the seed, or the last by a column of numbers or dates. Default: random.",
		Label: "Held out", Hint: "random, or time:COLUMN for the last rows by that column", Shown: "random"},
	{Field: "Group", Name: "group", Group: Rows, Column: true, Placeholder: "COL",
		Help:  "Rows with the same cell in this column stay together when rows are held out; it is no input.",
		Label: "Groups", Hint: "a column whose equal cells are held out together; it is no input; empty: none"},
	{Field: "SampleWeight", Name: "sample-weight", Group: Rows, Column: true, Placeholder: "COL",
		Help:  "A column of weights, one for each row; it is no input.",
		Label: "Row weights", Hint: "a column that says what each row weighs; it is no input; empty: all alike"},
	{Field: "Metrics", Name: "metric", Group: Rows, Placeholder: "NAME,...",
		Choices: metricNames(),
		Help:    "What to report, with commas between them; the first one chooses the epoch on the validation rows. Default: the usual ones, and the loss chooses."},
	{Field: "Calibrate", Name: "calibrate", Group: Rows,
		Help: "Of classes: divide the logits by the temperature that suits the validation rows, where that makes probabilities better."},
	{Field: "Shrink", Name: "shrink", Group: Rows,
		Help: "Where rows that trained nothing are told worse than by always guessing the class shares or the mean: move what the model says towards that guess. On by default unless --members or --preset quick says how many networks there are."},
	{Field: "Threshold", Name: "threshold", Group: Rows, Placeholder: "X|auto:METRIC", Words: thresholdWords(),
		Help: "Above which probability the second of two classes is predicted: a number, or auto:f1 (accuracy, balanced_accuracy, f1_macro) for the best on the validation rows. Default: 0.5."},

	{Field: "Members", Name: "members", Group: Ensemble, Placeholder: "K", Least: 1, Fixed: true,
		Help:  "Train K networks and average what they say. Each is trained without one of K folds of the rows, which chooses its epoch, so every row is trained on and scored by a network that has not seen it. Default: by --preset.",
		Label: "Networks", Hint: "how many, whose mean is the model; one of them is shown; empty: one"},
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
