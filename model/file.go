package model

import (
	"cmp"
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
	"github.com/gradus-ml/gradus/internal/safetensors"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// ErrFile is wrapped by every error about a model file.
var ErrFile = errors.New("model file")

// formatVersion is the version of the JSON in the file's metadata; a reader refuses a newer one.
const (
	formatVersion  = 1
	ensembleFormat = 2 // of a file with members; a version of gradus without ensembles refuses it
)

// header is the JSON. It contains everything but the weights. It describes the network in the
// format of package nn, so that nn.Read finds the network in a model file.
type header struct {
	Format      int            `json:"format"`
	Checksum    bool           `json:"checksum,omitempty"` // the metadata has a checksum; files from before checksums can still be loaded
	Precision   string         `json:"precision"`
	Inputs      int            `json:"inputs"`
	Layers      []nn.LayerSpec `json:"layers"`
	Loss        string         `json:"loss"`
	Threshold   float64        `json:"threshold,omitempty"`   // of two classes; 0.5 if absent
	Temperature float64        `json:"temperature,omitempty"` // divides the logits; no change if absent
	Shrinkage   *Shrinkage     `json:"shrinkage,omitempty"`   // toward the guess
	Conformal   *Conformal     `json:"conformal,omitempty"`
	Bounds      *Conformal     `json:"bounds,omitempty"` // of the learned bounds
	Encoding    *data.Encoding `json:"encoding"`
	Options     Options        `json:"options"`
	Training    *Training      `json:"training"`
	Members     []header       `json:"members,omitempty"` // of an ensemble; they hold the inputs, layers, loss and encoding
}

// Save writes the model to one safetensors file. The tensors are layers.K.weight of shape [in, out] and
// layers.K.bias of shape [out], and those of norms, all of shape [out], under the names of nn.Network's
// Tensors. Everything else is JSON under "gradus" in the metadata. Under "gradus_sha256" the metadata
// has a SHA-256 in hex. It is that of the whole file with zeros in place of the sum. The file is
// written completely or not at all. The tensors of member N of an ensemble are called
// members.N.layers.K and so on, and the JSON has the JSON of each member under "members".
func (m *Model) Save(path string) error { return atomicfile.Write(path, m.Write) }

// Write writes the content of the file that Save writes.
func (m *Model) Write(w io.Writer) error {
	text, err := json.Marshal(m.header())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	if members := m.Members(); members != nil {
		if m.Precision() == "float32" {
			return safetensors.Write(w, memberTensors(members, trained32), string(text))
		}
		return safetensors.Write(w, memberTensors(members, trained64), string(text))
	}
	trained := m.stored()
	if n := trained.Network32(); n != nil {
		return safetensors.Write(w, tensorsOf(n), string(text))
	}
	return safetensors.Write(w, tensorsOf(trained.Network64()), string(text))
}

func (m *Model) header() header {
	inputs, layers, _ := m.network().shape()
	h := header{
		Format: formatVersion, Checksum: true, Precision: m.Precision(), Inputs: inputs, Loss: m.Loss.String(),
		Encoding: m.Encoding, Options: m.Options, Training: &m.Training,
	}
	if m.Threshold != 0.5 {
		h.Threshold = m.Threshold
	}
	h.Conformal, h.Shrinkage = m.Conformal, m.Shrinkage
	if m.bounds != nil {
		h.Bounds = m.bounds.Conformal
	}
	if members := m.Members(); members != nil {
		h.Format, h.Inputs, h.Loss, h.Encoding = ensembleFormat, 0, "", nil
		for _, m := range members {
			h.Members = append(h.Members, m.header())
		}
		return h
	}
	if m.Temperature != 1 {
		h.Temperature = m.Temperature
	}
	for _, l := range layers {
		h.Layers = append(h.Layers, l.Spec())
	}
	return h
}

// tensorsOf returns the weights under their names.
func tensorsOf[T nn.Float](n *nn.Network[T]) []safetensors.Tensor[T] {
	var out []safetensors.Tensor[T]
	for _, t := range n.Tensors() {
		out = append(out, safetensors.Tensor[T](t))
	}
	return out
}

// Load reads a model file and checks all of it. A file with a changed bit is refused. A file that was
// saved before model files had a checksum loads without the check. Loading executes no code. A file
// that names custom activations, losses or optimizers needs them in custom; an error names what is
// missing, and wraps nn.ErrActivation if that is an activation. The model's Options contain all of custom, so that they can be used to train again.
func Load(path string, custom ...Custom) (*Model, error) {
	return loadModel(path, os.Stat, os.ReadFile, custom)
}

// LoadFS is Load from a file system, such as an embed.FS, so that a program can contain its model.
func LoadFS(fsys fs.FS, name string, custom ...Custom) (*Model, error) {
	stat := func(name string) (fs.FileInfo, error) { return fs.Stat(fsys, name) }
	read := func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) }
	return loadModel(name, stat, read, custom)
}

