package lab

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html"
	"html/template"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
)

//go:embed page
var pageFiles embed.FS

// tab is one of the panels at the side. A group holds the panels that are shown together.
type tab struct{ Name, Label string }

type group struct {
	Name, Label string
	Tabs        []tab
}

var groups = []group{
	{"learn", "Learn", []tab{{"start", "Start"}, {"lesson", "Lesson"}, {"faults", "Faults"}}},
	{"look", "Look", []tab{{"weight", "Weight"}, {"unit", "Unit"}, {"fit", "Fit"}, {"health", "Health"}}},
	{"do", "Do", []tab{{"build", "Build"}, {"data", "Data"}}},
	{"prove", "Prove", []tab{{"verify", "Verify"}, {"race", "Race"}, {"surface", "Surface"}}},
	{"share", "Share", []tab{{"share", "Share"}}},
}

// tabs are the panels of all groups. usualTab is the panel of a view that names none.
var tabs = func() (all []tab) {
	for _, g := range groups {
		all = append(all, g.Tabs...)
	}
	return all
}()

const usualTab = "weight"

// Has reports whether a panel belongs to the group.
func (g group) Has(name string) bool {
	return slices.ContainsFunc(g.Tabs, func(t tab) bool { return t.Name == name })
}

var panels = template.Must(template.New("panels").Funcs(template.FuncMap{
	"short":    short,
	"exact":    exact,
	"signed":   signed,
	"note":     option.Note,
	"full":     full,
	"examples": Examples,
	"add":      func(a, b int) int { return a + b },
	"times":    func(a, b float64) float64 { return a * b },
	"power":    power,
	"flags":    flags,
	"percent":  func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
	"brief":    func(x float64) string { return minus(fmt.Sprintf("%.4g", x)) },
	"faults":   Faults,
	"rows":     countRows,
	"words":    func(name string) string { return strings.ReplaceAll(name, "_", " ") },
	"capital":  func(word string) string { return strings.ToUpper(word[:1]) + word[1:] },
	"finite":   float.Finite[float64],
}).ParseFS(pageFiles, "page/*.html"))

// countRows says how many rows there are.
func countRows(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprint(n, " rows")
}

// power writes a number whose order of magnitude matters.
func power(x float64) string {
	if x == 0 {
		return "0"
	}
	return minus(fmt.Sprintf("%.1e", x))
}

// flags keeps the dashes of every flag in a text together with the flag's name.
func flags(text string) template.HTML {
	return template.HTML(anyFlag.ReplaceAllString(html.EscapeString(text), `<span class="num">$0</span>`))
}

var anyFlag = regexp.MustCompile(`--[a-z0-9-]+`)

// short writes a number with six digits.
func short(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return digits(false).format(x)
}

// Render draws the parts of the page that can change. The keys are the ids of their elements.
func Render(f *Frame) map[string]string {
	parts := map[string]string{}
	for _, name := range []string{"tabs", "parts", "sample", "phase", "status", "controls", "note", "signs"} {
		parts[name] = execute(name, f)
	}
	parts["picture"] = f.picture(f.Picture(f.View.netSize()))
	parts["curve"], parts["output"] = f.below()
	parts["panel"] = execute("panel-"+f.View.tab(), f)
	return parts
}

// The sizes of the pictures. The page scales them to its own width.
const netWidth, netHigh, belowHigh = 700, 400, 200

// below draws the pictures under the network: the loss, and beside it the network's predictions over its
// inputs, unless the panel shows those or they are too costly to draw with every frame.
func (f *Frame) below() (curve, output string) {
	const share, gap = 0.6, 10 // the loss's share of the width
	loss, fit, fitHigh := int(share*netWidth)-gap, int((1-share)*netWidth), belowHigh
	if f.View.Narrow {
		loss, fit, fitHigh = netWidth, netWidth, 3*belowHigh/2
	}
	if t := f.View.tab(); t != "fit" && t != "start" && len(f.Net.Params()) <= mostBeside {
		if fig, err := f.Plane(f.View.size(fit, fitHigh)); err == nil && fig != nil {
			if field, ok := fig.(plot.Field); ok {
				sliced := len(f.others(field.XLabel, field.YLabel)) > 0
				field.Bare = len(field.Classes) > 2 || sliced // the panel Fit explains the colors and rings
				fig = field
			}
			output = svg(fig)
		}
	}
	if output == "" {
		loss = netWidth
	}
	return f.timeline(f.Curve(f.View.size(loss, belowHigh))), output
}

