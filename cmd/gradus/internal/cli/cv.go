package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// cvCmd is "gradus cv DATA".
type cvCmd struct {
	Data       paths `arg:"" sep:"none" help:"A table in a file, several files, a folder of them, or a database; see gradus help reading."`
	Folds      int   `default:"5" placeholder:"K" help:"How many parts the rows are divided into."`
	tableFlags `embed:""`
	startFlag  `embed:""`
	presetFlag `embed:""`
	queueFlags `embed:""`
	diskFlags  `embed:""`
	Out        string `short:"o" placeholder:"FILE" help:"Write what each fold's model predicts for the rows that it has not seen, as CSV, or as TSV if the name ends in .tsv. The columns are row, fold, and those of predict."`
	JSON       bool   `name:"json" help:"One JSON object on standard output, and nothing else there."`
	Quiet      bool   `help:"No progress."`
}

type cvFoldJSON struct {
	Fold          int             `json:"fold"` // from 1
	Rows          model.Rows      `json:"rows"` // test: the rows of the fold
	Epochs        int             `json:"epochs"`
	BestEpoch     *int            `json:"best_epoch"`
	StopReason    string          `json:"stop_reason"`
	Metrics       *metrics.Report `json:"metrics"` // on the rows of the fold
	Threshold     *float64        `json:"threshold,omitempty"`
	WeightsSHA256 string          `json:"weights_sha256"`
}

func (c *cvCmd) Run(e *env) error {
	format, err := c.check()
	if err != nil {
		return err
	}
	c.show(e, c.Quiet)
	f, err := c.begin(e)
	if err != nil {
		return err
	}
	defer f.close()
	o, tables := f.o, f.tables
	schema, notes, err := model.Inspect(tables.Train, o)
	if err != nil {
		return asUsage(err)
	}
	begun := sync.OnceFunc(func() { // called when the first fold begins
		w := e.text()
		if c.Out == "-" {
			w = e.remarks()
		}
		if !c.JSON {
			writeData(w, tables.Train, schema, notes)
		}
	})
	o.Stage = func(what string) {
		if what == "encoding" {
			begun()
		}
	}
	var work sent
	if c.Queue != "" {
		if work, err = c.send(e, f, blocks{}); err != nil {
			return err
		}
		o.Elsewhere = func(ctx context.Context, i int) (*model.FoldRun, error) {
			begun()
			return work.train(ctx, i)
		}
	}
	e.watch()
	var done func(int, *model.Model)
	if !c.Quiet {
		l := &foldLines{w: e.remarks(), all: c.Folds, folds: map[int]*lines{}}
		o.Step, done = l.show, l.end
	}
	cv, err := model.CrossValidate(e.ctx, tables, o, c.Folds, done)
	work.end(err)
	if err != nil {
		if errors.Is(err, train.ErrInterrupted) {
			fmt.Fprintf(e.remarks(), "gradus: interrupted; nothing was written\n")
			return status(statusInterrupted)
		}
		return asUsage(err)
	}
	if c.Out != "" {
		write := func(w io.Writer) error { return writeFolds(w, format, cv) }
		if c.Out == "-" {
			return write(e.Out)
		}
		if err := atomicfile.Write(c.Out, write); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.writeJSON(c.result(cv, schema))
	}
	c.print(e, cv, cv.Notes[len(notes):])
	return nil
}

// check refuses flags that a cross-validation cannot use, and returns the format of the predictions.
func (c *cvCmd) check() (format string, err error) {
	switch {
	case c.From != "":
		return "", usagef("--from: the weights were trained on rows that a fold holds out; leave it out")
	case c.text("test") != "":
		return "", usagef("--test: every row is a test row once in a cross-validation; leave it out")
	case c.Queue != "" && c.Data.isStdin():
		return "", usagef("--queue: other machines cannot read this standard input; name a file")
	case c.Out == "-" && c.JSON:
		return "", usagef("--out -: --json writes to standard output; name a file")
	case c.Out == "" || c.Out == "-":
		return "csv", nil
	}
	if format, err = outFormat(c.Out, "csv", "tsv"); err != nil {
		return "", err
	}
	return format, checkOut(c.Out, kindTable, c.Data...)
}

