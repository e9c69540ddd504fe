package nn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gradus-ml/gradus/internal/safetensors"
)

// ErrFile is wrapped by every error of Read about its input.
var ErrFile = errors.New("network file")

// ErrActivation is wrapped if a layer names an activation that is not known.
var ErrActivation = errors.New("activation")

// fileFormat is the version of the JSON in the metadata. A reader refuses a newer version.
const fileFormat = 1

// LayerSpec describes a Dense for JSON and files. It does not include the initialization.
type LayerSpec struct {
	Units      int     `json:"units"`
	Activation string  `json:"activation"`
	Bias       bool    `json:"bias"`
	Norm       string  `json:"norm,omitempty"` // "" is none
	Dropout    float64 `json:"dropout,omitempty"`
}

// Spec returns the layer's description.
func (d Dense) Spec() LayerSpec {
	s := LayerSpec{Units: d.Units, Activation: Identity.String(), Bias: !d.NoBias, Dropout: d.Dropout}
	if d.Activation != nil {
		s.Activation = d.Activation.String()
	}
	if d.Norm != NoNorm {
		s.Norm = d.Norm.String()
	}
	return s
}

// Dense returns the layer that s describes. Custom activations are recognized by their String.
// A name that is neither custom nor built in is an error that wraps ErrActivation.
func (s LayerSpec) Dense(custom ...Activation) (Dense, error) {
	d := Dense{Units: s.Units, NoBias: !s.Bias, Dropout: s.Dropout}
	var err error
	if s.Norm != "" {
		if d.Norm, err = ParseNorm(s.Norm); err != nil {
			return Dense{}, err
		}
	}
	if d.Activation, err = ParseActivation(s.Activation, custom...); err != nil {
		return Dense{}, fmt.Errorf("%w: %w", ErrActivation, err)
	}
	return d, nil
}

// fileHeader is the part of a file's JSON that describes the network. A model file has this
// part too, and more.
type fileHeader struct {
	Format    int         `json:"format"`
	Checksum  bool        `json:"checksum,omitempty"`
	Precision string      `json:"precision"`
	Inputs    int         `json:"inputs"`
	Layers    []LayerSpec `json:"layers"`

	Members json.RawMessage `json:"members,omitempty"` // of a model of several networks
}

// Write writes the network as one safetensors file. The tensors have the names of Tensors:
// layers.K.weight of shape [in, out] and so on. The layers are JSON under "gradus" in the
// metadata. Next to it, "gradus_sha256" holds the SHA-256 in hex of the whole file, computed
// with zeros in place of the checksum. The initialization is not written. Nothing may change the
// network meanwhile.
func (n *Network[T]) Write(w io.Writer) error {
	h := fileHeader{Format: fileFormat, Checksum: true, Precision: precision[T](), Inputs: n.inputs}
	for _, d := range n.layers {
		h.Layers = append(h.Layers, d.Spec())
	}
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	return safetensors.Write(w, n.fileTensors(), string(text))
}

// Read reads a network that Write wrote, or the network in a model file, to the end of r. It
// checks everything, including the checksum. Its errors wrap ErrFile. A network of the other
// precision is converted. A file stores custom activations only by name, so they must be given.
// Reading executes no code from the file.
func Read[T Float](r io.Reader, custom ...Activation) (*Network[T], error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read: %w", ErrFile, err)
	}
	f, err := safetensors.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	bad := func(format string, args ...any) (*Network[T], error) {
		return nil, fmt.Errorf("%w: %w", ErrFile, f.Explain(fmt.Errorf(format, args...)))
	}
	if f.Text == "" {
		return bad("this is a safetensors file, but not one of gradus: its metadata has no %q", safetensors.Key)
	}
	var h fileHeader
	if err := json.Unmarshal([]byte(f.Text), &h); err != nil {
		return bad("its metadata cannot be read: %w", err)
	}
	switch {
	case h.Members != nil:
		return bad("it holds a model of several networks, and not one; model.Read reads it")
	case h.Format > fileFormat:
		return bad("it has format %d and this gradus reads up to %d; use a newer gradus", h.Format, fileFormat)
	case h.Format < 1 || len(h.Layers) == 0:
		return bad("its metadata is incomplete")
	case h.Precision != "float32" && h.Precision != "float64":
		return bad("its precision is %q, not float32 or float64", h.Precision)
	}
	layers := make([]Dense, len(h.Layers))
	for i, s := range h.Layers {
		if layers[i], err = s.Dense(custom...); err != nil {
			return bad("layer %d: %w; a program that has it gives it to nn.Read", i, err)
		}
		layers[i].Init = Zeros
	}
	params, err := ParamCount(h.Inputs, layers...)
	if err != nil {
		return bad("%w", err)
	}
	if state := StateCount(layers...); params+state != f.Count() {
		return bad("its layers have %d parameters and %d running statistics, its tensors %d numbers", params, state, f.Count())
	}
	n, err := New[T](h.Inputs, Seed(0), layers...)
	if err != nil {
		return bad("%w", err)
	}
	if err := safetensors.Fill(f, n.fileTensors(), n.Depth()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	return n, nil
}

func (n *Network[T]) fileTensors() []safetensors.Tensor[T] {
	var out []safetensors.Tensor[T]
	for _, t := range n.Tensors() {
		out = append(out, safetensors.Tensor[T](t))
	}
	return out
}

// precision returns the name of a number type.
func precision[T Float]() string {
	if _, single := any(T(0)).(float32); single {
		return "float32"
	}
	return "float64"
}
