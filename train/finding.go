package train

import "slices"

// Finding is one reason why a run did not come to what it could have: part of a diagnosis.
type Finding struct {
	Code     string `json:"code"`     // one of Codes
	Layer    *int   `json:"layer"`    // from 0; nil where it is of no one layer
	Epoch    int    `json:"epoch"`    // since when it was seen; 0: from the start
	Evidence string `json:"evidence"` // a sentence with the numbers
	Try      string `json:"try"`      // a flag of gradus train with a value, or what to do
}

// The codes of findings, causes before their consequences: the order in which a diagnosis
// has them. docs/diagnosis.md says what each means and how it is found.
const (
	TargetOutOfRange    = "target-out-of-range"
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
	ConstantOutput      = "constant-output"
	ClassNeverPredicted = "class-never-predicted"
	Plateau             = "plateau"
	NotFinite           = "not-finite"
)

var codes = []string{
	TargetOutOfRange, LeakingColumn, UnscaledInputs, UnscaledTargets, IdenticalUnits, ExplodingGradients,
	ShrunkWeights, RateTooLarge, DeadRows, DeadUnits, SaturatedUnits, VanishingGradients, Oscillation, RateTooSmall,
	Unfinished, Overfitting, ConstantOutput, ClassNeverPredicted, Plateau, NotFinite,
}

// Codes lists the codes of findings in the order in which a diagnosis has them.
func Codes() []string { return slices.Clone(codes) }

// Names say what rows, inputs and outputs are called in a diagnosis. What has no name there
// is called by its number, from 0.
type Names struct {
	Inputs  []string // the column that each input comes from; neighbours of one name are one column
	Outputs []string // the classes, or the targets
	Rows    []int    // the number of each training row in its table
}