// folding is a cross-validation whose table was read.
type folding struct {
	tables model.Tables
	o      model.Options
	k      int

	closeDisk func()
}

// begin reads the table.
func (c *cvCmd) begin(e *env) (*folding, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	c.presetFlag.add(&o, &c.optionFlags)
	disk, closeDisk, err := c.diskFlags.open(c.Out)
	if err != nil {
		return nil, err
	}
	c.disk = disk
	f := &folding{k: c.Folds, closeDisk: closeDisk}
	if f.tables, err = c.tables(e, c.Data, &o); err == nil && f.tables.Validation != nil {
		err = usagef("--validation %s: each fold takes its validation rows from its own training rows; give a fraction such as 0.1, or none", c.text("validation"))
	}
	if err != nil {
		closeDisk()
		return nil, err
	}
	f.tables.Spill, f.tables.Cache = disk, c.Cache
	f.o, f.tables.Memory = o, new(model.SharedMemory)
	return f, nil
}

// share reads the table of another process's cross-validation.
func (c *cvCmd) share(e *env, find func(path string) string) (pieces, error) {
	for i, path := range c.Data {
		c.Data[i] = find(path)
	}
	c.diskFlags = diskFlags{}
	return c.begin(e)
}

// head returns all that the folds depend on.
func (f *folding) head() (any, error) {
	head := struct {
		Data string `json:"data"`
		model.Options
		Folds int `json:"folds"`
	}{f.tables.Train.Fingerprint(), f.o, f.k}
	head.Threads = 0
	return head, nil
}

// piece trains a fold.
func (f *folding) piece(ctx context.Context, work []byte) (any, string, error) {
	var i int
	if err := json.Unmarshal(work, &i); err != nil {
		return nil, "", err
	}
	run, err := model.TrainFold(ctx, f.tables, f.o, f.k, i)
	if err != nil {
		return nil, "", asUsage(err)
	}
	return packed(run)
}

func (f *folding) close() { f.closeDisk() }

// scoresText writes scores in one line.
func scoresText(s metrics.Scores) string {
	text := ""
	for i, score := range s {
		if i > 0 {
			text += ", "
		}
		text += score.Name + " " + short(score.Value)
	}
	return text
}

// writeFolds writes the out-of-fold predictions.
func writeFolds(w io.Writer, format string, cv *model.CV) error {
	width := cv.Folds[0].Outputs()
	return writeTable(w, format, cv.Folds[0], []string{"row", "fold"}, nil, len(cv.Rows), func(i int) ([]string, model.Prediction, []string) {
		p := cv.Folds[cv.Fold[i]].Describe(cv.Predictions[i*width:][:width])
		return []string{strconv.Itoa(cv.Rows[i]), strconv.Itoa(cv.Fold[i] + 1)}, p, nil
	})
}

func (c *cvCmd) result(cv *model.CV, s *data.Schema) any {
	folds := make([]cvFoldJSON, len(cv.Folds))
	for i, m := range cv.Folds {
		t := m.Training
		folds[i] = cvFoldJSON{
			Fold: i + 1, Rows: t.Rows, Epochs: t.Epochs, StopReason: t.Reason, Metrics: t.Metrics.Test, WeightsSHA256: m.WeightsSHA256(),
		}
		if t.BestEpoch > 0 {
			folds[i].BestEpoch = &t.BestEpoch
		}
		if m.Task() == data.Binary {
			folds[i].Threshold = &m.Threshold
		}
	}
	m := cv.Folds[0]
	var out *string
	if c.Out != "" {
		out = &c.Out
	}
	return struct {
		Folds       []cvFoldJSON    `json:"folds"`
		Mean        metrics.Scores  `json:"mean"`
		SD          metrics.Scores  `json:"sd"`
		Lacking     []model.Lacking `json:"lacking,omitempty"`
		Baseline    metrics.Scores  `json:"baseline"`
		Linear      *model.Linear   `json:"linear,omitempty"`
		Compared    string          `json:"compared,omitempty"`
		OutOfFold   metrics.Report  `json:"out_of_fold"`
		Rows        int             `json:"rows"`
		Predictions *string         `json:"predictions"`
		Task        data.Task       `json:"task"`
		Target      []string        `json:"target"`
		Seed        uint64          `json:"seed"`
		Options     model.Options   `json:"options"`
		saidJSON
	}{folds, cv.Mean, cv.SD, cv.Lacking, cv.Baseline, cv.Linear, cv.Compared(), cv.Pooled, len(cv.Rows), out, m.Task(), m.Targets(), m.Options.Seed, m.Options, said(s, cv.Notes)}
}

