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
//
// # Ownership and goroutines
//
// A Model may be used by many goroutines at once, as long as none changes its fields. Network32 and
// Network64 may be the model's own network, which must not be changed: Clone it to train further, and
// give the copy to New, which copies it once more and so lets the training go on. The model keeps the
// Encoding that New was given. PredictValues writes into the caller's slice and keeps neither that nor
// the row. A Fit belongs to one goroutine.
package model
