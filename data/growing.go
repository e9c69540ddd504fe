package data

// A Growing is a table that comes row by row, from a database or an object at a time. If it does not fit in memory, its rows go
// to the disk part by part: see ReadOptions.Spill.
//
//	g := data.NewGrowing(f, opt, data.NewSeries("height"))
//	for each row {
//		g.Columns[0].Float(height)
//		if err := g.EndRow(); err != nil {
//			return nil, err
//		}
//	}
//	return g.Table()
type Growing struct {
	// Columns take the values of the next row. Later rows may have further columns. EndRow may replace every Series.
	Columns []*Series

	f     *File
	opt   ReadOptions
	rows  int
	held  int    // of the rows, the number in Columns
	parts *Parts // holds the other rows; nil: there are none
	next  int    // the number of cells at which the free memory is checked again
}

// growingCells is the number of cells after which the free memory is checked. That many go to the disk together.
const growingCells = 1 << 19

// NewGrowing begins a table without rows.
func NewGrowing(f *File, opt ReadOptions, columns ...*Series) *Growing {
	return &Growing{Columns: columns, f: f, opt: opt}
}

// Rows returns the number of rows.
func (g *Growing) Rows() int { return g.rows }

// Held returns the number of rows that Columns hold. Each Series has that many values before a row begins.
func (g *Growing) Held() int { return g.held }

// EndRow ends a row. A column without a value in it is missing there. The error says that the table needs more memory than
// there is, or wraps ErrSpill.
func (g *Growing) EndRow() error {
	g.rows, g.held = g.rows+1, g.held+1
	for _, s := range g.Columns {
		if s.Len() < g.held {
			s.Null()
		}
	}
	cells := g.held * len(g.Columns)
	switch {
	case g.parts != nil && cells >= growingCells:
		return g.putAside()
	case g.parts != nil || cells < g.next && g.held&(g.held-1) != 0: // else at 1, 2, 4, ... rows
		return nil
	}
	g.next = cells + growingCells
	size := 10 * int64(cells)
	if !g.f.Spills(int64(g.held), size, g.opt) {
		return g.f.Need(size)
	}
	g.parts = NewParts(g.opt.Spill)
	return g.putAside()
}

// putAside moves the rows that the columns hold onto the disk.
func (g *Growing) putAside() error {
	t, err := TableOf(g.f.Name, g.Columns...)
	if err == nil {
		err = g.parts.Add(t)
	}
	if err != nil {
		return err
	}
	g.held = 0
	for i, s := range g.Columns {
		g.Columns[i] = &Series{name: s.name, fixed: s.fixed, unread: s.unread}
	}
	return nil
}

// Table returns the table of all rows.
func (g *Growing) Table() (*Table, error) {
	if g.parts == nil {
		return TableOf(g.f.Name, g.Columns...)
	}
	if g.held > 0 {
		if err := g.putAside(); err != nil {
			return nil, err
		}
	}
	return g.parts.Table(), nil
}
