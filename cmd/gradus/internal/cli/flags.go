package cli

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// The flags are grouped by what they are about; a command embeds the groups it takes.

// readFlags say how a table is read.
type readFlags struct {
	Delimiter string `placeholder:"C" group:"data" help:"Between the cells of a line; a character, 'tab' or 'blanks'. Default: found by looking."`
	Header    string `default:"auto" enum:"auto,yes,no" group:"data" help:"Whether the first line names the columns: auto, yes or no."`
	Encoding  string `default:"auto" enum:"auto,utf-8,utf-16,latin-1,windows-1252" group:"data" help:"Of a text: auto, utf-8, utf-16, latin-1 or windows-1252."`
	SkipRows  int    `default:"0" placeholder:"N" group:"data" help:"Lines above the header to pass over."`
	Comment   string `placeholder:"C" group:"data" help:"Pass over lines that start with this."`
	KeepTotal bool   `group:"data" help:"Keep a last line that starts with Total as a row."`
	Sheet     string `placeholder:"NAME" group:"data" help:"Of a spreadsheet: the sheet to read. Default: the first."`
	Query     string `placeholder:"SQL" group:"data" help:"Of a database: what to read. Default: its only table."`

	shown *preparing // how reading goes; nil: not at all
}

// read reads a table, and says on standard error what was decided in doing so.
func (f *readFlags) read(e *env, paths ...string) (*data.Table, error) {
	t, err := f.readSilently(e, paths...)
	if err == nil {
		for _, n := range t.Notes() {
			fmt.Fprintf(e.Err, "gradus: %s: %s\n", t.Name(), n)
		}
	}
	return t, err
}

// readSilently reads a table whose notes are told elsewhere.
func (f *readFlags) readSilently(e *env, paths ...string) (*data.Table, error) {
	opt := data.ReadOptions{
		Header: f.Header, Encoding: f.Encoding, Skip: f.SkipRows, Comment: f.Comment, KeepTotal: f.KeepTotal,
		Sheet: f.Sheet, Query: f.Query, Stdin: e.In, Progress: f.shown.read(strings.Join(withoutPasswords(paths), ", ")),
	}
	if f.SkipRows < 0 {
		return nil, usagef("--skip-rows %d: give a number of at least 0", f.SkipRows)
	}
	defer f.shown.done()
	switch {
	case f.Delimiter == "":
	case f.Delimiter == "tab" || f.Delimiter == `\t`:
		opt.Delimiter = '\t'
	case f.Delimiter == "blanks":
		opt.Delimiter = ' '
	default:
		r, size := utf8.DecodeRuneInString(f.Delimiter)
		if size != len(f.Delimiter) || r == utf8.RuneError || r == '"' || r == '\n' || r == '\r' {
			return nil, usagef("--delimiter %q: give one character, tab or blanks", f.Delimiter)
		}
		opt.Delimiter = r
	}
	return data.ReadAll(paths, opt)
}

// tableFlags say what the columns are.
type tableFlags struct {
	readFlags  `embed:""`
	Target     names  `placeholder:"COL" group:"data" help:"The column to predict; several with commas between them. Default: the last. A name with commas stands in double quotes, here and wherever columns are named: '\"a, b\",c'."`
	Task       string `default:"auto" group:"data" help:"auto, regression, binary, multiclass or multilabel."`
	Positive   string `placeholder:"CLASS" group:"data" help:"Which of two classes is the positive one. Default: the second in sorted order."`
	Types      pairs  `placeholder:"COL=TYPE" group:"data" help:"What a column is: number, category, boolean, date or ignore."`
	Ignore     names  `placeholder:"COL" group:"data" help:"Columns to leave out."`
	Missing    names  `placeholder:"WORD|none" group:"data" help:"Words that stand for nothing besides NA, N/A, NaN, null and ?; none if these are values too."`
	Decimal    string `placeholder:".|," group:"data" help:"The decimal sign. Default: found by looking, column by column."`
	DateFormat pairs  `placeholder:"COL=LAYOUT" group:"data" help:"How the dates of a column are written, as in '%d/%m/%Y %H:%M'. Default: found by looking."`
	Scale      string `default:"auto" group:"data" help:"How numbers are scaled, and the targets of a regression: auto, standard, min-max, robust, none, or pieces: auto with piecewise linear inputs whose knots follow the target."`
}