// timeline draws the loss, with the data that the page needs to map a place in it to an update.
func (f *Frame) timeline(ch plot.Chart) string {
	p := ch.Places()
	return strings.Replace(svg(ch), "<svg ", fmt.Sprintf(`<svg data-left="%.2f" data-right="%.2f" data-low="%s" data-high="%s" `, p.Left, p.Right, exact(p.Low), exact(p.High)), 1)
}

// mostBeside is the maximum number of parameters for which a network's fit is drawn with every frame.
const mostBeside = 2000

// size returns the size of a picture that has the given size on a wide page. On a narrow page its letters
// would otherwise be too small to read.
func (v View) size(width, height int) (int, int) {
	if v.Narrow {
		return 370, height * 4 / 5
	}
	return width, height
}

// netSize returns the size of the picture of the network. In the lesson on a phone the picture is flat, so that
// it stays in view beside the text.
func (v View) netSize() (int, int) {
	width, height := v.size(netWidth, netHigh)
	if v.Narrow {
		height = netHigh
		if v.tab() == "lesson" {
			height = 230
		}
	}
	return width, height
}

func (v View) tab() string {
	for _, t := range tabs {
		if t.Name == v.Tab {
			return v.Tab
		}
	}
	return usualTab
}

func execute(name string, f *Frame) string {
	var b bytes.Buffer
	if err := panels.ExecuteTemplate(&b, name, panelData{f}); err != nil {
		return `<p class="bad">` + html.EscapeString(err.Error()) + `</p>`
	}
	return b.String()
}

// svg draws a figure as an SVG element of the page.
func svg(fig plot.Figure) string {
	var b bytes.Buffer
	if err := plot.Write(&b, "svg", fig); err != nil {
		return `<p class="bad">` + html.EscapeString(err.Error()) + `</p>`
	}
	_, element, _ := strings.Cut(b.String(), "\n") // without the XML declaration
	if _, ok := fig.(plot.Field); ok {
		element = strings.Replace(element, "<svg ", `<svg class="plane" `, 1)
	}
	return element
}

// picture draws the network, and over it the elements that a pointer or the keyboard can choose.
func (f *Frame) picture(n plot.Net) string {
	places := n.Places()
	drawn := f.withFlow(svg(n), places, n.Height)
	var b strings.Builder
	if f.showsLearnt() && !places.Shaded {
		small, err := f.learned(places)
		if err != nil {
			return `<p class="bad">` + html.EscapeString(err.Error()) + `</p>`
		}
		b.WriteString(small)
	}
	b.WriteString(`<g class="targets">`)
	stopped := false
	for _, e := range places.Edges {
		a := lesson.Address{Layer: e.Layer, In: e.In, Unit: e.Out}
		chosen := n.Highlight != nil && *n.Highlight == e.Edge
		stop := -1 // the picture is one stop of the tab key, with the arrow keys inside
		if chosen {
			stop, stopped = 0, true
		}
		fmt.Fprintf(&b, `<line id="edge-%s" class="edge" role="button" tabindex="%d" aria-pressed="%t" aria-label="weight %s = %s" data-do="weight" data-weight="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`,
			strings.ReplaceAll(a.String(), ".", "-"), stop, chosen, a, short(e.Weight), a, e.X1, e.Y1, e.X2, e.Y2)
	}
	if e, err := f.Pass(); err == nil {
		for _, u := range places.Units {
			unit, stop := Unit{u.Column, u.Unit}, -1
			if !stopped {
				stop, stopped = 0, true
			}
			fmt.Fprintf(&b, `<circle id="unit-%s" class="unit" tabindex="%d" role="button" aria-pressed="%t" data-do="unit" data-unit="%s" cx="%.1f" cy="%.1f" r="%.1f" aria-label="%[8]s"><title>%[8]s</title></circle>`,
				strings.ReplaceAll(unit.String(), ".", "-"), stop, unit == f.View.Unit, unit, u.X, u.Y, places.Radius, html.EscapeString(f.says(e, unit)))
		}
	}
	b.WriteString(`</g></svg>`)
	drawn = strings.Replace(drawn, `role="img"`, `role="group" aria-label="the network"`, 1)
	return strings.Replace(drawn, "</svg>", b.String(), 1)
}

