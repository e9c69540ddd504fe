package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// Surface is the loss over a plane through the parameters, with the trajectories of runs across it.
type Surface struct {
	Plane  string
	Field  plot.Field
	Rows   int  // number of rows that the loss is over
	Moved  bool // the trajectories leave the plane and are projected onto it
	Labels [2]string
}

const (
	surfaceSide = 41  // points along each axis
	surfaceRows = 256 // maximum number of rows
	wayPlaces   = 120 // maximum number of places of a lane's trajectory
)

// way is the trajectory of a run, with its name on the surface.
type way struct {
	name   string
	places [][]float64
}

// surface computes the loss over a plane and the trajectories of the run or of the lanes.
func surface(plane string, raced *Raced) func(context.Context, *Frame) (any, error) {
	return func(ctx context.Context, f *Frame) (any, error) {
		if n := len(f.Net.Params()); n > trailParams {
			return nil, fmt.Errorf("%w: the surface is drawn for up to %d parameters and the network has %d", ErrLimit, trailParams, n)
		}
		ways, err := f.ways(ctx, raced)
		if err != nil {
			return nil, err
		}
		var all [][]float64
		for _, w := range ways {
			all = append(all, w.places...)
		}
		origin := f.Net.Params()
		u, v, labels, err := f.directions(ctx, plane, origin, all)
		if err != nil {
			return nil, err
		}
		paths, x, y := projected(ways, origin, u, v)
		z, err := f.losses(ctx, x, y, u, v)
		if err != nil {
			return nil, err
		}
		if plane == "weights" { // the axes are the weights themselves
			ia, ib := f.planeIndices()
			shift(x, origin[ia])
			shift(y, origin[ib])
			for _, p := range paths {
				shift(p.X, origin[ia])
				shift(p.Y, origin[ib])
			}
		}
		return &Surface{
			Plane: plane, Labels: labels, Rows: min(surfaceRows, f.Training.X.Rows), Moved: plane != "weights" || len(origin) > 2,
			Field: plot.Field{XLabel: labels[0], YLabel: labels[1], ZLabel: "loss", X: x, Y: y, Z: z, Log: true, Paths: paths},
		}, nil
	}
}

// ways returns the trajectories of the lanes, or that of the run itself if there was no race.
func (f *Frame) ways(ctx context.Context, raced *Raced) (ways []way, err error) {
	if raced == nil {
		return []way{{"this run", append(slices.Clone(f.trailUpTo()), f.Net.Params())}}, nil
	}
	for _, lane := range raced.Lanes {
		places, err := f.way(ctx, lane)
		if err != nil {
			return nil, err
		}
		ways = append(ways, way{lane.Name, places})
	}
	return ways, nil
}

// projected projects the trajectories onto the plane through origin along u and v. It also returns axes that they fit on.
func projected(ways []way, origin, u, v []float64) (paths []plot.Series, x, y []float64) {
	low, high := [2]float64{}, [2]float64{}
	for _, w := range ways {
		p := plot.Series{Name: w.name}
		for _, place := range w.places {
			a, b := dotDifference(place, origin, u), dotDifference(place, origin, v)
			p.X, p.Y = append(p.X, a), append(p.Y, b)
			low[0], high[0] = math.Min(low[0], a), math.Max(high[0], a)
			low[1], high[1] = math.Min(low[1], b), math.Max(high[1], b)
		}
		paths = append(paths, p)
	}
	return paths, axis(low[0], high[0]), axis(low[1], high[1])
}

// losses returns the losses of the weights moved by a along u and by b along v, for each a in x and b in y. Each
// line of z is for one b.
func (f *Frame) losses(ctx context.Context, x, y, u, v []float64) (z [][]float64, err error) {
	net, c, rows := f.Net.WithoutDropout(), f.Fit.Config(), min(surfaceRows, f.Training.X.Rows)
	tape, part := net.NewTape(rows), first(f.Training, rows)
	origin, p := f.Net.Params(), net.Params()
	for _, b := range y {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		row := make([]float64, len(x))
		for j, a := range x {
			for k := range p {
				p[k] = origin[k] + a*u[k] + b*v[k]
			}
			row[j] = trainingLoss(net, tape, c.Loss, c.Reduction, part)
		}
		z = append(z, row)
	}
	return z, nil
}

func shift(list []float64, by float64) {
	for i := range list {
		list[i] += by
	}
}

// axis returns evenly spaced points from low to high, with a margin at both sides.
func axis(low, high float64) []float64 {
	room := 0.25 * (high - low)
	if room < 0.5 {
		room = 0.5
	}
	out := make([]float64, surfaceSide)
	for i := range out {
		out[i] = low - room + (high-low+2*room)*float64(i)/(surfaceSide-1)
	}
	return out
}