func loadModel(name string, stat func(string) (fs.FileInfo, error), read func(string) ([]byte, error), custom []Custom) (*Model, error) {
	file, err := openWeights(name, stat, read)
	if err != nil {
		return nil, err
	}
	return file.model(custom)
}

// Read is Load from a reader. It reads to the end. The content is what Write wrote, or
// the bytes of a model file.
func Read(r io.Reader, custom ...Custom) (*Model, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read: %w", ErrFile, err)
	}
	file, err := readWeights("", raw)
	if err != nil {
		return nil, err
	}
	return file.model(custom)
}

// model returns the model in the file.
func (file *Weights) model(custom []Custom) (m *Model, err error) {
	bad := func(format string, args ...any) (*Model, error) { return nil, file.bad(format, args...) }
	text := file.tensors.Text
	if text == "" {
		return bad("this is a safetensors file, but not one of gradus: its metadata has no %q", safetensors.Key)
	}
	var h header
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return bad("its metadata cannot be read: %w", err)
	}
	if h.Encoding == nil && h.Training == nil && h.Format >= 1 && len(h.Layers) > 0 {
		return bad("this is a network without columns: nn.Read reads it, and model.New makes a model of it")
	}
	var all Custom
	for _, c := range custom {
		all.add(c)
	}
	if h.Format == ensembleFormat {
		return file.ensemble(&h, all)
	}
	m, layers, err := file.member(&h, all, "")
	if err != nil {
		return nil, err
	}
	if h.Precision == "float32" {
		m.engine, err = loadNetwork[float32](file, h.Inputs, layers)
	} else {
		m.engine, err = loadNetwork[float64](file, h.Inputs, layers)
	}
	if err != nil {
		return nil, err
	}
	m.separateBounds()
	return m, file.calibrated(m, &h, "")
}

// calibrated sets the temperature, the shrinkage and the errors for conformal prediction from a header.
func (file *Weights) calibrated(m *Model, h *header, where string) error {
	if t := h.Temperature; t != 0 {
		if !(t > 0) || math.IsInf(t, 0) || !m.tempers() {
			return file.bad("%sits temperature is %v, which is not a positive number, or its outputs have no logits to divide", where, t)
		}
		m.setTemperature(t)
	}
	if s := h.Shrinkage; s != nil {
		if err := s.validate(m); err != nil {
			return file.bad("%s%w", where, err)
		}
		if m.Shrinkage = s; m.ensemble == nil { // its members have it themselves
			m.adjust()
		}
	}
	if m.Conformal = h.Conformal; m.Conformal != nil {
		if err := m.Conformal.validate(m); err != nil {
			return file.bad("%s%w", where, err)
		}
	}
	if h.Bounds == nil {
		return nil
	}
	if m.bounds == nil {
		return file.bad("%sit says how far bounds were off, and its network has no bounds", where)
	}
	m.bounds.Conformal = h.Bounds
	if err := h.Bounds.validate(m.bounds); err != nil {
		return file.bad("%s%w", where, err)
	}
	return nil
}

