package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/nlpodyssey/safetensors"
)

// ErrFile is wrapped by every complaint about a model file.
var ErrFile = errors.New("model file")

// formatVersion is of the JSON in the file's metadata; a reader refuses a newer one.
const formatVersion = 1

// Where the JSON and the checksum stand in the safetensors metadata.
const (
	metadataKey = "gradus"
	sumKey      = "gradus_sha256"
)

// noSum stands in the place of the checksum in the bytes it is of.
var noSum = strings.Repeat("0", 2*sha256.Size)

// header is the JSON. Everything but the weights is in it.
type header struct {
	Format    int            `json:"format"`
	Checksum  bool           `json:"checksum,omitempty"` // the metadata has one; so files from before it had load
	Precision string         `json:"precision"`
	Inputs    int            `json:"inputs"`
	Layers    []headerLayer  `json:"layers"`
	Loss      string         `json:"loss"`
	Threshold float64        `json:"threshold,omitempty"` // of two classes; without one it is 0.5
	Encoding  *data.Encoding `json:"encoding"`
	Options   Options        `json:"options"`
	Training  *Training      `json:"training"`
}

type headerLayer struct {
	Units      int     `json:"units"`
	Activation string  `json:"activation"`
	Bias       bool    `json:"bias"`
	Norm       string  `json:"norm,omitempty"`
	Dropout    float64 `json:"dropout,omitempty"`
}

// Save writes the model to one safetensors file: tensors layers.K.weight of shape [in, out]
// and layers.K.bias of shape [out], those of norms, all of shape [out], under the names of
// nn.Network's Tensors, and everything else as JSON under "gradus" in the metadata. Beside it, under
// "gradus_sha256", stands the SHA-256 in hex of the whole file with zeros in its own place. The file
// appears whole or not at all.
func (m *Model) Save(path string) error { return atomicfile.Write(path, m.Write) }

// Write writes what Save puts into the file.
func (m *Model) Write(w io.Writer) error {
	text, err := json.Marshal(m.header())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	tensors, metadata := m.tensors(), map[string]string{metadataKey: string(text), sumKey: noSum}
	sum := sha256.New()
	if err := safetensors.SerializeToWriter(tensors, metadata, sum); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	metadata[sumKey] = hex.EncodeToString(sum.Sum(nil))
	return safetensors.SerializeToWriter(tensors, metadata, w)
}

// sumMatches reports whether a file's bytes are those that its checksum is of.
func sumMatches(raw []byte, sum string) bool {
	place := []byte(`"` + sumKey + `":"` + sum + `"`)
	at := bytes.Index(raw, place)
	if at < 0 {
		return false
	}
	at += len(place) - 1 - len(sum)
	h := sha256.New()
	h.Write(raw[:at])
	io.WriteString(h, noSum)
	h.Write(raw[at+len(sum):])
	return sum == hex.EncodeToString(h.Sum(nil))
}

func (m *Model) header() header {
	inputs, layers, _ := m.engine.shape()
	h := header{
		Format: formatVersion, Checksum: true, Precision: m.Precision(), Inputs: inputs, Loss: m.Loss.String(),
		Encoding: m.Encoding, Options: m.Options, Training: &m.Training,
	}
	if m.Threshold != 0.5 {
		h.Threshold = m.Threshold
	}
	for _, l := range layers {
		norm := ""
		if l.Norm != nn.NoNorm {
			norm = l.Norm.String()
		}
		h.Layers = append(h.Layers, headerLayer{l.Units, l.Activation.String(), !l.NoBias, norm, l.Dropout})
	}
	return h
}

// tensors are the weights under their names.
func (m *Model) tensors() map[string]safetensors.TensorView {
	if n := m.Network32(); n != nil {
		return tensorsOf(n)
	}
	return tensorsOf(m.Network64())
}

func tensorsOf[T nn.Float](n *nn.Network[T]) map[string]safetensors.TensorView {
	out := map[string]safetensors.TensorView{}
	add := func(name string, data []T, shape ...uint64) {
		dtype, bytes := safetensors.F32, make([]byte, 0, len(data)*8)
		for _, v := range data {
			switch v := any(v).(type) {
			case float32:
				bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(v))
			case float64:
				dtype = safetensors.F64
				bytes = binary.LittleEndian.AppendUint64(bytes, math.Float64bits(v))
			}
		}
		view, err := safetensors.NewTensorView(dtype, shape, bytes)
		if err != nil {
			panic("model: " + err.Error()) // the shape is the network's own
		}
		out[name] = view
	}
	for _, t := range n.Tensors() {
		add(t.Name, t.Data, shapeOf(t)...)
	}
	return out
}

// shapeOf is [in, out] or [out].
func shapeOf[T nn.Float](t nn.Tensor[T]) []uint64 {
	if t.Rows == 0 {
		return []uint64{uint64(t.Cols)}
	}
	return []uint64{uint64(t.Rows), uint64(t.Cols)}
}

