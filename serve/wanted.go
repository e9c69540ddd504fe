package serve

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// wanted is what a request asks for besides its predictions. The parameters of an inference request have the same
// names as those in the URL of POST /predict.
type wanted struct {
	counts   bool
	interval *float64 // the level
	sets     *float64 // the level
	reasons  bool
}

// queried lists the parameters in the URL of POST /predict.
var queried = []string{"counts", "interval", "model", "reasons", "sets", "version"}

// A named is a parameter's name and the destination of its value.
type named[V any] struct {
	name string
	to   *V
}

// levels and truths return the parameters, in the order in which errors are reported.
func (w *wanted) levels() []named[*float64] {
	return []named[*float64]{{"interval", &w.interval}, {"sets", &w.sets}}
}
func (w *wanted) truths() []named[bool] {
	return []named[bool]{{"counts", &w.counts}, {"reasons", &w.reasons}}
}

// fromQuery reads the parameters of POST /predict.
func fromQuery(q url.Values) (w wanted, err error) {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(queried, name) {
			return w, bad("the parameter %q is not known: give %s", name, strings.Join(queried, ", "))
		}
	}
	for _, p := range w.levels() {
		if q.Has(p.name) {
			level, err := strconv.ParseFloat(q.Get(p.name), 64)
			if err != nil {
				return w, notLevel(p.name, strconv.Quote(q.Get(p.name)))
			}
			*p.to = &level
		}
	}
	for _, p := range w.truths() {
		switch q.Get(p.name) {
		case "true":
			*p.to = true
		case "", "false":
		default:
			return w, notTruth(p.name, strconv.Quote(q.Get(p.name)))
		}
	}
	return w, nil
}

// fromParameters reads the parameters of an inference request.
func fromParameters(given map[string]any) (w wanted, err error) {
	if len(given) == 0 {
		return w, nil
	}
	for _, p := range w.levels() {
		if v, ok := given[p.name]; ok {
			level, ok := v.(float64)
			if !ok {
				return w, notLevel(p.name, fmt.Sprintf("%v", v))
			}
			*p.to = &level
		}
	}
	for _, p := range w.truths() {
		if v, ok := given[p.name]; ok {
			if *p.to, ok = v.(bool); !ok {
				return w, notTruth(p.name, fmt.Sprintf("%v", v))
			}
		}
	}
	return w, nil
}

func notLevel(name, given string) error {
	return bad("%s is %s, which is not a number: give a share between 0 and 1, such as 0.9", name, given)
}

func notTruth(name, given string) error {
	return bad("%s is %s: give true or false", name, given)
}

// extra is the requested information about some rows.
type extra struct {
	wanted
	intervals []model.Interval // for each row its targets, one after another
	sets      [][]string       // the classes of each row
	reasons   *model.Shapley
}

// extra computes the requested information.
func (r *rows) extra(x *exchange, w wanted) (e extra, err error) {
	e.wanted = w
	if w.interval != nil {
		if e.intervals, err = r.intervals(*w.interval); err != nil {
			return e, refused("interval", err)
		}
		x.s.metrics.asked.add(x.model, "interval", int64(r.n))
	}
	if w.sets != nil {
		if e.sets, err = r.m.Sets(r.out, *w.sets); err != nil {
			return e, refused("sets", err)
		}
		x.s.metrics.asked.add(x.model, "sets", int64(r.n))
	}
	if !w.reasons {
		return e, nil
	}
	switch most := x.s.o.MaxReasons; {
	case r.m.explainer == nil:
		return e, bad("reasons need background rows, which stand for an unknown column: start the server with a background table, ideally the training table")
	case r.n > most:
		return e, refuse(http.StatusRequestEntityTooLarge, "the request asks for the reasons of %d rows, and this server gives those of %d at once; send them in parts", r.n, most)
	}
	for _, v := range r.numbers {
		r.values = append(r.values, data.Number(v))
	}
	if e.reasons, err = r.m.explainer.Explain(x.r.Context(), r.values); err != nil {
		if errors.Is(err, model.ErrRow) {
			return e, bad("%w", err)
		}
		if x.r.Context().Err() != nil {
			return e, bad("the client canceled the request before its reasons were computed")
		}
		return e, err
	}
	x.s.metrics.asked.add(x.model, "reasons", int64(r.n))
	return e, nil
}

