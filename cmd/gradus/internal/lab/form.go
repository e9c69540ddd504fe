package lab

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// field is a row of the form: a flag of gradus train, with --no- in front
// of a box that is not ticked, and a field of model.Options.
type field struct {
	Name    string
	Go      string // of the field of model.Options
	Label   string
	Help    string
	Choices []string // nil: text
	Check   bool     // a box to tick
	Group   string

	value
	applies func(*model.Options) bool // whether it says anything beside the others; nil: always
}

// Applies reports whether the field says anything beside the others.
func (f field) Applies(o *model.Options) bool { return f.applies == nil || f.applies(o) }

// value is what a field holds.
type value interface {
	get(*model.Options) string            // as the form has it
	set(*model.Options, string) error     // says what is expected
	flag(o *model.Options) (string, bool) // behind --name; false: the default, to be left out
	code(*model.Options) string           // as a Go literal; "": the zero value
}

// fields are the form, in its order.
var fields = []field{
	{Name: "hidden", Go: "Hidden", Label: "Hidden layers", Help: "units of each, such as 4 or 8,8; 0 for none", Group: "Network", value: hiddenValue{}},
	{Name: "activation", Go: "Activation", Label: "Activation", Help: "of the hidden units", Group: "Network",
		Choices: without(nn.Activations(), "softmax"), value: word{func(o *model.Options) *string { return &o.Activation }, "relu"}},
	{Name: "output-activation", Go: "OutputActivation", Label: "Output", Help: "of the last layer", Group: "Network",
		Choices: []string{"auto", "identity", "sigmoid", "softmax", "tanh", "exp", "softplus"}, value: word{func(o *model.Options) *string { return &o.OutputActivation }, "auto"}},
	{Name: "bias", Go: "NoBias", Label: "Biases", Help: "a number added to each unit's sum", Check: true, Group: "Network", value: off{func(o *model.Options) *bool { return &o.NoBias }}},
	{Name: "norm", Go: "Norm", Label: "Norm", Help: "of the hidden layers, before their activation", Group: "Network",
		Choices: nn.Norms(), value: word{func(o *model.Options) *string { return &o.Norm }, "none"}},
	{Name: "init", Go: "Init", Label: "First weights", Help: "uniform: evenly in [-1, 1)", Group: "Network",
		Choices: nn.Inits(), value: word{func(o *model.Options) *string { return &o.Init }, "auto"}},
	{Name: "seed", Go: "Seed", Label: "Seed", Help: "decides all that is drawn", Group: "Network", value: seedValue{}},

	{Name: "loss", Go: "Loss", Label: "Loss", Help: "a parameter follows a colon, as in huber:1", Group: "Loss",
		Choices: append([]string{"auto"}, without(nn.Losses(), "binary-focal")...), value: word{func(o *model.Options) *string { return &o.Loss }, "auto"}},
	{Name: "reduction", Go: "Reduction", Label: "Over a batch", Help: "the loss of its rows: their mean or their sum", Group: "Loss", Choices: []string{"mean", "sum"},
		value: word{func(o *model.Options) *string { return &o.Reduction }, "mean"}},
	{Name: "class-weight", Go: "ClassWeight", Label: "Class weights", Help: "balanced, or CLASS=2 for some; empty: all alike", Group: "Loss",
		value: list{func(o *model.Options) *[]string { return &o.ClassWeight }}},

	{Name: "label-smoothing", Go: "LabelSmoothing", Label: "Label smoothing", Help: "classes are trained towards 1 less this and a share of it; empty: towards 1 and 0", Group: "Loss",
		value: amount{func(o *model.Options) *float64 { return &o.LabelSmoothing }}},

	{Name: "method", Go: "Method", Label: "Method", Help: "rows that an update looks at", Group: "Descent",
		Choices: append([]string{"auto"}, train.Methods()...), value: word{func(o *model.Options) *string { return &o.Method }, "auto"}},
	{Name: "batch-size", Go: "BatchSize", Label: "Batch size", Help: "empty: by the rows", Group: "Descent",
		value: count{func(o *model.Options) *int { return &o.BatchSize }, 1},
		applies: func(o *model.Options) bool {
			m := or(o.Method, "auto")
			return m == string(train.MiniBatch) || m == "auto" && !slices.Contains(optim.Solvers(), o.Optimizer)
		}},
	{Name: "optimizer", Go: "Optimizer", Label: "Optimiser", Help: "turns gradients into updates", Group: "Descent",
		Choices: slices.Concat([]string{"auto"}, optim.Rules(), optim.Solvers()), value: word{func(o *model.Options) *string { return &o.Optimizer }, "auto"}},
	{Name: "lr", Go: "LR", Label: "Rate", Help: "empty: the optimiser's own", Group: "Descent", value: number{func(o *model.Options) **float64 { return &o.LR }}},
	{Name: "momentum", Go: "Momentum", Label: "Momentum", Help: "of the velocity; empty: the optimiser's own", Group: "Descent",
		value: number{func(o *model.Options) **float64 { return &o.Momentum }}, applies: takes("momentum")},
	{Name: "beta1", Go: "Beta1", Label: "Beta1", Help: "how long gradients are remembered; empty: the optimiser's own", Group: "Descent",
		value: number{func(o *model.Options) **float64 { return &o.Beta1 }}, applies: takes("beta1")},
	{Name: "beta2", Go: "Beta2", Label: "Beta2", Help: "how long squares are remembered; empty: the optimiser's own", Group: "Descent",
		value: number{func(o *model.Options) **float64 { return &o.Beta2 }}, applies: takes("beta2")},
	{Name: "epsilon", Go: "Epsilon", Label: "Epsilon", Help: "added to the root; empty: the optimiser's own", Group: "Descent",
		value: number{func(o *model.Options) **float64 { return &o.Epsilon }}, applies: takes("epsilon")},
	{Name: "schedule", Go: "Schedule", Label: "Schedule", Help: "of the rate", Group: "Descent",
		Choices: append([]string{"auto"}, optim.Schedules()...), value: word{func(o *model.Options) *string { return &o.Schedule }, "auto"}},
	{Name: "warmup", Go: "Warmup", Label: "Warm-up", Help: "epochs in which the rate rises; empty: none", Group: "Descent",
		value: count{func(o *model.Options) *int { return &o.Warmup }, 0}},
	{Name: "shuffle", Go: "NoShuffle", Label: "Shuffle", Help: "the rows, anew every epoch", Check: true, Group: "Descent", value: off{func(o *model.Options) *bool { return &o.NoShuffle }}},

	{Name: "dropout", Go: "Dropout", Label: "Dropout", Help: "share of the hidden units that a step leaves out; empty: none", Group: "Regularisation",
		value: amount{func(o *model.Options) *float64 { return &o.Dropout }}},
	{Name: "input-dropout", Go: "InputDropout", Label: "Input dropout", Help: "share of the inputs that a step leaves out; empty: none", Group: "Regularisation",
		value: amount{func(o *model.Options) *float64 { return &o.InputDropout }}},
	{Name: "l1", Go: "L1", Label: "L1 penalty", Help: "adds this times the sign of w to each weight's gradient; empty: none", Group: "Regularisation",
		value: amount{func(o *model.Options) *float64 { return &o.L1 }}},
	{Name: "l2", Go: "L2", Label: "L2 penalty", Help: "adds this times w to each weight's gradient; empty: none", Group: "Regularisation",
		value: amount{func(o *model.Options) *float64 { return &o.L2 }}},
	{Name: "weight-decay", Go: "WeightDecay", Label: "Weight decay", Help: "shrinks every parameter by the rate times this; empty: none, with adamw its own", Group: "Regularisation",
		value: number{func(o *model.Options) **float64 { return &o.WeightDecay }}},
	{Name: "max-norm", Go: "MaxNorm", Label: "Max norm", Help: "length of the weights into each unit at most; empty: any", Group: "Regularisation",
		value: amount{func(o *model.Options) *float64 { return &o.MaxNorm }}},
	{Name: "clip-norm", Go: "ClipNorm", Label: "Clip norm", Help: "length of the gradient at most; empty: any", Group: "Regularisation",
		value: amount{func(o *model.Options) *float64 { return &o.ClipNorm }}},
	{Name: "clip-value", Go: "ClipValue", Label: "Clip value", Help: "size of each element of the gradient at most; empty: any", Group: "Regularisation",
		value: amount{func(o *model.Options) *float64 { return &o.ClipValue }}},

	{Name: "epochs", Go: "Epochs", Label: "Epochs", Help: "at most; empty: by the rows", Group: "End", value: count{func(o *model.Options) *int { return &o.Epochs }, 1}},
	{Name: "tolerance", Go: "Tolerance", Label: "Tolerance", Help: "stop when each output is this near; empty: never", Group: "End",
		value: number{func(o *model.Options) **float64 { return &o.Tolerance }}},
	{Name: "target-loss", Go: "TargetLoss", Label: "Loss to reach", Help: "stop when it is reached; empty: never", Group: "End",
		value: number{func(o *model.Options) **float64 { return &o.TargetLoss }}},

	{Name: "target", Go: "Targets", Label: "Target", Help: "column to predict; several with commas between them", Group: "Data",
		value: list{func(o *model.Options) *[]string { return &o.Targets }}},
	{Name: "task", Go: "Task", Label: "Task", Help: "what is said of the target; auto goes by its cells", Group: "Data",
		Choices: []string{string(data.Auto), string(data.Regression), string(data.Binary), string(data.Multiclass), string(data.Multilabel)},
		value:   word{func(o *model.Options) *string { return (*string)(&o.Task) }, string(data.Auto)}},
	{Name: "scale", Go: "Scale", Label: "Scaling", Help: "of columns with numbers; standard: mean 0, deviation 1", Group: "Data", Choices: []string{"auto", "standard", "min-max", "robust", "none"},
		value: word{func(o *model.Options) *string { return (*string)(&o.Scale) }, "auto"}},
	{Name: "validation", Go: "Validation", Label: "Validation", Help: "part of the rows, 0 for none; empty: by the rows", Group: "Data",
		value: part{func(o *model.Options) **float64 { return &o.Validation }}},
	{Name: "test", Go: "Test", Label: "Test", Help: "part of the rows; empty: none", Group: "Data",
		value: part{func(o *model.Options) **float64 { return &o.Test }}},
	{Name: "split", Go: "Split", Label: "Held out", Help: "random, or time:COLUMN for the last rows by that column", Group: "Data",
		value: word{func(o *model.Options) *string { return &o.Split }, "random"}},
	{Name: "group", Go: "Group", Label: "Groups", Help: "a column whose equal cells are held out together; it is no input; empty: none", Group: "Data",
		value: word{func(o *model.Options) *string { return &o.Group }, ""}},
	{Name: "sample-weight", Go: "SampleWeight", Label: "Row weights", Help: "a column that says what each row weighs; it is no input; empty: all alike", Group: "Data",
		value: word{func(o *model.Options) *string { return &o.SampleWeight }, ""}},
	{Name: "precision", Go: "Precision", Label: "Precision", Help: "of weights and sums", Group: "Data", Choices: []string{"float64", "float32"},
		value: word{func(o *model.Options) *string { return &o.Precision }, "float32"}},
}

