package plot

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Errors of [Write] and [FormatOf].
var (
	ErrFormat = errors.New("unknown picture format")
	ErrSize   = errors.New("picture size out of range")
)

// The sides of a picture in pixels.
const (
	minSide = 100
	maxSide = 5000
)

// A Figure is something that [Write] can draw: a [Chart], a [Grid], a [Net], [Bars], a [Field], a [Profile], a [Swarm] or a
// [Waterfall].
type Figure interface {
	heading() string           // its title, also the picture's name for screen readers
	size() (width, height int) // in pixels
	draw(c draw.Canvas)
}

// Write draws fig to w in the given format, "svg" or "png".
//
// An SVG has the figure's size in pixels, contains its text as text and uses no style sheet. A
// PNG has two dots per pixel, so it is twice as wide and high.
func Write(w io.Writer, format string, fig Figure) error {
	width, height := fig.size()
	if min(width, height) < minSide || max(width, height) > maxSide {
		return fmt.Errorf("plot: %w: %d x %d, each side must be %d to %d pixels", ErrSize, width, height, minSide, maxSide)
	}
	switch format {
	case "svg":
		return writeSVG(w, fig, vg.Length(width), vg.Length(height))
	case "png":
		return writePNG(w, fig, vg.Length(width), vg.Length(height))
	}
	return fmt.Errorf("plot: %w %q, expected svg or png", ErrFormat, format)
}

// FormatOf returns the format for a file name's extension: "svg" or "png".
func FormatOf(path string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".svg", ".png":
		return ext[1:], nil
	case "":
		return "", fmt.Errorf("plot: %w: %s has no ending, expected .svg or .png", ErrFormat, path)
	default:
		return "", fmt.Errorf("plot: %w: %s ends in %s, expected .svg or .png", ErrFormat, path, ext)
	}
}

// paint draws the figure on white. One point of the canvas is one pixel.
func paint(c vg.CanvasSizer, fig Figure) {
	area := draw.New(c)
	area.SetColor(white)
	area.Fill(area.Rectangle.Path())
	fig.draw(area)
}

func writePNG(w io.Writer, fig Figure, width, height vg.Length) error {
	const dpi = 144 // a point is 1/72 inch: two dots
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))}
	paint(c, fig)
	_, err := c.WriteTo(w)
	return err
}

// writeSVG replaces the prelude that vgsvg writes. The new one names the picture, gives its
// size in pixels and lets its fonts fall back.
func writeSVG(w io.Writer, fig Figure, width, height vg.Length) error {
	c := &svgCanvas{Canvas: vgsvg.New(width, height)}
	paint(c, fig)
	var raw bytes.Buffer
	if _, err := c.WriteTo(&raw); err != nil {
		return err
	}
	body := raw.Bytes()[bytes.Index(raw.Bytes(), []byte("<g ")):]

	title := html.EscapeString(clean(fig.heading()))
	_, err := fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="%[1]g" height="%[2]g" viewBox="0 0 %[1]g %[2]g" role="img" font-family="'Liberation Sans', Arial, Helvetica, sans-serif" stroke-linejoin="round">
<title>%[3]s</title>
%[4]s`, float64(width), float64(height), title, c.attributes(body))
	return err
}

// svgCanvas records the width of every drawn text.
type svgCanvas struct {
	*vgsvg.Canvas
	widths []vg.Length
}

// FillString implements [vg.Canvas].
func (c *svgCanvas) FillString(face font.Face, at vg.Point, s string) {
	c.widths = append(c.widths, face.Width(s))
	c.Canvas.FillString(face, at, s)
}

// attributes turns every style="fill:none;stroke:#000000" into fill="none" stroke="#000000",
// because a page's content security policy cannot forbid attributes. It leaves out what is the
// same for the whole picture. It gives every text its width, so that the text keeps its place
// in any font. (Texts contain no quotation marks: vgsvg escapes them.)
func (c *svgCanvas) attributes(svg []byte) []byte {
	out := make([]byte, 0, len(svg))
	for {
		before, style, found := bytes.Cut(svg, []byte(`style="`))
		if !found {
			return append(out, svg...)
		}
		out = append(out, bytes.TrimRight(before, " \n\t")...)
		style, svg, _ = bytes.Cut(style, []byte(`"`))
		if bytes.HasPrefix(style, []byte("font-family")) {
			out = fmt.Appendf(out, ` textLength="%.5g" lengthAdjust="spacingAndGlyphs"`, float64(c.widths[0]))
			c.widths = c.widths[1:]
		}
		for declaration := range bytes.SplitSeq(style, []byte(";")) {
			name, value, _ := bytes.Cut(declaration, []byte(":"))
			if string(name) != "font-family" && string(value) != "normal" {
				out = fmt.Appendf(out, ` %s="%s"`, name, value)
			}
		}
	}
}
