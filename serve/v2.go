package serve

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/gradus-ml/gradus/data"
)

// The Open Inference Protocol, version 2, over REST
// (https://github.com/kserve/open-inference-protocol), with Triton's binary extension.
//
// A model has an input for each column, of shape [N, 1] or [N]. The outputs depend on the task:
//
//	classes         label [N], probabilities [N, classes]
//	several labels  label [N, targets], probabilities [N, targets]
//	regression      variable [N, targets]
//
// null and NaN are missing, and in texts the usual words. The parameters in wanted add outputs
// (extra.tensors). If all columns of a model are numbers, it also takes them as one tensor [N, columns].

// tensorMeta describes an input or an output; -1 is any size.
type tensorMeta struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

func (s *Server) serverMetadata(x *exchange) error {
	writeJSON(x.w, http.StatusOK, map[string]any{"name": "gradus", "version": s.o.Version, "extensions": []string{"binary_tensor_data", "model_repository"}})
	return nil
}

func (x *exchange) named() (*modelFile, error) {
	return x.s.find(x.r.PathValue("model"), x.r.PathValue("version"))
}

func (s *Server) modelReady(x *exchange) error {
	m, err := x.named()
	if err != nil {
		return err
	}
	writeJSON(x.w, http.StatusOK, map[string]any{"name": m.Name, "ready": true})
	return nil
}

func (s *Server) repositoryIndex(x *exchange) error {
	list := []map[string]string{}
	for _, m := range s.models {
		list = append(list, map[string]string{"name": m.Name, "version": m.Version, "state": "READY", "reason": ""})
	}
	writeJSON(x.w, http.StatusOK, list)
	return nil
}

func (s *Server) modelMetadata(x *exchange) error {
	m, err := x.named()
	if err != nil {
		return err
	}
	l := m.now()
	inputs := []tensorMeta{}
	for i := range l.Encoding.Inputs {
		in := &l.Encoding.Inputs[i]
		kind := "BYTES"
		if in.Kind == data.KindNumber {
			kind = "FP64"
		}
		inputs = append(inputs, tensorMeta{in.Name, kind, []int{-1, 1}})
	}
	versions := []string{}
	for _, other := range s.models {
		if other.Name == m.Name {
			versions = append(versions, other.Version)
		}
	}
	writeJSON(x.w, http.StatusOK, struct {
		Name       string            `json:"name"`
		Versions   []string          `json:"versions"`
		Platform   string            `json:"platform"`
		Inputs     []tensorMeta      `json:"inputs"`
		Outputs    []tensorMeta      `json:"outputs"`
		Parameters map[string]string `json:"parameters"`
	}{m.Name, versions, "gradus", inputs, l.outputMeta(), map[string]string{"task": string(l.Task()), "weights_sha256": l.sha}})
	return nil
}

func (l *loaded) outputMeta() []tensorMeta {
	n := l.Outputs()
	switch l.Task() {
	case data.Regression:
		return []tensorMeta{{"variable", "FP64", []int{-1, n}}}
	case data.Multilabel:
		return []tensorMeta{{"label", "BYTES", []int{-1, n}}, {"probabilities", "FP64", []int{-1, n}}}
	}
	return []tensorMeta{{"label", "BYTES", []int{-1}}, {"probabilities", "FP64", []int{-1, n}}}
}

// outputNames lists the names of outputs in a sentence.
func outputNames(list []tensorMeta) string {
	names := list[0].Name
	for _, o := range list[1:] {
		names += " and " + o.Name
	}
	return names
}

// inferRequest is the JSON of an inference request.
type inferRequest struct {
	ID         string         `json:"id"`
	Parameters map[string]any `json:"parameters"`
	Inputs     []inferInput   `json:"inputs"`
	Outputs    []inferOutput  `json:"outputs"`
}

type inferOutput struct {
	Name       string         `json:"name"`
	Parameters map[string]any `json:"parameters"`
}

type inferInput struct {
	Name       string         `json:"name"`
	Shape      []int          `json:"shape"`
	Datatype   string         `json:"datatype"`
	Parameters map[string]any `json:"parameters"`
	Data       any            `json:"data"`

	elements []data.Value // of Data, if a scanner read them
}

const headerLength = "Inference-Header-Content-Length"

