package lab

import (
	"bytes"
	"embed"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

//go:embed page
var pageFiles embed.FS

// tab is one of the panels at the side.
type tab struct{ Name, Label string }

var tabs = []tab{
	{"weight", "Weight"}, {"unit", "Unit"}, {"build", "Build"}, {"data", "Data"}, {"verify", "Verify"}, {"race", "Race"}, {"surface", "Surface"},
	{"fit", "Fit"}, {"health", "Health"}, {"faults", "Faults"}, {"lesson", "Lesson"}, {"share", "Share"},
}

var panels = template.Must(template.New("panels").Funcs(template.FuncMap{
	"short":    short,
	"exact":    exact,
	"full":     full,
	"examples": Examples,
	"add":      func(a, b int) int { return a + b },
	"times":    func(a, b float64) float64 { return a * b },
	"power":    func(x float64) string { return fmt.Sprintf("%.1e", x) },
	"percent":  func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
	"brief":    func(x float64) string { return fmt.Sprintf("%.4g", x) },
	"faults":   Faults,
	"words":    func(name string) string { return strings.ReplaceAll(name, "_", " ") },
	"finite":   func(x float64) bool { return x-x == 0 },
}).ParseFS(pageFiles, "page/*.html"))

// short writes a number with six digits.
func short(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return digits(false).format(x)
}

// Render draws the parts of the page that change, each under the id of its element.
func Render(f *Frame) map[string]string {
	parts := map[string]string{}
	for _, name := range []string{"tabs", "sample", "phase", "status", "controls", "note", "signs"} {
		parts[name] = execute(name, f)
	}
	width, _ := f.View.size(netWidth, netHigh)
	parts["picture"] = f.picture(f.Picture(width, netHigh))
	parts["curve"], parts["output"] = f.below()
	parts["panel"] = execute("panel-"+f.View.tab(), f)
	return parts
}

// The pictures' sizes; the page scales them to its own width.
const netWidth, netHigh, belowHigh = 700, 400, 200

// below draws what stands under the network: the loss, and beside it what the network says of its
// inputs, unless the panel shows that or it is too much to draw with every frame.
func (f *Frame) below() (curve, output string) {
	const share, gap = 0.6, 10 // of the width for the loss
	loss, fit, fitHigh := int(share*netWidth)-gap, int((1-share)*netWidth), belowHigh
	if f.View.Narrow {
		loss, fit, fitHigh = netWidth, netWidth, 3*belowHigh/2
	}
	if f.View.tab() != "fit" && len(f.Net.Params()) <= mostBeside {
		if fig, err := f.Plane(f.View.size(fit, fitHigh)); err == nil && fig != nil {
			output = svg(fig)
		}
	}
	if output == "" {
		loss = netWidth
	}
	return svg(f.Curve(f.View.size(loss, belowHigh))), output
}

// mostBeside is up to how many parameters a network's fit is drawn with every frame.
const mostBeside = 2000

// size is that of a picture which would be so large on a wide page: on a narrow one its letters
// would be too small to read.
func (v View) size(width, height int) (int, int) {
	if v.Narrow {
		return 370, height * 4 / 5
	}
	return width, height
}

func (v View) tab() string {
	for _, t := range tabs {
		if t.Name == v.Tab {
			return v.Tab
		}
	}
	return tabs[0].Name
}

func execute(name string, f *Frame) string {
	var b bytes.Buffer
	if err := panels.ExecuteTemplate(&b, name, panelData{f}); err != nil {
		return `<p class="bad">` + html.EscapeString(err.Error()) + `</p>`
	}
	return b.String()
}

// svg draws a figure as an element of the page.
func svg(fig plot.Figure) string {
	var b bytes.Buffer
	if err := plot.Write(&b, "svg", fig); err != nil {
		return `<p class="bad">` + html.EscapeString(err.Error()) + `</p>`
	}
	_, element, _ := strings.Cut(b.String(), "\n") // without the XML declaration
	return element
}

// mostFocusable is up to how many weights can be reached with the tab key.
const mostFocusable = 150

// picture draws the net, and over it what a pointer or the keyboard can choose.
func (f *Frame) picture(n plot.Net) string {
	drawn, places := svg(n), n.Places()
	var b strings.Builder
	b.WriteString(`<g class="targets">`)
	for _, e := range places.Edges {
		a := lesson.Address{Layer: e.Layer, In: e.In, Unit: e.Out}
		focus := ""
		if len(places.Edges) <= mostFocusable {
			focus = ` tabindex="0"`
		}
		chosen := n.Highlight != nil && *n.Highlight == e.Edge
		fmt.Fprintf(&b, `<line id="edge-%s" class="edge" role="button"%s aria-pressed="%t" aria-label="weight %s = %s" data-do="weight" data-weight="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`,
			strings.ReplaceAll(a.String(), ".", "-"), focus, chosen, a, short(e.Weight), a, e.X1, e.Y1, e.X2, e.Y2)
	}
	if e, err := f.Pass(); err == nil {
		for _, u := range places.Units {
			unit := Unit{u.Column, u.Unit}
			fmt.Fprintf(&b, `<circle id="unit-%s" class="unit" tabindex="0" role="button" aria-pressed="%t" data-do="unit" data-unit="%s" cx="%.1f" cy="%.1f" r="%.1f" aria-label="%[7]s"><title>%[7]s</title></circle>`,
				strings.ReplaceAll(unit.String(), ".", "-"), unit == f.View.Unit, unit, u.X, u.Y, places.Radius, html.EscapeString(f.says(e, unit)))
		}
	}
	b.WriteString(`</g></svg>`)
	drawn = strings.Replace(drawn, `role="img"`, `role="group" aria-label="the network"`, 1)
	return strings.Replace(drawn, "</svg>", b.String(), 1)
}

// says is a unit with its numbers.
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
	width, _ := p.View.size(netWidth, netHigh)
	switch places := p.Picture(width, netHigh).Places(); {
	case places.Details:
		return "in a unit a, above it z, below it δ = ∂L/∂z"
	case places.Shaded:
		return "a unit's shade: its a, a click its numbers"
	}
	return "in a unit a, rounded; a click has all its numbers"
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

// panelData is a frame with what the templates ask of it.
type panelData struct{ *Frame }

func (p panelData) Tabs() []tab     { return tabs }
func (p panelData) TabName() string { return p.View.tab() }
func (p panelData) M() mathml       { return mathml{digits(p.View.Digits)} }

// D formats a number as the visitor has chosen.
func (p panelData) D(x float64) string { return digits(p.View.Digits).format(x) }

// Config is the trainer's configuration in words.
func (p panelData) Config() map[string]string {
	c := p.Fit.Config()
	return map[string]string{
		"method": string(c.Method), "rule": c.Optimizer(), "loss": c.Loss.String(), "reduction": c.Reduction.String(),
		"schedule": c.Schedule.String(), "epochs": fmt.Sprint(c.Epochs),
	}
}

// Describe is the network in words.
func (p panelData) Describe() string { return model.Describe(p.Net.Inputs(), p.Net.Layers()) }

// File is the name of the table as a file, CSVFile of the file in which the page gives it away.
func (p panelData) File() string {
	if e := ExampleOf(p.Setup.Example); e != nil {
		return e.File()
	}
	return baseName(p.Table.Name())
}
func (p panelData) CSVFile() string { return p.stem() + ".csv" }

// stem is the table's name without what says how it is written.
func (p panelData) stem() string {
	name := p.File()
	for _, end := range []string{".gz", ".zst", ".csv", ".tsv", ".txt"} {
		name = strings.TrimSuffix(name, end)
	}
	return or(name, "table")
}

// Command and Program are the setup elsewhere.
func (p panelData) Command() string {
	return p.Setup.Command(p.File(), p.Fit.Rows.Validation > 0)
}
func (p panelData) Program() string {
	return p.Setup.Program(p.File(), p.stem()+".safetensors")
}

// Example is the example that is loaded, nil for a table of one's own.
func (p panelData) Example() *Example { return ExampleOf(p.Setup.Example) }

// ExampleGroups are the examples by their headings.
func (p panelData) ExampleGroups() []exampleGroup {
	var out []exampleGroup
	for _, e := range examples {
		if n := len(out); n == 0 || out[n-1].Name != e.Group {
			out = append(out, exampleGroup{Name: e.Group})
		}
		g := &out[len(out)-1]
		g.Examples = append(g.Examples, e)
	}
	return out
}

type exampleGroup struct {
	Name     string
	Examples []*Example
}

// FormGroups are the form's fields with their values.
func (p panelData) FormGroups() []formGroup {
	values := p.Setup.Values()
	resolved := p.Fit.Options
	used := map[string]string{
		"output-activation": resolved.OutputActivation, "loss": resolved.Loss, "optimizer": resolved.Optimizer, "method": resolved.Method, "schedule": resolved.Schedule,
		"lr": exact(*resolved.LR), "epochs": fmt.Sprint(resolved.Epochs), "batch-size": fmt.Sprint(resolved.BatchSize),
	}
	if d := resolved.WeightDecay; d != nil {
		used["weight-decay"] = exact(*d)
	}
	var out []formGroup
	for _, f := range fields {
		if f.Group == "Data" && f.Name != "precision" { // these stand in the panel of the data
			continue
		}
		if !f.Applies(&p.Setup.Options) {
			continue
		}
		g := formField{field: f, Value: values[f.Name]}
		if g.Value == "" || g.Value == "auto" {
			g.Used = or(used[f.Name], ruleUses(p.Fit.Config().Rule, f))
		}
		if f.Choices != nil && !slices.Contains(f.Choices, g.Value) {
			g.Choices = append(append([]string{}, f.Choices...), g.Value)
		}
		group := f.Group
		if group == "Data" {
			group = "End"
		}
		if n := len(out); n == 0 || out[n-1].Name != group {
			out = append(out, formGroup{Name: group})
		}
		last := &out[len(out)-1]
		last.Fields = append(last.Fields, g)
	}
	return out
}

type formGroup struct {
	Name   string
	Fields []formField
}

type formField struct {
	field
	Value string
	Used  string // what stands for an empty or an automatic value
}

// FieldOf is one field of the form.
func (p panelData) FieldOf(name string) formField {
	f := fieldOf(name)
	if f == nil {
		return formField{}
	}
	used := map[string]string{"target": listText(p.Fit.Options.Targets), "validation": "by the rows", "test": "none", "sample-weight": "all alike"}
	return formField{field: *f, Value: f.get(&p.Setup.Options), Used: used[name]}
}

// Columns are the table's columns and what became of them.
func (p panelData) Columns() []columnRow {
	kinds := map[string]*columnRow{}
	s, e := p.Fit.Schema, p.Fit.Encoding
	for _, c := range s.Columns {
		kinds[c.Name] = &columnRow{Kind: string(c.Kind), Missing: c.Missing, Note: c.Note}
	}
	for _, d := range s.Dropped {
		kinds[d.Name] = &columnRow{Kind: "ignored", Note: d.Reason}
	}
	for _, t := range e.Targets {
		row := &columnRow{Kind: string(t.Kind), Target: true}
		switch {
		case len(t.Classes) > 0:
			row.Encoded = fmt.Sprintf("%d classes: %s", len(t.Classes), strings.Join(t.Classes[:min(6, len(t.Classes))], ", "))
		case t.Scale != 1 || t.Center != 0:
			row.Encoded = fmt.Sprintf("(y − %s) / %s", short(t.Center), short(t.Scale))
		default:
			row.Encoded = "as it stands"
		}
		kinds[t.Name] = row
	}
	for _, in := range e.Inputs {
		row := kinds[in.Name]
		if row == nil {
			continue
		}
		switch {
		case in.Kind == data.KindCategory:
			row.Encoded = fmt.Sprintf("a 1 at the place of one of %d levels", len(in.Levels))
		case in.Kind == data.KindBoolean:
			row.Encoded = "1 or −1, 0 where missing"
		case in.Scale == 0:
			row.Encoded = "constant: 0"
		case in.Scale == 1 && in.Center == 0 && !in.Clip:
			row.Encoded = "as it stands"
		default:
			row.Encoded = fmt.Sprintf("(x − %s) / %s", short(in.Center), short(in.Scale))
			if in.Clip {
				row.Encoded += ", softly clipped"
			}
		}
		if len(in.RankAt) > 0 {
			row.Encoded += "; and its rank"
		}
		if in.Missing {
			row.Encoded += "; and whether it is missing"
		}
	}
	for _, c := range p.Fit.Imputed() {
		if row := kinds[c.Column]; row != nil && c.Imputed > 0 {
			row.Encoded += fmt.Sprintf("; %d filled in", c.Imputed)
		}
	}
	var out []columnRow
	for _, name := range p.Table.Columns() {
		row := columnRow{Name: name, Kind: "ignored"}
		if k := kinds[name]; k != nil {
			row = *k
			row.Name = name
		}
		row.Chosen = string(p.Setup.Options.Types[name])
		for i := range min(3, p.Table.Rows()) {
			row.Sample = append(row.Sample, p.Table.Cell(i, p.Table.Index(name)))
		}
		out = append(out, row)
	}
	return out
}

type columnRow struct {
	Name, Kind, Chosen string
	Target             bool
	Missing            int
	Note, Encoded      string
	Sample             []string
}

// Inputs are the chosen sample's cells, for its line under the picture.
func (p panelData) RowNumber() int { return p.Training.Rows[p.View.Row] }

// Last row is the highest training row that can be chosen.
func (p panelData) LastRow() int { return p.Training.X.Rows - 1 }

// From says where the chosen weight comes from and goes to.
func (p panelData) From() string {
	w := p.View.Weight
	switch {
	case w.In == nn.OfGamma:
		return fmt.Sprintf("Gamma, the factor of the norm, of unit %d in layer %d", w.Unit, w.Layer)
	case w.In == nn.OfBeta:
		return fmt.Sprintf("Beta, what the norm adds, of unit %d in layer %d", w.Unit, w.Layer)
	case w.In < 0:
		return fmt.Sprintf("The bias of unit %d in layer %d", w.Unit, w.Layer)
	case w.Layer == 0:
		return fmt.Sprintf("From input %d, %s, to unit %d of layer 0", w.In, p.Fit.Encoding.InputNames()[w.In], w.Unit)
	}
	return fmt.Sprintf("From unit %d of layer %d to unit %d of layer %d", w.In, w.Layer-1, w.Unit, w.Layer)
}

// WeightMath is the symbol of the chosen weight with its value.
func (p panelData) WeightMath(value float64) template.HTML {
	return template.HTML("<math>" + parameter(p.View.Weight) + mo("=") + p.M().mn(value) + "</math>")
}

// Head, Path, Steps and Update are formulas.
func (p panelData) Head(e *lesson.Explanation) template.HTML { return p.M().head(e) }
func (p panelData) Path(path lesson.Path) template.HTML      { return p.M().path(path) }
func (p panelData) Steps(r *lesson.Recursion) []template.HTML {
	return p.M().recursion(r)
}
func (p panelData) Update(before, rate, gradient, after float64) template.HTML {
	return p.M().update(p.View.Weight, before, rate, gradient, after)
}

// Explained is the chain rule of the chosen weight, nil where there is none to write down;
// Unexplained then says why.
func (p panelData) Explained() *lesson.Explanation {
	e, err := p.Explain()
	if err != nil {
		return nil
	}
	return e
}
func (p panelData) Unexplained() string {
	if normed(p.Net) {
		return "With a norm a weight reaches the loss by more than the paths from its own unit, so the chain rule is not written out. Verify holds the gradients of such a net against numeric derivatives."
	}
	_, err := p.Explain()
	return err.Error()
}

// Passed and Listed are the chosen row's way and the chosen unit's numbers, nil where these are
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

// Normed reports whether the network has norms.
func (p panelData) Normed() bool { return normed(p.Net) }

// WeightValue is the chosen weight's.
func (p panelData) WeightValue() float64 {
	w := p.View.Weight
	i, err := p.Net.Index(w.Layer, w.In, w.Unit)
	if err != nil {
		return math.NaN()
	}
	return p.Net.Params()[i]
}

// Solver reports whether the optimiser is a solver, which has no rule to write down, and Dropped
// whether an update leaves out units.
func (p panelData) Solver() bool { return p.Fit.Config().Solver != nil }
func (p panelData) Dropped() bool {
	o := &p.Setup.Options
	return o.Dropout > 0 || o.InputDropout > 0
}

// Shaped and Rule are the next update's equations, Kept what is done to the weight afterwards.
func (p panelData) Shaped(next *train.Preview) []template.HTML {
	return p.M().shaped(p.Fit.Config(), p.View.Weight, next)
}
func (p panelData) Rule(next *train.Preview) []template.HTML {
	return p.M().rule(p.Fit.Config(), p.View.Weight, next)
}
func (p panelData) Kept() string {
	if c := p.Fit.Config().MaxNorm; c > 0 && p.View.Weight.In >= 0 {
		return "Then the weights into the unit are kept within the length " + short(c) + ", all by the same factor."
	}
	return ""
}

// MovedTo tells what the last update made of the chosen weight.
func (p panelData) MovedTo() *lesson.Update {
	w := p.View.Weight
	i, err := p.Net.Index(w.Layer, w.In, w.Unit)
	if p.Moved == nil || err != nil {
		return nil
	}
	return &lesson.Update{Rule: p.Config()["rule"], Rate: p.Last.Rate, Before: p.Moved[i], After: p.Net.Params()[i]}
}

// Targets are the chosen sample's outputs beside what they should be.
func (p panelData) OutputName(k int) string {
	names := p.outputNames()
	if k < len(names) {
		return names[k]
	}
	return ""
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
		return "The run has ended: the loss is reached."
	}
	return "The run has ended: " + p.Ended
}