// fieldOf returns the field of that name, nil if there is none.
func fieldOf(name string) *field {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}

// rule is the name of the optimiser whose hyper-parameters the form shows.
func rule(o *model.Options) string {
	if name := or(o.Optimizer, "auto"); name != "auto" {
		return name
	}
	return optim.AdamW{}.String()
}

// hyper are the hyper-parameters of rules by their flags.
var hyper = map[string]func(*optim.Hyper) **float64{
	"momentum": func(h *optim.Hyper) **float64 { return &h.Momentum },
	"beta1":    func(h *optim.Hyper) **float64 { return &h.Beta1 },
	"beta2":    func(h *optim.Hyper) **float64 { return &h.Beta2 },
	"epsilon":  func(h *optim.Hyper) **float64 { return &h.Epsilon },
}

// labelled is a complaint of package model about a flag, under the name that the form has for it.
func labelled(complaint string) string {
	if rest, ok := strings.CutPrefix(complaint, model.ErrOptions.Error()+": --"); ok {
		name, what, _ := strings.Cut(rest, ": ")
		if f := fieldOf(name); f != nil {
			return f.Label + ": " + what
		}
	}
	return complaint
}

// takes reports whether the optimiser has a hyper-parameter: whether it accepts one.
func takes(name string) func(*model.Options) bool {
	return func(o *model.Options) bool {
		var h optim.Hyper
		*hyper[name](&h) = new(0.5) // each takes it
		_, err := optim.ParseRule(rule(o), h)
		return err == nil
	}
}

