package model

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/blocks"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Prepare reads the schema, holds rows out, learns the encoding on the training rows, and
// makes the network and its trainer. start, if not nil, gives the weights to begin with; those of a
// model bring its network, columns, classes and encoding, and what differs is refused.
func Prepare(tables Tables, o Options, start *Weights) (f *Fit, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer spill.Catch(&err)
	if tables.Train == nil {
		return nil, fmt.Errorf("%w: there is no table to train on", ErrOptions)
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Members > 1 && start != nil {
		return nil, refuse("From", nil, "%s: an ensemble of %d members begins anew, for the weights may have seen the rows that judge a member: leave them out, or train one network", start.path, o.Members)
	}
	f = &Fit{Options: o, tables: tables}
	f.sources = sync.OnceValue(func() map[string]Source { return sourcesOf(tables) })
	if start.isEnsemble() {
		return nil, start.differs("the weights are those of several networks, and a run goes on from one: train without it")
	}
	base, err := start.base(o.Custom)
	if err != nil {
		return nil, err
	}
	stage := o.Stage
	if stage == nil {
		stage = func(string) {}
	}
	stage("types")
	if base != nil {
		if err := f.Options.adopt(start, base); err != nil {
			return nil, err
		}
		f.Schema, f.Rows.Weightless, err = f.Options.inferAs(start, base, tables.Train)
	} else if tables.fold != nil && tables.fold.schema != nil {
		f.Schema, f.Rows.Weightless = tables.fold.schema, tables.fold.weightless
	} else {
		f.Schema, f.Rows.Weightless, err = o.infer(tables.Train)
	}
	if err != nil {
		return nil, err
	}
	why := ""
	if o.Members == AutoMembers {
		f.Options.Members, why = f.Options.chooseMembers(tables, f.Schema, start)
	}
	if f.Options.Members > 1 {
		err := f.bagged()
		if errors.Is(err, ErrMemory) && o.Members == AutoMembers && tables.Spill != nil {
			return onlyOne(tables, o)
		}
		if err != nil {
			return nil, err
		}
		return f, nil
	}
	f.Options.Members = 0
	f.Notes = append(f.Notes, o.notes(tables.Train, f.Schema)...)
	if why != "" {
		f.Notes = append(f.Notes, why)
	}
	if start == nil {
		f.Options.choose(f.Schema)
	}
	if col := f.Options.timeColumn(); col != "" { // which is asked beyond its range
		for i := range f.Schema.Columns {
			f.Schema.Columns[i].Smooth = f.Schema.Columns[i].Smooth || f.Schema.Columns[i].Name == col
		}
	}
	if f.recipe, err = f.Options.resolve(f.Schema.Task, outputsOf(f.Schema)); err != nil {
		return nil, err
	}
	if err := f.Options.rows(&f.recipe, f.Schema); err != nil {
		return nil, err
	}
	if err := f.split(); err != nil {
		return nil, err
	}
	stage("scales")
	if base != nil {
		f.Encoding, f.adopted = base.Encoding, true
	} else if f.Encoding, err = f.Schema.Fit(tables.Train, f.parts.train, f.Options.Scale, f.recipe.scaleY); err != nil {
		return nil, asOption(err)
	}
	f.Notes = append(f.Notes, f.Encoding.Crowded()...)
	if err := f.leaveUnknown(); err != nil {
		return nil, err
	}
	if err := f.settle(); err != nil {
		return nil, err
	}
	if f.Options.blocked() {
		f.settleBlocks()
	}
	if err := f.fits(); err != nil {
		return nil, err
	}
	stage("encoding")
	if f.Options.Precision == "float64" {
		f.runner, err = prepare[float64](f, start)
	} else {
		f.runner, err = prepare[float32](f, start)
	}
	if err != nil {
		f.Release()
		return nil, err
	}
	if tables.Room == nil { // a run by itself, whose model is wanted
		go f.sources()
	}
	return f, nil
}

// onlyOne prepares one network where the rows of an ensemble, which nobody has asked for, do not fit in memory.
func onlyOne(tables Tables, o Options) (*Fit, error) {
	o.Members = 1
	f, err := Prepare(tables, o, nil)
	if err == nil {
		f.note("One network is trained, not an ensemble: the rows do not fit in the memory there is.")
	}
	return f, err
}

// outputsOf is how many outputs a schema's targets take.
func outputsOf(s *data.Schema) int {
	if s.Task == data.Multiclass {
		return len(s.Targets[0].Classes)
	}
	return len(s.Targets)
}

// settle fills in what depends on the rows.
func (f *Fit) settle() error {
	c := &f.recipe.config
	switch c.Method {
	case train.MiniBatch:
		if c.BatchSize == 0 {
			c.BatchSize = autoBatch(f.Rows.Train)
		} else if c.BatchSize > f.Rows.Train {
			f.note("The batch size %d is larger than the %d training rows and was clamped to them.", c.BatchSize, f.Rows.Train)
		}
		c.BatchSize = min(c.BatchSize, f.Rows.Train)
	default:
		asked := c.BatchSize
		if c.BatchSize = 1; c.Method == train.Batch {
			c.BatchSize = f.Rows.Train
		}
		if asked != 0 && asked != c.BatchSize {
			f.note("The batch size %d is for mini-batch descent; %s looks at %s an update.", asked, c.Method, rowsText(c.BatchSize))
		}
	}
	if c.Epochs == 0 {
		f.ownEpochs = true
		c.Epochs = autoEpochs(c.Method, f.Rows.Train, c.BatchSize)
	}
	if c.Warmup >= c.Epochs {
		return refuse("Warmup", nil, "a warm-up of %d epochs leaves none of the %d to train at the full rate; use a smaller one, or more epochs", c.Warmup, c.Epochs)
	}
	if f.recipe.patience < 0 {
		f.recipe.patience = max(20, c.Epochs/2)
	}
	if f.Rows.Validation == 0 {
		if f.Options.Patience != nil && f.recipe.patience > 0 {
			f.note("Early stopping needs validation rows and there are none: patience has no effect.")
		}
		f.recipe.patience = 0
	}
	if f.recipe.patience > 0 {
		c.KeepBest = true
		stop, _ := c.Stop.(train.Any)
		c.Stop = append(stop, train.Patience{N: f.recipe.patience})
	}
	o := &f.Options
	o.Task = f.Schema.Task
	o.Targets = nil
	for _, t := range f.Schema.Targets {
		o.Targets = append(o.Targets, t.Name)
	}
	if o.Hidden == nil {
		o.Hidden = defaultHidden()
	}
	out := f.recipe.layers[len(f.recipe.layers)-1]
	o.Activation = or(o.Activation, "relu")
	o.OutputActivation = out.Activation.String()
	o.Init = or(o.Init, "auto")
	o.Norm = or(o.Norm, "none")
	o.Loss = f.recipe.loss.String()
	o.Reduction = c.Reduction.String()
	o.Method = string(c.Method)
	o.BatchSize = c.BatchSize
	o.Optimizer = c.OptimizerName()
	rate := c.LearningRate
	f.ownRate = o.LearningRate == nil
	o.LearningRate = &rate
	o.Schedule = c.Schedule.String()
	o.Epochs = c.Epochs
	patience := f.recipe.patience
	o.Patience = &patience
	o.Scale = or(o.Scale, data.ScaleAuto)
	o.Precision = or(o.Precision, "float32")
	return nil
}

func (f *Fit) note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

func prepare[T nn.Float](f *Fit, start *Weights) (runner, error) {
	d := train.Data[T]{}
	var err error
	if d.Train, f.imputed, err = trainRows[T](f); err != nil {
		return nil, err
	}
	if !f.spilled {
		f.noteUnseen()
	}
	if f.Rows.Validation > 0 {
		t := f.tables.Validation
		if t == nil {
			t = f.tables.Train
		}
		var counts data.Counts
		if d.Validation, counts, err = heldRows[T](f, t, f.parts.validation); err != nil {
			return nil, err
		}
		f.noteCells("validation", f.tables.Validation, counts)
	}
	held, err := lookAtHeld(f, d.Validation)
	if err != nil {
		return nil, err
	}
	if !f.spilled {
		held.see(d.Train)
		held.tell()
	}
	if f.recipe.balanced {
		balance(f, d.Train.Y)
	}
	if err := weigh(f, &d.Train, f.tables.Train, f.parts.train); err != nil {
		return nil, err
	}
	if f.Rows.Validation > 0 {
		t := f.tables.Validation
		if t == nil {
			t = f.tables.Train
		}
		if err := weigh(f, &d.Validation, t, f.parts.validation); err != nil {
			return nil, err
		}
		if names := f.Options.Metrics; len(names) > 0 && names[0] != "loss" && f.recipe.config.KeepBest {
			c := &f.recipe.config
			c.Higher = metrics.HigherIsBetter(names[0])
			if c.Score, err = f.scorer(names[0], t, f.parts.validation); err != nil {
				return nil, err
			}
		}
	}
	net, err := nn.New[T](f.Encoding.Width(), nn.Seed(f.Options.Seed), f.recipe.layers...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	if start != nil {
		if err := setWeights(net, start); err != nil {
			return nil, err
		}
	} else if f.Encoding.Task == data.Regression {
		net.StartAt(means(d.Train))
	}
	if err := f.checkTargets(d.Train.Y.Data); err != nil {
		return nil, err
	}
	if err := sayConstant(f, net, d.Train.Y, start == nil); err != nil {
		return nil, err
	}
	trainer, err := newTrainer(f, net, &d, held)
	if err != nil {
		return nil, err
	}
	f.recipe.config = trainer.Config()
	names := diagnosis.Names{Inputs: f.Encoding.InputColumns(), Outputs: f.Encoding.OutputNames(), Rows: f.parts.train}
	switch f.Encoding.Task {
	case data.Binary:
		names.Outputs = f.Encoding.Classes()
	case data.Regression:
		for _, t := range f.Encoding.Targets {
			names.Center, names.Scale = append(names.Center, t.Center), append(names.Scale, t.Scale)
		}
	}
	return runnerOf[T]{trainer, diagnosis.Watch(trainer, names), d}, nil
}

// newTrainer makes the trainer: of the rows in memory, or of rows in blocks.
func newTrainer[T nn.Float](f *Fit, net *nn.Network[T], d *train.Data[T], held *held[T]) (*train.Trainer[T], error) {
	if !f.Options.blocked() {
		return train.New(net, f.recipe.config, *d)
	}
	src, layout, err := source(f, d, held.see)
	if err != nil {
		return nil, err
	}
	if f.spilled {
		f.noteUnseen()
		held.tell()
		d.Train = train.Set[T]{} // which are not at hand
	}
	return train.NewStream(net, f.recipe.config, blocks.Stream(src, f.orderOf(), layout), d.Validation)
}

// noteUnseen says which categories the encoding, that of the model the run starts from, does not know.
func (f *Fit) noteUnseen() {
	for _, c := range f.imputed {
		if c.Unseen > 0 {
			f.note("The column %q has a category that the model whose weights are given does not know in %s of the training rows, such as %q.", c.Column, cellsText(c.Unseen), c.Example)
		}
	}
}

// means are the weighted means of the targets.
func means[T nn.Float](s train.Set[T]) []float64 {
	sum := make([]float64, s.Y.Cols)
	for i := range s.Rows() {
		w := 1.0
		if s.W != nil {
			w = s.W[i]
		}
		for j, v := range s.Y.Row(i) {
			sum[j] += float64(w * float64(v))
		}
	}
	total := s.Weight()
	for j := range sum {
		sum[j] /= total
	}
	return sum
}

// encode turns rows of a table into what the trainer takes.
func encode[T nn.Float](e *data.Encoding, t *data.Table, rows []int) (train.Set[T], data.Counts, error) {
	return encodeInto(e, t, rows, train.Set[T]{
		X: nn.NewMatrix[T](len(rows), e.Width()),
		Y: nn.NewMatrix[T](len(rows), e.Outputs()),
	})
}

// encodeInto is encode with room for the rows.
func encodeInto[T nn.Float](e *data.Encoding, t *data.Table, rows []int, s train.Set[T]) (train.Set[T], data.Counts, error) {
	b, err := e.Bind(t)
	if err != nil {
		return s, nil, err
	}
	counts, err := data.Inputs(b, rows, s.X.Data)
	if err != nil {
		return s, nil, err
	}
	return s, counts, data.Targets(b, rows, s.Y.Data)
}

// encodeTraining encodes the first n training rows as training sees them: where the encoding was fitted
// on them, a row's own target has no part in the means of its levels.
func encodeTraining[T nn.Float](f *Fit, n int) (train.Set[T], data.Counts, error) {
	if f.adopted || !f.Encoding.HasMeans() {
		return encode[T](f.Encoding, f.tables.Train, f.parts.train[:n])
	}
	s, counts, err := encode[T](f.Encoding, f.tables.Train, f.parts.train)
	if err != nil {
		return s, nil, err
	}
	b, err := f.Encoding.Bind(f.tables.Train)
	if err != nil {
		return s, nil, err
	}
	if err := data.OutOfFold(b, f.parts.train, s.X.Data); err != nil {
		return s, nil, err
	}
	s.X, s.Y = s.X.Slice(0, n), s.Y.Slice(0, n)
	return s, counts, nil
}

// checkTargets refuses targets that the loss cannot have, naming the row's line.
func (f *Fit) checkTargets(y any) error {
	width := f.Encoding.Outputs()
	check := func(n int, at func(int) float64) error {
		for i := range n {
			if err := nn.CheckTarget(f.recipe.loss, at(i)); err != nil {
				row := f.parts.train[i/width]
				return refuse("Loss", f.Options.Loss, "%s, line %d: %w", f.tables.Train.Name(), f.tables.Train.Line(row), err)
			}
		}
		return nil
	}
	switch y := y.(type) {
	case []float32:
		return check(len(y), func(i int) float64 { return float64(y[i]) })
	case []float64:
		return check(len(y), func(i int) float64 { return y[i] })
	}
	return nil
}