func (s *Server) infer(x *exchange) error {
	m, err := x.named()
	if err != nil {
		return err
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	var tail []byte // binary data
	if text := x.r.Header.Get(headerLength); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > len(body) {
			return bad("the header %s is %q, and the body has %d bytes", headerLength, text, len(body))
		}
		body, tail = body[:n], body[n:]
	}
	var request inferRequest
	list, scan := x.memory.elements[:0], scanner{b: body}
	scanned := !s.o.plain && scan.infer(&request, &list, s.o.MaxRows*len(m.now().columns))
	x.memory.elements = list
	if !scanned {
		request = inferRequest{}
		if err := decode(body, &request); err != nil {
			return err
		}
	}
	var want wanted
	if request.Parameters != nil {
		if want, err = fromParameters(request.Parameters); err != nil {
			return err
		}
	}
	r, err := x.fromTensors(m, request.Inputs, tail)
	if err != nil {
		return err
	}
	if err := r.run(x); err != nil {
		return err
	}
	more, err := r.extra(x, want)
	if err != nil {
		return err
	}
	return x.answer(&request, r, more)
}

// fromTensors reads rows from one tensor per column, or from one for all columns.
func (x *exchange) fromTensors(m *modelFile, inputs []inferInput, tail []byte) (*rows, error) {
	if len(inputs) == 0 {
		return nil, bad("the request has no inputs")
	}
	l := m.now()
	n, whole := 0, false
	for i := range inputs {
		in := &inputs[i]
		_, column := l.places[in.Name]
		switch {
		case len(in.Shape) < 1 || len(in.Shape) > 2 || in.Shape[0] < 0 || len(in.Shape) == 2 && in.Shape[1] < 0:
			return nil, bad("the input %q has the shape %v; it takes [N] or [N, 1]", in.Name, in.Shape)
		case column && len(in.Shape) == 2 && in.Shape[1] != 1:
			return nil, bad("the input %q has the shape %v; a column takes [N] or [N, 1]", in.Name, in.Shape)
		case !column && len(inputs) == 1 && len(in.Shape) == 2 && in.Shape[1] == len(l.columns):
			whole = true
		case !column:
			return nil, bad("the model has no input %q; its inputs are its columns, which GET /v2/models/%s lists", in.Name, m.Name)
		}
		if i > 0 && in.Shape[0] != n {
			return nil, bad("the input %q has %d rows, and %q has %d", in.Name, in.Shape[0], inputs[0].Name, n)
		}
		n = in.Shape[0]
	}
	r, err := x.newRows(m, n)
	if err != nil {
		return nil, err
	}
	width := len(r.m.columns)
	given := make([]bool, width)
	for i := range inputs {
		in := &inputs[i]
		place, step, count := 0, 1, n*width
		if !whole {
			var ok bool
			if place, ok = r.m.places[in.Name]; !ok {
				return nil, bad("the model has no input %q", in.Name)
			}
			if given[place] {
				return nil, bad("the input %q appears twice", in.Name)
			}
			step, count = width, n
			given[place] = true
		}
		if tail, err = r.take(in, tail, count, place, step); err != nil {
			return nil, err
		}
	}
	if len(tail) > 0 {
		return nil, bad("%d bytes follow the binary data of the last input", len(tail))
	}
	for i, ok := range given {
		if !ok && !whole {
			return nil, bad("the request has no input %q; a missing value is null or NaN", r.m.columns[i])
		}
	}
	return r, nil
}

// elements describes the elements of each datatype in binary data: their size in bytes, and a function that reads len(to) of
// them.
var elements = map[string]struct {
	size int
	read func(to []float64, b []byte)
}{
	"INT8":   {1, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(int8(b[i])) }) }},
	"UINT8":  {1, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(b[i]) }) }},
	"INT16":  {2, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(int16(u16(b, i))) }) }},
	"UINT16": {2, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(u16(b, i)) }) }},
	"INT32":  {4, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(int32(u32(b, i))) }) }},
	"UINT32": {4, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(u32(b, i)) }) }},
	"INT64":  {8, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(int64(u64(b, i))) }) }},
	"UINT64": {8, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(u64(b, i)) }) }},
	"FP32":   {4, func(to []float64, b []byte) { set(to, func(i int) float64 { return float64(f32(b, i)) }) }},
	"FP64":   {8, func(to []float64, b []byte) { set(to, func(i int) float64 { return math.Float64frombits(u64(b, i)) }) }},
	"BOOL":   {1, nil}, // nil: not a number
	"BYTES":  {0, nil}, // a length before each element
}

// u16, u32, u64 and f32 return element i of little-endian numbers.
func u16(b []byte, i int) uint16  { return binary.LittleEndian.Uint16(b[2*i:]) }
func u32(b []byte, i int) uint32  { return binary.LittleEndian.Uint32(b[4*i:]) }
func u64(b []byte, i int) uint64  { return binary.LittleEndian.Uint64(b[8*i:]) }
func f32(b []byte, i int) float32 { return math.Float32frombits(u32(b, i)) }

// set sets each element of to to the value of its index.
func set(to []float64, value func(i int) float64) {
	for i := range to {
		to[i] = value(i)
	}
}

