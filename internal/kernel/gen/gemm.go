package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type gemm struct {
	*build.Context
	isa
	descent bool // the tiles end in an update instead of being stored
}

// The registers of tiles. Strides are in bytes.
var (
	a0    = reg.RAX // A[0][p] of the tile
	a6    = reg.R13 // A[6][p], in tiles of more than 6 rows
	b0    = reg.RBX // B[p][0]
	left  = reg.RCX // how many p are left
	aCol  = reg.RDX
	bRow  = reg.RSI
	c0    = reg.RDI // the row of C to load or store
	aRow  = reg.R8
	aRow3 = reg.R9
	aRow5 = reg.R10
	a     = reg.R11 // A[0][0] of the tile
	count = reg.R12 // how many tiles are left
	cRow  = reg.R14
	ahead = reg.R15 // what to prefetch next
)

// tiles generates the function that computes a column of tiles, each h rows high and w vectors wide. All matrix products
// consist of it. With descent, it generates the variant that ends in an update.
func (g *gemm) tiles() {
	if g.descent {
		g.declareDescend()
	} else {
		g.declareTiles()
	}
	g.params([]param{{"count", count}, {"a", a}, {"c", c0}, {"aRow", aRow}, {"aCol", aCol}, {"bRow", bRow}, {"cRow", cRow}})
	g.LEAQ(operand.Mem{Base: aRow, Index: aRow, Scale: 2}, aRow3)
	g.LEAQ(operand.Mem{Base: aRow, Index: aRow, Scale: 4}, aRow5)
	h := reg.RBX
	g.Load(g.Param("h"), h)
	if g.descent {
		g.chooseHeight(h, 2, func(m int) string { return label(m, 2, false) })
		for m := 1; m <= g.heights(2); m++ {
			g.tile(label(m, 2, false), m, 2, false)
		}
	} else {
		g.chooseWidth(h)
		g.halves(h)
		for _, masked := range g.masked() {
			for n := range 9 {
				for m := 1; m <= g.heights(n); m++ {
					g.tile(label(m, n, masked), m, n, masked)
				}
			}
		}
	}
	g.Label("done")
	g.VZEROUPPER()
	g.RET()
}

func (g *gemm) declareDescend() {
	g.Function("descend" + g.name())
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.SignatureExpr(fmt.Sprintf("func(h, count, k int, a, b, c, v *%[1]s, aRow, aCol, bRow, cRow int, rate, mu %[1]s, ahead uintptr, aheadStep, aheadTile int)", g.elem()))
	g.Doc(
		fmt.Sprintf("descend%[1]s is tiles%[1]s for tiles of two whole vectors. It does not store the sums s,", g.name()),
		"but uses them as the gradient of C. V is laid out like C, or nil:",
		"",
		"\tV[i][j] = FMA(mu, V[i][j], s)",
		"\tC[i][j] = FMA(rate, V[i][j] or else s, C[i][j])",
	)
}

func (g *gemm) declareTiles() {
	g.Function("tiles" + g.name())
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.SignatureExpr(fmt.Sprintf("func(h, w, count, k int, a, b, c, from *%s, aRow, aCol, bRow, cRow, fromRow, last int, ahead uintptr, aheadStep, aheadTile int)", g.elem()))
	g.Doc(
		fmt.Sprintf("tiles%s computes count tiles of C, one below the other, each h rows high and", g.name()),
		fmt.Sprintf("w vectors of %d wide; only last elements of the last vector belong to C:", g.lanes()),
		"",
		"\tfor i := range count*h {",
		fmt.Sprintf("\t\tfor j := range %d*(w-1) + last {", g.lanes()),
		"\t\t\ts := From[i][j], or 0 if from is nil",
		"\t\t\tfor p := range k { s = FMA(A[i][p], B[p][j], s) }",
		"\t\t\tC[i][j] = s",
		"\t\t}",
		"\t}",
		"",
		"Strides are in bytes. k and count are at least 1. From may be C. Tall tiles of two vectors also prefetch",
		"two vectors at each p, at ahead + i*aheadTile + p*aheadStep for tile i.",
	)
}

