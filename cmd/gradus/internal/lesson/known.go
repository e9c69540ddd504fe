package lesson

import (
	"context"
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/nn"
)

// The facts about each of the notebook's experiments. What a sentence claims about this run is
// measured in this run. If the run does something else, another sentence takes its place.

// near is the distance from 0.5, 0 or 1 within which an output counts as being there.
const near = 0.01

const oneEpochLater = "The notebook tests the outputs from before each update, so its count would be %d: one epoch more than ours, which tests after the update."

func knownOne(ctx context.Context, e *Experiment, r *record) ([]string, error) {
	known := []string{
		"The text above this cell writes dL/dw2 = (Y - y)·...; the minus sign is missing. The code has it right: dL/dy = -(Y - y).",
		"The printed result does not follow from the printed cell. " + r.ending(),
	}
	// Runs are short, so there are enough starts to show a share of one percent.
	all, err := Census(ctx, e.Rate, 2000, r.seed)
	if err != nil {
		return nil, err
	}
	known = append(known, fmt.Sprintf("Of %d random starts, %d converge at rate %g, half of them within %d epochs and the slowest after %d.",
		all.Starts, all.Converged, all.Rate, all.MedianEpochs, all.MaxEpochs))
	faster, err := Census(ctx, 200, 200, r.seed)
	if err != nil {
		return nil, err
	}
	fastest, err := Census(ctx, 500, 200, r.seed)
	if err != nil {
		return nil, err
	}
	known = append(known, fmt.Sprintf("At larger rates fewer do: of %d starts %d at rate 200 and %d at rate 500, where %d end saturated, as the printed output of 1 is. It looks like the output of an earlier run at another rate.",
		faster.Starts, faster.Converged, fastest.Converged, fastest.Saturated))
	if r.Converged {
		known = append(known, fmt.Sprintf(oneEpochLater, r.Epochs+1))
	}
	return known, nil
}

func knownTooFast(ctx context.Context, e *Experiment, r *record) ([]string, error) {
	known := []string{
		r.ending(),
		"The notebook's MSE of 0.039999999999999716 is that of an output about 7e-16 below 1: saturated too.",
	}
	tape, grad := r.step(0)
	h, z, steepest := tape.A(0).At(0, 0), tape.Z(1).At(0, 0), largest(grad)
	switch out := r.Outputs[0]; {
	case r.Converged:
		known = append(known, "Even at such a rate a run can be lucky: one of its jumps landed within the tolerance.")
	case math.Abs(out-0.5) < near && h < near:
		known = append(known, fmt.Sprintf("The hidden unit is dead: its activation is %.3g. Without bias the output is then sigmoid(0) = 0.5, and as every gradient contains that activation none is larger than %.3g.", h, steepest))
	case out < near || out > 1-near:
		known = append(known, fmt.Sprintf("The output is saturated: its z is %.4g, where sigmoid's derivative a·(1 - a) is %.3g. That factor is in every gradient, so none is larger than %.3g and the error of %.3g stays.",
			z, out*(1-out), steepest, math.Abs(r.Targets[0]-out)))
	default:
		known = append(known, fmt.Sprintf("The output is neither saturated nor stuck. The largest gradient is %.3g, which the rate makes a step of %.3g.", steepest, e.Rate*steepest))
	}
	s, err := Census(ctx, e.Rate, 200, r.seed)
	if err != nil {
		return nil, err
	}
	return append(known, fmt.Sprintf("Of %d random starts at this rate, %d converge, %d end saturated at 0 or 1, %d stuck at 0.5 and %d elsewhere.",
		s.Starts, s.Converged, s.Saturated, s.StuckAtHalf, s.Other)), nil
}

func knownStall(_ context.Context, e *Experiment, r *record) ([]string, error) {
	known := []string{r.ending()}
	if !r.Converged {
		stuck := make([]bool, len(r.Targets))
		hidden := make([]float64, len(r.Targets))   // each row's largest activation
		gradient := make([]float64, len(r.Targets)) // the largest element of each row's gradient
		free := -1                                  // the row with the largest gradient among those that are not stuck
		for i, out := range r.Outputs {
			tape, grad := r.step(i)
			hidden[i], gradient[i] = largest(tape.A(0).Row(0)), largest(grad)
			stuck[i] = hidden[i] < near && math.Abs(out-0.5) < near
			if !stuck[i] && (free < 0 || gradient[i] > gradient[free]) {
				free = i
			}
		}
		for i, out := range r.Outputs {
			if !stuck[i] {
				continue
			}
			fact := fmt.Sprintf("Row %d is stuck. None of its hidden activations is larger than %.2g, so without bias its output is nearly sigmoid(0) = 0.5, here %.5f instead of %g. Every element of its own gradient contains one of those activations, and none is larger than %.2g",
				i, hidden[i], out, r.Targets[i], gradient[i])
			if free >= 0 {
				fact += fmt.Sprintf("; row %d, with an error of only %.2g, has %.2g", free, math.Abs(r.Targets[free]-r.Outputs[free]), gradient[free])
			}
			known = append(known, fact+".")
		}
		known = append(known, r.cycle(stuck, e.Rate))
	}
	return append(known,
		"The notebook's printed outputs show a stuck row 3 as well: 0.49989846 instead of 0.6. Nearly all of its MSE of 0.0025 is this row's (0.6 - 0.5)²/4.",
		"The gradient is the sum over the four rows, not their mean: rate 50 on the sum is rate 200 on the mean.",
		"The net has as many hidden units as there are rows by an accident of naming: both are N in the code."), nil
}

