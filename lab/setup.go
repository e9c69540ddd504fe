package lab

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// ErrSetup is wrapped by every complaint about what is to be trained.
var ErrSetup = errors.New("setup")

// Setup says what is trained on which table. The rows are not part of it: a link to a setup
// holds the name of an example, or the fingerprint of a table of one's own.
type Setup struct {
	Example     string        `json:"example,omitempty"`     // one of Examples, or "" for a table of one's own
	Fingerprint string        `json:"fingerprint,omitempty"` // of that table: the beginning of data.Table's
	Options     model.Options `json:"options"`
}

// Link writes the setup so that it can stand in a URL.
func (s Setup) Link() string {
	text, err := json.Marshal(s)
	if err != nil {
		return "" // an option that is not finite, which no form takes
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// ParseLink reads what Link wrote.
func ParseLink(link string) (Setup, error) {
	var s Setup
	text, err := base64.RawURLEncoding.DecodeString(link)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("%w: the link is cut short or changed; copy it again, whole", ErrSetup)
	}
	return s, nil
}

// field is a row of the form: the flag of the command line that it stands for.
type field struct {
	Name    string
	Label   string
	Help    string
	Choices []string // nil: text
	Check   bool     // a box to tick
	Group   string
}

// fields are the form, in its order.
var fields = []field{
	{Name: "hidden", Label: "Hidden layers", Help: "units of each, such as 4 or 8,8; 0 for none", Group: "Network"},
	{Name: "activation", Label: "Activation", Help: "of the hidden units", Group: "Network",
		Choices: []string{"relu", "sigmoid", "tanh", "identity", "leaky-relu", "elu", "selu", "gelu", "silu", "mish", "softplus"}},
	{Name: "output-activation", Label: "Output", Help: "of the last layer", Group: "Network",
		Choices: []string{"auto", "identity", "sigmoid", "softmax", "tanh", "exp", "softplus"}},
	{Name: "bias", Label: "Biases", Check: true, Group: "Network"},
	{Name: "init", Label: "First weights", Help: "uniform is the notebook's [-1, 1)", Group: "Network",
		Choices: []string{"auto", "he", "glorot", "lecun", "uniform", "normal", "zeros"}},
	{Name: "seed", Label: "Seed", Help: "decides all that is drawn", Group: "Network"},
	{Name: "loss", Label: "Loss", Group: "Loss",
		Choices: []string{"auto", "half-squared", "squared", "absolute", "huber:1", "binary-cross-entropy", "cross-entropy", "poisson"}},
	{Name: "reduction", Label: "Over a batch", Group: "Loss", Choices: []string{"mean", "sum"}},
	{Name: "method", Label: "Method", Help: "rows that an update looks at", Group: "Descent", Choices: append([]string{"auto"}, train.Methods()...)},
	{Name: "batch-size", Label: "Batch size", Help: "of mini-batch; empty: by the rows", Group: "Descent"},
	{Name: "optimizer", Label: "Optimiser", Group: "Descent", Choices: append([]string{"auto"}, optimizers()...)},
	{Name: "lr", Label: "Rate", Help: "empty: the optimiser's own", Group: "Descent"},
	{Name: "schedule", Label: "Schedule", Help: "of the rate", Group: "Descent",
		Choices: append([]string{"auto"}, schedules()...)},
	{Name: "shuffle", Label: "Shuffle", Check: true, Group: "Descent"},
	{Name: "epochs", Label: "Epochs", Help: "at most; empty: by the rows", Group: "End"},
	{Name: "tolerance", Label: "Tolerance", Help: "stop when each output is this near; empty: never", Group: "End"},
	{Name: "target-loss", Label: "Loss to reach", Help: "empty: none", Group: "End"},
	{Name: "target", Label: "Target", Help: "column to predict", Group: "Data"},
	{Name: "scale", Label: "Scaling", Group: "Data", Choices: []string{"auto", "standard", "min-max", "robust", "none"}},
	{Name: "validation", Label: "Validation", Help: "part of the rows, 0 for none; empty: by the rows", Group: "Data"},
	{Name: "test", Label: "Test", Help: "part of the rows; empty: none", Group: "Data"},
	{Name: "precision", Label: "Precision", Group: "Data", Choices: []string{"float64", "float32"}},
}

// Values writes the setup as the form has it, a text for each field.
func (s Setup) Values() map[string]string {
	o := &s.Options
	number := func(p *float64) string {
		if p == nil {
			return ""
		}
		return exact(*p)
	}
	count := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	hidden := "64,64"
	if o.Hidden != nil {
		hidden = hiddenText(o.Hidden)
	}
	return map[string]string{
		"hidden": hidden, "activation": or(o.Activation, "relu"), "output-activation": or(o.OutputActivation, "auto"),
		"bias": tick(!o.NoBias), "init": or(o.Init, "auto"), "seed": strconv.FormatUint(o.Seed, 10),
		"loss": or(o.Loss, "auto"), "reduction": or(o.Reduction, "mean"),
		"method": or(o.Method, "auto"), "batch-size": count(o.BatchSize),
		"optimizer": or(o.Optimizer, "auto"), "lr": number(o.LR), "schedule": or(o.Schedule, "auto"), "shuffle": tick(!o.NoShuffle),
		"epochs": count(o.Epochs), "tolerance": number(o.Tolerance), "target-loss": number(o.TargetLoss),
		"target": strings.Join(o.Targets, ","), "scale": or(string(o.Scale), "auto"),
		"validation": number(o.Validation), "test": number(o.Test), "precision": or(o.Precision, "float32"),
	}
}

// With returns the setup with the given fields of the form changed.
func (s Setup) With(values map[string]string) (Setup, error) {
	o := s.Options
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := strings.TrimSpace(values[name])
		bad := func(want string) (Setup, error) {
			return s, fmt.Errorf("%w: %s is %q; give %s", ErrSetup, label(name), v, want)
		}
		number := func(to **float64) bool {
			if *to = nil; v == "" {
				return true
			}
			x, err := strconv.ParseFloat(v, 64)
			*to = &x
			return err == nil && !math.IsNaN(x) && !math.IsInf(x, 0)
		}
		count := func(to *int) bool {
			if *to = 0; v == "" {
				return true
			}
			n, err := strconv.Atoi(v)
			*to = n
			return err == nil && n > 0
		}
		var err error
		switch name {
		case "hidden":
			if o.Hidden, err = model.ParseHidden(v); err != nil {
				return s, fmt.Errorf("%w: %w", ErrSetup, err)
			}
		case "activation":
			o.Activation = v
		case "output-activation":
			o.OutputActivation = v
		case "bias":
			o.NoBias = v != "on"
		case "init":
			o.Init = v
		case "seed":
			if o.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
				return bad("a whole number of at least 0")
			}
		case "loss":
			o.Loss = v
		case "reduction":
			o.Reduction = v
		case "method":
			o.Method = v
		case "batch-size":
			if !count(&o.BatchSize) {
				return bad("a whole number of at least 1, or nothing")
			}
		case "optimizer":
			o.Optimizer = v
		case "lr":
			if !number(&o.LR) {
				return bad("a number greater than 0, or nothing")
			}
		case "schedule":
			o.Schedule = v
		case "shuffle":
			o.NoShuffle = v != "on"
		case "epochs":
			if !count(&o.Epochs) {
				return bad("a whole number of at least 1, or nothing")
			}
		case "tolerance":
			if !number(&o.Tolerance) {
				return bad("a number greater than 0, or nothing")
			}
		case "target-loss":
			if !number(&o.TargetLoss) {
				return bad("a number, or nothing")
			}
		case "target":
			if o.Targets = nil; v != "" {
				for t := range strings.SplitSeq(v, ",") {
					o.Targets = append(o.Targets, strings.TrimSpace(t))
				}
			}
		case "scale":
			o.Scale = data.Scaling(v)
		case "validation":
			if !number(&o.Validation) {
				return bad("a part of the rows of at least 0 and below 1, or nothing")
			}
		case "test":
			if !number(&o.Test) {
				return bad("a part of the rows of at least 0 and below 1, or nothing")
			}
		case "precision":
			o.Precision = v
		default:
			column, ok := strings.CutPrefix(name, "type:")
			if !ok {
				return s, fmt.Errorf("%w: there is no field %q", ErrSetup, name)
			}
			types := maps.Clone(o.Types)
			if v == "" || v == "auto" {
				delete(types, column)
			} else {
				kind, err := data.ParseKind(v)
				if err != nil {
					return s, fmt.Errorf("%w: column %q: %w", ErrSetup, column, err)
				}
				if types == nil {
					types = map[string]data.Kind{}
				}
				types[column] = kind
			}
			o.Types = types
		}
	}
	s.Options = o
	return s, nil
}

