package model_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// halving is a custom schedule.
type halving struct{}

func (halving) String() string                               { return "halving" }
func (halving) Rate(base float64, at optim.Position) float64 { return base / float64(at.Epoch()+1) }

// A loaded model keeps all custom parts. Training again with its options gives the same bits.
func TestLoadKeepsCustom(t *testing.T) {
	custom := model.Custom{
		Activations: []nn.Activation{Bump{}}, Losses: []nn.Loss{Cauchy{}}, Optimizers: []optim.Optimizer{SignDescent{}}, Schedules: []optim.Schedule{halving{}},
	}
	rate := 0.001
	o := model.Options{
		Targets: []string{"amount"}, Hidden: []int{4}, Activation: "bump", Loss: "cauchy", Optimizer: "sign-descent", Schedule: "halving",
		LearningRate: &rate, Epochs: 3, Seed: 1, Custom: custom,
	}
	m, _, err := model.Train(context.Background(), mixed(t), o)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := model.Load(save(t, m), custom, custom)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := 0, reflect.ValueOf(loaded.Options.Custom); i < got.NumField(); i++ {
		if want := reflect.ValueOf(custom).Field(i).Len(); want == 0 || got.Field(i).Len() != 2*want {
			t.Errorf("Custom.%s has %d parts after it was given %d twice", got.Type().Field(i).Name, got.Field(i).Len(), want)
		}
	}
	again, _, err := model.Train(context.Background(), mixed(t), loaded.Options)
	if err != nil {
		t.Fatal(err)
	}
	if again.WeightsSHA256() != m.WeightsSHA256() {
		t.Error("the options of the loaded model train to other weights")
	}
}

// If several options are wrong, the error names the same one every time.
func TestTheSameFaultIsNamed(t *testing.T) {
	half := 0.5
	for range 30 {
		_, err := model.Prepare(model.Tables{Train: mixed(t)}, model.Options{Optimizer: "lbfgs", Momentum: &half, Beta1: &half, Beta2: &half, Epsilon: &half}, nil)
		if err == nil || !strings.HasSuffix(err.Error(), "the optimizer lbfgs has no momentum") {
			t.Fatal(err)
		}
	}
}

