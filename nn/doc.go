// Package nn holds feed-forward networks and their gradients.
//
// The types and functions, each in its own file, from simple to hard:
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
// A norm comes between the two: z = norm(x·W + b), and delta is then dL/d(x·W + b).
//
// The package imports only the standard library and internal packages.
//
// # Ownership and goroutines
//
// A Network may be used by many goroutines at once, each with its own Tape, as long as none changes
// its parameters or its state. Params, State, Values, Weights, Bias and Tensors are views: writing to
// them changes the network. A custom Activation or Loss is called from several goroutines.
//
// A Tape belongs to one goroutine. It keeps the matrix passed to a forward pass and the slice of
// UseWeights. The matrix must not change until the backward passes are done. The results of Forward,
// ForwardTraining, Z, A and Delta are views into the tape, which its next pass overwrites. Predict
// returns new memory. A Matrix is a view of its Data, and so are the results of Row and Slice.
// FromRows and Convert copy.
package nn