// ensemble returns the model of a file that holds several members.
func (file *Weights) ensemble(h *header, custom Custom) (*Model, error) {
	switch {
	case len(h.Members) == 0 || h.Training == nil || h.Training.Metrics.Train == nil || h.Options.LearningRate == nil || h.Options.Patience == nil:
		return nil, file.bad("its metadata is incomplete")
	case h.Encoding != nil || len(h.Layers) > 0:
		return nil, file.bad("its metadata has a network beside those of its members")
	}
	members, all := make([]*Model, len(h.Members)), make([][]nn.Dense, len(h.Members))
	numbers := 0
	for k := range h.Members {
		own := &h.Members[k]
		if own.Format == ensembleFormat {
			return nil, file.bad("member %d is an ensemble, and a member is one network", k)
		}
		m, layers, err := file.member(own, custom, fmt.Sprintf("member %d: ", k))
		if err != nil {
			return nil, err
		}
		params, err := nn.ParamCount(own.Inputs, layers...)
		if err != nil {
			return nil, file.bad("member %d: %w", k, err)
		}
		numbers += params + nn.StateCount(layers...)
		members[k], all[k] = m, layers
		if err := m.alike(members[0], own.Precision == h.Precision); err != nil {
			return nil, file.bad("member %d %w", k, err)
		}
	}
	if numbers != file.tensors.Count() {
		return nil, file.bad("its %d members have %d parameters and running statistics, its tensors %d numbers", len(members), numbers, file.tensors.Count())
	}
	load := loadMembers[float64]
	if h.Precision == "float32" {
		load = loadMembers[float32]
	}
	if err := load(file, h.Members, members, all); err != nil {
		return nil, err
	}
	for k, m := range members {
		if err := file.calibrated(m, &h.Members[k], fmt.Sprintf("member %d: ", k)); err != nil {
			return nil, err
		}
	}
	m := newEnsemble(members)
	m.Options, m.Training, m.Threshold = h.Options, *h.Training, cmp.Or(h.Threshold, 0.5)
	m.Options.Custom = custom
	if h.Temperature != 0 {
		return nil, file.bad("it has a temperature beside those of its members")
	}
	if err := file.calibrated(m, h, ""); err != nil {
		return nil, err
	}
	if !(m.Threshold > 0 && m.Threshold < 1) || h.Threshold != 0 && m.Task() != data.Binary {
		return nil, file.bad("its threshold is %v, which is not between 0 and 1, or its task is not of two classes", h.Threshold)
	}
	return m, nil
}

// alike refuses a member whose columns, targets or loss differ from those of the first.
func (m *Model) alike(first *Model, precision bool) error {
	kinds := func(m *Model) (all []data.Kind) {
		for i := range m.Encoding.Inputs {
			all = append(all, m.Encoding.Inputs[i].Kind)
		}
		return all
	}
	switch {
	case !precision:
		return errors.New("has another precision than the file says")
	case m.Task() != first.Task() || m.Loss.String() != first.Loss.String() || m.Outputs() != first.Outputs():
		return errors.New("has another task or loss, or other outputs, than the first")
	case !slices.Equal(m.Columns(), first.Columns()) || !slices.Equal(kinds(m), kinds(first)):
		return errors.New("has other columns than the first")
	case !slices.Equal(m.Targets(), first.Targets()) || m.Task() != data.Regression && !slices.Equal(m.Encoding.Classes(), first.Encoding.Classes()):
		return errors.New("has other targets or classes than the first")
	}
	return nil
}

// loadMembers takes the weights of all members from a file, which must hold exactly those.
func loadMembers[T nn.Float](file *Weights, h []header, members []*Model, layers [][]nn.Dense) error {
	var tensors []safetensors.Tensor[T]
	depth := 0
	for k := range members {
		net, err := nn.New[T](h[k].Inputs, nn.Seed(0), layers[k]...)
		if err != nil {
			return file.bad("member %d: %w", k, err)
		}
		tensors = append(tensors, memberTensor(k, net)...)
		depth += net.Depth()
		members[k].engine = newEngine(net)
	}
	if err := safetensors.Fill(file.tensors, tensors, depth); err != nil {
		return file.name(err)
	}
	for _, m := range members {
		m.separateBounds()
	}
	return nil
}

