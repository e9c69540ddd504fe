//go:build !purego

package kernel

// l2Bytes is the size of a core's L2 cache in bytes, or 0 if unknown: a program cannot ask an
// arm64 processor.
const l2Bytes = 0