// param is a parameter of a function and the register that takes it.
type param struct {
	name string
	to   reg.Register
}

// params generates the loads of parameters.
func (g *gemm) params(all []param) {
	for _, p := range all {
		g.Load(g.Param(p.name), p.to)
	}
}

// chooseWidth generates the jumps to the tiles of each width, with a last vector that is whole or masked.
func (g *gemm) chooseWidth(h reg.Register) {
	w, last := reg.RAX, reg.RCX
	g.Load(g.Param("last"), last)
	for _, masked := range g.masked() {
		next := fmt.Sprintf("masked%v", !masked)
		if !masked {
			g.CMPQ(last, operand.Imm(uint64(g.lanes())))
			g.JNE(operand.LabelRef(next))
		} else {
			g.setMask(last)
		}
		g.Load(g.Param("w"), w)
		for _, n := range []int{2, 1, 4, 3, 5, 6, 7, 8} {
			other := fmt.Sprintf("not%d%v", n, masked)
			g.CMPQ(w, operand.Imm(uint64(n)))
			g.JNE(operand.LabelRef(other))
			if half := g.half(); half != nil && n == 1 {
				g.CMPQ(last, operand.Imm(uint64(half.lanes())))
				g.JLE(operand.LabelRef("half"))
			}
			g.chooseHeight(h, n, func(m int) string { return label(m, n, masked) })
			g.Label(other)
		}
		g.JMP(operand.LabelRef("done")) // no such width
		if !masked {
			g.Label(next)
		}
	}
}

// halves generates the tiles of one vector of half the width, if the instruction set has them.
func (g *gemm) halves(h reg.Register) {
	half := &gemm{Context: g.Context, isa: g.half()}
	if half.isa == nil {
		return
	}
	g.Label("half")
	g.chooseHeight(h, 1, func(m int) string { return "half" + label(m, 1, true) })
	for m := 1; m <= g.heights(1); m++ {
		half.tile("half"+label(m, 1, true), m, 1, true)
	}
}

// chooseHeight generates the jump to the tiles of the given height.
func (g *gemm) chooseHeight(h reg.Register, w int, label func(int) string) {
	for m := g.heights(w); m > 1; m-- {
		g.CMPQ(h, operand.Imm(uint64(m)))
		g.JEQ(operand.LabelRef(label(m)))
	}
	g.JMP(operand.LabelRef(label(1)))
}

func label(h, w int, masked bool) string {
	if masked {
		return fmt.Sprintf("tile%dx%dmasked", h, w)
	}
	return fmt.Sprintf("tile%dx%d", h, w)
}

// tile is a loop over tiles of h by w vectors. The last vector of a row is masked or whole.
type tile struct {
	*gemm
	name   string
	h, w   int
	masked bool
}

// tile generates a loop over tiles.
func (g *gemm) tile(name string, h, w int, masked bool) {
	t := tile{g, name, h, w, masked}
	g.Comment(fmt.Sprintf("Tiles of %d rows, %d vectors of %d.", h, w, g.lanes()))
	g.Label(name)
	t.begin()
	t.sum()
	if g.descent {
		t.descend()
	} else {
		t.end()
	}
	if t.fetches() {
		g.Load(g.Param("aheadTile"), ahead)
		g.ADDQ(ahead, mem(g.Param("ahead")))
	}
	g.IMUL3Q(operand.Imm(uint64(h)), aRow, left)
	g.ADDQ(left, a)
	g.DECQ(count)
	g.JNZ(operand.LabelRef(name))
	g.JMP(operand.LabelRef("done"))
}

// acc is the register that sums vector j of row i.
func (t tile) acc(i, j int) reg.VecPhysical { return t.reg(i*t.w + j) }