// take sets every step-th cell from place on to an element of a tensor, count in total. The elements come from the JSON or from
// the binary data. take returns the rest of the binary data.
func (r *rows) take(in *inferInput, tail []byte, count, place, step int) ([]byte, error) {
	element, ok := elements[in.Datatype]
	if !ok {
		return nil, bad("the input %q has the datatype %q; this server takes FP64, FP32, whole numbers, BOOL and BYTES", in.Name, in.Datatype)
	}
	raw, tail, err := in.binary(tail)
	if err != nil {
		return nil, err
	}
	if raw != nil && element.size > 0 && len(raw) != count*element.size {
		return nil, bad("the input %q of shape %v and datatype %s has %d bytes, not %d", in.Name, in.Shape, in.Datatype, len(raw), count*element.size)
	}
	isNumbers := raw != nil && element.read != nil
	if isNumbers {
		r.numbers = sized(r.numbers, count)
		element.read(r.numbers, raw)
		if step == 1 && r.m.numbers { // these are all cells
			return tail, nil
		}
	}
	if len(r.values) == 0 {
		r.values = sized(r.values, r.n*len(r.m.columns))
	}
	to := r.values[min(place, len(r.values)):]
	switch {
	case isNumbers:
		for i, v := range r.numbers {
			to[i*step] = data.Number(v)
		}
		r.numbers = r.numbers[:0]
		return tail, nil
	case raw != nil && element.size > 0:
		for i := range count {
			to[i*step] = data.Bool(raw[i] != 0)
		}
		return tail, nil
	case raw != nil:
		return tail, in.texts(raw, count, to, step)
	}
	n := len(in.elements)
	if in.elements == nil {
		err = in.flat(in.Data, func(v data.Value) {
			if n < count {
				to[n*step] = v
			}
			n++
		})
	} else if n == count {
		for i, v := range in.elements {
			to[i*step] = v
		}
	}
	if err == nil && n != count {
		err = bad("the input %q of shape %v has %d elements, not %d", in.Name, in.Shape, n, count)
	}
	return tail, err
}

// binary returns the tensor's part of the binary data, or nil if its elements are in the JSON, and the rest.
func (in *inferInput) binary(tail []byte) (raw, rest []byte, err error) {
	given, ok := in.Parameters["binary_data_size"]
	if !ok {
		return nil, tail, nil
	}
	length, ok := given.(float64)
	switch {
	case in.Data != nil || in.elements != nil:
		return nil, nil, bad("the input %q has data and binary_data_size: give one of them", in.Name)
	case !ok || length < 0 || length != math.Trunc(length) || length > float64(len(tail)):
		return nil, nil, bad("the input %q has a binary_data_size of %v, and %d bytes of binary data are left", in.Name, given, len(tail))
	case tail == nil: // and so the length is 0
		tail = []byte{}
	}
	return tail[:int(length)], tail[int(length):], nil
}

// texts puts count texts, each after its length, into every step-th element of to.
func (in *inferInput) texts(raw []byte, count int, to []data.Value, step int) error {
	text := string(raw) // one copy for all
	for i := range count {
		if len(raw) < 4 || uint64(u32(raw, 0)) > uint64(len(raw)-4) {
			return bad("the input %q of BYTES is cut short at its element %d", in.Name, i)
		}
		n := int(u32(raw, 0))
		to[i*step] = data.Text(text[4 : 4+n])
		raw, text = raw[4+n:], text[4+n:]
	}
	if len(raw) > 0 {
		return bad("the input %q of BYTES has %d bytes after its last element", in.Name, len(raw))
	}
	return nil
}

// flat calls add for each element of data, which may be nested.
func (in *inferInput) flat(v any, add func(data.Value)) error {
	list, ok := v.([]any)
	if !ok {
		return bad("the input %q has no list of data", in.Name)
	}
	for _, v := range list {
		switch v := v.(type) {
		case []any:
			if err := in.flat(v, add); err != nil {
				return err
			}
		case nil:
			add(data.Missing())
		case float64:
			add(data.Number(v))
		case bool:
			add(data.Bool(v))
		case string:
			add(data.Text(v))
		default:
			return bad("the input %q holds an object among its data", in.Name)
		}
	}
	return nil
}

// output is one tensor of a response.
type output struct {
	tensorMeta
	binary bool
	texts  []string // or texts
	number []float64
	truth  []bool
}

// tensors returns the tensors of predicted rows.
func (r *rows) tensors() []*output {
	var list []*output
	for _, meta := range r.m.outputMeta() {
		meta.Shape[0] = r.n
		o := &output{tensorMeta: meta}
		if meta.Name == "label" {
			for i := range r.n {
				if p := r.m.Describe(r.outputs(i)); p.Labels != nil {
					o.texts = append(o.texts, p.Labels...)
				} else {
					o.texts = append(o.texts, p.Class)
				}
			}
		} else {
			o.number = r.out
		}
		list = append(list, o)
	}
	return list
}

