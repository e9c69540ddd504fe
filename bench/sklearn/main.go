// Command sklearn trains scikit-learn's MLP and gradus with the same network and settings on
// the same rows of five tables, over several seeds. It prints both scores with their spread.
// gradus must not be below scikit-learn's mean by more than the larger of the two spreads. It
// finds the tables through GRADUS_DATA, and the Python with scikit-learn and pandas through
// PYTHON (default python3). Run it from the repository's root:
//
//	GRADUS_DATA=/path/to/data PYTHON=venv/bin/python go run ./bench/sklearn
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

var tables = []struct{ file, kind, metric string }{
	{"small/vehicle.csv", "classifier", "accuracy"},
	{"small/digits8x8.csv", "classifier", "accuracy"},
	{"mid/phoneme.csv", "classifier", "accuracy"},
	{"small/concrete.csv", "regressor", "r2"},
	{"mid/kin8nm.csv", "regressor", "r2"},
}

// settings are those of mlp.py.
var settings = []string{
	"--hidden", "100", "--activation", "relu", "--init", "glorot", "--optimizer", "adam", "--lr", "0.001",
	"--batch-size", "200", "--epochs", "200", "--scale", "standard", "--validation", "none",
}

func main() {
	seeds := flag.Int("seeds", 5, "how many seeds, from 1")
	flag.Parse()
	if err := run(*seeds); err != nil {
		fmt.Fprintln(os.Stderr, "sklearn:", err)
		os.Exit(1)
	}
}

func run(seeds int) error {
	folder := os.Getenv("GRADUS_DATA")
	if folder == "" {
		return fmt.Errorf("GRADUS_DATA is not set; it names the folder with small/ and mid/")
	}
	temp, err := os.MkdirTemp("", "gradus-sklearn-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	gradus := filepath.Join(temp, "gradus")
	if out, err := exec.Command("go", "build", "-o", gradus, "./cmd/gradus").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	below := 0
	fmt.Printf("%-20s %-9s %-18s %-18s\n", "table", "metric", "scikit-learn", "gradus")
	for _, t := range tables {
		theirs, err := sklearn(filepath.Join(folder, t.file), t.kind, seeds, temp)
		if err != nil {
			return fmt.Errorf("%s: %w", t.file, err)
		}
		var ours []float64
		for seed := 1; seed <= seeds; seed++ {
			score, err := train(gradus, temp, t.kind, t.metric, seed)
			if err != nil {
				return fmt.Errorf("%s, seed %d: %w", t.file, seed, err)
			}
			ours = append(ours, score)
		}
		m, sd := spread(theirs)
		our, oursd := spread(ours)
		verdict := "within the spread"
		switch {
		case our < m-max(sd, oursd):
			verdict = "BELOW"
			below++
		case our > m+max(sd, oursd):
			verdict = "above"
		}
		fmt.Printf("%-20s %-9s %.4f ± %.4f    %.4f ± %.4f    %s\n", t.file, t.metric, m, sd, our, oursd, verdict)
	}
	if below > 0 {
		return fmt.Errorf("gradus is below scikit-learn on %d of %d tables", below, len(tables))
	}
	return nil
}

func sklearn(table, kind string, seeds int, temp string) (scores []float64, err error) {
	cmd := exec.Command(cmp.Or(os.Getenv("PYTHON"), "python3"), "bench/sklearn/mlp.py", table, kind, strconv.Itoa(seeds), temp)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("mlp.py: %w", err)
	}
	for line := range bytes.Lines(out) {
		var r struct{ Score float64 }
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		scores = append(scores, r.Score)
	}
	if len(scores) != seeds {
		return nil, fmt.Errorf("mlp.py printed %d scores of %d", len(scores), seeds)
	}
	return scores, nil
}

func train(gradus, temp, kind, metric string, seed int) (float64, error) {
	file := func(part string) string { return filepath.Join(temp, fmt.Sprintf("%d-%s.csv", seed, part)) }
	args := append([]string{
		"train", file("train"), "--members", "1", "--test", file("test"), "--seed", strconv.Itoa(seed), "--json", "--quiet",
		"--out", filepath.Join(temp, "model.safetensors"),
	}, settings...)
	if kind == "regressor" {
		args = append(args, "--task", "regression", "--loss", "half-squared")
	}
	cmd := exec.Command(gradus, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	var r struct{ Metrics struct{ Test map[string]any } }
	if err := json.Unmarshal(out, &r); err != nil {
		return 0, err
	}
	score, ok := r.Metrics.Test[metric].(float64)
	if !ok {
		return 0, fmt.Errorf("no %s among the test metrics", metric)
	}
	return score, nil
}

func spread(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / float64(max(1, len(x)-1))
	}
	return mean, math.Sqrt(sd)
}