// cut reports whether vector j of a row is masked.
func (t tile) cut(j int) bool { return t.masked && j == t.w-1 }

// fetches reports whether the tile prefetches what is needed next.
func (t tile) fetches() bool { return t.w == 2 && t.h >= t.heights(t.w)/2 }

// vector addresses vector j of a row.
func (g *gemm) vector(base reg.Register, j int) operand.Mem {
	return operand.Mem{Base: base, Disp: j * g.lanes() * g.elemSize()}
}

// loadVector loads vector j of a row. Of a masked vector it loads only the elements that belong to the row.
func (t tile) loadVector(j int, m operand.Mem, v reg.Register) {
	if t.cut(j) {
		t.loadMasked(m, v)
	} else {
		t.load(m, v)
	}
}

// begin generates the code that sets the sums to their first values: those of From, or 0.
func (t tile) begin() {
	if !t.descent {
		row, fromRow := a0, reg.RBX
		t.Load(t.Param("from"), row)
		t.TESTQ(row, row)
		t.JZ(operand.LabelRef(t.name + "zero"))
		t.Load(t.Param("fromRow"), fromRow)
		for i := range t.h {
			for j := range t.w {
				t.loadVector(j, t.vector(row, j), t.acc(i, j))
			}
			t.ADDQ(fromRow, row)
		}
		t.MOVQ(row, mem(t.Param("from")))
		t.JMP(operand.LabelRef(t.name + "start"))
		t.Label(t.name + "zero")
	}
	for i := range t.h * t.w {
		t.zero(t.reg(i))
	}
	t.Label(t.name + "start")
}

// sum generates the loop over p.
func (t tile) sum() {
	t.MOVQ(a, a0)
	if t.h > 6 {
		t.LEAQ(operand.Mem{Base: a, Index: aRow3, Scale: 2}, a6)
	}
	t.Load(t.Param("b"), b0)
	t.Load(t.Param("k"), left)
	if t.fetches() {
		t.Load(t.Param("ahead"), ahead)
	}
	t.Label(t.name + "p")
	if t.fetches() {
		for at := 0; at < t.w*t.lanes()*t.elemSize(); at += 64 {
			t.PREFETCHT1(operand.Mem{Base: ahead, Disp: at})
		}
		t.ADDQ(mem(t.Param("aheadStep")), ahead)
	}
	t.addRows()
	t.ADDQ(aCol, a0)
	if t.h > 6 {
		t.ADDQ(aCol, a6)
	}
	t.ADDQ(bRow, b0)
	t.DECQ(left)
	t.JNZ(operand.LabelRef(t.name + "p"))
}

// addRows generates the multiply-adds of one p: for each row of A, its element times the row of B.
func (t tile) addRows() {
	free := t.h * t.w
	var b []reg.Register // a row of B, unless each of its vectors is used only once
	if t.h > 1 {
		for j := range t.w {
			b = append(b, t.reg(free))
			free++
			t.loadVector(j, t.vector(b0, j), b[j])
		}
	}
	for i := range t.h {
		if t.w == 1 && t.h > 1 && t.fmaBroadcast(row6(i), b[0], t.acc(i, 0)) {
			continue
		}
		// Several registers in turn for A[i][p].
		v := t.reg(free + i%min(4, t.spare(free, t.masked)))
		t.broadcast(row6(i), v)
		for j := range t.w {
			switch {
			case b != nil:
				t.fma(b[j], v, t.acc(i, j))
			case t.cut(j):
				last := t.reg(free + 1)
				t.loadMasked(t.vector(b0, j), last)
				t.fma(last, v, t.acc(i, j))
			default:
				t.fma(t.vector(b0, j), v, t.acc(i, j))
			}
		}
	}
}

