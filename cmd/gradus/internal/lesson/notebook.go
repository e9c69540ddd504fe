package lesson

import (
	"context"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// NotebookSeed is the seed for showing the notebook. It was chosen because its runs are
// instructive: the batch run at rate 50 stalls as the notebook's did and stops in the same phase
// of its cycle, the one sample at rate 2000 saturates at the printed 1.0, and per-sample
// visits the rows in the printed order, 0 2 3 1.
const NotebookSeed = 10

// notebookTolerance is the notebook's tolerance in every section.
const notebookTolerance = 0.001

// Experiment is one run of the seed notebook, repeated.
//
// All experiments have sigmoid units without bias, weights uniform in [-1, 1), half the squared error
// summed over the batch, and a relative tolerance of 0.001 on every output.
type Experiment struct {
	Name    string `json:"name"`
	Section string `json:"section"` // the notebook's heading
	What    string `json:"what"`    // one sentence
	Printed string `json:"printed"` // exactly what the notebook printed; empty if it has no such run

	Hidden    int          `json:"hidden"` // units; there are 3 inputs and 1 output
	Method    train.Method `json:"method"`
	BatchSize int          `json:"batch_size"`
	Rate      float64      `json:"learning_rate"`
	MaxEpochs int          `json:"max_epochs"` // for per-sample: the maximum for each sample

	Result Outcome  `json:"result"`
	Known  []string `json:"known"` // the facts about it; every number is measured here
}

// Outcome is the result of an experiment. The outputs are those after the last update; the
// notebook printed the outputs from before it. For the same reason the notebook's count of epochs is
// higher by one if the run converges.
type Outcome struct {
	Targets   []float64      `json:"targets"` // one per row
	Outputs   []float64      `json:"outputs"`
	MSE       float64        `json:"mse"` // over all rows
	Epochs    int            `json:"epochs"`
	Updates   int            `json:"updates"`
	Converged bool           `json:"converged"`
	Reason    string         `json:"stop_reason"`
	Samples   []SampleResult `json:"samples,omitempty"` // for per-sample, in the order of training
	History   train.History  `json:"-"`

	Diagnosis []option.Finding `json:"diagnosis"` // the trainer's diagnosis, as gradus train gives it

	Start, Network *nn.Network[float64] `json:"-"` // before and after training
}

// MarshalJSON writes null for a number that is not finite.
func (o Outcome) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(o) }

// UnmarshalJSON reads null as NaN.
func (o *Outcome) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, o) }

// SampleResult is the state of one sample of a per-sample run when the run left it.
type SampleResult struct {
	Row       int     `json:"row"`
	Epochs    int     `json:"epochs"`
	Converged bool    `json:"converged"`
	Output    float64 `json:"output"`
	MSE       float64 `json:"mse"` // of this row only
}

// MarshalJSON writes null for a number that is not finite.
func (s SampleResult) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(s) }

// UnmarshalJSON reads null as NaN.
func (s *SampleResult) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, s) }

// NotebookRows returns the notebook's four samples.
func NotebookRows() train.Set[float64] {
	return train.Set[float64]{
		X: nn.FromRows([][]float64{{.2, .4, .6}, {.3, .3, .1}, {.5, .4, .7}, {.8, .4, .1}}),
		Y: nn.FromRows([][]float64{{.8}, {.2}, {.4}, {.6}}),
	}
}

// Notebook runs the notebook's experiments from the weights that belong to the seed, with the
// sections in the notebook's order. The experiments with 4 hidden units start from the same weights, and
// so do those with 1. When ctx ends, Notebook returns the experiments so far with an error that wraps
// train.ErrInterrupted.
func Notebook(ctx context.Context, seed uint64) ([]Experiment, error) {
	var done []Experiment
	for _, p := range program {
		e := p.Experiment
		r, err := p.recipe().run(ctx, seed)
		if err != nil {
			return done, err
		}
		e.Result = r.Outcome
		if e.Known, err = p.known(ctx, &e, r); err != nil {
			return done, err
		}
		done = append(done, e)
	}
	return done, nil
}

const (
	sectionOne        = "One sample, three features, single output"
	sectionBatch      = "Batch Gradient Descent"
	sectionStochastic = "Stochastic Gradient Descent"
	sectionMiniBatch  = "Mini-batch gradient descent"
)

// planned is an experiment and the function that finds out the facts about its run.
type planned struct {
	Experiment
	rows  int
	known func(context.Context, *Experiment, *record) ([]string, error)
}

