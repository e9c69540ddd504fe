// Package safetensors writes and reads files of tensors: those that hold a network, checkpoints, and
// those of other programs.
//
//   - Header: the names, types, shapes and places of the tensors, and the metadata. It is all that is
//     kept in memory of a file whose tensors are written or read as a stream.
//   - WriteFloats, ReadFloats: a tensor's numbers on such a stream.
//   - Write, Parse, Fill: the file of a network, whose metadata have a JSON text and a checksum.
//
// The format is https://github.com/huggingface/safetensors: the length of the header in 8 bytes, the
// header as JSON, and the numbers of the tensors without gaps, little-endian.
package safetensors