// Kinds are what a column can be taken for; auto stands first.
func (p panelData) Kinds() []string {
	return []string{"auto", string(data.KindNumber), string(data.KindCategory), string(data.KindBoolean), string(data.KindDate), string(data.KindIgnore)}
}

// Job is work in the background: "" where it was never asked for.
func (p panelData) Job(name string) string {
	j, ok := p.Jobs[name]
	switch {
	case !ok:
		return ""
	case j.busy:
		return "busy"
	case j.err != nil:
		return "failed"
	}
	return "done"
}

// JobError is what went wrong with it.
func (p panelData) JobError(name string) string { return p.Jobs[name].err.Error() }

// JobAt is the update whose weights it looked at.
func (p panelData) JobAt(name string) int { return p.Jobs[name].at }

// Verified, Raced and Surface are the results of the jobs that are done.
func (p panelData) Verified() *Verified { v, _ := p.Jobs["verify"].result.(*Verified); return v }
func (p panelData) Raced() *Raced       { r, _ := p.Jobs["race"].result.(*Raced); return r }
func (p panelData) Surface() *Surface   { s, _ := p.Jobs["surface"].result.(*Surface); return s }

// The pictures at the side.
const sideWidth, sideHeight = 600, 400

// VerifiedCurve and its like are the panels' pictures.
func (p panelData) VerifiedCurve() template.HTML {
	return template.HTML(svg(p.Verified().Curve(p.View.size(sideWidth, 300))))
}
func (p panelData) RaceChart() template.HTML {
	width, height := p.View.size(sideWidth, sideHeight)
	return template.HTML(svg(p.Raced().Chart(p.View.Axis, width, height)))
}
func (p panelData) SurfacePicture() template.HTML {
	fig := p.Surface().Field
	fig.Width, fig.Height = p.View.size(sideWidth, 520)
	return template.HTML(svg(fig))
}
func (p panelData) PlanePicture() (template.HTML, error) {
	fig, err := p.Plane(p.View.size(sideWidth, 440))
	if err != nil || fig == nil {
		return "", err
	}
	return template.HTML(svg(fig)), nil
}
func (p panelData) PredictedPicture(r *Fitted) template.HTML {
	return template.HTML(svg(r.Predicted(p.View.size(sideWidth, 330))))
}
func (p panelData) ResidualsPicture(r *Fitted) template.HTML {
	return template.HTML(svg(r.Residuals(p.View.size(sideWidth, 260))))
}

