package serve

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

// The simple protocols: version 1 of KServe's protocol, MLflow's, and rows as objects.

func (s *Server) v1List(x *exchange) error {
	writeJSON(x.w, http.StatusOK, map[string]any{"models": s.names()})
	return nil
}

func (s *Server) v1Model(x *exchange) error {
	m, err := x.named()
	if err != nil {
		return err
	}
	writeJSON(x.w, http.StatusOK, map[string]any{"name": m.Name, "ready": true})
	return nil
}

// v1Predict handles POST /v1/models/M:predict with {"instances": [...]}: objects by column, or lists.
func (s *Server) v1Predict(x *exchange) error {
	name, ok := strings.CutSuffix(x.r.PathValue("call"), ":predict")
	if !ok {
		return refuse(http.StatusNotFound, "there is nothing at POST %s; POST /v1/models/M:predict predicts", x.r.URL.Path)
	}
	m, err := s.find(name, "")
	if err != nil {
		return err
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	r, err := x.scanned(m, body, func(s *scanner, r *rows, most int) bool { return s.named(r, most, "instances") })
	if r == nil && err == nil {
		var request struct {
			Instances *[]any `json:"instances"`
		}
		if err := decode(body, &request); err != nil {
			return err
		}
		if request.Instances == nil {
			return bad(`the body has no "instances", a list of rows`)
		}
		r, err = x.fromJSON(m, *request.Instances)
	}
	return x.short(r, err)
}

// only returns the model for a request without a model in its path: the only one, or
// the one in ?model=.
func (x *exchange) only() (*modelFile, error) {
	if x.r.URL.RawQuery != "" {
		if q := x.r.URL.Query(); q.Has("model") {
			return x.s.find(q.Get("model"), q.Get("version"))
		}
	}
	if len(x.s.models) > 1 {
		if names := x.s.names(); len(names) > 1 {
			return nil, bad("there are several models (%s): say which with ?model=NAME", strings.Join(names, ", "))
		}
	}
	return x.s.find(x.s.models[0].Name, "")
}

// invocations handles MLflow's POST /invocations, with one of dataframe_split,
// dataframe_records, instances and inputs.
func (s *Server) invocations(x *exchange) error {
	m, err := x.only()
	if err != nil {
		return err
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	r, err := x.scanned(m, body, func(s *scanner, r *rows, most int) bool {
		return s.named(r, most, "dataframe_records", "instances", "inputs")
	})
	if r == nil && err == nil {
		r, err = x.scanned(m, body, (*scanner).split)
	}
	if r != nil || err != nil {
		return x.short(r, err)
	}
	var request struct {
		Split *struct {
			Columns []string `json:"columns"`
			Data    [][]any  `json:"data"`
		} `json:"dataframe_split"`
		Records   *[]any `json:"dataframe_records"`
		Instances *[]any `json:"instances"`
		Inputs    *[]any `json:"inputs"`
	}
	if err := decode(body, &request); err != nil {
		return err
	}
	list := request.Records
	if list == nil {
		list = request.Instances
	}
	if list == nil {
		list = request.Inputs
	}
	switch {
	case request.Split != nil:
		r, err = x.fromSplit(m, request.Split.Columns, request.Split.Data)
	case list != nil:
		r, err = x.fromJSON(m, *list)
	default:
		err = bad(`the body has none of "dataframe_split", "dataframe_records", "instances" and "inputs"`)
	}
	return x.short(r, err)
}

// short responds with rows in the short form, or with what is wrong with them.
func (x *exchange) short(r *rows, err error) error {
	if err != nil {
		return err
	}
	x.memory.answer = r.shortJSON(x.memory.answer[:0])
	writeBytes(x.w, http.StatusOK, x.memory.answer)
	return nil
}

// fromSplit reads rows that are lists in the order of the given columns.
func (x *exchange) fromSplit(m *modelFile, columns []string, lists [][]any) (*rows, error) {
	r, err := x.newRows(m, len(lists))
	if err != nil {
		return nil, err
	}
	r.values = zeroed(r.values, r.n*len(r.m.columns))
	order := make([]int, len(columns))
	for i, name := range columns {
		place, ok := r.m.places[name]
		if !ok {
			place = -1
		} else if slices.Contains(order[:i], place) {
			return nil, bad("the column %q appears twice", name)
		}
		order[i] = place
	}
	for i, name := range r.m.columns {
		if !slices.Contains(order, i) {
			return nil, bad("the columns lack %q, which the model needs; a missing value is null", name)
		}
	}
	for i, row := range lists {
		if err := r.setList(i, row, order); err != nil {
			return nil, err
		}
	}
	return r, r.run(x)
}

// predict handles POST /predict with a row as an object, or with a list of rows. A single object
// gets a single object back. ?counts=true adds how many cells were missing or never seen; see
// wanted for other parameters.
func (s *Server) predict(x *exchange) error {
	m, err := x.only()
	if err != nil {
		return err
	}
	var want wanted
	if x.r.URL.RawQuery != "" {
		if want, err = fromQuery(x.r.URL.Query()); err != nil {
			return err
		}
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	single := bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
	r, err := x.scanned(m, body, func(s *scanner, r *rows, most int) bool {
		if single {
			return s.row(r)
		}
		return s.rows(r, most)
	})
	if r == nil && err == nil {
		var list []any
		if single {
			list = []any{nil}
			err = decode(body, &list[0])
		} else {
			err = decode(body, &list)
		}
		if err != nil {
			return err
		}
		r, err = x.fromJSON(m, list)
	}
	if err != nil {
		return err
	}
	more, err := r.extra(x, want)
	if err != nil {
		return err
	}
	b := x.memory.answer[:0]
	if single && want == (wanted{}) {
		b = r.appendRow(b, 0)
	} else {
		b = appendList(append(b, `{"predictions":`...), r.n, r.appendRow)
		b = append(r.appendExtra(b, more), '}')
	}
	x.memory.answer = b
	writeBytes(x.w, http.StatusOK, b)
	return nil
}

// shortJSON writes {"predictions": [...]}. Each row has its class or number, or a list of them.
func (r *rows) shortJSON(b []byte) []byte {
	b = append(b, `{"predictions":[`...)
	for i := range r.n {
		if i > 0 {
			b = append(b, ',')
		}
		p := r.m.Describe(r.outputs(i))
		switch {
		case p.Labels != nil:
			b = appendList(b, len(p.Labels), func(b []byte, j int) []byte { return appendText(b, p.Labels[j]) })
		case p.Probabilities != nil:
			b = appendText(b, p.Class)
		case len(p.Values) == 1:
			b = appendFloat(b, p.Values[0])
		default:
			b = appendList(b, len(p.Values), func(b []byte, j int) []byte { return appendFloat(b, p.Values[j]) })
		}
	}
	return append(b, "]}"...)
}

// appendRow writes the full prediction of a row: {"species": "Adelie", "probabilities":
// {"Adelie": 0.9, ...}}, or {"price": 3.1}. For several labels the probabilities are those of
// each one's second value.
func (r *rows) appendRow(b []byte, i int) []byte {
	p := r.m.Describe(r.outputs(i))
	b = append(b, '{')
	named := func(names []string, f func(b []byte, j int) []byte) { b = appendMembers(b, names, f) }
	number := func(list []float64) func(b []byte, j int) []byte {
		return func(b []byte, j int) []byte { return appendFloat(b, list[j]) }
	}
	switch r.m.Task() {
	case data.Regression:
		named(r.m.targets, number(p.Values))
		return append(b, '}')
	case data.Multilabel:
		named(r.m.targets, func(b []byte, j int) []byte { return appendText(b, p.Labels[j]) })
		b = append(b, `,"probabilities":{`...)
		named(r.m.targets, number(p.Probabilities))
	default:
		named(r.m.targets, func(b []byte, _ int) []byte { return appendText(b, p.Class) })
		b = append(b, `,"probabilities":{`...)
		named(r.m.classes, number(p.Probabilities))
	}
	return append(b, "}}"...)
}

// appendMembers writes the members of an object, with values written by f.
func appendMembers(b []byte, names []string, f func(b []byte, j int) []byte) []byte {
	for j, name := range names {
		if j > 0 {
			b = append(b, ',')
		}
		b = f(append(appendText(b, name), ':'), j)
	}
	return b
}

func appendObject(b []byte, names []string, f func(b []byte, j int) []byte) []byte {
	return append(appendMembers(append(b, '{'), names, f), '}')
}

func appendList(b []byte, n int, f func(b []byte, j int) []byte) []byte {
	b = append(b, '[')
	for j := range n {
		if j > 0 {
			b = append(b, ',')
		}
		b = f(b, j)
	}
	return append(b, ']')
}
