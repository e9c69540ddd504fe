package plot

import (
	"image/color"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// fonts measures and draws all text. Liberation Sans has the same widths as Arial and
// Helvetica, which replace it where an SVG is displayed.
var fonts = font.NewCache(font.Collection{
	{Font: font.Font{Typeface: "Liberation", Variant: "Sans"}, Face: parsed(liberationsansregular.TTF)},
	{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightBold}, Face: parsed(liberationsansbold.TTF)},
})

// parsed returns the font of a file that is part of the program.
func parsed(file []byte) *opentype.Font {
	f, err := opentype.Parse(file)
	if err != nil {
		panic(err)
	}
	return f
}

// lettering is the style of a piece of text.
type lettering struct {
	size  vg.Length
	color color.Color
	bold  bool
}

func (l lettering) font() font.Font {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: l.size}
	if l.bold {
		f.Weight = xfont.WeightBold
	}
	return f
}

// style returns the lettering in the form that gonum's text takes.
func (l lettering) style(x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{Color: l.color, Font: l.font(), XAlign: x, YAlign: y, Handler: text.Plain{Fonts: fonts}}
}

func (l lettering) width(s string) vg.Length {
	face := fonts.Lookup(l.font(), l.size)
	return face.Width(s)
}

// shrink reduces letters that take up width so that they fit into room.
func (l *lettering) shrink(width, room vg.Length) {
	if width > room {
		l.size *= room / width
	}
}

// The part of a text that is at the x given to write.
const (
	left   = 0.0
	middle = 0.5
	right  = 1.0
)

// write writes s with its left, middle or right at x, and with y at half the height of its capitals.
func (l lettering) write(c draw.Canvas, x, y vg.Length, align vg.Length, s string) {
	if s == "" {
		return
	}
	const half = 0.36 // of the capitals' height, for a size of 1
	c.SetColor(l.color)
	c.FillString(fonts.Lookup(l.font(), l.size), vg.Point{X: x - align*l.width(s), Y: y - half*l.size}, s)
}

// fit returns s ready to print: see clean. If a text is wider than width, an ellipsis replaces
// its middle, since names often differ at their ends.
func (l lettering) fit(s string, width vg.Length) string {
	s = clean(s)
	if l.width(s) <= width {
		return s
	}
	runes := []rune(s)
	shortened := func(n int) string {
		tail := n / 3
		return strings.TrimRight(string(runes[:n-tail]), " ") + "…" + string(runes[len(runes)-tail:])
	}
	// Keep the largest number of letters that leaves space for the ellipsis.
	n := sort.Search(len(runes), func(n int) bool { return l.width(shortened(n+1)) > width })
	return shortened(n)
}

// clean turns s into one line of characters that XML can contain, with single spaces between
// words, as an SVG would show them anyway.
func clean(s string) string {
	const most = 500 // letters, more than any line shows
	if len(s) > 4*most {
		s = s[:4*most]
	}
	s = strings.Map(func(r rune) rune { // a byte that is not UTF-8 arrives as the replacement character
		switch {
		case unicode.IsControl(r):
			return ' '
		case r == '\ufffe' || r == '\uffff':
			return unicode.ReplacementChar
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// number formats v with three significant digits: 0.532, 1.2e-5, NaN.
func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "Inf"
	case math.IsInf(v, -1):
		return minus("-Inf")
	case v == 0:
		return "0"
	}
	switch a := math.Abs(v); {
	case a < 1e-3 || a >= 99999.5:
		return exponent(strconv.FormatFloat(v, 'e', 2, 64))
	case a >= 999.5:
		return minus(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return minus(strconv.FormatFloat(v, 'g', 3, 64))
}

// minus gives a number the sign −, which is as wide as + and at the same height.
func minus(number string) string { return strings.ReplaceAll(number, "-", "−") }

// rounded formats v for a small space: −0.08, 1.3, 250.
func rounded(v float64) string {
	decimals := 2
	switch a := math.Abs(v); {
	case !(a < 999.5):
		return number(v)
	case a >= 99.95:
		decimals = 0
	case a >= 9.995:
		decimals = 1
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		return "0"
	}
	return minus(s)
}

// exponent shortens a number written by strconv with an exponent: 1.50e-05
// becomes 1.5e−5 and 1.00e+05 becomes 1e5.
func exponent(s string) string {
	mantissa, power, found := strings.Cut(s, "e")
	if !found {
		return s
	}
	n, err := strconv.Atoi(power)
	if err != nil {
		return s
	}
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return minus(mantissa + "e" + strconv.Itoa(n))
}

// symbol is a letter with an index, such as x₀, and the text after it. (The font's own
// subscripts are too far apart for numbers with several digits.)
type symbol struct {
	letter string
	index  int
	rest   string
}

const indexSize, indexDrop = 0.7, 0.22 // relative to the letter's size

// parts returns the positions where the index and the rest begin and where the symbol ends.
func (s symbol) parts(l lettering) (index, rest, end vg.Length) {
	small := lettering{size: indexSize * l.size}
	index = l.width(s.letter)
	rest = index + small.width(strconv.Itoa(s.index))
	if s.rest == "" {
		return index, rest, rest
	}
	rest += l.width(" ")
	return index, rest, rest + l.width(s.rest)
}

// write writes the symbol with its middle at x, as [lettering.write] does.
func (s symbol) write(c draw.Canvas, l lettering, x, y vg.Length) {
	index, rest, end := s.parts(l)
	x -= end / 2
	small := lettering{size: indexSize * l.size, color: l.color}
	l.write(c, x, y, left, s.letter)
	small.write(c, x+index, y-indexDrop*l.size, left, strconv.Itoa(s.index))
	l.write(c, x+rest, y, left, s.rest)
}

func (s symbol) width(l lettering) vg.Length {
	_, _, end := s.parts(l)
	return end
}
