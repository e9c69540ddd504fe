// Gen writes the amd64 assembly of package kernel. Run it with
//
//	go generate ./internal/kernel
//
// It is a module of its own, so that avo is not a dependency of gradus.
package main

import (
	"log"
	"os"

	"github.com/gradus-ml/gradus/internal/kernel/gen/asm"
	"github.com/mmcloughlin/avo/build"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: gen folder")
	}
	for _, f := range []struct {
		name string
		emit func(*build.Context)
	}{
		{"gemm_avx512", func(c *build.Context) {
			for _, size := range []int{4, 8} {
				g := &gemm{Context: c, isa: avx512{vectors{c, size, 64}}}
				g.tiles()
				g.descent = true
				g.tiles()
				g.peak()
			}
		}},
		{"gemm_avx2", func(c *build.Context) {
			maskTable(c)
			for _, size := range []int{4, 8} {
				g := &gemm{Context: c, isa: avx2{vectors{c, size, 32}, new(int)}}
				g.tiles()
				g.peak()
			}
		}},
		{"sparse", func(c *build.Context) {
			maskTable(c)
			for _, size := range []int{4, 8} {
				(&gemm{Context: c, isa: avx512{vectors{c, size, 64}}}).sparse()
				(&gemm{Context: c, isa: avx2{vectors{c, size, 32}, new(int)}}).sparse()
				nonZeros(c, size)
			}
		}},
		{"cpuid", cpuid},
		{"pack", func(c *build.Context) {
			pack(c)
			gather(c)
			transpose32(c)
			transpose64(c)
		}},
	} {
		asm.Write(os.Args[1], f.name, f.emit)
	}
}
