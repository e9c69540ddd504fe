package nn_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
)

// cube is an activation that gradus does not have.
type cube struct{}

func (cube) String() string         { return "cube" }
func (cube) F(z float64) float64    { return z * z * z }
func (cube) D(z, _ float64) float64 { return 3 * z * z }
func (cube) Piece(float64) int      { return 0 }

func fileNetwork[T nn.Float](t *testing.T) (*nn.Network[T], []byte) {
	t.Helper()
	n, err := nn.New[T](3, nn.Seed(5),
		nn.Dense{Units: 4, Activation: nn.LeakyReLU(0.2), Norm: nn.BatchNorm, NoBias: true, Dropout: 0.25},
		nn.Dense{Units: 3, Activation: cube{}, Norm: nn.LayerNorm}, nn.Dense{Units: 2, Activation: nn.Softmax})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n.State() {
		n.State()[i] = T(i+1) / 8
	}
	var b bytes.Buffer
	if err := n.Write(&b); err != nil {
		t.Fatal(err)
	}
	return n, b.Bytes()
}

func testNetworkFile[T nn.Float](t *testing.T) {
	n, raw := fileNetwork[T](t)
	back, err := nn.Read[T](bytes.NewReader(raw), cube{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.Values(), n.Values()) {
		t.Error("the network that was read has different values")
	}
	for l, d := range back.Layers() {
		if d.Spec() != n.Layer(l).Spec() {
			t.Errorf("layer %d is read as %+v, want %+v", l, d.Spec(), n.Layer(l).Spec())
		}
	}
	x := nn.FromRows([][]T{{1, 2, 3}, {-1, 0, 2}})
	if !slices.Equal(back.Predict(x).Data, n.Predict(x).Data) {
		t.Error("the network that was read gives different outputs")
	}
	var again bytes.Buffer
	if err := back.Write(&again); err != nil || !bytes.Equal(again.Bytes(), raw) {
		t.Errorf("the network that was read writes a different file (error %v)", err)
	}
}

func TestNetworkFile(t *testing.T) {
	t.Run("float32", testNetworkFile[float32])
	t.Run("float64", testNetworkFile[float64])

	_, raw := fileNetwork[float32](t)
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		if _, err := nn.Read[float32](bytes.NewReader(raw), cube{}); !errors.Is(err, nn.ErrFile) {
			t.Fatalf("bit %d was flipped: got %v, want an error that wraps ErrFile", bit, err)
		}
		raw[bit/8] ^= 1 << (bit % 8)
	}
	if _, err := nn.Read[float32](bytes.NewReader(raw)); !errors.Is(err, nn.ErrActivation) || !strings.Contains(err.Error(), `layer 1: activation: activation "cube" is not known`) {
		t.Errorf("without the activation: got %v, want an error that wraps ErrActivation and names the layer", err)
	}
	n64, raw := fileNetwork[float64](t)
	n32, err := nn.Read[float32](bytes.NewReader(raw), cube{})
	if err != nil || !slices.Equal(n32.Values(), nn.ConvertNetwork[float32](n64).Values()) {
		t.Errorf("float64 read as float32: got different values or the error %v", err)
	}
	for _, end := range []int{0, 7, 100, len(raw) - 1} {
		if _, err := nn.Read[float64](bytes.NewReader(raw[:end]), cube{}); !errors.Is(err, nn.ErrFile) {
			t.Errorf("cut short at %d: got %v, want an error that wraps ErrFile", end, err)
		}
	}
}