// ruleUses is the value of a hyper-parameter where none is given: the field of that name of the
// rule. "" where there is none.
func ruleUses(r optim.Rule, f field) string {
	if _, ok := hyper[f.Name]; !ok || r == nil {
		return ""
	}
	v := reflect.Indirect(reflect.ValueOf(r)).FieldByName(f.Go)
	if !v.IsValid() || !v.CanFloat() {
		return ""
	}
	return exact(v.Float())
}

// Values writes the setup as the form has it, a text for each field.
func (s Setup) Values() map[string]string {
	out := map[string]string{}
	for _, f := range fields {
		out[f.Name] = f.get(&s.Options)
	}
	return out
}

// With returns the setup with the given fields of the form changed. What the former optimiser
// was told of itself is forgotten where a new one does not have it.
func (s Setup) With(values map[string]string) (Setup, error) {
	o := s.Options
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := strings.TrimSpace(values[name])
		if f := fieldOf(name); f != nil {
			if err := f.set(&o, v); err != nil {
				return s, fmt.Errorf("%w: %s is %q; give %w", ErrSetup, f.Label, v, err)
			}
			continue
		}
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
	for name := range hyper {
		if _, given := values[name]; !given {
			if f := fieldOf(name); !f.Applies(&o) {
				f.set(&o, "")
			}
		}
	}
	s.Options = o
	return s, nil
}

