package export

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/npy"
	"github.com/gradus-ml/gradus/internal/safetensors"
)

// found is a tensor of numbers in a file.
type found struct {
	name    string
	shape   []int
	numbers []float64
}

// readSafetensors reads the tensors of a safetensors file.
func readSafetensors(raw []byte, o ImportOptions) (*foreign, error) {
	file, err := safetensors.Parse(raw)
	if err != nil {
		return nil, err
	}
	if file.Text != "" {
		return nil, fmt.Errorf("this is a model of gradus already")
	}
	var list []found
	for _, name := range file.Names() {
		f := found{name: name}
		p, _ := file.Place(name)
		for _, n := range p.Shape {
			f.shape = append(f.shape, int(n))
		}
		var ok bool
		if f.numbers, ok = file.Floats(name); !ok {
			if len(f.shape) == 0 {
				continue // a counter, such as num_batches_tracked
			}
			return nil, fmt.Errorf("the tensor %s holds numbers of another type than float32 and float64: convert it", name)
		}
		list = append(list, f)
	}
	return dense(list, o)
}

// floats reads numbers of size bytes each from little-endian bytes.
func floats(b []byte, size int) []float64 {
	v := make([]float64, len(b)/size)
	for i := range v {
		if size == 4 {
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		} else {
			v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	return v
}

// mostInflated is the largest allowed ratio of the size of the arrays to the size of the file.
const mostInflated = 100

// readNPZ reads the arrays of a file that numpy.savez or savez_compressed wrote.
func readNPZ(raw []byte, o ImportOptions) (*foreign, error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, fmt.Errorf("this is not an .npz file, or it is damaged: %w", err)
	}
	var list []found
	left := mostInflated*uint64(len(raw)) + 1<<20
	for _, file := range z.File {
		name := strings.TrimSuffix(file.Name, ".npy")
		if file.UncompressedSize64 > left {
			return nil, fmt.Errorf("its arrays are more than %d times as large as the file: numpy.savez writes them as they are", mostInflated)
		}
		left -= file.UncompressedSize64
		f, err := file.Open()
		if err != nil {
			return nil, fmt.Errorf("the array %s cannot be read: %w", name, err)
		}
		a, err := readNPY(io.LimitReader(f, int64(file.UncompressedSize64)), name)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("the array %s cannot be read: %w", name, err)
		}
		list = append(list, a)
	}
	return dense(list, o)
}

// readNPY reads an .npy file of floats. It takes memory as the numbers arrive, not as the
// header promises.
func readNPY(r io.Reader, name string) (found, error) {
	a := found{name: name}
	h, err := npy.Read(r)
	if err != nil {
		return a, err
	}
	n := int64(1)
	for _, size := range h.Shape {
		if size > math.MaxInt32 || size > 0 && n > math.MaxInt32/size {
			return a, fmt.Errorf("its shape %d is too large", h.Shape)
		}
		a.shape = append(a.shape, int(size))
		n *= size
	}
	size := map[string]int{"<f4": 4, "<f8": 8}[h.Fields[0].Descr]
	if size == 0 || h.Record {
		return a, fmt.Errorf("it holds %s, not float32 or float64 (<f4, <f8): convert it", h.Fields[0].Descr)
	}
	raw, err := io.ReadAll(io.LimitReader(r, n*int64(size)))
	if err != nil {
		return a, err
	}
	if int64(len(raw)) < n*int64(size) {
		return a, fmt.Errorf("its shape asks for %d numbers, and %d follow", n, len(raw)/size)
	}
	a.numbers = floats(raw, size)
	if h.Fortran && len(a.shape) == 2 {
		a.numbers = transposed(a.numbers, a.shape[1], a.shape[0])
	}
	return a, nil
}

// transposed turns a matrix of rows by cols into one of cols by rows.
func transposed(v []float64, rows, cols int) []float64 {
	out := make([]float64, 0, len(v))
	if len(v) == 0 {
		return out // one side is 0, and the other could be any number
	}
	for j := range cols {
		for i := range rows {
			out = append(out, v[i*cols+j])
		}
	}
	return out
}

