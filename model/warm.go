package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/nn"
)

// A run that starts from a model (warm start, or partial fit on further rows) continues with the
// model's network, columns, classes and encoding, because the weights only have a meaning with
// these. Columns are found by their names, in any order. A difference is refused, and the error
// names it. Plain tensors have no names; they only need the right shapes.

// base reads the model that the weights belong to; nil for plain tensors.
func (w *Weights) base(custom Custom) (*Model, error) {
	if w == nil || w.tensors.Text == "" || !w.isModel() {
		return nil, nil
	}
	return w.model([]Custom{custom})
}

// isEnsemble reports whether the file holds several networks.
func (w *Weights) isEnsemble() bool {
	var h struct{ Format int }
	return w != nil && json.Unmarshal([]byte(w.tensors.Text), &h) == nil && h.Format == ensembleFormat
}

func (w *Weights) differs(format string, args ...any) error {
	return refuse("From", nil, "%s: %s", w.path, fmt.Sprintf(format, args...))
}

// adopt sets the options that were not given to those the model was trained with, and refuses
// options that differ from them.
func (o *Options) adopt(w *Weights, m *Model) error {
	if len(o.Targets) == 0 {
		o.Targets = m.Targets()
	}
	if theirs := m.Targets(); !slices.Equal(slices.Sorted(slices.Values(o.Targets)), slices.Sorted(slices.Values(theirs))) {
		return w.differs("the model predicts %s, and the call %s: train without it, or name the model's target", quoteList(theirs), quoteList(o.Targets))
	}
	o.Targets = m.Targets()
	if cmp.Or(o.Task, data.Auto) == data.Auto {
		o.Task = m.Task()
	}
	if o.Task != m.Task() {
		return w.differs("the task of the model is %s, and that of the call %s", m.Task(), o.Task)
	}
	if err := o.adoptInterval(w, m); err != nil {
		return err
	}
	_, layers, _ := m.engine.shape()
	hidden, out := layers[:len(layers)-1], layers[len(layers)-1]
	units := []int{}
	for _, l := range hidden {
		units = append(units, l.Units)
	}
	if o.Hidden == nil {
		o.Hidden = units
	}
	if !slices.Equal(o.Hidden, units) {
		return refuse("Hidden", unitsText(o.Hidden), "the model has the hidden layers %s: leave it out, or begin without %s", unitsText(units), w.path)
	}
	same := func(option, what string, given *string, none, theirs string, read func(string) (string, error)) error {
		if cmp.Or(*given, none) == none {
			*given = theirs
			return nil
		}
		name, err := read(*given)
		if err != nil {
			return refuse(option, nil, "%w", err)
		}
		if name != theirs {
			return refuse(option, *given, "the model has the %s %s: leave it out, or begin without %s", what, theirs, w.path)
		}
		return nil
	}
	activation := func(name string) (string, error) {
		f, err := nn.ParseActivation(name, o.Custom.Activations...)
		if err != nil {
			return "", err
		}
		return f.String(), nil
	}
	norm := func(name string) (string, error) {
		n, err := nn.ParseNorm(name)
		return n.String(), err
	}
	if len(hidden) > 0 {
		if err := same("Activation", "activation", &o.Activation, "", hidden[0].Activation.String(), activation); err != nil {
			return err
		}
		if err := same("Norm", "norm", &o.Norm, "", hidden[0].Norm.String(), norm); err != nil {
			return err
		}
	}
	if err := same("OutputActivation", "output activation", &o.OutputActivation, "auto", out.Activation.String(), activation); err != nil {
		return err
	}
	if o.NoBias && !out.NoBias {
		return refuse("NoBias", nil, "the model has biases: leave it out, or begin without %s", w.path)
	}
	o.NoBias = out.NoBias
	scale := string(o.Scale)
	if err := same("Scale", "scaling", &scale, string(data.ScaleAuto), string(cmp.Or(m.Options.Scale, data.ScaleAuto)), func(s string) (string, error) { return s, nil }); err != nil {
		return err
	}
	o.Scale = data.Scaling(scale)
	return nil
}