// expected says what a field takes.
type expected string

func (e expected) Error() string { return string(e) }

// word is a name; zero stands for the empty one.
type word struct {
	at   func(*model.Options) *string
	zero string
}

func (w word) get(o *model.Options) string          { return or(*w.at(o), w.zero) }
func (w word) set(o *model.Options, v string) error { *w.at(o) = v; return nil }
func (w word) flag(o *model.Options) (string, bool) { v := w.get(o); return v, v != w.zero }
func (w word) code(o *model.Options) string {
	if *w.at(o) == "" {
		return ""
	}
	return strconv.Quote(*w.at(o))
}

// off is a box that is ticked where the option, which takes something away, is false.
type off struct{ at func(*model.Options) *bool }

func (b off) get(o *model.Options) string {
	if *b.at(o) {
		return "off"
	}
	return "on"
}
func (b off) set(o *model.Options, v string) error { *b.at(o) = v != "on"; return nil }
func (b off) flag(o *model.Options) (string, bool) { return "", *b.at(o) }
func (b off) code(o *model.Options) string {
	if *b.at(o) {
		return "true"
	}
	return ""
}

// count is a whole number; 0 stands for none given.
type count struct {
	at    func(*model.Options) *int
	least int
}

func (c count) get(o *model.Options) string {
	if *c.at(o) == 0 {
		return ""
	}
	return strconv.Itoa(*c.at(o))
}
func (c count) set(o *model.Options, v string) error {
	*c.at(o) = 0
	if v == "" {
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < c.least {
		return expected(fmt.Sprintf("a whole number of at least %d, or nothing", c.least))
	}
	*c.at(o) = n
	return nil
}
func (c count) flag(o *model.Options) (string, bool) { v := c.get(o); return v, v != "" }
func (c count) code(o *model.Options) string         { return c.get(o) }

// number is one that may not be given.
type number struct {
	at func(*model.Options) **float64
}

func (n number) get(o *model.Options) string {
	if *n.at(o) == nil {
		return ""
	}
	return exact(**n.at(o))
}
func (n number) set(o *model.Options, v string) (err error) {
	*n.at(o), err = finiteNumber(v)
	return err
}
func (n number) flag(o *model.Options) (string, bool) { v := n.get(o); return v, v != "" }
func (n number) code(o *model.Options) string {
	if *n.at(o) == nil {
		return ""
	}
	return "new(" + goFloat(**n.at(o)) + ")"
}

// part is a number of which 0 is none.
type part struct {
	at func(*model.Options) **float64
}

func (p part) get(o *model.Options) string          { return number(p).get(o) }
func (p part) set(o *model.Options, v string) error { return number(p).set(o, v) }
func (p part) code(o *model.Options) string         { return number(p).code(o) }
func (p part) flag(o *model.Options) (string, bool) {
	if x := *p.at(o); x != nil && *x == 0 {
		return "none", true
	}
	return number(p).flag(o)
}

// amount is a number of which 0 is none given.
type amount struct{ at func(*model.Options) *float64 }

func (a amount) get(o *model.Options) string {
	if *a.at(o) == 0 {
		return ""
	}
	return exact(*a.at(o))
}
func (a amount) set(o *model.Options, v string) error {
	x, err := finiteNumber(v)
	*a.at(o) = 0
	if x != nil {
		*a.at(o) = *x
	}
	return err
}
func (a amount) flag(o *model.Options) (string, bool) { v := a.get(o); return v, v != "" }
func (a amount) code(o *model.Options) string         { return a.get(o) }

// finiteNumber is the number that a text says, nil for none.
func finiteNumber(v string) (*float64, error) {
	if v == "" {
		return nil, nil
	}
	x, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, expected("a number, or nothing")
	}
	return &x, nil
}