// withFlow draws the values that flow along the weights in the part of the pass that is shown. It draws them over the
// weights' lines, and under the units and all texts, which come later in the picture.
func (f *Frame) withFlow(drawn string, places plot.Places, height int) string {
	layer, back, some := f.flow()
	if !some {
		return drawn
	}
	at := strings.Index(drawn, "<text ")
	if at < 0 {
		at = strings.LastIndex(drawn, "</g>")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<g transform="scale(1, -1) translate(0, -%d)">`, height) // a second flip restores the orientation
	for _, e := range places.Edges {
		if e.Layer != layer {
			continue
		}
		length := math.Hypot(e.X2-e.X1, e.Y2-e.Y1)
		dx, dy := (e.X2-e.X1)/length*places.Radius, (e.Y2-e.Y1)/length*places.Radius // from rim to rim
		fmt.Fprintf(&b, `<line class="flow%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, back, e.X1+dx, e.Y1+dy, e.X2-dx, e.Y2-dy)
	}
	return drawn[:at] + b.String() + "</g>" + drawn[at:]
}

// flow returns the layer whose weights carry something in the part of the pass that is shown: values
// forward, or deltas back.
func (f *Frame) flow() (layer int, back string, some bool) {
	depth, phase := f.Net.Depth(), f.View.Phase
	switch {
	case phase < 2 || phase >= f.phases()+1:
	case phase <= depth+1:
		return phase - 2, "", true
	case phase > depth+2: // the last layer's delta comes from the loss
		return 2*depth + 2 - phase, " back", true
	}
	return 0, "", false
}

// says describes a unit with its numbers.
func (f *Frame) says(p *Pass, u Unit) string {
	if u.Column == 0 {
		return fmt.Sprintf("input %s = %s", f.Fit.Encoding.InputNames()[u.Unit], short(p.Input[u.Unit]))
	}
	layer, l := p.Layers[u.Column-1], u.Column-1
	text := fmt.Sprintf("unit %d of layer %d: z = %s, a = %s", u.Unit, l, short(layer.Z[u.Unit]), short(layer.A[u.Unit]))
	if layer.Delta != nil {
		text += ", δ = " + short(layer.Delta[u.Unit])
	}
	if signs := f.signs(l); signs != nil {
		text += []string{"", ", saturated", ", dead"}[signs[u.Unit]]
	}
	return text
}

// Key says what the numbers of the picture are.
func (p panelData) Key() string {
	switch places := p.Picture(p.View.netSize()).Places(); {
	case p.showsLearnt() && !places.Shaded:
		return "each hidden unit shows its a over the plane: blue above 0, orange below"
	case places.Details && normed(p.Net):
		return "in each unit a, above it z, below it δ\u00a0=\u00a0∂L/\u2060∂s, where s is the sum before the norm"
	case places.Details:
		return "in each unit a, above it z, below it δ\u00a0=\u00a0∂L/\u2060∂z"
	case places.Shaded:
		return "a unit's shade is its a; click it for its numbers"
	}
	return "in each unit a, rounded; click it for all its numbers"
}

