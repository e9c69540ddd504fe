package cli

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gradus-ml/gradus/train"
)

// TestBarFits: a terminal of 80 columns has room for the bar, the epoch, the loss, the validation loss and the
// time left. A line is never wider than the terminal.
func TestBarFits(t *testing.T) {
	s := train.Step{EpochLoss: 0.01234, Validation: 0.054321, Score: 0.98765, LearningRate: 0.00123}
	const counter = "epoch 1234/5000 "
	for _, width := range []int{0, 20, 40, 60, 80, 100, 200} {
		for _, score := range []string{"", "balanced_accuracy"} {
			text := barText(width-len(counter)-barWidth-1, s, score, 83*time.Second, 1.2e6)
			if n := utf8.RuneCountInString(text) + len(counter) + barWidth; n > width && text != " " {
				t.Errorf("at %d columns: got %d characters: %q", width, n, text)
			}
			if width >= 80 {
				for _, want := range []string{"loss 0.01234", "validation 0.05432", "1m23s left"} {
					if !strings.Contains(text, want) {
						t.Errorf("at %d columns: no %q in %q", width, want, text)
					}
				}
			}
			if width == 200 && (!strings.Contains(text, "1.2M samples/s") || !strings.Contains(text, "rate 0.00123") || strings.Contains(text, score) != true) {
				t.Errorf("at 200 columns: got %q, want the speed, the rate and the score", text)
			}
		}
	}
	s.Validation = math.NaN()
	if got, want := barText(60, s, "", time.Second, 5), " loss 0.01234, rate 0.00123, 5 samples/s, 1s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestWithinAnEpoch: the progress within a long epoch is reported.
func TestWithinAnEpoch(t *testing.T) {
	was := longEpoch
	longEpoch = 4 * time.Second
	t.Cleanup(func() { longEpoch = was })
	var out strings.Builder
	l := &lines{pace: pace{epochs: 3, rows: 1000, updates: 10}, w: &out, start: time.Now().Add(-5 * time.Second), next: 1}
	s := train.Step{N: 1, Updates: 1, Epoch: 1, Rows: 100, Loss: 0.25, LearningRate: 0.01}
	for s.N = 1; s.N < 10; s.N++ {
		l.show(s)
	}
	s.EpochEnd, s.EpochLoss, s.Validation = true, 0.5, math.NaN()
	l.show(s)
	l.within = time.Now().Add(-time.Minute)
	s.N, s.Epoch, s.EpochEnd = 14, 2, false // continued from another process, in the second epoch
	l.show(s)
	want := []string{"epoch 1 of 3: 10 %, loss of the batch 0.25, rate 0.01, 20 samples/s, 2m25s left", "epoch 1 of 3: loss 0.5, rate 0.01, ", "epoch 2 of 3: 40 %, loss of the batch 0.25, "}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(got) != len(want) {
		t.Fatalf("got %q, want %d lines", got, len(want))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want it to begin with %q", got[i], want[i])
		}
	}
	for width, want := range map[int]string{
		11: " 1m2s left", 40: " 12 % of the epoch, rate 0.01, 1m2s left", 70: " 12 % of the epoch, loss of the batch 0.25, 1.2M samples/s, 1m2s left",
	} {
		if got := withinText(width, s, 0.123, 62*time.Second, 1.2e6); got != want {
			t.Errorf("at %d characters: got %q, want %q", width, got, want)
		}
	}
}
