package diagnosis

import (
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/train"
)

// Finding is one reason why a run did not come to what it could have: part of a diagnosis.
type Finding struct {
	Code     string         `json:"code"`     // one of Codes
	Layer    *int           `json:"layer"`    // from 0; nil where it is of no one layer
	Epoch    int            `json:"epoch"`    // since when it was seen; 0: from the start
	Evidence string         `json:"evidence"` // a sentence with the numbers
	Remedies []train.Remedy `json:"remedies"` // what to try, the first of them first
}

// The codes of findings, causes before their consequences: the order in which a diagnosis
// has them. docs/diagnosis.md says what each means and how it is found.
const (
	TargetOutOfRange    = "target-out-of-range"
	TargetOutlier       = "target-outlier"
	LeakingColumn       = "leaking-column"
	UnscaledInputs      = "unscaled-inputs"
	UnscaledTargets     = "unscaled-targets"
	IdenticalUnits      = "identical-units"
	ExplodingGradients  = "exploding-gradients"
	ShrunkWeights       = "shrunk-weights"
	RateTooLarge        = "rate-too-large"
	DeadRows            = "dead-rows"
	DeadUnits           = "dead-units"
	SaturatedUnits      = "saturated-units"
	VanishingGradients  = "vanishing-gradients"
	Oscillation         = "oscillation"
	RateTooSmall        = "rate-too-small"
	Unfinished          = "unfinished"
	Overfitting         = "overfitting"
	WorseThanGuessing   = "worse-than-guessing"
	ConstantOutput      = "constant-output"
	ClassNeverPredicted = "class-never-predicted"
	Plateau             = "plateau"
	NotFinite           = "not-finite"
)

var codes = []string{
	TargetOutOfRange, TargetOutlier, LeakingColumn, UnscaledInputs, UnscaledTargets, IdenticalUnits, ExplodingGradients,
	ShrunkWeights, RateTooLarge, DeadRows, DeadUnits, SaturatedUnits, VanishingGradients, Oscillation, RateTooSmall,
	Unfinished, Overfitting, WorseThanGuessing, ConstantOutput, ClassNeverPredicted, Plateau, NotFinite,
}

// Sort puts findings into the order of a diagnosis, and leaves those of one code in theirs.
func Sort(found []Finding) {
	slices.SortStableFunc(found, func(a, b Finding) int { return slices.Index(codes, a.Code) - slices.Index(codes, b.Code) })
}

// Codes lists the codes of findings in the order in which a diagnosis has them.
func Codes() []string { return slices.Clone(codes) }

// Names say what rows, inputs and outputs are called in a diagnosis. What has no name there
// is called by its number, from 0.
type Names struct {
	Inputs  []string // the column that each input comes from; neighbors of one name are one column
	Outputs []string // the classes, or the targets

	// Row is what a training row is called; nil: its number, counted from 0.
	Row func(row int) string

	// Of targets that are amounts: y in its own units is Scale·y + Center, by outputs. Nil where y
	// is in them already.
	Center, Scale []float64
}

const lookAtInputs = "look whether the inputs say anything about the target"

const (
	leastHeldOut = 10   // rows of which a loss is held against a guess's
	muchWorse    = 1.02 // times the guess's loss, both above the least
)

// WorseThanGuess is the finding that held-out rows, such as "validation", are told worse than by
// always guessing the mean of the training targets. The losses are those of a row: of the outputs,
// of that guess, and the least there can be. It is not ok where there is nothing to find.
func WorseThanGuess(what string, rows int, loss, guess, least float64) (f Finding, ok bool) {
	if rows < leastHeldOut || !(guess > least) || !(loss-least > muchWorse*(guess-least)) {
		return f, false
	}
	return Finding{
		Code:     WorseThanGuessing,
		Remedies: set("Dropout", "0.5", advice("smaller hidden layers"), advice("fewer columns or more rows"), advice(lookAtInputs)),
		Evidence: fmt.Sprintf("on the %d %s rows the loss is %s, and always guessing the mean of the training targets costs %s there: what was learned does not hold for them",
			rows, what, num(loss), num(guess)),
	}, true
}

// set are the remedies of which the first sets an option.
func set(option, value string, others ...train.Remedy) []train.Remedy {
	return append([]train.Remedy{{Option: option, Value: value}}, others...)
}

// advice is a remedy in words.
func advice(words string) train.Remedy { return train.Remedy{Advice: words} }
