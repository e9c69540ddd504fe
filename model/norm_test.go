package model_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// normedOptions returns options with norms and dropout everywhere.
func normedOptions(norm, precision string) model.Options {
	return model.Options{
		Targets: []string{"kind"}, Ignore: []string{"amount", "other", "yesno", "l1", "l2"}, Precision: precision, Seed: 1,
		Hidden: []int{7, 5}, Epochs: 4, BatchSize: 16, Norm: norm, Dropout: 0.25, InputDropout: 0.1,
	}
}

// A model with norms is loaded from its file bit for bit, including the running statistics. A run that starts from the
// file starts with these values.
func TestNormedRoundTrip(t *testing.T) {
	for _, norm := range []string{"none", "batch", "layer"} {
		for _, precision := range []string{"float32", "float64"} {
			m, f, err := model.Train(context.Background(), mixed(t), normedOptions(norm, precision))
			if err != nil {
				t.Fatal(err)
			}
			path := save(t, m)
			back, err := model.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(back.Network64().Values(), m.Network64().Values()) || back.WeightsSHA256() != m.WeightsSHA256() {
				t.Errorf("%s, %s: the loaded values differ", norm, precision)
			}
			if !slices.Equal(back.Network64().Layers()[:2], zeroInit(m.Network64().Layers()[:2])) || back.DescribeNetwork() != m.DescribeNetwork() {
				t.Errorf("%s, %s: %s was loaded as %s", norm, precision, m.DescribeNetwork(), back.DescribeNetwork())
			}
			if back.Options.Norm != norm || back.Options.Dropout != 0.25 || back.Options.InputDropout != 0.1 {
				t.Errorf("%s, %s: the loaded options are %+v", norm, precision, back.Options)
			}
			if len(m.Network64().State()) > 0 && slices.Max(m.Network64().State()) == 1 {
				t.Errorf("%s, %s: the running statistics did not change", norm, precision)
			}
			a, _, err := m.Predict(mixed(t))
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := back.Predict(mixed(t))
			if err != nil || !slices.Equal(a, b) {
				t.Errorf("%s, %s: the predictions of the loaded model differ, %v", norm, precision, err)
			}

			w, err := model.LoadWeights(path)
			if err != nil {
				t.Fatal(err)
			}
			next, err := model.Prepare(model.Tables{Train: mixed(t)}, normedOptions(norm, precision), w)
			if err != nil {
				t.Fatal(err)
			}
			net, _, _, err := next.Sample(1)
			if err != nil || !slices.Equal(net.Values(), m.Network64().Values()) {
				t.Errorf("%s, %s: a run that starts from the file has other values, %v", norm, precision, err)
			}
			if f.Rows.Train == 0 {
				t.Error("there was nothing to train on")
			}
		}
	}
}

func zeroInit(layers []nn.Dense) []nn.Dense {
	for i := range layers {
		layers[i].Init = nn.Zeros // a model does not keep its initialization
	}
	return layers
}

func TestDescribeNorms(t *testing.T) {
	got := model.Describe(8, []nn.Dense{
		{Units: 64, Activation: nn.ReLU, Norm: nn.BatchNorm, Dropout: 0.1}, {Units: 32, Activation: nn.Tanh, Norm: nn.LayerNorm, Dropout: 0.5}, {Units: 1, Activation: nn.Identity},
	})
	if want := "8 dropout 0.1 - 64 batch-norm relu dropout 0.5 - 32 layer-norm tanh - 1 identity"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The error names what is wrong with a norm in a file.
func TestNormedLoadErrors(t *testing.T) {
	m, _, err := model.Train(context.Background(), mixed(t), normedOptions("batch", "float32"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(save(t, m))
	if err != nil {
		t.Fatal(err)
	}
	state := m.Network32().State() // the running variances of layer 0 follow its means
	variance := make([]byte, 4)
	for k := range variance {
		variance[k] = byte(math.Float32bits(state[7]) >> (8 * k))
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"an unknown norm":       {replaced(raw, `\"norm\":\"batch\"`, `\"norm\":\"group\"`), `layer 0: norm "group" is not known; choose one of none, batch, layer`},
		"another norm":          {replaced(raw, `\"norm\":\"batch\"`, `\"norm\":\"layer\"`), "its layers have 182 parameters and 0 running statistics, its tensors 206 numbers"},
		"no norm":               {replaced(raw, `\"norm\":\"batch\",`, ``), "its layers have 158 parameters and 0 running statistics, its tensors 206 numbers"},
		"a large dropout":       {replaced(raw, `\"dropout\":0.1}`, `\"dropout\":1.1}`), "layer 0: a share of 1.1 of its inputs cannot be dropped"},
		"another tensor":        {replaced(raw, "layers.0.norm.var", "layers.0.norm.vax"), "it has no tensor layers.0.norm.var; it has layers.0.norm.bias"},
		"a negative variance":   {bytes.Replace(raw, variance, []byte{0, 0, 0x80, 0xbf}, 1), "layers.0.norm.var holds -1 at place 0, and a variance is not negative"},
		"a variance of no size": {bytes.Replace(raw, variance, []byte{0, 0, 0xc0, 0x7f}, 1), "layers.0.norm.var holds NaN at place 0, not a finite number"},
	} {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := os.WriteFile(path, c.raw, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := model.Load(path); err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, model.ErrFile) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

func TestNormedOptionsRefuse(t *testing.T) {
	for want, change := range map[string]func(*model.Options){
		`options: Norm: norm "group" is not known; choose one of none, batch, layer`:                                                                      func(o *model.Options) { o.Norm = "group" },
		"options: Norm: there is no hidden layer to normalize; leave it none, or give hidden layers":                                                      func(o *model.Options) { o.Hidden = []int{} },
		"options: Dropout: there is no hidden layer whose units could be dropped; leave it 0, or give hidden layers":                                      func(o *model.Options) { o.Hidden, o.Norm = []int{}, "" },
		"options: Dropout 1: give a number of at least 0 and less than 1, such as 0.2":                                                                    func(o *model.Options) { o.Dropout = 1 },
		"options: InputDropout NaN: give a number of at least 0 and less than 1, such as 0.2":                                                             func(o *model.Options) { o.InputDropout = math.NaN() },
		"options: Norm: batch normalization needs at least 2 rows in a batch, and with the method stochastic it has 1; use mini-batch, or the norm layer": func(o *model.Options) { o.Method = "stochastic" },
		"options: Norm: batch normalization needs at least 2 rows in a batch, and the batch size is 1; make that larger, or use the norm layer":           func(o *model.Options) { o.BatchSize = 1 },
	} {
		o := normedOptions("batch", "float32")
		change(&o)
		if _, err := model.Prepare(model.Tables{Train: mixed(t)}, o, nil); err == nil || err.Error() != want || !errors.Is(err, model.ErrOptions) {
			t.Errorf("\n got %v\nwant %s", err, want)
		}
	}
}
