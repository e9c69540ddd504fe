package export

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"go/format"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"

	_ "embed"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

//go:embed gosource.tmpl
var goTemplate string

// writeGo writes a model as Go source, and its test next to it.
func writeGo(m *model.Model, path string, o Options) error {
	return writeSource(path, o, "_test.go", func(_ string, o Options) ([]byte, []byte, error) { return Go(m, o) })
}

// writeSource writes a source file, and next to it one whose name has another ending. If the
// options have no prefix for names, it is made from the file's name.
func writeSource(path string, o Options, ending string, source func(name string, o Options) (file, beside []byte, err error)) error {
	name := strings.TrimSuffix(path, filepath.Ext(path))
	if o.Package == "" {
		o.Package = packageName(filepath.Base(name))
	}
	file, beside, err := source(filepath.Base(name), o)
	if err != nil {
		return err
	}
	_, missing := os.Lstat(name + ending)
	if err := whole(name+ending, beside); err != nil {
		return err
	}
	err = whole(path, file)
	if err != nil && missing != nil { // one file is of no use without the other
		os.Remove(name + ending)
	}
	return err
}

// packageName makes a package name from a file's name.
func packageName(file string) string {
	name := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return -1
	}, file)
	if name == "" || unicode.IsDigit(rune(name[0])) || token.IsKeyword(name) {
		name = "model" + name
	}
	return name
}

// Go returns a model as one Go file that imports only the standard library, and a test for it.
//
// The file has a type Row with a field for each column, a type Prediction, and a function
// Predict. Predict gives the same bits as the model on every machine, and does not allocate.
// Options.Package names the package.
//
// Predict cannot refuse what the model refuses: an infinite number is treated as a very large one.
func Go(m *model.Model, o Options) (source, test []byte, err error) {
	if !token.IsIdentifier(o.Package) {
		return nil, nil, refuse(fmt.Sprintf("%q cannot be the name of a Go package: give letters and digits with ", o.Package), option("Package"))
	}
	s, err := newGoSource(m, o)
	if err != nil {
		return nil, nil, err
	}
	parts := template.Must(template.New("go").Funcs(template.FuncMap{"lit": literal, "quote": strconv.Quote, "quoted": quoted, "comment": oneLine}).Parse(goTemplate))
	file := func(name string) ([]byte, error) {
		var b bytes.Buffer
		if err := parts.ExecuteTemplate(&b, name, s); err != nil {
			return nil, err
		}
		return format.Source(b.Bytes())
	}
	if source, err = file("source"); err != nil {
		return nil, nil, err
	}
	if test, err = file("test"); err != nil {
		return nil, nil, err
	}
	return source, test, nil
}