// print reports the results. The notes are those of the first fold's run that are not printed yet.
func (c *cvCmd) print(e *env, cv *model.CV, notes []data.Note) {
	m := cv.Folds[0]
	e.printf("Rows     %d in the folds\n", len(cv.Rows))
	e.printf("Network  %s, %s, seed %d\n", m.DescribeNetwork(), m.Precision(), m.Options.Seed)
	e.printf("Descent  %s\n", option.Describe(&m.Options))
	for _, n := range option.Notes(notes) {
		e.printf("Note     %s (fold 1)\n", n)
	}
	e.printf("\n")
	columns := slices.Clone(cv.Mean)
	for _, l := range cv.Lacking {
		columns.Set(l.Score, nan)
	}
	g := grid{rows: [][]string{{"", "rows", "epochs"}}}
	for _, s := range columns {
		g.rows[0] = append(g.rows[0], s.Name)
	}
	const deviation = "standard deviation"
	line := func(name, rows, epochs string, s metrics.Scores) {
		cells, format := []string{name, rows, epochs}, "%.4g"
		if name == deviation {
			format = "%.2g"
		}
		for _, column := range columns {
			if v, ok := s.Get(column.Name); ok && !math.IsNaN(v) {
				cells = append(cells, fmt.Sprintf(format, v))
			} else {
				cells = append(cells, "-")
			}
		}
		g.add(cells...)
	}
	for i, m := range cv.Folds {
		line(fmt.Sprintf("fold %d", i+1), strconv.Itoa(m.Training.Rows.Test), strconv.Itoa(m.Training.Epochs), m.Training.Metrics.Test.Scores)
	}
	line("mean", "", "", cv.Mean)
	line(deviation, "", "", cv.SD)
	line(guessName(m), "", "", cv.Baseline)
	if cv.Linear != nil && len(cv.Linear.Scores) > 0 {
		line("linear model", "", "", cv.Linear.Scores)
	}
	line("all together", strconv.Itoa(len(cv.Rows)), "", cv.Pooled.Scores)
	for i, own := range cv.Pooled.Outputs {
		if len(cv.Pooled.Outputs) > 1 {
			line("of which "+cut(m.Targets()[i], 30), "", "", own.Scores)
		}
	}
	e.writeGrid(g)
	if text := cv.Compared(); text != "" {
		e.printf("\n%s\n", e.wrap(text, "Compared "))
	}
	writeClasses(e, m, &cv.Pooled, ", all rows together")
	e.printf("\n")
	for _, l := range cv.Lacking {
		e.printf("Note     %s\n", lackingText(l, cv))
	}
	e.printf("The rows of a fold were used only to score its model.\n")
	if c.Out != "" {
		e.printf("Written  %s\n", c.Out)
	}
}

// lackingText says why a score has no mean, and what the score of all rows together is.
func lackingText(l model.Lacking, cv *model.CV) string {
	text := fmt.Sprintf("%s is not defined in %s, so it has no mean", l.Score, foldsText(l.Folds))
	if v, ok := cv.Pooled.Get(l.Score); ok && float.Finite(v) {
		text += fmt.Sprintf("; over all rows together it is %s", short(v))
	}
	return text + "."
}

func foldsText(folds []int) string {
	var names []string
	for _, f := range folds {
		names = append(names, strconv.Itoa(f))
	}
	if len(names) == 1 {
		return "fold " + names[0]
	}
	return "the folds " + list(names, 10)
}
