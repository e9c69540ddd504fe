package diagnosis

import (
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/train"
)

// Finding is one reason why a run fell short of what it could have reached. It is part of a diagnosis.
type Finding struct {
	Code     string         `json:"code"`     // one of Codes
	Layer    *int           `json:"layer"`    // from 0; nil if it is not about one layer
	Epoch    int            `json:"epoch"`    // the epoch since which it was seen; 0: from the start
	Evidence string         `json:"evidence"` // a sentence with the numbers
	Remedies []train.Remedy `json:"remedies"` // what to try, the most promising first
}

// The codes of findings, causes before their consequences, in the order of a diagnosis.
// docs/diagnosis.md says what each means and how it is found.
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
	ForgottenRows       = "forgotten-rows"
	Unfinished          = "unfinished"
	Overfitting         = "overfitting"
	TargetShift         = "target-shift"
	WorseThanGuessing   = "worse-than-guessing"
	ConstantOutput      = "constant-output"
	ClassNeverPredicted = "class-never-predicted"
	Plateau             = "plateau"
	NotFinite           = "not-finite"
)

var codes = []string{
	TargetOutOfRange, TargetOutlier, LeakingColumn, UnscaledInputs, UnscaledTargets, IdenticalUnits, ExplodingGradients,
	ShrunkWeights, RateTooLarge, DeadRows, DeadUnits, SaturatedUnits, VanishingGradients, Oscillation, RateTooSmall,
	ForgottenRows, Unfinished, Overfitting, TargetShift, WorseThanGuessing, ConstantOutput, ClassNeverPredicted, Plateau, NotFinite,
}

// Sort puts findings into the order of a diagnosis. Findings with the same code keep their order.
func Sort(found []Finding) {
	slices.SortStableFunc(found, func(a, b Finding) int { return slices.Index(codes, a.Code) - slices.Index(codes, b.Code) })
}

// Codes lists the codes of findings in the order of a diagnosis.
func Codes() []string { return slices.Clone(codes) }

// Names are the names of rows, inputs and outputs in a diagnosis. Anything without a name is
// called by its number, from 0.
type Names struct {
	Inputs  []string // the column that each input comes from; neighbors with the same name are one column
	Outputs []string // the classes, or the targets

	// Row returns the name of a training row. nil: its number, counted from 0.
	Row func(row int) string

	// Center and Scale are for targets that are amounts: y in its own units is Scale·y + Center,
	// for each output. They are nil if y is already in its own units.
	Center, Scale []float64
}

const lookAtInputs = "look whether the inputs say anything about the target"

const (
	leastHeldOut = 10   // fewer rows are not compared with a guess
	shifted      = 2    // times the loss of the held-out rows' own mean, above which they have another level
	muchWorse    = 1.02 // times the guess's loss, both above the least
)

// WorseThanGuess returns the finding that the loss on held-out rows, such as "validation", is
// worse than that of a guess that never looks at the inputs. The three losses are per
// row: of the outputs, of that guess, and the least possible. ok is false if there is nothing to report.
func WorseThanGuess(what string, rows int, loss, guess, least float64) (f Finding, ok bool) {
	if rows < leastHeldOut || !(guess > least) || !(loss-least > muchWorse*(guess-least)) {
		return f, false
	}
	return Finding{
		Code:     WorseThanGuessing,
		Remedies: set("Dropout", "0.5", advice("smaller hidden layers"), advice("fewer columns or more rows"), advice(lookAtInputs)),
		Evidence: fmt.Sprintf("on the %d %s rows the loss is %s, and a guess that never looks at the inputs costs %s there: what was learned does not hold for them",
			rows, what, num(loss), num(guess)),
	}, true
}

// ShiftedTarget returns the finding that the targets of held-out rows have another level than those of the training rows, and that
// the outputs do not follow it. own is the loss per row of always guessing the mean of these rows; the other arguments are as in
// WorseThanGuess.
func ShiftedTarget(what string, rows int, loss, guess, own, least float64) (f Finding, ok bool) {
	if rows < leastHeldOut || !(loss > own) || !(guess-least > shifted*(own-least)) {
		return f, false
	}
	return Finding{
		Code: TargetShift,
		Remedies: []train.Remedy{advice("predicting the change since the row before"), advice("columns with earlier values of the target"),
			advice("a column that says what moves it")},
		Evidence: fmt.Sprintf("the target has another level on the %d %s rows than on the training rows, and the model does not follow it: its loss there is %s, "+
			"always guessing the mean of these rows costs %s and that of the training rows %s", rows, what, num(loss), num(own), num(guess)),
	}, true
}

// set returns a remedy that sets an option, followed by the others.
func set(option, value string, others ...train.Remedy) []train.Remedy {
	return append([]train.Remedy{{Option: option, Value: value}}, others...)
}

// advice returns a remedy in words.
func advice(words string) train.Remedy { return train.Remedy{Advice: words} }