// oneLine makes a text safe for a comment of one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// literal writes a number so that it is read as the same bits.
func literal(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// goSource is the data for the template.
type goSource struct {
	Package, Version, Doc, SHA string
	Real                       string // float32 or float64
	Members                    []goMember
	Weights, Tables            string // base64 of little-endian numbers
	Kernel                     string // copies of functions of package kernel
	Task                       data.Task
	Hinge                      bool
	Threshold                  float64
	Targets                    []data.Target
	Outputs                    int
	MissingWords               []string
	Has                        map[string]bool // kinds of columns, norms and other features that occur
	Rows                       []goRow
}

// goMember is a network with its encoding.
type goMember struct {
	Of      string // suffix of the names of its functions: "" for a single network, else Of0, Of1 and so on
	Width   int
	Fields  []goField
	Layers  []goLayer
	Targets []data.Target
	Hinge   bool
}

// Fields returns the fields of a row. All members have the same ones.
func (s *goSource) Fields() []goField { return s.Members[0].Fields }

// Others returns all members except the first.
func (s *goSource) Others() []goMember { return s.Members[1:] }

// goField is a column.
type goField struct {
	*data.Input
	Field      string // in Row
	At, End    int    // in the encoding
	From, Upto int    // of its knots in the tables; their shares follow
	Name       string
}

// Shares returns the end of the shares of its knots in the tables.
func (f *goField) Shares() int { return 2*f.Upto - f.From }

// KnotsEnd returns the end of the knots of its pieces, which follow the shares.
func (f *goField) KnotsEnd() int { return f.Shares() + len(f.Pieces) }

// WavesAt is the position of the column's waves among the encoded inputs, and WavesEnd their end.
func (f *goField) WavesAt() int  { return f.At + f.Layout().Waves.From }
func (f *goField) WavesEnd() int { return f.At + f.Layout().Waves.To }

// FirstWave is the number of turns of a column's first wave while the rank grows by 1.
func (*goSource) FirstWave() float64 { return data.FirstWave }

// Listed returns the levels that are distinguished: those with their own place, or all levels if there are
// means.
func (f *goField) Listed() []string {
	if f.Means == nil {
		return f.Levels
	}
	return slices.Concat(f.Levels, f.RareOf)
}

// MeansAt is the position of a level's means among the column's inputs, and MeansWidth their number. MeansFrom
// is the position of the first level's means in the tables.
func (f *goField) MeansAt() int    { return f.Layout().Means.From }
func (f *goField) MeansWidth() int { return f.Layout().Means.Width() }
func (f *goField) MeansFrom() int  { return f.KnotsEnd() }

// quoted returns texts as a list of Go strings.
func quoted(texts []string) string {
	list := make([]string, len(texts))
	for i, s := range texts {
		list[i] = strconv.Quote(s)
	}
	return strings.Join(list, ", ")
}

// Wide returns the number of encoded inputs of the column.
func (f *goField) Wide() int { return f.End - f.At }

// Last is the last layer, Before the layer before a layer, and Epsilon the number that norms
// add to a variance.
func (m *goMember) Last() int        { return len(m.Layers) - 1 }
func (m *goMember) Before(l int) int { return l - 1 }
func (*goSource) Epsilon() float64   { return nn.NormEpsilon }

// goLayer is a layer; the numbers are positions in the weights, -1 for none.
type goLayer struct {
	In, Units                            int
	Weight, Bias, Gamma, Beta, Mean, Var int
	Norm                                 string
	Activation                           string // a statement for element z
	Softmax                              bool
}

// goRow is a row in the test.
type goRow struct {
	Literal string
	Bits    []uint64
	Labels  []string
}

func newGoSource(m *model.Model, o Options) (*goSource, error) {
	s := describeSource(m, o)
	s.Doc = "predicts " + oneLine(s.Doc)
	roots := []string{"FMA", "suspect", "fma32"}
	weights, tables, err := s.addMembers(m, func() func(string, int) string {
		taken := map[string]bool{}
		return func(column string, i int) string { return fieldName(column, i, taken) }
	}, func(a activation, parameter float64) (string, error) {
		switch a.inGo {
		case "":
			return "", unsupported("the activation %s is not known to Go export", a.name)
		case "z":
			return "", nil
		}
		roots = append(roots, identifiers(a.inGo)...)
		if s.Real == "float32" {
			parameter = float64(float32(parameter))
		}
		p := literal(parameter)
		return strings.NewReplacer("p,", p+",", " p)", " "+p+")").Replace(a.inGo), nil
	})
	if err != nil {
		return nil, err
	}
	if s.Has["date"] || s.Has["waves"] {
		roots = append(roots, "CosPi", "SinPi")
	}
	if s.Has["softmax"] {
		roots = append(roots, "Exp", "greatest", "sumOf")
	}
	if s.Has["batch"] || s.Has["layer"] {
		roots = append(roots, "Sqrt", "sumOf")
	}
	if s.Hinge {
		roots = append(roots, "Sigmoid")
	}
	text, exported, err := copies(roots)
	if err != nil {
		return nil, err
	}
	s.Kernel = text
	for k := range s.Members {
		for l := range s.Members[k].Layers {
			layer := &s.Members[k].Layers[l]
			layer.Activation = goName(layer.Activation, exported)
		}
	}
	s.Weights = base64Of(weights)
	if tables != nil {
		s.Tables = base64Of(tables)
	}
	return s, s.addRows(m)
}

// describeSource sets what does not depend on the language of the source.
func describeSource(m *model.Model, o Options) *goSource {
	by := "the network"
	if m.Members() != nil {
		by = "the mean of"
	}
	return &goSource{
		Doc:     fmt.Sprintf("%s (%s) by %s %s", strings.Join(m.Targets(), ", "), m.Task(), by, m.DescribeNetwork()),
		Package: o.Package, Version: o.Version, SHA: m.WeightsSHA256(), Real: m.Precision(),
		Task: m.Task(), Hinge: m.Loss == nn.Hinge, Threshold: m.Threshold, Targets: m.Encoding.Targets, Outputs: m.Outputs(),
		MissingWords: m.Encoding.MissingWords(), Has: map[string]bool{},
	}
}

// base64Of writes a list of numbers as text.
func base64Of(v any) string {
	raw, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		panic("export: " + err.Error()) // floats always have a size
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// addMembers adds the networks whose mean is the model's prediction. It returns all weights, as a list of float32
// or float64, and the tables. names returns a function that names columns. formula returns the expression of an
// activation, "" for none; it is not called for softmax.
func (s *goSource) addMembers(m *model.Model, names func() func(column string, i int) string, formula func(a activation, parameter float64) (string, error)) (weights any, tables []float64, err error) {
	var single []float32
	var double []float64
	members := networks(m)
	for k, member := range members {
		e := member.Encoding
		g := goMember{Width: e.Width(), Targets: e.Targets, Hinge: s.Hinge}
		if len(members) > 1 {
			g.Of = fmt.Sprintf("Of%d", k)
		}
		tables = s.addColumns(&g, e, tables, names())
		if net := member.Network32(); net != nil {
			if err = addLayers(s, &g, net, len(single), formula); err != nil {
				return nil, nil, err
			}
			single = append(single, net.Values()...)
		} else {
			net := member.Network64()
			if err = addLayers(s, &g, net, len(double), formula); err != nil {
				return nil, nil, err
			}
			double = append(double, net.Values()...)
		}
		s.Members = append(s.Members, g)
	}
	if single != nil {
		return single, tables, nil
	}
	return double, tables, nil
}

// addColumns adds a field for each column. To the tables it adds the knots of their ranks, their shares, the
// knots of pieces and the means of levels.
func (s *goSource) addColumns(g *goMember, e *data.Encoding, tables []float64, name func(column string, i int) string) []float64 {
	for i := range e.Inputs {
		in := &e.Inputs[i]
		f := goField{Input: in, Name: in.Name, Field: name(in.Name, i)}
		f.At, f.End = e.Span(i)
		f.From, f.Upto = len(tables), len(tables)+len(in.RankAt)
		tables = append(append(append(append(tables, in.RankAt...), in.RankOf...), in.Pieces...), in.Means...)
		g.Fields = append(g.Fields, f)
		s.Has[string(in.Kind)] = true
		s.Has["lacking"] = s.Has["lacking"] || in.Kind == data.KindNumber && len(in.MissingNumbers()) > 0
		s.Has["rank"] = s.Has["rank"] || in.RankAt != nil
		s.Has["waves"] = s.Has["waves"] || in.Waves > 0
		s.Has["means"] = s.Has["means"] || in.Means != nil
	}
	return tables
}

// addLayers adds the layers of a network whose weights begin at the given position.
func addLayers[T nn.Float](s *goSource, g *goMember, net *nn.Network[T], at int, formula func(a activation, parameter float64) (string, error)) error {
	place := map[string]int{}
	for _, t := range net.Tensors() {
		place[t.Name] = at
		at += len(t.Data)
	}
	in := net.Inputs()
	for l := range net.Depth() {
		d := net.Layer(l)
		a, parameter, err := builtIn(d.Activation, l)
		if err != nil {
			return err
		}
		of := func(tensor string) int {
			if at, ok := place[fmt.Sprintf("layers.%d.%s", l, tensor)]; ok {
				return at
			}
			return -1
		}
		layer := goLayer{In: in, Units: d.Units, Norm: d.Norm.String(), Softmax: a.name == "softmax",
			Weight: of("weight"), Bias: of("bias"), Gamma: of("norm.weight"), Beta: of("norm.bias"), Mean: of("norm.mean"), Var: of("norm.var")}
		if !layer.Softmax {
			if layer.Activation, err = formula(a, parameter); err != nil {
				return err
			}
		}
		s.Has[layer.Norm], s.Has["softmax"] = true, s.Has["softmax"] || layer.Softmax
		g.Layers = append(g.Layers, layer)
		in = d.Units
	}
	return nil
}

// fieldName turns a column's name into a field's name: BillLengthMm for bill_length_mm.
func fieldName(column string, index int, taken map[string]bool) string {
	var b strings.Builder
	start := true
	for _, r := range column {
		switch {
		case !unicode.IsLetter(r) && (!unicode.IsDigit(r) || b.Len() == 0):
			start = true
			continue
		case start:
			r = unicode.ToUpper(r)
		}
		start = false
		b.WriteRune(r)
	}
	name := b.String()
	if !token.IsIdentifier(name) || !token.IsExported(name) {
		name = fmt.Sprintf("Column%d", index)
	}
	for taken[name] {
		name = fmt.Sprintf("%s_%d", name, index)
	}
	taken[name] = true
	return name
}

// addRows adds rows for the test that exercise the encodings of the columns, with the model's
// predictions for them.
func (s *goSource) addRows(m *model.Model) error {
	e := m.Encoding
	out := make([]float64, m.Outputs())
	for r := range 24 {
		values := make([]data.Value, len(e.Inputs))
		var text strings.Builder
		text.WriteString("Row{")
		for i := range s.Fields() {
			f := &s.Fields()[i]
			value, literal := f.sample(r + 5*i)
			values[i] = value
			fmt.Fprintf(&text, "%s: %s, ", f.Field, literal)
		}
		text.WriteString("}")
		if m.PredictValues(values, out) != nil {
			continue // the model's precision cannot hold the row
		}
		row := goRow{Literal: text.String()}
		for _, x := range out {
			row.Bits = append(row.Bits, math.Float64bits(x))
		}
		switch p := m.Describe(out); {
		case p.Labels != nil:
			row.Labels = slices.Clone(p.Labels)
		case p.Class != "" || s.Task == data.Binary || s.Task == data.Multiclass:
			row.Labels = []string{p.Class}
		}
		s.Rows = append(s.Rows, row)
	}
	if s.Rows == nil {
		return unsupported("the model predicts none of the rows that its test is made of: its columns are out of the range of %s", s.Real)
	}
	return nil
}

// sample returns the n-th of a column's values for the test, and the value as Go source.
func (f *goField) sample(n int) (data.Value, string) {
	switch f.Kind {
	case data.KindNumber:
		x := f.Center + float64(f.Scale*(float64(n*7%41)/10-2))
		switch k, gone := len(f.RankAt), f.MissingNumbers(); {
		case n%9 == 2 && gone != nil:
			x = gone[n/9%len(gone)]
		case n%9 == 4:
			return data.Missing(), "math.NaN()"
		case n%9 == 5 && k > 0:
			x = f.RankAt[n%k]
		case n%9 == 6 && k > 0:
			x = math.Nextafter(f.RankAt[n%k], math.Inf(1))
		case n%9 == 7 && f.Low < f.High:
			x = f.High + float64((f.High-f.Low)*0.375)
		case n%9 == 8 && f.Low < f.High:
			x = f.Low - float64((f.High-f.Low)*1.5)
		case n%9 == 3 && f.Pieces != nil:
			k := 1 + n%(len(f.Pieces)-1)
			x = f.Pieces[k-1] + float64((f.Pieces[k]-f.Pieces[k-1])*0.7)
		case n == 17:
			x = 1e30
		}
		return data.Number(x), literal(x)
	case data.KindBoolean:
		return []data.Value{data.Bool(true), data.Bool(false), data.Missing()}[n%3], []string{"True", "False", "Missing"}[n%3]
	case data.KindDate:
		if n%7 == 3 {
			return data.Missing(), "time.Time{}"
		}
		days := f.Center + float64(f.Scale*(float64(n*7%41)/10-2))
		at := int64(max(-1e9, min(days*86400, 1e11))) + int64(n*4321)
		return data.Time(time.Unix(at, 0)), fmt.Sprintf("time.Unix(%d, 0)", at)
	}
	var texts []string
	for _, level := range slices.Concat(f.Levels, f.RareOf) {
		texts = append(texts, f.Notations(level)...)
	}
	texts = append(texts, "", " na ", "not seen before")
	text := texts[n%len(texts)]
	return data.Text(text), strconv.Quote(text)
}
