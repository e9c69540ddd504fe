// Package lesson computes what there is to show about learning.
//
//   - Explanation: one step on one sample, with a weight's chain rule in numbers (explain.go),
//     as a sum over paths or as the delta recursion (chain.go).
//   - Track: how a method of gradient descent fared in a race from common weights (race.go).
//   - Experiment: the seed notebook's runs, again (notebook.go), and what is known of each,
//     measured in the run itself (known.go).
//   - Shares: what becomes of many random starts of the one-sample net (census.go).
//
// It computes with the engine that trains and returns plain data; it draws and prints
// nothing. Layers, units and rows are counted from 0, as in the names of a model's tensors.
package lesson
