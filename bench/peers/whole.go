package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// whole is a process that is timed from start to end.
type whole struct {
	name, form string
	threads    int
	needs      []string
	args       func(round int) []string
	score      []string // prints the test accuracy afterwards, if the process itself does not
}

// outcome is the part of a whole process's JSON that is read.
type outcome struct {
	Accuracy float64
	Epochs   float64
	Loss     float64
	Inputs   int
	Metrics  json.RawMessage
}

// raceWhole runs whole processes in turns. The first run of each fills the file caches and does
// not count.
func (s *suite) raceWhole(ctx context.Context, entrants []whole) []line {
	lines := make([]line, len(entrants))
	for round := -1; round < s.rounds; round++ {
		for k := range entrants {
			i := (k + max(0, round)) % len(entrants)
			e, l := entrants[i], &lines[i]
			l.Name, l.Form, l.Threads = e.name, e.form, e.threads
			for _, n := range e.needs {
				if why := s.missing[n]; why != "" && l.Failed == "" {
					l.Failed = why
				}
			}
			if e.threads > len(s.cores) {
				l.Failed = fmt.Sprintf("-cores names fewer than %d cores", e.threads)
			}
			if l.Failed != "" || ctx.Err() != nil {
				continue
			}
			time.Sleep(settle)
			cmd := s.pinned(ctx, e.threads, nil, e.args(max(0, round))...)
			var stderr tail
			cmd.Stderr = &stderr
			start := time.Now()
			out, err := cmd.Output()
			took := time.Since(start)
			var o outcome
			if err == nil {
				err = json.Unmarshal(out, &o)
			}
			if err != nil {
				l.Failed = cause(err.Error() + "\n" + string(stderr.b))
				fmt.Printf("%-12s %-30s failed: %s\n", e.name, e.form, l.Failed)
				continue
			}
			fmt.Printf("%-12s %-30s round %d: %.2f s\n", e.name, e.form, round+1, took.Seconds())
			if round < 0 {
				continue
			}
			l.Ns = append(l.Ns, float64(took.Nanoseconds()))
			l.Epochs = append(l.Epochs, o.Epochs)
			l.Last = o.Loss
			l.Accuracy += o.Accuracy / float64(s.rounds)
		}
	}
	for i, e := range entrants {
		if e.score == nil || lines[i].Failed != "" || ctx.Err() != nil {
			continue
		}
		out, err := s.pinned(ctx, 1, nil, e.score...).Output()
		var o outcome
		if err == nil {
			err = json.Unmarshal(out, &o)
		}
		if err == nil && o.Metrics != nil { // gradus evaluate
			err = json.Unmarshal(o.Metrics, &o)
		}
		if err != nil {
			lines[i].Failed = fmt.Sprintf("its model could not be scored: %v", err)
			continue
		}
		lines[i].Accuracy = o.Accuracy
	}
	return lines
}

// have returns an error if a file of GRADUS_DATA is not there.
func (s *suite) have(name string) error {
	if s.data == "" {
		return errors.New("GRADUS_DATA is not set; it names the folder with the tables")
	}
	_, err := os.Stat(filepath.Join(s.data, name))
	return err
}

// failed returns a table that could not be measured at all.
func failed(err error) ([]line, []string) {
	return []line{{Name: "all", Failed: err.Error()}}, nil
}

func adult1(s *suite, ctx context.Context) ([]line, []string) { return adult(s, ctx, 1) }
func adult2(s *suite, ctx context.Context) ([]line, []string) { return adult(s, ctx, 2) }

func adult(s *suite, ctx context.Context, threads int) ([]line, []string) {
	learn, test := filepath.Join("mid", "adult_train.csv"), filepath.Join("mid", "adult_test.csv")
	for _, f := range []string{learn, test} {
		if err := s.have(f); err != nil {
			return failed(err)
		}
	}
	learn, test = filepath.Join(s.data, learn), filepath.Join(s.data, test)
	temp, err := os.MkdirTemp("", "gradus-peers-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(temp)
	own, other := filepath.Join(temp, "adult.safetensors"), filepath.Join(temp, "adult.joblib")
	return s.raceWhole(ctx, []whole{
		{
			name: "gradus", form: "gradus train", threads: threads,
			args: func(int) []string {
				return []string{s.path("bin", "gradus"), "train", learn, "--target", "income", "--members", "1", "--hidden", "64,64", "--activation", "relu",
					"--batch-size", "128", "--epochs", "20", "--optimizer", "adam", "--lr", "0.001", "--scale", "standard",
					"--validation", "none", "--threads", strconv.Itoa(threads), "--json", "--quiet", "--out", own}
			},
			score: []string{s.path("bin", "gradus"), "evaluate", own, test, "--json"},
		},
		{
			name: "scikit-learn", form: "pandas, ColumnTransformer, MLPClassifier", threads: threads, needs: []string{"python", "scikit-learn", "pandas", "numpy", "joblib"},
			args: func(int) []string {
				return []string{s.venv("python"), script("adult_sklearn.py"), "train", learn, other}
			},
			score: []string{s.venv("python"), script("adult_sklearn.py"), "score", other, test},
		},
	}), []string{"Both: no rows held out, no early stop, adam at 0.001, medians for missing numbers, standardized numbers, one-hot categories; gradus puts categories of fewer than 3 rows together. Both files hold all that prediction needs."}
}

func mnist98(s *suite, ctx context.Context) ([]line, []string)    { return toAccuracy(s, ctx, 1) }
func mnist98on2(s *suite, ctx context.Context) ([]line, []string) { return toAccuracy(s, ctx, 2) }

// toAccuracy trains on MNIST with a different seed in every round, since the epoch that reaches
// 98 % depends on the seed. A rate that falls to 0 reduces this dependence and reaches 98 % sooner.
func toAccuracy(s *suite, ctx context.Context, threads int) ([]line, []string) {
	folder := filepath.Join("images", "mnist")
	if err := s.have(filepath.Join(folder, "train-images-idx3-ubyte.gz")); err != nil {
		return failed(err)
	}
	const rate, epochs = "0.15", "3"
	arguments := func(round int) []string {
		return []string{filepath.Join(s.data, folder), fmt.Sprint(threads), fmt.Sprint(round + 1), rate, epochs}
	}
	torch := func(mode, form string) whole {
		return whole{name: "PyTorch", form: form, threads: threads, needs: []string{"python", "torch", "numpy"},
			args: func(round int) []string {
				return append(append([]string{s.venv("python"), script("mnist_torch.py")}, arguments(round)...), mode)
			}}
	}
	return s.raceWhole(ctx, []whole{
		{name: "gradus", form: "bench/peers/mnist", threads: threads, args: func(round int) []string {
			return append([]string{s.path("bin", "mnist")}, arguments(round)...)
		}},
		torch("eager", "eager, fused optimizer"),
		torch("compile", "torch.compile, its cache warm"),
	}), []string{"For both: a rate that falls from " + rate + " in a straight line to 0 over " + epochs + " epochs, He's uniform weights, pixels through 255; the test images are scored after every epoch. A round has a seed of its own; accuracy is the mean of the rounds."}
}
