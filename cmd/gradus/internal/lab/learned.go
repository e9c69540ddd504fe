package lab

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
)

// The width and height of the small pictures in the hidden units, in points, and the maximum number
// of pictures.
const (
	learnedSide = 24
	mostLearnt  = 40
)

// pictured reports whether the hidden units can show what they have learned. The network then has two
// inputs, both numbers, so that a picture over them describes a unit completely.
func (f *Frame) pictured() bool {
	hidden := 0
	for l := range f.Net.Depth() - 1 {
		hidden += f.Net.Layer(l).Units
	}
	return f.Net.Inputs() == 2 && len(f.Fit.Encoding.Inputs) == 2 && len(f.NumericColumns()) == 2 && hidden > 0 && hidden <= mostLearnt
}

// showsLearnt reports whether the picture of the network contains the small pictures.
func (f *Frame) showsLearnt() bool {
	t := f.View.tab()
	return (t == "start" || t == "fit") && f.pictured()
}

// learned draws every hidden unit's activation over the two inputs into the unit: blue where it is
// positive, orange where it is negative, pale near 0.
func (f *Frame) learned(places plot.Places) (string, error) {
	columns := f.NumericColumns()
	p, err := f.plane(columns[0], columns[1])
	if err != nil {
		return "", err
	}
	xs, ys := grid(p.x, learnedSide), grid(p.y, learnedSide)
	slices.Reverse(ys)                         // a picture's rows go down
	said := make([][]float64, f.Net.Depth()-1) // the activations of a layer, point by point
	err = p.over(xs, ys, func(tape *nn.Tape[float64]) {
		for l := range said {
			for j := range xs {
				said[l] = append(said[l], tape.A(l).Row(j)...)
			}
		}
	})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, u := range places.Units {
		if u.Column == 0 || u.Column == f.Net.Depth() {
			continue
		}
		r := 0.93 * places.Radius // the unit's outline stays visible
		fmt.Fprintf(&b, `<image class="learned" x="%.1f" y="%.1f" width="%.1f" height="%.1f" preserveAspectRatio="none" href="data:image/png;base64,%s"/>`,
			u.X-r, u.Y-r, 2*r, 2*r, base64.StdEncoding.EncodeToString(activation(said[u.Column-1], f.Net.Layer(u.Column-1).Units, u.Unit)))
	}
	return b.String(), nil
}

// shades are the colors of the small pictures, from the most negative value through 0 to the most positive.
var shades = func() (p color.Palette) {
	const half = 8
	for i := -half; i <= half; i++ {
		to := color.RGBA{0x00, 0x72, 0xB2, 255}
		if i < 0 {
			to = color.RGBA{0xC2, 0x54, 0x00, 255}
		}
		t := math.Abs(float64(i)) / half
		mix := func(c uint8) uint8 { return uint8(math.Round(255 + t*(float64(c)-255))) }
		p = append(p, color.RGBA{mix(to.R), mix(to.G), mix(to.B), 255})
	}
	return p
}()

// activation draws the picture of one unit of a layer, as PNG. a holds the values of all units for each point of the grid.
func activation(a []float64, units, unit int) []byte {
	most := 0.0
	for i := unit; i < len(a); i += units {
		most = math.Max(most, math.Abs(a[i]))
	}
	img := image.NewPaletted(image.Rect(0, 0, learnedSide, learnedSide), shades)
	half := float64(len(shades) / 2)
	for i := range img.Pix {
		k := half
		if v := a[i*units+unit] / most; float.Finite(v) {
			k += math.Round(v * half)
		}
		img.Pix[i] = uint8(k)
	}
	var b bytes.Buffer
	pngs.Encode(&b, img) // writing to memory never fails
	return b.Bytes()
}

// pngs writes the small pictures. One needs a megabyte of buffers, so pngs reuses them.
var pngs = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &pngBuffers{}}

type pngBuffers struct{ sync.Pool }

func (p *pngBuffers) Get() *png.EncoderBuffer {
	b, _ := p.Pool.Get().(*png.EncoderBuffer)
	return b
}

func (p *pngBuffers) Put(b *png.EncoderBuffer) { p.Pool.Put(b) }