// answer writes the requested tensors, in JSON or as binary data.
func (x *exchange) answer(request *inferRequest, r *rows, more extra) error {
	list, err := request.asked(r, append(r.tensors(), more.tensors(r)...))
	if err != nil {
		return err
	}
	b := append(x.memory.answer[:0], `{"model_name":`...)
	b = appendText(b, x.model.Name)
	b = append(b, `,"model_version":`...)
	b = appendText(b, x.model.Version)
	if request.ID != "" {
		b = appendText(append(b, `,"id":`...), request.ID)
	}
	if more.counts {
		b = append(append(b, `,"parameters":`...), r.countsJSON()...)
	}
	b = append(b, `,"outputs":[`...)
	isBinary := false
	for i, o := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = o.appendMeta(b)
		if o.binary {
			isBinary = true
			b = append(strconv.AppendInt(append(b, `,"parameters":{"binary_data_size":`...), int64(o.size()), 10), `}}`...)
			continue
		}
		b = append(o.appendData(append(b, `,"data":`...)), '}')
	}
	b = append(b, `]}`...)
	if !isBinary {
		x.memory.answer = b
		writeBytes(x.w, http.StatusOK, b)
		return nil
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set(headerLength, strconv.Itoa(len(b)))
	for _, o := range list {
		if o.binary {
			b = o.appendBinary(b)
		}
	}
	x.memory.answer = b
	h.Set("Content-Length", strconv.Itoa(len(b)))
	x.w.Write(b) // a failed write means that the client has disconnected
	return nil
}

// asked returns the outputs that the request names, or all if it names none, and sets for each whether
// it is binary.
func (request *inferRequest) asked(r *rows, all []*output) ([]*output, error) {
	binaryAll, _ := request.Parameters["binary_data_output"].(bool)
	for _, o := range all {
		o.binary = binaryAll
	}
	if len(request.Outputs) == 0 {
		return all, nil
	}
	var list []*output
	for _, asked := range request.Outputs {
		at := -1
		for i, o := range all {
			if o.Name == asked.Name {
				at = i
			}
		}
		if at < 0 {
			return nil, bad("there is no output %q; the model has %s, and with the parameters interval, sets and reasons come lower and upper, set, base and reasons", asked.Name, outputNames(r.m.outputMeta()))
		}
		if v, ok := asked.Parameters["binary_data"].(bool); ok {
			all[at].binary = v
		}
		list = append(list, all[at])
	}
	return list, nil
}

// appendMeta begins a JSON object with the output's name, datatype and shape.
func (o *output) appendMeta(b []byte) []byte {
	b = appendText(append(b, `{"name":`...), o.Name)
	b = appendText(append(b, `,"datatype":`...), o.Datatype)
	b = append(b, `,"shape":`...)
	return appendList(b, len(o.Shape), func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(o.Shape[i]), 10) })
}

// appendData writes the output's elements as a JSON list. An output has only one kind of elements.
func (o *output) appendData(b []byte) []byte {
	switch {
	case o.texts != nil:
		return appendList(b, len(o.texts), func(b []byte, i int) []byte { return appendText(b, o.texts[i]) })
	case o.truth != nil:
		return appendList(b, len(o.truth), func(b []byte, i int) []byte { return strconv.AppendBool(b, o.truth[i]) })
	}
	return appendList(b, len(o.number), func(b []byte, i int) []byte { return appendFloat(b, o.number[i]) })
}

// size returns the length of what appendBinary writes.
func (o *output) size() int {
	n := len(o.truth) + 8*len(o.number)
	for _, s := range o.texts {
		n += 4 + len(s)
	}
	return n
}

// appendBinary writes the output's elements as the binary data of Triton's extension.
func (o *output) appendBinary(b []byte) []byte {
	b = slices.Grow(b, o.size())
	for _, s := range o.texts {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	for _, v := range o.truth {
		b = append(b, 0)
		if v {
			b[len(b)-1] = 1
		}
	}
	for _, v := range o.number {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// countsJSON writes how many cells were missing or never seen, in total and by column:
// {"missing": 1, "missing.age": 1, "unseen": 0}.
func (r *rows) countsJSON() []byte {
	counts := map[string]int64{"missing": 0, "unseen": 0}
	for i, name := range r.m.columns {
		if n := r.missing[i]; n > 0 {
			counts["missing"] += n
			counts["missing."+name] = n
		}
		if n := r.unseen[i]; n > 0 {
			counts["unseen"] += n
			counts["unseen."+name] = n
		}
	}
	b, err := json.Marshal(counts)
	if err != nil {
		panic("serve: " + err.Error()) // marshaling numbers cannot fail
	}
	return b
}
