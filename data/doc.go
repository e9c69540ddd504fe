// Package data turns a table in a file into the matrices a network is trained on.
//
// There are four steps, each with its own type:
//
//	Read    file   -> Table      cells, as they are in the file
//	Infer   Table  -> Schema     the kind of each column, and the task
//	Fit     Schema -> Encoding   how a row becomes numbers, learned on training rows only
//	Bind    Encoding + Table     -> Inputs and Targets: row-major matrices
//
// An Encoding holds everything needed to encode rows later. It is plain data, can be
// written as JSON, and is stored in the model file. EncodeRow does the same encoding for
// one row of typed values. It does not allocate and may be called from many goroutines.
//
// A cell that is empty, NA, N/A, NaN, null or ? (in any case, with blanks around it)
// is missing.
//
// The results reach the weights, so they must have the same bits on every machine.
// Statistics are float64 sums in row order, no product can be fused with a sum, and no
// function is called whose last bit depends on the processor.
//
// Errors are one sentence that names the file and the line or the column. The sentinel errors of this package tell
// their kinds apart. Where an option would help, errors and the notes on a table keep it apart from the words
// (Note).
//
// # Ownership and goroutines
//
// A Table, a Schema and an Encoding may be read by many goroutines at once, as long as none changes
// them. Inputs, Targets and EncodeRow write into the caller's slice and keep nothing of it. A Binding
// refers to its Table and its Encoding.
package data
