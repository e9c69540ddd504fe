// Package nn holds feed-forward networks and their gradients.
//
// The nouns, each in its file, from simple to hard:
//
//   - Matrix: a row-major view of a slice. One row is one sample.
//   - Activation: f and its derivative f', by name.
//   - Loss: what an output costs against its target, and its derivative, by name.
//   - Init: how the weights start.
//   - Norm: how a layer normalizes its sums, by name; and dropout of a layer's inputs.
//   - Network: dense layers over one flat slice of parameters. It holds no forward state,
//     so many goroutines can use one network at once.
//   - Tape: one goroutine's forward values z, a and its deltas dL/dz.
//   - Forward and Backprop: the two passes.
//   - Check: every gradient against a central difference.
//
// With x the input of a layer, W of shape [in, out] and b of length out:
//
//	z = x·W + b      a = f(z)                      (Forward)
//	delta = dL/dz    dL/dW = xᵀ·delta   dL/db = Σ_rows delta   (Backprop)
//
// A norm stands between the two: z = norm(x·W + b), and delta is then dL/d(x·W + b).
//
// The package imports nothing but the standard library and the kernels.
//
// # Ownership and goroutines
//
// A Network may be used by many goroutines at once, each with a Tape of its own, as long as none
// changes its parameters or its state. Params, State, Values, Weights, Bias and Tensors are views:
// writing to them changes the network. A custom Activation or Loss is called from several goroutines.
//
// A Tape belongs to one goroutine. It keeps the matrix that a forward pass was given, which must not
// change before the passes back have been made, and the slice of UseWeights. What Forward,
// ForwardTraining, Z, A and Delta return are views into the tape, which its next pass overwrites;
// Predict returns memory of its own. A Matrix is a view of its Data, and so is what Row and Slice
// return; FromRows and Convert copy.
package nn
