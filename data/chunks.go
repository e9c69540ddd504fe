package data

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"sync"

	"github.com/gradus-ml/gradus/internal/memory"
	"github.com/gradus-ml/gradus/internal/spill"
)

// A text is read in chunks that end at the end of a row. Each chunk is parsed by one core.
// The results are joined in order, so the number of cores changes nothing.

// chunkSize is the number of bytes parsed at once by a core; tests make it small.
var chunkSize = 1 << 20

// Problems with quotes. quoteError turns them into sentences.
var (
	errBareQuote = errors.New("a quote within a cell")
	errOpenQuote = errors.New("a quote that is not closed")
	errQuote     = errors.New("a quote that is closed before the cell's end")
)

// A chunker cuts a text at the ends of rows.
type chunker struct {
	g    *grammar
	r    io.Reader
	rest []byte // read, but not handed out
	line int    // the line it starts on
	end  error  // of reading
	done int64  // bytes handed out
}

// next returns the next rows and the line they start on. It uses buf if that is large enough.
// When nothing is left it returns an error, which is io.EOF at the end.
func (c *chunker) next(buf []byte) (rows []byte, line int, err error) {
	buf = append(buf[:0], c.rest...)
	for {
		buf = c.read(buf)
		if c.end != nil {
			if c.end == io.EOF && len(buf) > 0 && buf[len(buf)-1] != '\n' {
				buf = append(buf, '\n')
			}
		}
		cut := c.cut(buf)
		if c.end == io.EOF {
			cut = len(buf)
		}
		if cut == 0 && c.end == nil {
			buf = append(buf, make([]byte, len(buf))...)[:len(buf)] // for a longer row
			continue
		}
		c.rest = append(c.rest[:0], buf[cut:]...)
		rows, line = buf[:cut], c.line
		c.line += bytes.Count(rows, []byte{'\n'})
		c.done += int64(cut)
		if cut == 0 {
			return rows, line, c.end
		}
		return rows, line, nil
	}
}

// read fills buf up to its capacity, or up to chunkSize if that is larger.
func (c *chunker) read(buf []byte) []byte {
	if cap(buf) < chunkSize {
		buf = append(make([]byte, 0, chunkSize+1), buf...) // one more byte for a line end
	}
	for c.end == nil && len(buf) < cap(buf)-1 {
		var n int
		n, c.end = c.r.Read(buf[len(buf) : cap(buf)-1])
		buf = buf[:len(buf)+n]
	}
	return buf
}

// cut returns the end of the last row in buf, or 0.
func (c *chunker) cut(buf []byte) int {
	end := bytes.LastIndexByte(buf, '\n') + 1
	if c.g.rawQuotes || end == 0 {
		return end
	}
	limit := end
	if c.g.comment != "" && bytes.IndexByte(buf, '"') >= 0 { // comments may contain quotes
		last := 0
		for last < limit {
			size := c.g.skipped(buf[last:limit])
			if size == 0 {
				var problem error
				if _, size, _, problem = c.g.record(buf[last:limit]); problem == errOpenQuote {
					return last
				} else if problem != nil {
					return limit
				}
			}
			last += size
		}
		return last
	}
	open := bytes.Count(buf[:end], []byte{'"'})%2 == 1
	for open && end > 0 {
		before := bytes.LastIndexByte(buf[:end-1], '\n') + 1
		open = bytes.Count(buf[before:end], []byte{'"'})%2 == 0
		end = before
	}
	if end > 0 {
		return end
	}
	// No line ends outside of quotes, or a quote is where none is allowed.
	var scratch []byte
	for at := 0; at < limit; {
		f := c.g.field(buf[at:limit], &scratch)
		switch {
		case f.problem == errOpenQuote:
			return 0
		case f.problem != nil:
			return limit
		}
		at += f.size
	}
	return limit
}

// An assembly joins the parts of a table.
type assembly struct {
	t    *Table
	g    *grammar
	src  *source
	turn int // the chunk whose part comes next
	tell func(Progress)

	spill     *Spill // where cells that do not fit go; nil: nowhere
	keepTotal bool
	lookAt    int // the number of rows at which memory is checked next
	lock      sync.Mutex
	cond      *sync.Cond
	err       error
}

