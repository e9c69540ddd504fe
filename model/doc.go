// Package model turns a table into a trained network and predicts with it. It does what
// the command line does, as a library.
//
//   - Options: everything that can be set, as one plain struct. It can be printed and written as JSON, and a
//     model file keeps it as a record of how the model was made.
//   - Fit: a training run on a table, from Prepare to a Model.
//   - Report: the kinds of the columns, and the scores of the model on each part of the rows.
//   - Model: the columns, their encoding and the network. Save and Load write and read it as
//     one safetensors file; Predict, PredictRow and PredictValues use it, from any number
//     of goroutines.
//
// # Ownership and goroutines
//
// A Model may be used by many goroutines at once, as long as none changes its fields. Network32 and
// Network64 may return the model's own network, which must not be changed. To train it further, Clone
// it and give the copy to New; New copies it again, so training can continue. The model keeps the
// Encoding that New was given. PredictValues writes into the caller's slice and keeps neither that
// slice nor the row. A Fit must be used by only one goroutine.
package model
