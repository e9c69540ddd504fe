package plot

import (
	"cmp"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Grid shows charts in rows with one title and one legend. Series with the same name look the
// same in every chart, so a method keeps its color.
type Grid struct {
	Title  string
	Charts [][]Chart // rows, from the top; their own sizes are ignored

	Width, Height int // in pixels; 0 means 480 x 330 per chart, and space for the legend
}

func (g Grid) heading() string { return g.Title }

func (g Grid) size() (width, height int) {
	return cmp.Or(g.Width, max(600, 480*g.columns())), cmp.Or(g.Height, max(400, 330*len(g.Charts)+90))
}

func (g Grid) columns() int {
	n := 0
	for _, row := range g.Charts {
		n = max(n, len(row))
	}
	return n
}

func (g Grid) draw(c draw.Canvas) {
	var all []Chart
	for _, row := range g.Charts {
		all = append(all, row...)
	}
	key := newLegend(all...)
	c = draw.Crop(c, 20, -26, 16, -16)
	c = drawTitle(c, g.Title)
	c = key.draw(c)
	if len(all) == 0 {
		return
	}
	c.Max.Y -= 6

	const gapX, gapY = 28, 18
	width := (c.Max.X - c.Min.X + gapX) / vg.Length(g.columns())
	height := (c.Max.Y - c.Min.Y + gapY) / vg.Length(len(g.Charts))
	for i, row := range g.Charts {
		for j, ch := range row {
			panel := c
			panel.Min.X = c.Min.X + vg.Length(j)*width
			panel.Max.X = panel.Min.X + width - gapX
			panel.Max.Y = c.Max.Y - vg.Length(i)*height
			panel.Min.Y = panel.Max.Y - height + gapY

			title := lettering{size: 14, color: ink, bold: true}
			if ch.Title != "" {
				title.write(panel, panel.Min.X, panel.Max.Y-title.size/2, left, title.fit(ch.Title, width-gapX))
				panel.Max.Y -= title.size + 8
			}
			ch.drawAxes(panel, key, panelText)
		}
	}
}
