package model

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/safetensors"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/nn"
)

// Model is a trained network with everything needed to pass a row of a table through
// it. It does not change, so many goroutines may use one. It comes from Train, Fit.Model, Load, Read or New: the zero value
// has no network, and its methods panic.
type Model struct {
	Encoding *data.Encoding
	Options  Options  // options of the training, with defaults filled in
	Training Training // how the training went
	Loss     nn.Loss  // the loss it was trained with
	// Threshold is the probability of the second of two classes above which that class is predicted.
	Threshold float64
	// Temperature divides the logits of the trained network; 1 does not change them. Calibrate sets it.
	Temperature float64
	// Shrinkage is how far the model is moved toward a guess that ignores the inputs; nil: not at all.
	Shrinkage *Shrinkage
	// Conformal holds the model's errors on rows that did not train it, for Intervals and Sets; nil if
	// unknown.
	Conformal *Conformal
	bounds    *Model    // predicts the bounds of the targets; nil if there are none
	ofBounds  bool      // it is the model of another one's bounds
	whole     engine    // with predictions and bounds; nil if there are none
	engine    engine    // the one that predicts; for an ensemble that of the first member
	trained   engine    // without temperature and shrinkage; nil if there are none
	ensemble  *ensemble // nil: the model is one network
}

// Rows counts the rows by their use.
type Rows struct {
	Train      int `json:"train"`
	Validation int `json:"validation"`
	Test       int `json:"test"`
	Unlabeled  int `json:"unlabeled"`            // left out, their target is missing
	Weightless int `json:"weightless,omitempty"` // left out, their weight is 0
}

// Task returns what the model predicts.
func (m *Model) Task() data.Task { return m.Encoding.Task }

// Columns returns the names of the input columns, in the order in which PredictValues takes them.
func (m *Model) Columns() []string { return m.Encoding.Columns() }

// Classes returns the classes in the order of their probabilities; nil for regression and
// for several labels.
func (m *Model) Classes() []string {
	if m.Task() == data.Regression || m.Task() == data.Multilabel {
		return nil
	}
	return m.Encoding.Classes()
}

// Targets returns the names of the target columns.
func (m *Model) Targets() []string {
	names := make([]string, len(m.Encoding.Targets))
	for i, t := range m.Encoding.Targets {
		names[i] = t.Name
	}
	return names
}

// Precision returns "float32" or "float64".
func (m *Model) Precision() string {
	if m.engine.single() != nil {
		return "float32"
	}
	return "float64"
}

// Parameters returns the number of weights and biases in the network, or in all networks of
// an ensemble.
func (m *Model) Parameters() int {
	_, _, n := m.network().shape()
	if members := m.Members(); members != nil {
		n = 0
		for _, m := range members {
			n += m.Parameters()
		}
	}
	return n
}

// DescribeNetwork describes the network in words: "8 - 64 relu - 1 identity". For an ensemble it adds
// the number of networks: "5 networks, 8 - 64 relu - 1 identity". Members with other layers follow after a
// semicolon. The encoding of a member depends on its training rows, so members with the same layers may have a few
// more or fewer inputs.
func (m *Model) DescribeNetwork() string {
	inputs, layers, _ := m.network().shape()
	if len(m.Members()) == 0 {
		return Describe(inputs, layers)
	}
	var kinds []string // the first member's description of each kind of layers
	of, count := map[string]int{}, map[int]int{}
	for _, member := range m.Members() {
		inputs, layers, _ := member.network().shape()
		kind := Describe(0, layers) + string(member.Options.Scale)
		if _, known := of[kind]; !known {
			of[kind] = len(kinds)
			kinds = append(kinds, Describe(inputs, layers))
		}
		count[of[kind]]++
	}
	for i, text := range kinds {
		kinds[i] = plural.Of(count[i], "network") + ", " + text
	}
	return strings.Join(kinds, "; ")
}

// Network64 returns the network in float64. If the model's own network is float64, it is returned
// and must not be changed; otherwise the result is a copy. It is the network that predicts: a
// Temperature has divided the weights and biases of the last layer. AsTrained has them as they were
// trained and as they are in the file. For an ensemble it is the network of the first member: see Members.
func (m *Model) Network64() *nn.Network[float64] { return m.engine.double() }

