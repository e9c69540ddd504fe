package plot

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colors of Okabe and Ito. People with any common form of color blindness can distinguish
// them (https://jfly.uni-koeln.de/color/). Their yellow is too light for a line on white and is
// used as a glow.
var (
	black     = color.NRGBA{A: 255}
	orange    = color.NRGBA{R: 0xE6, G: 0x9F, B: 0x00, A: 255}
	sky       = color.NRGBA{R: 0x56, G: 0xB4, B: 0xE9, A: 255}
	green     = color.NRGBA{R: 0x00, G: 0x9E, B: 0x73, A: 255}
	yellow    = color.NRGBA{R: 0xF0, G: 0xE4, B: 0x42, A: 255}
	blue      = color.NRGBA{R: 0x00, G: 0x72, B: 0xB2, A: 255}
	vermilion = color.NRGBA{R: 0xD5, G: 0x5E, B: 0x00, A: 255}
	rust      = color.NRGBA{R: 0xC2, G: 0x54, B: 0x00, A: 255} // vermilion for text
	purple    = color.NRGBA{R: 0xCC, G: 0x79, B: 0xA7, A: 255}
)

// The grays of everything that is not data.
var (
	white = color.NRGBA{R: 255, G: 255, B: 255, A: 255}
	halo  = color.NRGBA{R: 255, G: 255, B: 255, A: 225}
	pale  = color.NRGBA{R: 0xE4, G: 0xE6, B: 0xEA, A: 255} // grid lines, fills
	gray  = color.NRGBA{R: 0x8A, G: 0x90, B: 0x99, A: 255} // axes, outlines
	slate = color.NRGBA{R: 0x4A, G: 0x50, B: 0x59, A: 255} // secondary text
	ink   = color.NRGBA{R: 0x1F, G: 0x23, B: 0x28, A: 255} // text
)

var curveColors = []color.NRGBA{blue, vermilion, green, purple, orange, sky, black}

// Classes cannot be distinguished by dashes, so there are ten colors. All of them are also
// visible on a dark background.
var classColors = []color.NRGBA{blue, vermilion, green, purple, orange, sky, gray,
	{R: 0xA0, G: 0x69, B: 0x2E, A: 255}, // brown
	{R: 0x8A, G: 0x63, B: 0xD2, A: 255}, // violet
	{R: 0x8F, G: 0x8B, B: 0x00, A: 255}, // olive
}

// Dash patterns, so that curves also differ when printed without color. Dashed and solid series
// each have their own list and use its patterns in turn.
var (
	plainDashes  = [][]vg.Length{nil, {10, 2}, {10, 2, 2, 2}, {2.5, 2}, {18, 2, 5, 2}}
	dashedDashes = [][]vg.Length{{6, 3.5}, {6, 3, 1.5, 3}, {3, 3}, {9, 3, 1.5, 3, 1.5, 3}}
)

// strokes gives each series of a legend its line.
type strokes struct {
	plain, dashed int
}

func (s *strokes) next(dashed bool) draw.LineStyle {
	line := draw.LineStyle{Color: curveColors[(s.plain+s.dashed)%len(curveColors)], Width: 2}
	if dashed {
		line.Dashes = dashedDashes[s.dashed%len(dashedDashes)]
		s.dashed++
	} else {
		line.Dashes = plainDashes[s.plain%len(plainDashes)]
		s.plain++
	}
	return line
}
