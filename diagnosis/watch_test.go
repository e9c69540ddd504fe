package diagnosis

import (
	"bytes"
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// watched returns a run in which a watcher remembers everything that it can: moves, looks, dead rows and identical units.
func watched(t testing.TB) (*train.Trainer[float32], *Watcher[float32]) {
	t.Helper()
	n, err := nn.New[float32](5, nn.Seed(3), nn.Dense{Units: 4, Activation: nn.ReLU}, nn.Dense{Units: 3, Init: nn.Zeros}, nn.Dense{Units: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n.Bias(0) { // so that some rows are dead
		n.Bias(0)[i] = -1.5
	}
	tr, err := train.New(n, train.Config{Optimizer: optim.SGD{}, LearningRate: 0.05, Epochs: 500}, train.Data[float32]{Train: table(100, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return tr, Watch(tr, Names{})
}

// A watcher's memory can be written to its state and read back, also in a checkpoint.
func TestStateHoldsAllOfTheMemory(t *testing.T) {
	tr, w := watched(t)
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Epoch == 450 {
			break
		}
	}
	if len(w.looks) < 2 || len(w.moves) < 2 || !slices.Contains(w.alike, true) || len(w.looks[0].layers[0].deadRows) == 0 {
		t.Fatalf("the run did not remember everything: %+v", w.memory)
	}
	var file bytes.Buffer
	if err := tr.Checkpoint(&file); err != nil {
		t.Fatal(err)
	}
	read, err := train.ReadCheckpoint(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	other, again := watched(t)
	if err := other.Restore(read); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.memory, w.memory) {
		t.Errorf("the memory %+v is read as %+v, want the same", w.memory, again.memory)
	}
	fresh := again.State()
	if err := again.SetState(nil); err != nil || slices.Equal(again.State(), fresh) || len(again.looks) > 0 || !again.Alone() {
		t.Errorf("SetState(nil) does not reset the watcher: %+v, %v", again.memory, err)
	}
}

// A state that no watcher can have is refused, and the watcher keeps its memory.
func TestStateRefusesNonsense(t *testing.T) {
	tr, w := watched(t)
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	state := w.State()
	for n := 1; n < len(state); n += 7 {
		if n == 3+int(state[2])+3 { // a valid state without looks
			continue
		}
		short := slices.Clone(state[:n])
		if err := w.SetState(short); err == nil && !slices.Equal(w.State(), short) {
			t.Errorf("the first %d of %d numbers are read as %v, want an error", n, len(state), w.State())
		}
		if err := w.SetState(state); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.looks) == 0 || len(w.looks[0].layers[0].deadRows) == 0 {
		t.Fatal("the watcher saw no dead row")
	}
	row := 3 + int(state[2]) + 3 + 1 + 4 // the first dead row of the first look
	for _, bad := range []float64{-1, 1e9, math.Inf(1), math.NaN()} {
		broken := slices.Clone(state)
		broken[row] = bad
		if err := w.SetState(broken); err == nil {
			t.Errorf("a look with the dead row %v is accepted", bad)
		}
		if !slices.Equal(w.State(), state) {
			t.Fatalf("the watcher keeps a refused state: %v", w.State())
		}
	}
}
