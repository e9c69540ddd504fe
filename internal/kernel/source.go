package kernel

import "embed"

// Source is the text of the files whose functions a program that was written by gradus export
// has copies of. A program that does not name it does not hold it.
//
//go:embed activation.go erf.go exp.go fma.go log.go loss.go trig.go
var Source embed.FS
