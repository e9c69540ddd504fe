package cli

import "time"

// trainCmd is "gradus train DATA".
type trainCmd struct {
	Data       paths `arg:"" optional:"" sep:"none" help:"A table in a file, several files, a folder of them, or a database; see gradus help reading."`
	tableFlags `embed:""`
	startFlag  `embed:""`
	presetFlag `embed:""`
	queueFlags `embed:""`
	diskFlags  `embed:""`
	Out        string `short:"o" placeholder:"FILE" help:"The model. Default: the data's name, ending in .safetensors, in this folder."`
	RunDir     string `name:"run" placeholder:"DIR" help:"Keep the run in this folder: config.json, checkpoints, history.csv, curves.svg. gradus resume DIR continues it."`

	CheckpointEvery time.Duration `default:"10s" placeholder:"DURATION" help:"How often a run with --run writes a checkpoint; the result has the same bits."`
	TensorBoard     bool          `name:"tensorboard" help:"Write event files for TensorBoard into the folder of --run."`

	Config     configFlag `placeholder:"FILE" help:"Flags, and the data, from a run's config.json; the command line wins."`
	ConfigData names      `name:"data" hidden:""`
	JSON       bool       `name:"json" help:"One JSON object on standard output, and nothing else there."`
	Quiet      bool       `help:"No progress."`

	resumed *resumed            // nil if the run is new
	within  func(trainJSON) any // with --json, what another command prints around the result; nil: nothing
}

// Run trains. If a launcher has started several ranks, all take these steps together.
func (c *trainCmd) Run(e *env) error {
	if err := e.join(); err != nil {
		return err
	}
	if err := c.complete(e); err != nil {
		return err
	}
	t := &training{trainCmd: c, env: e}
	defer t.close()
	if err := t.prepare(); err != nil {
		return err
	}
	if err := t.begin(); err != nil {
		return err
	}
	t.writeData()
	if err := t.submit(); err != nil {
		return err
	}
	failed, err := t.train()
	if err != nil {
		return err
	}
	unsaved := t.endRun()
	if e.follows() { // rank 0 does the rest
		return failed
	}
	return t.save(failed, unsaved)
}

// complete fills in what the call leaves to defaults, and refuses flags that do not go together.
func (c *trainCmd) complete(e *env) error {
	if e.ranks != nil && c.Queue != "" {
		return usagef("--queue has workers train the networks of an ensemble, and here %d ranks train: leave out either --queue or the launcher", e.ranks.Size())
	}
	if len(c.Data) == 0 {
		c.Data = paths(c.ConfigData)
	}
	if len(c.Data) == 0 {
		return usagef("name the data to train on: gradus train DATA")
	}
	if c.Out == "" {
		c.Out = defaultOut(c.Data)
	}
	if c.Out == "-" {
		return usagef("--out -: a model cannot go to standard output; name a file")
	}
	if c.TensorBoard && c.RunDir == "" {
		return usagef("--tensorboard writes into a run's folder: name one with --run DIR")
	}
	if c.RunDir != "" && c.CheckpointEvery <= 0 {
		return usagef("--checkpoint-every %v: give a duration greater than 0, such as 10s", c.CheckpointEvery)
	}
	return nil
}
