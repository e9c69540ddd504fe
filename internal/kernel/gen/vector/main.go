// Vector writes the amd64 assembly of package kernel's functions over slices: activations,
// updates, losses. It also writes what chooses a function's assembly, for arm64 too, whose
// assembly is written by hand. Run it with
//
//	go generate ./internal/kernel
//
// A formula stands here once (loops.go) and comes out four times: AVX-512 and AVX2, float32
// and float64. The Go code of package kernel is the specification.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
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
		c := build.NewContext()
		c.ConstraintExpr("!purego")
		p := &pool{c, map[string]operand.Mem{}}
		for _, l := range f.kernels {
			for _, t := range targets {
				l.emit(c, p, t)
			}
		}
		file, err := c.Result()
		if err == nil {
			err = pass.Compile.Execute(file)
		}
		if err != nil {
			log.Fatalf("vector: %s: %v", f.name, err)
		}
		cfg := printer.Config{Argv: []string{"go", "generate", "./internal/kernel"}, Pkg: "kernel"}
		base := filepath.Join(out, f.name+"_amd64")
		write(base+".s", printer.NewGoAsm(cfg), file)
		write(base+".go", printer.NewStubs(cfg), file)
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

func write(name string, p printer.Printer, file *ir.File) {
	text, err := p.Print(file)
	if err == nil {
		err = os.WriteFile(name, text, 0o644)
	}
	if err != nil {
		log.Fatal("vector: ", err)
	}
}
