package cli

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"strings"
	"testing"
)

func TestPlot(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", penguins, "--members", "1", "--hidden", "6,4", "--epochs", "3", "--quiet", "-o", "m.safetensors", "--run", "run")
	for _, c := range []struct {
		args, out string
		words     []string
	}{
		{"m.safetensors", "net.svg", []string{"bill_length_mm", "island=Dream", "Gentoo"}},
		{"m.safetensors", "net.png", nil},
		{"m.safetensors --what curves", "curves.svg", []string{"epoch", "loss", "validation"}},
		{"run", "run.svg", []string{"epoch", "loss", "validation"}},
		{"run", "run.png", nil},
	} {
		r := must(t, 0, append(append([]string{"plot"}, strings.Fields(c.args)...), "-o", c.out)...)
		if r.out != c.out+"\n" || r.err != "" {
			t.Errorf("%s: got the output %q and the message %q, want the name of the file and no message", c.out, r.out, r.err)
		}
		picture := readFile(t, c.out)
		if strings.HasSuffix(c.out, ".png") {
			img, err := png.Decode(bytes.NewReader([]byte(picture)))
			if err != nil || img.Bounds().Dx() < 200 {
				t.Errorf("%s: got %v, want no error and img.Bounds().Dx() >= 200", c.out, err)
			}
			continue
		}
		text := svgText(t, picture)
		for _, w := range c.words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the picture lacks %q", c.out, w)
			}
		}
	}
	if _, err := os.Stat("run/net.svg"); err == nil {
		t.Error("plot writes into the run's folder")
	}
}

// svgText returns the text of an SVG. It fails the test if svg is not XML.
func svgText(t *testing.T, svg string) string {
	t.Helper()
	var b strings.Builder
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return b.String()
		case err != nil:
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			b.Write(text)
			b.WriteByte('\n')
		}
	}
}
