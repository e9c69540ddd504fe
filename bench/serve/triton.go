package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// tritonConfig describes the network to Triton. Its argument is the path of the ONNX file.
const tritonConfig = `name: "net"
backend: "python"
input [ { name: "rows" data_type: TYPE_FP64 dims: [ -1, 10 ] } ]
output [ { name: "variable" data_type: TYPE_FP64 dims: [ -1, 1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
parameters { key: "onnx" value { string_value: %q } }
`

// startTriton starts NVIDIA's Triton, a server in C++. The package nvidia-pytriton contains it with its Python backend
// alone, so onnxruntime predicts in a process of Python beside it. The environment is its own, since the package needs
// an older numpy than MLServer does.
func startTriton(ctx context.Context, s *suite, port int) (*running, error) {
	venv := s.path("triton", "venv")
	if _, err := os.Stat(venv); err != nil {
		if err := output("python3", "-m", "venv", venv); err != nil {
			return nil, err
		}
		if err := output(filepath.Join(venv, "bin", "pip"), "install", "-q", "nvidia-pytriton==0.7.0", "onnxruntime"); err != nil {
			return nil, err
		}
	}
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%s has %d folders of packages, want 1", venv, len(found))
	}
	packages := found[0]
	version := filepath.Base(filepath.Dir(packages))[len("python"):]
	server := filepath.Join(packages, "pytriton", "tritonserver")

	// Triton looks for the backend's process beside the backend.
	backend := s.path("triton", "backends", "python")
	for _, from := range []string{filepath.Join(server, "backends", "python"), filepath.Join(server, "python_backend_stubs", version)} {
		if err := os.CopyFS(backend, os.DirFS(from)); err != nil && !os.IsExist(err) {
			return nil, err
		}
	}
	if err := os.Chmod(filepath.Join(backend, "triton_python_backend_stub"), 0o777); err != nil {
		return nil, err
	}
	code, err := os.ReadFile(s.script("triton.py"))
	if err != nil {
		return nil, err
	}
	net := s.path("triton", "models", "net")
	if err := os.MkdirAll(filepath.Join(net, "1"), 0o777); err != nil {
		return nil, err
	}
	for name, text := range map[string][]byte{
		filepath.Join(net, "config.pbtxt"):  fmt.Appendf(nil, tritonConfig, s.path("net.onnx")),
		filepath.Join(net, "1", "model.py"): code,
	} {
		if err := os.WriteFile(name, text, 0o666); err != nil {
			return nil, err
		}
	}
	env := []string{"LD_LIBRARY_PATH=" + filepath.Join(packages, "nvidia_pytriton.libs"), "TRITON_SITE_PACKAGES=" + packages}
	return s.start(ctx, "triton", env, local(port, "/v2/health/ready"), filepath.Join(server, "bin", "tritonserver"),
		"--model-repository", s.path("triton", "models"), "--backend-directory", s.path("triton", "backends"),
		"--http-address", "127.0.0.1", "--http-port", fmt.Sprint(port), "--http-thread-count", "4", "--allow-grpc", "false", "--allow-metrics", "false")
}
