package model

import (
	"cmp"
	"fmt"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model/internal/blocks"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Prepare reads the schema, holds rows out, learns the encoding on the training rows, and makes the
// network and its trainer. start, if not nil, gives the initial weights. Those of a model also
// bring its network, columns, classes and encoding; options that differ from them are refused.
func Prepare(tables Tables, o Options, start *Weights) (f *Fit, err error) {
	defer spill.Guard(&err)()
	if err := o.canStart(tables, start); err != nil {
		return nil, err
	}
	base, err := start.base(o.Custom)
	if err != nil {
		return nil, err
	}
	f = &Fit{Options: o, tables: tables}
	if f.sources = tables.sources; f.sources == nil {
		f.sources = sync.OnceValue(func() map[string]Source { return sourcesOf(tables) })
	}
	f.stage("types")
	if err := f.findSchema(start, base); err != nil {
		return nil, err
	}
	why := ""
	if o.Members == AutoMembers {
		f.Options.Members, why = f.Options.chooseMembers(tables, f.Schema, start)
	}
	if f.Options.Members > 1 {
		if err := f.bagged(); err != nil {
			return nil, err
		}
		return f, nil
	}
	f.Options.Members = 0
	fitted := false
	if room := tables.Memory; room != nil {
		room.enter()
		defer func() {
			if !fitted {
				room.exit()
			}
		}()
	}
	f.Notes = append(f.Notes, o.notes(tables.Train, f.Schema)...)
	if why != "" {
		f.note("%s", why)
	}
	if err := f.design(start); err != nil {
		return nil, err
	}
	if err := f.split(); err != nil {
		return nil, err
	}
	f.stage("scales")
	if err := f.learnEncoding(base); err != nil {
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
	fitted = true
	if err := f.makeRunner(start); err != nil {
		f.Release()
		return nil, err
	}
	if tables.Memory == nil { // a single run, whose model is wanted
		f.summing = true
		go f.sum()
	}
	return f, nil
}

// ownSpill gives one of several runs its own space on the disk, which Release frees. The others use that of the tables.
func (f *Fit) ownSpill() error {
	if f.tables.Spill == nil || f.tables.fold == nil && f.tables.Memory == nil {
		return nil
	}
	disk, err := data.NewSpill(f.tables.Spill.Dir())
	if err == nil {
		f.tables.Spill, f.disk = disk, disk
	}
	return err
}

// makeRunner encodes the rows and makes the network, in the precision of the options.
func (f *Fit) makeRunner(start *Weights) (err error) {
	defer spill.Guard(&err)()
	f.stage("encoding")
	if err := f.ownSpill(); err != nil {
		return err
	}
	if f.Options.Precision == "float64" {
		f.runner, err = prepare[float64](f, start)
	} else {
		f.runner, err = prepare[float32](f, start)
	}
	return err
}

// canStart refuses what is wrong before looking at the table.
func (o *Options) canStart(tables Tables, start *Weights) error {
	if tables.Train == nil {
		return fmt.Errorf("%w: there is no table to train on", ErrOptions)
	}
	if err := o.Validate(); err != nil {
		return err
	}
	if o.Members > 1 && start != nil {
		return refuse("From", nil, "%s: an ensemble of %d members begins anew, because the weights may have been trained on the rows that judge a member: leave them out, or train one network", start.path, o.Members)
	}
	if start.isEnsemble() {
		return start.differs("the weights are those of several networks, and a run continues from one: train without it")
	}
	return nil
}

// stage tells the caller what is about to be done.
func (f *Fit) stage(what string) {
	if f.Options.Stage != nil {
		f.Options.Stage(what)
	}
}

// findSchema decides what the columns are. It uses those of the model that the run starts from, or those
// found by the caller of a fold, or looks at the table.
func (f *Fit) findSchema(start *Weights, base *Model) (err error) {
	table, fold := f.tables.Train, f.tables.fold
	switch {
	case base != nil:
		if err := f.Options.adopt(start, base); err != nil {
			return err
		}
		f.Schema, f.Rows.Weightless, err = f.Options.inferAs(start, base, table)
	case fold != nil && fold.schema != nil:
		f.Schema, f.Rows.Weightless = fold.schema, fold.weightless
	default:
		f.Schema, f.Rows.Weightless, err = f.Options.infer(table)
	}
	return err
}

// design decides what the network is and how it is trained, except what depends on the held-out rows.
func (f *Fit) design(start *Weights) (err error) {
	if start == nil {
		f.Options.choose(f.Schema)
	}
	if col := f.Options.timeColumn(); col != "" { // it will be used beyond its range
		for i := range f.Schema.Columns {
			f.Schema.Columns[i].Smooth = f.Schema.Columns[i].Smooth || f.Schema.Columns[i].Name == col
		}
	}
	if f.recipe, err = f.Options.resolve(f.Schema.Task, outputsOf(f.Schema)); err != nil {
		return err
	}
	return f.Options.rows(&f.recipe, f.Schema)
}

// learnEncoding learns the encoding on the training rows, or takes that of base, and leaves out the
// held-out rows that it cannot encode.
func (f *Fit) learnEncoding(base *Model) (err error) {
	if base != nil {
		f.Encoding, f.adopted = base.Encoding, true
	} else if f.Encoding, err = f.Schema.Fit(f.tables.Train, f.parts.train, f.Options.Scale, f.recipe.scaleY); err != nil {
		return asOption(err)
	}
	f.wide = f.Encoding
	if f.Options.Interval != 0 {
		f.wide = repeated(f.Encoding, nn.BoundOutputs)
	}
	for _, said := range f.Encoding.Crowded() {
		f.note("%s", said)
	}
	return f.leaveUnknown()
}

// outputsOf returns the number of outputs for a schema's targets.
func outputsOf(s *data.Schema) int {
	if s.Task == data.Multiclass {
		return len(s.Targets[0].Classes)
	}
	return len(s.Targets)
}

// settle sets what depends on the rows.
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
			f.note("The batch size %d is for mini-batch descent; %s uses %s per update.", asked, c.Method, plural.Of(c.BatchSize, "row"))
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
	o.Activation = cmp.Or(o.Activation, "relu")
	o.OutputActivation = out.Activation.String()
	o.Init = cmp.Or(o.Init, "auto")
	o.Norm = cmp.Or(o.Norm, "none")
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
	o.Scale = cmp.Or(o.Scale, data.ScaleAuto)
	o.Precision = cmp.Or(o.Precision, "float32")
	return nil
}

func (f *Fit) note(format string, args ...any) {
	f.Notes = append(f.Notes, data.Notef(format, args...))
}

// prepare encodes the rows, and makes the network and its trainer in one precision.
func prepare[T nn.Float](f *Fit, start *Weights) (runner, error) {
	d, test, held, err := encodeAll[T](f)
	if err != nil {
		return nil, err
	}
	if f.recipe.balanced {
		balance(f, d.Train.Y)
	}
	if err := weighAll(f, &d); err != nil {
		return nil, err
	}
	if d.Validation.Parts, err = f.inParts(d.Validation.W); err != nil {
		return nil, err
	}
	if err := f.scoreEpochs(); err != nil {
		return nil, err
	}
	net, err := beginning(f, start, d.Train)
	if err != nil {
		return nil, err
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
	return runnerOf[T]{trainer, diagnosis.Watch(trainer, f.names()), d, test}, nil
}

// encodeAll encodes the training and validation rows, and the test rows if they are kept, and looks at the held-out rows.
func encodeAll[T nn.Float](f *Fit) (d train.Data[T], test train.Set[T], h *held[T], err error) {
	if d.Train, f.imputed, err = trainRows[T](f); err != nil {
		return d, test, nil, err
	}
	if !f.spilled {
		f.noteForeign()
	}
	if f.Rows.Validation > 0 {
		var counts data.Counts
		if d.Validation, counts, err = heldRows[T](f, f.validationTable(), f.parts.validation); err != nil {
			return d, test, nil, err
		}
		f.noteCells("validation", f.tables.Validation, counts)
	}
	if f.keepsTest() {
		if test, _, err = heldRows[T](f, f.tables.Train, f.parts.test); err != nil {
			return d, test, nil, err
		}
	}
	if h, err = lookAtHeld(f, d.Validation, test); err != nil {
		return d, test, nil, err
	}
	if !f.spilled {
		h.see(d.Train)
		h.tell()
	}
	return d, test, h, nil
}

// keepsTest reports whether the encoded test rows are kept, so that they are encoded once: before training for what
// lookAtHeld looks for, and not again for the scores. Rows of the training table are kept, which take what they would take
// as training rows. A table of its own may be far larger.
func (f *Fit) keepsTest() bool { return f.tables.Test == nil && f.Rows.Test > 0 && !f.spilled }

// validationTable returns the table that contains the validation rows.
func (f *Fit) validationTable() *data.Table {
	if f.tables.Validation != nil {
		return f.tables.Validation
	}
	return f.tables.Train
}

// weighAll sets the weights of the training and validation rows.
func weighAll[T nn.Float](f *Fit, d *train.Data[T]) error {
	if err := weigh(f, &d.Train, f.tables.Train, f.parts.train); err != nil {
		return err
	}
	if f.Rows.Validation == 0 {
		return nil
	}
	return weigh(f, &d.Validation, f.validationTable(), f.parts.validation)
}

// scoreEpochs makes the trainer keep the weights of the epoch with the best score, if a score other than
// the loss was requested and there are rows to compute it on.
func (f *Fit) scoreEpochs() (err error) {
	c, names := &f.recipe.config, f.Options.Metrics
	if f.Rows.Validation == 0 || len(names) == 0 || names[0] == "loss" || !c.KeepBest {
		return nil
	}
	c.Higher = metrics.HigherIsBetter(names[0])
	c.Score, err = f.scorer(names[0], f.validationTable(), f.parts.validation)
	return err
}

// beginning makes the network with its initial weights.
func beginning[T nn.Float](f *Fit, start *Weights, rows train.Set[T]) (*nn.Network[T], error) {
	net, err := nn.New[T](f.Encoding.Width(), nn.Seed(f.Options.Seed), f.recipe.layers...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	if start != nil {
		return net, setWeights(net, start)
	}
	startAtLeaves(f, net)
	if f.Encoding.Task == data.Regression {
		net.StartAt(means(rows))
	}
	return net, nil
}

// names returns the names of rows, inputs and outputs in a diagnosis.
func (f *Fit) names() diagnosis.Names {
	table, rows := f.tables.Train, f.parts.train
	names := diagnosis.Names{Inputs: f.Encoding.InputColumns(), Outputs: f.outputNames(),
		Row: func(row int) string { return table.At(rows[row]) }}
	switch f.Encoding.Task {
	case data.Binary:
		names.Outputs = f.Encoding.Classes()
	case data.Regression:
		for _, t := range f.wide.Targets {
			names.Center, names.Scale = append(names.Center, t.Center), append(names.Scale, t.Scale)
		}
	}
	return names
}

// newTrainer makes the trainer, with the rows in memory or in blocks.
func newTrainer[T nn.Float](f *Fit, net *nn.Network[T], d *train.Data[T], held *held[T]) (*train.Trainer[T], error) {
	if !f.Options.blocked() {
		return train.New(net, f.recipe.config, *d)
	}
	src, layout, err := source(f, d, held.see)
	if err != nil {
		return nil, err
	}
	stream := blocks.Stream(src, f.orderOf(), layout)
	stream.W = d.Train.W
	if f.spilled {
		f.noteForeign()
		held.tell()
		d.Train = train.Set[T]{} // they are not in memory
	}
	return train.NewStream(net, f.recipe.config, stream, d.Validation)
}

// noteForeign notes which cells of the training rows are new to the encoding, if the encoding is that of the model
// the run starts from.
func (f *Fit) noteForeign() {
	for _, c := range f.imputed {
		if c.Beyond > 0 {
			f.note("The column %q has %s of the training rows beyond the range that the model whose weights are given was trained on, which is %s to %s.", c.Column, plural.Of(c.Beyond, "cell"), c.Low, c.High)
		}
		if c.Unseen > 0 {
			f.note("The column %q has a category that the model whose weights are given does not know in %s of the training rows, such as %q.", c.Column, plural.Of(c.Unseen, "cell"), c.Example)
		}
	}
}

// means returns the weighted means of the targets.
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

// encode turns rows of a table into the trainer's form.
func encode[T nn.Float](e *data.Encoding, t *data.Table, rows []int) (train.Set[T], data.Counts, error) {
	return encodeInto(e, t, rows, train.Set[T]{
		X: nn.NewMatrix[T](len(rows), e.Width()),
		Y: nn.NewMatrix[T](len(rows), e.Outputs()),
	})
}

// encodeInto is encode into allocated rows.
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

// encodeTraining encodes the first n training rows as training uses them. If the encoding was fitted on
// them, the means of levels leave out a row's own target.
func encodeTraining[T nn.Float](f *Fit, n int) (train.Set[T], data.Counts, error) {
	if f.adopted || !f.Encoding.HasMeans() {
		return encode[T](f.wide, f.tables.Train, f.parts.train[:n])
	}
	s, counts, err := encode[T](f.wide, f.tables.Train, f.parts.train)
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

// checkTargets refuses targets that the loss does not allow, and names the row's line.
func (f *Fit) checkTargets(y any) error {
	width := f.wide.Outputs()
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
