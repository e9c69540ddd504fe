// Package lesson computes what Gradus shows about learning.
//
//   - Explanation: one step on one sample, with a weight's chain rule in numbers (explain.go),
//     as a sum over paths or as the delta recursion (chain.go).
//   - Track: the course of one method of gradient descent in a race from common weights (race.go).
//   - Experiment: a run of the seed notebook, repeated (notebook.go), and the facts about it,
//     measured in the run itself (known.go).
//   - Shares: how many random starts of the one-sample network end in which way (census.go).
//
// It computes with the engine that trains and returns plain data; it draws and prints
// nothing. Layers, units and rows are counted from 0, as in the names of a model's tensors.
package lesson
