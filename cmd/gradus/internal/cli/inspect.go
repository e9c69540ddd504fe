package cli

import (
	"fmt"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// inspectCmd is "gradus inspect DATA".
type inspectCmd struct {
	Data       paths `arg:"" sep:"none" help:"A table in a file, several files, a folder of them, or a database; see gradus help reading."`
	tableFlags `embed:""`

	SampleWeight name `placeholder:"COL" group:"rows" help:"A column of weights, one for each row. It is not an input, and rows of weight 0 are left out."`
	Group        name `placeholder:"COL" group:"rows" help:"A column of groups: the rows of a group are held out together. It is not an input."`

	JSON  bool `name:"json" help:"One JSON object on standard output, and nothing else there."`
	Quiet bool `help:"No progress."`
}

// inspectJSON is what --json prints.
type inspectJSON struct {
	Data        string             `json:"data"`
	Rows        int                `json:"rows"`
	Format      string             `json:"format"`
	Task        data.Task          `json:"task"`
	Target      []string           `json:"target"`
	Classes     []string           `json:"classes,omitempty"`
	Unlabeled   int                `json:"unlabeled"`
	Columns     []data.Description `json:"columns"`
	Notes       []string           `json:"notes"`
	Fingerprint string             `json:"fingerprint"`
}

func (c *inspectCmd) Run(e *env) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	o.SampleWeight, o.Group = string(c.SampleWeight), string(c.Group)
	c.show(e, c.Quiet)
	t, err := c.readSilently(e, c.Data...)
	if err != nil {
		return err
	}
	s, notes, err := model.Inspect(t, o)
	if err != nil {
		return asUsage(err)
	}
	const most = 5
	described := s.Describe(most)
	if c.JSON {
		out := inspectJSON{
			Data: t.Name(), Rows: t.Rows(), Format: t.Format(), Task: s.Task, Unlabeled: s.Unlabeled, Classes: s.Targets[0].Classes,
			Columns: described, Notes: option.Notes(notes), Fingerprint: t.Fingerprint(),
		}
		for i, d := range described {
			if d.Why != nil {
				described[i].Why = data.Notef("%s", option.Note(d.Why)) // with options as flags
			}
		}
		for _, y := range s.Targets {
			out.Target = append(out.Target, y.Name)
		}
		return e.writeJSON(out)
	}
	writeData(e.text(), t, s, notes)
	e.printf("\n")
	for _, d := range described {
		what := d.Role
		if d.Kind != "" {
			what = fmt.Sprintf("%s %s", d.Role, d.Kind)
		}
		parts := []string{fmt.Sprintf("%d distinct", d.Distinct)}
		if d.Unread {
			parts = []string{"not read"}
		}
		if d.Missing > 0 {
			parts = append(parts, fmt.Sprintf("%d missing", d.Missing))
		}
		if d.Min != "" {
			parts = append(parts, fmt.Sprintf("from %s to %s", d.Min, d.Max))
		}
		if d.Median != "" {
			parts = append(parts, "median "+d.Median)
		}
		var shown []string
		for _, l := range d.Levels {
			shown = append(shown, fmt.Sprintf("%s (%d)", cut(l.Name, 24), l.Cells))
		}
		for _, x := range d.Examples {
			shown = append(shown, cut(x, 24))
		}
		if d.Distinct > len(shown) {
			shown = append(shown, "...")
		}
		e.printf("%s: %s, %s\n", d.Name, what, strings.Join(parts, ", "))
		if len(shown) > 0 {
			e.printf("  %s\n", strings.Join(shown, ", "))
		}
		if d.Why != nil {
			e.printf("%s\n", e.wrap(option.Note(d.Why), "  "))
		}
	}
	return nil
}