// shown refuses options that the form does not have, such as dropout, weights of rows and
// penalties: the page would show less than what is computed. A link may ask for them.
func (s Setup) shown() error {
	values := s.Values()
	plain, err := Setup{}.With(values)
	if err != nil {
		return err
	}
	same, err := s.With(values)
	if err != nil {
		return err
	}
	o := &same.Options
	plain.Options.Types, o.Patience, o.Threads = o.Types, nil, 0
	want, err := json.Marshal(plain.Options)
	if err != nil {
		return err
	}
	got, err := json.Marshal(same.Options)
	if err != nil {
		return err
	}
	if string(want) != string(got) {
		return fmt.Errorf("%w: the link asks for options that the page does not have; gradus train has them", ErrSetup)
	}
	return nil
}

// Command is the call of gradus train that comes to the same bits, for a table in a file of
// that name. validated says that there are validation rows: the lab keeps the last weights.
func (s Setup) Command(file string, validated bool) string {
	v, o := s.Values(), &s.Options
	if o.Activation == (wrongSigmoid{}).String() {
		return "# the sigmoid with a wrong derivative exists in the lab alone"
	}
	words := []string{"gradus", "train", quote(file)}
	flag := func(name, unless string) {
		if value := v[name]; value != unless && value != "" {
			words = append(words, "--"+name, quote(value))
		}
	}
	if len(o.Targets) > 0 {
		words = append(words, "--target", quote(listText(o.Targets)))
	}
	if len(o.Types) > 0 {
		var pairs []string
		for _, column := range slices.Sorted(maps.Keys(o.Types)) {
			pairs = append(pairs, column+"="+string(o.Types[column]))
		}
		words = append(words, "--types", quote(listText(pairs)))
	}
	flag("hidden", "64,64")
	flag("activation", "relu")
	flag("output-activation", "auto")
	if o.NoBias {
		words = append(words, "--no-bias")
	}
	flag("loss", "auto")
	flag("reduction", "mean")
	flag("init", "auto")
	flag("method", "auto")
	if m := or(o.Method, "auto"); m == "auto" || m == string(train.MiniBatch) {
		flag("batch-size", "")
	}
	flag("optimizer", "auto")
	flag("lr", "")
	flag("schedule", "auto")
	if o.NoShuffle {
		words = append(words, "--no-shuffle")
	}
	flag("epochs", "")
	flag("tolerance", "")
	flag("target-loss", "")
	flag("scale", "auto")
	if o.Validation != nil && *o.Validation == 0 {
		words = append(words, "--validation", "none")
	} else {
		flag("validation", "")
	}
	flag("test", "0")
	if validated {
		words = append(words, "--patience", "0")
	}
	flag("seed", "1")
	flag("precision", "float32")
	return strings.Join(words, " ")
}

