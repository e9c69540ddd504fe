// Package export writes models for programs other than gradus, and reads dense networks that
// other programs made.
//
//   - ONNX: the whole way from a row's cells to its prediction, or the network alone.
//   - Go source: one file that predicts with the same bits, with a test of its own.
//   - C source: one function in C99, with its header.
//   - Tensors: the weights alone, as safetensors or npz, under gradus's or PyTorch's names.
//   - Import: a dense network from safetensors, npz or ONNX as a model.
//
// Write chooses the format by the ending of the file's name. Nothing but the program imports
// this package: who trains or predicts does not link it.
package export
