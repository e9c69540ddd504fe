package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// presetFlag says how much time to spend on a model.
type presetFlag struct {
	Preset string `default:"default" enum:"quick,default,best" group:"ensemble" help:"How flags are set that the call does not set. quick: --recipe plain and one network, the least time, and --calibrate. default: --recipe auto and 8 networks; 5 from 100000 cells of input on; one beyond 2 million cells, or where other flags rule out an ensemble. best: --recipe auto and --members 8 for any table."`
}

// bestMembers is how many networks --preset best trains. It is the maximum number of folds.
const bestMembers = 8

// add sets the options that the flags of the call leave open.
func (f *presetFlag) add(o *model.Options, flags *optionFlags) {
	if f.Preset == "quick" {
		if o.Recipe == model.RecipeAuto {
			o.Recipe = model.RecipePlain
		}
		o.Calibrate = o.Calibrate || o.Members <= 1 && flags.text("calibrate") == ""
		return
	}
	if o.Members != 0 {
		return
	}
	if o.Members = model.AutoMembers; f.Preset == "best" {
		o.Members = bestMembers
	}
	o.Shrink = o.Shrink || flags.text("shrink") == ""
}

var errOneNetwork = usagef("--queue: workers train the members of an ensemble, and this call trains one network: give --members K, or leave --queue out")

// queueable refuses a call whose work cannot go to a queue.
func (c *trainCmd) queueable(o model.Options) error {
	switch {
	case o.Members == 0 || o.Members == 1:
		return errOneNetwork
	case c.RunDir != "":
		return usagef("--queue: the members' checkpoints would stay on other machines: leave --run or --queue out")
	case c.Config != "":
		return usagef("--queue: workers cannot read the file of --config: write its flags out")
	case c.Data.isStdin():
		return usagef("--queue: other machines cannot read this standard input; name a file")
	}
	return nil
}

// bagging is the training of an ensemble.
type bagging struct {
	f         *model.Fit
	closeDisk func()
}

// share reads the tables of another process's training.
func (c *trainCmd) share(e *env, find func(path string) string) (pieces, error) {
	c.locate(c.Data, find)
	disk, closeDisk, err := c.workDisk()
	if err != nil {
		return nil, err
	}
	c.disk = disk
	f, err := (&training{trainCmd: c, env: e}).read()
	if err != nil {
		closeDisk()
		return nil, err
	}
	return &bagging{f, closeDisk}, nil
}

// head returns all that the members depend on.
func (b *bagging) head() (any, error) {
	head := struct {
		Data map[string]string `json:"data"`
		model.Options
	}{b.f.Fingerprints(), b.f.Options}
	head.Threads, head.MaxTime = 0, 0
	return head, nil
}

// piece trains a member.
func (b *bagging) piece(ctx context.Context, work []byte) (any, string, error) {
	var k int
	if err := json.Unmarshal(work, &k); err != nil {
		return nil, "", err
	}
	run, err := b.f.TrainMember(ctx, k)
	if err != nil {
		return nil, "", asUsage(err)
	}
	return packed(run)
}

func (b *bagging) close() {
	b.f.Release()
	b.closeDisk()
}

// memberFlag chooses one network of an ensemble.
type memberFlag struct {
	Member *int `placeholder:"N" help:"Which network of an ensemble, from 0. Default: 0; for shap, plot --column and export the mean of all."`
}

// of returns the chosen network, and a sentence about it if there are others.
func (f *memberFlag) of(path string, m *model.Model) (one *model.Model, note string, err error) {
	members, n := m.Members(), 0
	if f.Member != nil {
		n = *f.Member
	}
	switch {
	case members == nil && n == 0:
		return m, "", nil
	case members == nil:
		return nil, "", usagef("--member %d: %s is one network; leave it out", n, path)
	case n < 0 || n >= len(members):
		return nil, "", usagef("--member %d: %s has the members 0 to %d", n, path, len(members)-1)
	}
	return members[n], fmt.Sprintf("member %d of the %d networks of %s; the model predicts the mean of all", n, len(members), path), nil
}

// named returns the network that --member names, and says so on standard error. Without the flag it returns
// the model itself.
func (f *memberFlag) named(e *env, path string, m *model.Model) (*model.Model, error) {
	if f.Member == nil {
		return m, nil
	}
	one, note, err := f.of(path, m)
	if note != "" {
		fmt.Fprintf(e.remarks(), "gradus: this is %s\n", note)
	}
	return one, err
}

