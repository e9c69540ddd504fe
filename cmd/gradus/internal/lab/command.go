package lab

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/shell"
)

// The same run without the page: a command line and a Go program.

// spoken are the options of a setup: the form's fields, and the types that the data panel asks
// for.
var spoken = append(option.Pick("types"), fields...)

// Command returns the call of gradus train that gives the same bits, for a table in a file of
// that name. validated says whether there are validation rows: the lab keeps the last weights
// even then.
func (s Setup) Command(file string, validated bool) string {
	o := &s.Options
	if o.Activation == (wrongSigmoid{}).String() {
		return "# the sigmoid with a wrong derivative exists only in the lab"
	}
	if strings.HasPrefix(file, "-") {
		file = "./" + file
	}
	words := []string{"gradus", "train", quote(file)}
	for _, f := range spoken {
		v, given := f.Given(o)
		switch {
		case !given || !f.Applies(o):
		case f.Off:
			words = append(words, "--no-"+f.Name)
		case strings.HasPrefix(v, "-"):
			words = append(words, "--"+f.Name+"="+quote(v))
		default:
			words = append(words, "--"+f.Name, quote(v))
		}
	}
	if o.Members < 1 {
		words = append(words, "--members", "1")
	}
	if validated {
		words = append(words, "--patience", "0")
	}
	return strings.Join(words, " ")
}

// Program returns a Go program that gives the same bits. For an ensemble this applies to the network that is shown.
func (s Setup) Program(file, out string) string {
	o := &s.Options
	if o.Activation == (wrongSigmoid{}).String() {
		return "// the sigmoid with a wrong derivative exists only in the lab\n"
	}
	var lines []string
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, fmt.Sprintf("\t\t%s: %s,", name, value))
		}
	}
	for _, f := range spoken {
		if f.Applies(o) {
			add(f.Field, f.Code(o))
		}
	}
	add("Patience", "new(0)")
	width := 0
	for _, l := range lines {
		width = max(width, strings.Index(l, ": "))
	}
	for i, l := range lines { // aligned as by gofmt
		at := strings.Index(l, ": ") + 1
		lines[i] = l[:at] + strings.Repeat(" ", width+2-at) + l[at+1:]
	}
	shown := "\tfmt.Println(m.Training.Loss, m.WeightsSHA256())\n"
	if o.Members > 1 {
		shown = fmt.Sprintf("\tone := m.Members()[%d]\n\tfmt.Println(one.Training.Loss, one.WeightsSHA256())\n", s.Member)
	}
	return fmt.Sprintf(`package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func main() {
	table, err := data.Read(%q, data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{
%s
	})
	if err != nil {
		log.Fatal(err)
	}
%s	if err := m.Save(%q); err != nil {
		log.Fatal(err)
	}
}
`, file, strings.Join(lines, "\n"), shown, out)
}

// exact writes a number with the fewest digits that read back as the same float64.
func exact(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// quote writes a text so that a shell reads it as one word.
func quote(s string) string { return shell.Word(s) }
