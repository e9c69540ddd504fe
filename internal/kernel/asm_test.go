package kernel

import (
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// These are the mnemonics that functions may use, by the instruction set that they need. An instruction
// of both AVX2 and AVX-512 runs on an AVX2 processor only in AVX2's encoding.
// TestAssemblyRunsOnItsProcessors checks that too.
const (
	withAMD64 = `ADCQ ADDL ADDQ ANDQ CMOVQGT CMOVQHI CMPQ CPUID DECQ IMUL3Q IMULQ INCQ JCC JE JEQ JGE JLE JLT JMP
		JNE JNZ JZ LEAQ MOVL MOVLQSX MOVQ NEGL NEGQ PREFETCHT0 PREFETCHT1 RET SHLQ SHRQ SUBQ TESTB TESTQ XORQ`
	withAVX2 = `BZHIQ PDEPQ PEXTQ POPCNTL VADDPD VADDPS VADDSD VANDPD VANDPS VBLENDVPD VBLENDVPS VBROADCASTSD
		VBROADCASTSS VCMPPD VCMPPS VCVTDQ2PS VCVTPD2DQY VCVTPS2DQ VCVTPS2PD VDIVPD VDIVPS VEXTRACTF128
		VFMADD132PD VFMADD132PS VFMADD213PD VFMADD213PS VFMADD231PD VFMADD231PS VFNMADD132PD VFNMADD132PS
		VFNMADD213PD VFNMADD213PS VFNMADD231PD VFNMADD231PS VINSERTF128 VMASKMOVPD VMASKMOVPS VMAXPD VMAXPS
		VMINPD VMINPS VMOVAPD VMOVAPS VMOVD VMOVDQU VMOVLPS VMOVMSKPD VMOVMSKPS VMOVQ VMOVSD VMOVSS VMOVUPD VMOVUPS
		VMULPD VMULPS VMULSD VORPD VORPS VPADDD VPBROADCASTD VPERM2F128 VPERMILPD VPERMILPS VPERMPD VPERMPS
		VPERMQ VPMOVZXBD VPMOVZXDQ VPSHUFD VPSLLD VPSLLQ VPSRAD VPSRLD VPSRLQ VPSUBD VROUNDPD VROUNDPS
		VSQRTPD VSQRTPS VSUBPD VSUBPS VUCOMISD VUNPCKHPD VUNPCKHPS VUNPCKLPD VUNPCKLPS VXORPD VXORPS VZEROUPPER`
	withAVX512 = `KMOVB KMOVW VBLENDMPD VBLENDMPS VEXTRACTF64X2 VEXTRACTF64X4 VGETEXPPD VGETEXPPS VGETMANTPD
		VGETMANTPS VPMOVD2M VPMOVQ2M VPXORD VRNDSCALEPD VRNDSCALEPS VSCALEFPD VSCALEFPS VSHUFF64X2`
)

// TestAssemblyRunsOnItsProcessors assembles every checked-in file. In functions of the AVX2 path it
// refuses what a processor without AVX-512 does not have: the EVEX encoding, which registers
// 16 to 31 and 64-byte vectors also need, and the mask registers. The test runs on any processor.
func TestAssemblyRunsOnItsProcessors(t *testing.T) {
	allowed := map[string]string{} // the path that a mnemonic needs, by mnemonic
	for path, mnemonics := range map[string]string{"": withAMD64, "AVX2": withAVX2, "AVX512": withAVX512} {
		for _, m := range strings.Fields(mnemonics) {
			allowed[m] = path
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("the go command does not run here: %v", err)
	}
	files, err := filepath.Glob("*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no assembly: %v", err)
	}
	functions := 0
	for _, file := range files {
		for _, f := range assemble(t, strings.TrimSpace(string(root)), file) {
			functions++
			avx512, avx2 := strings.HasSuffix(f.name, "AVX512"), strings.HasSuffix(f.name, "AVX2")
			for _, i := range f.instructions {
				mnemonic, _, _ := strings.Cut(i.mnemonic, ".") // without .BCST and .Z
				path, known := allowed[mnemonic]
				switch {
				case !known:
					t.Errorf("%s: %s: the test does not know what %s needs", i.where, f.name, i.mnemonic)
				case !avx512 && (path == "AVX512" || i.evex(f.code) || mask.MatchString(i.operands)):
					t.Errorf("%s: %s: %s %s needs AVX-512", i.where, f.name, i.mnemonic, i.operands)
				case !avx512 && !avx2 && path != "":
					t.Errorf("%s: %s: %s needs %s, and the function's name does not say so", i.where, f.name, i.mnemonic, path)
				}
			}
		}
	}
	if functions < 100 {
		t.Errorf("found %d functions, want at least 100", functions)
	}
}

// mask is a mask register among operands.
var mask = regexp.MustCompile(`\bK[0-7]\b`)

// assembled is a function in the assembler's listing.
type assembled struct {
	name         string
	instructions []instruction
	code         []byte
}

type instruction struct {
	where, mnemonic, operands string
	at                        int // where its bytes begin in the function's
}

// evex reports whether the instruction has the EVEX encoding of AVX-512.
func (i instruction) evex(code []byte) bool { return i.at < len(code) && code[i.at] == 0x62 }

var (
	listedFunction = regexp.MustCompile(`^kernel\.(\w+) STEXT`)
	listedLine     = regexp.MustCompile(`^\t0x[0-9a-f]+ (\d+) \(([^)]+)\)\t(\S+)\t?(.*)`)
	listedBytes    = regexp.MustCompile(`^\t0x[0-9a-f]+ ((?:[0-9a-f]{2} )+)`)
)

// assemble returns the functions of a file.
func assemble(t *testing.T, root, file string) []*assembled {
	t.Helper()
	cmd := exec.Command("go", "tool", "asm", "-S", "-p", "kernel", "-I", filepath.Join(root, "pkg", "include"),
		"-o", filepath.Join(t.TempDir(), "o"), file)
	cmd.Env = append(cmd.Environ(), "GOARCH=amd64")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", file, err, out)
	}
	var list []*assembled
	for line := range strings.Lines(string(out)) {
		if m := listedFunction.FindStringSubmatch(line); m != nil {
			list = append(list, &assembled{name: m[1]})
			continue
		}
		if len(list) == 0 {
			continue
		}
		f := list[len(list)-1]
		if m := listedLine.FindStringSubmatch(line); m != nil {
			if m[3] != "TEXT" && m[3] != "FUNCDATA" && m[3] != "PCDATA" {
				at, _ := strconv.Atoi(m[1])
				f.instructions = append(f.instructions, instruction{m[2], m[3], strings.TrimSpace(m[4]), at})
			}
		} else if m := listedBytes.FindStringSubmatch(line); m != nil {
			b, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			f.code = append(f.code, b...)
		}
	}
	return list
}