// lacking is the error for a file with parts that gradus does not know.
type lacking struct {
	parts string
	cause error // nn.ErrActivation or nil
}

func (e lacking) Error() string {
	return fmt.Sprintf("it was made with %s, which gradus does not know: a program that has them gives them to model.Load", e.parts)
}
func (e lacking) Unwrap() error { return e.cause }

// member reads a network's description from a header, and returns its layers. The weights are not
// loaded yet. Errors begin with where.
func (file *Weights) member(h *header, all Custom, where string) (m *Model, layers []nn.Dense, err error) {
	bad := func(format string, args ...any) (*Model, []nn.Dense, error) {
		return nil, nil, file.bad("%s%w", where, fmt.Errorf(format, args...))
	}
	switch {
	case h.Format > ensembleFormat:
		return bad("it has format %d and this gradus reads up to %d; use a newer gradus", h.Format, ensembleFormat)
	case h.Members != nil:
		return bad("its metadata has members, and its format %d has none", h.Format)
	case h.Format < 1 || h.Encoding == nil || h.Training == nil || h.Training.Metrics.Train == nil ||
		h.Options.LearningRate == nil || h.Options.Patience == nil || len(h.Layers) == 0:
		return bad("its metadata is incomplete")
	}
	if err := h.Encoding.Validate(); err != nil {
		return bad("%w", err)
	}
	m = &Model{Encoding: h.Encoding, Options: h.Options, Training: *h.Training}
	m.Options.Custom = all
	var missing []string
	var unknown error // what errors.Is finds
	for i, l := range h.Layers {
		d, err := l.Dense(all.Activations...)
		switch {
		case errors.Is(err, nn.ErrActivation):
			unknown = nn.ErrActivation
			missing = append(missing, fmt.Sprintf("the activation %q of layer %d", l.Activation, i))
		case err != nil:
			return bad("layer %d: %w", i, err)
		}
		d.Init = nn.Zeros
		layers = append(layers, d)
	}
	if m.Loss, err = nn.ParseLoss(h.Loss, all.Losses...); err != nil {
		missing = append(missing, fmt.Sprintf("the loss %q", h.Loss))
	}
	if _, err := optim.ParseOptimizer(h.Options.Optimizer, optim.Hyper{}, all.Optimizers...); err != nil && !slices.Contains(optim.Solvers(), h.Options.Optimizer) {
		missing = append(missing, fmt.Sprintf("the optimizer %q", h.Options.Optimizer))
	}
	if missing != nil {
		return bad("%w", lacking{strings.Join(missing, ", "), unknown})
	}
	if err := m.agree(h.Inputs, layers[len(layers)-1], h.Threshold); err != nil {
		return bad("%w", err)
	}
	if h.Precision != "float32" && h.Precision != "float64" {
		return bad("its precision is %q, not float32 or float64", h.Precision)
	}
	return m, layers, nil
}

// agree sets the threshold, 0 for the default. It refuses a network whose inputs and outputs do
// not match the model's columns, targets, loss and threshold.
func (m *Model) agree(inputs int, out nn.Dense, threshold float64) error {
	if err := nn.Compatible(m.Loss, out.Activation, out.Units); err != nil {
		return err
	}
	switch {
	case inputs != m.Encoding.Width():
		return fmt.Errorf("its network has %d inputs, its columns make %d", inputs, m.Encoding.Width())
	case out.Units != m.Options.outputs(m.Encoding.Outputs()):
		return fmt.Errorf("its network has %d outputs, its targets take %d", out.Units, m.Options.outputs(m.Encoding.Outputs()))
	case m.Options.Interval != 0 && m.Task() != data.Regression:
		return fmt.Errorf("it has bounds of amounts, and its task is %s", m.Task())
	case !(threshold >= 0 && threshold < 1) || threshold != 0 && m.Task() != data.Binary:
		return fmt.Errorf("its threshold is %v, which is not between 0 and 1, or its task is not of two classes", threshold)
	case !outputFits(m.Task(), out.Activation, m.Loss == nn.Hinge):
		return fmt.Errorf("the outputs of %s classification are probabilities, and %s gives none", m.Task(), out.Activation)
	}
	m.Threshold, m.Temperature = cmp.Or(threshold, 0.5), 1
	return nil
}

