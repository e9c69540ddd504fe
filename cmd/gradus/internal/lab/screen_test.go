package lab

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// go test ./cmd/gradus/internal/lab -run "Point|OpensOn" -screens $PWD/docs/images makes the pictures of docs/lab.md.
var screens = flag.String("screens", "", "write a picture of the page at each point to this folder")

// screen takes a picture for the documents.
func (p *tabPage) screen(name string) {
	p.t.Helper()
	p.fitted()
	if *screens == "" {
		return
	}
	p.until("!document.getAnimations().some((a) => a instanceof CSSTransition)")
	raw, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screens, "lab-"+name+".png"), small(p.t, raw), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// small writes a picture with 256 colors. It has a third of the size.
func small(t testing.TB, raw []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	type bucket struct {
		n     int
		count map[color.RGBA]int
	}
	buckets := map[[3]uint8]*bucket{} // of nearly equal colors
	box := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := at(x, y)
			key := [3]uint8{c.R >> 3, c.G >> 3, c.B >> 3}
			if buckets[key] == nil {
				buckets[key] = &bucket{count: map[color.RGBA]int{}}
			}
			buckets[key].n++
			buckets[key].count[c]++
		}
	}
	common := slices.SortedFunc(maps.Values(buckets), func(a, b *bucket) int { return b.n - a.n })
	var palette color.Palette
	for _, b := range common[:min(256, len(common))] { // each bucket's commonest color
		best := color.RGBA{}
		for c, n := range b.count {
			if n > b.count[best] || n == b.count[best] && (c.R < best.R || c.R == best.R && c.B < best.B) {
				best = c
			}
		}
		palette = append(palette, best)
	}
	out := image.NewPaletted(box, palette)
	index := map[color.RGBA]uint8{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := at(x, y)
			i, ok := index[c]
			if !ok {
				i = uint8(palette.Index(c))
				index[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