// Load reads a model file and checks all of it: a file in which a bit is not as it was saved is
// refused. One that was saved before model files had a checksum loads without it. No code is
// executed by loading. A file that names custom activations, losses or rules needs them in custom;
// what is missing is named. The model's Options have all of custom, so that they can train again.
func Load(path string, custom ...Custom) (*Model, error) {
	file, err := openWeights(path)
	if err != nil {
		return nil, err
	}
	return file.model(custom)
}

// model is the model whose file this is.
func (file *Weights) model(custom []Custom) (m *Model, err error) {
	bad := func(format string, args ...any) (*Model, error) { return nil, file.bad(format, args...) }
	text, ok := file.metadata[metadataKey]
	if !ok {
		return bad("this is a safetensors file, but not one of gradus: its metadata has no %q", metadataKey)
	}
	var h header
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return bad("its metadata cannot be read: %w", err)
	}
	switch {
	case h.Format > formatVersion:
		return bad("it has format %d and this gradus reads up to %d; use a newer gradus", h.Format, formatVersion)
	case h.Format < 1 || h.Encoding == nil || h.Training == nil || h.Training.Metrics.Train == nil ||
		h.Options.LR == nil || h.Options.Patience == nil || len(h.Layers) == 0:
		return bad("its metadata is incomplete")
	}
	if err := h.Encoding.Validate(); err != nil {
		return bad("%w", err)
	}
	var all Custom
	for _, c := range custom {
		all.add(c)
	}
	m = &Model{Encoding: h.Encoding, Options: h.Options, Training: *h.Training}
	m.Options.Custom = all
	var missing []string
	var layers []nn.Dense
	for i, l := range h.Layers {
		f, err := nn.ParseActivation(l.Activation, all.Activations...)
		if err != nil {
			missing = append(missing, fmt.Sprintf("the activation %q of layer %d", l.Activation, i))
		}
		norm, err := nn.ParseNorm(or(l.Norm, "none"))
		if err != nil {
			return bad("layer %d: %w", i, err)
		}
		layers = append(layers, nn.Dense{Units: l.Units, Activation: f, NoBias: !l.Bias, Init: nn.Zeros, Norm: norm, Dropout: l.Dropout})
	}
	if m.Loss, err = nn.ParseLoss(h.Loss, all.Losses...); err != nil {
		missing = append(missing, fmt.Sprintf("the loss %q", h.Loss))
	}
	if _, err := optim.ParseRule(h.Options.Optimizer, optim.Hyper{}, all.Rules...); err != nil && !slices.Contains(optim.Solvers(), h.Options.Optimizer) {
		missing = append(missing, fmt.Sprintf("the rule %q", h.Options.Optimizer))
	}
	if missing != nil {
		return bad("it was made with %s, which gradus does not know: a program that has them gives them to model.Load", strings.Join(missing, ", "))
	}
	out := layers[len(layers)-1]
	if err := nn.Compatible(m.Loss, out.Activation, out.Units); err != nil {
		return bad("%w", err)
	}
	switch {
	case h.Inputs != h.Encoding.Width():
		return bad("its network has %d inputs, its columns make %d", h.Inputs, h.Encoding.Width())
	case out.Units != h.Encoding.Outputs():
		return bad("its network has %d outputs, its targets take %d", out.Units, h.Encoding.Outputs())
	case !(h.Threshold >= 0 && h.Threshold < 1) || h.Threshold != 0 && m.Task() != data.Binary:
		return bad("its threshold is %v, which is not between 0 and 1, or its task is not of two classes", h.Threshold)
	case !outputFits(m.Task(), out.Activation, m.Loss == nn.Hinge):
		return bad("the outputs of %s classification are probabilities, and %s gives none", m.Task(), out.Activation)
	}
	m.Threshold = or(h.Threshold, 0.5)
	switch h.Precision {
	case "float32":
		m.engine, err = loadNetwork[float32](file, h.Inputs, layers)
	case "float64":
		m.engine, err = loadNetwork[float64](file, h.Inputs, layers)
	default:
		return bad("its precision is %q, not float32 or float64", h.Precision)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// loadNetwork takes the weights of a network from a file that must hold just those.
func loadNetwork[T nn.Float](file *Weights, inputs int, layers []nn.Dense) (engine, error) {
	params, err := nn.ParamCount(inputs, layers...)
	state := nn.StateCount(layers...)
	if err == nil && params+state != file.count {
		err = fmt.Errorf("its layers have %d parameters and %d running statistics, its tensors %d numbers", params, state, file.count)
	}
	if err != nil {
		return nil, file.bad("%w", err)
	}
	net, err := nn.New[T](inputs, 0, layers...)
	if err != nil {
		return nil, file.bad("%w", err)
	}
	if err := setWeights(net, file); err != nil {
		return nil, err
	}
	return newEngine(net), nil
}

// Weights are the tensors of a safetensors file: a model's, or bare ones named
// layers.0.weight and so on, of shape [in, out].
type Weights struct {
	path     string
	tensors  safetensors.SafeTensors
	metadata map[string]string
	count    int  // numbers in all tensors
	damaged  bool // the file is not as it was saved
}

// bad is the error for a file in which that is wrong.
func (w *Weights) bad(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if w.damaged {
		err = fmt.Errorf("%w (%s)", err, damage)
	}
	return fmt.Errorf("%s: %w: %w", w.path, ErrFile, err)
}

// damage is what is said of a damaged file.
const damage = "its checksum does not match: it is damaged, or another program has changed it since it was saved; fetch or make it again"

// LoadWeights reads a safetensors file whose tensors a run can start from. That of a model must be as
// it was saved; bare tensors have no checksum.
func LoadWeights(path string) (*Weights, error) { return openWeights(path) }

// noSuchFile says so in words and is fs.ErrNotExist.
type noSuchFile struct{}

func (noSuchFile) Error() string        { return "there is no such file" }
func (noSuchFile) Is(target error) bool { return target == fs.ErrNotExist }

func openWeights(path string) (*Weights, error) {
	bad := func(format string, args ...any) (*Weights, error) {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrFile, fmt.Errorf(format, args...))
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad("%w", noSuchFile{})
	case err != nil:
		return bad("it cannot be read: %w", cause(err))
	case info.IsDir():
		return bad("this is a folder; name the .safetensors file")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return bad("it cannot be read: %w", cause(err))
	}
	return readWeights(path, raw)
}

