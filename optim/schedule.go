package optim

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Position is where an update stands in the run.
type Position struct {
	Step          int // updates made before this one
	StepsPerEpoch int
	Epochs        int // how many epochs the run may take
}

// Epoch is the number of whole epochs before this update.
func (p Position) Epoch() int { return p.Step / max(1, p.StepsPerEpoch) }

// Schedule gives the learning rate of each update from the base rate.
type Schedule interface {
	// String is the name under which the schedule is stored and chosen, with its parameters.
	String() string
	Rate(base float64, at Position) float64
}

// Constant keeps the rate.
type Constant struct{}

func (Constant) String() string                        { return "constant" }
func (Constant) Rate(base float64, _ Position) float64 { return base }

// StepDecay multiplies the rate by Factor after every Every epochs: PyTorch's StepLR.
type StepDecay struct {
	Every  int     // 30 by default
	Factor float64 // 0.1 by default
}

func (s StepDecay) String() string {
	return fmt.Sprintf("step:%d:%s", s.Every, strconv.FormatFloat(s.Factor, 'g', -1, 64))
}

func (s StepDecay) Rate(base float64, at Position) float64 {
	return base * kernel.Powi(s.Factor, at.Epoch()/s.Every)
}

// Exponential multiplies the rate by Factor after every epoch: PyTorch's ExponentialLR.
type Exponential struct {
	Factor float64 // 0.95 by default
}

func (s Exponential) String() string {
	return "exponential:" + strconv.FormatFloat(s.Factor, 'g', -1, 64)
}

func (s Exponential) Rate(base float64, at Position) float64 {
	return base * kernel.Powi(s.Factor, at.Epoch())
}

// Cosine lowers the rate along half a cosine, from the base rate at the first update
// towards Floor times it at the end of the last epoch (Loshchilov and Hutter 2016, without
// restarts). It moves with every update; PyTorch's moves when it is told to, usually once
// an epoch.
type Cosine struct {
	Floor float64 // 0 by default
}

func (s Cosine) String() string {
	if s.Floor == 0 {
		return "cosine"
	}
	return "cosine:" + strconv.FormatFloat(s.Floor, 'g', -1, 64)
}

func (s Cosine) Rate(base float64, at Position) float64 {
	total := float64(max(1, at.StepsPerEpoch)) * float64(max(1, at.Epochs))
	t := min(1, float64(at.Step)/total)
	return base * math.FMA(1-s.Floor, (1+kernel.CosPi(t))/2, s.Floor)
}

// Schedules lists the names ParseSchedule knows.
func Schedules() []string { return []string{"constant", "step", "exponential", "cosine"} }

// ParseSchedule returns the schedule of that name: "step:EVERY:FACTOR",
// "exponential:FACTOR" and "cosine:FLOOR", where what follows a colon may be left out.
func ParseSchedule(s string) (Schedule, error) {
	parts := strings.Split(s, ":")
	name, args := parts[0], parts[1:]
	most := map[string]int{"constant": 0, "step": 2, "exponential": 1, "cosine": 1}
	if n, known := most[name]; !known {
		return nil, fmt.Errorf("schedule %q is not known; choose one of %s", s, strings.Join(Schedules(), ", "))
	} else if len(args) > n {
		return nil, fmt.Errorf("schedule %q: %s takes at most %d parameters", s, name, n)
	}
	values := make([]float64, len(args))
	for i, a := range args {
		v, err := strconv.ParseFloat(a, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("schedule %q: %q is not a finite number", s, a)
		}
		values[i] = v
	}
	value := func(i int, fallback float64) float64 {
		if i < len(values) {
			return values[i]
		}
		return fallback
	}
	switch name {
	case "step":
		every, factor := value(0, 30), value(1, 0.1)
		if every < 1 || every != math.Trunc(every) || every > math.MaxInt32 {
			return nil, fmt.Errorf("schedule %q: the number of epochs between steps is %v; it must be a whole number of at least 1", s, every)
		}
		return StepDecay{Every: int(every), Factor: factor}, between(s, factor, false)
	case "exponential":
		return Exponential{value(0, 0.95)}, between(s, value(0, 0.95), false)
	case "cosine":
		return Cosine{value(0, 0)}, between(s, value(0, 0), true)
	}
	return Constant{}, nil
}

func between(s string, x float64, zero bool) error {
	if x > 1 || x < 0 || x == 0 && !zero {
		return fmt.Errorf("schedule %q: the factor is %v; it must lie between 0 and 1", s, x)
	}
	return nil
}
