// Package model takes a table to a trained network and back: it is what the command line
// does, as a library.
//
//   - Options: everything that can be asked for, as one plain struct. It prints, goes into
//     JSON, and is what a model file keeps of how it came about.
//   - Fit: a training run on a table, from Prepare to a Model.
//   - Report: what the columns were taken for and how well the model does on which rows.
//   - Model: the columns, their encoding and the network. Load and Save move it through
//     one safetensors file; Predict, PredictRow and PredictValues use it, from any number
//     of goroutines.
package model