// intervals returns the intervals of the rows, from learned bounds if the model has some.
func (r *rows) intervals(level float64) ([]model.Interval, error) {
	b := r.m.Bounds(level)
	if b == r.m.Model {
		return r.m.Intervals(r.out, level)
	}
	says := make([]float64, r.n*b.Outputs())
	if err := r.predict(b, says, model.PredictOptions{}); err != nil {
		return nil, err
	}
	return b.Intervals(says, level)
}

// refused turns an error of package model about an option into one about the request's parameter.
func refused(parameter string, err error) error {
	var o *model.OptionError
	switch {
	case !errors.As(err, &o):
		return bad("%s: %w", parameter, err)
	case o.Value == "":
		return bad("%s: %s", parameter, o.Reason)
	}
	return bad("%s is %s: %s", parameter, o.Value, o.Reason)
}

// appendExtra writes the requested information as members of an object that already has others. counts is for all
// rows. Each of the others is a list with an element for each row:
//
//	"intervals": {"price": {"lower": 2.8, "upper": 3.4}}
//	"sets":      ["Adelie", "Gentoo"]
//	"reasons":   {"price": {"base": 3, "columns": {"size": 0.2, "age": -0.1}}}
func (r *rows) appendExtra(b []byte, e extra) []byte {
	if e.counts {
		b = append(append(b, `,"counts":`...), r.countsJSON()...)
	}
	if e.intervals != nil {
		b = appendList(append(b, `,"intervals":`...), r.n, func(b []byte, i int) []byte {
			return appendObject(b, r.m.targets, func(b []byte, j int) []byte {
				in := e.intervals[i*len(r.m.targets)+j]
				b = appendFloat(append(b, `{"lower":`...), in.Lower)
				return append(appendFloat(append(b, `,"upper":`...), in.Upper), '}')
			})
		})
	}
	if e.sets != nil {
		b = appendList(append(b, `,"sets":`...), r.n, func(b []byte, i int) []byte {
			return appendList(b, len(e.sets[i]), func(b []byte, j int) []byte { return appendText(b, e.sets[i][j]) })
		})
	}
	if s := e.reasons; s != nil {
		b = appendList(append(b, `,"reasons":`...), r.n, func(b []byte, i int) []byte {
			return appendObject(b, s.Outputs, func(b []byte, k int) []byte {
				b = appendFloat(append(b, `{"base":`...), s.Base[k])
				return append(appendObject(append(b, `,"columns":`...), s.Columns, func(b []byte, c int) []byte {
					return appendFloat(b, s.Rows[i].Values[k][c])
				}), '}')
			})
		})
	}
	return b
}

// tensors returns the requested information as outputs of an inference request: lower and upper [N, targets]; set [N,
// classes], whether a class is in the set; base [N, outputs] and reasons [N, outputs, columns]. An output is a
// target, a class, or the second of two classes.
func (e *extra) tensors(r *rows) []*output {
	var list []*output
	add := func(name, datatype string, shape ...int) *output {
		o := &output{tensorMeta: tensorMeta{name, datatype, append([]int{r.n}, shape...)}}
		list = append(list, o)
		return o
	}
	if e.intervals != nil {
		lower, upper := add("lower", "FP64", len(r.m.targets)), add("upper", "FP64", len(r.m.targets))
		for _, in := range e.intervals {
			lower.number, upper.number = append(lower.number, in.Lower), append(upper.number, in.Upper)
		}
	}
	if e.sets != nil {
		set := add("set", "BOOL", len(r.m.classes))
		for _, classes := range e.sets {
			for _, class := range r.m.classes {
				set.truth = append(set.truth, slices.Contains(classes, class))
			}
		}
	}
	if s := e.reasons; s != nil {
		base, reasons := add("base", "FP64", len(s.Outputs)), add("reasons", "FP64", len(s.Outputs), len(s.Columns))
		for _, row := range s.Rows {
			base.number = append(base.number, s.Base...)
			for _, values := range row.Values {
				reasons.number = append(reasons.number, values...)
			}
		}
	}
	return list
}

// sure returns how the model can express its certainty, interval or sets, and a level for it; "" is
// neither.
func (l *loaded) sure() (name string, level float64) {
	name = "sets"
	if l.Task() == data.Regression {
		name = "interval"
	}
	for _, level := range []float64{0.9, 0.8, 0.5} {
		_, err := l.Bounds(level).Intervals(nil, level)
		if name == "sets" {
			_, err = l.Sets(nil, level)
		}
		if err == nil {
			return name, level
		}
	}
	return "", 0
}