// cycle says how the rows that are not stuck move in the last epochs.
func (r *record) cycle(stuck []bool, rate float64) string {
	now := len(r.trail) - 1
	if now < 2 {
		return "The run is too short to tell whether its outputs cycle."
	}
	one, two, moving := 0.0, 0.0, 0
	for i := range stuck {
		if !stuck[i] {
			moving++
			one = max(one, math.Abs(r.trail[now][i]-r.trail[now-1][i]))
			two = max(two, math.Abs(r.trail[now][i]-r.trail[now-2][i]))
		}
	}
	moves := fmt.Sprintf("from epoch %d to %d by up to %.2g, from %d to %d by at most %.2g", r.Epochs-1, r.Epochs, one, r.Epochs-2, r.Epochs, two)
	outputs := "The outputs of the other rows"
	if moving == len(stuck) {
		outputs = "No row is stuck, but the outputs"
	}
	switch {
	case moving == 0:
		return "Every row is stuck."
	case one > 1e-4 && two < one/100:
		return fmt.Sprintf("%s jump back and forth with period two, %s. Rate %g is too large: each update overshoots and the next undoes it.", outputs, moves, rate)
	case one > 1e-4:
		return fmt.Sprintf("%s keep jumping, %s, and not in a cycle of two. Rate %g is too large.", outputs, moves, rate)
	}
	return fmt.Sprintf("%s have come to rest, %s.", outputs, moves)
}

func knownSlower(_ context.Context, _ *Experiment, r *record) ([]string, error) {
	known := []string{r.ending()}
	if r.Converged {
		known = append(known,
			"The net and its starting weights are those of the run at rate 50; only the rate differs.",
			fmt.Sprintf(oneEpochLater, r.Epochs+1))
	}
	return known, nil
}

func knownForgetting(_ context.Context, _ *Experiment, r *record) ([]string, error) {
	worst := 0
	for i := range r.Targets {
		if math.Abs(r.Targets[i]-r.Outputs[i]) > math.Abs(r.Targets[worst]-r.Outputs[worst]) {
			worst = i
		}
	}
	right := 0
	for _, s := range r.Samples {
		if s.Converged {
			right++
		}
	}
	last := r.Samples[len(r.Samples)-1]
	return []string{
		fmt.Sprintf("%d of the %d samples converged, each in its own turn; but learning one forgets those before it. At the end row %d, the last, gives %.4f for %g, and row %d gives %.4f for %g: the MSE over all rows is %.3g.",
			right, len(r.Samples), last.Row, r.Outputs[last.Row], r.Targets[last.Row], worst, r.Outputs[worst], r.Targets[worst], r.MSE),
		"The notebook prints each sample's own error at its own time, where this does not show.",
		fmt.Sprintf("No weights could fit all four rows. With one hidden unit and no bias, z of the output is w2·h with h > 0, so every output lies on the side of 0.5 that the sign of w2 (here %.3g) chooses; the targets lie on both.",
			r.Network.Weights(1).At(0, 0)),
		"Stochastic descent as textbooks have it makes one update a sample and goes through all of them again and again: the next experiment.",
		"The notebook tests the outputs from before each update, and so makes one more update on each sample than we do.",
	}, nil
}

func knownTextbook(_ context.Context, _ *Experiment, r *record) ([]string, error) {
	return []string{
		r.ending(),
		"The notebook has no such run. It starts from the weights of the batch runs and ends by the same test, so the epochs can be compared; an epoch here makes four updates, theirs one, and the gradient evaluations are the same.",
	}, nil
}

func knownMiniBatch(_ context.Context, _ *Experiment, r *record) ([]string, error) {
	return []string{
		r.ending(),
		"The notebook has this section's heading and one sentence, and no code. The run starts from the weights of the batch runs; an epoch makes two updates.",
	}, nil
}

// ending says how the run ended.
func (r *record) ending() string {
	outputs := "the output"
	if len(r.Outputs) > 1 {
		outputs = "every output"
	}
	if r.Converged {
		return fmt.Sprintf("Here the run converges after %d epochs, %d updates: %s is within the tolerance.", r.Epochs, r.Updates, outputs)
	}
	return fmt.Sprintf("Here the run does not converge: after %d epochs its MSE is %.4g.", r.Epochs, r.MSE)
}

// step runs one row forward and backward through the trained network.
func (r *record) step(row int) (*nn.Tape[float64], []float64) {
	tape, grad := r.Network.NewTape(1), make([]float64, len(r.Network.Params()))
	r.Network.Forward(tape, r.data.X.Slice(row, row+1))
	r.Network.Backprop(tape, nn.HalfSquared, r.data.Y.Slice(row, row+1), 1, grad)
	return tape, grad
}

// largest returns the largest absolute value of the numbers.
func largest(list []float64) float64 {
	top := 0.0
	for _, v := range list {
		top = max(top, math.Abs(v))
	}
	return top
}
