// Package data turns a table in a file into the matrices a network is trained on.
//
// The way goes in four steps, each with a type of its own:
//
//	Read    file   -> Table      cells, as they stand in the file
//	Infer   Table  -> Schema     what each column is taken for, and the task
//	Fit     Schema -> Encoding   how a row becomes numbers, learned on training rows only
//	Bind    Encoding + Table     -> Inputs and Targets: row-major matrices
//
// An Encoding holds everything that is needed to encode rows later. It is plain data,
// goes into JSON, and is stored in the model file. EncodeRow is the same encoding for one
// row of typed values: it does not allocate and may be called from many goroutines.
//
// A cell that is empty, NA, N/A, NaN, null or ? (in any case, with blanks around it)
// is missing.
//
// What is computed here reaches the weights, so it must have the same bits on every
// machine: statistics are float64 sums in row order, no product is left to be fused with
// a sum, and no function is called whose last bit depends on the processor.
//
// Errors are one sentence that names the file and the line or the column; the sentinel
// errors of this package tell their kinds apart. Where an option would change what is said, the error and the notes
// on a table have it apart from the words (Note).
//
// # Ownership and goroutines
//
// A Table, a Schema and an Encoding may be read by many goroutines at once, as long as none changes
// them. Inputs, Targets and EncodeRow write into the caller's slice and keep nothing of it. A Binding
// refers to its Table and its Encoding.
package data