// Network32 returns the network if it is float32, otherwise nil. Network64 says which network it is. It
// must not be changed.
func (m *Model) Network32() *nn.Network[float32] { return m.engine.single() }

// WeightsSHA256 returns the SHA-256 of the bytes of all parameters as they were trained, as lower-case hex.
// The bytes are little-endian, in the order of the model file. Two models with the same sum have the same
// network, or the same members.
func (m *Model) WeightsSHA256() string {
	if members := m.Members(); members != nil {
		if m.Precision() == "float32" {
			return safetensors.Sum(memberTensors(members, trained32))
		}
		return safetensors.Sum(memberTensors(members, trained64))
	}
	m = m.stored()
	if n := m.Network32(); n != nil {
		return safetensors.Sum(tensorsOf(n))
	}
	return safetensors.Sum(tensorsOf(m.Network64()))
}

// Outputs returns how many numbers a prediction has: one for each target of a regression
// and each label, else one for each class.
func (m *Model) Outputs() int {
	if m.Task() == data.Binary {
		return 2
	}
	return m.Encoding.Outputs()
}

// ErrRow is wrapped by errors about rows given to PredictRow, PredictRows, PredictNumbers or PredictValues.
var ErrRow = errors.New("row")

// RowError says which value of which row is invalid, and why. errors.As finds it in the errors of
// predictions from rows and from tables, and in those of reading a table.
type RowError = data.RowError

// Prediction is the model's prediction for one row.
type Prediction struct {
	Values        []float64 `json:"values,omitempty"`        // regression: one for each target, in its own unit
	Class         string    `json:"class,omitempty"`         // two classes: by Threshold; more: the most probable one
	Labels        []string  `json:"labels,omitempty"`        // several labels: the more probable value of each target
	Probabilities []float64 `json:"probabilities,omitempty"` // one for each class in the order of Classes; several labels: that of each target's second value

	// From PredictRow, the columns whose value is not encoded as it is.
	Imputed []string `json:"imputed,omitempty"` // it is missing
	Unseen  []string `json:"unseen,omitempty"`  // it is a category that was not in the training rows
}

// MarshalJSON writes null for a number that is not finite.
func (p Prediction) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(p) }

// UnmarshalJSON reads null as NaN.
func (p *Prediction) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, p) }

// PredictOptions say how a table or a row is read; the zero value is the default.
type PredictOptions struct {
	BadAsMissing bool // a cell of a table whose type differs from training is missing, and counted; default: an error
	Strict       bool // a category that was not in the training rows is an error that wraps data.ErrUnseen; default: predicted and counted
}

// Predict returns the predictions for every row of a table, row by row, Outputs numbers each: values in the targets'
// own units, or probabilities. Columns are found by name. The counts say which cells were missing or held a category
// not seen in training. If the table's cells are on a disk (see data.Spill), the predictions are stored there as
// well.
func (m *Model) Predict(t *data.Table, with ...PredictOptions) (p []float64, counts data.Counts, err error) {
	defer spill.Guard(&err)()
	o, err := m.options(with)
	if err != nil {
		return nil, nil, err
	}
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, nil, err
	}
	if o.BadAsMissing {
		b.BadAsMissing()
	}
	rows := spill.Must[int](t.Spilled(), t.Rows())
	for i := range rows {
		rows[i] = i
	}
	p, counts, err = m.predictRows(b, rows, nil)
	if err == nil && o.Strict {
		err = m.knowsTable(t, counts)
	}
	if err != nil {
		return nil, nil, err
	}
	return p, counts, nil
}

// predictRows returns the predictions for rows of a table. If loss is not nil, it adds their loss
// to it. For an ensemble the caller must add the loss, because it is the loss of the mean predictions.
func (m *Model) predictRows(b *data.Binding, rows []int, loss *rowsLoss) ([]float64, data.Counts, error) {
	if m.ensemble != nil {
		return m.ensemble.predictRows(b, rows)
	}
	predictions, counts, err := m.outputRows(b, rows, loss)
	return m.paired(b.Spilled(), predictions), counts, err
}

