package lab

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

var ctx = context.Background()

func newSession(t testing.TB, example string) *Session {
	t.Helper()
	s, err := NewSession(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.LoadExample(example); err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually waits for something to become true.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 2*time.Minute {
			t.Fatalf("this did not happen within two minutes: %s", what)
		}
	}
}

// nothingLeft waits until only the goroutines from before are left.
func nothingLeft(t testing.TB, what string, before goleak.Option) {
	t.Helper()
	var err error
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		if err = goleak.Find(before); err == nil {
			return
		}
	}
	t.Errorf("%s: goroutines are still running: %v", what, err)
}

func params(s *Session) []float64 { return s.Frame().Net.Params() }

// bits reports whether two slices are equal to the last bit.
func bits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// plain trains as gradus train does and returns the parameters after the given number of updates.
func plain(t *testing.T, s Setup, table *data.Table, updates int) []float64 {
	t.Helper()
	o := s.Options
	none := 0
	o.Patience = &none
	f, err := model.Prepare(model.Tables{Train: table}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if updates > 0 {
		for _, err := range f.Steps(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == updates {
				break
			}
		}
	}
	if n != updates {
		t.Fatalf("the run made only %d updates", n)
	}
	return f.Network().Params()
}

// Sample shows the rows of a batch in turn and makes the update after the last row.
func TestSampleByRows(t *testing.T) {
	s := newSession(t, "notebook-mini-batch")
	for update := range 6 {
		next := s.Frame().Next
		for i, row := range next {
			s.Sample()
			f := s.Frame()
			if f.View.Row != row {
				t.Fatalf("row %d is shown, want %d", f.View.Row, row)
			}
			if want := update + (i+1)/len(next); f.At != want {
				t.Fatalf("after row %d of %d: update %d, want %d", i+1, len(next), f.At, want)
			}
		}
	}
	s.Sample()
	if err := s.Back(ctx); err != nil {
		t.Fatal(err)
	}
	if f := s.Frame(); f.At != 6 || f.Seen != 0 {
		t.Errorf("going back from a row leads to update %d, row %d, want 6 and 0", f.At, f.Seen)
	}
}

// Another net is shown whole, whatever part of the pass was shown before.
func TestAnotherNetIsShownWhole(t *testing.T) {
	s := newSession(t, "notebook")
	s.Look(s.phase(-1))
	if err := s.LoadExample("spirals"); err != nil {
		t.Fatal(err)
	}
	if got := s.Frame().Phase(); got != "forward and back" {
		t.Errorf("another network is shown in the phase %q, want forward and back", got)
	}
}