// trailUpTo returns the run's trajectory up to the present.
func (f *Frame) trailUpTo() [][]float64 {
	n := 0
	for n < len(f.Trail.steps) && f.Trail.steps[n] <= f.At {
		n++
	}
	return f.Trail.params[:n]
}

// way trains a lane again and records its parameters. The same lane has the same trajectory.
func (f *Frame) way(ctx context.Context, lane lesson.Lane) ([][]float64, error) {
	t, err := train.New(f.Start.Clone(), lane.Config, f.data())
	if err != nil {
		return nil, err
	}
	w := trail{}
	note := func(n int) {
		if w.wants(n) {
			w.add(n, append([]float64(nil), t.Network().Params()...))
		}
	}
	note(0)
	for step, err := range t.Steps(ctx) {
		if err != nil {
			if errors.As(err, new(*train.DivergedError)) {
				break
			}
			return nil, err
		}
		note(step.N)
	}
	places := append(w.params, append([]float64(nil), t.Network().Params()...))
	for len(places) > wayPlaces { // keep every second place, and the last
		kept := places[:0:0]
		for i := 0; i < len(places)-1; i += 2 {
			kept = append(kept, places[i])
		}
		places = append(kept, places[len(places)-1])
	}
	return places, nil
}

// planeIndices returns the indices in Params of the two weights of the plane "weights".
func (f *Frame) planeIndices() (a, b int) {
	a, _ = f.Net.Index(f.View.Weight.Layer, f.View.Weight.In, f.View.Weight.Unit)
	b, _ = f.Net.Index(f.View.Second.Layer, f.View.Second.In, f.View.Second.Unit)
	return a, b
}

// directions returns two orthonormal vectors that span the plane.
func (f *Frame) directions(ctx context.Context, plane string, origin []float64, places [][]float64) (u, v []float64, labels [2]string, err error) {
	n := len(origin)
	u, v = make([]float64, n), make([]float64, n)
	switch plane {
	case "weights":
		a, b := f.planeIndices()
		if a == b {
			return nil, nil, labels, fmt.Errorf("%w: a plane needs two different weights", ErrSetup)
		}
		u[a], v[b] = 1, 1
		return u, v, [2]string{"weight " + f.View.Weight.String(), "weight " + f.View.Second.String()}, nil
	case "random":
		for i := range u {
			u[i] = 2*rng.Float64(f.Setup.Options.Seed, rng.Sample, 101, uint64(i)) - 1
			v[i] = 2*rng.Float64(f.Setup.Options.Seed, rng.Sample, 102, uint64(i)) - 1
		}
		labels = [2]string{"random direction 1", "random direction 2"}
	default:
		u = principal(ctx, places, origin, nil, f.Setup.Options.Seed)
		v = principal(ctx, places, origin, u, f.Setup.Options.Seed)
		labels = [2]string{"principal direction 1", "principal direction 2"}
	}
	normalize(u)
	along := dot(u, v)
	for i := range v {
		v[i] -= along * u[i]
	}
	normalize(v)
	return u, v, labels, nil
}

// principal returns the direction in which the places differ most from the origin, orthogonal to
// besides. It uses power iteration on their covariance.
func principal(ctx context.Context, places [][]float64, origin, besides []float64, seed uint64) []float64 {
	v := make([]float64, len(origin))
	for i := range v {
		v[i] = 2*rng.Float64(seed, rng.Sample, 103, uint64(i)) - 1
	}
	next := make([]float64, len(v))
	for range 60 {
		if ctx.Err() != nil {
			break
		}
		if besides != nil {
			along := dot(v, besides)
			for i := range v {
				v[i] -= along * besides[i]
			}
		}
		normalize(v)
		clear(next)
		for _, p := range places {
			along := dotDifference(p, origin, v)
			for i := range next {
				next[i] += along * (p[i] - origin[i])
			}
		}
		if dot(next, next) == 0 {
			break
		}
		copy(v, next)
	}
	return v
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// dotDifference returns (p - origin)·v.
func dotDifference(p, origin, v []float64) float64 {
	sum := 0.0
	for i := range p {
		sum += (p[i] - origin[i]) * v[i]
	}
	return sum
}

func normalize(v []float64) {
	size := math.Sqrt(dot(v, v))
	if size == 0 {
		if len(v) > 0 {
			v[0] = 1
		}
		return
	}
	for i := range v {
		v[i] /= size
	}
}