// netFlags say what the network is.
type netFlags struct {
	Recipe           string  `default:"auto" group:"network" help:"What layers, activation and scaling are that no flag names: plain (64,64 relu, --scale auto), wide (128,128 silu, --scale pieces), or auto: wide from 1200 rows to 2 million numbers where none of them and no optimizer is named, else plain."`
	Hidden           string  `placeholder:"N,N" group:"network" help:"Units of each hidden layer; 0 for none. Default: by the recipe, or those of the model of --from."`
	Activation       string  `placeholder:"NAME" group:"network" help:"Of the hidden layers, default by the recipe: relu, sigmoid, tanh, identity, leaky-relu, elu, selu, gelu, silu, mish, softplus or exp; leaky-relu:0.01 sets a parameter."`
	OutputActivation string  `default:"auto" group:"network" help:"Of the last layer; auto goes by the task."`
	NoBias           bool    `group:"network" help:"No biases."`
	Init             string  `default:"auto" group:"network" help:"auto, he, glorot, lecun, uniform, normal or zeros."`
	Norm             string  `placeholder:"NAME" group:"network" help:"Normalise the hidden layers before their activation: none, batch or layer. Default: none."`
	Dropout          float64 `default:"0" placeholder:"X" group:"network" help:"Share of the hidden units that training sets to 0 in each step, drawn anew."`
	InputDropout     float64 `default:"0" placeholder:"X" group:"network" help:"The same of the inputs."`
	Loss             string  `default:"auto" group:"network" help:"auto, half-squared, squared, absolute, huber:1, quantile:0.5, log-cosh, binary-cross-entropy, cross-entropy, focal:2, hinge, poisson, tweedie:1.5 or gamma."`
	Reduction        string  `default:"mean" group:"network" help:"Of a batch's losses: mean or sum."`
	Seed             uint64  `default:"1" group:"network" help:"Decides all that is drawn at random."`
	From             string  `placeholder:"FILE" group:"network" help:"Start from these weights. A model brings its network, columns, classes and encoding: a warm start, or partial fit on further rows; what differs is refused. Bare tensors layers.0.weight ... of shape [in, out] only need the network's shapes."`
}

// start reads the weights to start from; nil where none are asked for.
func (n *netFlags) start() (*model.Weights, error) {
	if n.From == "" {
		return nil, nil
	}
	w, err := model.LoadWeights(n.From)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	return w, nil
}

