// Package safetensors writes and reads files of tensors: networks, checkpoints, and the files of
// other programs.
//
//   - Header: the names, types, shapes and places of the tensors, and the metadata. If a file's tensors
//     are written or read as a stream, only the header is kept in memory.
//   - WriteFloats, ReadFloats: a tensor's numbers on such a stream.
//   - Write, Parse, Fill: the file of a network. Its metadata have a JSON text and a checksum.
//
// The format is https://github.com/huggingface/safetensors: the length of the header in 8 bytes, the
// header as JSON, and the numbers of the tensors without gaps, little-endian.
package safetensors
