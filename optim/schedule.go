package optim

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Position is the position of an update in the run.
type Position struct {
	Step          int // updates made before this one
	StepsPerEpoch int
	Epochs        int // the maximum number of epochs of the run
	Rows          int // training rows in an epoch
	Scores        Scores
}

// Epoch returns the number of whole epochs before this update.
func (p Position) Epoch() int { return p.Step / max(1, p.StepsPerEpoch) }

// Scores is the state of a schedule that depends on the epochs' scores. The trainer keeps it.
// It starts at zero.
type Scores struct {
	Epochs int     // epochs seen
	Best   float64 // the lowest score
	Since  int     // epochs without a better score since the best one, or since the last cut
	Cuts   int     // how often the rate was lowered
}

// Watcher is a schedule that depends on the score of every epoch: the validation score, or the
// epoch's loss if there are no validation rows.
type Watcher interface {
	Schedule
	// Watch returns the state after an epoch with that score.
	Watch(seen Scores, score float64) Scores
}

// RateAt returns the rate of an update with a warm-up of that many epochs before the schedule.
// In the warm-up the rate rises in equal steps from near 0 to the schedule's first rate,
//
//	rate = s.Rate(at the start) · (updates made + 1) / (updates of the warm-up + 1)
//
// and then the schedule runs over the remaining epochs, as if they were all. This is PyTorch's
// LinearLR with the start factor 1/(updates + 1) in a SequentialLR.
func RateAt(s Schedule, warmup int, base float64, at Position) float64 {
	updates := warmup * at.StepsPerEpoch
	if at.Step >= updates {
		at.Step -= updates
		at.Epochs -= warmup
		return s.Rate(base, at)
	}
	step := at.Step
	at.Step, at.Epochs = 0, at.Epochs-warmup
	return s.Rate(base, at) * (float64(step+1) / float64(updates+1))
}

// Schedule gives the learning rate of each update from the base rate. In the schedules of this
// package, a field that is 0 has its default. If a schedule has a method Validate() error, as these
// do, it is called before training to check the parameters.
type Schedule interface {
	// String returns the name under which the schedule is stored and chosen, with its parameters.
	String() string
	Rate(base float64, at Position) float64
}

// Constant keeps the base rate.
type Constant struct{}

func (Constant) String() string                        { return "constant" }
func (Constant) Rate(base float64, _ Position) float64 { return base }

// StepDecay multiplies the rate by Factor after every Every epochs: PyTorch's StepLR.
type StepDecay struct {
	Every  int     // 30 by default
	Factor float64 // 0.1 by default
}

func (s StepDecay) filled() StepDecay { return StepDecay{cmp.Or(s.Every, 30), cmp.Or(s.Factor, 0.1)} }
func (s StepDecay) String() string {
	s = s.filled()
	return spell("step", float64(s.Every), s.Factor)
}
func (s StepDecay) Validate() error { return valid(s) }

func (s StepDecay) Rate(base float64, at Position) float64 {
	s = s.filled()
	return base * kernel.Powi(s.Factor, at.Epoch()/s.Every)
}

// Exponential multiplies the rate by Factor after every epoch: PyTorch's ExponentialLR.
type Exponential struct {
	Factor float64 // 0.95 by default
}

func (s Exponential) filled() Exponential { return Exponential{cmp.Or(s.Factor, 0.95)} }
func (s Exponential) String() string      { return spell("exponential", s.filled().Factor) }
func (s Exponential) Validate() error     { return valid(s) }

func (s Exponential) Rate(base float64, at Position) float64 {
	s = s.filled()
	return base * kernel.Powi(s.Factor, at.Epoch())
}

// Cosine lowers the rate along half a cosine, from the base rate at the first update toward
// Floor times the base rate at the end of the last epoch (Loshchilov and Hutter 2016, without
// restarts). It changes with every update. PyTorch's changes at every call of step, usually
// once per epoch.
type Cosine struct {
	Floor float64 // 0 by default
}

func (s Cosine) String() string {
	if s.Floor == 0 {
		return "cosine"
	}
	return spell("cosine", s.Floor)
}
func (s Cosine) Validate() error { return valid(s) }

func (s Cosine) Rate(base float64, at Position) float64 {
	return base * math.FMA(1-s.Floor, (1+kernel.CosPi(at.share()))/2, s.Floor)
}