// descentFlags say how the descent goes.
type descentFlags struct {
	Method       string         `default:"auto" group:"descent" help:"batch, stochastic, mini-batch, or per-sample: the notebook's variant; auto is mini-batch, with lbfgs and cg batch."`
	BatchSize    *int           `placeholder:"N" group:"descent" help:"Rows an update of mini-batch looks at. Default: by the number of rows."`
	Optimizer    string         `default:"auto" group:"descent" help:"sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, amsgrad, nadam, adamw or lion; for the whole batch lbfgs or cg, which find their own rate; auto is adamw with beta2 0.95, weight decay 0.1 and the rate 0.003, for regression 0.01."`
	LR           *float64       `name:"lr" placeholder:"X" group:"descent" help:"Learning rate; gradus lr looks for one. Default: 0.01; adam, amsgrad, adamw 0.001; nadam 0.002; adadelta 1; lion 0.0001."`
	Momentum     *float64       `placeholder:"X" group:"descent" help:"Of momentum and nesterov, 0.9; of rmsprop, 0."`
	Beta1        *float64       `name:"beta1" placeholder:"X" group:"descent" help:"Of adam, amsgrad, nadam, adamw and lion; 0.9."`
	Beta2        *float64       `name:"beta2" placeholder:"X" group:"descent" help:"Of adam, amsgrad, nadam and adamw, 0.999; of lion and rmsprop (its alpha), 0.99; of adadelta (its rho), 0.9."`
	Epsilon      *float64       `placeholder:"X" group:"descent" help:"Of the rules that divide; 1e-8, adadelta 1e-6, adagrad 1e-10."`
	WeightDecay  *float64       `placeholder:"X" group:"descent" help:"All parameters shrink by the rate times X an update, apart from the gradient. Default: 0; adamw 0.01."`
	L1           float64        `name:"l1" default:"0" placeholder:"X" group:"descent" help:"Adds X*sign(w) to the gradient of every weight; biases excepted, and not part of the loss reported."`
	L2           float64        `name:"l2" default:"0" placeholder:"X" group:"descent" help:"Adds X*w to the gradient of every weight; likewise. What PyTorch calls weight_decay outside AdamW."`
	MaxNorm      float64        `default:"0" placeholder:"X" group:"descent" help:"Keep the weights that lead to each unit within this length."`
	ClipNorm     float64        `default:"0" placeholder:"X" group:"descent" help:"Keep the gradient of all parameters together within this length."`
	ClipValue    float64        `default:"0" placeholder:"X" group:"descent" help:"Keep every element of the gradient within X and -X."`
	EMA          float64        `name:"ema" default:"0" placeholder:"X" group:"descent" help:"Score and keep a running average of the weights, and of the statistics of --norm batch, 0.999 say, in their place."`
	Smoothing    float64        `name:"label-smoothing" default:"0" placeholder:"X" group:"descent" help:"Train classes towards 1-X and a share of X, in the place of 1 and 0."`
	Schedule     string         `default:"auto" group:"descent" help:"Of the rate: constant, step:EVERY:FACTOR, exponential:FACTOR, inverse:POWER, polynomial:POWER:FLOOR, cosine:FLOOR, cosine-restarts:PERIOD:FACTOR:FLOOR, one-cycle:RISE:DIVIDE:FINAL or plateau:PATIENCE:FACTOR:FLOOR; auto is cosine with the optimizer auto, else constant."`
	Warmup       int            `default:"0" placeholder:"N" group:"descent" help:"Epochs in which the rate rises to the schedule's first."`
	Epochs       *int           `placeholder:"N" group:"descent" help:"At most. Default: by the number of rows."`
	MaxTime      *time.Duration `placeholder:"DURATION" group:"descent" help:"Stop after the epoch that passes it: 30s, 5m."`
	Tolerance    *float64       `placeholder:"R" group:"descent" help:"Stop when every output is within 1e-8 + R*|output| of its target."`
	TargetLoss   *float64       `placeholder:"L" group:"descent" help:"Stop at this loss over all training rows."`
	Patience     *int           `placeholder:"N" group:"descent" help:"Stop when the validation score has not become better for N epochs, and keep the best weights; 0 for never. Default: half the epochs, at least 20."`
	MinDelta     float64        `default:"0" placeholder:"X" group:"descent" help:"By how much a score must be better to count."`
	OnDivergence string         `default:"stop" group:"descent" help:"When a value stops being finite: stop, or halve-lr: go back to the epoch with the lowest loss, with half the rate, up to 10 times."`
	Validation   string         `placeholder:"FRACTION|FILE|none" group:"descent" help:"Rows that may choose the epoch. Default: a part, none of a few dozen rows."`
	Test         string         `placeholder:"FRACTION|FILE|none" group:"descent" help:"Rows used for nothing but the report."`
	Shuffle      bool           `default:"true" negatable:"" group:"descent" help:"Visit the rows in a new order in every epoch."`
	Precision    string         `default:"float32" group:"descent" help:"float32 or float64."`
	Threads      *int           `placeholder:"N" group:"descent" help:"Cores to use where that pays; it changes no bit of the result. Default: all."`
	Shards       *int           `placeholder:"N" group:"descent" help:"Pieces a batch's gradient is summed in; part of the result's bits."`
}

// options reads the table and network flags; a command adds its own.
func (f *tableFlags) options(n *netFlags) (model.Options, error) {
	o := model.Options{
		Targets: f.Target, Ignore: f.Ignore, Missing: f.Missing, Decimal: f.Decimal, DateFormat: f.DateFormat, Positive: f.Positive,
		Activation: n.Activation, OutputActivation: n.OutputActivation, NoBias: n.NoBias, Init: n.Init,
		Recipe: n.Recipe, Norm: n.Norm, Dropout: n.Dropout, InputDropout: n.InputDropout,
		Loss: n.Loss, Reduction: n.Reduction, Seed: n.Seed,
	}
	var err error
	if n.Hidden != "" {
		if o.Hidden, err = model.ParseHidden(n.Hidden); err != nil {
			return o, usagef("--hidden %s: %w", n.Hidden, err)
		}
	}
	if o.Task, err = data.ParseTask(f.Task); err != nil {
		return o, usagef("--task: %w", err)
	}
	if o.Scale, err = data.ParseScaling(f.Scale); err != nil {
		return o, usagef("--scale: %w", err)
	}
	if len(f.Types) > 0 {
		o.Types = map[string]data.Kind{}
	}
	if f.Decimal != "" && f.Decimal != "." && f.Decimal != "," {
		return o, usagef("--decimal %q: give . or ,", f.Decimal)
	}
	for _, col := range slices.Sorted(maps.Keys(f.Types)) {
		word := f.Types[col]
		if o.Types[col], err = data.ParseKind(word); err != nil {
			return o, usagef("--types %s=%s: %w", col, word, err)
		}
	}
	return o, nil
}