// dense finds the layers among tensors. Each matrix is a layer. A vector is the bias of the
// matrix whose name begins the same way, or else of the matrix before it. Layers are in the order
// of their names, with numbers ordered by value.
func dense(list []found, o ImportOptions) (*foreign, error) {
	slices.SortStableFunc(list, func(a, b found) int { return compareNames(a.name, b.name) })
	var weights []found
	biases := map[int][]float64{}
	for _, t := range list {
		if len(t.shape) == 2 {
			weights = append(weights, t)
		}
	}
	if len(weights) == 0 {
		return nil, fmt.Errorf("it has no matrix of weights among its %d tensors", len(list))
	}
	for _, t := range list {
		switch len(t.shape) {
		case 2:
			continue
		case 1:
		default:
			return nil, fmt.Errorf("the tensor %s has the shape %v, and dense layers have only matrices and vectors", t.name, t.shape)
		}
		at := slices.IndexFunc(weights, func(w found) bool { return stem(w.name) != "" && stem(w.name) == stem(t.name) })
		if at < 0 {
			for i, w := range weights {
				if compareNames(w.name, t.name) < 0 {
					at = i
				}
			}
		}
		if part := lastPart(t.name); at < 0 || biases[at] != nil || strings.HasPrefix(part, "running") || part == "gamma" || part == "beta" || part == "weight" {
			return nil, fmt.Errorf("the tensor %s of shape %v is not a bias of a dense layer: networks with other layers, such as norms, cannot be read", t.name, t.shape)
		}
		biases[at] = t.numbers
	}
	fits := func(torch bool) bool {
		for i, w := range weights {
			in, out := sides(w, torch)
			if b, ok := biases[i]; ok && len(b) != out || i > 0 && in != outOf(weights[i-1], torch) {
				return false
			}
		}
		return true
	}
	ours, torch := fits(false), fits(true)
	switch o.Layout {
	case "gradus":
		torch = false
	case "torch":
		ours = false
	}
	if ours == torch {
		var shapes []string
		for i, w := range weights {
			shapes = append(shapes, fmt.Sprintf("%s %v", w.name, w.shape))
			if b, ok := biases[i]; ok {
				shapes = append(shapes, fmt.Sprintf("bias [%d]", len(b)))
			}
		}
		if ours {
			return nil, refuse(strings.Join(shapes, ", "), " fits both layouts, [in, out] and [out, in]: say which with ", data.Part{Option: "Layout", Value: "gradus"}, " or ", data.Part{Option: "Layout", Value: "torch"})
		}
		return nil, fmt.Errorf("its tensors do not follow each other as the layers of a network: %s; layers come in the order of their names", strings.Join(shapes, ", "))
	}
	f := &foreign{}
	for i, w := range weights {
		in, out := sides(w, torch)
		if in < 1 || out < 1 {
			return nil, fmt.Errorf("the tensor %s has the shape %v, and a layer has at least one input and one unit", w.name, w.shape)
		}
		l := foreignLayer{name: w.name, in: in, out: out, weights: w.numbers, bias: biases[i]}
		if torch {
			l.weights = transposed(w.numbers, out, in)
		}
		f.layers = append(f.layers, l)
	}
	return f, nil
}

// sides returns the inputs and the units of a matrix.
func sides(w found, torch bool) (in, out int) {
	if torch {
		return w.shape[1], w.shape[0]
	}
	return w.shape[0], w.shape[1]
}

func outOf(w found, torch bool) int {
	_, out := sides(w, torch)
	return out
}

// stem returns a tensor's name without its last part, and lastPart returns that part.
// Examples are "0.weight" and "dense/kernel:0".
func stem(name string) string {
	return name[:max(0, strings.LastIndexAny(strings.TrimSuffix(name, ":0"), "./"))]
}

func lastPart(name string) string {
	return name[strings.LastIndexAny(strings.TrimSuffix(name, ":0"), "./")+1:]
}

var digits = regexp.MustCompile(`\d+|\D+`)

// compareNames orders names, with numbers in them ordered by value.
func compareNames(a, b string) int {
	x, y := digits.FindAllString(a, -1), digits.FindAllString(b, -1)
	for i := range min(len(x), len(y)) {
		m, errM := strconv.Atoi(x[i])
		n, errN := strconv.Atoi(y[i])
		c := cmp.Compare(x[i], y[i])
		if errM == nil && errN == nil {
			c = cmp.Compare(m, n)
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}