// share returns the share of the run's updates made so far, from 0 to 1.
func (p Position) share() float64 {
	return min(1, float64(p.Step)/(float64(max(1, p.StepsPerEpoch))*float64(max(1, p.Epochs))))
}

// Inverse divides the rate by a power of the rows seen in whole epochs,
//
//	rate = base / (1 + rows seen)^Power
//
// This is scikit-learn's invscaling. It falls fast: with 1,000 rows and a power of 0.5, the
// second epoch's rate is 1/32 of the first's.
type Inverse struct {
	Power float64 // 0.5 by default
}

func (s Inverse) filled() Inverse { return Inverse{cmp.Or(s.Power, 0.5)} }
func (s Inverse) String() string  { return spell("inverse", s.filled().Power) }
func (s Inverse) Validate() error { return valid(s) }

func (s Inverse) Rate(base float64, at Position) float64 {
	s = s.filled()
	return base / pow(1+float64(float64(at.Epoch())*float64(at.Rows)), s.Power)
}

// Polynomial lowers the rate from the base rate to Floor times the base rate along (1 - share
// of the updates made)^Power. It changes with every update; PyTorch's PolynomialLR usually once
// per epoch. Keras's PolynomialDecay has an end rate instead of a factor.
type Polynomial struct {
	Power float64 // 1 by default: a straight line
	Floor float64 // 0 by default
}

func (s Polynomial) filled() Polynomial { return Polynomial{cmp.Or(s.Power, 1), s.Floor} }
func (s Polynomial) String() string     { return spell("polynomial", s.filled().Power, s.Floor) }
func (s Polynomial) Validate() error    { return valid(s) }

func (s Polynomial) Rate(base float64, at Position) float64 {
	s = s.filled()
	return base * math.FMA(1-s.Floor, pow(1-at.share(), s.Power), s.Floor)
}

// CosineRestarts is Cosine over Period epochs, restarted from the base rate again and again,
// each time over Factor times as many epochs (Loshchilov and Hutter 2016). It is PyTorch's
// CosineAnnealingWarmRestarts with a step at every update; its factor is 1 by default.
type CosineRestarts struct {
	Period int     // 10 by default
	Factor int     // 2 by default
	Floor  float64 // 0 by default
}

func (s CosineRestarts) filled() CosineRestarts {
	return CosineRestarts{cmp.Or(s.Period, 10), cmp.Or(s.Factor, 2), s.Floor}
}
func (s CosineRestarts) Validate() error { return valid(s) }

func (s CosineRestarts) String() string {
	s = s.filled()
	return spell("cosine-restarts", float64(s.Period), float64(s.Factor), s.Floor)
}

func (s CosineRestarts) Rate(base float64, at Position) float64 {
	s = s.filled()
	done := float64(at.Step) / float64(max(1, at.StepsPerEpoch))
	period := float64(s.Period)
	if s.Factor == 1 {
		done -= float64(period * math.Floor(done/period))
	}
	for period > 0 && done >= period { // Validate ensures period > 0
		done -= period
		period *= float64(s.Factor)
	}
	return base * math.FMA(1-s.Floor, (1+kernel.CosPi(min(1, done/period)))/2, s.Floor)
}

// OneCycle raises the rate along half a cosine from base/Divide to base during the first Rise
// (a share) of the updates, and lowers it along another to base/Divide/Final at the last (Smith
// and Topin 2017, in the form of PyTorch's OneCycleLR). By default PyTorch also moves the
// momentum the other way; here it does not change.
type OneCycle struct {
	Rise   float64 // 0.3 by default; NoRise for none
	Divide float64 // 25 by default
	Final  float64 // 10,000 by default
}

// NoRise, as the Rise of a OneCycle, makes it start with the base rate, as "one-cycle:0" does.
const NoRise = -1

func (s OneCycle) filled() OneCycle {
	return OneCycle{cmp.Or(s.Rise, 0.3), cmp.Or(s.Divide, 25), cmp.Or(s.Final, 1e4)}
}
func (s OneCycle) Validate() error { return valid(s) }

func (s OneCycle) String() string {
	s = s.filled()
	if s.Rise == NoRise {
		s.Rise = 0
	}
	return spell("one-cycle", s.Rise, s.Divide, s.Final)
}