// Every error about an option wraps ErrOptions.
func TestOptionErrors(t *testing.T) {
	nan, minus, few := math.NaN(), -1.0, -1
	wrong := map[string]model.Options{
		"Targets":            {Targets: []string{"nope"}},
		"Targets twice":      {Targets: []string{"kind", "kind"}},
		"Targets mixed":      {Targets: []string{"kind", "amount"}},
		"Task":               {Task: "nope"},
		"Task on text":       {Targets: []string{"kind"}, Task: data.Regression},
		"Types":              {Types: map[string]data.Kind{"x": "nope"}},
		"Types column":       {Types: map[string]data.Kind{"nope": data.KindNumber}},
		"Types on text":      {Types: map[string]data.Kind{"color": data.KindNumber}},
		"Types on target":    {Targets: []string{"kind"}, Types: map[string]data.Kind{"kind": data.KindNumber}},
		"Types date":         {Targets: []string{"day"}, Types: map[string]data.Kind{"day": data.KindDate}},
		"Ignore":             {Ignore: []string{"nope"}},
		"Scale":              {Scale: "nope"},
		"Missing":            {Missing: []string{"none", "nope"}},
		"Decimal":            {Decimal: ";"},
		"DateFormat":         {DateFormat: map[string]string{"nope": "%d"}},
		"DateFormat layout":  {DateFormat: map[string]string{"day": "%Q"}},
		"DateFormat on text": {DateFormat: map[string]string{"color": "%Y"}},
		"Positive":           {Targets: []string{"yesno"}, Positive: "nope"},
		"Positive of many":   {Targets: []string{"amount"}, Positive: "1"},
		"Hidden":             {Hidden: []int{0}},
		"Activation":         {Activation: "nope"},
		"OutputActivation":   {OutputActivation: "nope"},
		"Recipe":             {Recipe: "nope"},
		"Init":               {Init: "nope"},
		"Norm":               {Norm: "nope"},
		"Dropout":            {Dropout: 1},
		"InputDropout":       {InputDropout: nan},
		"Precision":          {Precision: "nope"},
		"Loss":               {Loss: "nope"},
		"Reduction":          {Reduction: "nope"},
		"Method":             {Method: "nope"},
		"BatchSize":          {BatchSize: -1},
		"Optimizer":          {Optimizer: "nope"},
		"LearningRate":       {LearningRate: &nan},
		"Momentum":           {Optimizer: "momentum", Momentum: &minus},
		"Beta1":              {Beta1: &minus},
		"Beta2":              {Beta2: &nan},
		"Epsilon":            {Epsilon: &minus},
		"WeightDecay":        {WeightDecay: &minus},
		"Schedule":           {Schedule: "nope"},
		"Warmup":             {Warmup: -1},
		"L1":                 {L1: nan},
		"L2":                 {L2: -1},
		"MaxNorm":            {MaxNorm: -1},
		"ClipNorm":           {ClipNorm: nan},
		"ClipValue":          {ClipValue: -1},
		"EMA":                {EMA: 1},
		"LabelSmoothing":     {LabelSmoothing: 0.1, Targets: []string{"amount"}},
		"Shards":             {Shards: -1},
		"Members":            {Members: -2},
		"Threads":            {Threads: -1},
		"BlockRows":          {BlockRows: -1},
		"BufferBlocks":       {BufferBlocks: -1},
		"Epochs":             {Epochs: -1},
		"MaxTime":            {MaxTime: -1},
		"Tolerance":          {Tolerance: &nan},
		"TargetLoss":         {TargetLoss: &nan},
		"Patience":           {Patience: &few},
		"MinDelta":           {MinDelta: nan},
		"OnDivergence":       {OnDivergence: "nope"},
		"Validation":         {Validation: &nan},
		"Test":               {Test: &minus},
		"SampleWeight":       {SampleWeight: "nope"},
		"ClassWeight":        {Targets: []string{"kind"}, ClassWeight: []string{"nope=1"}},
		"Split":              {Split: "nope"},
		"Split column":       {Split: "time:nope"},
		"Group":              {Group: "nope"},
		"Metrics":            {Metrics: []string{"nope"}},
		"Threshold":          {Targets: []string{"yesno"}, Threshold: "2"},
		"Interval":           {Targets: []string{"amount"}, Interval: 1.5},
		"Custom.Losses":      {Targets: []string{"amount"}, Loss: "huber:-1", Custom: model.Custom{Losses: []nn.Loss{nn.Huber(-1)}}},
		"Custom.Optimizers":  {Optimizer: "adam", Beta1: &minus},
		"Custom.Schedules":   {Schedule: "step:-1:0.1", Custom: model.Custom{Schedules: []optim.Schedule{optim.StepDecay{Every: -1}}}},
		"Custom.Activations": {Activation: "elu:-1", Custom: model.Custom{Activations: []nn.Activation{nn.ELU(-1)}}},
	}
	for name, o := range wrong {
		if _, err := model.Prepare(model.Tables{Train: mixed(t)}, o, nil); !errors.Is(err, model.ErrOptions) {
			t.Errorf("%s: got %v, want an error that wraps model.ErrOptions", name, err)
		}
	}
	fields := reflect.TypeFor[model.Options]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		switch name {
		case "NoBias", "NoShuffle", "Calibrate", "Shrink", "Seed", "Stage", "Step", "Ranks", "Encoded", "Refuse", "Elsewhere", "Custom": // these have no wrong value; the parts of Custom are tried above
			continue
		}
		if _, tried := wrong[name]; !tried {
			t.Errorf("no wrong value of %s is tried", name)
		}
	}
}
