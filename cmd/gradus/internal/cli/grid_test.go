package cli

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// A grid is as wide as it needs to be, breaks its headings if it must, and then stands in blocks.
func TestGridFits(t *testing.T) {
	scores := grid{rows: [][]string{{"", "loss", "balanced_accuracy", "log_loss"}, {"training", "0.5", "0.75", "0.25"}, {"the test", "-", "0.5"}}}
	text := grid{rows: [][]string{nil, {"f'", "1.5", "how it changes with its z"}, {"product", "3"}}, align: "lrt", indent: 2}
	matrix := grid{rows: [][]string{{"", "a", "b", "rows"}, {"a", "1", "2", "3"}, {"b", "4", "5", "9"}}, cut: 3}
	for _, c := range []struct {
		name  string
		g     grid
		width int
		want  string
	}{
		{"wide enough", scores, 43, `
          loss  balanced_accuracy  log_loss
training   0.5               0.75      0.25
the test     -                0.5
`},
		{"the heading that saves most is broken", scores, 42, `
                balanced_
          loss   accuracy  log_loss
training   0.5       0.75      0.25
the test     -        0.5
`},
		{"headings are broken", scores, 33, `
                balanced_  log_
          loss   accuracy  loss
training   0.5       0.75  0.25
the test     -        0.5
`},
		{"blocks", scores, 30, `
                balanced_
          loss   accuracy
training   0.5       0.75
the test     -        0.5

          log_
          loss
training  0.25
the test
`},
		{"text wraps", text, 36, `
  f'       1.5  how it changes with
                its z
  product    3
`},
		{"a grid that fits is not cut", matrix, 15, `
   a  b  rows
a  1  2     3
b  4  5     9
`},
		{"a grid is cut where it says", matrix, 12, `
   a  b
a  1  2
b  4  5

   rows
a     3
b     9
`},
	} {
		if got := "\n" + strings.Join(c.g.lines(c.width), "\n") + "\n"; got != c.want {
			t.Errorf("%s: with width %d, got%s\nwant%s", c.name, c.width, got, c.want)
		}
	}
}

// No line that a command prints is wider than 80 columns, except a call of gradus and a path. A terminal wraps sentences, as this test does.
func TestTablesFitTheTerminal(t *testing.T) {
	place(t, nil)
	writeFile(t, "many.csv", rowsFor("x,z,kind", 240, func(i int) string {
		return fmt.Sprintf("%d.5,%d,class number %d", i*i%17, i%12, 10+i%12)
	}))
	wide := "--metric=auc,balanced_accuracy,log_loss,f1_macro,precision_macro,calibration_error"
	for _, call := range []string{
		"train " + cancer + " --members 3 --epochs 3 --test 0.2 -o m.safetensors --quiet",
		"info m.safetensors",
		"evaluate m.safetensors " + cancer,
		"explain m.safetensors " + cancer + " --row 3",
		"importance m.safetensors " + cancer + " --repeats 1",
		"shap m.safetensors " + cancer + " --row 3 --pairs 3 --background-rows 10",
		"train many.csv --members 2 --epochs 3 --quiet -o n.safetensors " + wide,
		"cv many.csv --preset quick --epochs 2 --folds 3 --quiet",
		"cv " + iris + " --preset quick --epochs 2 --folds 3 --quiet " + wide,
		"train " + diabetes + " --preset quick --epochs 2 --norm batch --hidden 40,30 --quiet -o d.safetensors",
		"explain d.safetensors " + diabetes + " --row 3",
		"tune many.csv --preset quick --epochs 3 --trials 4 --quiet -o t.safetensors " + wide,
		"check many.csv --hidden 30,20 --norm layer --activation relu",
		"compare many.csv --quiet --epochs 3",
		"lr many.csv",
		"notebook",
		"bench --time 1ms",
	} {
		for line := range strings.Lines(must(t, 0, strings.Fields(call)...).out) {
			for part := range strings.Lines(wrapLine(strings.TrimSuffix(line, "\n"), 80)) {
				part = strings.TrimSuffix(part, "\n")
				if n := utf8.RuneCountInString(part); n > 80 && !strings.Contains(part, "gradus ") && !strings.Contains(part, examples) {
					t.Errorf("gradus %.60s: the line %q has %d characters, want at most 80", call, part, n)
				}
			}
		}
	}
}
