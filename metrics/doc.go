// Package metrics measures how good predictions are. Regression, Binary, Multiclass and
// Multilabel each turn targets and predictions into a Report. Its Scores have a name, a
// value and a fixed order. The baselines are the scores of a guess that ignores the
// inputs.
//
// Tables are plain slices, row after row; the number of columns is an argument. A slice of
// weights has one for each row; nil means all ones, and an integer weight counts as that
// many copies of the row. Definitions are scikit-learn's. Where scikit-learn leaves
// something open, the function's comment says what is done. Two rules hold everywhere:
//
//   - A metric that is not defined for the given rows is left out: every metric for no rows
//     (or no weight), the AUC of a single class, the R2 of a single row.
//   - A metric of a NaN is NaN, never a number that looks like a score.
//
// Slices whose lengths do not match are a programmer's mistake and cause a panic. A target
// that is not a class, or an invalid weight, may come from a user's data and is an error.
//
// A metric may choose the epoch in which a run ends. So all sums are in the order of the
// rows, and logarithms are kernel.Log: the same input gives the same bits on every machine.
package metrics
