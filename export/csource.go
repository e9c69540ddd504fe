package export

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	_ "embed"

	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

//go:embed csource.tmpl
var cTemplate string

// writeC writes a model as C source, and its header next to it.
func writeC(m *model.Model, path string, o Options) error {
	return writeSource(path, o, ".h", func(name string, o Options) ([]byte, []byte, error) { return C(m, name+".h", o) })
}

// cSource is the data for the template: goSource, and what C expresses differently.
type cSource struct {
	*goSource
	Guard, Header, S      string // S is the suffix of functions of the precision
	WeightList, TableList string
}

// C returns a model as C99 source and its header: a struct for a row, a struct for a prediction,
// and a function from one to the other. It needs the C library's math and string functions, and
// allocates nothing. Every name begins with Options.Package.
//
// Encoded inputs have the bits of data.EncodeRow, except cos and sin of dates and waves. The sums and
// functions of the network are those of the compiler and the C library, so predictions differ in
// their last digits. Otherwise the documentation of Row in Go applies, but texts are not trimmed.
func C(m *model.Model, header string, o Options) (source, head []byte, err error) {
	if o.Package == "" || strings.IndexFunc(o.Package, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_'
	}) >= 0 || unicode.IsDigit(rune(o.Package[0])) {
		return nil, nil, refuse(fmt.Sprintf("%q cannot begin names in C: give letters and digits with ", o.Package), option("Package"))
	}
	s := cSource{goSource: describeSource(m, o), Guard: strings.ToUpper(o.Package), Header: header}
	s.Version, s.Doc = cComment(o.Version), cComment("Predicts "+s.Doc)
	if s.Real = "double"; m.Precision() == "float32" {
		s.Real, s.S = "float", "f"
	}
	weights, tables, err := s.addMembers(m, func() func(string, int) string {
		taken := map[string]bool{}
		return func(column string, i int) string { return cName(column, i, taken) }
	}, func(a activation, parameter float64) (string, error) {
		switch a.inC {
		case "":
			return "", unsupported("the activation %s is not known to C export", a.name)
		case "z":
			return "", nil
		}
		formula := strings.ReplaceAll(a.inC, "F(", s.S+"(")
		return strings.ReplaceAll(formula, "p *", "(real)"+literal(parameter)+" *"), nil
	})
	if err != nil {
		return nil, nil, err
	}
	if single, ok := weights.([]float32); ok {
		s.WeightList = cNumbers(single, s.S)
	} else {
		s.WeightList = cNumbers(weights.([]float64), s.S)
	}
	s.TableList = cNumbers(tables, "")
	parts := template.Must(template.New("c").Funcs(template.FuncMap{"lit": literal, "comment": cComment, "ctext": cText, "pair": func(n []string) string { return "{" + cText(n[0]) + ", " + cText(n[len(n)-1]) + "}" }, "cbool": func(b bool) int {
		if b {
			return 1
		}
		return 0
	}}).Parse(cTemplate))
	file := func(name string) []byte {
		var b bytes.Buffer
		if err == nil {
			err = parts.ExecuteTemplate(&b, name, s)
		}
		return b.Bytes()
	}
	source, head = file("source"), file("header")
	return source, head, err
}

// cNumbers writes numbers as a list, several per line.
func cNumbers[T nn.Float](v []T, suffix string) string {
	bits := 64
	if suffix == "f" {
		bits = 32
	}
	var b strings.Builder
	for i, x := range v {
		text := strconv.FormatFloat(float64(x), 'g', -1, bits)
		if suffix != "" && !strings.ContainsAny(text, ".e") {
			text += "."
		}
		fmt.Fprintf(&b, "%s%s,", text, suffix)
		if i%8 == 7 || i == len(v)-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// cComment makes a text safe for a comment.
func cComment(s string) string { return strings.ReplaceAll(oneLine(s), "*/", "* /") }

// cText writes a text as a C literal.
func cText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c < 127 && c != '"' && c != '\\' && c != '?' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

var cKeywords = strings.Fields("auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while class new delete this template namespace public private protected operator bool true false")

// cName turns a column's name into a C name: bill_length_mm for "Bill length (mm)".
func cName(column string, index int, taken map[string]bool) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return '_'
	}, column), "_")
	if name == "" || unicode.IsDigit(rune(name[0])) {
		name = fmt.Sprintf("column%d", index)
	}
	if slices.Contains(cKeywords, name) {
		name += "_"
	}
	for taken[name] {
		name = fmt.Sprintf("%s_%d", name, index)
	}
	taken[name] = true
	return name
}