// HasSaturated and HasDead report whether the picture has such a unit.
func (p panelData) HasSaturated() bool { return p.hasSign(plot.Saturated) }
func (p panelData) HasDead() bool      { return p.hasSign(plot.Dead) }
func (p panelData) hasSign(sign plot.Sign) bool {
	for l := range p.Net.Depth() {
		if slices.Contains(p.signs(l), sign) {
			return true
		}
	}
	return false
}

// panelData is a frame with the methods that the templates call.
type panelData struct{ *Frame }

func (p panelData) TabName() string { return p.View.tab() }
func (p panelData) M() mathml       { return mathml{digits(p.View.Digits)} }

// PhaseNumber returns the number of the part of the pass that is shown. Phases is the number of parts.
func (p panelData) PhaseNumber() int {
	if p.View.Phase <= 0 {
		return p.phases()
	}
	return min(p.View.Phase, p.phases())
}
func (p panelData) Phases() int { return p.phases() }

// Groups returns the tabs. Parts returns the panels of the open tab if it has several.
func (p panelData) Groups() []group { return groups }
func (p panelData) Parts() []tab {
	i := slices.IndexFunc(groups, func(g group) bool { return g.Has(p.View.tab()) })
	if len(groups[i].Tabs) == 1 {
		return nil
	}
	return groups[i].Tabs
}

// D formats a number with the digits that the visitor has chosen.
func (p panelData) D(x float64) string {
	if x == 0 {
		x = 0 // not -0
	}
	return digits(p.View.Digits).format(x)
}

// Members returns the numbers of an ensemble's networks, one of which is shown. It returns nil for a single network.
func (p panelData) Members() []int {
	n := p.Setup.Options.Members
	if n < 2 {
		return nil
	}
	out := make([]int, n)
	for k := range out {
		out[k] = k
	}
	return out
}

// Config describes the trainer's configuration in words.
func (p panelData) Config() map[string]string {
	c := p.Fit.Config()
	return map[string]string{
		"method": string(c.Method), "rule": c.OptimizerName(), "loss": c.Loss.String(), "reduction": c.Reduction.String(),
		"schedule": c.Schedule.String(), "epochs": fmt.Sprint(c.Epochs),
	}
}

// Describe describes the network in words.
func (p panelData) Describe() string { return model.Describe(p.Net.Inputs(), p.Net.Layers()) }

// File returns the name of the table as a file. CSVFile returns the name of the file that the page offers for download.
func (p panelData) File() string {
	if e := ExampleOf(p.Setup.Example); e != nil {
		return e.File()
	}
	return baseName(p.Table.Name())
}
func (p panelData) CSVFile() string { return p.stem() + ".csv" }

// stem returns the table's name without the endings that name its format.
func (p panelData) stem() string {
	name := p.File()
	for _, end := range []string{".gz", ".zst", ".csv", ".tsv", ".txt"} {
		name = strings.TrimSuffix(name, end)
	}
	return cmp.Or(name, "table")
}

// Command and Program return the setup as a command line and as a Go program.
func (p panelData) Command() string {
	return p.Setup.Command(p.File(), p.Fit.Rows.Validation > 0)
}
func (p panelData) Program() string {
	return p.Setup.Program(p.File(), p.stem()+".safetensors")
}

// RowNumber returns the chosen row's position in the table.
func (p panelData) RowNumber() int { return p.Training.Rows[p.View.Row] }

// LastRow returns the highest training row that can be chosen.
func (p panelData) LastRow() int { return p.Training.X.Rows - 1 }

// Passed and Listed return the chosen row's pass and the chosen unit's numbers, or nil if these are
// not finite.
func (p panelData) Passed() *Pass {
	pass, err := p.Pass()
	if err != nil {
		return nil
	}
	return pass
}
func (p panelData) Listed() *UnitNumbers {
	n, err := p.UnitNumbers()
	if err != nil {
		return nil
	}
	return n
}

