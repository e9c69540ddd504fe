package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Score is the value of one metric, with its name in JSON.
type Score struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Scores are metrics in the order of reports. In JSON they are one object,
// {"accuracy":0.97,...}, with null for a value that is not finite. Reading it back gives
// NaN for null. The zero value is ready to use.
type Scores []Score

// place returns the rank of a name in the order of reports. Names that are not in the table come last.
func place(name string) int {
	base, _, _ := strings.Cut(name, ":")
	if i := slices.IndexFunc(table, func(m metric) bool { return m.name == base }); i >= 0 {
		return i
	}
	return len(table)
}

// Get returns the value with that name, and whether there is one.
func (s Scores) Get(name string) (float64, bool) {
	for _, score := range s {
		if score.Name == name {
			return score.Value, true
		}
	}
	return 0, false
}

// Set replaces the value with that name, or inserts it at its place. The names of this
// package (and "loss", which the trainer knows) are in the order of reports. Other names
// follow in the order in which they are set.
func (s *Scores) Set(name string, value float64) {
	at := len(*s)
	for i, score := range *s {
		if score.Name == name {
			(*s)[i].Value = value
			return
		}
		if at == len(*s) && place(score.Name) > place(name) {
			at = i
		}
	}
	*s = slices.Insert(*s, at, Score{name, value})
}

// Only returns the scores with these names, in the order of reports.
func (s Scores) Only(names []string) Scores {
	var out Scores
	for _, score := range s {
		if slices.Contains(names, score.Name) {
			out = append(out, score)
		}
	}
	return out
}

// MarshalJSON writes the object that Scores describes.
func (s Scores) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, score := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeKey(&b, score.Name); err != nil {
			return nil, err
		}
		if math.IsNaN(score.Value) || math.IsInf(score.Value, 0) {
			b.WriteString("null")
		} else if err := writeJSON(&b, score.Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads such an object.
func (s *Scores) UnmarshalJSON(raw []byte) error {
	*s = nil
	return readObject(raw, func(name string, d *json.Decoder) error { return s.read(name, d) })
}

// read decodes one value and sets it under the name.
func (s *Scores) read(name string, d *json.Decoder) error {
	var v *float64
	if err := d.Decode(&v); err != nil {
		return err
	}
	if v == nil {
		s.Set(name, math.NaN())
	} else {
		s.Set(name, *v)
	}
	return nil
}

// Report is the result for one set of predictions. In JSON it is the object of its scores
// with up to two more keys: "confusion", [[...],...], and "outputs", a list of reports.
type Report struct {
	Scores

	// Confusion is the weight of the rows (their number, without weights) by true class,
	// then predicted class. It is nil if there are no classes, no rows, or a NaN among the
	// predictions.
	Confusion [][]float64

	// Outputs are the reports of each target of several, or of each label, on its own.
	Outputs []Report
}

// average sets the mean of a score over the reports that have it, if there are any.
func (r *Report) average(name, from string, of []Report) {
	var sum float64
	n := 0
	for _, o := range of {
		if v, ok := o.Get(from); ok {
			sum += v
			n++
		}
	}
	if n > 0 {
		r.Set(name, sum/float64(n))
	}
}

// MarshalJSON writes the object that Report describes.
func (r Report) MarshalJSON() ([]byte, error) {
	raw, err := r.Scores.MarshalJSON()
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(bytes.TrimSuffix(raw, []byte("}")))
	add := func(name string, v any) {
		if err != nil {
			return
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		if err = writeKey(b, name); err == nil {
			err = writeJSON(b, v)
		}
	}
	if r.Confusion != nil {
		add("confusion", r.Confusion)
	}
	if r.Outputs != nil {
		add("outputs", r.Outputs)
	}
	b.WriteByte('}')
	return b.Bytes(), err
}

// UnmarshalJSON reads such an object.
func (r *Report) UnmarshalJSON(raw []byte) error {
	*r = Report{}
	return readObject(raw, func(name string, d *json.Decoder) error {
		switch name {
		case "confusion":
			return d.Decode(&r.Confusion)
		case "outputs":
			return d.Decode(&r.Outputs)
		}
		return r.read(name, d)
	})
}

func writeKey(b *bytes.Buffer, name string) error {
	err := writeJSON(b, name)
	b.WriteByte(':')
	return err
}

func writeJSON(b *bytes.Buffer, v any) error {
	raw, err := json.Marshal(v)
	b.Write(raw)
	return err
}

// readObject calls each with every key of a JSON object, in order, and a decoder placed
// before its value. As in the json package, null changes nothing.
func readObject(raw []byte, each func(name string, d *json.Decoder) error) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	first, err := d.Token()
	if err != nil || first == nil {
		return err
	}
	if first != json.Delim('{') {
		return fmt.Errorf("metrics: %v is not an object of names and values", first)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if err := each(name.(string), d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
