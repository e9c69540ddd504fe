// Package metrics says how good predictions are: Regression, Binary, Multiclass and
// Multilabel each turn targets and predictions into a Report, whose Scores have a name, a
// value and a fixed order. The baselines are the scores of a guess that never looks at the
// inputs.
//
// Tables are plain slices, row after row; the number of columns is an argument. A slice of
// weights holds one for each row; nil stands for ones, and a whole number counts as that
// many copies of the row. Definitions are scikit-learn's, and what it leaves open is said
// at each function. Two rules hold everywhere:
//
//   - A metric that is not defined for the rows at hand is left out: every one of no rows
//     (or of no weight), the AUC of a single class, the R2 of a single row.
//   - A metric of a NaN is NaN, never a number that looks like a score.
//
// Slices whose lengths do not fit are a programmer's mistake and panic. A target that is no
// class, or an impossible weight, may come from a user's data and is an error.
//
// A metric may choose the epoch a run ends in, so all sums are taken in the order of the
// rows and logarithms are kernel.Log: the same input gives the same bits on every machine.
package metrics