func (s OneCycle) Rate(base float64, at Position) float64 {
	s = s.filled()
	total := float64(max(1, at.StepsPerEpoch)) * float64(max(1, at.Epochs))
	top := float64(s.Rise*total) - 1 // the update with the base rate
	low := base / s.Divide
	step := float64(at.Step)
	from, to, share := low, base, 0.0
	if step > top || top <= 0 {
		from, to = base, low/s.Final
		share = min(1, (step-max(0, top))/max(1, total-1-max(0, top)))
	} else {
		share = step / top
	}
	return math.FMA(from-to, (1+kernel.CosPi(share))/2, to)
}

// Plateau multiplies the rate by Factor when the score has not improved for more than Patience
// epochs, down to Floor times the base rate. A score improves if it is lower by a
// ten-thousandth. This is PyTorch's ReduceLROnPlateau.
type Plateau struct {
	Patience int     // 10 by default
	Factor   float64 // 0.1 by default
	Floor    float64 // 0 by default
}

func (s Plateau) filled() Plateau {
	return Plateau{cmp.Or(s.Patience, 10), cmp.Or(s.Factor, 0.1), s.Floor}
}
func (s Plateau) Validate() error { return valid(s) }

func (s Plateau) String() string {
	s = s.filled()
	return spell("plateau", float64(s.Patience), s.Factor, s.Floor)
}

func (s Plateau) Rate(base float64, at Position) float64 {
	s = s.filled()
	return base * max(s.Floor, kernel.Powi(s.Factor, at.Scores.Cuts))
}

// Watch counts the epochs without a better score.
func (s Plateau) Watch(seen Scores, score float64) Scores {
	const better = 1e-4
	s = s.filled()
	if seen.Epochs == 0 || score < seen.Best-float64(better*math.Abs(seen.Best)) {
		seen.Best, seen.Since = score, 0
	} else if seen.Since++; seen.Since > s.Patience {
		seen.Since = 0
		seen.Cuts++
	}
	seen.Epochs++
	return seen
}

// Sweep multiplies the rate by the same factor after every update. Update 1 has the rate From
// and update Steps has To, whatever the base rate. A rate finder uses it (Smith 2015).
type Sweep struct {
	From, To float64
	Steps    int
}

// Validate refuses rates that are not finite and greater than 0, and fewer than one step. A Sweep
// has no defaults.
func (s Sweep) Validate() error {
	for _, rate := range []float64{s.From, s.To} {
		if !(rate > 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("the rates of a sweep are %v and %v; they must be finite and greater than 0", s.From, s.To)
		}
	}
	if s.Steps < 1 {
		return fmt.Errorf("a sweep of %d steps; it must have at least 1", s.Steps)
	}
	return nil
}

func (s Sweep) String() string { return spell("sweep", s.From, s.To, float64(s.Steps)) }

func (s Sweep) Rate(_ float64, at Position) float64 {
	share := min(1, float64(at.Step)/float64(max(1, s.Steps-1)))
	return s.From * kernel.Exp(float64(share*kernel.Log(s.To/s.From)))
}

// pow is x^p for x >= 0 and p > 0.
func pow(x, p float64) float64 {
	if p == math.Trunc(p) && p < 64 {
		return kernel.Powi(x, int(p))
	}
	if x == 0 {
		return 0
	}
	return kernel.Exp(float64(p * kernel.Log(x)))
}

// spell writes a name with its parameters.
func spell(name string, values ...float64) string {
	for _, v := range values {
		name += ":" + strconv.FormatFloat(v, 'g', -1, 64)
	}
	return name
}

// kind says which values a schedule's parameter may have.
type kind uint8

const (
	whole        kind = iota // a whole number of at least 1
	factor                   // above 0, at most 1
	floor                    // from 0 to 1
	positiveReal             // above 0
	atLeastOne
	share // from 0 to 1; 0 is written NoRise in the schedule
)

type parameter struct {
	what string
	kind kind
}

