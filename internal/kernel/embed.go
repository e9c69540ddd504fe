package kernel

import "embed"

// Source is the text of these files. Programs written by gradus export have copies of functions
// from them. A program that does not use Source does not contain it.
//
//go:embed activation.go erf.go exp.go fma.go log.go loss.go trig.go
var Source embed.FS
