package plot

import (
	"cmp"
	"gonum.org/v1/plot/vg"
)

// layout has the positions of everything in a [Net].
type layout struct {
	net      Net
	columns  []column
	radius   vg.Length // of a unit
	number   vg.Length // size of the numbers beside units and on edges
	labels   bool      // weights are printed on their edges
	details  bool      // z and delta are written beside the units
	shaded   bool      // the units are too small for numbers
	names    vg.Length // maximum width of the names of inputs and outputs
	thickest vg.Length // width of the thickest edge
}

// column is a column of units, or, if omitted > 0, a stand-in for that many columns.
type column struct {
	index   int // 0 for the inputs, l+1 for layer l
	omitted int
	units   int
	x       vg.Length
	slots   []slot
	y       []vg.Length // of each slot, downward
	bias    bool        // the next layer's bias is a square below the units
	biasY   vg.Length
}

const (
	mostLabels  = 24   // the most edges whose weights are printed
	nameWidth   = 170  // maximum width of the names of inputs and outputs
	nameShare   = 0.27 // and at most this share of the picture's width
	footer      = 104  // below the units: captions and legend
	widestPitch = 92
)

// arrange chooses which parts of the network are shown. place then positions them.
func arrange(n Net) *layout {
	lay := &layout{net: n}
	units := n.units()
	edges := 0
	for _, s := range shown(len(units)) {
		col := column{index: s.index, omitted: s.omitted}
		if s.omitted == 0 {
			col.units = units[s.index]
			col.slots = shown(col.units, n.kept(s.index)...)
			if s.index < len(n.Layers) {
				col.bias = len(n.Layers[s.index].Bias) > 0
				edges += units[s.index] * units[s.index+1]
				edges += len(n.Layers[s.index].Bias)
			}
		}
		lay.columns = append(lay.columns, col)
	}
	lay.labels = edges <= mostLabels
	switch {
	case lay.labels:
		lay.thickest = 6
	case edges <= 120:
		lay.thickest = 4
	default:
		lay.thickest = 2.5
	}
	return lay
}

// kept returns the unit in a column that the highlighted edge touches.
func (n Net) kept(column int) []int {
	switch e := n.Highlight; {
	case e == nil:
		return nil
	case column == e.Layer:
		return []int{e.In}
	case column == e.Layer+1:
		return []int{e.Out}
	}
	return nil
}

// rows returns the height of a column in slots. A bias square takes one.
func (c column) rows() vg.Length {
	rows := vg.Length(len(c.slots))
	if c.bias {
		rows++
	}
	return rows
}

func (lay *layout) rows() vg.Length {
	rows := vg.Length(1)
	for _, c := range lay.columns {
		rows = max(rows, c.rows())
	}
	return rows
}

// pitch returns the desired distance between the units of the longest column.
func (lay *layout) pitch() vg.Length {
	if lay.net.detailed() {
		return 84 // z above a unit, delta below
	}
	return 46
}

// detailed reports whether there are numbers above or below the units.
func (n Net) detailed() bool {
	for _, l := range n.Layers {
		if len(l.Z)+len(l.Delta) > 0 {
			return true
		}
	}
	return false
}

// valued reports whether units show their values.
func (n Net) valued() bool {
	for _, l := range n.Layers {
		if len(l.A) > 0 {
			return true
		}
	}
	return len(n.InputValues) > 0
}

func (n Net) size() (width, height int) {
	lay := arrange(n)
	wide := max(900, 380+140*(len(lay.columns)-1))
	high := max(560, int(lay.rows()*lay.pitch())+footer+90)
	if n.Bare {
		high -= footer
	}
	return cmp.Or(n.Width, wide), cmp.Or(n.Height, high)
}

// place positions the columns in the rectangle, with space at the sides for names.
func (lay *layout) place(area vg.Rectangle) {
	pitch := min(widestPitch, (area.Max.Y-area.Min.Y)/lay.rows())
	lay.radius = max(3, min(27, 0.38*pitch))
	lay.names = min(nameWidth, nameShare*(area.Max.X-area.Min.X))
	low := area.Min.X + lay.room(lay.columns[0], lay.net.Inputs)
	high := area.Max.X - lay.room(lay.columns[len(lay.columns)-1], lay.net.Outputs)
	gap := (high - low) / vg.Length(max(1, len(lay.columns)-1))
	const (
		least      = 68  // between units, for numbers above and below each
		leastApart = 100 // between columns, for these numbers
		leastGap   = 130 // between columns, for weights on the edges
	)
	lay.number = max(12, min(14, 0.2*pitch))
	if lay.details = lay.net.detailed() && pitch >= least && gap >= leastApart; lay.details {
		lay.radius = min(24, 0.26*pitch, pitch/2-lay.number-5) // so that no number touches the next unit's
	}
	lay.radius = max(3, min(lay.radius, 0.4*gap))
	lay.shaded = lay.net.valued() && lay.radius < leastRadius
	lay.labels = lay.labels && gap >= leastGap
	for i := range lay.columns {
		c := &lay.columns[i]
		c.x = (low + high) / 2
		if n := len(lay.columns); n > 1 {
			c.x = low + (high-low)*vg.Length(i)/vg.Length(n-1)
		}
		own := min(1.6*pitch, widestPitch, (area.Max.Y-area.Min.Y)/max(1, c.rows()))
		y := (area.Min.Y+area.Max.Y)/2 + own*(c.rows()-1)/2
		for range c.slots {
			c.y = append(c.y, y)
			y -= own
		}
		c.biasY = y
	}
}

// find returns the column with that index, if it is shown.
func (lay *layout) find(index int) *column {
	for i := range lay.columns {
		if c := &lay.columns[i]; c.omitted == 0 && c.index == index {
			return c
		}
	}
	return nil
}

// unit returns the center of a unit, if it is shown. The unit [Bias] is the square below the others.
func (c *column) unit(i int) (center vg.Point, ok bool) {
	if i == Bias {
		return vg.Point{X: c.x, Y: c.biasY}, c.bias
	}
	for k, s := range c.slots {
		if s.omitted == 0 && s.index == i {
			return vg.Point{X: c.x, Y: c.y[k]}, true
		}
	}
	return center, false
}