// outputRows is predictRows for a single network, and for two classes returns only the probability of the second.
func (m *Model) outputRows(b *data.Binding, rows []int, loss *rowsLoss) ([]float64, data.Counts, error) {
	predictions := spill.Must[float64](b.Spilled(), len(rows)*m.Encoding.Outputs())
	counts, err := m.engine.predict(b, rows, predictions, loss)
	if err != nil {
		return nil, nil, err
	}
	m.finishOutputs(predictions)
	return predictions, counts, nil
}

// predictOf is predictRows for some rows of a table.
func (m *Model) predictOf(t *data.Table, rows []int) ([]float64, error) {
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, err
	}
	p, _, err := m.predictRows(b, rows, nil)
	return p, err
}

// finishRows is finishRowsIn in memory.
func (m *Model) finishRows(raw []float64) []float64 { return m.finishRowsIn(nil, raw) }

// finishRowsIn turns the network's outputs of some rows into predictions. For two classes
// it makes a probability for each. It changes raw.
func (m *Model) finishRowsIn(disk *data.Spill, raw []float64) []float64 {
	m.finishOutputs(raw)
	return m.paired(disk, raw)
}

// finishOutputs turns the network's outputs of some rows into predictions, without a probability of the first of two classes.
func (m *Model) finishOutputs(raw []float64) {
	for width := m.Encoding.Outputs(); len(raw) > 0; raw = raw[width:] {
		m.finish(raw[:width])
	}
}

// paired returns the predictions of finished outputs. For two classes, they are a copy with the probability of the first.
func (m *Model) paired(disk *data.Spill, predictions []float64) []float64 {
	if m.Outputs() == m.Encoding.Outputs() {
		return predictions
	}
	out := spill.Must[float64](disk, len(predictions)*2)
	for i, p := range predictions {
		out[2*i], out[2*i+1] = 1-p, p
	}
	return out
}

// finish turns the network's outputs of one row into a prediction, in place. A decision
// value d of hinge loss becomes sigmoid(d), which is above one half if d is above 0. It can
// rank and decide, but it is not a calibrated probability.
func (m *Model) finish(y []float64) {
	switch m.Task() {
	case data.Binary, data.Multilabel:
		if m.Loss == nn.Hinge {
			for j := range y {
				y[j] = nn.Sigmoid.F(y[j])
			}
		}
	case data.Regression:
		for j := range y {
			t := &m.Encoding.Targets[j]
			y[j] = float64(y[j]*t.Scale) + t.Center
		}
	case data.Multiclass: // sigmoid outputs do not sum to 1
		sum := 0.0
		for _, p := range y {
			sum += p
		}
		if sum > 0 {
			for j := range y {
				y[j] /= sum
			}
		}
	}
}

// PredictValues predicts one row without allocating. row has a value for each of Columns,
// in that order. out has length Outputs and is set as by Predict.
func (m *Model) PredictValues(row []data.Value, out []float64, with ...PredictOptions) error {
	o, err := m.rowOptions(with)
	if err != nil {
		return err
	}
	if o.Strict && len(row) == len(m.Encoding.Inputs) {
		if err := m.knowsRow(0, row); err != nil {
			return fmt.Errorf("%w: %w", ErrRow, err)
		}
	}
	return m.predictValues(row, out)
}

func (m *Model) predictValues(row []data.Value, out []float64) error {
	if len(out) != m.Outputs() {
		return fmt.Errorf("%w: there is room for %d outputs, the model has %d", ErrRow, len(out), m.Outputs())
	}
	if m.ensemble != nil {
		return m.ensemble.predictValues(row, out)
	}
	if m.Task() == data.Binary {
		if err := m.engine.predictRow(m.Encoding, row, out[1:]); err != nil {
			return fmt.Errorf("%w: %w", ErrRow, err)
		}
		m.finish(out[1:])
		out[0] = 1 - out[1]
		return nil
	}
	if err := m.engine.predictRow(m.Encoding, row, out); err != nil {
		return fmt.Errorf("%w: %w", ErrRow, err)
	}
	m.finish(out)
	return nil
}

// PredictRows predicts many rows at once, one after another in rows. Each has a value for each
// of Columns, in that order. out has Outputs numbers for each row. The results are those of
// PredictValues. An error says which row it is about, starting at 0.
func (m *Model) PredictRows(rows []data.Value, out []float64, with ...PredictOptions) error {
	return m.predictCells(cells{values: rows}, out, with)
}

