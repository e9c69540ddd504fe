package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// server is a program that serves the network, and the ways to send it requests.
type server struct {
	name  string
	start func(ctx context.Context, s *suite, port int) (*running, error)
	forms []form
}

// form is a form of request.
type form struct {
	name    string
	request func(base string, rows [][]float64) request
}

//go:embed plain.go.txt
var plainSource []byte

// The network: 10 numbers of a person, 64 and 32 hidden units, one output.
const table = "examples/data/diabetes.csv"

func (s *suite) path(name ...string) string {
	return filepath.Join(append([]string{s.cache}, name...)...)
}

func (s *suite) script(name string) string { return filepath.Join(s.source, "bench", "serve", name) }

func local(port int, path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", port, path) }

func (s *suite) servers() []server {
	tensor := form{"v2, JSON", func(base string, rows [][]float64) request {
		flat := slices.Concat(rows...)
		return request{base + "/v2/models/net/infer", []string{"Content-Type: application/json"}, []byte(fmt.Sprintf(
			`{"inputs":[{"name":"rows","shape":[%d,%d],"datatype":"FP64","data":%s}]}`, len(rows), len(rows[0]), text(flat)))}
	}}
	binaryTensor := form{"v2, binary", func(base string, rows [][]float64) request {
		var raw []byte
		for _, v := range slices.Concat(rows...) {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		}
		head := fmt.Sprintf(`{"inputs":[{"name":"rows","shape":[%d,%d],"datatype":"FP64","parameters":{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}`, len(rows), len(rows[0]), len(raw))
		return request{base + "/v2/models/net/infer", []string{"Content-Type: application/octet-stream", "Inference-Header-Content-Length: " + strconv.Itoa(len(head))}, append([]byte(head), raw...)}
	}}
	lists := form{"lists, JSON", func(base string, rows [][]float64) request {
		return request{base + "/predict", []string{"Content-Type: application/json"}, []byte(`{"inputs":` + text(rows) + `}`)}
	}}
	names := strings.Split("age,sex,bmi,bp,s1,s2,s3,s4,s5,s6", ",")
	objects := form{"objects, JSON", func(base string, rows [][]float64) request {
		var list []string
		for _, row := range rows {
			var cells []string
			for i, v := range row {
				cells = append(cells, strconv.Quote(names[i])+":"+text(v))
			}
			list = append(list, "{"+strings.Join(cells, ",")+"}")
		}
		body := strings.Join(list, ",")
		if len(rows) > 1 {
			body = "[" + body + "]"
		}
		return request{base + "/predict", []string{"Content-Type: application/json"}, []byte(body)}
	}}
	return []server{
		{"gradus serve", func(ctx context.Context, s *suite, port int) (*running, error) {
			return s.start(ctx, "gradus", nil, local(port, "/v2/health/ready"), s.gradus, "serve", "net="+s.path("net.safetensors"), "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--max-requests", "512")
		}, []form{objects, tensor, binaryTensor}},
		{"net/http alone", func(ctx context.Context, s *suite, port int) (*running, error) {
			return s.start(ctx, "plain", nil, local(port, "/ready"), s.path("plain", "plain"), fmt.Sprintf("127.0.0.1:%d", port))
		}, []form{lists}},
		{"MLServer", func(ctx context.Context, s *suite, port int) (*running, error) {
			args := []string{s.python, s.script("net.py"), filepath.Join(s.source, table), s.path("mlserver"), strconv.Itoa(port)}
			for range 2 {
				other, err := freePort()
				if err != nil {
					return nil, err
				}
				args = append(args, strconv.Itoa(other))
			}
			if err := output(args...); err != nil {
				return nil, err
			}
			return s.start(ctx, "mlserver", nil, local(port, "/v2/health/ready"), filepath.Join(filepath.Dir(s.python), "mlserver"), "start", s.path("mlserver"))
		}, []form{tensor, binaryTensor}},
		{"Triton, onnxruntime", startTriton, []form{tensor, binaryTensor}},
		{"FastAPI, onnxruntime", func(ctx context.Context, s *suite, port int) (*running, error) {
			return s.start(ctx, "fastapi", nil, local(port, "/ready"), s.python, s.script("fast.py"), s.path("net.onnx"), strconv.Itoa(port))
		}, []form{lists}},
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// prepare builds and trains what does not exist yet.
func (s *suite) prepare(ctx context.Context) error {
	for _, path := range []*string{&s.cache, &s.source, &s.gradus, &s.python} {
		if *path != "" {
			absolute, err := filepath.Abs(*path)
			if err != nil {
				return err
			}
			*path = absolute
		}
	}
	if err := os.MkdirAll(s.path("plain"), 0o777); err != nil {
		return err
	}
	if s.gradus == "" {
		s.gradus = s.path("gradus")
		if err := in(s.source, "go", "build", "-o", s.gradus, "./cmd/gradus"); err != nil {
			return err
		}
	}
	if s.python == "" {
		s.python = s.path("venv", "bin", "python3")
		if _, err := os.Stat(s.python); err != nil {
			if err := output("python3", "-m", "venv", s.path("venv")); err != nil {
				return err
			}
			if err := output(s.python, "-m", "pip", "install", "-q", "-r", s.script("requirements.txt")); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat(s.path("plain", "plain")); err == nil {
		return nil
	}
	for _, args := range [][]string{
		{s.gradus, "train", filepath.Join(s.source, table), "--target", "progression", "--members", "1", "--hidden", "64,32", "--epochs", "20", "--quiet", "-o", "net.safetensors"},
		{s.gradus, "export", "net.safetensors", "-o", "net.onnx"},
		{s.gradus, "export", "net.safetensors", "-o", filepath.Join("plain", "net.go"), "--package", "main"},
	} {
		if err := in(s.cache, args...); err != nil {
			return err
		}
	}
	if err := os.WriteFile(s.path("plain", "main.go"), plainSource, 0o666); err != nil {
		return err
	}
	return in(s.path("plain"), "go", "build", "-o", "plain", "main.go", "net.go")
}

func in(dir string, args ...string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.2000s", strings.Join(args, " "), err, out)
	}
	return nil
}

func output(args ...string) error { return in("", args...) }

// rows returns n rows: the table's rows, repeated as needed.
func (s *suite) rows(n int) ([][]float64, error) {
	f, err := os.Open(filepath.Join(s.source, table))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cells, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	rows := make([][]float64, n)
	for i := range rows {
		line := cells[1+i%(len(cells)-1)]
		for _, c := range line[:len(line)-1] {
			v, err := strconv.ParseFloat(c, 64)
			if err != nil {
				return nil, err
			}
			rows[i] = append(rows[i], v)
		}
	}
	return rows, nil
}

// predictRows prints how many rows per second PredictRows predicts, 1,000 at a time.
func predictRows(path string) error {
	m, err := model.Load(path)
	if err != nil {
		return err
	}
	s := suite{source: os.Getenv(sourceOf)}
	rows, err := s.rows(1000)
	if err != nil {
		return err
	}
	var values []data.Value
	for _, v := range slices.Concat(rows...) {
		values = append(values, data.Number(v))
	}
	out := make([]float64, len(rows)*m.Outputs())
	var failed error
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err := m.PredictRows(values, out); err != nil {
				failed = err
			}
		}
	})
	fmt.Println(float64(len(rows)) * float64(time.Second) / float64(result.NsPerOp()))
	return failed
}

const sourceOf = "GRADUS_BENCH_SERVE_SOURCE"

// onCore returns what predictRows prints on the server's core.
func (s *suite) onCore(ctx context.Context) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", s.cores[0], self, "-predict", s.path("net.safetensors"))
	cmd.Env = append(os.Environ(), sourceOf+"="+s.source)
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func versions(ctx context.Context, s *suite) []string {
	list := []string{runtime.Version()}
	out, err := exec.CommandContext(ctx, s.python, "-m", "pip", "list", "--format", "freeze").Output()
	if err != nil {
		return list
	}
	for line := range strings.Lines(string(out)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), "==")
		if slices.Contains([]string{"mlserver", "scikit-learn", "fastapi", "uvicorn", "onnxruntime"}, name) {
			list = append(list, name+" "+version)
		}
	}
	return list
}
