package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// notebookCmd is "gradus notebook".
type notebookCmd struct {
	Seed uint64 `default:"${notebook_seed}" help:"Decides the starting weights."`
	Dir  string `short:"o" name:"out" placeholder:"DIR" help:"Draw each run's network and error in this folder."`
	JSON bool   `name:"json" help:"One JSON object on standard output."`
}

func (c *notebookCmd) Run(e *env) error {
	e.watch()
	runs, err := lesson.Notebook(e.ctx, c.Seed)
	if err != nil {
		if errors.Is(err, train.ErrInterrupted) {
			return status(statusInterrupted)
		}
		return err
	}
	if c.Dir != "" {
		if err := c.draw(e, runs); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.writeJSON(struct {
			Seed        uint64              `json:"seed"`
			Experiments []lesson.Experiment `json:"experiments"`
		}{c.Seed, runs})
	}
	e.printf("%s\n", e.wrap(fmt.Sprintf("The seed notebook's experiments, run again from seed %d: sigmoid units without bias, "+
		"weights uniform in [-1, 1), half the squared error summed over the batch, tolerance 0.001.", c.Seed), ""))
	section := ""
	for _, x := range runs {
		if x.Section != section {
			section = x.Section
			e.printf("\n## %s\n", section)
		}
		printExperiment(e, x)
	}
	if c.Dir != "" {
		e.printf("\nPictures %s\n", c.Dir)
	}
	return nil
}

func printExperiment(e *env, x lesson.Experiment) {
	r := x.Result
	e.printf("\n%s\n", e.wrap(strings.ToUpper(x.Name[:1])+x.Name[1:]+". "+x.What, ""))
	left := []string{"The notebook printed"}
	if x.Printed == "" {
		left = append(left, "nothing: it has no such run")
	} else {
		for _, line := range strings.Split(x.Printed, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				left = append(left, line)
			}
		}
	}
	ended := "stopped at the limit"
	if r.Converged {
		ended = "converged"
	}
	right := []string{"Here"}
	for _, s := range r.Samples {
		state := "converged"
		if !s.Converged {
			state = "not converged"
		}
		right = append(right, fmt.Sprintf("row %d: output %.7g, MSE %.3g, %d epochs, %s", s.Row, s.Output, s.MSE, s.Epochs, state))
	}
	for i, y := range r.Outputs {
		right = append(right, fmt.Sprintf("output %-12.8g (target %g)", y, r.Targets[i]))
	}
	right = append(right, fmt.Sprintf("MSE over all rows %.6g", r.MSE), fmt.Sprintf("%d epochs, %d updates, %s", r.Epochs, r.Updates, ended))
	const leftWidth, rightWidth = 40, 34 // with the indent and the gap 80
	left, right = wrapLines(left, leftWidth), wrapLines(right, rightWidth)
	g := grid{rows: [][]string{nil}, align: "ll", indent: 4}
	for i := range max(len(left), len(right)) {
		g.add(fmt.Sprintf("%-*s", leftWidth, cell(left, i)), cell(right, i))
	}
	e.writeGrid(g)
	for _, k := range x.Known {
		e.printf("%s\n", e.wrap(k, "  - "))
	}
	for i, f := range r.Diagnosis {
		if i == 0 {
			e.printf("    The diagnosis of gradus train:\n")
		}
		e.printf("%s\n", e.wrap(findingText(f), fmt.Sprintf("    %d. ", i+1)))
	}
}

// draw writes each experiment's network and error.
func (c *notebookCmd) draw(e *env, runs []lesson.Experiment) error {
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return fmt.Errorf("--out: the folder %s cannot be made: %w", c.Dir, err)
	}
	figures := map[string]plot.Figure{}
	for i, x := range runs {
		name := fmt.Sprintf("%d-%s", i+1, strings.NewReplacer(" ", "-", ",", "", "\"", "").Replace(x.Name))
		loss := plot.Series{Name: "loss"}
		for _, p := range x.Result.History {
			loss.X, loss.Y = append(loss.X, float64(p.Epoch)), append(loss.Y, p.Loss)
		}
		chart := plot.Chart{Title: x.What, XLabel: "epoch", YLabel: "loss before the epoch's updates", LogX: true, LogY: true, Series: []plot.Series{loss}}
		net := plot.Net{Title: "After: " + x.Name, Inputs: []string{"x1", "x2", "x3"}, Outputs: []string{"y"}, Layers: plotLayers(x.Result.Network)}
		for _, part := range []struct {
			suffix string
			figure plot.Figure
		}{{"loss", chart}, {"network", net}} {
			figures[filepath.Join(c.Dir, name+"-"+part.suffix+".svg")] = part.figure
		}
	}
	for _, path := range slices.Sorted(maps.Keys(figures)) {
		if err := atomicfile.Write(path, func(w io.Writer) error { return plot.Write(w, "svg", figures[path]) }); err != nil {
			return err
		}
	}
	return nil
}