// end generates the stores of a tile.
func (t tile) end() {
	if t.masked {
		t.beforeStores(mem(t.Param("last")))
	}
	for i := range t.h {
		for j := range t.w {
			if t.cut(j) {
				t.storeMasked(t.acc(i, j), t.vector(c0, j))
			} else {
				t.store(t.acc(i, j), t.vector(c0, j))
			}
		}
		t.ADDQ(cRow, c0)
	}
}

// descend generates the end of a tile whose accumulators hold a gradient: see tiles.
func (t tile) descend() {
	rate, mu, x := t.reg(t.h*t.w), t.reg(t.h*t.w+1), t.reg(t.h*t.w+2)
	apart := reg.RBX // bytes from C to V
	each := func(update func(acc reg.VecPhysical, c, v operand.Mem)) {
		for i := range t.h {
			for j := range t.w {
				at := t.vector(c0, j)
				v := at
				v.Index, v.Scale = apart, 1
				update(t.acc(i, j), at, v)
			}
			t.ADDQ(cRow, c0)
		}
	}
	t.broadcast(mem(t.Param("rate")), rate)
	t.Load(t.Param("v"), apart)
	t.CMPQ(apart, operand.Imm(0))
	t.JE(operand.LabelRef(t.name + "sgd"))
	t.SUBQ(mem(t.Param("c")), apart)
	t.broadcast(mem(t.Param("mu")), mu)
	// First all of V, then all of C: a store and the next load may compete for one place.
	first := left
	t.MOVQ(c0, first)
	each(func(acc reg.VecPhysical, _, v operand.Mem) {
		t.load(v, x)
		t.fma(x, mu, acc)
		t.store(acc, v)
	})
	t.MOVQ(first, c0)
	each(func(acc reg.VecPhysical, c, _ operand.Mem) {
		t.load(c, x)
		t.fma(acc, rate, x)
		t.store(x, c)
	})
	t.JMP(operand.LabelRef(t.name + "end"))
	t.Label(t.name + "sgd")
	each(func(acc reg.VecPhysical, c, _ operand.Mem) {
		t.load(c, x)
		t.fma(acc, rate, x)
		t.store(x, c)
	})
	t.Label(t.name + "end")
}

// spare returns how many registers are free from the given one on.
func (g *gemm) spare(from int, masked bool) int {
	n := g.registers() - from
	if masked && g.registers() == 16 {
		n-- // the mask
	}
	return n
}

// row6 addresses A[i][p].
func row6(i int) operand.Mem {
	m := operand.Mem{Base: a0}
	if i >= 6 {
		m.Base = a6
	}
	switch i % 6 {
	case 1:
		m.Index, m.Scale = aRow, 1
	case 2:
		m.Index, m.Scale = aRow, 2
	case 3:
		m.Index, m.Scale = aRow3, 1
	case 4:
		m.Index, m.Scale = aRow, 4
	case 5:
		m.Index, m.Scale = aRow5, 1
	}
	return m
}

// peak generates a loop that consists only of independent multiply-adds.
func (g *gemm) peak() {
	const chains = 12
	g.Function("peak" + g.name())
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.SignatureExpr(fmt.Sprintf("func(n int, x *%s)", g.elem()))
	g.Doc(
		fmt.Sprintf("peak%s does n times %d vector multiply-adds that do not depend on each other:", g.name(), chains),
		fmt.Sprintf("s += x*x in %d accumulators of %d elements.", chains, g.lanes()),
	)
	g.Load(g.Param("n"), reg.RCX)
	g.Load(g.Param("x"), reg.RAX)
	x := g.reg(chains)
	g.broadcast(operand.Mem{Base: reg.RAX}, x)
	for i := range chains {
		g.zero(g.reg(i))
	}
	g.Label("loop")
	for i := range chains {
		g.fma(x, x, g.reg(i))
	}
	g.DECQ(reg.RCX)
	g.JNZ(operand.LabelRef("loop"))
	g.VZEROUPPER()
	g.RET()
}
