package export

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/model"
)

// ErrUnsupported is wrapped by errors about a model that a format cannot represent.
var ErrUnsupported = errors.New("not exportable")

// ErrOption is wrapped by errors about options that do not fit each other or the format.
var ErrOption = errors.New("export option")

// Options say what to write.
type Options struct {
	Net     bool   // ONNX: only the network, on encoded inputs
	Bare    bool   // safetensors: only tensors, which gradus cannot predict with
	Layout  string // of tensors: "gradus" (the default) or "torch"
	Package string // of Go source, and the prefix of names in C source; default: made from the file's name
	Version string // of gradus, for the file's metadata
}

// formats are the formats of Write, by file extension.
var formats = map[string]func(m *model.Model, path string, o Options) error{
	".onnx": func(m *model.Model, path string, o Options) error {
		raw, err := ONNX(m, o)
		if err != nil {
			return err
		}
		return whole(path, raw)
	},
	".c":           writeC,
	".go":          writeGo,
	".safetensors": writeSafetensors,
	".npz":         writeNPZ,
}

// endings lists the file endings that Write knows.
func endings() []string {
	var list []string
	for ending := range formats {
		list = append(list, ending)
	}
	slices.Sort(list)
	return list
}

// Write writes a model to a file, in the format given by the file's extension. The file
// is written completely or not at all.
func Write(m *model.Model, path string, o Options) error {
	if err := Check(path, o); err != nil {
		return err
	}
	return formats[strings.ToLower(filepath.Ext(path))](m, path, o)
}

// networks returns the models of one network each whose mean is the model's prediction: its members,
// or itself.
func networks(m *model.Model) []*model.Model {
	if members := m.Members(); members != nil {
		return members
	}
	return []*model.Model{m}
}

// one refuses an ensemble for a format that holds one network.
func one(m *model.Model) error {
	if n := len(m.Members()); n > 0 {
		return fmt.Errorf("%w: the model is the mean of %d networks, and this format takes one: name a member; the file then holds that member's own predictions", ErrUnsupported, n)
	}
	return nil
}

// Files lists what Write would write: the file, and next to it the test of Go source or the
// header of C source.
func Files(path string) []string {
	name, _ := strings.CutSuffix(path, filepath.Ext(path))
	switch strings.ToLower(filepath.Ext(path)) {
	case ".go":
		return []string{path, name + "_test.go"}
	case ".c":
		return []string{path, name + ".h"}
	}
	return []string{path}
}

// Check reports options that do not fit each other or the format.
func Check(path string, o Options) error {
	ending := strings.ToLower(filepath.Ext(path))
	_, ok := formats[ending]
	tensors := ending == ".safetensors" || ending == ".npz"
	switch {
	case !ok:
		return fmt.Errorf("%w: %q has none of the endings %s, by which the format is chosen", ErrOption, path, strings.Join(endings(), ", "))
	case o.Net && ending != ".onnx":
		return refuse(option("Net"), " is for ONNX files, and ", path, " is not one")
	case o.Bare && !tensors:
		return refuse(option("Bare"), " is for files of tensors (.safetensors, .npz), and ", path, " is not one")
	case o.Package != "" && ending != ".go" && ending != ".c":
		return refuse(option("Package"), " is for source (.go, .c), and ", path, " is not one")
	case o.Layout != "" && !tensors:
		return refuse(option("Layout"), " is for files of tensors (.safetensors, .npz), and ", path, " is not one")
	case ending == ".safetensors" && !o.Bare:
		return refuse(path, ": a model is a .safetensors file already: ask for its tensors alone with ", option("Bare"))
	case strings.HasSuffix(path, "_test.go"):
		return fmt.Errorf("%w: %s would be taken for a test: leave out _test", ErrOption, path)
	}
	return nil
}

// whole writes bytes to a file, completely or not at all.
func whole(path string, raw []byte) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// written is the layout that every format here writes. If a column gets another kind of input, the conversion does not
// compile, and the formats must write it first.
type written struct{ Value, Rank, Pieces, Waves, Cycles, Levels, Means, Missing data.Places }

var _ = written(data.Layout{})

// unsupported returns an error about a model that a format cannot represent.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnsupported, fmt.Errorf(format, args...))
}