// adoptInterval sets the level of the bounds to that of the model, or refuses another one.
func (o *Options) adoptInterval(w *Weights, m *Model) error {
	theirs := m.Options.Interval
	switch {
	case o.Interval == 0 || o.Interval == theirs:
		o.Interval = theirs
		return nil
	case theirs == 0:
		return refuse("Interval", o.Interval, "the model has no outputs for bounds: leave it out, or begin without %s", w.path)
	}
	return refuse("Interval", o.Interval, "the model has bounds for %v: leave it out, or begin without %s", theirs, w.path)
}

func unitsText(units []int) string {
	if len(units) == 0 {
		return "0"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(units), " ", ","), "[]")
}

// inferAs decides what the columns are by the model's columns, and refuses a table with other columns.
func (o *Options) inferAs(w *Weights, m *Model, t *data.Table) (s *data.Schema, weightless int, err error) {
	var lacking []string
	for _, name := range append(m.Columns(), m.Targets()...) {
		if t.Index(name) < 0 {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		return nil, 0, w.differs("%s lacks the %s %s of the model", t.Name(), plural.Noun(len(lacking), "column"), quoteList(lacking))
	}
	kinds := map[string]data.Kind{}
	for i := range m.Encoding.Inputs {
		in := &m.Encoding.Inputs[i]
		kinds[in.Name] = in.Kind
		if given := o.Types[in.Name]; given != "" && given != in.Kind {
			return nil, 0, w.differs("the model takes the column %q for a %s, and the call for a %s", in.Name, in.Kind, given)
		}
		if slices.Contains(o.Ignore, in.Name) || in.Name == o.SampleWeight || in.Name == o.Group {
			return nil, 0, w.differs("the model learns from the column %q, which the call leaves out", in.Name)
		}
	}
	for _, name := range append(slices.Clone(m.Options.Ignore), m.Options.SampleWeight, m.Options.Group) {
		if t.Index(name) >= 0 && !slices.Contains(o.Ignore, name) && name != o.SampleWeight && name != o.Group {
			o.Ignore = append(slices.Clone(o.Ignore), name)
		}
	}
	if s, weightless, err = o.infer(t); err != nil {
		return nil, 0, err
	}
	found := map[string]data.Kind{}
	var others []string
	for _, c := range s.Columns {
		found[c.Name] = c.Kind
		if kinds[c.Name] == "" {
			others = append(others, c.Name)
		}
	}
	if len(others) > 0 {
		return nil, 0, w.differs("%s has the %s %s, which the model does not know: ignore them, or train without these weights", t.Name(), plural.Noun(len(others), "column"), quoteList(others))
	}
	types := maps.Clone(o.Types)
	for name, kind := range kinds {
		if found[name] != kind { // dropped, or of another kind
			if types == nil {
				types = map[string]data.Kind{}
			}
			types[name] = kind
		}
	}
	if len(types) != len(o.Types) {
		o.Types = types
		if s, weightless, err = o.infer(t); err != nil {
			return nil, 0, err
		}
	}
	var unknown []string
	for i, y := range s.Targets {
		theirs := m.Encoding.Targets[i]
		for _, class := range y.Classes {
			if !slices.ContainsFunc(theirs.Classes, func(c string) bool {
				return c == class || theirs.Kind == data.KindBoolean && strings.EqualFold(c, class)
			}) {
				unknown = append(unknown, class)
			}
		}
	}
	if len(unknown) > 0 && s.Task != data.Regression {
		return nil, 0, w.differs("the target of %s has the class%s %s, and the model only %s: leave those rows out, or train without these weights",
			t.Name(), map[bool]string{true: "", false: "es"}[len(unknown) == 1], quoteList(unknown), quoteList(m.Encoding.Classes()))
	}
	s.Targets = slices.Clone(m.Encoding.Targets)
	return s, weightless, nil
}