var program = []planned{{
	rows: 1, known: knownOne,
	Experiment: Experiment{
		Name: "one sample", Section: sectionOne, Hidden: 1, Method: train.Batch, BatchSize: 1, Rate: 80, MaxEpochs: 2000,
		What:    "A 3-1-1 net learns a single sample, x = (0.2, 0.4, 0.6) and y = 0.8, at rate 80.",
		Printed: "Output: [[1.]] MSE: 0.039999999999999716  Epoch 2000",
	},
}, {
	rows: 1, known: knownTooFast,
	Experiment: Experiment{
		Name: "one sample, rate 2000", Section: sectionOne, Hidden: 1, Method: train.Batch, BatchSize: 1, Rate: 2000, MaxEpochs: 2000,
		What: "The same net, from the same weights, at a rate so large that it shows what the notebook printed.",
	},
}, {
	rows: 4, known: knownStall,
	Experiment: Experiment{
		Name: "batch", Section: sectionBatch, Hidden: 4, Method: train.Batch, BatchSize: 4, Rate: 50, MaxEpochs: 40000,
		What:    "A 3-4-1 net learns four samples, one update an epoch from all of them, at rate 50.",
		Printed: "Output: \n [[0.79344012]\n [0.19944846]\n [0.39776399]\n [0.49989846]] \n \n MSE: 0.002517163654541137  Epoch 40000",
	},
}, {
	rows: 4, known: knownSlower,
	Experiment: Experiment{
		Name: "batch, rate 5", Section: sectionBatch, Hidden: 4, Method: train.Batch, BatchSize: 4, Rate: 5, MaxEpochs: 40000,
		What: "The same net, from the same weights, at a tenth of the rate.",
	},
}, {
	rows: 4, known: knownForgetting,
	Experiment: Experiment{
		Name: "per-sample", Section: sectionStochastic, Hidden: 1, Method: train.PerSample, BatchSize: 1, Rate: 80, MaxEpochs: 40000,
		What: "What the notebook calls stochastic: a 3-1-1 net learns one sample until it is right, then the next, at rate 80.",
		Printed: "Trials:  [0 2 3 1]\n" +
			"Trial 0 \n Output: \n [[0.7993416]] \n \n MSE: 4.3349255792988845e-07  Epoch 4\n" +
			"Trial 2 \n Output: \n [[0.40034163]] \n \n MSE: 1.1671316297930424e-07  Epoch 6\n" +
			"Trial 3 \n Output: \n [[0.59943858]] \n \n MSE: 3.151914421341889e-07  Epoch 13\n" +
			"Trial 1 \n Output: \n [[0.20018748]] \n \n MSE: 3.5149809727710995e-08  Epoch 11",
	},
}, {
	rows: 4, known: knownTextbook,
	Experiment: Experiment{
		Name: "stochastic", Section: sectionStochastic, Hidden: 4, Method: train.Stochastic, BatchSize: 1, Rate: 5, MaxEpochs: 40000,
		What: "Stochastic descent as textbooks have it: the batch net makes one update a sample, in an order shuffled every epoch, at rate 5.",
	},
}, {
	rows: 4, known: knownMiniBatch,
	Experiment: Experiment{
		Name: "mini-batch", Section: sectionMiniBatch, Hidden: 4, Method: train.MiniBatch, BatchSize: 2, Rate: 5, MaxEpochs: 40000,
		What: "The section that the notebook only announces: the batch net makes one update for every two samples, shuffled every epoch, at rate 5.",
	},
}}

func (p *planned) recipe() recipe {
	return recipe{hidden: p.Hidden, rows: p.rows, method: p.Method, batchSize: p.BatchSize, rate: p.Rate, epochs: p.MaxEpochs}
}

// recipe holds what differs between the notebook's runs.
type recipe struct {
	hidden, rows      int
	method            train.Method
	batchSize, epochs int
	rate              float64
}

func (r recipe) data() train.Set[float64] {
	all := NotebookRows()
	return train.Set[float64]{X: all.X.Slice(0, r.rows), Y: all.Y.Slice(0, r.rows)}
}

func (r recipe) network(seed uint64) (*nn.Network[float64], error) {
	return nn.New[float64](3, nn.Seed(seed),
		nn.Dense{Units: r.hidden, Activation: nn.Sigmoid, NoBias: true, Init: nn.Uniform},
		nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true, Init: nn.Uniform})
}

func (r recipe) trainer(n *nn.Network[float64], seed uint64) (*train.Trainer[float64], error) {
	c := train.Config{
		Loss: nn.HalfSquared, Reduction: nn.Sum, Optimizer: optim.SGD{}, LearningRate: r.rate,
		Method: r.method, BatchSize: r.batchSize, Epochs: r.epochs, Seed: seed,
	}
	if r.method == train.PerSample {
		c.Tolerance = notebookTolerance
	} else {
		c.Stop = train.Tolerance{R: notebookTolerance}
	}
	return train.New(n, c, train.Data[float64]{Train: r.data()})
}

// record is a run with the data that the facts about it need.
type record struct {
	Outcome
	data  train.Set[float64]
	seed  uint64
	trail [][]float64 // the outputs after the last three of the maximum number of epochs, newest last
}

func (r recipe) run(ctx context.Context, seed uint64) (*record, error) {
	start, err := r.network(seed)
	if err != nil {
		return nil, err
	}
	n := start.Clone()
	t, err := r.trainer(n, seed)
	if err != nil {
		return nil, err
	}
	watcher := diagnosis.Watch(t, diagnosis.Names{})
	rec := &record{data: r.data(), seed: seed}
	rec.Start, rec.Network, rec.Targets = start, n, rec.data.Y.Data[:r.rows]
	for step, err := range t.Steps(ctx) {
		if err != nil {
			return nil, err
		}
		switch {
		case r.method == train.PerSample:
			if all := t.Result().Samples; len(all) > len(rec.Samples) {
				rec.Samples = append(rec.Samples, rec.sample(all[len(rec.Samples)]))
			}
		case step.EpochEnd && step.Epoch > r.epochs-3:
			rec.trail = append(rec.trail, n.Predict(rec.data.X).Data)
		}
	}
	result := t.Result()
	rec.Outputs = n.Predict(rec.data.X).Data
	rec.Epochs, rec.Updates = result.Epochs, result.Steps
	rec.Converged, rec.Reason, rec.History = result.Converged, result.Reason, result.History
	rec.Diagnosis = option.Findings(watcher.Diagnose())
	for i, y := range rec.Targets {
		rec.MSE += (y - rec.Outputs[i]) * (y - rec.Outputs[i]) / float64(len(rec.Targets))
	}
	return rec, nil
}

// sample returns the current state of a sample.
func (rec *record) sample(s train.Sample) SampleResult {
	out := rec.Network.Predict(rec.data.X.Slice(s.Row, s.Row+1)).At(0, 0)
	off := rec.Targets[s.Row] - out
	return SampleResult{Row: s.Row, Epochs: s.Epochs, Converged: s.Converged, Output: out, MSE: off * off}
}