// NormKind returns the norm of the chosen unit's layer.
func (p panelData) NormKind() string { return p.Net.Layer(p.View.Unit.Column - 1).Norm.String() }

// OutputName is the name of output k, cut where it is long.
func (p panelData) OutputName(k int) string {
	names := p.outputNames()
	if k >= len(names) {
		return ""
	}
	if name := []rune(names[k]); len(name) > mostLetters {
		return string(name[:mostLetters-1]) + "…"
	}
	return names[k]
}

// TopOutputs returns the outputs that are shown above the picture. For many classes these are the true class and the
// class that the network predicts; otherwise they are the first three outputs.
func (p panelData) TopOutputs() []int {
	y := p.Training.Y.Row(p.View.Row)
	pass := p.Passed()
	if pass == nil {
		return nil
	}
	if p.Fit.Encoding.Task == data.Multiclass && len(y) > 3 {
		guess := 0
		for k, o := range pass.Outputs {
			if o.Output > pass.Outputs[guess].Output {
				guess = k
			}
		}
		if right := highest(y); right != guess {
			return []int{right, guess}
		}
		return []int{guess}
	}
	return []int{0, 1, 2}[:min(3, len(y))]
}

// TrueClass returns the chosen row's class, or "" if the target has no classes.
func (p panelData) TrueClass() string {
	e := p.Fit.Encoding
	y := p.Training.Y.Row(p.View.Row)
	switch e.Task {
	case data.Binary:
		return cut(e.Classes()[int(yes(y[0]))])
	case data.Multiclass:
		return cut(e.Classes()[highest(y)])
	}
	return ""
}

// mostLetters is the maximum number of letters of an output's name that are shown beside its number.
const mostLetters = 24

// Scaled reports whether the targets are not in the table's own units.
func (p panelData) Scaled() bool {
	for _, t := range p.Fit.Encoding.Targets {
		if len(t.Classes) == 0 && (t.Scale != 1 || t.Center != 0) {
			return true
		}
	}
	return false
}

// EndedText says why there is no next update.
func (p panelData) EndedText() string {
	switch p.Ended {
	case "":
		return ""
	case "tolerance":
		return "The run has ended: every output is within the tolerance."
	case "epochs":
		return "The run has ended: its epochs are used up."
	case "target-loss":
		return "The run has ended: the target loss is reached."
	}
	return "The run has ended: " + p.Ended
}

// The size of the pictures at the side.
const sideWidth, sideHeight = 600, 400

// Fault returns the fault being tried.
func (p panelData) Fault() *Fault { return faultOf(p.View.Fault) }

// Guessed returns the number of the visitor's choice, or -1 before there is one.
func (p panelData) Guessed() int {
	var n int
	if _, err := fmt.Sscan(p.View.Guess, &n); err != nil {
		return -1
	}
	return n
}

// ShareLink returns an address that leads to the setup.
func (p panelData) ShareLink() string { return "/?c=" + p.Setup.Link() }

// PlaceLink returns an address that leads to the view before Share: panel, lesson step, update, row and
// weight.
func (p panelData) PlaceLink() string {
	f := *p.Frame
	if f.View.tab() == "share" {
		f.View.Tab = cmp.Or(f.View.From, usualTab)
	}
	return f.Address()
}

// PlaceName says which panel that is.
func (p panelData) PlaceName() string {
	name := cmp.Or(p.View.From, usualTab)
	for _, t := range tabs {
		if t.Name == name {
			return t.Label
		}
	}
	return ""
}

// BreakText returns a breakpoint's value as its field shows it.
func (p panelData) BreakText(x *float64) string {
	if x == nil {
		return ""
	}
	return exact(*x)
}

// Breaking reports whether a breakpoint is set.
func (p panelData) Breaking() bool { return p.Breaks != Breakpoints{} }

// Sum returns the SHA-256 of the current weights. It equals that of gradus train after the same
// number of updates.
func (p panelData) Sum() string { return p.Sha }
