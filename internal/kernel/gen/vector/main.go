// Vector writes the amd64 assembly of package kernel's functions over slices: activations,
// updates, losses. It also writes the functions that choose the assembly, including that for arm64, which is written by hand.
// Run it with
//
//	go generate ./internal/kernel
//
// A formula is here once (loops.go) and generates four functions: for AVX-512 and AVX2, in float32 and float64. The Go code of
// package kernel is the specification.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/gradus-ml/gradus/internal/kernel/gen/asm"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: vector <folder to write to>")
	}
	out := os.Args[1]
	for _, f := range []struct {
		name    string
		kernels []kernel
	}{
		{"vector_forward", list(forward)},
		{"vector_backward", list(backward)},
		{"vector_update", list(updates)},
		{"vector_rules", list(rules)},
		{"vector_loss", list(losses)},
		{"vector_columns", []kernel{columnSums{}, finite}},
		{"vector_norm", list(norms)},
		{"vector_tiny", []kernel{tinyKernel{}}},
	} {
		asm.Write(out, f.name, func(c *build.Context) {
			p := &pool{c, map[string]operand.Mem{}}
			for _, l := range f.kernels {
				for _, t := range targets {
					l.emit(c, p, t)
				}
			}
		})
	}
	dispatch(filepath.Join(out, "vector_dispatch"))
}

type kernel interface {
	emit(*build.Context, *pool, target)
}

func list[K kernel](kernels []K) (list []kernel) {
	for _, k := range kernels {
		list = append(list, k)
	}
	return list
}

var targets = []target{{avx512: true, size: 4}, {size: 4}, {avx512: true, size: 8}, {size: 8}}
