package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// suite has the settings of the measurement and what is available for it.
type suite struct {
	rounds      int
	seconds     float64
	cores       []string
	cache, data string
	python, cc  string

	missing  map[string]string // what could not be built or installed, and why
	versions []string
	commit   string
}

// path returns a path in the cache folder.
func (s *suite) path(name ...string) string {
	return filepath.Join(append([]string{s.cache}, name...)...)
}

func (s *suite) venv(program string) string { return s.path("venv", "bin", program) }

// script returns the path of a Python peer's file.
func script(name string) string { return filepath.Join("bench", "peers", "python", name) }

// build builds every program and the Python environment. It records failures in missing. Only
// gradus itself is required.
func (s *suite) build(ctx context.Context) error {
	s.missing = map[string]string{}
	if err := os.MkdirAll(s.path("bin"), 0o755); err != nil {
		return err
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		s.missing["taskset"] = "taskset (util-linux) is not there, so nothing is pinned to cores"
	}
	for name, pkg := range map[string]string{"gradus": "./cmd/gradus", "mnist": "./bench/peers/mnist"} {
		if err := command(ctx, "", nil, "go", "build", "-o", s.path("bin", name), pkg); err != nil {
			return err
		}
	}
	note := func(name string, err error) {
		if err != nil {
			s.missing[name] = err.Error()
			fmt.Printf("without %s: %v\n", name, err)
		}
	}

	// The peers in Go are their own module.
	golang := filepath.Join("bench", "peers", "golang")
	note("gomlx", command(ctx, golang, []string{"GOEXPERIMENT=simd"}, "go", "build", "-o", s.path("bin", "gomlx"), "./gomlx"))
	for _, name := range []string{"gorgonia", "spago"} {
		note(name, command(ctx, golang, nil, "go", "build", "-o", s.path("bin", name), "./"+name))
	}

	note("python", s.install(ctx))

	c := func(name, source string, flags ...string) {
		args := slices.Concat([]string{"-O3", "-march=native", "-o", s.path("bin", name), filepath.Join("bench", "peers", "c", source)}, flags, []string{"-lm"})
		note(name, command(ctx, "", nil, s.cc, args...))
	}
	c("notebook", "notebook.c")
	c("notebook-fast", "notebook.c", "-ffast-math")
	c("peak", "peak.c")
	c("peak-avx2", "peak.c", "-mavx2", "-mfma", "-mno-avx512f", "-DVECTOR=32")
	c("dense", "dense.c", "-ffast-math", "-fopenmp", "-lopenblas")
	if why, ok := s.missing["scipy-openblas32"]; ok {
		s.missing["dense-scipy"] = why
	} else if dir, err := output(ctx, s.venv("python"), "-c", "import scipy_openblas32 as s; print(s.get_lib_dir())"); err != nil {
		note("dense-scipy", err)
	} else {
		c("dense-scipy", "dense.c", "-ffast-math", "-fopenmp", "-DSCIPY_OPENBLAS", "-L"+dir, "-Wl,-rpath,"+dir, "-lscipy_openblas")
	}

	// The versions that the figures depend on.
	for _, v := range [][]string{{"go", "version"}, {s.cc, "--version"}, {s.venv("python"), "--version"}} {
		if line, err := output(ctx, v[0], v[1:]...); err == nil {
			s.versions = append(s.versions, line)
		}
	}
	s.commit, _ = output(ctx, "git", "describe", "--always", "--dirty")
	return ctx.Err()
}

// install installs the packages of requirements.txt into the Python environment, each
// separately, so that one that is not available does not affect the others.
func (s *suite) install(ctx context.Context) error {
	raw, err := os.ReadFile(script("requirements.txt"))
	if err != nil {
		return err
	}
	wanted := strings.Split(strings.TrimSpace(string(raw)), "\n")
	all := func(err error) error {
		for _, w := range wanted {
			name, _, _ := strings.Cut(w, "==")
			s.missing[name] = err.Error()
		}
		return err
	}
	if _, err := os.Stat(s.venv("python")); err != nil {
		if err := command(ctx, "", nil, s.python, "-m", "venv", s.path("venv")); err != nil {
			return all(err)
		}
	}
	have, err := exec.CommandContext(ctx, s.venv("python"), "-m", "pip", "freeze").Output()
	if err != nil {
		return all(fmt.Errorf("pip freeze: %w", err))
	}
	installed := strings.Fields(string(have))
	for _, w := range wanted {
		version, _, _ := strings.Cut(w, ";") // pip ignores requirements for another version of Python
		name, _, _ := strings.Cut(version, "==")
		if !slices.Contains(installed, version) {
			fmt.Printf("pip install %s\n", w)
			if err := command(ctx, "", nil, s.venv("python"), "-m", "pip", "install", "-q", w); err != nil {
				s.missing[name] = err.Error()
				fmt.Printf("without %s: %v\n", name, err)
			}
		}
	}
	if have, err = exec.CommandContext(ctx, s.venv("python"), "-m", "pip", "freeze").Output(); err != nil {
		return all(fmt.Errorf("pip freeze: %w", err))
	}
	installed = strings.Fields(string(have))
	for _, w := range wanted {
		if version, _, _ := strings.Cut(w, ";"); slices.Contains(installed, version) {
			s.versions = append(s.versions, strings.ReplaceAll(version, "==", " "))
		}
	}
	return nil
}

// command runs a program to its end. The error has the last informative line of its output.
func command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed", name)
	}
	return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, cause(string(out)))
}

// cause returns the line of a failed program's output that most likely explains the failure.
func cause(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, l := range lines {
		if strings.Contains(strings.ToLower(l), "error") {
			return clip(l)
		}
	}
	return clip(lines[len(lines)-1])
}

func clip(line string) string {
	line = strings.TrimSpace(line)
	if r := []rune(line); len(r) > 160 {
		line = string(r[:160]) + "…"
	}
	return line
}

// output returns the first line that a program prints.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), err
}

// environment returns the process's environment without the variables that select kernels or
// threads for a peer: each peer chooses its own best, or the runner tells it.
func (s *suite) environment(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		for _, p := range []string{"OPENBLAS_", "OMP_", "MKL_", "GOMP_", "KMP_", "GOMAXPROCS=", "GOGC=", "GODEBUG=", "GRADUS_ISA=", "GOMLX_BACKEND=", "XLA_FLAGS=", "JAX_"} {
			if strings.HasPrefix(v, p) {
				return true
			}
		}
		return false
	})
	minor := strings.Join(strings.SplitN(runtime.Version(), ".", 3)[:2], ".")
	return append(env, append([]string{
		"TORCHINDUCTOR_CACHE_DIR=" + s.path("inductor"),
		"ASSUME_NO_MOVING_GC_UNSAFE_RISK_IT_WITH=" + minor, // gorgonia's guard does not know current versions of Go
	}, extra...)...)
}

// pinned returns a command pinned to the first threads cores of the list.
func (s *suite) pinned(ctx context.Context, threads int, env []string, args ...string) *exec.Cmd {
	if s.missing["taskset"] == "" {
		args = append([]string{"taskset", "-c", strings.Join(s.cores[:min(threads, len(s.cores))], ",")}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = s.environment(env...)
	return cmd
}
