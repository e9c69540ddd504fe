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

// The registers of tiles. Strides count bytes.
var (
	a0    = reg.RAX // A[0][p] of the tile
	a6    = reg.R13 // A[6][p], in tiles of more than 6 rows
	b0    = reg.RBX // B[p][0]
	left  = reg.RCX // how many p are to come
	aCol  = reg.RDX
	bRow  = reg.RSI
	c0    = reg.RDI // the row of C to load or store
	aRow  = reg.R8
	aRow3 = reg.R9
	aRow5 = reg.R10
	a     = reg.R11 // A[0][0] of the tile
	count = reg.R12 // how many tiles are to come
	cRow  = reg.R14
	ahead = reg.R15 // what to bring into the cache next
)

// tiles generates the one function that all matrix products are made of, a column of tiles,
// each h rows high and w vectors wide, or its variant that ends in an update.
func (g *gemm) tiles() {
	if g.descent {
		g.Function("descend" + g.name())
	} else {
		g.Function("tiles" + g.name())
	}
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	if g.descent {
		g.SignatureExpr(fmt.Sprintf("func(h, count, k int, a, b, c, v *%[1]s, aRow, aCol, bRow, cRow int, rate, mu %[1]s, ahead uintptr, aheadStep, aheadTile int)", g.elem()))
		g.Doc(
			fmt.Sprintf("descend%[1]s is tiles%[1]s for tiles of two whole vectors, whose sums s it does not", g.name()),
			"store but takes for the gradient of C, with V laid out like C or nil:",
			"",
			"\tV[i][j] = FMA(mu, V[i][j], s)",
			"\tC[i][j] = FMA(rate, V[i][j] or else s, C[i][j])",
		)
	} else {
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
			"Strides count bytes; k and count are at least 1; From may be C. Meanwhile tall tiles of two vectors bring",
			"two vectors into the cache at each p, at ahead + i*aheadTile + p*aheadStep for tile i.",
		)
	}
	for _, p := range []struct {
		name string
		to   reg.Register
	}{{"count", count}, {"a", a}, {"c", c0}, {"aRow", aRow}, {"aCol", aCol}, {"bRow", bRow}, {"cRow", cRow}} {
		g.Load(g.Param(p.name), p.to)
	}
	g.LEAQ(operand.Mem{Base: aRow, Index: aRow, Scale: 2}, aRow3)
	g.LEAQ(operand.Mem{Base: aRow, Index: aRow, Scale: 4}, aRow5)
	h, w := reg.RBX, reg.RAX
	g.Load(g.Param("h"), h)
	if g.descent {
		g.chooseHeight(h, 2, func(m int) string { return label(m, 2, false) })
		for m := 1; m <= g.heights(2); m++ {
			g.tile(label(m, 2, false), m, 2, false)
		}
		g.Label("done")
		g.VZEROUPPER()
		g.RET()
		return
	}
	g.Load(g.Param("last"), reg.RCX)
	for _, masked := range g.masked() {
		next := fmt.Sprintf("masked%v", !masked)
		if !masked {
			g.CMPQ(reg.RCX, operand.Imm(uint64(g.lanes())))
			g.JNE(operand.LabelRef(next))
		} else {
			g.setMask(reg.RCX)
		}
		g.Load(g.Param("w"), w)
		for _, n := range []int{2, 1, 4, 3, 5, 6, 7, 8} {
			other := fmt.Sprintf("not%d%v", n, masked)
			g.CMPQ(w, operand.Imm(uint64(n)))
			g.JNE(operand.LabelRef(other))
			if half := g.half(); half != nil && n == 1 {
				g.CMPQ(reg.RCX, operand.Imm(uint64(half.lanes())))
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
	half := &gemm{Context: g.Context, isa: g.half()}
	if half.isa != nil {
		g.Label("half")
		g.chooseHeight(h, 1, func(m int) string { return "half" + label(m, 1, true) })
		for m := 1; m <= g.heights(1); m++ {
			half.tile("half"+label(m, 1, true), m, 1, true)
		}
	}
	for _, masked := range g.masked() {
		for n := range 9 {
			for m := 1; m <= g.heights(n); m++ {
				g.tile(label(m, n, masked), m, n, masked)
			}
		}
	}
	g.Label("done")
	g.VZEROUPPER()
	g.RET()
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

// tile generates the loop over tiles of h by w vectors.
func (g *gemm) tile(name string, h, w int, masked bool) {
	acc := func(i, j int) reg.VecPhysical { return g.reg(i*w + j) }
	free := h * w
	var b []reg.Register // a row of B, unless each of its vectors is used only once
	if h > 1 {
		for range w {
			b = append(b, g.reg(free))
			free++
		}
	}
	load := func(j int, m operand.Mem, v reg.Register) {
		if masked && j == w-1 {
			g.loadMasked(m, v)
		} else {
			g.load(m, v)
		}
	}
	vector := func(base reg.Register, j int) operand.Mem {
		return operand.Mem{Base: base, Disp: j * g.lanes() * g.elemSize()}
	}

	g.Comment(fmt.Sprintf("Tiles of %d rows, %d vectors of %d.", h, w, g.lanes()))
	g.Label(name)

	if !g.descent {
		row, fromRow := a0, reg.RBX
		g.Load(g.Param("from"), row)
		g.TESTQ(row, row)
		g.JZ(operand.LabelRef(name + "zero"))
		g.Load(g.Param("fromRow"), fromRow)
		for i := range h {
			for j := range w {
				load(j, vector(row, j), acc(i, j))
			}
			g.ADDQ(fromRow, row)
		}
		g.MOVQ(row, mem(g.Param("from")))
		g.JMP(operand.LabelRef(name + "start"))
		g.Label(name + "zero")
	}
	for i := range h * w {
		g.zero(g.reg(i))
	}
	g.Label(name + "start")

	g.MOVQ(a, a0)
	if h > 6 {
		g.LEAQ(operand.Mem{Base: a, Index: aRow3, Scale: 2}, a6)
	}
	g.Load(g.Param("b"), b0)
	g.Load(g.Param("k"), left)
	fetches := w == 2 && h >= g.heights(w)/2
	if fetches {
		g.Load(g.Param("ahead"), ahead)
	}
	g.Label(name + "p")
	if fetches {
		for at := 0; at < w*g.lanes()*g.elemSize(); at += 64 {
			g.PREFETCHT1(operand.Mem{Base: ahead, Disp: at})
		}
		g.ADDQ(mem(g.Param("aheadStep")), ahead)
	}
	for j, v := range b {
		load(j, vector(b0, j), v)
	}
	for i := range h {
		if w == 1 && h > 1 && g.fmaBroadcast(row6(i), b[0], acc(i, 0)) {
			continue
		}
		// Several registers in turn for A[i][p].
		v := g.reg(free + i%min(4, g.spare(free, masked)))
		g.broadcast(row6(i), v)
		for j := range w {
			switch {
			case b != nil:
				g.fma(b[j], v, acc(i, j))
			case masked && j == w-1:
				last := g.reg(free + 1)
				g.loadMasked(vector(b0, j), last)
				g.fma(last, v, acc(i, j))
			default:
				g.fma(vector(b0, j), v, acc(i, j))
			}
		}
	}
	g.ADDQ(aCol, a0)
	if h > 6 {
		g.ADDQ(aCol, a6)
	}
	g.ADDQ(bRow, b0)
	g.DECQ(left)
	g.JNZ(operand.LabelRef(name + "p"))

	if g.descent {
		g.descend(name, h, w)
	} else {
		if masked {
			g.beforeStores(mem(g.Param("last")))
		}
		for i := range h {
			for j := range w {
				if masked && j == w-1 {
					g.storeMasked(acc(i, j), vector(c0, j))
				} else {
					g.store(acc(i, j), vector(c0, j))
				}
			}
			g.ADDQ(cRow, c0)
		}
	}
	if fetches {
		g.Load(g.Param("aheadTile"), ahead)
		g.ADDQ(ahead, mem(g.Param("ahead")))
	}
	g.IMUL3Q(operand.Imm(uint64(h)), aRow, left)
	g.ADDQ(left, a)
	g.DECQ(count)
	g.JNZ(operand.LabelRef(name))
	g.JMP(operand.LabelRef("done"))
}

// descend generates the end of a tile whose accumulators hold a gradient: see tiles.
func (g *gemm) descend(name string, h, w int) {
	rate, mu, x := g.reg(h*w), g.reg(h*w+1), g.reg(h*w+2)
	apart := reg.RBX // bytes from C to V
	each := func(update func(acc reg.VecPhysical, c, v operand.Mem)) {
		for i := range h {
			for j := range w {
				at := operand.Mem{Base: c0, Disp: j * g.lanes() * g.elemSize()}
				v := at
				v.Index, v.Scale = apart, 1
				update(g.reg(i*w+j), at, v)
			}
			g.ADDQ(cRow, c0)
		}
	}
	g.broadcast(mem(g.Param("rate")), rate)
	g.Load(g.Param("v"), apart)
	g.CMPQ(apart, operand.Imm(0))
	g.JE(operand.LabelRef(name + "sgd"))
	g.SUBQ(mem(g.Param("c")), apart)
	g.broadcast(mem(g.Param("mu")), mu)
	// First all of V, then all of C: a store and the next load may compete for one place.
	first := left
	g.MOVQ(c0, first)
	each(func(acc reg.VecPhysical, _, v operand.Mem) {
		g.load(v, x)
		g.fma(x, mu, acc)
		g.store(acc, v)
	})
	g.MOVQ(first, c0)
	each(func(acc reg.VecPhysical, c, _ operand.Mem) {
		g.load(c, x)
		g.fma(acc, rate, x)
		g.store(x, c)
	})
	g.JMP(operand.LabelRef(name + "end"))
	g.Label(name + "sgd")
	each(func(acc reg.VecPhysical, c, _ operand.Mem) {
		g.load(c, x)
		g.fma(acc, rate, x)
		g.store(x, c)
	})
	g.Label(name + "end")
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

// peak generates a loop of nothing but independent multiply-adds.
func (g *gemm) peak() {
	const chains = 12
	g.Function("peak" + g.name())
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.SignatureExpr(fmt.Sprintf("func(n int, x *%s)", g.elem()))
	g.Doc(
		fmt.Sprintf("peak%s does n times %d vector multiply-adds that do not wait for each other:", g.name(), chains),
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
