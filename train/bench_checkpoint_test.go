package train

import (
	"bytes"
	"io"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

func BenchmarkCheckpoint(b *testing.B) {
	net, err := nn.New[float32](3, nn.Seed(5), nn.Dense{Units: 1000, Activation: nn.ReLU}, nn.Dense{Units: 1000, Activation: nn.ReLU}, nn.Dense{Units: 2})
	if err != nil {
		b.Fatal(err)
	}
	tr, err := New(net, Config{Optimizer: optim.NewAdam()}, Data[float32]{Train: problem[float32](37)})
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	tr.Checkpoint(&file)
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		b.ReportAllocs()
		for b.Loop() {
			tr.Checkpoint(io.Discard)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		b.ReportAllocs()
		for b.Loop() {
			c, err := ReadCheckpoint(bytes.NewReader(file.Bytes()))
			if err == nil {
				err = tr.Restore(c)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
