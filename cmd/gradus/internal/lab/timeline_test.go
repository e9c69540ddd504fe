package lab

import (
	"testing"
)

// A run goes a thousand updates forward and back to the start. The bits at every place are the same, for
// every method, and for optimizers with a state.
func TestThousandStepsAndBackAgain(t *testing.T) {
	cases := []struct {
		example string
		change  map[string]string
	}{
		{"notebook", nil},
		{"notebook-stochastic", nil},
		{"notebook-mini-batch", map[string]string{"optimizer": "adam", "lr": "0.01", "tolerance": ""}},
		{"notebook-per-sample", map[string]string{"tolerance": "1e-12", "lr": "0.5", "epochs": "300"}},
		{"circles", map[string]string{"precision": "float32", "schedule": "cosine"}},
		{"spirals", map[string]string{"validation": "0.2"}},
	}
	for _, c := range cases {
		t.Run(c.example, func(t *testing.T) {
			s := newSession(t, c.example)
			if err := s.Change(c.change); err != nil {
				t.Fatal(err)
			}
			start := params(s)
			seen := map[int][]float64{0: start}
			for range 1000 {
				s.Batch()
				f := s.Frame()
				seen[f.At] = f.Net.Params()
			}
			if len(seen) != 1001 {
				t.Fatalf("got %d places after 1000 updates, want 1001", len(seen))
			}
			if want := plain(t, s.Frame().Setup, s.table, 1000); !bits(seen[1000], want) {
				t.Error("after 1000 updates the weights differ from those of a plain run")
			}
			for _, n := range []int{999, 998, 512, 511, 37, 1, 0, 640, 3, 1000} {
				if err := s.Goto(ctx, n); err != nil {
					t.Fatal(err)
				}
				f := s.Frame()
				if f.At != n || f.Most != 1000 {
					t.Fatalf("at update %d of %d, want %d of 1000", f.At, f.Most, n)
				}
				if !bits(f.Net.Params(), seen[n]) {
					t.Errorf("back at update %d the weights differ", n)
				}
			}
			for range 20 {
				if err := s.Back(ctx); err != nil {
					t.Fatal(err)
				}
				if f := s.Frame(); !bits(f.Net.Params(), seen[f.At]) {
					t.Errorf("after a step back to update %d the weights differ", f.At)
				}
			}
			if err := s.Goto(ctx, 0); err != nil {
				t.Fatal(err)
			}
			if !bits(params(s), start) {
				t.Error("back at the start the weights differ")
			}
		})
	}
}