// list is names with commas between them, as data.SplitNames takes them.
type list struct {
	at func(*model.Options) *[]string
}

func (l list) get(o *model.Options) string { return data.JoinNames(*l.at(o)) }
func (l list) set(o *model.Options, v string) error {
	*l.at(o) = nil
	if v == "" {
		return nil
	}
	names, err := data.SplitNames(v)
	for _, name := range names {
		*l.at(o) = append(*l.at(o), strings.TrimSpace(name))
	}
	return err
}
func (l list) flag(o *model.Options) (string, bool) { v := l.get(o); return v, v != "" }
func (l list) code(o *model.Options) string {
	if len(*l.at(o)) == 0 {
		return ""
	}
	return fmt.Sprintf("%#v", *l.at(o))
}

// hiddenValue is the layers' units; none given is 64,64.
type hiddenValue struct{}

func (hiddenValue) get(o *model.Options) string {
	switch {
	case o.Hidden == nil:
		return "64,64"
	case len(o.Hidden) == 0:
		return "0"
	}
	parts := make([]string, len(o.Hidden))
	for i, n := range o.Hidden {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ",")
}
func (hiddenValue) set(o *model.Options, v string) (err error) {
	if o.Hidden, err = model.ParseHidden(v); err != nil {
		return expected("whole numbers of at least 1 such as 8,8, or 0 alone for no hidden layer")
	}
	return nil
}
func (h hiddenValue) flag(o *model.Options) (string, bool) { v := h.get(o); return v, v != "64,64" }
func (hiddenValue) code(o *model.Options) string {
	if o.Hidden == nil {
		return ""
	}
	return fmt.Sprintf("%#v", o.Hidden)
}

// seedValue is the seed, which is always given.
type seedValue struct{}

func (seedValue) get(o *model.Options) string { return strconv.FormatUint(o.Seed, 10) }
func (seedValue) set(o *model.Options, v string) (err error) {
	if o.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
		return expected("a whole number of at least 0")
	}
	return nil
}
func (s seedValue) flag(o *model.Options) (string, bool) { return s.get(o), o.Seed != 1 }
func (s seedValue) code(o *model.Options) string         { return s.get(o) }

func without(names []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == one })
}
