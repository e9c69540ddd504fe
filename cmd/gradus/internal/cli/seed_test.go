package cli

import (
	"context"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// The command line without flags trains the same as Options with the seed 1. The seed is the only default
// that differs.
func TestDefaultsAreThoseOfOptions(t *testing.T) {
	place(t, nil)
	want := trainQuietly(t, 0, iris, "--epochs", "2")["weights_sha256"]
	table, err := data.Read(iris, data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for seed, same := range map[uint64]bool{0: false, 1: true} {
		m, _, err := model.Train(context.Background(), table, model.Options{Epochs: 2, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if (m.WeightsSHA256() == want) != same {
			t.Errorf("seed %d: got the weights %s; those of the command line are %s, want the same: %v", seed, m.WeightsSHA256(), want, same)
		}
	}
}
