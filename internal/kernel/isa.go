package kernel

import (
	"fmt"
	"os"
	"strings"
)

// An isa is an instruction set with its own kernels.
type isa uint8

const (
	generic isa = iota // only Go
	avx2               // AVX2 and FMA
	avx512             // AVX-512 F, VL, DQ and BW
	neon
)

var isaNames = [...]string{generic: "generic", avx2: "avx2", avx512: "avx512", neon: "neon"}

// active is the instruction set in use. Whichever it is, the results have the same bits.
var active, isaError = chooseISA(os.Getenv("GRADUS_ISA"))

// chooseISA returns the machine's best instruction set, or the one that GRADUS_ISA selects.
func chooseISA(name string) (isa, error) {
	if name == "" {
		return machineISAs()[0], nil
	}
	set, err := findISA(name)
	if err != nil {
		return generic, fmt.Errorf("GRADUS_ISA: %w", err)
	}
	return set, nil
}

func findISA(name string) (isa, error) {
	for _, set := range machineISAs() {
		if isaNames[set] == name {
			return set, nil
		}
	}
	for _, known := range isaNames {
		if known == name {
			return generic, fmt.Errorf("this machine or build has no %s: choose %s", name, strings.Join(ISAs(), ", "))
		}
	}
	return generic, fmt.Errorf("unknown instruction set %q: choose %s", name, strings.Join(ISAs(), ", "))
}

// ISA returns the name of the instruction set in use: avx512, avx2, neon or generic. It is the
// machine's best, unless the environment variable GRADUS_ISA or SelectISA selected another.
func ISA() string { return isaNames[active] }

// ISAs returns the names of the instruction sets that this machine and this build have,
// the best first. The last is always generic.
func ISAs() []string {
	var names []string
	for _, set := range machineISAs() {
		names = append(names, isaNames[set])
	}
	return names
}

// ISAError returns why GRADUS_ISA could not be followed, or nil. In that case the kernels
// are generic.
func ISAError() error { return isaError }

// SelectISA makes the kernels use one of ISAs. It must not be called while a kernel runs.
func SelectISA(name string) error {
	set, err := findISA(name)
	if err == nil {
		active = set
	}
	return err
}
