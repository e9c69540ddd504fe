//go:build (amd64 || arm64) && !purego

package kernel

import "unsafe"

// How a product is cut. No cut can change a bit: every element stays one chain over k. Where
// one call of the assembly ends and the next begins, the chain continues from C.
const (
	blockK     = 400  // steps of k in one call; longer chains go through C
	packRows   = 48   // the number of rows of C from which copying a panel of B pays
	pageStride = 4096 // bytes: rows of A at a multiple of this distance compete for one place in the L1 cache
	pageRows   = 6    // the most rows of a tile if rows of A are a multiple of pageStride apart
	fewRowsK   = 64   // steps of k if few rows use a transposed panel: it stays in the L1 cache

	leastBlock = 128 << 10 // bytes of A's block, whatever the L2 cache
	mostBlock  = 512 << 10 // bytes of A's block; no larger block was measured to be faster

	stripeBytes  = 128  // bytes of a row of Aᵀ that are copied at a time
	stripeStride = 1024 // bytes: rows of Aᵀ at a multiple of this distance compete for few places in the L1 cache
)

// blockBytes is the size in bytes of a block of A. All panels of B use one block before the next block begins. It is
// half of the L2 cache, but at most mostBlock.
var blockBytes = blockOf(l2Bytes)

func blockOf(l2 int) int {
	if l2 == 0 {
		return mostBlock
	}
	return min(max(l2/2, leastBlock), mostBlock)
}

// A shape is how an instruction set cuts C into tiles.
type shape struct {
	bytes      int    // of a vector
	usual      int    // the vectors of a tile of more than 3 rows, if C has that many
	heights    [9]int // the most rows of a tile that is i vectors wide
	widths     [4]int // the most vectors of a tile of i rows, i = 1, 2 or 3
	packStride int    // the distance in bytes between rows of B from which its panels are copied
	callFMAs   int    // multiply-adds in one call: assembly delays the garbage collector
	stripes    bool   // copying Aᵀ in stripes pays
}

// gemmTiles is Gemm by tiles of vectors:
//
//	for each block of at most blockK steps of k
//		for each part of C's rows, as many as keep A's block in the L2 cache
//			for each panel of B: the block's rows, w vectors wide
//				pack the panel if its rows are far apart or it is stored by columns
//				for each tile of h rows in the panel's columns of C
//					tile += A's rows · panel
//
// A is read in place, by its strides, so that A·B and Aᵀ·B are the same loop. But if the rows
// of Aᵀ compete for places in the L1 cache, they are copied first: see copyStripes.
//
// With a descent, a tile ends in the update instead of being stored.
func gemmTiles[T Float](set isa, m, n, k int, a, b, c, from View[T], d *descent[T], next [][]T) {
	size := int(unsafe.Sizeof(T(0)))
	s := &shapes[set]
	lanes := s.bytes / size
	if n == 1 && m > 1 && c.Row == 1 && (a.Row == 1 || a.Col == 1 && m >= 16) {
		// Treat a column as a row: Cᵀ = Bᵀ·Aᵀ, in full vectors.
		m, n, a, b = 1, m, b.T(), a.T()
		if from.Data != nil && from.Row == 0 {
			FillRows(c.Data[:n], from.Data)
			from = c
		}
	}
	if n <= lanes && m <= s.heights[1] && k <= blockK && b.Col == 1 {
		// One tile, as in the smallest networks.
		runTiles(set, m, 1, 1, k, &a.Data[0], &b.Data[0], &c.Data[0], from.at(0, 0), a.Row*size, a.Col*size, b.Row*size, c.Row*size, from.Row*size, n, 0, 0, 0)
		return
	}
	f := newFetch(next, k*(m/s.heights[s.usual]+1)*(n/(s.usual*lanes)+1))
	q := cutOf(s, m, n, k, &a, &b, d != nil)
	var panels *scratch
	if q.byColumns || q.copied {
		panels = scratches.take()
	}
	var stripes *block
	if q.stripes {
		stripes = blocks.take()
	}
	for p := 0; p < k; p += q.step {
		kp := min(q.step, k-p)
		if p > 0 {
			from = c
		}
		for i0 := 0; i0 < m; i0 += q.rows {
			i1 := min(i0+q.rows, m)
			part := View[T]{a.Data[i0*a.Row+p*a.Col:], a.Row, a.Col}
			if stripes != nil {
				copyStripes((*T)(unsafe.Pointer(stripes)), part, i1-i0, kp)
			}
			for j := 0; j < n; {
				w := q.width((n - j + lanes - 1) / lanes)
				columns := min(w*lanes, n-j)
				last := columns - (w-1)*lanes
				panel, bRow := &b.Data[p*b.Row+j*b.Col], b.Row*size
				if q.byColumns || q.copied && w == s.usual && last == lanes {
					panel, bRow = copyPanel(panels, panel, q.byColumns, kp, columns, w*s.bytes, b.Row*size, b.Col*size)
				}
				if stripes == nil {
					column(set, min(s.heights[w], q.tallest), w, kp, part, panel, bRow, c, from, i0, j, i1-i0, last, d, &f)
				}
				for i := i0; i < i1 && stripes != nil; i += stripeBytes / size {
					width := min(stripeBytes/size, i1-i)
					stripe := unsafe.Slice((*T)(unsafe.Pointer(&stripes[(i-i0)*kp*size])), kp*width)
					column(set, s.heights[w], w, kp, View[T]{stripe, 1, width}, panel, bRow, c, from, i, j, width, last, d, &f)
				}
				j += columns
			}
		}
	}
	if panels != nil {
		scratches.put(panels)
	}
	if stripes != nil {
		blocks.put(stripes)
	}
}