// add puts the descent flags into options.
func (d *descentFlags) add(o *model.Options) error {
	o.Method, o.Optimizer, o.Schedule = d.Method, d.Optimizer, d.Schedule
	o.LR, o.Momentum, o.Beta1, o.Beta2, o.Epsilon, o.WeightDecay = d.LR, d.Momentum, d.Beta1, d.Beta2, d.Epsilon, d.WeightDecay
	o.Tolerance, o.TargetLoss, o.Patience, o.MinDelta = d.Tolerance, d.TargetLoss, d.Patience, d.MinDelta
	o.OnDivergence = d.OnDivergence
	o.L1, o.L2, o.MaxNorm, o.ClipNorm, o.ClipValue = d.L1, d.L2, d.MaxNorm, d.ClipNorm, d.ClipValue
	o.EMA, o.LabelSmoothing, o.Warmup = d.EMA, d.Smoothing, d.Warmup
	o.NoShuffle, o.Precision = !d.Shuffle, d.Precision
	for _, f := range []struct {
		flag string
		from *int
		to   *int
	}{{"batch-size", d.BatchSize, &o.BatchSize}, {"epochs", d.Epochs, &o.Epochs}, {"shards", d.Shards, &o.Shards}, {"threads", d.Threads, &o.Threads}} {
		if f.from == nil {
			continue
		}
		if *f.from < 1 {
			return usagef("--%s %d: give a whole number of at least 1", f.flag, *f.from)
		}
		*f.to = *f.from
	}
	if d.MaxTime != nil {
		if *d.MaxTime <= 0 {
			return usagef("--max-time %v: give a duration greater than 0, such as 30s or 5m", *d.MaxTime)
		}
		o.MaxTime = *d.MaxTime
	}
	return nil
}

// heldOut reads FRACTION|FILE|none: a fraction, or the table of a file.
func (f *readFlags) heldOut(e *env, flag, value string) (fraction *float64, table *data.Table, err error) {
	if value == "" {
		return nil, nil, nil
	}
	if value == "none" {
		return new(float64), nil, nil
	}
	if x, err := strconv.ParseFloat(value, 64); err == nil {
		if !(x >= 0 && x < 1) || math.IsNaN(x) {
			return nil, nil, usagef("--%s %s: give a part of the rows, at least 0 and less than 1, a file, or none", flag, value)
		}
		return &x, nil, nil
	}
	table, err = f.read(e, value)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("--%s: %w (a part of the rows such as 0.2, or none, would do as well)", flag, err)
	}
	return nil, table, err
}

// tables reads the table to train on and those held out beside it.
func (f *tableFlags) tables(e *env, path paths, d *descentFlags, o *model.Options) (model.Tables, error) {
	var t model.Tables
	var err error
	if o.Validation, t.Validation, err = f.heldOut(e, "validation", d.Validation); err != nil {
		return t, err
	}
	if o.Test, t.Test, err = f.heldOut(e, "test", d.Test); err != nil {
		return t, err
	}
	t.Train, err = f.readSilently(e, path...)
	return t, err
}

// asUsage marks an error of options as one of the call, unless it takes a look at the table to see it.
func asUsage(err error) error {
	for _, ofTable := range []error{data.ErrColumn, data.ErrTarget, data.ErrTask, data.ErrType, data.ErrNumber} {
		if errors.Is(err, ofTable) {
			return err
		}
	}
	if errors.Is(err, model.ErrOptions) {
		return usage{err}
	}
	return err
}