// cause is the reason of an error that has the path as well.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// readWeights reads what stands in a file.
func readWeights(path string, raw []byte) (*Weights, error) {
	bad := func(format string, args ...any) (*Weights, error) {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrFile, fmt.Errorf(format, args...))
	}
	if len(raw) < 8 {
		return bad("it has %d bytes; a safetensors file has at least 8", len(raw))
	}
	if n := binary.LittleEndian.Uint64(raw); n > uint64(len(raw)-8) {
		return bad("this is no safetensors file, or it is cut short: its header should have %d bytes and only %d follow", n, len(raw)-8)
	}
	_, metadata, err := safetensors.ReadMetadata(raw)
	if err != nil {
		return bad("this is no safetensors file, or it is damaged (cut short, too long, or its tensors overlap): %w", err)
	}
	tensors, err := safetensors.Deserialize(raw)
	if err != nil {
		return bad("this is no safetensors file, or it is damaged (cut short, too long, or its tensors overlap): %w", err)
	}
	w := &Weights{path: path, tensors: tensors, metadata: metadata.Metadata()}
	var says struct{ Checksum bool }
	json.Unmarshal([]byte(w.metadata[metadataKey]), &says) // what is wrong there, Load says
	sum, has := w.metadata[sumKey]
	w.damaged = has && !sumMatches(raw, sum) || says.Checksum && !has
	for _, t := range tensors.Tensors() {
		bits := t.TensorView.DType().Size()
		w.count += int(t.TensorView.DataLen() / max(1, bits))
	}
	return w, nil
}

// setWeights copies the tensors into a network of just that shape, converting between
// float32 and float64.
func setWeights[T nn.Float](net *nn.Network[T], w *Weights) error {
	bad := w.bad
	used := 0
	set := func(name string, dst []T, shape ...uint64) error {
		t, ok := w.tensors.Tensor(name)
		if !ok {
			return bad("it has no tensor %s; it has %s", name, tensorList(w.tensors.Names()))
		}
		used++
		got := t.Shape()
		same := len(got) == len(shape)
		for i := range shape {
			same = same && got[i] == shape[i]
		}
		if !same {
			return bad("%s has the shape %v, the network needs %v", name, got, shape)
		}
		bytes := t.Data()
		for i := range dst {
			var v float64
			switch t.DType() {
			case safetensors.F32:
				v = float64(math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:])))
			case safetensors.F64:
				v = math.Float64frombits(binary.LittleEndian.Uint64(bytes[8*i:]))
			default:
				return bad("%s holds numbers of another type than float32 and float64", name)
			}
			if dst[i] = T(v); dst[i]-dst[i] != 0 {
				return bad("%s holds %v at place %d, not a finite number", name, v, i)
			}
		}
		return nil
	}
	for _, t := range net.Tensors() {
		if err := set(t.Name, t.Data, shapeOf(t)...); err != nil {
			return err
		}
		if strings.HasSuffix(t.Name, ".norm.var") {
			for i, v := range t.Data {
				if v < 0 {
					return bad("%s holds %v at place %d, and a variance is not negative", t.Name, v, i)
				}
			}
		}
	}
	if extra := w.tensors.Len() - used; extra > 0 {
		return bad("it has %d tensors that the network has no place for: the network has %d layers; the file has %s", extra, net.Depth(), tensorList(w.tensors.Names()))
	}
	if w.damaged { // and nothing else shows it
		return fmt.Errorf("%s: %w: %s", w.path, ErrFile, damage)
	}
	return nil
}

func tensorList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.ReplaceAll(quoteList(names), `"`, "")
}
