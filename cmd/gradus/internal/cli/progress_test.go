package cli

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gradus-ml/gradus/train"
)

// TestBarFits: in 80 columns the bar, the epoch, the loss, the validation loss and the time left
// all have room, and a line is never wider than the terminal.
func TestBarFits(t *testing.T) {
	s := train.Step{EpochLoss: 0.01234, Validation: 0.054321, Score: 0.98765, LearningRate: 0.00123}
	const counter = "epoch 1234/5000 "
	for _, width := range []int{0, 20, 40, 60, 80, 100, 200} {
		for _, score := range []string{"", "balanced_accuracy"} {
			text := barText(width-len(counter)-barWidth-1, s, score, 83*time.Second, 1.2e6)
			if n := utf8.RuneCountInString(text) + len(counter) + barWidth; n > width && text != " " {
				t.Errorf("at %d columns: %d: %q", width, n, text)
			}
			if width >= 80 {
				for _, want := range []string{"loss 0.01234", "validation 0.05432", "1m23s left"} {
					if !strings.Contains(text, want) {
						t.Errorf("at %d columns: no %q in %q", width, want, text)
					}
				}
			}
			if width == 200 && (!strings.Contains(text, "1.2M samples/s") || !strings.Contains(text, "rate 0.00123") || strings.Contains(text, score) != true) {
				t.Errorf("at 200 columns: %q", text)
			}
		}
	}
	s.Validation = math.NaN()
	if got, want := barText(60, s, "", time.Second, 5), " loss 0.01234, rate 0.00123, 5 samples/s, 1s left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
