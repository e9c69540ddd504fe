// Package asm writes a generated file of assembly with its Go declarations, and refuses one
// that does not run on the processors it is for.
package asm

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

// Write generates NAME_amd64.s and NAME_amd64.go in a folder from what emit records. It ends the program if that fails.
func Write(folder, name string, emit func(*build.Context)) {
	c := build.NewContext()
	c.ConstraintExpr("!purego")
	emit(c)
	file, err := c.Result()
	if err == nil {
		err = pass.Concat(pass.Compile, pass.FunctionPass(check)).Execute(file)
	}
	cfg := printer.Config{Argv: []string{"go", "generate", "./internal/kernel"}, Pkg: "kernel"}
	base := filepath.Join(folder, name+"_amd64")
	for _, out := range []struct {
		ending  string
		printer printer.Printer
	}{{".s", printer.NewGoAsm(cfg)}, {".go", printer.NewStubs(cfg)}} {
		var text []byte
		if err == nil {
			text, err = out.printer.Print(file)
		}
		if err == nil {
			err = os.WriteFile(base+out.ending, text, 0o644)
		}
	}
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
}

// baseline lists the extensions that every amd64 processor has and the kernels use. A function whose name does not end in a
// path may use only these.
var baseline = []string{"CMOV", "CPUID", "MMX+", "SSE", "SSE2"}

// extensions lists what a processor must have in addition for each path, as machineISAs of package kernel checks. The path is
// the end of a function's name.
var extensions = map[string][]string{
	"AVX2":   {"AVX", "AVX2", "BMI2", "FMA3", "POPCNT"},
	"AVX512": {"AVX", "AVX2", "BMI2", "FMA3", "POPCNT", "AVX512F", "AVX512VL", "AVX512DQ", "AVX512BW"},
}

// check refuses a function that uses what a processor of its path may lack: an instruction, or on AVX2 a mask register, a
// register of 64 bytes or one of the registers 16 to 31. The allocator may assign these, and avo lists the instruction under
// AVX2 all the same.
func check(f *ir.Function) error {
	path := "any amd64"
	for p := range extensions {
		if strings.HasSuffix(f.Name, p) {
			path = p
		}
	}
	for _, i := range f.Instructions() {
		for _, extension := range i.ISA {
			if !slices.Contains(baseline, extension) && !slices.Contains(extensions[path], extension) {
				return fmt.Errorf("%s: %s is an instruction of %s, which a processor of the path %s may lack", f.Name, i.Opcode, extension, path)
			}
		}
		if path == "AVX512" {
			continue
		}
		for _, r := range i.Registers() {
			p := reg.ToPhysical(r)
			if p == nil {
				continue
			}
			if p.Kind() == reg.KindOpmask || p.Kind() == reg.KindVector && (p.PhysicalIndex() > 15 || p.Size() > 32) {
				return fmt.Errorf("%s: %s uses %s, which a processor with only AVX2 lacks: keep fewer values at a time", f.Name, i.Opcode, p.Asm())
			}
		}
	}
	return nil
}
