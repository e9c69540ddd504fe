package model

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// Options say what to train and how. Names and defaults are those of the command line's flags. The
// zero value of a field is its default, and a nil pointer means "not given". Three defaults differ: the zero
// Options train one network with seed 0. Options{Seed: 1, Members: AutoMembers, Shrink: true} train what
// gradus train does.
type Options struct {
	// The table.
	Targets []string             `json:"target,omitempty"` // default: the last column
	Task    data.Task            `json:"task,omitempty"`   // default: auto
	Types   map[string]data.Kind `json:"types,omitempty"`
	Ignore  []string             `json:"ignore,omitempty"`
	Scale   data.Scaling         `json:"scale,omitempty"` // default: auto

	// How the cells are written; see data.SchemaOptions.
	Missing    []string          `json:"missing,omitempty"`
	Decimal    string            `json:"decimal,omitempty"`
	DateFormat map[string]string `json:"date_format,omitempty"`

	Positive string `json:"positive,omitempty"` // of two classes the positive one; default: the second

	// Recipe chooses layers, activation and scaling if they are not given: auto (default), plain, wide, trees or waves. auto
	// is plain if one of them or the optimizer is given, or for a table without columns of numbers, with more than 256 of
	// them, or with more than 2 million cells in them. Otherwise it is trees for a table of at least 1,200 rows, and plain for a
	// smaller one. In an ensemble of 8 networks or more with their own folds, every second one then has the recipe waves, or in
	// a smaller table trees. See docs/recipe.md.
	Recipe string `json:"recipe,omitempty"`

	// The network.
	Hidden           []int  `json:"hidden"` // nil: by the recipe; empty: none
	Activation       string `json:"activation,omitempty"`
	OutputActivation string `json:"output_activation,omitempty"`
	NoBias           bool   `json:"no_bias,omitempty"`
	Init             string `json:"init,omitempty"`
	Norm             string `json:"norm,omitempty"` // of the hidden layers: none, batch or layer

	// The share of a layer's inputs that training sets to 0.
	Dropout      float64 `json:"dropout,omitempty"`       // of the hidden units
	InputDropout float64 `json:"input_dropout,omitempty"` // of the inputs

	Precision string `json:"precision,omitempty"` // float32 or float64

	// The loss.
	Loss      string `json:"loss,omitempty"`
	Reduction string `json:"reduction,omitempty"`

	// Interval is the level, such as 0.9, of a lower and an upper bound that the network learns for each target of a
	// regression, besides its prediction; 0: none. See nn.WithBounds and Model.Bounds.
	Interval float64 `json:"interval,omitempty"`

	// The descent.
	// Optimizer auto is AdamW with a beta2 of 0.95, a weight decay of 0.1, and the learning rate 0.003, or 0.01 for a
	// regression. Schedule auto is then cosine, unless a tolerance or a target loss is given. With any other optimizer it is
	// constant.
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

	// Other changes to gradients, weights and targets; 0 is none. See train.Config.
	L1             float64 `json:"l1,omitempty"`
	L2             float64 `json:"l2,omitempty"`
	MaxNorm        float64 `json:"max_norm,omitempty"`
	ClipNorm       float64 `json:"clip_norm,omitempty"`
	ClipValue      float64 `json:"clip_value,omitempty"`
	EMA            float64 `json:"ema,omitempty"`
	LabelSmoothing float64 `json:"label_smoothing,omitempty"`

	// Members makes the model an ensemble of that many networks, whose predictions it averages. 0 and 1
	// are one network; AutoMembers is the number that gradus train uses by default. See Fit.Members for
	// the rows that each is trained on.
	Members int `json:"members,omitempty"`

	// BlockRows and BufferBlocks shuffle in two steps, like a run whose rows do not fit in memory. Blocks of
	// BlockRows rows come in random order, and BufferBlocks of them at a time are shuffled together. If both
	// are 0, all rows are shuffled together, if they fit. If one is 0, it is chosen by the width of a row.
	BlockRows    int `json:"block_rows,omitempty"`
	BufferBlocks int `json:"buffer_blocks,omitempty"`

	NoShuffle bool   `json:"no_shuffle,omitempty"`
	Shards    int    `json:"shards,omitempty"`
	Threads   int    `json:"threads,omitempty"` // does not affect the result
	Seed      uint64 `json:"seed"`              // any number, including 0; the command line's default is 1

	// When training ends.
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

	// The weights of rows, and which rows stay together.
	SampleWeight string   `json:"sample_weight,omitempty"` // a column of weights; it is not an input
	ClassWeight  []string `json:"class_weight,omitempty"`  // balanced, or CLASS=X for some classes
	Split        string   `json:"split,omitempty"`         // random (default), or time:COL: the last rows are held out
	Group        string   `json:"group,omitempty"`         // a column whose equal cells stay together; it is not an input

	// How predictions are scored.
	Metrics   []string `json:"metric,omitempty"`    // of reports; the first one chooses the epoch instead of the loss
	Calibrate bool     `json:"calibrate,omitempty"` // of classes: divide the logits by the temperature that is best on the validation rows
	// Shrink moves a model toward a guess that ignores the inputs, if the model predicts rows that did not
	// train it worse than that guess; see Shrinkage.
	Shrink    bool   `json:"shrink,omitempty"`
	Threshold string `json:"threshold,omitempty"` // of two classes: a number (default 0.5), or auto:METRIC

	// Custom parts that names may refer to.
	Custom Custom `json:"-"`

	// Stage, if not nil, is called with what Prepare is about to do: "types", "scales" or
	// "encoding". The folds of a CrossValidate call it at the same time.
	Stage func(what string) `json:"-"`

	// Step, if not nil, is called by CrossValidate after each step of a fold, counted from 0, that is trained in this process.
	// The folds call it at the same time.
	Step func(fold int, f *Fit, s train.Step) `json:"-"`

	// Encoded, if not nil, is called with the number of training rows that have been encoded and written to the
	// disk, if they do not fit in memory.
	Encoded func(rows, of int) `json:"-"`

	// Ranks, if not nil, are the processes that train the network together: see train.Config.Ranks.
	// Of an ensemble, rank r of P trains the members k with k mod P = r, and every rank ends with all of them. If there
	// are more ranks than members, the others only wait.
	Ranks train.Ranks `json:"-"`

	// Elsewhere, if not nil, has fold i of a CrossValidate, or member i of an ensemble, trained on another
	// machine. It returns the result of TrainFold or TrainMember there, with the same tables and options.
	// All are requested at the same time. It is not called for a single network.
	Elsewhere func(ctx context.Context, i int) (*FoldRun, error) `json:"-"`

	// Refuse, if not nil, is called before the rows are encoded and the network is made. If it
	// returns an error, Prepare returns that error.
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

// Custom holds your own implementations, found by their String.
type Custom struct {
	Activations []nn.Activation
	Losses      []nn.Loss
	Optimizers  []optim.Optimizer
	Schedules   []optim.Schedule
}

// add adds the implementations of another Custom.
func (c *Custom) add(o Custom) {
	c.Activations = append(c.Activations, o.Activations...)
	c.Losses = append(c.Losses, o.Losses...)
	c.Optimizers = append(c.Optimizers, o.Optimizers...)
	c.Schedules = append(c.Schedules, o.Schedules...)
}

// Defaults that are numbers.
const (
	DefaultValidation = 0.15 // share of the rows that are not for testing
	halvings          = 10   // most halvings of the rate with halve-lr
	FewRows           = 50   // with fewer rows, none is held out for validation by default
)

// defaultHidden returns the default hidden layers of a network.
func defaultHidden() []int { return []int{64, 64} }

// Validate refuses options that are invalid for every table: unknown names, numbers out of range,
// and contradictions. Prepare calls it first, and refuses what depends on the table itself.
func (o Options) Validate() error {
	switch {
	case o.Members < AutoMembers:
		return refuse("Members", o.Members, "give a whole number of at least 1, or leave it out; in Go, AutoMembers goes by the size of the table")
	case !slices.Contains([]string{"", RecipeAuto, RecipePlain, RecipeWide, RecipeTrees, RecipeWaves}, o.Recipe):
		return refuse("Recipe", o.Recipe, "choose auto, plain, wide, trees or waves")
	case !(o.Interval >= 0 && o.Interval < 1):
		return refuse("Interval", o.Interval, "give a share between 0 and 1, such as 0.9, or 0 for none")
	case o.Interval != 0 && o.Tolerance != nil:
		return refuse("Interval", nil, "a tolerance is for outputs that equal their targets, and bounds do not: leave out one of the two")
	case !slices.Contains([]string{"", ".", ","}, o.Decimal):
		return refuse("Decimal", o.Decimal, "give . or ,")
	case o.timeColumn() == "" && cmp.Or(o.Split, "random") != "random":
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

// ParseHidden reads "64,64"; "0" and "" mean no hidden layer.
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