// defaultOut is the data's name with the model's ending, in the current folder.
func defaultOut(from paths) string {
	path := from[0]
	if path == data.Stdin || strings.Contains(path, "://") {
		return "model.safetensors"
	}
	name := filepath.Base(strings.TrimPrefix(path, "sqlite:"))
	if ext := filepath.Ext(name); ext != "" { // .CSV is .csv
		name = strings.TrimSuffix(name, ext) + strings.ToLower(ext)
	}
	for _, ending := range []string{".gz", ".zst", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather", ".jsonl", ".ndjson", ".json", ".xlsx", ".npy", ".npz", ".db", ".sqlite", "-ubyte"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name + ".safetensors"
}

// A kind of file that a command writes.
type kind string

const (
	kindModel   kind = "model"
	kindTable   kind = "table of predictions"
	kindParquet kind = "Parquet file"
	kindReport  kind = "report"
	kindSVG     kind = "svg" // as plot.FormatOf has it
	kindPNG     kind = "png"

	kindONNX    kind = "ONNX file"
	kindGo      kind = "Go file of gradus export"
	kindC       kind = "C file of gradus export"
	kindNPZ     kind = "file of arrays (.npz)"
	kindTensors kind = "file of bare tensors"
)

// checkOut reports, before any work is done, a file that the result must not take the place of: one
// it is made from, and one that is there and is of another kind. It also reports a folder that
// cannot be written to.
func checkOut(out string, k kind, inputs ...string) error {
	if err := notAnInput(out, inputs...); err != nil {
		return err
	}
	if info, err := os.Stat(out); err == nil && info.Mode().IsRegular() {
		is, err := isKind(out, k)
		if err != nil {
			return usagef("--out %s: that file is there and cannot be read, so it may be something else than a %s (%w); name another file", out, k, err)
		}
		if !is {
			return usagef("--out %s: that file is there and is no %s, so it is not overwritten; remove it, or name another file", out, strings.Replace(strings.Replace(string(k), "svg", "SVG picture", 1), "png", "PNG picture", 1))
		}
	}
	return writableFolder(out)
}

// isKind reports whether a file begins as one of that kind does. An empty one is of every kind.
func isKind(path string, k kind) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return false, err
	}
	defer file.Close()
	head := make([]byte, 4096)
	n, err := io.ReadFull(file, head)
	if head = head[:n]; n == 0 {
		return true, nil
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	page := bytes.Contains(bytes.ToLower(head[:min(n, 256)]), []byte("<!doctype html"))
	picture := bytes.HasPrefix(head, []byte("<?xml")) || bytes.HasPrefix(head, []byte("<svg"))
	png := bytes.HasPrefix(head, []byte("\x89PNG"))
	switch k {
	case kindModel: // a length, and an object in JSON; damaged ones may be replaced too
		return n > 8 && head[8] == '{' || strings.HasSuffix(path, ".safetensors"), nil
	case kindReport:
		return page && bytes.Contains(head, []byte(html.EscapeString(lab.ReportPolicy))), nil
	case kindSVG:
		return picture, nil
	case kindPNG:
		return png, nil
	case kindParquet:
		return bytes.HasPrefix(head, []byte("PAR1")), nil
	case kindONNX: // the first field of a model is the format's version
		return head[0] == 0x08, nil
	case kindGo:
		return bytes.HasPrefix(head, []byte("// Code generated by gradus export")), nil
	case kindC:
		return bytes.HasPrefix(head, []byte("/* Code generated by gradus export")), nil
	case kindNPZ:
		return bytes.HasPrefix(head, []byte("PK")), nil
	case kindTensors: // a model is no such file
		return n > 8 && head[8] == '{' && !bytes.Contains(head, []byte(`"gradus":`)), nil
	}
	return !page && !picture && utf8.Valid(head[:max(0, n-utf8.UTFMax)]) && !bytes.ContainsRune(head, 0), nil
}

// notAnInput reports a result that would overwrite a file it is made from.
func notAnInput(out string, inputs ...string) error {
	to, err := os.Stat(out)
	if err != nil || !to.Mode().IsRegular() {
		return nil
	}
	for _, in := range inputs {
		if file, ok := strings.CutPrefix(in, "sqlite:"); ok {
			in = file
		}
		if from, err := os.Stat(in); err == nil && os.SameFile(to, from) {
			return usagef("--out %s: that is the input %s, which would be lost; name another file", out, in)
		}
	}
	return nil
}

// writableFolder reports, before any work is done, a folder that the result could not be
// written to.
func writableFolder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder; name a file in it with --out", path)
	} else if err == nil && !info.Mode().IsRegular() {
		return nil // a device
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".gradus-*.tmp")
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot write %s: the folder %s does not exist; make it, or choose another place with --out", path, dir)
		}
		return fmt.Errorf("cannot write %s: the folder %s cannot be written to (%w); choose another place with --out", path, dir, err)
	}
	f.Close()
	return os.Remove(f.Name())
}