// isModel reports whether the file holds a model and not only a network.
func (w *Weights) isModel() bool {
	var h struct{ Encoding, Training, Members json.RawMessage }
	return json.Unmarshal([]byte(w.tensors.Text), &h) != nil || h.Encoding != nil || h.Training != nil || h.Members != nil
}

// loadNetwork takes the weights of a network from a file, which must hold exactly those.
func loadNetwork[T nn.Float](file *Weights, inputs int, layers []nn.Dense) (engine, error) {
	params, err := nn.ParamCount(inputs, layers...)
	state := nn.StateCount(layers...)
	if err == nil && params+state != file.tensors.Count() {
		err = fmt.Errorf("its layers have %d parameters and %d running statistics, its tensors %d numbers", params, state, file.tensors.Count())
	}
	if err != nil {
		return nil, file.bad("%w", err)
	}
	net, err := nn.New[T](inputs, nn.Seed(0), layers...)
	if err != nil {
		return nil, file.bad("%w", err)
	}
	if err := setWeights(net, file); err != nil {
		return nil, err
	}
	return newEngine(net), nil
}

// Weights are the tensors of a safetensors file: those of a model, or plain ones named
// layers.0.weight and so on, of shape [in, out].
type Weights struct {
	tensors *safetensors.File
	path    string
}

// bad returns the error for a file with the given problem.
func (w *Weights) bad(format string, args ...any) error {
	return w.name(w.tensors.Explain(fmt.Errorf(format, args...)))
}

// name adds the file's name to an error.
func (w *Weights) name(err error) error {
	if w.path == "" {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	return fmt.Errorf("%s: %w: %w", w.path, ErrFile, err)
}

// LoadWeights reads a safetensors file whose tensors a run can start from. The file of a model must
// be unchanged since it was saved; plain tensors have no checksum.
func LoadWeights(path string) (*Weights, error) { return openWeights(path, os.Stat, os.ReadFile) }

// noSuchFile is an error in words that is fs.ErrNotExist.
type noSuchFile struct{}

func (noSuchFile) Error() string        { return "there is no such file" }
func (noSuchFile) Is(target error) bool { return target == fs.ErrNotExist }

func openWeights(path string, stat func(string) (fs.FileInfo, error), read func(string) ([]byte, error)) (*Weights, error) {
	bad := func(format string, args ...any) (*Weights, error) {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrFile, fmt.Errorf(format, args...))
	}
	info, err := stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad("%w", noSuchFile{})
	case err != nil:
		return bad("it cannot be read: %w", cause(err))
	case info.IsDir():
		return bad("this is a folder; name the .safetensors file")
	}
	raw, err := read(path)
	if err != nil {
		return bad("it cannot be read: %w", cause(err))
	}
	return readWeights(path, raw)
}

// cause returns the reason in an error that also contains the path.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// readWeights reads the content of a file.
func readWeights(path string, raw []byte) (*Weights, error) {
	w := &Weights{path: path}
	var err error
	if w.tensors, err = safetensors.Parse(raw); err != nil { // a file of tensors begins with a length, and so with bytes of 0
		if data.LooksLikeText(raw[:min(len(raw), 4096)]) {
			err = errors.New("this is a text file, such as a table, and not a model: give the file that the training wrote")
		}
		return nil, w.name(err)
	}
	return w, nil
}

// setWeights copies the tensors into a network of exactly that shape, converting
// between float32 and float64.
func setWeights[T nn.Float](net *nn.Network[T], w *Weights) error {
	if err := safetensors.Fill(w.tensors, tensorsOf(net), net.Depth()); err != nil {
		return w.name(err)
	}
	return nil
}
