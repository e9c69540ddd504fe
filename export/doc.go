// Package export writes models for programs other than gradus, and reads dense networks that
// other programs made.
//
//   - ONNX: the full way from a row's cells to its prediction, or only the network.
//   - Go source: one file that predicts with the same bits, with its own test.
//   - C source: one function in C99, with its header.
//   - Tensors: only the weights, as safetensors or npz, under gradus's or PyTorch's names.
//   - Import: a dense network from safetensors, npz or ONNX as a model.
//
// Write chooses the format by the file's extension. No other package of the library imports this one, so a
// program that only trains or predicts does not link it.
package export