// PlaneColumns are the columns that the plane shows.
func (p panelData) PlaneColumns() (out [2]string) {
	columns := p.NumericColumns()
	for i, name := range []string{p.View.AxisX, p.View.AxisY} {
		if slices.Contains(columns, name) && name != out[0] {
			out[i] = name
			continue
		}
		for _, c := range columns {
			if c != out[0] {
				out[i] = c
				break
			}
		}
	}
	return out
}

// RaceKind, RaceAxis and PlaneKind are what was chosen, or the first.
func (p panelData) RaceKind() string  { return or(p.View.Race, raceMethods) }
func (p panelData) RaceAxis() string  { return or(p.View.Axis, "epochs") }
func (p panelData) PlaneKind() string { return or(p.View.Plane, "principal") }

// choice is one of several buttons of which one is pressed.
type choice struct{ Name, Label string }

func (p panelData) RaceKinds() []choice {
	return []choice{{raceMethods, "methods"}, {raceOptimisers, "optimisers"}, {raceRates, "rates"}}
}
func (p panelData) RaceAxes() []choice {
	return []choice{{"epochs", "epochs"}, {"updates", "updates"}, {"gradients", "gradient evaluations"}, {"seconds", "seconds"}}
}
func (p panelData) Planes() []choice {
	return []choice{{"principal", "principal directions"}, {"random", "random directions"}, {"weights", "two weights"}}
}