// PredictNumbers predicts many rows of numbers at once, one after another in rows, as PredictRows predicts values of
// data.Number. NaN is missing. It reads a quarter of the memory that the same rows take as values.
func (m *Model) PredictNumbers(rows, out []float64, with ...PredictOptions) error {
	return m.predictCells(cells{numbers: rows}, out, with)
}

func (m *Model) predictCells(rows cells, out []float64, with []PredictOptions) error {
	o, err := m.rowOptions(with)
	if err != nil {
		return err
	}
	columns, outputs := len(m.Encoding.Inputs), m.Outputs()
	n := rows.len() / columns
	if rows.len()%columns != 0 || len(out) != n*outputs {
		return fmt.Errorf("%w: %d values and room for %d outputs are not whole rows of %d and %d", ErrRow, rows.len(), len(out), columns, outputs)
	}
	for i := 0; o.Strict && i < n; i++ {
		if err := m.knowsRow(i, rows.row(i, columns)); err != nil {
			return ofRow(i, err)
		}
	}
	if m.ensemble != nil {
		return m.ensemble.predictCells(rows, out)
	}
	width := m.Encoding.Outputs()
	raw := out[len(out)-n*width:] // for two classes the second half of out
	if err := m.engine.predictCells(m.Encoding, rows, raw); err != nil {
		return err
	}
	for i := range n {
		m.finish(raw[i*width:][:width])
	}
	if outputs != width {
		for i, p := range raw {
			out[2*i], out[2*i+1] = 1-p, p
		}
	}
	return nil
}

// PredictRow predicts one row given as named values. A value is a number of any Go type, a string as
// it would be in a file, a boolean, time.Time, data.Value, or nil for a missing one, so the map may
// come from JSON. data.Value says which of them a column takes; any other is an error that names the
// column. A column without a value is an error that names it. Names that are not columns are ignored.
// The prediction says which values were missing, or were categories not in the training rows. If there
// is an error, the prediction is empty, so check the error first.
func (m *Model) PredictRow(row map[string]any, with ...PredictOptions) (Prediction, error) {
	columns := m.Columns()
	values := make([]data.Value, len(columns))
	var missing []string
	for i, name := range columns {
		v, ok := row[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		var err error
		if values[i], err = data.ValueOf(v); err != nil {
			return Prediction{}, fmt.Errorf("%w: %w", ErrRow, &RowError{Column: name, Reason: data.Notef("%v", err), Err: err})
		}
	}
	if len(missing) > 0 {
		return Prediction{}, fmt.Errorf("%w: %w", ErrRow, noValue(missing))
	}
	out := make([]float64, m.Outputs())
	if err := m.PredictValues(values, out, with...); err != nil {
		return Prediction{}, err
	}
	p := m.Describe(out)
	p.Imputed, p.Unseen = m.gaps(values)
	return p, nil
}

// noValue returns the error about columns for which a row has no value.
func noValue(columns []string) error {
	reason := "no value for it"
	if len(columns) > 1 {
		reason += ", nor for " + quoteList(columns[1:])
	}
	return &RowError{Column: columns[0], Reason: data.Notef("%s; give nil for a missing value", reason), Err: data.ErrColumn}
}

// Describe turns one row of the result of Predict into a Prediction.
func (m *Model) Describe(out []float64) Prediction {
	switch m.Task() {
	case data.Regression:
		return Prediction{Values: out}
	case data.Multilabel:
		p := Prediction{Probabilities: out, Labels: make([]string, len(out))}
		for j, v := range out {
			p.Labels[j] = m.Encoding.Targets[j].Classes[0]
			if v > 0.5 {
				p.Labels[j] = m.Encoding.Targets[j].Classes[1]
			}
		}
		return p
	}
	best := 0
	if m.Task() == data.Binary {
		if out[1] > m.Threshold {
			best = 1
		}
	} else {
		for j, v := range out {
			if v > out[best] {
				best = j
			}
		}
	}
	return Prediction{Probabilities: out, Class: m.Encoding.Targets[0].Classes[best]}
}