// Program is a Go program that comes to the same bits.
func (s Setup) Program(file, out string) string {
	o := &s.Options
	if o.Activation == (wrongSigmoid{}).String() {
		return "// the sigmoid with a wrong derivative exists in the lab alone\n"
	}
	var lines []string
	add := func(name, value string) { lines = append(lines, fmt.Sprintf("\t\t%s: %s,", name, value)) }
	text := func(name, value string) {
		if value != "" {
			add(name, strconv.Quote(value))
		}
	}
	number := func(name string, p *float64) {
		if p != nil {
			add(name, "new("+goFloat(*p)+")")
		}
	}
	if len(o.Targets) > 0 {
		add("Targets", fmt.Sprintf("%#v", o.Targets))
	}
	if len(o.Types) > 0 {
		var pairs []string
		for _, column := range slices.Sorted(maps.Keys(o.Types)) {
			pairs = append(pairs, fmt.Sprintf("%q: %q", column, o.Types[column]))
		}
		add("Types", "map[string]data.Kind{"+strings.Join(pairs, ", ")+"}")
	}
	if o.Hidden != nil {
		add("Hidden", fmt.Sprintf("%#v", o.Hidden))
	}
	text("Activation", o.Activation)
	text("OutputActivation", o.OutputActivation)
	if o.NoBias {
		add("NoBias", "true")
	}
	text("Loss", o.Loss)
	text("Reduction", o.Reduction)
	text("Init", o.Init)
	text("Method", o.Method)
	if o.BatchSize > 0 {
		add("BatchSize", strconv.Itoa(o.BatchSize))
	}
	text("Optimizer", o.Optimizer)
	number("LR", o.LR)
	text("Schedule", o.Schedule)
	if o.NoShuffle {
		add("NoShuffle", "true")
	}
	if o.Epochs > 0 {
		add("Epochs", strconv.Itoa(o.Epochs))
	}
	number("Tolerance", o.Tolerance)
	number("TargetLoss", o.TargetLoss)
	text("Scale", string(o.Scale))
	number("Validation", o.Validation)
	number("Test", o.Test)
	add("Patience", "new(0)")
	add("Seed", strconv.FormatUint(o.Seed, 10))
	text("Precision", o.Precision)
	width := 0
	for _, l := range lines {
		width = max(width, strings.Index(l, ": "))
	}
	for i, l := range lines { // aligned as gofmt has it
		at := strings.Index(l, ": ") + 1
		lines[i] = l[:at] + strings.Repeat(" ", width+2-at) + l[at+1:]
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
	fmt.Println(m.Training.Loss, m.WeightsSHA256())
	if err := m.Save(%q); err != nil {
		log.Fatal(err)
	}
}
`, file, strings.Join(lines, "\n"), out)
}

// goFloat writes a number so that Go takes it for a float64.
func goFloat(x float64) string {
	s := exact(x)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// exact writes a number with as few digits as tell it from all others.
func exact(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func hiddenText(units []int) string {
	if len(units) == 0 {
		return "0"
	}
	parts := make([]string, len(units))
	for i, n := range units {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ",")
}

// listText joins with commas; one within a name is escaped, as the command line reads it.
func listText(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ReplaceAll(n, ",", `\,`)
	}
	return strings.Join(out, ",")
}

// quote writes a word so that a shell takes it for one.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./,:=+@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func label(name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Label
		}
	}
	return name
}

func tick(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