// assemble parses all chunks on all cores. The first chunk is given.
func (a *assembly) assemble(c *chunker, first []byte, line int) error {
	next := func(buf []byte) ([]byte, int, error) {
		buf, line, err := c.next(buf)
		return a.last(c, buf, line), line, err
	}
	first = a.last(c, first, line)
	cores := runtime.GOMAXPROCS(0)
	if c.end != nil || cores == 1 {
		var p part
		var err error
		for buf := first; err == nil && a.err == nil; buf, line, err = next(buf) {
			p.fill(a.g, buf, line)
			p.share, p.read = a.src.share(c.done), c.done
			a.join(&p)
		}
		return a.result(err)
	}
	type chunk struct {
		buf        []byte
		line, turn int
		share      float64
		read       int64
	}
	work, free := make(chan chunk), make(chan []byte, cores+1)
	a.cond = sync.NewCond(&a.lock)
	var team sync.WaitGroup
	for range cores {
		free <- nil
		team.Go(func() {
			var p part
			for k := range work {
				p.fill(a.g, k.buf, k.line)
				p.share, p.read = k.share, k.read
				free <- k.buf
				a.lock.Lock()
				for a.turn != k.turn {
					a.cond.Wait()
				}
				a.join(&p)
				a.turn++
				a.cond.Broadcast()
				a.lock.Unlock()
			}
		})
	}
	var err error
	failed := func() bool {
		a.lock.Lock()
		defer a.lock.Unlock()
		return a.err != nil
	}
	turn := 0
	for buf := first; err == nil && !failed(); buf, line, err = next(<-free) {
		work <- chunk{buf, line, turn, a.src.share(c.done), c.done}
		turn++
	}
	close(work)
	team.Wait()
	return a.result(err)
}

// last removes a totals line from the end of the last chunk.
func (a *assembly) last(c *chunker, buf []byte, line int) []byte {
	if c.end != io.EOF || len(c.rest) > 0 || a.keepTotal {
		return buf
	}
	rows, left := a.g.cutTotal(buf, line)
	if left != nil {
		a.t.notes = append(a.t.notes, left)
	}
	return rows
}

// available is replaced by tests.
var available = memory.Available

// look checks whether the table will fit into memory. If not, it moves the cells to the disk, or refuses
// the table if there is no disk. share is the share of the file read so far. look checks at the first
// chunk and each time the number of rows has doubled.
func (a *assembly) look(share float64) {
	if a.err != nil || a.t.rows < a.lookAt {
		return
	}
	a.lookAt = 2 * a.t.rows
	now, more, moreTexts := 0.0, 0.0, 0.0
	for i := range a.t.cols {
		cells, texts := a.t.cols[i].size()
		now += float64(cells + texts)
		if share > 0 {
			more += float64(cells) * (1/share - 1)
			if c := &a.t.cols[i]; c.form != formLevels || 2*c.dict.len() > a.t.rows { // otherwise few new texts will follow
				moreTexts += float64(texts) * (1/share - 1)
			}
		}
	}
	have, known := available()
	rows := float64(a.t.rows)
	if share > 0 {
		rows /= share
	}
	if known && a.spill != nil && a.t.disk == nil && tight(have, rows, more+moreTexts) {
		a.t.spillTo(a.spill)
		have, known = available()
	}
	switch {
	case !known:
	case a.t.disk == nil && more+moreTexts > float64(have.Bytes):
		a.err = fail(ErrLarge, "%s: the table needs about %s of memory and %s has %s left: take a part of its rows, or leave columns out of the file",
			a.t.name, memory.Size(now+more+moreTexts), have.Of, memory.Size(float64(have.Bytes)+now))
	case moreTexts > float64(have.Bytes):
		a.err = fail(ErrLarge, "%s: the texts that differ from row to row need about %s of memory, which cannot be left on the disk, and %s has %s left: leave the columns of such texts out of the file",
			a.t.name, memory.Size(moreTexts), have.Of, memory.Size(float64(have.Bytes)))
	}
}

// result returns the error in the rows, or else the error of reading.
func (a *assembly) result(err error) error {
	if a.err != nil || err == io.EOF {
		return a.err
	}
	return err
}

// join appends a part, unless there was an error in an earlier one.
func (a *assembly) join(p *part) {
	if a.err != nil {
		return
	}
	defer spill.Guard(&a.err)()
	t := a.t
	if most := int64(1) << 32; int64(t.rows)+int64(p.rows) >= most {
		a.err = fail(ErrLarge, "%s: has more than %d rows: use a part of it", t.name, most-1)
		return
	}
	if a.err = p.err; a.err != nil {
		return
	}
	for _, j := range p.lines {
		t.lines.put(t.rows+j.row, j.line)
	}
	t.rows += p.rows
	defer a.look(p.share)
	guess := t.rows + t.rows/2
	if p.share > 0 {
		guess = max(t.rows, int(min(float64(t.rows)/p.share*1.02, 1024*float64(t.rows), math.MaxInt32)))
	}
	for i := range t.cols {
		if t.rows == p.rows && p.columns[i].form == formLevels {
			t.cols[i].toLevels() // before space for numbers is allocated
		}
		t.cols[i].reserve(t.rows, guess)
		t.cols[i].join(&p.columns[i])
	}
	if a.tell != nil {
		a.tell(Progress{Share: p.share, Bytes: p.read, Rows: t.rows})
	}
}