// A cut is how a product is divided.
type cut struct {
	widest    int  // the most vectors of a panel
	tallest   int  // the most rows of a tile
	step      int  // steps of k in a block, at most blockK, and the same in all blocks
	rows      int  // rows of C, such that their block of A stays in the L2 cache
	byColumns bool // B is stored by columns, so panels are transposed
	copied    bool // B's rows are far apart, so whole panels of the usual width are copied
	stripes   bool // Aᵀ's rows compete for places in the L1 cache, so they are copied
}

func cutOf[T Float](s *shape, m, n, k int, a, b *View[T], descends bool) cut {
	size := int(unsafe.Sizeof(T(0)))
	q := cut{widest: s.usual, tallest: 12, step: k, rows: m, byColumns: b.Col != 1}
	q.copied = !q.byColumns && b.Row*size >= s.packStride && m >= packRows
	q.stripes = s.stripes && a.Row == 1 && a.Col > 0 && a.Col*size%stripeStride == 0 && m >= packRows && n >= packRows
	if m <= 3 && !descends {
		q.widest = s.widths[m]
	}
	if q.byColumns || q.copied {
		q.widest = min(q.widest, scratchVectors)
	}
	if a.Row != 0 && a.Row*size%pageStride == 0 {
		q.tallest = pageRows
	}
	if k > blockK {
		blocks := (k + blockK - 1) / blockK
		q.step = (k + blocks - 1) / blocks
	}
	if q.byColumns && m <= 3 {
		q.step = min(q.step, fewRowsK)
	}
	if m*q.step*size > blockBytes {
		q.rows = blockBytes / (q.step * size)
	}
	return q
}

// width returns the number of vectors of the next panel: the same in all panels if there may be
// more than two.
func (q *cut) width(left int) int {
	w := min(left, q.widest)
	if left > w && w > 2 {
		panels := (left + w - 1) / w
		w = (left + panels - 1) / panels
	}
	return w
}

// copyPanel copies a panel of B into rows of the given number of bytes that follow each other.
func copyPanel[T Float](to *scratch, panel *T, byColumns bool, k, columns, bytes, bRow, bCol int) (*T, int) {
	dst := (*T)(unsafe.Pointer(to))
	if byColumns {
		transposePanel(dst, panel, k, columns, bCol, bytes)
	} else {
		packPanel(dst, panel, k, bytes, bRow)
	}
	return dst, bytes
}

// copyStripes copies k columns of A, m elements each, stripe by stripe. A stripe has a piece of
// stripeBytes of each column, one after the other; the last stripe has the rest. A tile then reads
// cache lines that belong only to its stripe. In A it would read a few bytes of a line of each
// column, and columns that are 1, 2 or 4 KB apart, as in networks with 256, 512 or 1024 units, evict
// each other from the L1 cache.
func copyStripes[T Float](dst *T, a View[T], m, k int) {
	size := int(unsafe.Sizeof(*dst))
	for i := 0; i < m; i += stripeBytes / size {
		width := min(stripeBytes/size, m-i)
		if bytes := width * size; bytes == stripeBytes || bytes == stripeBytes/2 {
			packPanel(dst, &a.Data[i], k, bytes, a.Col*size)
		} else {
			stripe := unsafe.Slice(dst, k*width)
			for p := range k {
				copy(stripe[p*width:][:width], a.Data[p*a.Col+i:])
			}
		}
		dst = (*T)(unsafe.Add(unsafe.Pointer(dst), k*stripeBytes))
	}
}

// A descent is an update of the weights by a gradient: see Descend.
type descent[T Float] struct {
	v        []T
	rate, mu T
}

