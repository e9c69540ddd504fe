package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/docs"
	"github.com/gradus-ml/gradus/export"
	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/memory"
	"github.com/gradus-ml/gradus/internal/mpi"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// Std is where a command reads and writes.
type Std struct {
	In  io.Reader
	Out io.Writer // results
	Err io.Writer // progress, notes and errors
}

// The exit statuses.
const (
	statusDone        = 0
	statusFailed      = 1   // it could not be done
	statusUsage       = 2   // the call was wrong
	statusNotReached  = 3   // it did not reach the tolerance or loss that was requested
	statusInterrupted = 130 // by SIGINT or SIGTERM, with the work so far saved
)

// status is an error that is only an exit status: everything has been reported.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usage is an error of the call itself.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// commands is the grammar. The order is that of the help.
type commands struct {
	Train      trainCmd      `cmd:"" help:"Train a network on a table, report, and save the model."`
	Inspect    inspectCmd    `cmd:"" help:"Show how each column of a table is read and why, without training."`
	Resume     resumeCmd     `cmd:"" help:"Continue an interrupted run that was kept with --run."`
	Predict    predictCmd    `cmd:"" help:"Predict the rows of a table with a model, as CSV."`
	Evaluate   evaluateCmd   `cmd:"" help:"Score a model on labeled rows."`
	Check      checkCmd      `cmd:"" help:"Compare every parameter's gradient with a numeric derivative."`
	CV         cvCmd         `cmd:"" name:"cv" help:"Cross-validate: train and score on every part of the rows in turn."`
	Importance importanceCmd `cmd:"" help:"Measure what each column is worth to a model, by shuffling it."`
	Shap       shapCmd       `cmd:"" help:"Explain single predictions: Shapley values by column."`
	Explain    explainCmd    `cmd:"" help:"Show one step on one sample: the chain rule with its numbers."`
	Compare    compareCmd    `cmd:"" help:"Race batch, stochastic and mini-batch descent from the same start."`
	Notebook   notebookCmd   `cmd:"" help:"Rerun the seed notebook's experiments and show them beside what it printed."`
	Tune       tuneCmd       `cmd:"" help:"Search for flags that train well, at random with successive halving."`
	Work       workCmd       `cmd:"" help:"Do the work that tune, cv, importance and train put into a queue with --queue."`
	LR         lrCmd         `cmd:"" name:"lr" help:"Find a learning rate: show the loss as the rate rises."`
	Lab        labCmd        `cmd:"" help:"Open a page that shows a run step by step and checks it."`
	Serve      serveCmd      `cmd:"" help:"Answer requests for predictions over HTTP."`
	Plot       plotCmd       `cmd:"" help:"Draw learning curves, or the network, as SVG or PNG."`
	Report     reportCmd     `cmd:"" help:"Write a run as one self-contained HTML page."`
	Export     exportCmd     `cmd:"" help:"Write a model for programs other than gradus: ONNX, Go or C source, tensors."`
	Import     importCmd     `cmd:"" help:"Make a model of a dense network from PyTorch, Keras or scikit-learn."`
	Bench      benchCmd      `cmd:"" help:"Measure this machine's FMA peak, and training speed as a share of it."`
	Info       infoCmd       `cmd:"" help:"Show what a model file holds."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Help       helpCmd       `cmd:"" help:"Show help for a command."`
	Completion completionCmd `cmd:"" help:"Print a completion script for bash, zsh or fish."`
}

// newCommands returns the grammar with the flags of options that each command takes.
func newCommands() *commands {
	var c commands
	for _, all := range []*optionFlags{&c.Train.optionFlags, &c.CV.optionFlags, &c.Tune.optionFlags} {
		*all = flagsOf(option.All())
	}
	c.Inspect.optionFlags = flagsOf(option.In(option.Data))
	c.LR.optionFlags = flagsOf(option.In(option.Data, option.Network, option.Loss, option.Descent, option.Regularization, option.Run), option.Pick("validation", "test"))
	net := slices.Concat(option.In(option.Data, option.Network), option.Pick("loss", "reduction", "dropout", "input-dropout"))
	c.Check.optionFlags = flagsOf(net, option.Pick("l1", "l2", "class-weight", "sample-weight"))
	c.Compare.optionFlags = flagsOf(net, option.Pick("batch-size", "lr", "target-loss", "tolerance", "shuffle"), []*option.Option{
		option.Named("optimizer").Or("sgd"), option.Named("schedule").Or("constant"), option.Named("epochs").Or("50"),
	})
	return &c
}

// env is what every command's Run gets.
type env struct {
	Std
	ctx    context.Context // ends with SIGINT or SIGTERM
	parser *kong.Kong
	args   []string // of the call
	ranks  *ranks   // this process and its peers; nil: it is the only process
}

// Main runs one call and returns its exit status.
func Main(args []string, std Std) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		for n := 1; ; n++ {
			<-signals
			if n > 1 || !watching.Load() { // the second ends the process at once
				os.Exit(statusInterrupted)
			}
			cancel()
		}
	}()
	memory.Allow(0) // the garbage collector learns the container's limit
	return run(ctx, args, std)
}

// watching is set while a command looks at its context and has something to save. At any
// other time a signal ends the process.
var watching atomic.Bool

// watch is called by a command when it begins to look at e.ctx.
func (e *env) watch() { watching.Store(true) }

// exited is how kong's help ends a call.
type exited struct{ code int }

func run(ctx context.Context, args []string, std Std) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exited)
			if !ok {
				panic(r)
			}
			code = e.code
		}
	}()
	out := &output{w: std.Out, width: terminalWidth(std.Out)}
	std.Out = out
	if err := kernel.ISAError(); err != nil {
		return complain(std, usage{err})
	}
	parser := newParser(std)
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "--version":
		args = append([]string{"version"}, args[1:]...)
	}
	call, err := parser.Parse(joinNegative(args))
	if err != nil {
		if job, _ := mpi.Launched(); job.Rank > 0 { // rank 0 reports it
			return statusDone
		}
		return complain(std, wrongCall(err))
	}
	e := &env{Std: std, ctx: ctx, parser: parser, args: args}
	err = e.leave(e.run(call))
	out.endLine()
	if out.err != nil {
		err = fmt.Errorf("cannot write to standard output: %w", out.err)
	}
	return complain(std, err)
}

// run runs the command of a call. An error of the disk that no function has returned is the command's.
func (e *env) run(call *kong.Context) (err error) {
	defer spill.Guard(&err)()
	return call.Run(e)
}

// newParser makes the parser of a call.
func newParser(std Std) *kong.Kong {
	parser, err := kong.New(newCommands(),
		kong.Name("gradus"),
		kong.Description("Train feed-forward neural networks by backpropagation and gradient descent.\n\n"+
			"\"gradus help PAGE\" shows a page of the documentation: ${pages}."),
		kong.Writers(std.Out, std.Err),
		kong.Exit(func(code int) { panic(exited{code}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ValueFormatter(helpWithDefault),
		kong.Vars{"notebook_seed": strconv.Itoa(lesson.NotebookSeed), "pages": strings.Join(helpPages(), ", ")},
		kong.UsageOnError(),
	)
	if err != nil {
		panic("cli: " + err.Error()) // the grammar is our own
	}
	return parser
}

// helpWithDefault adds the default to the help of a flag that has a placeholder, since kong shows only the placeholder.
func helpWithDefault(v *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(v)
	d := v.Default
	if v.Flag == nil || d == "" || v.Flag.PlaceHolder == "" || strings.Contains(v.Flag.PlaceHolder, d) || strings.Contains(help, "Default: ") {
		return help
	}
	return help + " Default: " + d + "."
}

// wrongCall adds to a parser's error where to find help.
func wrongCall(err error) error {
	if errors.As(err, new(*fs.PathError)) {
		return err // a config.json that cannot be read
	}
	text, help := strings.Replace(err.Error(), `but got "EOL" (<EOL>)`, "after the flag, and there is none", 1), "gradus help"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if cmd := parse.Context.Selected(); cmd != nil {
			help += " " + cmd.Name
		} else {
			text = strings.Replace(text, "unexpected argument", "there is no command", 1)
		}
	}
	return usagef("%s (see %s)", text, help)
}

// joinNegative writes "--lr -1" as "--lr=-1". A number after a flag is then the flag's value and not
// another flag, so that the error names the number.
func joinNegative(args []string) []string {
	var out []string
	for _, a := range args {
		if n := len(out); n > 0 && len(a) > 1 && a[0] == '-' && (a[1] >= '0' && a[1] <= '9' || a[1] == '.') &&
			strings.HasPrefix(out[n-1], "--") && !strings.Contains(out[n-1], "=") {
			out[n-1] += "=" + a
			continue
		}
		out = append(out, a)
	}
	return out
}

// complain reports what went wrong in one line and returns the exit status for it.
func complain(std Std, err error) int {
	if err == nil {
		return statusDone
	}
	var s status
	if errors.As(err, &s) {
		return int(s)
	}
	fmt.Fprintf(printable{std.Err}, "gradus: %s\n", oneLine(err))
	return statusOf(err)
}

// statusOf returns the exit status for an error that was reported.
func statusOf(err error) int {
	if errors.As(err, new(usage)) {
		return statusUsage
	}
	return statusFailed
}

// oneLine returns an error's text in one line. It names options by their flags and leaves out the
// sentinels' texts, because only programs need them.
func oneLine(err error) string {
	s := strings.ReplaceAll(option.Words(err, option.Flag), "\n", "; ")
	for _, sentinel := range []error{model.ErrOptions, model.ErrFile, model.ErrRow, train.ErrConfig, nn.ErrShape, lesson.ErrRace, plot.ErrFormat, export.ErrOption, export.ErrUnsupported, export.ErrImport, train.ErrCheckpoint} {
		if errors.Is(err, sentinel) {
			s = strings.Replace(s, sentinel.Error()+": ", "", 1)
		}
	}
	return s
}

// interrupted says how many of a command's pieces of work are done, and whether they were kept in a
// folder.
func (e *env) interrupted(done, all int, piece, dir string) error {
	kept := "the same call continues from here"
	if dir == "" {
		kept = "nothing was kept; with --run DIR the same call would continue from here"
	}
	fmt.Fprintf(e.remarks(), "gradus: interrupted after %d of %s; %s\n", done, plural.Of(all, piece), kept)
	return status(statusInterrupted)
}

// fileSum returns the SHA-256 of a file, in hex.
func fileSum(path string) (string, error) {
	raw, err := os.ReadFile(path)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), err
}

// writeJSON writes one object on standard output.
func (e *env) writeJSON(v any) error {
	enc := json.NewEncoder(e.Out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// sayAll calls say for each message.
func (e *env) sayAll(remarks []string) {
	for _, r := range remarks {
		e.say("%s", r)
	}
}

// helpPages returns the names that help takes for the pages of the documentation. A page with the
// same name as a command has the ending .md.
func helpPages() []string {
	names := docs.Names()
	for i, name := range names {
		_, command := reflect.TypeFor[commands]().FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
		if command {
			names[i] += ".md"
		}
	}
	return names
}

// helpCmd is "gradus help [COMMAND|PAGE]".
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command to explain, or a page: ${pages}."`
}

func (c *helpCmd) Run(e *env) error {
	if len(c.Command) == 1 {
		name, page := strings.CutPrefix(c.Command[0], "docs/")
		name, file := strings.CutSuffix(name, ".md")
		if text, ok := docs.Page(name); ok && (page || file || slices.Contains(helpPages(), name)) {
			fmt.Fprint(printable{e.Out}, text) // not wrapped, because a page has code and tables
			return nil
		}
	}
	_, err := e.parser.Parse(append(c.Command, "--help"))
	if err != nil {
		return wrongCall(err)
	}
	return nil
}