// Fault is the fault being tried.
func (p panelData) Fault() *Fault { return faultOf(p.View.Fault) }

// Guessed is the number of the choice that the visitor made, -1 before.
func (p panelData) Guessed() int {
	var n int
	if _, err := fmt.Sscan(p.View.Guess, &n); err != nil {
		return -1
	}
	return n
}

// ShareLink is the setup's part of an address.
func (p panelData) ShareLink() string { return "/?c=" + p.Setup.Link() }

// BreakText is a breakpoint's value in its field.
func (p panelData) BreakText(x *float64) string {
	if x == nil {
		return ""
	}
	return exact(*x)
}

// Breaking reports whether a breakpoint is set.
func (p panelData) Breaking() bool { return p.Breaks != Breakpoints{} }

// HealthBars compares the layers.
func (p panelData) HealthBars(h Health) template.HTML {
	b := plot.Profile{Log: true}
	b.Width, _ = p.View.size(sideWidth, sideHeight)
	gradient, weight, activation := plot.Measure{Name: "gradient"}, plot.Measure{Name: "weights"}, plot.Measure{Name: "mean |a|"}
	for _, l := range h.Layers {
		b.Labels = append(b.Labels, fmt.Sprintf("layer %d", l.Layer))
		gradient.Values, weight.Values = append(gradient.Values, l.Gradient), append(weight.Values, l.Weight)
		activation.Values = append(activation.Values, l.MeanA)
	}
	b.Measures = []plot.Measure{gradient, weight, activation}
	return template.HTML(svg(b))
}

// Pictures are those that there are to take away.
func (p panelData) Pictures() []choice {
	out := []choice{{"network", "network with the chosen row"}, {"loss", "loss"}, {"fit", "fit"}}
	if r := p.Raced(); r != nil {
		out = append(out, choice{"race", "race"})
	}
	if p.Surface() != nil {
		out = append(out, choice{"surface", "surface"})
	}
	if p.Verified() != nil {
		out = append(out, choice{"check", "error over h"})
	}
	return out
}

// Sum is the SHA-256 of the weights as they stand: that of gradus train, when it has made as
// many updates.
func (p panelData) Sum() string { return p.Sha }