// memberJSON is what --json says about a member.
type memberJSON struct {
	Member        int             `json:"member"`
	Seed          uint64          `json:"seed"`
	Rows          model.Rows      `json:"rows"` // validation: the rows of its fold
	Epochs        int             `json:"epochs"`
	BestEpoch     *int            `json:"best_epoch"`
	StopReason    string          `json:"stop_reason"`
	Seconds       float64         `json:"seconds"`
	OutOfFold     *metrics.Report `json:"out_of_fold"` // on the rows of its fold; null if all members share the validation rows
	Validation    *metrics.Report `json:"validation,omitempty"`
	Test          *metrics.Report `json:"test"`
	WeightsSHA256 string          `json:"weights_sha256"`
}

// membersJSON returns the members of an ensemble, or nil for a single network.
func membersJSON(m *model.Model) (all []memberJSON) {
	for k, one := range m.Members() {
		t := one.Training
		j := memberJSON{
			Member: k, Seed: one.Options.Seed, Rows: t.Rows, Epochs: t.Epochs, StopReason: t.Reason, Seconds: t.Seconds,
			Test: t.Metrics.Test, WeightsSHA256: one.WeightsSHA256(),
		}
		if j.Validation = t.Metrics.Validation; m.Training.Metrics.OutOfFold != nil {
			j.OutOfFold, j.Validation = j.Validation, nil
		}
		if t.BestEpoch > 0 {
			j.BestEpoch = &t.BestEpoch
		}
		all = append(all, j)
	}
	return all
}

// writeMembers prints a line for each member: its rows and epochs, and its scores on its fold and on
// the test rows.
func writeMembers(e *env, m *model.Model) {
	if m.Members() == nil {
		return
	}
	own := "fold"
	if m.Training.Metrics.OutOfFold == nil {
		own = "validation"
	}
	best, _ := m.Members()[0].Training.Metrics.Best()
	g := grid{rows: [][]string{{"", "rows", "epochs", "best", "seconds"}}}
	parts := []struct {
		name string
		of   func(model.Metrics) *metrics.Report
	}{
		{own, func(t model.Metrics) *metrics.Report { return t.Validation }},
		{"test", func(t model.Metrics) *metrics.Report { return t.Test }},
	}
	const most = 2 // scores for each part of the rows
	names := best.Scores[:min(most, len(best.Scores))]
	for _, p := range parts {
		if p.of(m.Members()[0].Training.Metrics) == nil {
			continue
		}
		for _, s := range names {
			g.rows[0] = append(g.rows[0], p.name+" "+s.Name)
		}
	}
	for k, one := range m.Members() {
		t := one.Training
		epoch := "-"
		if t.BestEpoch > 0 {
			epoch = strconv.Itoa(t.BestEpoch)
		}
		cells := []string{fmt.Sprintf("member %d", k), strconv.Itoa(t.Rows.Train), strconv.Itoa(t.Epochs), epoch, fmt.Sprintf("%.2f", t.Seconds)}
		for _, p := range parts {
			report := p.of(t.Metrics)
			if report == nil {
				continue
			}
			for _, s := range names {
				if v, ok := report.Get(s.Name); ok {
					cells = append(cells, short(v))
				} else {
					cells = append(cells, "-")
				}
			}
		}
		g.add(cells...)
	}
	e.printf("\n")
	e.writeGrid(g)
}

// memberLines reports an ensemble's members as they end.
type memberLines struct {
	w     io.Writer
	all   int
	ended int
}

func (*memberLines) show(train.Step) {}
func (*memberLines) done()           {}

func (l *memberLines) end(k int, f *model.Fit) {
	l.ended++
	r := f.Result()
	text := fmt.Sprintf("member %d: %s", k, plural.Of(r.Epochs, "epoch"))
	if r.BestEpoch > 0 {
		name := "loss"
		if s := scoreName(f); s != "" {
			name = s
		}
		text += fmt.Sprintf(", the best is %d with %s %s", r.BestEpoch, name, short(r.BestScore))
	}
	fmt.Fprintf(l.w, "%s (%d of %d members)\n", text, l.ended, l.all)
}

// memberCurves draws all members in one picture: the validation score of each, or its loss if there is no
// score.
func memberCurves(title string, courses []train.History) plot.Chart {
	c := curves(title, nil, 0)
	c.Series, c.Mark = nil, nil
	for k, h := range courses {
		s := plot.Series{Name: fmt.Sprintf("member %d", k)}
		for _, p := range h {
			y := p.Validation
			if y != y {
				y = p.Loss
			}
			s.X, s.Y = append(s.X, float64(p.Epoch)), append(s.Y, y)
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// modelCurves draws a model's training.
func modelCurves(m *model.Model) plot.Chart {
	if m.Members() == nil {
		return curves("Learning curves", m.Training.History, m.Training.BestEpoch)
	}
	var all []train.History
	for _, one := range m.Members() {
		all = append(all, one.Training.History)
	}
	return memberCurves(membersTitle(len(all)), all)
}

func membersTitle(n int) string {
	return fmt.Sprintf("Learning curves of %s: the score that chooses the epoch", plural.Of(n, "member"))
}