// velocity returns a pointer to the velocity of an element of C, or nil.
func (d *descent[T]) velocity(at int) *T {
	if d.v == nil {
		return nil
	}
	return &d.v[at]
}

// descendsTiles reports whether gemmTiles can end in a descent: C consists of tiles of two
// vectors, and one call completes each of them.
func descendsTiles[T Float](set isa, n, k int) bool {
	return descends(set) && k <= blockK && n%(2*shapes[set].bytes/int(unsafe.Sizeof(T(0)))) == 0
}

// rowSteps is the longest row that one call of the assembly processes. It takes a few microseconds.
const rowSteps = 4096

// rowTiles is Row for a row of at most rowSteps.
func rowTiles[T Float](set isa, z, x, w, b []T) {
	from := View[T]{b, 0, 1}
	size := int(unsafe.Sizeof(T(0)))
	s := &shapes[set]
	lanes := s.bytes / size
	for j := 0; j < len(z); {
		vectors := min((len(z)-j+lanes-1)/lanes, s.widths[1])
		columns := min(vectors*lanes, len(z)-j)
		runTiles(set, 1, vectors, 1, len(x), &x[0], &w[j], &z[j], from.at(0, j), 0, size, len(z)*size, 0, 0, columns-(vectors-1)*lanes, 0, 0, 0)
		j += columns
	}
}

// column runs the tiles of one column of C: m rows starting at (i0, j), in as few tiles of at
// most tallest rows as possible. The heights of the tiles differ by no more than one.
func column[T Float](set isa, tallest, w, k int, a View[T], panel *T, bRow int, c, from View[T], i0, j, m, last int, d *descent[T], f *fetch[T]) {
	size := int(unsafe.Sizeof(T(0)))
	tiles := (m + tallest - 1) / tallest
	h := m / tiles
	taller := m - h*tiles // this many tiles have one more row
	atMost := max(1, shapes[set].callFMAs/((h+1)*w*shapes[set].bytes/size*k))
	for i := 0; i < m; {
		rows, count := h, tiles-taller
		if taller > 0 {
			rows, count = h+1, taller
		}
		count = min(count, atMost)
		ahead, step, tile := f.take(panel, w*shapes[set].bytes, bRow, k, count)
		to := (i0+i)*c.Row + j
		if d == nil {
			runTiles(set, rows, w, count, k, &a.Data[i*a.Row], panel, &c.Data[to], from.at(i0+i, j), a.Row*size, a.Col*size, bRow, c.Row*size, from.Row*size, last, ahead, step, tile)
		} else {
			runDescent(rows, count, k, &a.Data[i*a.Row], panel, &c.Data[to], d.velocity(to), a.Row*size, a.Col*size, bRow, c.Row*size, d.rate, d.mu, ahead, step, tile)
		}
		i += rows * count
		tiles -= count
		taller = max(0, taller-count)
	}
}

// A fetch is what a product prefetches into the cache: the slices in next and then, or if there
// are none, the panel of B that follows.
type fetch[T Float] struct {
	next [][]T
	step int     // bytes to advance per step of k
	at   uintptr // position in the current slice
	left int     // bytes left of it
}

const lineBytes = 64

// newFetch spreads the slices over that many steps of k: one cache line per step, or two if
// there are too few steps.
func newFetch[T Float](next [][]T, steps int) fetch[T] {
	bytes := 0
	for _, x := range next {
		bytes += len(x) * int(unsafe.Sizeof(T(0)))
	}
	step := lineBytes
	if bytes > steps*lineBytes {
		step = 2 * lineBytes
	}
	return fetch[T]{next: next, step: step}
}

// take returns what count tiles of k steps should prefetch, in the form that runTiles takes.
func (f *fetch[T]) take(panel *T, width, bRow, k, count int) (ahead uintptr, step, tile int) {
	for f.left <= 0 && len(f.next) > 0 {
		if x := f.next[0]; len(x) > 0 {
			f.at, f.left = uintptr(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0]))
		}
		f.next = f.next[1:]
	}
	if f.left <= 0 {
		return uintptr(unsafe.Pointer(panel)) + uintptr(width), bRow, 0
	}
	ahead, tile = f.at, k*f.step
	f.at += uintptr(count * tile)
	f.left -= count * tile
	return ahead, f.step, tile
}

// A scratch holds a packed panel of B: blockK rows of scratchVectors vectors.
type scratch [blockK * scratchVectors * 64]byte

const scratchVectors = 4

// A block holds a block of A in stripes. The last stripe may be wider than what is left of A.
type block [mostBlock + blockK*stripeBytes]byte

var (
	scratches pool[scratch]
	blocks    pool[block]
)