func (p parameter) check(v float64) error {
	ok, expected := true, ""
	switch p.kind {
	case whole:
		ok, expected = v >= 1 && v == math.Trunc(v) && v <= math.MaxInt32, "a whole number of at least 1"
	case factor:
		ok, expected = v > 0 && v <= 1, "greater than 0 and at most 1"
	case floor, share:
		ok, expected = v >= 0 && v <= 1, "between 0 and 1"
	case positiveReal:
		ok, expected = v > 0 && !math.IsInf(v, 0), "finite and greater than 0"
	case atLeastOne:
		ok, expected = v >= 1 && !math.IsInf(v, 0), "finite and at least 1"
	}
	if !ok {
		return fmt.Errorf("the %s is %v; it must be %s", p.what, v, expected)
	}
	return nil
}

// schedules has every schedule with its parameters, in order of increasing difficulty.
var schedules = []struct {
	name       string
	parameters []parameter
	make       func(v []float64) Schedule
}{
	{"constant", nil, func([]float64) Schedule { return Constant{} }},
	{"step", []parameter{{"number of epochs between steps", whole}, {"factor", factor}},
		func(v []float64) Schedule { return StepDecay{int(v[0]), v[1]}.filled() }},
	{"exponential", []parameter{{"factor", factor}}, func(v []float64) Schedule { return Exponential{v[0]}.filled() }},
	{"inverse", []parameter{{"power", positiveReal}}, func(v []float64) Schedule { return Inverse{v[0]}.filled() }},
	{"polynomial", []parameter{{"power", positiveReal}, {"floor", floor}},
		func(v []float64) Schedule { return Polynomial{v[0], v[1]}.filled() }},
	{"cosine", []parameter{{"floor", floor}}, func(v []float64) Schedule { return Cosine{v[0]} }},
	{"cosine-restarts", []parameter{{"number of epochs to the first restart", whole}, {"factor on it", whole}, {"floor", floor}},
		func(v []float64) Schedule { return CosineRestarts{int(v[0]), int(v[1]), v[2]}.filled() }},
	{"one-cycle", []parameter{{"share of the updates that rise", share}, {"divisor at the start", atLeastOne}, {"further divisor at the end", atLeastOne}},
		func(v []float64) Schedule { return OneCycle{v[0], v[1], v[2]}.filled() }},
	{"plateau", []parameter{{"number of epochs to wait", whole}, {"factor", factor}, {"floor", floor}},
		func(v []float64) Schedule { return Plateau{int(v[0]), v[1], v[2]}.filled() }},
}

// valid reports a parameter of one of these schedules that makes no sense. It parses the
// schedule's own String.
func valid(s Schedule) error {
	_, err := ParseSchedule(s.String())
	return err
}

// Schedules lists the names ParseSchedule knows.
func Schedules() []string {
	names := make([]string, len(schedules))
	for i, s := range schedules {
		names[i] = s.name
	}
	return names
}

// ParseSchedule returns the schedule of that name. Parameters follow after colons and may be
// left out from the end: "step:EVERY:FACTOR", "exponential:FACTOR", "inverse:POWER",
// "polynomial:POWER:FLOOR", "cosine:FLOOR", "cosine-restarts:PERIOD:FACTOR:FLOOR",
// "one-cycle:RISE:DIVIDE:FINAL", "plateau:PATIENCE:FACTOR:FLOOR". Custom schedules are
// recognized by their String.
func ParseSchedule(s string, custom ...Schedule) (Schedule, error) {
	for _, c := range custom {
		if c.String() == s {
			return c, nil
		}
	}
	name, args, more := strings.Cut(s, ":")
	for _, d := range schedules {
		if d.name != name {
			continue
		}
		values := make([]float64, len(d.parameters))
		for i := 0; more; i++ { // a parameter that is not given is 0, its default
			var a string
			a, args, more = strings.Cut(args, ":")
			if i == len(values) {
				return nil, fmt.Errorf("schedule %q: %s takes at most %d parameters", s, name, len(values))
			}
			v, err := strconv.ParseFloat(a, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("schedule %q: %q is not a finite number", s, a)
			}
			if err := d.parameters[i].check(v); err != nil {
				return nil, fmt.Errorf("schedule %q: %w", s, err)
			}
			if d.parameters[i].kind == share && v == 0 {
				v = NoRise
			}
			values[i] = v
		}
		return d.make(values), nil
	}
	return nil, fmt.Errorf("schedule %q is not known; choose one of %s", s, strings.Join(Schedules(), ", "))
}
