// Command scores trains gradus with its default flags on real tables, over several seeds. It
// prints how well the models do on unseen rows, and the bar that each must clear. It finds the
// tables through GRADUS_DATA. Run it from the repository's root:
//
//	GRADUS_DATA=/path/to/data go run ./bench/scores
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// experiment is one table and the mean score over the seeds that it requires.
type experiment struct {
	name string
	args []string // of gradus train; data files are relative to GRADUS_DATA
	data string
	test string // a file, or empty for --test 0.2
	bars []bar
}

type bar struct {
	metric string
	least  float64 // the mean must be at least this, or at most this if below is set
	below  bool
}

var experiments = []experiment{
	{
		name: "adult", data: "mid/adult_train.csv", test: "mid/adult_test.csv", args: []string{"--target", "income"},
		bars: []bar{{"accuracy", 0.848, false}, {"auc", 0.903, false}},
	},
	{name: "california_housing", data: "mid/california_housing.csv", bars: []bar{{"rmse", 0.52, true}}},
	{name: "digits8x8", data: "small/digits8x8.csv", bars: []bar{{"accuracy", 0.97, false}}},
}

func main() {
	seeds := flag.Int("seeds", 5, "how many seeds, from 1")
	flag.Parse()
	if err := run(*seeds); err != nil {
		fmt.Fprintln(os.Stderr, "scores:", err)
		os.Exit(1)
	}
}

func run(seeds int) error {
	data := os.Getenv("GRADUS_DATA")
	if data == "" {
		return fmt.Errorf("GRADUS_DATA is not set; it names the folder with mid/adult_train.csv and the others")
	}
	temp, err := os.MkdirTemp("", "gradus-scores-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	gradus := filepath.Join(temp, "gradus")
	if out, err := exec.Command("go", "build", "-o", gradus, "./cmd/gradus").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	missed := 0
	for _, x := range experiments {
		scores := map[string][]float64{}
		seconds, epochs := 0.0, 0.0
		for seed := 1; seed <= seeds; seed++ {
			r, err := train(gradus, temp, data, x, seed)
			if err != nil {
				return fmt.Errorf("%s, seed %d: %w", x.name, seed, err)
			}
			for _, b := range x.bars {
				scores[b.metric] = append(scores[b.metric], r.Metrics.Test[b.metric])
			}
			seconds += r.Seconds / float64(seeds)
			epochs += float64(r.Epochs) / float64(seeds)
		}
		for _, b := range x.bars {
			mean, sd := spread(scores[b.metric])
			sign, verdict := ">=", "ok"
			if b.below {
				sign = "<="
			}
			if b.below && mean > b.least || !b.below && mean < b.least {
				verdict = "MISSED"
				missed++
			}
			fmt.Printf("%-20s %-9s %.4f ± %.4f  %s %.3f  %s  (%.1f s, %.0f epochs)\n", x.name, b.metric, mean, sd, sign, b.least, verdict, seconds, epochs)
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d of the bars were missed", missed)
	}
	return nil
}

// result is the part of gradus train --json that is read.
type result struct {
	Epochs  int
	Seconds float64
	Metrics struct{ Test map[string]float64 }
}

func train(gradus, temp, data string, x experiment, seed int) (r result, err error) {
	test := "0.2"
	if x.test != "" {
		test = filepath.Join(data, x.test)
	}
	args := append([]string{
		"train", filepath.Join(data, x.data), "--test", test, "--seed", strconv.Itoa(seed),
		"--json", "--quiet", "--out", filepath.Join(temp, "model.safetensors"),
	}, x.args...)
	cmd := exec.Command(gradus, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	var raw struct {
		Epochs  int
		Seconds float64
		Metrics struct{ Test map[string]any }
	}
	if err := json.Unmarshal(out, &raw); err != nil {
		return r, err
	}
	r.Epochs, r.Seconds, r.Metrics.Test = raw.Epochs, raw.Seconds, map[string]float64{}
	for k, v := range raw.Metrics.Test {
		if f, ok := v.(float64); ok {
			r.Metrics.Test[k] = f
		}
	}
	return r, nil
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
